# SPDX-License-Identifier: BSD-2-Clause
"""What a user without privileges may try on a tlstrace that root runs: to hang it, and to have it open things."""

import ctypes
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lib import bpf, clients, containers, expect, process, rootless, terminal, trace, wait

ID = "4c9f0d2a8b7e6f5a4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
OTHER = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
# Who is kept waiting by files in these places; no other process asks for them.
HANGS_ROOT, HANGS_THE_USER = "all", "files"


@pytest.fixture
def user(stage):
    try:
        made = rootless.User(stage.directory)
    except rootless.Unavailable as error:
        pytest.skip(str(error))
    yield made
    made.close()


@pytest.fixture
def manage(stage, user):
    """curl as the child of a program that looks like a container's manager; its process and its client's row."""
    def run(name, *options, argv=None, **environment):
        server = stage.server("s_server")
        goal = stage.goal(server)
        started = subprocess.Popen(
            user.run("env", *[f"{key}={value}" for key, value in environment.items()],
                     *process.helper("fake_manager.py", name, *options, "--", *(argv or clients.curl(goal)))),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=process.environment(),
            cwd=stage.directory)
        stage.processes.started.append(started)
        started.log = stage.directory / "manager.log"
        started.log.touch()
        started.port = server.port
        return started
    return run


def fuse_device(directory):
    """udev makes it like this, where it runs."""
    device = directory / "fuse"
    os.mknod(device, 0o666 | 0o020000, os.makedev(10, 229))
    device.chmod(0o666)
    return device


def said(started, line):
    """Wait for a line of its output."""
    deadline = time.monotonic() + wait.limit(10)
    while select.select([started.stdout], [], [], deadline - time.monotonic())[0]:
        got = os.read(started.stdout.fileno(), 4096)
        if line in got.decode().split("\n"):
            return
        if not got:
            break
    raise AssertionError(f"the manager did not say {line}: {started.log.read_text()}")


@pytest.fixture
def hang(stage, manage):
    """
    Makes tlstrace look for a container's files on a file system that does not answer; it is looking when this returns.
    The file system is removed later than tlstrace should need to end, so that a failed test ends, too.
    """
    timers = []

    def run(trace, place):
        started = manage("conmon", "--cid", ID, "--name", "prod-db", "--bundle", f"/mnt/{place}/{ID}/userdata",
                         FUSE=fuse_device(stage.directory), STAY=1)
        timers.append(threading.Timer(wait.limit(20), started.kill))
        timers[0].start()
        if place == HANGS_THE_USER:
            said(started, "hangs")
        trace.wait_rows(1, port=started.port)
        return started
    yield run
    for timer in timers:
        timer.cancel()


@pytest.mark.parametrize("place", [HANGS_ROOT, HANGS_THE_USER])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_files_that_hang(stage, user, hang, how, place):
    """A file system that never answers: tlstrace ends as always, and nothing of it stays."""
    trace = stage.trace(namespace=user.namespace)
    held = bpf.held_by(trace.pid)
    manager = hang(trace, place)
    if how == signal.SIGKILL:
        trace.kill()
        trace.code = -how
    else:
        trace.stop(how)
    wait.until(lambda: not any(ids & bpf.alive()[kind] for kind, ids in held.items()), "its programs to go")
    assert manager.poll() is None, "tlstrace ended when the file system did"


def in_cgroup(place, argv):
    """The program, started in a cgroup."""
    return ["/bin/sh", "-c", f'echo $$ >{place}/cgroup.procs; exec "$@"', "sh", *map(str, argv)]


def cgroup(stage, path):
    """A directory of the v2 hierarchy and its parents, removed when the test is over."""
    place = containers.cgroup_mount("cgroup2")
    if not place:
        pytest.skip("no cgroup2 hierarchy is mounted here")
    for name in path.strip("/").split("/"):
        place = place / name
        if not place.exists():
            place.mkdir()
            stage.undo(cgroup_remove, place)
    return place


def cgroup_remove(place):
    wait.until(lambda: not (place / "cgroup.procs").read_text(), f"{place} to be empty")
    place.rmdir()


def in_docker_cgroup(stage, id, argv):
    """The program, as if in a container of Docker's."""
    return in_cgroup(cgroup(stage, f"/docker/{id}"), argv)


