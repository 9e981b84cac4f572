# SPDX-License-Identifier: BSD-2-Clause
"""Other network namespaces: all handshakes in them, wherever they stay, from the first one on."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import expect, net, process


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
