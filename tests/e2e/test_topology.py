# SPDX-License-Identifier: BSD-2-Clause
"""Where a handshake crosses: loopback, veth pairs, bridges, VLANs, interfaces that come and go."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import bpf, expect, net, process, wait


def namespaces_are(row, client, server):
    """Names of the namespaces (None: here) against the rows' inode numbers."""
    assert row["client"]["netns"] == net.namespace_inode(client), row["client"]
    assert row["server"]["netns"] == net.namespace_inode(server), row["server"]


def ready(interface):
    """Wait until tlstrace has followed: a program at both hooks of an interface that is new."""
    wait.until(lambda: all(bpf.attached(interface).values()), f"programs on {interface}")


@pytest.mark.vm
@pytest.mark.parametrize("client_name,server_name", [
    ("openssl", "s_server"), ("curl", "nginx"),
])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback(stage, client_name, server_name, address):
    server = stage.server(server_name)
    trace = stage.trace()
    client = stage.client(client_name, server, address).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    expect.path_is(row, *expect.LOOPBACK)
    namespaces_are(row, None, None)
    loopback = net.ifindex("lo")
    assert [place["ifindex"] for place in row["path"]] == [loopback, loopback]
    shown = f"[{address}]" if ":" in address else address
    assert {place["server"] for place in row["path"]} == {f"{shown}:{server.port}"}
    assert (row["client"]["ip"], row["server"]["ip"]) == (address, address)


@pytest.mark.vm
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("outward", [True, False], ids=["client here", "server here"])
def test_veth(stage, family, outward):
    """One end lives in another namespace: its packets reach our side with their socket."""
    here, there = stage.network.veth()
    client_side, server_side = (here, there) if outward else (there, here)
    server = stage.server("nginx", namespace=server_side.namespace)
    trace = stage.trace()
    client = stage.client("curl", server, server_side.address(family),
                          client_side.namespace).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    namespaces_are(row, client_side.namespace, server_side.namespace)
    expect.path_is(row, (here.interface, "egress" if outward else "ingress"))
    assert row["client"]["ip"] == client_side.address(family)
    assert row["server"]["ip"] == server_side.address(family)


@pytest.mark.vm
@pytest.mark.parametrize("family", [4, 6])
def test_bridge(stage, family):
    """Two namespaces talk over a bridge here: one row, whose path has both ports."""
    (client_side, server_side), (client_port, server_port) = stage.network.bridge()
    server = stage.server("s_server", namespace=server_side.namespace)
    trace = stage.trace()
    client = stage.client("openssl", server, server_side.address(family),
                          client_side.namespace).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    namespaces_are(row, client_side.namespace, server_side.namespace)
    expect.path_is(row, (client_port.interface, "ingress"), (server_port.interface, "egress"))


def test_same_tuple_in_two_places(stage):
    """Two connections with equal addresses and ports on two bridges: each row has its own processes."""
    networks = net.free_networks()
    ends = [stage.network.bridge(networks)[0] for _ in range(2)]
    port, local_port = process.free_port(), process.free_port()
    hosts = [stage.server("nginx", namespace=server.namespace, port=port) for _, server in ends]
    trace = stage.trace()

    def fetch(number):
        client, server = ends[number]
        return stage.client("curl", hosts[number], server.ip4, client.namespace,
                            options=("--local-port", str(local_port))).ok()
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(fetch, range(2)))
    trace.wait_rows(2, port=port)
    trace.stop()
    rows = {row["client"]["netns"]: row for row in trace.select(port=port)}
    assert len(rows) == len(trace.select(port=port)) == 2
    for (client, _), fetched, server in zip(ends, done, hosts):
        row = rows[net.namespace_inode(client.namespace)]
        assert row["client"]["port"] == local_port
        expect.processes_are(row, fetched, server)


@pytest.mark.vm
def test_interfaces_come_and_go(stage):
    """A pair made during the trace is traced; deleted and made again, it is traced again."""
    trace = stage.trace()
    for _ in range(2):
        here, there = stage.network.veth()
        ready(here.interface)
        server = stage.server("s_server", namespace=there.namespace)
        client = stage.client("openssl", server, there.ip4).ok()
        [row] = trace.wait_rows(1, port=server.port)
        expect.processes_are(row, client, server)
        expect.path_is(row, (here.interface, "egress"))
        assert row["path"][0]["ifindex"] == net.ifindex(here.interface)
        stage.network.delete(here.interface)
    trace.stop()


@pytest.mark.vm
def test_interface_comes_up(stage):
    """An interface that was down at the start is traced once it is up."""
    here, there = stage.network.veth()
    net.command("ip", "link", "set", here.interface, "down")
    trace = stage.trace()
    net.command("ip", "link", "set", here.interface, "up")
    ready(here.interface)
    server = stage.server("s_server", namespace=there.namespace)
    client = stage.client("openssl", server, there.ip4).ok()
    row = expect.one_row(trace, port=server.port)
    expect.processes_are(row, client, server)


@pytest.mark.vm
@pytest.mark.parametrize("tags", [[("802.1Q", 10)], [("802.1ad", 20), ("802.1Q", 30)]],
                         ids=["vlan", "qinq"])
@pytest.mark.parametrize("family", [4, 6])
def test_vlan(stage, tags, family):
    """Frames with one and two tags: one row whose path has each device."""
    sides = stage.network.pair(None, stage.network.namespace())
    layers = [sides]
    for protocol, tag in tags:
        try:
            layers.append([stage.network.vlan(side, tag, protocol) for side in layers[-1]])
        except AssertionError as error:
            pytest.skip(f"this kernel has no VLAN devices: {error}")
    stage.network.address(*layers[-1])
    here, there = layers[-1]
    server = stage.server("s_server", namespace=there.namespace)
    trace = stage.trace()
    client = stage.client("openssl", server, there.address(family)).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    # Outwards a packet crosses the innermost device first.
    expect.path_is(row, *((layer[0].interface, "egress") for layer in reversed(layers)))
