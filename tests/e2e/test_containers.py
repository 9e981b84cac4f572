# SPDX-License-Identifier: BSD-2-Clause
"""Which container an end is in: real runtimes, each named by what it says itself."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from lib import clients, containers, expect, process, rootless, trace, wait

RUNTIMES = {**containers.BY_NAME, "rootless": rootless.RootlessPodman}


@pytest.fixture(scope="module")
def root(directory, certificates):
    place = directory / "root-filesystem"
    place.mkdir()
    return containers.root_filesystem(place, certificates)


@pytest.fixture(scope="module")
def runtimes(directory, root):
    """Starts a runtime when it is first asked for; all end with the module."""
    started = {}

    def get(name):
        if name not in started:
            place = directory / name
            place.mkdir()
            try:
                started[name] = RUNTIMES[name](place, root)
            except containers.Unavailable as error:
                started[name] = error
        if isinstance(started[name], containers.Unavailable):
            pytest.skip(str(started[name]))
        return started[name]
    yield get
    for runtime in reversed(list(started.values())):
        if isinstance(runtime, containers.Runtime):
            runtime.close()


class Pair:
    """A server and a client of one runtime, both waiting; removed at the end of the test."""

    def __init__(self, runtime, processes, server=None):
        self.runtime, self.processes, self.names = runtime, processes, []
        self.port = runtime.port()
        self.server = self.start("web", server or containers.s_server(self.port))

    def start(self, name, argv):
        self.names.append(name)
        return self.runtime.start(self.processes, name, argv)

    def serve(self):
        self.server.go().listening(self.port)
        self.address = self.runtime.address("web")
        return self

    def trace(self, stage):
        """A tlstrace that sees the handshakes of this runtime's containers, and finds its socket."""
        return stage.trace(namespace=self.runtime.namespace, everywhere=self.runtime.everywhere,
                           env=self.runtime.socket_environment())

    def client(self, name="client"):
        return self.start(name, containers.curl(self.address, self.port))

    def remove(self):
        for name in reversed(self.names):
            self.runtime.remove(name)


@pytest.fixture
def pair_of(stage, runtimes):
    made = []

    def make(name, **settings):
        made.append(Pair(runtimes(name), stage.processes, **settings))
        return made[-1]
    yield make
    for pair in made:
        pair.remove()


def container_is(end, runtime, container):
    """What the runtime itself says of the container that this end is in."""
    want = {"id": container.id, "name": container.name, **runtime.expected}
    assert {key: end["container"][key] for key in want} == want, end
    assert end["process"]["pid"] == container.pid, end
    assert end["process"]["ns_pid"] == container.inner_pid, end


@pytest.mark.parametrize("name", [
    "docker", "hidden docker", "podman", "rootless", "containerd", "runc", pytest.param("crun", marks=pytest.mark.vm),
    "nspawn"])
def test_both_ends(stage, pair_of, name):
    """From container to container: id, name, image and runtime of both, and the pids here and within."""
    pair = pair_of(name).serve()
    trace = pair.trace(stage)
    client = pair.client()
    client.go().ended()
    row = expect.one_row(trace, port=pair.port)
    expect.completed(row)
    container_is(row["client"], pair.runtime, client)
    container_is(row["server"], pair.runtime, pair.server)
    assert (row["client"]["process"]["comm"], row["server"]["process"]["comm"]) == ("curl", "openssl")


def table(namespace, *arguments):
    """A tlstrace that writes its table to a pipe, tracing."""
    started = subprocess.Popen(
        process.in_namespace(namespace, [trace.program(), *trace.flavour(), *arguments]),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=process.environment())
    for line in started.stderr:
        if "tracing" in line:
            return started
    raise AssertionError("tlstrace ended")


def rows(started):
    process_output, said = started.communicate(timeout=wait.limit(20))
    assert started.returncode == 0, said
    return process_output.splitlines()[1:]


def test_table(stage, pair_of):
    """What a person sees of a handshake between two containers, once; of another container, nothing."""
    pair = pair_of("docker", server=containers.nginx()).serve()
    shown = table(pair.runtime.namespace, "-n", "1")
    web = table(pair.runtime.namespace, "--container", "web", "-n", "1")
    other = table(pair.runtime.namespace, "--container", "we", "--container", "[a-v]*", "--role", "server")
    client = pair.client()
    [worker] = process.children_of(pair.server.pid)
    client.go().ended()
    for started in (shown, web):
        [row] = rows(started)
        assert re.search(rf"curl\[{client.pid}\]@client +nginx\[{worker}\]@web ", row), row
    other.send_signal(2)
    assert rows(other) == []


