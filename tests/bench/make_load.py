# SPDX-License-Identifier: BSD-2-Clause
"""A capture of many real handshakes: made once by handshakes.c and tcpdump, kept under build/."""

import contextlib
import hashlib
import os
import struct
import subprocess
import time

from common import BenchError, PREFIX, run, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 50000
PORT = 4433
# Each pair of addresses has 64,000 ports, and each connection leaves one in TIME_WAIT.
ADDRESSES = [f"192.0.2.{number}" for number in range(1, 9)]  # RFC 5737
SECONDS = 240


def load_capture(folder):
    """Path of the capture. What made it is in its name: another load is another file."""
    with open(f"{HERE}/handshakes.c", "rb") as source:
        version = hashlib.sha256(source.read()).hexdigest()[:12]
    path = f"{folder}/handshakes-{COUNT}-{version}.pcap"
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        make_capture(folder, path)
    return path


def make_program(folder):
    run("cc", "-O2", "-D_GNU_SOURCE", "-o", f"{folder}/handshakes", f"{HERE}/handshakes.c",
        "-lssl", "-lcrypto", timeout=60)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-days", "3650", "-subj", "/CN=bench.example",
        "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem")


def make_capture(folder, path):
    make_program(folder)
    namespace = f"{PREFIX}-{os.getpid()}-load"
    inside = ("setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{namespace}")
    with contextlib.ExitStack() as stack:
        run("ip", "netns", "add", namespace)
        stack.callback(run, "ip", "netns", "del", namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        for address in ADDRESSES:
            run("ip", "-n", namespace, "address", "add", f"{address}/32", "dev", "lo")
        run(*inside, "sh", "-c", "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range")
        tcpdump = stack.enter_context(capture(inside, f"{path}.new"))
        run(*inside, f"{folder}/handshakes", str(COUNT), str(PORT), f"{folder}/cert.pem",
            f"{folder}/key.pem", *ADDRESSES, timeout=SECONDS)
    if " 0 packets dropped by kernel" not in " " + " ".join(tcpdump.said.split()):
        raise BenchError(f"tcpdump lost packets of the load: {tcpdump.said.strip()}")
    os.rename(f"{path}.new", path)


@contextlib.contextmanager
def capture(inside, path):
    """tcpdump for as long as the block runs."""
    tcpdump = subprocess.Popen(
        [*inside, "tcpdump", "-Z", "root", "-n", "-i", "lo", "-s", "0", "-B", "65536", "-w", path,
         "tcp"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    try:
        # Its file has a header once it is capturing.
        wait_until(lambda: os.path.exists(path) and tcpdump.poll() is None, "tcpdump's start")
        time.sleep(1)
        yield tcpdump
        wait_quiet(path)
    finally:
        tcpdump.terminate()
        tcpdump.said = tcpdump.communicate(timeout=30)[1]


def wait_quiet(path):
    """tcpdump reads the kernel's buffer at least once a second; after that its file is complete."""
    size = -1
    while size != os.path.getsize(path):
        size = os.path.getsize(path)
        time.sleep(2)


def cut_capture(path, part, out):
    """The first 1/part of a capture's bytes, up to a whole packet (pcap's record headers: 16 bytes)."""
    limit = os.path.getsize(path) // part
    with open(path, "rb") as source, open(out, "wb") as target:
        target.write(source.read(24))
        while target.tell() < limit:
            header = source.read(16)
            target.write(header + source.read(struct.unpack("=IIII", header)[2]))
    return out
