# SPDX-License-Identifier: BSD-2-Clause
"""tlstrace as a person runs it: its text, in a pipe or on a terminal of a given width."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios
import threading

from . import process, trace, wait

ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class TextRun:
    """tlstrace with any arguments; columns: on a terminal of that width, else in a pipe."""

    def __init__(self, *arguments, columns=None, env=()):
        self.arguments = [trace.program(), *trace.flavour(), *map(str, arguments)]
        self.output = b""
        self.errors = tempfile.TemporaryFile()
        ours, theirs = self.terminal(columns) if columns else os.pipe()
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=theirs, stderr=self.errors,
            env=process.environment(TERM="xterm", **dict(env)))
        os.close(theirs)
        self.reader = threading.Thread(target=self.read, args=(ours,), daemon=True)
        self.reader.start()

    @staticmethod
    def terminal(columns):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        return ours, theirs

    def read(self, source):
        with os.fdopen(source, "rb", buffering=0) as stream:
            while True:
                try:
                    data = stream.read(65536)
                except OSError:  # EIO: the other side of the terminal is closed
                    return
                if not data:
                    return
                self.output += data

    def wait_for(self, text, act):
        """Do act() until text is printed: text output has no line that says that tracing is on."""
        for _ in range(20):
            act()
            try:
                wait.until(lambda: text in ESCAPE.sub(b"", self.output), text, 1)
                return self
            except AssertionError:
                assert self.process.poll() is None, self.report()
        raise AssertionError(f"{text!r} is never printed\n{self.report()}")

    def stop(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=wait.limit(15))
        self.reader.join()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join()

    def lines(self):
        """What a person sees: without colour, one string per line."""
        return ESCAPE.sub(b"", self.output).decode().replace("\r", "").splitlines()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def report(self):
        return f"{self.arguments}\nstderr: {self.stderr()}\nstdout: {self.output!r}"


def run(*arguments, prefix=(), program=None, env=()):
    """Run tlstrace to its end, which it is expected to reach by itself."""
    return subprocess.run([*prefix, program or trace.program(), *map(str, arguments)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=process.environment(**dict(env)), timeout=wait.limit(20))
