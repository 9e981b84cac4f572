# SPDX-License-Identifier: BSD-2-Clause
"""What a running trace says before its end: accounts on request, handshakes that hang, filters that wait."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from lib import clients, terminal, trace, wait


class Hanging:
    """A client whose server accepts connections and never answers."""

    def __init__(self, stage):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        goal = clients.Goal("127.0.0.1", self.port, str(stage.certificates.authority), sni="slow.example.org")
        self.client = stage.processes.start(clients.openssl(goal))
        stage.undo(self.listener.close)


def said(running, pattern):
    return wait.until(lambda: re.search(pattern, running.stderr()), lambda: f"{pattern}: {running.stderr()}")


def test_account_on_request(stage):
    """As with dd(1): SIGUSR1 prints the summary so far and the open handshakes; the trace goes on."""
    server = stage.server("s_server")
    running = stage.trace()
    stage.client("openssl", server).ok()
    running.wait_rows(port=server.port)
    hanging = Hanging(stage)

    def account():
        os.kill(running.pid, signal.SIGUSR1)
        return re.search(r"openssl\[(\d+)\] to \S+ slow\.example\.org: waiting [\d.]+ \w+ for server after client_hello",
                         running.stderr())
    found = wait.until(account, lambda: running.stderr())
    assert int(found.group(1)) == hanging.client.pid
    assert re.search(r"tlstrace: [1-9]\d* handshakes?: [1-9]\d* completed", running.stderr())
    stage.client("openssl", server).ok()
    running.stop()
    assert len(running.select(port=server.port)) == 2


def test_account_of_a_filter(stage):
    """Handshakes that are filtered out are not listed."""
    Hanging(stage)
    running = stage.trace("--sni", "other.example.org")
    Hanging(stage)
    os.kill(running.pid, signal.SIGUSR1)
    said(running, "no handshake is under way")
    assert "slow.example.org" not in running.stderr()
    running.stop()


def test_interval(stage):
    running = stage.trace("--interval", "100ms")
    Hanging(stage)
    said(running, r"(?s)(slow\.example\.org: waiting.*){3}")
    running.stop()


def test_hanging_handshake_is_a_failure_to_come(stage):
    """--failed and Ctrl-C: what hangs at that moment is what the user looks for."""
    server = stage.server("s_server")
    running = stage.trace("--failed", "--interval", "100ms")
    stage.client("openssl", server).ok()
    hanging = Hanging(stage)
    said(running, r"slow\.example\.org: waiting [1-9][\d.]* s ")
    running.stop()
    [row] = running.rows
    assert row["server"]["port"] == hanging.port and row["outcome"] == "incomplete"
    assert row["incomplete"] == "trace_ended"


def test_missing_cgroup(stage):
    name = f"tlstrace-test-{os.getpid()}"
    running = stage.trace("--cgroup", f"/{name}", "--cgroup", "/")
    said(running, f"there is no cgroup /{name} yet")
    assert "cgroup / " not in running.stderr()
    directory = next(Path(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines()
                     if line.split()[2] == "cgroup2") / name
    directory.mkdir()
    try:
        said(running, f"cgroup /{name} has started")
    finally:
        directory.rmdir()
    running.stop()
    assert running.stderr().count("there is no cgroup") == 1


def test_missing_container(stage):
    running = stage.trace("--container", "no-such-container", "-d", "1s")
    running.stop(how=None)
    assert running.stderr().count("there is no container no-such-container yet") == 1


CAPABILITIES = ("bpf", "perfmon", "net_admin")


@pytest.mark.parametrize("missing", CAPABILITIES)
def test_missing_capability_is_named(missing):
    """To root of a container: 'run it as root' would be of no use."""
    done = terminal.run("-d", "1s", prefix=("setpriv", "--bounding-set", f"-{missing},-sys_admin"))
    assert done.returncode == 1, done
    [line] = done.stderr.splitlines()
    named = re.findall(r"CAP_[A-Z_]+", line)
    assert named == [f"CAP_{missing.upper()}"] and f"--cap-add {missing.upper()}" in line, line


def test_user_without_an_entry(stage):
    """sudo may run for a user that passwd(5) does not know: nothing of root's stays in its environment."""
    done = terminal.run(*trace.flavour(), "--", "sh", "-c", 'id -u; id -G; echo "$HOME $USER $LOGNAME"',
                        env={"SUDO_UID": "54321", "SUDO_GID": "54322", "HOME": "/root"})
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-3:] == ["54321", "54322", "/ 54321 54321"], done
