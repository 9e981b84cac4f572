# SPDX-License-Identifier: BSD-2-Clause
"""Where results go, and what is said when they cannot: a disk that is full, descriptors that are closed."""

import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
from termios import FIONREAD

import pytest

from lib import process, terminal, trace, wait

CAPTURE = pathlib.Path(__file__).parents[1] / "golden/captures/curl.pcap"
FORMS = ["table", "wide", "tree", "json"]


def shell(script, *arguments):
    """What a shell does with descriptors; "$@" is tlstrace with its arguments."""
    return subprocess.run(["sh", "-c", script, "sh", trace.program(), *map(str, arguments)],
                          capture_output=True, text=True, env=process.environment(),
                          timeout=wait.limit(20))


def cannot_write(done):
    assert done.returncode == 1, done
    [line] = [line for line in done.stderr.splitlines() if "writing" in line]
    assert line.startswith("tlstrace: writing the results to "), line
    return line


@pytest.mark.parametrize("form", FORMS)
def test_full_disk(form):
    """What is not whole must not pass for all there was."""
    assert "No space left" in cannot_write(shell('exec "$@" >/dev/full', "-r", CAPTURE, "-o", form))
    assert "No space left" in cannot_write(
        terminal.run("-r", CAPTURE, "-o", form, "--output-file", "/dev/full"))


def test_full_disk_ends_the_trace():
    """Where nothing can be written there is nothing to wait for."""
    cannot_write(terminal.run(*trace.flavour(), "--output-file", "/dev/full"))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_full_disk_of_texts(option):
    done = shell('exec "$@" >/dev/full', option)
    assert done.returncode == 1 and "No space left" in done.stderr, done


def test_closed_output():
    assert "Bad file descriptor" in cannot_write(shell('exec "$@" >&-', "-r", CAPTURE))


def test_closed_errors(stage):
    """Nothing that is meant for stderr gets into the file that is opened next."""
    file = stage.directory / "rows"
    done = shell('exec "$@" <&- 2>&-', "-r", CAPTURE, "--summary", "table", "--output-file", file)
    assert done.returncode == 0 and not done.stdout, done
    assert "handshakes:" not in file.read_text() and "COUNT" not in file.read_text()


def test_reader_that_has_enough():
    """As of head(1): no complaint."""
    done = shell('"$@" | head -n 1; exit 0', "-r", CAPTURE)
    assert done.stdout.startswith("TIME ") and "writing" not in done.stderr, done


def test_nohup(stage):
    """It goes on when the terminal closes, and ends at a signal."""
    server = stage.server("s_server")
    rows = stage.directory / "rows"
    running = stage.processes.start(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", trace.program(), *trace.flavour(), "-o", "json",
         "--port", str(server.port), "--output-file", str(rows)])
    wait.until(lambda: rows.exists() and '"start"' in rows.read_text(), "the trace to be on")
    os.kill(running.pid, signal.SIGHUP)
    stage.client("openssl", server).ok()
    wait.until(lambda: '"handshake"' in rows.read_text(), "a row after SIGHUP")
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=wait.limit(15)) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_reader_that_is_slow(how):
    """A signal that comes while a row waits to be read takes nothing from it."""
    ours, theirs = os.pipe()
    room = fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    os.write(theirs, bytes(room))
    with subprocess.Popen([trace.program(), "-r", CAPTURE, "-o", "json"], stdout=theirs,
                          stderr=subprocess.PIPE, env=process.environment()) as running:
        os.close(theirs)
        wchan = pathlib.Path(f"/proc/{running.pid}/wchan")
        wait.until(lambda: "pipe_write" in wchan.read_text(), "a write that waits")
        running.send_signal(how)
        status = pathlib.Path(f"/proc/{running.pid}/status")
        wait.until(lambda: re.search(r"ShdPnd:\s*0+\n", status.read_text()), "the signal to arrive")
        with os.fdopen(ours, "rb") as reader:
            lines = reader.read()[room:].decode().splitlines()
        assert b"writing" not in running.stderr.read()
    assert running.returncode == 0
    assert [json.loads(line)["type"] for line in lines][::len(lines) - 1] == ["start", "end"], lines


def test_capture_is_not_overwritten(stage):
    capture = stage.directory / "capture.pcap"
    capture.write_bytes(CAPTURE.read_bytes())
    link = stage.directory / "link"
    link.symlink_to(capture)
    for done in (terminal.run("-r", capture, "--output-file", link),
                 shell('file=$2; shift 2; exec "$@" <"$file"', capture, trace.program(), "-r", "-",
                       "--output-file", capture)):
        assert done.returncode == 1 and "it is the capture to read" in done.stderr, done
    assert capture.read_bytes() == CAPTURE.read_bytes()


def test_old_results_stay_where_there_are_no_new_ones(stage):
    rows = stage.directory / "rows"
    rows.write_text("old results, longer than the new ones\n" * 1000)
    done = terminal.run("-r", stage.directory / "no-such-capture", "--output-file", rows)
    assert done.returncode == 1 and rows.read_text().startswith("old results")
    assert terminal.run("-r", CAPTURE, "--output-file", rows).returncode == 0
    assert rows.read_text().startswith("TIME ") and "old results" not in rows.read_text()


def test_reader_that_does_not_read(stage):
    """Two signals end what waits for it, however much there is still to write."""
    pipe = stage.directory / "pipe"
    os.mkfifo(pipe)
    many = stage.directory / "many.pcap"
    header = CAPTURE.read_bytes()[:24]
    captures = [path.read_bytes() for path in CAPTURE.parent.glob("*.pcap")]
    many.write_bytes(header + b"".join(data[24:] for data in captures if data[:24] == header))
    running = stage.processes.start([trace.program(), "-r", str(many), "-o", "json", "--output-file", str(pipe)])
    with open(pipe, "rb") as reader:
        wait.until(lambda: unread(reader) >= 60000, "the pipe to be full")
        for _ in range(2):
            running.send_signal(signal.SIGTERM)
            wait.until(lambda: not is_pending(running.pid, signal.SIGTERM), "the signal to arrive")
        assert running.wait(timeout=wait.limit(10)) == 1


def is_pending(pid, number):
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return (int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)) >> (number - 1) & 1


def unread(file):
    size = fcntl.ioctl(file, FIONREAD, b"\0\0\0\0")
    return int.from_bytes(size, "little")
