# SPDX-License-Identifier: BSD-2-Clause
"""Captures as other tools, hosts and networks would have written them: the same handshakes, other packets."""

import struct
from dataclasses import dataclass, replace

ETHERNET, NFLOG, SLL2 = 1, 239, 276
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


@dataclass(frozen=True)
class Packet:
    """An IPv4 packet over Ethernet. time: microseconds."""
    time: int
    frame: bytes

    @property
    def ip(self):
        return self.frame[14:14 + struct.unpack_from(">H", self.frame, 16)[0]]

    @property
    def is_tcp(self):
        return self.frame[12:14] == b"\x08\x00" and self.ip[9] == 6

    @property
    def source(self):
        return self.ip[12:16] + self.ip[20:22]

    @property
    def destination(self):
        return self.ip[16:20] + self.ip[22:24]

    @property
    def header(self):
        return 20 + (self.ip[32] >> 4) * 4

    @property
    def payload(self):
        return self.ip[self.header:]

    @property
    def flags(self):
        return self.ip[33]

    @property
    def sequence(self):
        return struct.unpack_from(">I", self.ip, 24)[0]

    @property
    def acknowledgement(self):
        return struct.unpack_from(">I", self.ip, 28)[0]


def read(path):
    data = path.read_bytes()
    magic, *_, link = struct.unpack_from("<IHHiIII", data)
    assert magic in (0xa1b2c3d4, 0xa1b23c4d) and link == ETHERNET, f"{path} is not little-endian Ethernet"
    unit, at, packets = 1000 if magic == 0xa1b23c4d else 1, 24, []
    while at < len(data):
        seconds, part, length, _ = struct.unpack_from("<IIII", data, at)
        packets.append(Packet(seconds * 1000000 + part // unit, data[at + 16:at + 16 + length]))
        at += 16 + length
    return packets


def write(path, packets, link=ETHERNET, snapshot=65535):
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, snapshot, link))
        for packet in packets:
            captured = packet.frame[:snapshot]
            file.write(struct.pack("<IIII", packet.time // 1000000, packet.time % 1000000, len(captured),
                                   len(packet.frame)) + captured)