def test_choose(stage, pair_of):
    """By a pattern, by the start of the id, by the cgroup; all kinds together, any of one kind."""
    pair = pair_of("docker").serve()
    id = pair.server.id
    chosen = [stage.trace(*arguments, namespace=pair.runtime.namespace) for arguments in (
        ["--container", "w?b"], ["--container", "x", "--container", id[:12]],
        ["--cgroup", f"/docker/{id}/", "--comm", "openssl"])]
    refused = [stage.trace(*arguments, namespace=pair.runtime.namespace) for arguments in (
        ["--container", id[:5], "--container", "we"], ["--container", "web", "--role", "client"],
        ["--cgroup", "/docker", "--comm", "nginx"])]
    everything = stage.trace(namespace=pair.runtime.namespace)
    pair.client().go().ended()
    everything.wait_rows(1, port=pair.port)
    for trace in chosen:
        trace.wait_rows(1, port=pair.port)
        assert trace.stop()["reported"] == 1
    for trace in refused:
        end = trace.stop()
        assert (end["reported"], end["filtered"]) == (0, 1), trace.report()


def test_summary(stage, pair_of):
    """The same program in two containers: two groups, each by its container's name, at both ends."""
    pair = pair_of("docker").serve()
    trace = stage.trace("--summary", "json", namespace=pair.runtime.namespace)
    for client in (pair.client("one"), pair.client("two")):
        client.go().ended()
    trace.wait_rows(2, port=pair.port)
    trace.stop()
    ends = [(group["client"], group["server"]) for group in trace.summary["groups"]]
    assert sorted((client["comm"], client["container"]) for client, _ in ends) == [("curl", "one"), ("curl", "two")]
    assert {(server["comm"], server["container"]) for _, server in ends} == {("openssl", "web")}
    assert [group["count"] for group in trace.summary["groups"]] == [1, 1]


@pytest.mark.parametrize("name", ["docker", "hidden docker"])
def test_short_life(stage, pair_of, name):
    """A container that is gone as soon as it had its answer: the row comes later, and knows it."""
    pair = pair_of(name).serve()
    trace = pair.trace(stage)
    cid = stage.directory / "cid"
    pair.runtime.docker("run", "--rm", "--name", "short", "--cidfile", cid, containers.IMAGE,
                        *containers.curl(pair.address))
    row = expect.one_row(trace, port=pair.port)
    container = row["client"]["container"]
    assert (container["id"], container["name"]) == (cid.read_text(), "short"), row["client"]
    assert row["client"]["process"]["comm"] == "curl"


def test_rootless_published_port(stage, pair_of):
    """From here through the port that a user's Podman publishes: its forwarder is the proxy between the ends."""
    pair = pair_of("rootless").serve()
    trace = pair.trace(stage)
    client = stage.processes.run(containers.curl("127.0.0.1", pair.runtime.published)).ok()
    row = expect.one_row(trace, port=pair.port)
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "curl")
    assert row["client"]["container"] is None
    container_is(row["server"], pair.runtime, pair.server)
    assert row["server"]["process"]["uid"] == rootless.UID
    between = [place["process"] for place in row["path"] if place["process"]]
    assert [(one["comm"], one["uid"], one["container"]) for one in between] \
        == [("rootlessport", rootless.UID, None)] * 2, row["path"]
    assert not trace.select(port=pair.runtime.published)


def test_rootless_files(stage, pair_of):
    """In the cgroups that a user's systemd makes, conmon killed: the files below the user's home tell it all."""
    pair = pair_of("rootless").serve()
    [conmon] = re.findall(r"^PPid:\s*(\d+)$", Path(f"/proc/{pair.server.pid}/status").read_text(), re.M)
    place = pair.runtime.user.cgroup(
        f"user@{rootless.UID}.service/user.slice/libpod-{pair.server.id}.scope/container")
    (place / "cgroup.procs").write_text(str(pair.server.pid))
    os.kill(int(conmon), signal.SIGKILL)
    wait.until(lambda: f"PPid:\t{conmon}\n" not in Path(f"/proc/{pair.server.pid}/status").read_text(),
               "the container to be an orphan")
    trace = pair.trace(stage)
    pair.client().go().ended()
    row = expect.one_row(trace, port=pair.port)
    container_is(row["server"], pair.runtime, pair.server)
    assert row["server"]["cgroup"].endswith(f"libpod-{pair.server.id}.scope/container"), row["server"]


# Cgroups made by hand: layouts of machines that this one is not.

def in_cgroup(place, argv):
    """The program, started in a cgroup."""
    return ["/bin/sh", "-c", f'echo $$ >{place}/cgroup.procs; exec "$@"', "sh", *argv]


