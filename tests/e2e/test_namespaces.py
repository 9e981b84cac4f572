# SPDX-License-Identifier: BSD-2-Clause
"""Other network namespaces: all handshakes in them, wherever they stay, from the first one on."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import clients, expect, net, process, servers, wait


def places(row):
    return [(place["netns"], place["interface"], place["direction"]) for place in row["path"]]


@pytest.mark.vm
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("options", [[], ["--tc", "clsact"]], ids=["default", "clsact"])
def test_loopback_of_another(stage, options, address):
    """The very first handshake of a namespace that is younger than the trace, on its own loopback."""
    trace = stage.trace(*options, everywhere=True)
    assert trace.start["capture"]["namespaces"] == "all"
    inside = stage.network.namespace()
    server = stage.server("nginx", namespace=inside)
    client = stage.client("curl", server, address, inside).ok()
    row = expect.one_row(trace, port=server.port, client_port=int(client.output))
    expect.completed(row)
    expect.processes_are(row, client, server)
    inode = net.namespace_inode(inside)
    assert (row["client"]["netns"], row["server"]["netns"]) == (inode, inode)
    assert places(row) == [(inode, "lo", "egress"), (inode, "lo", "ingress")]


@pytest.mark.vm
@pytest.mark.parametrize("family", [4, 6])
def test_all_places_are_one_row(stage, family):
    """From one container to another over a bridge here: four devices, both processes, one row."""
    (client_side, server_side), (client_port, server_port) = stage.network.bridge()
    server = stage.server("nginx", namespace=server_side.namespace)
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, server_side.address(family), client_side.namespace).ok()
    row = expect.one_row(trace, port=server.port, client_port=int(client.output))
    expect.completed(row)
    expect.processes_are(row, client, server)
    here = net.namespace_inode(None)
    inodes = [net.namespace_inode(side.namespace) for side in (client_side, server_side)]
    assert places(row) == [(inodes[0], client_side.interface, "egress"),
                           (here, client_port.interface, "ingress"),
                           (here, server_port.interface, "egress"),
                           (inodes[1], server_side.interface, "ingress")]


def test_same_numbers_in_two_namespaces(stage):
    """The same addresses, ports and interface number at once: each row has its own namespace and processes."""
    inside = [stage.network.namespace() for _ in range(2)]
    port, local_port = process.free_port(), process.free_port()
    hosts = [stage.server("nginx", namespace=name, port=port) for name in inside]
    trace = stage.trace(everywhere=True)

    def fetch(number):
        return stage.client("curl", hosts[number], "127.0.0.1", inside[number],
                            options=("--local-port", str(local_port))).ok()
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(fetch, range(2)))
    trace.wait_rows(2, port=port, client_port=local_port)
    trace.stop()
    rows = {row["client"]["netns"]: row for row in trace.select(port=port, client_port=local_port)}
    assert rows.keys() == {net.namespace_inode(name) for name in inside}
    assert len(trace.select(port=port)) == 2
    for name, fetched, server in zip(inside, done, hosts):
        row = rows[net.namespace_inode(name)]
        expect.processes_are(row, fetched, server)
        assert {place["netns"] for place in row["path"]} == {row["client"]["netns"]}


def test_deleted_while_traced(stage):
    """A namespace with a handshake under way is gone at once when its last process is, and its veth with it."""
    here, there = stage.network.veth()
    server = stage.server(servers.Silent, namespace=there.namespace, options=("hold",))
    trace = stage.trace(everywhere=True)
    client = stage.processes.start(clients.openssl(stage.goal(server)), there.namespace)
    wait.until(lambda: "read" in server.process.log.read_text(), "the ClientHello to be read")
    client.kill()
    client.wait()
    server.process.kill()
    server.process.wait()
    net.command("ip", "netns", "delete", there.namespace)
    wait.until(lambda: here.interface not in os.listdir("/sys/class/net"), "the veth to go", 2)
    stage.network.interfaces.remove(here.interface)
    trace.stop()
    assert len(trace.select(port=server.port)) == 1


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


CHURN = """
for i in $(seq {count}); do
    unshare -n ip link add va type veth peer name vb
done
"""


def test_churn(stage):
    """500 namespaces with a veth pair come and go while 200 handshakes go through another one."""
    _, there = stage.network.veth()
    server = stage.server("nginx", namespace=there.namespace)
    trace = stage.trace(everywhere=True)
    before = descriptors(trace.pid)
    churn = [stage.processes.start(["sh", "-c", CHURN.format(count=250)]) for _ in range(2)]
    goal = stage.goal(server)
    client = stage.processes.start(process.helper(
        "many_client.py", "127.0.0.1", goal.port, goal.authority, goal.sni, 200), there.namespace)
    assert client.wait(wait.limit(60)) == 0
    assert [one.wait(wait.limit(60)) for one in churn] == [0, 0]
    ports = {int(line) for line in client.log.read_text().split()}
    trace.wait_rows(200, port=server.port)
    assert descriptors(trace.pid) == before
    trace.stop()
    rows = trace.select(port=server.port)
    assert len(rows) == len(ports) == 200 and {row["client"]["port"] for row in rows} == ports
    assert {(row["client"]["process"]["pid"], row["outcome"]) for row in rows} == {(client.pid, "completed")}
