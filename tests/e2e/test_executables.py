# SPDX-License-Identifier: BSD-2-Clause
"""The path of a program that was gone before tlstrace could look: tlstrace is stopped until it has ended."""

import os
import shutil
import signal

import pytest

from lib import clients, expect

CURL = os.path.realpath(shutil.which("curl"))
MOUNT = 'mount -t tmpfs tlstrace "$1" && cp "$2" "$1/client" && shift 2 && exec "$0" "$@"'
UNLINK = """import os, sys
program = os.open(sys.argv[1], os.O_RDONLY)
os.unlink(sys.argv[1])
os.execve(program, sys.argv[1:], os.environ)"""
REPLACE = """import os, socket, sys
socket.socket().connect_ex(("127.0.0.1", 1))
os.execv(sys.argv[1], sys.argv[1:])"""


def installed(directory):
    return CURL, []


def in_nested_directories(directory):
    place = directory.joinpath(*map(str, range(20)))
    place.mkdir(parents=True)
    path = str(shutil.copy(CURL, place / "client"))
    return path, []


def in_a_mount_of_its_own(directory):
    place = directory / "mounted"
    place.mkdir()
    path = str(place / "client")
    return path, ["unshare", "--mount", "sh", "-c", MOUNT, path, str(place), CURL]


def deleted(directory):
    path = str(shutil.copy(CURL, directory / "client"))
    return path + " (deleted)", ["python3", "-c", UNLINK, path]


def behind_another(directory):
    """The process touched a socket before it executed the program that is asked for."""
    return CURL, ["python3", "-c", REPLACE, CURL]


@pytest.mark.parametrize("place", [
    installed, in_nested_directories, pytest.param(in_a_mount_of_its_own, marks=pytest.mark.vm),
    deleted, behind_another], ids=lambda place: place.__name__)
def test_gone(stage, place):
    path, starter = place(stage.directory)
    server = stage.server("s_server")
    trace = stage.trace()
    argv = clients.curl(stage.goal(server))
    os.kill(trace.pid, signal.SIGSTOP)
    try:
        stage.processes.run((starter or [path]) + argv[1:]).ok()
    finally:
        os.kill(trace.pid, signal.SIGCONT)
    row = expect.one_row(trace, port=server.port)
    assert row["client"]["process"]["exe"] == path
    assert row["server"]["process"]["exe"] == os.path.realpath(shutil.which("openssl"))
