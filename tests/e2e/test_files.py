# SPDX-License-Identifier: BSD-2-Clause
"""Files that a user names to a program that runs as root: nothing hangs, follows a trap or acts on a device."""

import json
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from lib import process, terminal, trace, wait

CAPTURE = Path(__file__).resolve().parents[1] / "golden/captures/tls12.pcap"
NOBODY = 65534


@pytest.fixture
def shared(stage):
    """A directory as /tmp is: everybody may create files in it, only owners may remove theirs."""
    directory = stage.directory / "shared"
    directory.mkdir()
    directory.chmod(0o1777)
    return directory


def write_to(path, *more):
    return terminal.run("-r", CAPTURE, "-o", "json", *more, "--output-file", path)


def one_line(done):
    assert done.returncode == 1 and not done.stdout, done
    [line] = done.stderr.splitlines()
    return line


def test_size_limit_is_an_error(stage):
    """Not a silent death by SIGXFSZ; what fits is there."""
    results = stage.directory / "results"
    done = subprocess.run(["sh", "-c", 'ulimit -f 2; exec "$@"', "sh", trace.program(), "-r", CAPTURE, "-o", "json",
                           "--output-file", results], capture_output=True, text=True, env=process.environment(),
                          timeout=wait.limit(20))
    assert done.returncode == 1, done
    assert "ulimit -f" in done.stderr and "incomplete" in done.stderr, done
    assert 0 < results.stat().st_size <= 1024


@pytest.mark.parametrize("through", [False, True], ids=["link", "link to it"])
def test_link_of_another_user(stage, shared, through):
    victim = stage.directory / "victim"
    victim.write_text("untouched")
    trap = shared / "results"
    trap.symlink_to(victim)
    os.lchown(trap, NOBODY, NOBODY)
    name = stage.directory / "mine"
    name.symlink_to(trap)
    line = one_line(write_to(name if through else trap))
    assert "another user's symbolic link" in line
    assert victim.read_text() == "untouched"


def test_dangling_link_of_another_user(stage, shared):
    victim = stage.directory / "victim"
    trap = shared / "results"
    trap.symlink_to(victim)
    os.lchown(trap, NOBODY, NOBODY)
    assert "another user's symbolic link" in one_line(write_to(trap))
    assert not victim.exists()


def test_file_of_another_user(shared):
    results = shared / "results"
    results.write_text("theirs")
    os.chown(results, NOBODY, NOBODY)
    assert "another user's file" in one_line(write_to(results))
    assert results.read_text() == "theirs"


def test_own_link_is_followed(stage, shared):
    results, link = stage.directory / "results", shared / "link"
    results.touch()
    link.symlink_to(results)
    assert write_to(link).returncode == 0
    assert json.loads(results.read_text().splitlines()[-1])["type"] == "end"


def test_new_file_is_private(stage):
    results = stage.directory / "results"
    old = os.umask(0)
    try:
        assert write_to(results).returncode == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE(results.stat().st_mode) == 0o600


def test_several_outputs(stage):
    table, tree = stage.directory / "table", stage.directory / "tree"
    done = terminal.run("-r", CAPTURE, "-o", f"table={table}", "-o", "json", "-o", f"tree={tree}")
    assert done.returncode == 0, done
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["start", "handshake", "end"]
    assert table.read_text().startswith("TIME") and "server_hello" in tree.read_text()
    for arguments in (["-o", "json", "-o", "tree"], ["-o", f"json={table}", "--output-file", tree]):
        done = terminal.run("-r", CAPTURE, *arguments)
        assert done.returncode == 2 and not done.stdout, done
    done = terminal.run("-r", CAPTURE, "-o", f"json={table}", "-o", f"tree={table}")
    assert "two outputs" in one_line(done)


def test_fifo_that_nobody_reads(stage):
    fifo = stage.directory / "fifo"
    os.mkfifo(fifo)
    assert "start its reader first" in one_line(write_to(fifo))


def test_fifo_with_a_reader(stage):
    fifo = stage.directory / "fifo"
    os.mkfifo(fifo)
    with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb") as reader:
        assert write_to(fifo).returncode == 0
        assert json.loads(reader.read().splitlines()[-1])["type"] == "end"


def device(stage, number):
    path = stage.directory / "device"
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(*number))
    return path


@pytest.mark.parametrize("how", ["write", "read", "link"])
@pytest.mark.parametrize("number", [(5, 2), (10, 130), (1, 11), (9, 0)], ids=["ptmx", "watchdog", "kmsg", "tape"])
def test_devices_are_not_opened(stage, number, how):
    """A watchdog that is opened and closed may restart the machine. Here is none: opening it would fail with ENXIO."""
    path = device(stage, number)
    if how == "link":
        link = stage.directory / "link"
        link.symlink_to(path)
        path = link
    line = one_line(write_to(path) if how == "write" else terminal.run("-r", path))
    assert "opening it may have effects" in line


@pytest.mark.parametrize("path, said", [("/dev", "directory"), ("/nonexistent/file", "No such file"), ("/", "directory")])
def test_wrong_kinds(path, said):
    for done in (write_to(path), terminal.run("-r", path)):
        assert said in one_line(done)


@pytest.mark.parametrize("name", ["/dev/null", "/dev/full"])
def test_harmless_devices(name):
    done = write_to(name)
    assert done.returncode == (1 if name == "/dev/full" else 0), done


def test_standard_streams_by_name():
    assert json.loads(write_to("/dev/stdout").stdout.splitlines()[-1])["type"] == "end"
    assert '"end"' in write_to("/dev/stderr").stderr


def test_reading_a_fifo(stage):
    """It waits for its writer, and meanwhile for Ctrl-C too."""
    fifo = stage.directory / "fifo"
    os.mkfifo(fifo)
    reading = stage.processes.start([trace.program(), "-r", fifo, "-o", "json"], stdout=subprocess.PIPE)
    with open(fifo, "wb") as writer:  # blocks until it is opened for reading
        writer.write(CAPTURE.read_bytes())
    assert json.loads(reading.stdout.read().splitlines()[-1])["seen"] == 1
    assert reading.wait(wait.limit(10)) == 0


def test_reading_a_fifo_is_interrupted(stage):
    fifo = stage.directory / "fifo"
    os.mkfifo(fifo)
    reading = stage.processes.start([trace.program(), "-r", fifo])
    with open(fifo, "wb"):
        wait.until(lambda: str(fifo) in map(os.path.realpath, open_files(reading.pid)), "it to be opened")
        reading.send_signal(signal.SIGINT)
        assert reading.wait(wait.limit(10)) in (0, 1)


def open_files(pid):
    return [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