@pytest.fixture
def docker(stage):
    """What a dockerd of root's says of one container, through the environment of tlstrace."""
    socket = stage.directory / "docker.sock"
    stage.processes.start(process.helper("docker_api.py", socket, OTHER, "web"))
    wait.until(socket.exists, "the socket")
    return {"DOCKER_HOST": f"unix://{socket}"}


def test_others_have_names(stage, user, hang, docker):
    """While one user's files hang, a container of root's runtime has its name."""
    trace = stage.trace(namespace=user.namespace, env=docker)
    hang(trace, HANGS_THE_USER)
    server = stage.server("s_server")
    stage.processes.run(in_docker_cgroup(stage, OTHER, clients.curl(stage.goal(server)))).ok()
    row = expect.one_row(trace, port=server.port)
    assert row["client"]["container"]["name"] == "web", row["client"]


def helpers(trace):
    found = process.children_of(trace.pid)
    return found + [below for child in found for below in process.children_of(child)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("number", [0, 1])
def test_helpers_that_end(stage, docker, how, number):
    """The helper, or its worker, is killed or stopped: rows come as always, and tlstrace ends."""
    trace = stage.trace(env=docker)
    server = stage.server("s_server")
    argv = in_docker_cgroup(stage, OTHER, clients.curl(stage.goal(server)))
    stage.processes.run(argv).ok()
    assert trace.wait_rows(1, port=server.port)[0]["client"]["container"]["name"] == "web"
    os.kill(helpers(trace)[number], how)
    stage.client("curl", server).ok()
    assert len(trace.wait_rows(2, port=server.port)) == 2
    trace.stop()


def cpu_seconds(trace):
    """Of tlstrace and all its helpers."""
    ticks = 0
    for pid in [trace.pid, *descendants(trace.pid)]:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def descendants(pid):
    found = process.children_of(pid)
    return found + [below for child in found for below in descendants(child)]


@pytest.mark.parametrize("length", [130 << 10, 200 << 10, 255 << 10])
def test_long_command_line(stage, length):
    """Of an ancestor, longer than what is read of one: nothing reads it for ever."""
    server = stage.server("s_server")
    trace = stage.trace()
    words = [str(number) * 1000 for number in range(1000, 1000 + length // 4001 + 1)]
    # The shell stays, with all its words, and is an ancestor.
    script = "unshare --pid --fork " + " ".join(shlex.quote(word) for word in staying_curl(stage.goal(server)))
    stage.processes.start(["/bin/sh", "-c", script + "; sleep 5", *words])
    trace.wait_rows(1, port=server.port)
    before = cpu_seconds(trace)
    time.sleep(1)
    assert cpu_seconds(trace) - before < 0.5



# What lies where a runtime's files should be.

@pytest.fixture
def storage(stage, user):
    """The file in which a user's Podman lists its containers, and a handshake that makes tlstrace look at it."""
    directory = user.home / ".local/share/containers/storage/overlay-containers"
    directory.mkdir(parents=True)
    place = user.cgroup(f"libpod-{ID}.scope")

    def look(tracing):
        server = stage.server("s_server")
        stage.processes.run(in_cgroup(place, as_user(clients.curl(stage.goal(server))))).ok()
        return tracing.wait_rows(1, port=server.port)[0]["client"]["container"]
    return directory / "containers.json", look


def entries(size):
    """What Podman writes of many containers, the last of them the one."""
    other = '{"id":"%064x","names":["other"],"image":"%064x","metadata":"{}","flags":{"MountLabel":""}},'
    count = size // len(other % (0, 0))
    return "[" + "".join(other % (number, number) for number in range(count)) + '{"id":"%s","names":["web"]}]' % ID


def test_users_file(stage, user, storage):
    """One as it should be is read, with the user's own rights."""
    file, look = storage
    file.write_text(entries(200 << 10))
    file.chmod(0o600)
    os.chown(file, rootless.UID, rootless.UID)
    container = look(stage.trace(namespace=user.namespace))
    assert (container["name"], container["how"], container["user"]) == ("web", "claimed", rootless.UID), container


@pytest.mark.parametrize("text", [entries(5 << 20), "[" + "{}," * (1 << 20) + "{}]", "[" * (5 << 20)], ids=["entries", "braces", "deep"])
def test_users_large_file(stage, user, storage, text):
    """It costs its name, and neither time nor memory."""
    file, look = storage
    file.write_text(text)
    tracing = stage.trace(namespace=user.namespace)
    assert look(tracing)["name"] is None
    before = cpu_seconds(tracing)
    time.sleep(1)
    assert cpu_seconds(tracing) - before < 0.5
    for pid in [tracing.pid, *descendants(tracing.pid)]:
        peak = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        assert int(peak.group(1)) < 200 << 10, peak.group()


def opened(path):
    """Watches a file; the function says whether somebody has opened it since."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(watch, os.fsencode(path), 0x20) >= 0  # IN_OPEN

    def since():
        try:
            return bool(os.read(watch, 4096))
        except BlockingIOError:
            return False
        finally:
            os.close(watch)
    return since


@pytest.mark.parametrize("kind", ["fifo", "device", "kmsg", "roots"])
def test_users_file_that_is_none(stage, user, storage, kind):
    """Or one that the user may not read: it is not opened, for that may already have an effect."""
    file, look = storage
    target = Path("/proc/kmsg") if kind == "kmsg" else stage.directory / kind
    if kind == "fifo":
        os.mkfifo(target)
    elif kind == "device":
        os.mknod(target, 0o666 | 0o020000, os.makedev(1, 9))
    elif kind == "roots":
        target.write_text(entries(0))
        target.chmod(0o600)
    file.symlink_to(target)
    since = opened(target)
    assert look(stage.trace(namespace=user.namespace))["name"] is None
    assert not since()


# Who pretends to be in a container.

def as_user(argv):
    return ["setpriv", "--reuid", str(rootless.UID), "--regid", str(rootless.UID), "--clear-groups", *map(str, argv)]


def fake_manager(argv, name="conmon"):
    return process.helper("fake_manager.py", name, "--cid", ID, "--name", "prod-db", "--", *argv)


def staying_curl(goal):
    """It is still there when somebody looks for it: a manager is found while its processes live."""
    argv = clients.curl(goal)
    return [*argv[:-1], "--rate", "1/s", argv[-1], argv[-1]]


@pytest.fixture
def meet(stage):
    """curl, run by make(argv), against a server; the client's end of the row."""
    def run(trace, make):
        server = stage.server("s_server")
        stage.processes.run(make(staying_curl(stage.goal(server)))).ok()
        return trace.wait_rows(1, port=server.port)[0]["client"]
    return run


def test_claimed_in_a_users_slice(stage, user, meet):
    """There a user's own runtimes count, whatever they are; what they say is a claim, and chosen as one."""
    trace = stage.trace()
    by_name = stage.trace("--container", "prod-db", "--container", "*", "--container", ID)
    by_user = stage.trace("--container", f"{rootless.UID}/prod-*")
    container = meet(trace, lambda argv: user.run(*fake_manager(argv)))["container"]
    assert (container["how"], container["user"]) == ("claimed", rootless.UID), container
    assert (container["id"], container["name"]) == (ID, "prod-db")
    by_user.wait_rows(1)
    assert by_name.stop()["reported"] == 0


def test_claimed_by_a_cgroup(stage, user, meet, docker):
    """A cgroup in a user's slice with the name of a container of root's: its name and labels stay root's."""
    trace = stage.trace(env=docker)
    place = user.cgroup(f"docker-{OTHER}.scope")
    container = meet(trace, lambda argv: in_cgroup(place, as_user(argv)))["container"]
    assert (container["how"], container["user"]) == ("claimed", rootless.UID), container
    assert (container["id"], container["name"], container["labels"]) == (OTHER, None, None)


def test_claimed_by_a_delegated_cgroup(stage, meet, docker):
    """The same below a directory that root gave to a user."""
    trace = stage.trace(env=docker)
    given = cgroup(stage, "/tt-given")
    os.chown(given, rootless.UID, rootless.UID)
    place = cgroup(stage, f"/tt-given/docker/{OTHER}")
    container = meet(trace, lambda argv: in_cgroup(place, as_user(argv)))["container"]
    assert (container["how"], container["user"], container["name"]) == ("claimed", rootless.UID, None), container


def test_proven_by_a_runtime(stage, meet, docker):
    trace = stage.trace("--container", "web", env=docker)
    container = meet(trace, lambda argv: in_docker_cgroup(stage, OTHER, argv))["container"]
    assert (container["how"], container["user"], container["name"]) == ("runtime", None, "web"), container


@pytest.mark.parametrize("who", ["user", "root"])
@pytest.mark.parametrize("name", ["conmon", "containerd-shim", "systemd-nspawn", "lxc-start"])
def test_no_manager(stage, meet, who, name):
    """Outside a user's slice a user's manager does not count, nor does root's if its executable has another name."""
    trace = stage.trace()
    place = cgroup(stage, "/tt-plain")

    def make(argv):
        faked = process.helper("fake_manager.py", name, "--cid", ID, "-id", ID, "--machine", "prod-db", "--name",
                               "prod-db", "--", *argv)
        return in_cgroup(place, as_user(faked) if who == "user" else faked)
    assert meet(trace, make)["container"] is None
    # Nor of others in the same cgroup.
    assert meet(trace, lambda argv: in_cgroup(place, argv))["container"] is None


def test_manager_of_descendants(stage, meet):
    """Root's manager speaks for what it started, not for others in the same cgroup."""
    trace = stage.trace()
    place = cgroup(stage, "/tt-plain")
    conmon = stage.directory / "conmon"
    shutil.copy("/bin/dash", conmon)
    script = stage.directory / "script"

    def managed(argv):
        script.write_text(" ".join(shlex.quote(str(word)) for word in argv) + "\nexit $?\n")
        return in_cgroup(place, [conmon, script, "--cid", ID, "--name", "web"])
    container = meet(trace, managed)["container"]
    assert (container["how"], container["id"], container["name"]) == ("runtime", ID, "web"), container
    assert meet(trace, lambda argv: in_cgroup(place, argv))["container"] is None


def test_claims_in_the_table(stage, user):
    """A claimed name is shown with the number of the user."""
    server = stage.server("s_server")
    shown = terminal.TextRun()
    try:
        shown.wait_for(f"]@{rootless.UID}/prod-db ".encode(), lambda: stage.processes.run(
            user.run(*fake_manager(staying_curl(stage.goal(server))))).ok())
    finally:
        shown.kill()


# Names that say more than they should.

NAMES = {
    "escape": "web\x1b[31m\x1b]0;title\x07", "line": "web\nclient 192.0.2.1 ok", "return": "web\rother",
    "right to left": "web\u202egpj", "isolate": "\u2067web", "hebrew": "\u05d0web", "blank": "web\u2800\u3164",
    "marks": "we" + "\u0301" * 250 + "b", "c1": "web\u009b31m", "zero width": "we\u200bb", "tab": "web\tother",
}
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
MISLEADING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u0590-\u08ff\u200b-\u200f\u202a-\u202e\u2066-\u2069\u2800\u3164]"
                        "|[\u0300-\u036f]{5}")


def printing(stage, format, environment):
    """A tlstrace that prints two handshakes and a summary; it traces when this returns."""
    started = subprocess.Popen(
        [trace.program(), *trace.flavour(), "-n", "2", "-o", format, "--summary", "json" if format == "json" else "table"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=process.environment(**{**environment, "LC_ALL": "C.UTF-8"}))
    stage.undo(started.kill)
    started.first = next(started.stdout if format == "json" else started.stderr)
    return started


def printed(started):
    output, errors = started.communicate(timeout=wait.limit(20))
    assert started.returncode == 0, errors
    return output.decode(), errors.decode()


@pytest.mark.parametrize("name", NAMES)
def test_names_that_mislead(stage, name):
    """Of a container, its image and labels, and of a unit: nothing of them acts on a terminal or adds a line."""
    socket = stage.directory / "docker.sock"
    stage.processes.start(process.helper("docker_api.py", socket, OTHER, NAMES[name], "everywhere"))
    wait.until(socket.exists, "the socket")
    server = stage.server("s_server")
    started = {format: printing(stage, format, {"DOCKER_HOST": f"unix://{socket}"})
               for format in ("table", "tree", "json")}
    argv = clients.curl(stage.goal(server))
    stage.processes.run(in_docker_cgroup(stage, OTHER, argv)).ok()
    unit = cgroup(stage, f"/tt.slice/{NAMES[name][:80]}.service".replace("\n", ""))
    stage.processes.run(in_cgroup(f"'{unit}'", argv)).ok()
    for format in ("table", "tree"):
        output, errors = printed(started[format])
        assert "@" in output, output
        assert not MISLEADING.search(output + errors), (output, errors)
    output, _ = printed(started["json"])
    assert [json.loads(line)["type"] for line in output.splitlines()] == ["handshake", "handshake", "summary", "end"]
    assert not CONTROL.search(output), output
