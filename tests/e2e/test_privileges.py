# SPDX-License-Identifier: BSD-2-Clause
"""What tlstrace and its helpers may still do once they trace, or read a capture."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from lib import expect, process, rootless, trace, wait

CAPTURE = trace.ROOT / "tests/golden/captures/alert-no-cipher.pcap"
# linux/capability.h
NUMBERS = {"DAC_READ_SEARCH": 2, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_ADMIN": 12, "SYS_PTRACE": 19,
           "PERFMON": 38, "BPF": 39}
TRACER = {"BPF", "PERFMON", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH"}
SUPERVISOR = {"SETUID", "SETGID", "KILL", "SYS_PTRACE", "DAC_READ_SEARCH"}
WORKER = {"SYS_PTRACE", "DAC_READ_SEARCH"}


def status(pid):
    return dict(re.findall(r"^(\w+):[ \t]*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M))


def capabilities(pid):
    bits = int(status(pid)["CapPrm"], 16)
    assert int(status(pid)["CapEff"], 16) == bits
    return {name for name, number in NUMBERS.items() if bits >> number & 1} | (
        {"others"} if bits & ~sum(1 << number for number in NUMBERS.values()) else set())


def is_confined(pid, filtered=True):
    told = status(pid)
    return told["NoNewPrivs"] == "1" and told["Seccomp"] == ("2" if filtered else "0")


def named(pid, name):
    return [child for child in process.children_of(pid) if status(child)["Name"] == name]


def test_tracing(stage):
    """What is left while tracing, of tlstrace and of its helpers; all of it still works."""
    server = stage.server("s_server")
    tracing = stage.trace()
    stage.client("curl", server).ok()
    tracing.wait_rows(1, port=server.port)
    assert capabilities(tracing.pid) == TRACER and is_confined(tracing.pid)
    [supervisor] = named(tracing.pid, "tlstrace-who")
    assert capabilities(supervisor) == SUPERVISOR and is_confined(supervisor, filtered=False)


def test_helper_of_roots_runtimes(stage):
    """Its worker, which reads files, has less than tlstrace."""
    server = stage.server("s_server")
    tracing = stage.trace()
    stage.processes.run(["unshare", "--pid", "--fork", "/usr/bin/curl", "-sk", f"https://127.0.0.1:{server.port}/"])
    tracing.wait_rows(1, port=server.port)
    [supervisor] = named(tracing.pid, "tlstrace-who")
    [worker] = wait.until(lambda: process.children_of(supervisor), "the worker")
    assert capabilities(worker) == WORKER and is_confined(worker)


def test_later_interface(stage):
    """An interface that appears later is attached to with what is left."""
    tracing = stage.trace("--tc", "clsact", everywhere=False)
    here, there = stage.network.veth()
    server = stage.server("s_server", namespace=there.namespace)
    client = stage.client("openssl", server, there.ip4).ok()
    row = expect.one_row(tracing, port=server.port)
    expect.process_is(row["client"], client.pid, "openssl")
    assert here.interface in {place["interface"] for place in row["path"]}, row["path"]


def test_command_of_another_user(stage):
    """Signals still reach it."""
    started = stage.processes.start(
        [trace.program(), *trace.HERE, "-o", "json", "--user", "nobody", "--", "/bin/sh", "-c",
         "trap 'exit 7' TERM; echo runs >&2; while :; do sleep 0.1; done"])
    wait.until(lambda: b"runs" in started.log.read_bytes(), "the command to run")
    assert "KILL" in capabilities(started.pid)
    started.terminate()
    assert started.wait(timeout=wait.limit(10)) == 7


@pytest.mark.parametrize("options,uid", [([], 65534), (["--run-as", str(rootless.UID)], None),
                                         (["--run-as", "daemon"], 1)])
def test_reading(stage, options, uid):
    """Of a capture: everything is given up before its first byte is read."""
    results = stage.directory / "rows"
    started = subprocess.Popen([trace.program(), "-r", "-", *options, "-o", f"json={results}"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=process.environment())
    stage.processes.started.append(started)
    started.log = results
    if uid is None:
        _, said = started.communicate(timeout=wait.limit(10))
        assert started.returncode == 1 and b"there is no user" in said
        return
    wait.until(lambda: is_confined(started.pid), "it to give up its privileges")
    told = status(started.pid)
    assert told["Uid"].split() == told["Gid"].split() == [str(uid)] * 4, told
    assert told["Groups"].strip() == "" and capabilities(started.pid) == set()
    _, said = started.communicate(CAPTURE.read_bytes(), timeout=wait.limit(10))
    assert started.returncode == 0, said
    assert '"outcome":"failed"' in results.read_text()
    assert results.stat().st_uid == os.geteuid()


def bounded(names):
    """The prefix of a command that root runs with these capabilities at most."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=" + ",".join(["-all", *(f"+{name.lower()}" for name in names)])]


@pytest.mark.parametrize("missing", ["BPF", "PERFMON", "NET_ADMIN"])
def test_refused_without(missing):
    """Each of these is needed to start, and the message names the one that is missing."""
    done = process.command(*bounded(TRACER - {missing}), trace.program(), *trace.HERE, "-d", "1s", check=False)
    assert done.returncode == 1 and f"CAP_{missing}" in done.stderr, done


@pytest.mark.parametrize("missing", [{"SYS_PTRACE"}, {"DAC_READ_SEARCH"}, {"SYS_PTRACE", "DAC_READ_SEARCH"}])
def test_rows_without(stage, missing):
    """These cost names of containers at most: rows and processes come as always."""
    server = stage.server("s_server")
    tracing = stage.trace(prefix=bounded(TRACER - missing))
    assert capabilities(tracing.pid) == TRACER - missing
    client = stage.client("openssl", server).ok()
    row = expect.one_row(tracing, port=server.port)
    expect.processes_are(row, client, server)


def test_manager_without_ptrace(stage):
    """Who is a container's manager cannot be told without CAP_SYS_PTRACE."""
    conmon = stage.directory / "conmon"
    conmon.write_bytes(Path("/bin/dash").read_bytes())
    conmon.chmod(0o755)
    server = stage.server("s_server")
    script = stage.directory / "script"
    script.write_text(f"unshare --pid --fork /usr/bin/curl -sk --rate 1/s {2 * f'https://127.0.0.1:{server.port}/ '}\n")
    tracing = {names: stage.trace(prefix=bounded(names)) for names in (
        frozenset(TRACER), frozenset(TRACER - {"SYS_PTRACE"}))}
    stage.processes.run([conmon, script, "--cid", "0123456789ab", "--name", "web"])
    for names, one in tracing.items():
        container = one.wait_rows(1, port=server.port)[0]["client"]["container"]
        assert bool(container) == ("SYS_PTRACE" in names), container


def test_without_root(stage):
    """As nobody with the capabilities that the manual lists, as file capabilities or a systemd unit give them."""
    server = stage.server("s_server")
    listed = ",".join(f"+{name.lower()}" for name in TRACER)
    tracing = stage.trace(prefix=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                                  f"--inh-caps={listed}", f"--ambient-caps={listed}"])
    assert status(tracing.pid)["Uid"].split() == ["65534"] * 4
    assert capabilities(tracing.pid) == TRACER and is_confined(tracing.pid)
    client = stage.client("openssl", server).ok()
    row = expect.one_row(tracing, port=server.port)
    expect.processes_are(row, client, server)
