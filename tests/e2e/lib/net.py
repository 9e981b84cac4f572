# SPDX-License-Identifier: BSD-2-Clause
"""Namespaces and interfaces of one test, with documentation addresses, all removed at its end."""

import ipaddress
import itertools
import json
import os
from dataclasses import dataclass, field

from . import wait
from .process import command, helper

# RFC 5737 and RFC 3849. The machine itself may use one of them: see free_networks().
DOCUMENTATION4 = [ipaddress.ip_network(text)
                  for text in ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")]
DOCUMENTATION6 = ipaddress.ip_network("2001:db8::/32")
numbers = itertools.count()


@dataclass
class Side:
    """One end of a link."""
    interface: str
    namespace: str  # None: where the tests run
    ip4: str = None
    ip6: str = None

    def address(self, family):
        return self.ip6 if family == 6 else self.ip4


def no_offloads(*sides):
    """Packets cross as they would on a wire, none bigger than the MTU."""
    for side in sides:
        command("ethtool", "-K", side.interface, "tso", "off", "gso", "off", "gro", "off", namespace=side.namespace)


def used_networks(family):
    routes = json.loads(command("ip", "-j", f"-{family}", "route", "show", "table", "all"))
    for route in routes:
        try:
            yield ipaddress.ip_network(route["dst"], strict=False)
        except ValueError:
            pass  # "default"


def free_networks():
    """A small IPv4 and IPv6 network that no route of this machine touches."""
    used = [net for net in used_networks(4) if net.prefixlen]
    candidates = [small for net in DOCUMENTATION4 if not any(net.subnet_of(u) for u in used)
                  for small in net.subnets(new_prefix=28)]
    free4 = [net for net in candidates if not any(net.overlaps(u) for u in used)]
    number = (os.getpid() << 8 | next(numbers) & 0xFF) & 0xFFFFFFFF
    base6 = int(DOCUMENTATION6.network_address) | number << 64
    return free4[next(numbers) % len(free4)], ipaddress.ip_network((base6, 64))


def namespace_inode(namespace):
    path = f"/run/netns/{namespace}" if namespace else "/proc/self/ns/net"
    return os.stat(path).st_ino


def ifindex(interface, namespace=None):
    [link] = json.loads(command("ip", "-j", "link", "show", interface, namespace=namespace))
    return link["ifindex"]


@dataclass
class Network:
    """What a test made; remove() deletes it, in whatever state it is."""
    namespaces: list = field(default_factory=list)
    interfaces: list = field(default_factory=list)

    def name(self, what):
        # At most 15 bytes (IFNAMSIZ - 1), different in every run and test.
        return f"{what}{os.getpid() % 0xFFFFF:x}n{next(numbers):x}"

    def namespace(self):
        name = self.name("tt")
        command("ip", "netns", "add", name)
        self.namespaces.append(name)
        command("ip", "link", "set", "lo", "up", namespace=name)
        return name

    def pair(self, here=None, there=None):
        """A veth pair without addresses, one end in namespace here, the other in there."""
        left, right = Side(self.name("va"), here), Side(self.name("vb"), there)
        command("ip", "link", "add", left.interface, "type", "veth", "peer", "name",
                right.interface)
        self.interfaces.append(left.interface)
        for side in (left, right):
            if side.namespace:
                command("ip", "link", "set", side.interface, "netns", side.namespace)
        for side in (left, right):
            command("ip", "link", "set", side.interface, "up", namespace=side.namespace)
        return left, right

    def address(self, *sides, networks=None):
        """Give the sides, which share a link, addresses of one network (a free one) each."""
        net4, net6 = networks or free_networks()
        for number, side in enumerate(sides, start=1):
            side.ip4, side.ip6 = str(net4[number]), str(net6[number])
            for address, prefix in ((side.ip4, net4.prefixlen), (side.ip6, net6.prefixlen)):
                # Without nodad an IPv6 address cannot be used for its first second.
                command("ip", "address", "add", f"{address}/{prefix}", "dev", side.interface,
                        *(["nodad"] if ":" in address else []), namespace=side.namespace)

    def veth(self, there=None):
        """A veth pair between here and a new namespace, with addresses: (host side, other side)."""
        sides = self.pair(None, there or self.namespace())
        self.address(*sides)
        return sides

    def wire(self, processes, milliseconds=(0, 0), lost=0):
        """A network between here and a new namespace that a program carries packets over: no packet
        on the other side still has its socket. It delays what leaves here, what leaves there, and
        loses the first packet from here that is so long."""
        near, far = Side(self.name("ta"), None), Side(self.name("tb"), self.namespace())
        carrier = processes.start(helper("wire.py", "-", near.interface, far.namespace,
                                         far.interface, *milliseconds, lost))
        wait.until(lambda: b"ready" in carrier.log.read_bytes(), "the wire's interfaces")
        for side in (near, far):
            command("ip", "link", "set", side.interface, "up", namespace=side.namespace)
        self.address(near, far)
        return near, far

    def bridge(self, networks=None):
        """Two new namespaces on a bridge in this one: their sides, and the bridge's ports."""
        bridge = self.name("br")
        command("ip", "link", "add", bridge, "type", "bridge")
        self.interfaces.append(bridge)
        command("ip", "link", "set", bridge, "up")
        pairs = [self.pair(None, self.namespace()) for _ in range(2)]
        for port, _ in pairs:
            command("ip", "link", "set", port.interface, "master", bridge)
        self.address(*(side for _, side in pairs), networks=networks)
        return [side for _, side in pairs], [port for port, _ in pairs]

    def routed(self):
        """Two new namespaces with a third between that forwards: (one side, other side, router)."""
        router = self.namespace()
        sides = []
        for inner, outer in (self.pair(self.namespace(), router) for _ in range(2)):
            self.address(inner, outer)
            for family, gateway in ((4, outer.ip4), (6, outer.ip6)):
                command("ip", f"-{family}", "route", "add", "default", "via", gateway,
                        namespace=inner.namespace)
            sides.append(inner)
        for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            command("sysctl", "-q", "-w", f"{name}=1", namespace=router)
        return (*sides, router)

    def vlan(self, side, tag, protocol="802.1Q"):
        """A VLAN device over side, up, no addresses. AssertionError where the kernel has none."""
        upper = Side(self.name("vl"), side.namespace)
        command("ip", "link", "add", "link", side.interface, "name", upper.interface, "type",
                "vlan", "proto", protocol, "id", tag, namespace=side.namespace)
        command("ip", "link", "set", upper.interface, "up", namespace=side.namespace)
        return upper

    def delete(self, interface):
        command("ip", "link", "delete", interface)
        self.interfaces.remove(interface)

    def remove(self):
        # Best effort for each: one that is gone already must not keep the others alive.
        for interface in reversed(self.interfaces):
            command("ip", "link", "delete", interface, check=False)
        for namespace in self.namespaces:
            command("ip", "netns", "delete", namespace, check=False)
