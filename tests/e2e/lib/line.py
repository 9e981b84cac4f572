# SPDX-License-Identifier: BSD-2-Clause
"""Many delay lines between one namespace of clients and one of servers, and what each line wrote down.

Truth is from the lines' own diaries, never from tlstrace: see line_truth.py.
"""

import contextlib
import ipaddress
import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from . import process, wait
from .trace import ROOT

NETWORK = ipaddress.ip_network("198.51.100.0/24")  # /31 for each line: 128 of them
LINE = Path(os.environ.get("TLSTRACE_LINE") or ROOT / "build" / "line")
SYSCTLS = ["net.ipv4.tcp_no_metrics_save=1",  # one case must not teach the next
           "net.ipv4.tcp_fastopen=3", "net.ipv6.conf.default.disable_ipv6=1"]


@dataclass
class Packet:
    """A TCP or UDP packet as the line took it; outs is empty where it was dropped."""
    number: int
    at: int
    sender: str
    protocol: str
    source: int
    target: int
    flags: int
    sequence: int
    acknowledgement: int
    length: int
    nth: int
    attempt: int
    hello: bool
    outs: list = field(default_factory=list)
    dropped: str = None

    @property
    def syn(self):
        return bool(self.flags & 2)

    @property
    def ack(self):
        return bool(self.flags & 16)


class Line:
    """One line, from when its devices are there until stop()."""

    def __init__(self, number, clients, servers):
        self.client, self.server = (str(NETWORK[2 * number + side]) for side in range(2))
        self.devices = (f"lc{number}", f"ls{number}")
        self.ready, self.packets, self.unused = threading.Event(), {}, []
        self.marked, self.marked_at = threading.Event(), 0
        self.process = subprocess.Popen(
            [LINE, clients, self.devices[0], servers, self.devices[1]], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=process.environment(), text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for text in self.process.stdout:
            kind, *words = text.split()
            if kind == "ready":
                self.ready.set()
            elif kind == "in":
                packet = Packet(int(words[1]), int(words[0]), *words[2:4], *map(int, words[4:12]),
                                words[12] == "1")
                self.packets[packet.number] = packet
            elif kind == "out":
                self.packets[int(words[1])].outs.append(int(words[0]))
            elif kind == "drop":
                self.packets[int(words[1])].dropped = words[2]
            elif kind == "mark":
                self.marked_at = int(words[0])
                self.marked.set()
            elif kind == "rule" and words[1] == "0":
                self.unused.append(int(words[0]))

    def mark(self):
        """A time, ns, after all packets that were sent before this call."""
        self.marked.clear()
        self.rule("mark")
        assert self.marked.wait(wait.limit(5)), "the line does not answer"
        return self.marked_at

    def rule(self, *rules):
        for text in rules:
            self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.reader.join()


class Lines:
    """Lines, the two namespaces that they join, and their addresses; neighbours are known without ARP."""

    def __init__(self, network, count):
        self.clients, self.servers = network.namespace(), network.namespace()
        for namespace in (self.clients, self.servers):
            process.command("sysctl", "-q", "-w", *SYSCTLS, namespace=namespace)
        self.lines = [Line(number, self.clients, self.servers) for number in range(count)]
        for line in self.lines:
            assert line.ready.wait(wait.limit(10)), "a line is not ready"
        for side, namespace in enumerate((self.clients, self.servers)):
            self.configure(side, namespace)

    def configure(self, side, namespace):
        links = {link["ifname"]: link["address"]
                 for where in (self.clients, self.servers)
                 for link in json.loads(process.command("ip", "-j", "link", "show", namespace=where))}
        batch = []
        for line in self.lines:
            here, there = line.devices[side], line.devices[not side]
            own, other = (line.client, line.server)[::-1 if side else 1]
            batch += [f"link set {here} up", f"address add {own}/31 dev {here}",
                      f"neigh replace {other} lladdr {links[there]} dev {here} nud permanent"]
        subprocess.run(process.in_namespace(namespace, ["ip", "-batch", "-"]), check=True,
                       input="\n".join(batch), text=True, capture_output=True)

    def stop(self):
        for line in self.lines:
            line.stop()


class Dump:
    """tcpdump on all interfaces of a namespace."""

    def __init__(self, file, namespace):
        self.file = file
        self.process = subprocess.Popen(
            process.in_namespace(namespace, [
                "tcpdump", "-Z", "root", "-n", "-i", "any", "-U", "--immediate-mode", "-s", "0",
                "-B", "65536", "--time-stamp-precision=nano", "-w", str(file), "tcp or udp"]),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=process.environment())
        said = b""
        while b"listening on" not in said:
            line = self.process.stderr.readline()
            assert line, f"tcpdump: {said.decode()}"
            said += line

    def stop(self):
        process.end_process(self.process)
        said = self.process.stderr.read().decode()
        assert "0 packets dropped by kernel" in said, said
