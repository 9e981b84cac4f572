# SPDX-License-Identifier: BSD-2-Clause
"""Captures as lists of packets: read, changed, written; and frames put into tunnels."""

import ipaddress
import struct
from dataclasses import dataclass, replace

ETHERNET, RAW, COOKED = 1, 101, 113
MAC = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"


@dataclass(frozen=True)
class Packet:
    time_ns: int
    data: bytes


def read(path):
    """The packets of a pcap file of this byte order with microseconds, as tcpdump writes them."""
    content = path.read_bytes()
    magic, *_, link = struct.unpack_from("<IHHiIII", content)
    assert (magic, link) == (0xA1B2C3D4, ETHERNET), path
    packets, at = [], 24
    while at < len(content):
        seconds, micros, length, wire = struct.unpack_from("<IIII", content, at)
        assert length == wire, "cut by tcpdump"
        packets.append(Packet(seconds * 10**9 + micros * 1000, content[at + 16:at + 16 + length]))
        at += 16 + length
    return packets


def pack(packets, link=ETHERNET, snaplen=262144, nanoseconds=False, order="<"):
    magic, unit = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    for packet in packets:
        seconds, rest = divmod(packet.time_ns, 10**9)
        data = packet.data[:snaplen]
        parts.append(struct.pack(order + "IIII", seconds, rest // unit, len(data), len(packet.data)))
        parts.append(data)
    return b"".join(parts)


def block(kind, body, order="<"):
    """Of a pcapng file: draft-ietf-opsawg-pcapng section 3.1."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


@dataclass(frozen=True)
class Interface:
    link: int = ETHERNET
    snaplen: int = 262144
    resolution: int = 6  # times are in 10**-resolution seconds
    order: str = "<"

    def pack(self):
        option = struct.pack(self.order + "HHB3x", 9, 1, self.resolution)
        return block(1, struct.pack(self.order + "HHI", self.link, 0, self.snaplen) + option, self.order)

    def packet(self, index, packet):
        """What the interface with this number in its section makes of a packet."""
        time = packet.time_ns * 10**self.resolution // 10**9
        data = packet.data[:self.snaplen]
        return block(6, struct.pack(self.order + "IIIII", index, time >> 32, time & 0xFFFFFFFF, len(data),
                                    len(packet.data)) + data, self.order)


def is_tcp(packet):
    return packet.data[12:14] == b"\x08\0" and packet.data[23] == 6


def payload_length(packet):
    """Of a TCP segment in IPv4 in Ethernet."""
    header = (packet.data[14] & 15) * 4
    offset = (packet.data[14 + header + 12] >> 4) * 4
    return struct.unpack_from(">H", packet.data, 16)[0] - header - offset


def again(packet, count):
    """count more segments like this one (TCP, IPv4, Ethernet), each following the one before it."""
    at = 14 + (packet.data[14] & 15) * 4 + 4
    [sequence] = struct.unpack_from(">I", packet.data, at)
    for number in range(1, count + 1):
        data = bytearray(packet.data)
        struct.pack_into(">I", data, at, (sequence + number * payload_length(packet)) % 2**32)
        yield Packet(packet.time_ns + number * 10_000, bytes(data))


def ipv4(protocol, body, identification=0, fragment=0):
    addresses = ipaddress.ip_address("192.0.2.8").packed + ipaddress.ip_address("192.0.2.9").packed
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), identification, fragment, 64, protocol,
                       0) + addresses + body


def udp(port, body):
    return ipv4(17, struct.pack(">HHHH", 50000, port, 8 + len(body), 0) + body)


def ip_of(frame):
    return frame[14:]


def tagged(frame, *tags):
    return frame[:12] + b"".join(struct.pack(">HH", kind, tag) for kind, tag in tags) + frame[12:]


# How an Ethernet frame may be wrapped: the file's link type, and what replaces the frame.
WRAPPINGS = {
    "vlan": (ETHERNET, lambda frame: tagged(frame, (0x8100, 100))),
    "qinq": (ETHERNET, lambda frame: tagged(frame, (0x88A8, 7), (0x8100, 100))),
    "mpls": (ETHERNET, lambda frame: MAC + b"\x88\x47" + b"\0\1\0\x40\0\2\1\x40" + ip_of(frame)),
    "pppoe": (ETHERNET, lambda frame: MAC + b"\x88\x64" + struct.pack(
        ">HHHH", 0x1100, 9, len(frame) - 12, 0x21) + ip_of(frame)),
    "raw": (RAW, ip_of),
    "cooked": (COOKED, lambda frame: b"\0\4\0\1\0\6" + bytes(8) + frame[12:]),
    "vxlan": (RAW, lambda frame: udp(4789, b"\x08\0\0\0\0\0\5\0" + frame)),
    "geneve": (RAW, lambda frame: udp(6081, b"\0\0\x65\x58\0\0\5\0" + frame)),
    "gre": (RAW, lambda frame: ipv4(47, b"\0\0\x08\0" + ip_of(frame))),
    "gre with key, of Ethernet": (RAW, lambda frame: ipv4(47, b"\x20\0\x65\x58\0\0\0\7" + frame)),
    "ipip": (RAW, lambda frame: ipv4(4, ip_of(frame))),
    "gtp": (RAW, lambda frame: udp(2152, struct.pack(">BBHI", 0x30, 255, len(frame) - 14, 5) + ip_of(frame))),
}


def wrap(packets, wrapping):
    return [replace(packet, data=wrapping(packet.data)) for packet in packets if is_tcp(packet)]


def fragmented(packets, size=64):
    """Each IPv4 packet in Ethernet as fragments, the last one first."""
    parts = []
    for number, packet in enumerate(packets):
        if not is_tcp(packet):
            continue
        header, body = bytearray(packet.data[:34]), packet.data[34:]
        assert header[14] == 0x45, "IPv4 options"
        pieces = []
        for at in range(0, len(body), size):
            piece = body[at:at + size]
            more = at + size < len(body)
            struct.pack_into(">HHH", header, 16, 20 + len(piece), number & 0xFFFF, more << 13 | at // 8)
            pieces.append(replace(packet, data=bytes(header) + piece))
        parts += reversed(pieces)
    return parts