def folded(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data[:len(data) // 2 * 2]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def segment(packet, payload=None, **fields):
    """The packet with another payload, sequence, acknowledgement, flags, urgent; all checksums are right."""
    ip = bytearray(packet.ip[:packet.header])
    payload = packet.payload if payload is None else payload
    struct.pack_into(">II", ip, 24, fields.get("sequence", packet.sequence) & 0xffffffff,
                     fields.get("acknowledgement", packet.acknowledgement) & 0xffffffff)
    ip[33] = fields.get("flags", packet.flags)
    struct.pack_into(">H", ip, 38, fields.get("urgent", 0))
    struct.pack_into(">H", ip, 2, len(ip) + len(payload))
    struct.pack_into(">H", ip, 4, fields.get("identification", struct.unpack_from(">H", ip, 4)[0]))
    struct.pack_into(">H", ip, 10, 0)
    struct.pack_into(">H", ip, 10, folded(bytes(ip[:20])))
    struct.pack_into(">H", ip, 36, 0)
    whole = bytes(ip[20:]) + payload
    pseudo = bytes(ip[12:20]) + struct.pack(">HH", 6, len(whole))
    struct.pack_into(">H", ip, 36, folded(pseudo + whole))
    return replace(packet, frame=packet.frame[:14] + bytes(ip) + payload, time=fields.get("time", packet.time))


def is_hello(packet):
    return packet.is_tcp and packet.payload[:1] == b"\x16" and packet.payload[5:6] == b"\x01"


def clients(packets):
    """Who sent a SYN that acknowledges nothing."""
    return {packet.source for packet in packets if packet.is_tcp and packet.flags & (SYN | ACK) == SYN}


def directions(packets):
    from_clients = clients(packets)
    return ([packet for packet in packets if packet.source in from_clients],
            [packet for packet in packets if packet.source not in from_clients])


# What a mirror port, two interfaces, or a tap of each direction make of it.

def twice(packets):
    return [copy for packet in packets for copy in (packet, replace(packet, time=packet.time + 40))]


def client_first(packets):
    client, server = directions(packets)
    return client + server


def server_first(packets):
    client, server = directions(packets)
    return server + client


def late(which, by):
    def mutate(packets):
        parts = list(directions(packets))
        parts[which] = [replace(packet, time=packet.time + by) for packet in parts[which]]
        return sorted(parts[0] + parts[1], key=lambda packet: packet.time)
    return mutate


def swapped_opening(packets):
    """Each SYN-ACK before its SYN."""
    swapped = list(packets)
    for i, packet in enumerate(swapped):
        if packet.is_tcp and packet.flags & (SYN | ACK) == SYN | ACK:
            swapped.insert(i - 1, swapped.pop(i))
    return swapped


# What ends send that is no data, or is not obeyed.

def padded_acks(packets):
    """Zero bytes fill the frames of pure ACKs, and their IP length counts them."""
    return [segment(packet, bytes(6)) if packet.is_tcp and packet.flags == ACK and not packet.payload
            else packet for packet in packets]


def keepalives(packets):
    mutated = []
    for packet in packets:
        if packet.is_tcp and packet.payload and packet.flags & ACK:
            mutated.append(segment(packet, b"\0", sequence=packet.sequence - 1, flags=ACK,
                                   identification=0x7777, time=packet.time - 1))
        mutated.append(packet)
    return mutated


def answering(hello, **fields):
    """A segment in the server's name, next in sequence."""
    ip = bytearray(hello.ip)
    ip[12:20] = hello.ip[16:20] + hello.ip[12:16]
    ip[20:24] = hello.ip[22:24] + hello.ip[20:22]
    answer = replace(hello, frame=hello.frame[:14] + bytes(ip), time=hello.time + 1)
    return segment(answer, b"", sequence=hello.acknowledgement + fields.pop("beyond", 0),
                   acknowledgement=hello.sequence + len(hello.payload), identification=0x6666, **fields)


def after_hello(make):
    def mutate(packets):
        mutated = []
        for packet in packets:
            mutated.append(packet)
            if is_hello(packet):
                mutated.append(make(packet))
        return mutated
    return mutate


stale_reset = after_hello(lambda hello: answering(hello, beyond=-5000, flags=RST | ACK))
far_reset = after_hello(lambda hello: answering(hello, beyond=30000, flags=RST))
stale_fin = after_hello(lambda hello: answering(hello, beyond=-5000, flags=FIN | ACK))
forged_syn = after_hello(lambda hello: segment(hello, b"", sequence=hello.sequence + 100000, flags=SYN,
                                               identification=0x5555, time=hello.time + 1))


def wrong_checksum(packets):
    """A decoy of each hello comes first, with another server name and a checksum that is wrong."""
    mutated = []
    for packet in (segment(packet) if packet.is_tcp else packet for packet in packets):
        if is_hello(packet) and b"golden.example" in packet.payload:
            decoy = packet.frame.replace(b"golden.example", b"decoys.example")
            mutated.append(replace(packet, frame=decoy[:18] + b"\x44\x44" + decoy[20:], time=packet.time - 1))
        mutated.append(packet)
    return mutated


# What comes before a hello.

def shifted(packets, extra, **fields):
    """These bytes before each hello, in its segment; all later numbers of the client move on."""
    mutated, moved = [], {}
    for packet in packets:
        if not packet.is_tcp:
            mutated.append(packet)
        elif is_hello(packet) and packet.source not in moved:
            moved[packet.source] = packet.sequence
            mutated.append(segment(packet, extra + packet.payload, flags=packet.flags | fields.get("add", 0),
                                   urgent=fields.get("urgent", 0)))
        elif packet.source in moved and packet.sequence - moved[packet.source] < 1 << 31:
            mutated.append(segment(packet, sequence=packet.sequence + len(extra)))
        elif packet.destination in moved and packet.acknowledgement > moved[packet.destination]:
            mutated.append(segment(packet, acknowledgement=packet.acknowledgement + len(extra)))
        else:
            mutated.append(packet)
    return mutated


def before_hello(extra, **fields):
    return lambda packets: shifted(packets, extra, **fields)


PROXY_V1 = b"PROXY TCP4 192.0.2.7 192.0.2.8 56324 443\r\n"
PROXY_V2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12 + 7) + bytes([192, 0, 2, 7, 192, 0, 2, 8])
            + struct.pack(">HH", 56324, 443) + b"\x05\0\x04abcd")


# Other ways to carry a packet.

def carried(header):
    return lambda packets: [replace(packet, frame=header(packet) + packet.ip) for packet in packets]


def udp(packet, port, tunnel):
    inner = tunnel + packet.ip
    head = struct.pack(">HHHH", 40000, port, 8 + len(inner), 0) + tunnel
    return packet.frame[:14] + ipv4(17, len(head) + len(packet.ip)) + head


def ipv4(protocol, length):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + length, 1, 0, 64, protocol, 0, b"\xc0\0\x02\xfd", b"\xc0\0\x02\xfe")
    return head[:10] + struct.pack(">H", folded(head)) + head[12:]


