# SPDX-License-Identifier: BSD-2-Clause
"""Network address translation between containers here: one row, both processes, the rewrites in its path."""

import ipaddress
from dataclasses import dataclass

import pytest

from lib import expect, net, process, servers

FORWARD = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}


def at(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass
class Router:
    """A namespace between two others, as a host is between its containers: client, server, and both its sides."""
    stage: object
    family: int

    def __post_init__(self):
        network = self.stage.network
        self.name = network.namespace()
        pairs = [network.pair(self.name, network.namespace()) for _ in range(2)]
        for pair in pairs:
            network.address(*pair)
        (self.near, self.client), (self.far, self.server) = pairs
        process.command("sysctl", "-qw", f"{FORWARD[self.family]}=1", namespace=self.name)
        for ours, theirs in pairs:
            process.command("ip", f"-{self.family}", "route", "add", "default", "via",
                            ours.address(self.family), namespace=theirs.namespace)

    @property
    def ip(self):
        return "ip6" if self.family == 6 else "ip"

    def nft(self, *rules):
        """Rules (chain, rule) of NAT in the router."""
        hooks = {"prerouting": "dstnat", "postrouting": "srcnat"}
        lines = [f"add table {self.ip} nat"]
        lines += [f"add chain {self.ip} nat {hook} {{ type nat hook {hook} priority {priority}; }}"
                  for hook, priority in hooks.items()]
        lines += [f"add rule {self.ip} nat {chain} {rule}" for chain, rule in rules]
        process.command("nft", "; ".join(lines), namespace=self.name)

    def nobody(self):
        """An address of none of the networks here: packets to it go to the router."""
        taken = [ipaddress.ip_network(f"{side.ip4}/28", strict=False) for side in (self.near, self.far)]
        return next(address for address in ("203.0.113.254", "198.51.100.254", "192.0.2.254")
                    if not any(ipaddress.ip_address(address) in network for network in taken))

    def publish(self, port, server, server_port):
        self.nft(("prerouting", f"tcp dport {port} dnat to {at(server, server_port)}"))


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def router(stage, request):
    return Router(stage, request.param)


def ends_are(row, client, server, client_side, server_side):
    expect.completed(row)
    expect.processes_are(row, client, server)
    assert row["client"]["netns"] == net.namespace_inode(client_side.namespace)
    assert row["server"]["netns"] == net.namespace_inode(server_side.namespace)


def rewrites(row):
    """The addresses at the places, without repetitions: (client's, server's)."""
    pairs = [(place["client"], place["server"]) for place in row["path"]]
    return [pair for i, pair in enumerate(pairs) if not i or pair != pairs[i - 1]]


def test_published_port(stage, router):
    """DNAT: the client speaks to the router's port, the server hears it on its own."""
    server = stage.server("nginx", namespace=router.server.namespace)
    public, real = router.near.address(router.family), router.server.address(router.family)
    port = process.free_port()
    router.publish(port, real, server.port)
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, public, router.client.namespace, port=port).ok()
    row = expect.one_row(trace, client_port=int(client.output), port=port)
    ends_are(row, client, server, router.client, router.server)
    own = at(router.client.address(router.family), int(client.output))
    assert rewrites(row) == [(own, at(public, port)), (own, at(real, server.port))]
    assert (row["server"]["ip"], row["server"]["port"]) == (public, port)


def test_masquerade(stage, router):
    """SNAT: the server hears the router's address."""
    server = stage.server("nginx", namespace=router.server.namespace)
    router.nft(("postrouting", f"oifname {router.far.interface} masquerade"))
    real = router.server.address(router.family)
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, real, router.client.namespace, port=server.port).ok()
    row = expect.one_row(trace, port=server.port, client_port=int(client.output))
    ends_are(row, client, server, router.client, router.server)
    (first, _), (last, _) = rewrites(row)
    assert first == at(router.client.address(router.family), int(client.output))
    assert last.rsplit(":", 1)[0] == at(router.far.address(router.family), 0).rsplit(":", 1)[0]


