# SPDX-License-Identifier: BSD-2-Clause
"""A running tlstrace: its rows as they come, and the promises every trace must keep."""

import json
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from . import process, shape, wait

ROOT = Path(__file__).resolve().parents[3]


def program():
    return os.environ.get("TLSTRACE") or str(ROOT / "tlstrace")


# Others may use this machine meanwhile: their namespaces are looked at only where a test says so.
HERE = ["-i", "any"]


def flavour(everywhere=False):
    """
    Options that force a flavour of capture for the whole run, and say how far a trace reaches. On a slow
    machine a handshake may be silent for longer than tlstrace waits by default: 32 clients at once under emulation.
    """
    patience = ["--timeout", f"{wait.limit(10):.0f}s"] if wait.SLOW > 1 else []
    return ([] if everywhere else HERE) + patience + shlex.split(os.environ.get("TLSTRACE_ARGS", ""))


class Trace:
    """
    tlstrace -o json, from its start line (tracing is on) to its end line. everywhere: as users run it,
    in all network namespaces; else in the one where the tests run.
    """

    def __init__(self, *arguments, expect_loss=False, namespace=None, everywhere=False,
                 env=None, prefix=()):
        self.expect_loss = expect_loss
        self.arguments = [program(), "-o", "json", *flavour(everywhere), *map(str, arguments)]
        self.lines = []
        self.rows = []
        self.start = self.summary = self.end = self.code = None
        self.changed = threading.Condition()
        self.ended = False
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            process.in_namespace(namespace, [*prefix, *self.arguments]), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.errors, env=process.environment(**env or {}))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        try:
            self.wait_for(lambda: self.start, "the start line")
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}\n{self.report()}") from None

    @property
    def pid(self):
        return self.process.pid

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.take(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def take(self, line):
        self.lines.append(line)
        try:
            event = json.loads(line)
        except ValueError:
            return  # reported by check()
        kind = event.get("type")
        if kind == "handshake":
            self.rows.append(event)
        elif kind == "start":
            self.start = event
        elif kind == "summary":
            self.summary = event
        elif kind == "end":
            self.end = event

    def wait_for(self, condition, what, seconds=15):
        """Wait until condition() holds; it is asked again after each line."""
        deadline = time.monotonic() + wait.limit(seconds)
        with self.changed:
            while not condition():
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    why = "tlstrace ended" if self.ended else "timed out"
                    raise AssertionError(f"{why} waiting for {what}")
                self.changed.wait(left)

    def select(self, port=None, id=None, client_port=None):
        """The rows of a server's port, of a ClientHello's random, of a client's port."""
        return [row for row in self.rows
                if (port is None or row["server"]["port"] == port)
                and (id is None or row["id"] == id)
                and (client_port is None or row["client"]["port"] == client_port)]

    def wait_rows(self, count=1, seconds=15, **which):
        self.wait_for(lambda: len(self.select(**which)) >= count, f"{count} rows of {which}",
                      seconds)
        return self.select(**which)

    def stop(self, how=signal.SIGINT, code=0):
        """End it as a user does, and check what holds for every trace."""
        if self.code is None:
            if how is not None and self.process.poll() is None:
                self.process.send_signal(how)
            self.finish()
            self.check(code)
        return self.end

    def finish(self):
        try:
            self.code = self.process.wait(timeout=wait.limit(15))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("tlstrace does not end\n" + self.report()) from None
        self.reader.join()
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.code = self.process.wait()
        self.reader.join()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def report(self):
        lines = b"".join(self.lines[:60]).decode(errors="replace")
        return f"$ {shlex.join(self.arguments)}\nstderr: {self.stderr()}\nstdout: {lines}"

    def check(self, code=0):
        events = [json.loads(line) for line in self.lines]
        kinds = [event["type"] for event in events]
        assert kinds[0] == "start" and kinds[-1] == "end", kinds
        assert set(kinds[1:-1]) <= {"handshake", "summary"}, set(kinds)
        assert self.code == code, f"exit status {self.code}\n{self.report()}"
        found = shape.problems(self.start, shape.START) + shape.problems(self.end, shape.FINISH)
        for row in self.rows:
            found += shape.row_problems(row)
        assert not found, "\n".join(found[:20])
        self.check_account()

    def check_account(self):
        end, lost = self.end, sum(self.end["lost"].values())
        assert end["reported"] == len(self.rows), end
        assert end["seen"] == end["reported"] + end["filtered"] + lost, end
        outcomes = {name: sum(row["outcome"] == name for row in self.rows)
                    for name in end["handshakes"]}
        assert end["handshakes"] == outcomes, (end, outcomes)
        assert bool(lost) == self.expect_loss, end