def ipv6_with_extensions(packet):
    """IPv4 within IPv6 after seven extension headers."""
    extensions = b"".join(struct.pack(">BB6x", 4 if last else 60, 0) for last in (False,) * 6 + (True,))
    length = len(extensions) + len(packet.ip)
    return (packet.frame[:12] + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, length, 60, 64)
            + bytes.fromhex("20010db8" + "0" * 23 + "1" + "20010db8" + "0" * 23 + "2") + extensions)


def macs(packet, *types):
    return packet.frame[:12] + b"".join(types)


def snap(packet):
    """Where the length is no length any more, as it was."""
    length = len(packet.ip) + 8
    return macs(packet, struct.pack(">H", length), b"\xaa\xaa\x03\0\0\0\x08\0") if length <= 1500 else packet.frame[:14]


CARRIERS = {
    "vlan": carried(lambda packet: macs(packet, b"\x81\0\0\x07", b"\x08\0")),
    "vlans": carried(lambda packet: macs(packet, *[b"\x88\xa8\0\x07"] * 2, *[b"\x81\0\0\x08"] * 2, b"\x08\0")),
    "metadata": carried(lambda packet: macs(packet, b"\x89\x09\x01\x01\0\x01\0\x10", b"\x08\0")),
    "e-tag": carried(lambda packet: macs(packet, b"\x89\x3f" + bytes(6), b"\x08\0")),
    "vn-tag": carried(lambda packet: macs(packet, b"\x89\x26" + bytes(4), b"\x08\0")),
    "mac-in-mac": carried(lambda packet: macs(packet, b"\x88\xe7" + bytes(4)) + packet.frame[:14]),
    "pppoe": carried(lambda packet: macs(packet, b"\x88\x64\x11\0\0\x01",
                                         struct.pack(">H", len(packet.ip) + 2), b"\0\x21")),
    "mpls": carried(lambda packet: macs(packet, b"\x88\x47\0\x01\x01\x40")),
    "snap": carried(snap),
    "ipip": carried(lambda packet: packet.frame[:14] + ipv4(4, len(packet.ip))),
    "extensions": carried(ipv6_with_extensions),
    "gre": carried(lambda packet: packet.frame[:14] + ipv4(47, len(packet.ip) + 4) + b"\0\0\x08\0"),
    "ether-ip": carried(lambda packet: packet.frame[:14] + ipv4(97, len(packet.ip) + 16) + b"\x30\0"
                        + packet.frame[:14]),
    "vxlan": carried(lambda packet: udp(packet, 4789, b"\x08\0\0\0\0\0\x07\0" + packet.frame[:14])),
    "vxlan-gpe": carried(lambda packet: udp(packet, 4790, b"\x0c\0\0\x01\0\0\x07\0")),
    "geneve": carried(lambda packet: udp(packet, 6081, b"\0\0\x08\0\0\0\x07\0")),
}


def nflog(packet):
    payload = struct.pack("<HH", 4 + len(packet.ip), 9) + packet.ip
    prefix = struct.pack("<HH", 8, 1) + b"\x08\0\0\x03"
    return replace(packet, frame=b"\x02\0\0\0" + prefix + payload + bytes(-len(payload) % 4))


def geneve_one_direction(packets):
    client, server = directions(packets)
    return sorted(CARRIERS["geneve"](client) + server, key=lambda packet: packet.time)


def redirected(packets):
    """The client's packets go to the own host, answers come from the address that was asked."""
    from_clients = clients(packets)

    def redirect(packet):
        if not packet.is_tcp or packet.source not in from_clients:
            return packet
        ip = bytearray(packet.ip)
        ip[16:20], ip[22:24] = bytes([127, 0, 0, 1]), struct.pack(">H", 15001)
        return segment(replace(packet, frame=packet.frame[:14] + bytes(ip)))
    return [redirect(packet) for packet in packets]


MUTATIONS = {
    "twice": twice, "client-first": client_first, "server-first": server_first,
    "server-late": late(1, 300), "client-late": late(0, 300), "server-later": late(1, 9000),
    "swapped-opening": swapped_opening, "padded-acks": padded_acks, "keepalives": keepalives,
    "stale-reset": stale_reset, "far-reset": far_reset, "stale-fin": stale_fin, "forged-syn": forged_syn,
    "wrong-checksum": wrong_checksum,
    "proxy-v1": before_hello(PROXY_V1), "proxy-v2": before_hello(PROXY_V2),
    "empty-record": before_hello(b"\x16\x03\x01\0\0"), "urgent-byte": before_hello(b"X", add=URG, urgent=1),
    "geneve-one-direction": geneve_one_direction, "redirected": redirected,
    **CARRIERS,
}
