# SPDX-License-Identifier: BSD-2-Clause
"""
fake_manager.py NAME OPTIONS... -- ARGV...: what any user can do, a program that looks like the manager of a
container. It calls itself NAME, has OPTIONS as arguments, and runs ARGV as its child, in a pid namespace of its own
if it may. With FUSE=DEVICE in the environment, it first mounts a file system that it serves, under an overlayfs, below
/mnt. A process that looks there for a file of JSON waits until this program ends. It prints "hangs" when one does.
"""

import ctypes
import os
import signal
import struct
import sys
import threading

NEWUSER, NEWNS, NEWPID = 0x10000000, 0x00020000, 0x20000000
REC_PRIVATE = 0x44000
# linux/fuse.h
LOOKUP, FORGET, GETATTR, STATFS, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 17, 26, 36, 42
ENOSYS = 38
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if getattr(libc, name)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def become_root(extra):
    uid, gid = os.getuid(), os.getgid()
    call("unshare", NEWUSER | extra)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def attributes(node):
    """struct fuse_attr of a directory."""
    return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)


def answer(opcode, node, data, nodes):
    if opcode == INIT:
        return struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, 0, *[0] * 7)
    if opcode == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node)
    if opcode == LOOKUP:
        number = nodes.setdefault((node, data), len(nodes) + 2)
        return struct.pack("<QQQQII", number, 0, 0, 0, 0, 0) + attributes(number)
    if opcode == STATFS:
        return struct.pack("<5Q10I", 0, 0, 0, 0, 0, 4096, 255, 4096, *[0] * 7)
    return None


def serve(device):
    nodes = {}
    while True:
        request = os.read(device, 1 << 16)
        _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
        data = request[40:]
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            continue
        if opcode == LOOKUP and data.endswith(b".json\0"):
            print("hangs", flush=True)
            continue
        body = answer(opcode, node, data, nodes)
        os.write(device, struct.pack("<IiQ", 16 + len(body or b""), 0 if body is not None else -ENOSYS, unique)
                 + (body or b""))


def mount(source, target, kind, options=b"", flags=0):
    call("mount", source, target, kind, flags, options)


def files_mount(device):
    device = os.open(device, os.O_RDWR)
    mount(None, b"/", None, None, REC_PRIVATE)
    mount(b"none", b"/mnt", b"tmpfs")
    for name in ("files", "empty", "all"):
        os.mkdir(f"/mnt/{name}")
    mount(b"tlstrace", b"/mnt/files", b"fuse", b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device)
    if os.fork() == 0:
        call("prctl", 1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with the manager
        serve(device)
    mount(b"none", b"/mnt/all", b"overlay", b"lowerdir=/mnt/files:/mnt/empty")


def main():
    end = sys.argv.index("--")
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(sys.argv[1])
    if os.getuid():
        become_root(NEWNS)
    if os.environ.get("FUSE"):
        files_mount(os.environ["FUSE"])
    call("unshare", NEWPID)
    child = os.fork()
    if child == 0:
        os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
    print("started", flush=True)
    # Whoever serves files goes on until this ends.
    threading.Event().wait() if os.environ.get("STAY") else os.waitpid(child, 0)


main()