def test_service_address(stage, router):
    """An address that nobody has, as a cluster gives to a service, and masquerade on top."""
    server = stage.server("nginx", namespace=router.server.namespace)
    service = "2001:db8:ffff::1" if router.family == 6 else router.nobody()
    real = router.server.address(router.family)
    router.nft(("prerouting", f"{router.ip} daddr {service} tcp dport 443 dnat to {at(real, server.port)}"),
               ("postrouting", "masquerade"))
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, service, router.client.namespace, port=443).ok()
    row = expect.one_row(trace, client_port=int(client.output), port=443)
    ends_are(row, client, server, router.client, router.server)
    assert rewrites(row)[0][1] == at(service, 443)
    assert rewrites(row)[-1][1] == at(real, server.port)


def test_hairpin(stage, router):
    """A client reaches a server on its own network through the router's published port."""
    server = stage.server("nginx", namespace=router.client.namespace)
    public, real = router.far.address(router.family), router.client.address(router.family)
    port = process.free_port()
    router.nft(("prerouting", f"tcp dport {port} dnat to {at(real, server.port)}"),
               ("postrouting", f"oifname {router.near.interface} masquerade"))
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, public, router.client.namespace, port=port).ok()
    row = expect.one_row(trace, client_port=int(client.output), port=port)
    ends_are(row, client, server, router.client, router.client)
    (_, first), (_, last) = rewrites(row)[0], rewrites(row)[-1]
    assert (first, last) == (at(public, port), at(real, server.port))


@pytest.mark.vm
def test_here_with_iptables(stage):
    """The router is where tlstrace runs, and the tool that Docker uses makes the rules."""
    client_side, server_side = (stage.network.veth() for _ in range(2))
    server = stage.server("nginx", namespace=server_side[1].namespace)
    real, public, port = server_side[1].ip4, client_side[0].ip4, process.free_port()
    for here, there in (client_side, server_side):
        process.command("ip", "route", "add", "default", "via", here.ip4, namespace=there.namespace)
    rule = ["-p", "tcp", "-d", public, "--dport", port, "-j", "DNAT", "--to-destination", at(real, server.port)]
    forward = ["-i", client_side[0].interface, "-j", "ACCEPT"]
    back = ["-i", server_side[0].interface, "-j", "ACCEPT"]
    stage.undo(lambda old: process.command("sysctl", "-qw", f"{FORWARD[4]}={old}"),
               process.command("sysctl", "-n", FORWARD[4]).strip())
    process.command("sysctl", "-qw", f"{FORWARD[4]}=1")
    for table, chain, what in (("nat", "PREROUTING", rule), ("filter", "FORWARD", forward), ("filter", "FORWARD", back)):
        process.command("iptables", "-w", "-t", table, "-I", chain, *what)
        stage.undo(lambda *gone: process.command("iptables", "-w", "-t", *gone, check=False),
                   table, "-D", chain, *what)
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, public, client_side[1].namespace, port=port).ok()
    row = expect.one_row(trace, client_port=int(client.output), port=port)
    ends_are(row, client, server, client_side[1], server_side[1])
    assert [(place["interface"], place["direction"]) for place in row["path"]] == [
        (client_side[1].interface, "egress"), (client_side[0].interface, "ingress"),
        (server_side[0].interface, "egress"), (server_side[1].interface, "ingress")]
    assert [place["server"] for place in row["path"]] == [at(public, port)] * 2 + [at(real, server.port)] * 2


def test_userland_proxy(stage, router):
    """What docker-proxy does where there is no DNAT: a process on the host takes the bytes across."""
    server = stage.server("nginx", namespace=router.server.namespace)
    real = router.server.address(router.family)
    proxy = stage.server(servers.Socat, namespace=router.name, options=(real, server.port))
    public = router.near.address(router.family)
    trace = stage.trace(everywhere=True)
    client = stage.client("curl", server, public, router.client.namespace, port=proxy.port).ok()
    row = expect.one_row(trace, client_port=int(client.output))
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "curl")
    assert row["server"]["process"]["pid"] in server.pids
    assert {place["process"]["comm"] for place in row["path"] if place["process"]} == {"socat"}
    assert row["path"][-1]["server"] == at(real, server.port)