@pytest.fixture
def cgroup():
    """Makes the directory of a cgroup in a hierarchy, its parents too; removed when its processes are gone."""
    made = []

    def make(path, hierarchy="cgroup2", controller=None):
        place = containers.cgroup_mount(hierarchy, controller)
        if not place:
            pytest.skip(f"no {controller or hierarchy} hierarchy is mounted here")
        for name in path.strip("/").split("/"):
            place = place / name
            if not place.exists():
                place.mkdir()
                made.append(place)
        return place
    yield make
    for place in reversed(made):
        wait.until(lambda: not (place / "cgroup.procs").read_text(), f"{place} to be empty")
        place.rmdir()


@pytest.fixture
def meet(stage):
    """curl in a cgroup against a server that is in none: the row's client."""
    def run(place, **settings):
        server = stage.server("s_server")
        trace = stage.trace(**settings)
        goal = stage.goal(server)
        stage.processes.run(in_cgroup(place, clients.curl(goal))).ok()
        return expect.one_row(trace, port=server.port)["client"]
    return run


ID = "4c9f0d2a8b7e6f5a4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
UID = "12345678-9abc-def0-1234-56789abcdef0"
POD = UID.replace("-", "_")


@pytest.mark.vm
@pytest.mark.parametrize("path,container,unit", [
    (f"/tt.slice/docker-{ID}.scope", {"id": ID, "runtime": "docker", "name": None}, None),
    (f"/tt.slice/tt-pod{POD}.slice/crio-{ID}.scope/container", {"id": ID, "runtime": "cri-o"}, None),
    (f"/kubepods.slice/kubepods-pod{POD}.slice/cri-containerd-{ID}.scope",
     {"id": ID, "runtime": "containerd", "pod_uid": UID}, None),
    ("/lxc.payload.tt/system.slice/nginx.service", {"id": "tt", "runtime": "lxc"}, None),
    ("/tt.slice/nginx.service", None, "nginx.service"),
    ("/tt.slice", None, None),
], ids=["docker", "cri-o", "kubernetes", "lxc", "service", "slice"])
def test_unified(meet, cgroup, path, container, unit):
    """By the path in the v2 hierarchy, wherever that is mounted."""
    end = meet(cgroup(path), env={"DOCKER_HOST": "unix:///nowhere"})
    if container:
        assert {key: end["container"][key] for key in container} == container, end
    else:
        assert end["container"] is None
    assert (end["cgroup"], end["unit"]) == (path, unit)


@pytest.mark.vm
def test_v1(meet, cgroup):
    """In the root of v2, but not of the hierarchy of a v1 controller, as older runtimes do."""
    place = cgroup(f"/tt-parent/docker/{ID}", "cgroup", "pids")
    end = meet(place)
    assert end["container"] and end["container"]["id"] == ID, end
    assert end["cgroup"] == f"/tt-parent/docker/{ID}"


def test_api(stage, meet, cgroup):
    """What is neither on disk nor known to a living manager is asked of the runtime's socket."""
    socket = stage.directory / "docker.sock"
    stage.processes.start(process.helper("docker_api.py", socket, ID, "web\x1b[31m"))
    wait.until(socket.exists, "the socket")
    end = meet(cgroup(f"/docker/{ID}"), env={"DOCKER_HOST": f"unix://{socket}"})
    container = end["container"]
    assert (container["id"], container["name"]) == (ID, "web\\x1b[31m"), container
    assert (container["image"], container["labels"]) == ("nginx:1", {"tier": "front"}), container


@pytest.mark.parametrize("how", ["silent", "endless", "broken"])
def test_runtime_that_hangs(stage, meet, cgroup, how):
    """It costs the name, not the row, which waits a tenth of a second at most."""
    socket = stage.directory / "docker.sock"
    stage.processes.start(process.helper("docker_api.py", socket, ID, "web", how))
    wait.until(socket.exists, "the socket")
    end = meet(cgroup(f"/docker/{ID}"), env={"DOCKER_HOST": f"unix://{socket}"})
    container = end["container"]
    assert (container["id"], container["runtime"], container["name"]) == (ID, "docker", None)


@pytest.mark.parametrize("arguments,sentence", [
    (["--container", ""], "--container takes a name, a pattern or an id"),
    (["--cgroup", "docker"], "--cgroup takes a path that begins with /"),
    (["-r", "x", "--container", "web"], "a capture does not contain processes"),
])
def test_wrong_usage(arguments, sentence):
    done = process.command(trace.program(), *arguments, check=False)
    assert done.returncode == 2 and sentence in done.stderr, done
