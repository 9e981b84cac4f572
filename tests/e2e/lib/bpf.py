# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel holds: programs at TC hooks, and the objects that belong to a process."""

import ctypes
import json
import os
import platform
import re
import struct
from pathlib import Path

from . import net, process

SYSCALL = {"x86_64": 321, "aarch64": 280}
BPF_PROG_QUERY = 16  # include/uapi/linux/bpf.h, as the next two
TCX = {"ingress": 46, "egress": 47}
ROOM = 64

KINDS = {"prog": "prog_id", "map": "map_id", "link": "link_id"}

# No header is needed, so that it compiles wherever there is clang.
FOREIGN = """
__attribute__((section("classifier"), used)) int foreign(void *skb) { return -1; /* next filter */ }
__attribute__((section("license"), used)) char _license[] = "GPL";
"""


def tcx_programs(interface, direction):
    """Ids of the programs on a TCX hook; none on kernels older than 6.6."""
    ids = (ctypes.c_uint32 * ROOM)()
    attr = ctypes.create_string_buffer(struct.pack(
        "=IIIIQI", net.ifindex(interface), TCX[direction], 0, 0, ctypes.addressof(ids), ROOM), 64)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(SYSCALL[platform.machine()], BPF_PROG_QUERY, attr, len(attr)) != 0:
        return []
    return list(ids)[:struct.unpack_from("=I", attr, 24)[0]]


def clsact_programs(interface, direction):
    shown = process.command("tc", "filter", "show", "dev", interface, direction, check=False)
    return [int(number) for number in re.findall(r"\bid (\d+)\b", shown.stdout)]


def attached(interface):
    """Ids of all programs at the interface's TC hooks, here: {direction: [id…]}."""
    return {direction: tcx_programs(interface, direction) + clsact_programs(interface, direction)
            for direction in TCX}


def held_by(pid):
    """The BPF objects that a process and its children have open: {kind: {id…}}."""
    held = {kind: set() for kind in KINDS}
    for one in [pid, *process.children_of(pid)]:
        for info in Path(f"/proc/{one}/fdinfo").iterdir():
            try:
                text = info.read_text()
            except OSError:
                continue
            for kind, key in KINDS.items():
                held[kind].update(map(int, re.findall(rf"^{key}:\s*(\d+)$", text, re.M)))
    return held


def alive():
    """The ids of all BPF objects of the kernel, by kind."""
    found = {}
    for kind in KINDS:
        shown = process.command("bpftool", "-j", kind, "show", check=False)
        # Old kernels have no links; bpftool 7.1 may not know a new kernel's types: read only ids.
        found[kind] = set(map(int, re.findall(r'"id":\s*(\d+),"type"', shown.stdout)))
        if not found[kind] and shown.returncode == 0 and shown.stdout.strip():
            found[kind] = {entry["id"] for entry in json.loads(shown.stdout)}
    return found


def pinned():
    root = Path("/sys/fs/bpf")
    return {str(path) for path in root.rglob("*")} if os.path.ismount(root) else set()


def foreign_filter(directory, interface):
    """Another program's clsact with a filter in each direction. Returns attached() of it."""
    source, built = directory / "foreign.c", directory / "foreign.o"
    source.write_text(FOREIGN)
    process.command("clang", "-O2", "-target", "bpf", "-c", source, "-o", built)
    process.command("tc", "qdisc", "replace", "dev", interface, "clsact")
    before = attached(interface)
    for direction in TCX:
        process.command("tc", "filter", "add", "dev", interface, direction, "bpf",
                        "direct-action", "obj", built, "sec", "classifier")
    made = {way: [number for number in ids if number not in before[way]]
            for way, ids in attached(interface).items()}
    assert all(len(ids) == 1 for ids in made.values()), made
    return made
