# SPDX-License-Identifier: BSD-2-Clause
"""Bare systems to install packages on, and a handshake to trace there."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from lib import debian  # noqa: E402


def run(*command, **keywords):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=300, **keywords)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@contextlib.contextmanager
def mounted(*arguments):
    run("mount", *map(str, arguments))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(arguments[-1])], check=True)


class System:
    """A release of Debian with nothing but its base, in a layer that is thrown away."""

    def __init__(self, path):
        self.path = path
        self.mounts = contextlib.ExitStack()

    def mount(self, archives):
        """What programs in it need."""
        self.mounts.enter_context(mounted("-t", "proc", "proc", self.path / "proc"))
        self.mounts.enter_context(mounted("--rbind", "--make-rslave", "/sys", self.path / "sys"))
        self.mounts.enter_context(mounted("--bind", archives, self.path / "var/cache/apt/archives"))

    def unmount(self):
        """For a runtime that mounts these itself, and at the end."""
        self.mounts.close()

    def command(self, *command):
        return ["chroot", str(self.path), *command]

    def run(self, *command):
        return run(*self.command(*command))

    def put(self, file, name=None):
        target = self.path / (name or pathlib.Path(file).name)
        shutil.copy2(file, target)
        return "/" + str(target.relative_to(self.path))


@contextlib.contextmanager
def system(suite):
    try:
        lower = debian.root(suite)
    except (debian.Unavailable, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"NO BARE SYSTEM: {suite} cannot be had: {error}")
    archives = debian.cache_directory() / f"{suite}-archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="tlstrace-system."))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        root = folder / "root"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        stack.enter_context(mounted(
            "-t", "overlay", "overlay", "-o",
            f"lowerdir={lower},upperdir={folder}/upper,workdir={folder}/work", root))
        made = System(root)
        stack.callback(made.unmount)
        made.mount(archives)
        for name in ("resolv.conf", "hosts"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", root / "etc" / name)
        # Services must not start in a chroot.
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        yield made


@pytest.fixture
def bookworm():
    with system("bookworm") as made:
        yield made


@pytest.fixture
def bullseye():
    with system("bullseye") as made:
        yield made


def wait_for(file, text, process, seconds=30):
    """Until the file has the text; the process that writes it must live so long."""
    limit = time.monotonic() + seconds * float(os.environ.get("TLSTRACE_TEST_SLOW", 1))
    while text not in file.read_text(errors="replace"):
        assert process.poll() is None or text in file.read_text(errors="replace"), file.read_text()
        assert time.monotonic() < limit, f"no {text!r} in time: {file.read_text()}"
        time.sleep(0.02)


@contextlib.contextmanager
def server(folder):
    """A TLS server on loopback; its port."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", folder / "key", "-out", folder / "certificate", "-subj", "/CN=package.example")
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", folder / "certificate",
             "-key", folder / "key", "-www"], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_for(log, "ACCEPT", process)
        yield int(log.read_text().split("ACCEPT")[1].split()[0].rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def trace_one(tmp_path):
    """Traces one handshake with a command such as [chroot, ROOT, tlstrace]; its JSON lines."""
    def trace(command):
        with server(tmp_path) as port:
            error, lines = tmp_path / "stderr", tmp_path / "stdout"
            with error.open("w") as stderr, lines.open("w") as stdout:
                tracer = subprocess.Popen(
                    [*command, "-o", "json", "--port", str(port), "-n", "1", "-d", "30s"],
                    stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
            try:
                wait_for(lines, '"type":"start"', tracer)
                run("curl", "-sk", "--connect-to", f"::127.0.0.1:{port}", "https://package.example/")
                assert tracer.wait(60) == 0, error.read_text()
            finally:
                tracer.kill()
                tracer.wait()
            return lines.read_text()
    return trace
