# SPDX-License-Identifier: BSD-2-Clause
"""Starting real programs so that their pid is known, and ending exactly those."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import wait

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
PYTHON = "/usr/bin/python3"
# include/net/tcp_states.h, as /proc/net/tcp and udp print it: LISTEN; a UDP socket is CLOSE until it connects.
LISTENING = {"tcp": "0A", "udp": "07"}


def environment(**more):
    """Nothing of the caller's may change what a program offers: no proxy, no OpenSSL settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1", **more}


def in_namespace(namespace, argv):
    """namespace: the name of a network namespace, or options for nsenter."""
    if not namespace:
        return list(argv)
    options = [f"--net=/run/netns/{namespace}"] if isinstance(namespace, str) else namespace
    # nsenter executes the program in its own place: the pid stays that of Popen.
    return ["nsenter", *options, "--", *argv]


def helper(name, *argv):
    return [PYTHON, str(HELPERS / name), *map(str, argv)]


def free_port(namespace=None):
    """A port nobody listens on; in a namespace that the test made, all of them are free."""
    with socket.socket(socket.AF_INET6) as probe:
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        probe.bind(("::", 0))
        return probe.getsockname()[1]


def children_of(pid):
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def listens(pid, port, transport="tcp"):
    """Whether a socket listens on port in the network namespace of pid."""
    for table in (transport, transport + "6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state = line.split()[:4]
            if state == LISTENING[transport] and int(local.rsplit(":", 1)[1], 16) == port:
                return True
    return False


@dataclass
class Finished:
    """What is known of a program that has ended."""
    pid: int
    comm: str
    code: int
    output: bytes
    errors: bytes

    def ok(self):
        assert self.code == 0, f"{self.comm} exited with {self.code}: {self.errors.decode()}"
        return self


@dataclass
class Processes:
    """Everything that a test started; end() stops all of it."""
    directory: Path
    started: list = field(default_factory=list)

    def start(self, argv, namespace=None, stdin=subprocess.DEVNULL, stdout=None, env=None,
              own_group=False):
        """Start a program; its output goes to files unless stdout says otherwise."""
        log = open(self.directory / f"process-{len(self.started)}.log", "wb")
        with log:
            process = subprocess.Popen(
                in_namespace(namespace, argv), stdin=stdin, stdout=stdout or log, stderr=log,
                env=env or environment(), cwd=self.directory,
                process_group=0 if own_group else None)
        process.log = Path(log.name)
        self.started.append(process)
        return process

    def run(self, argv, namespace=None, input=b"", seconds=30, env=None):
        """Run a program to its end."""
        process = subprocess.Popen(
            in_namespace(namespace, argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=env or environment(), cwd=self.directory)
        try:
            output, errors = process.communicate(input, timeout=wait.limit(seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            raise AssertionError(f"{argv} does not end; it said {output!r} {errors!r}") from None
        return Finished(process.pid, os.path.basename(argv[0]), process.returncode, output, errors)

    def wait_listening(self, process, port, transport="tcp"):
        def ready():
            if process.poll() is not None:
                raise AssertionError(f"{process.args} exited with {process.returncode}: "
                                     + process.log.read_text(errors="replace"))
            return listens(process.pid, port, transport)
        wait.until(ready, f"{process.args} to listen on {port}")

    def end(self):
        # The newest first: clients before the servers they talk to.
        for process in reversed(self.started):
            end_process(process)
        self.started.clear()


def end_process(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(timeout=wait.limit(3))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            try:
                pipe.close()
            except OSError:
                print("unwritten input of", process.args, file=sys.stderr)


def command(*argv, check=True, namespace=None):
    """Run a system tool; what it says is in the error."""
    done = subprocess.run(in_namespace(namespace, map(str, argv)), capture_output=True, text=True,
                          env=environment(), stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
    return done.stdout if check else done
