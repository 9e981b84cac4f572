# SPDX-License-Identifier: BSD-2-Clause
"""Proxies that pass TLS through: two connections carry one ClientHello, and that is one row."""

from itertools import groupby

import pytest

from lib import expect, net, servers

PROXIES = {"haproxy": servers.HaproxyTcp, "nginx": servers.NginxTcp, "socat": servers.Socat}


def pids(proxy):
    """Of the process that serves, which is another one than was started where it has workers."""
    return None if isinstance(proxy, servers.Socat) else \
        proxy.pids if isinstance(proxy, servers.Nginx) else [proxy.process.pid]


def passed_through(row, client, server, *proxies):
    """The ends are the outermost ones, and each proxy is named where its sockets are seen."""
    expect.completed(row)
    expect.process_is(row["client"], client.pid, client.comm)
    assert row["server"]["process"]["pid"] in server.pids, row["server"]
    assert row["server"]["port"] == server.port
    between = [place["process"] for place in row["path"] if place["process"]]
    assert [comm for comm, _ in groupby(between, lambda one: one["comm"])] \
        == [proxy.comm for proxy in proxies], row["path"]
    for proxy in proxies:
        assert pids(proxy) is None or {one["pid"] for one in between if one["comm"] == proxy.comm} \
            <= set(pids(proxy)), between


@pytest.mark.vm
@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_one_proxy(stage, name, address):
    server = stage.server("nginx")
    proxy = stage.server(PROXIES[name], options=(address, server.port))
    trace = stage.trace()
    client = stage.client("curl", proxy, address).ok()
    row = expect.one_row(trace, client_port=int(client.output))
    passed_through(row, client, server, proxy)
    assert not trace.select(port=proxy.port)
    outer, inner = row["path"][:2], row["path"][2:]
    assert [place["process"] is None for place in row["path"]] == [True, False, False, True]
    assert {place["server"].rsplit(":")[-1] for place in outer} == {str(proxy.port)}
    assert {place["server"].rsplit(":")[-1] for place in inner} == {str(server.port)}


@pytest.mark.parametrize("option", ["--port", "-c", "-p", "--role server --port"])
def test_found_by_the_proxy(stage, option):
    server = stage.server("nginx")
    proxy = stage.server(servers.HaproxyTcp, options=("127.0.0.1", server.port))
    value = {"-c": proxy.comm, "-p": proxy.process.pid}.get(option, proxy.port)
    trace = stage.trace(*option.split(), value)
    client = stage.client("curl", proxy).ok()
    passed_through(expect.one_row(trace, client_port=int(client.output)), client, server, proxy)


def test_two_proxies(stage):
    """A chain: client, haproxy, socat, server."""
    server = stage.server("nginx")
    second = stage.server(servers.Socat, options=("127.0.0.1", server.port))
    first = stage.server(servers.HaproxyTcp, options=("127.0.0.1", second.port))
    trace = stage.trace()
    client = stage.client("curl", first).ok()
    row = expect.one_row(trace, client_port=int(client.output))
    passed_through(row, client, server, first, second)
    assert len(trace.select(port=server.port)) == len(trace.rows) == 1


@pytest.mark.parametrize("header", [("haproxy", "send-proxy"), ("haproxy", "send-proxy-v2"),
                                  ("nginx", "proxy_protocol on;")], ids=" ".join)
def test_proxy_protocol(stage, header):
    """A PROXY header comes before the ClientHello, often in the same segment."""
    name, option = header
    server = stage.server(servers.NginxBehindProxy)
    proxy = stage.server(PROXIES[name], options=("127.0.0.1", server.port, option))
    trace = stage.trace()
    client = stage.client("curl", proxy).ok()
    row = expect.one_row(trace, client_port=int(client.output))
    passed_through(row, client, server, proxy)


def test_proxy_in_a_container(stage):
    """Client here, proxy in a namespace, server in that namespace's loopback, as a sidecar has it."""
    _, there = stage.network.veth()
    server = stage.server("nginx", namespace=there.namespace)
    proxy = stage.server(servers.HaproxyTcp, namespace=there.namespace,
                         options=("127.0.0.1", server.port))
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", proxy, there.ip4).ok()
    row = expect.one_row(trace, client_port=int(client.output))
    passed_through(row, client, server, proxy)
    inode = net.namespace_inode(there.namespace)
    assert [place["netns"] == inode for place in row["path"]] == [False, True, True, True]
    assert row["server"]["netns"] == inode
