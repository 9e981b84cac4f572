#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the fuzz targets' seeds from the golden captures: what real programs said, in the targets' form."""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CAPTURES = HERE.parent / "golden/captures"
sys.path.insert(0, str(HERE.parent / "e2e"))

from lib import pcapfile  # noqa: E402

SERVER_PORTS = (443, 4433)
# Of record.c, dtls.c and quic.c.
FROM_CLIENT, SEALED, COALESCED, FIN = 0x01, 0x02, 0x04, 0x08
# Capture files are long for a fuzzer: only those that lead somewhere the others do not.
WHOLE = ("tls12-mutual", "alert-no-cipher", "tls13-psk", "dtls12", "quic")


def packets(path):
    """(is TCP, from the client, TCP flags, payload) of each packet of an Ethernet capture."""
    data = path.read_bytes()
    at = 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[12:14] != b"\x08\x00":
            continue
        ip = frame[14:14 + struct.unpack_from(">H", frame, 16)[0]]
        inner = ip[(ip[0] & 15) * 4:]
        from_client = struct.unpack_from(">H", inner, 2)[0] in SERVER_PORTS
        if ip[9] == 6:
            yield True, from_client, inner[13], inner[(inner[12] >> 4) * 4:]
        else:
            yield False, from_client, 0, inner[8:]


def streams(path):
    """Both directions' TCP payload, the client's first; the captures have no holes."""
    joined = [b"", b""]
    for is_tcp, from_client, _, payload in packets(path):
        if is_tcp:
            joined[not from_client] += payload
    return joined


def messages(stream):
    """(type, body) of the plaintext handshake messages of a stream that is TLS from its first byte."""
    gathered = b""
    while len(stream) >= 5 and stream[0] == 22 and stream[1] == 3:
        length = struct.unpack_from(">H", stream, 3)[0]
        gathered += stream[5:5 + length]
        stream = stream[5 + length:]
    while len(gathered) >= 4:
        length = int.from_bytes(gathered[1:4], "big")
        yield gathered[0], gathered[4:4 + length]
        gathered = gathered[4 + length:]


def write(target, name, data):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def segments_seed(path):
    seed = b""
    for is_tcp, from_client, flags, payload in packets(path):
        if is_tcp and (payload or flags & 1):
            how = (FROM_CLIENT if from_client else 0) | (FIN if flags & 1 else 0)
            seed += struct.pack(">BbH", how, 0, len(payload)) + payload
    return seed


def datagrams_seed(path):
    return b"".join(struct.pack(">BH", FROM_CLIENT if from_client else 0, len(payload)) + payload
                    for is_tcp, from_client, _, payload in packets(path) if not is_tcp)


def crypto_frames(message, cut):
    """A message in two CRYPTO frames, the later one first, after an ACK and padding."""
    whole = bytes([message[0]]) + len(message[1]).to_bytes(3, "big") + message[1]
    frames = b"\x02\x00\x00\x00\x00" + bytes(3)
    for start, part in ((cut, whole[cut:]), (0, whole[:cut])):
        frames += b"\x06" + struct.pack(">HH", 0x4000 | start, 0x4000 | len(part)) + part
    return frames


def sealed_seed(path):
    """The hellos of a TLS 1.3 capture as those of a QUIC connection, and a CONNECTION_CLOSE."""
    seed = b""
    for from_client, stream in zip((True, False), streams(path)):
        for message in list(messages(stream))[:1]:
            frames = crypto_frames(message, 20)
            seed += struct.pack(">BH", SEALED | (FROM_CLIENT if from_client else 0), len(frames)) + frames
    close = b"\x1c\x41\x28\x06\x03bad"
    return seed + struct.pack(">BH", SEALED, len(close)) + close


def hello_seeds(path):
    kinds = {1: 0, 2: 3, 12: 5 | 0xc0}
    for stream in streams(path):
        for kind, body in messages(stream):
            if kind in kinds:
                write("hello", f"{path.stem}-{kind}", bytes([kinds[kind]]) + body)
            if kind == 11 and len(body) > 6:
                length = int.from_bytes(body[3:6], "big")
                write("certificate", f"{path.stem}-message", b"\x01" + body)
                write("certificate", f"{path.stem}-der", b"\x00" + body[6:6 + length])


def pcapng_seed(path):
    """Two sections of either byte order, the second with two interfaces, and an older kind of packet."""
    packets = pcapfile.read(path)
    half = len(packets) // 2
    ether, nano = pcapfile.Interface(order=">"), pcapfile.Interface(resolution=9)
    raw = pcapfile.Interface(pcapfile.RAW, 65535, 3)
    seed = pcapfile.section(">") + ether.pack() + b"".join(ether.packet(0, packet) for packet in packets[:half])
    seed += pcapfile.section() + nano.pack() + pcapfile.block(4, b"names") + raw.pack()
    for number, packet in enumerate(packets[half:]):
        seed += (nano.packet(0, packet) if number % 2 else
                 raw.packet(1, pcapfile.Packet(packet.time_ns, pcapfile.ip_of(packet.data))))
    return seed + pcapfile.block(3, struct.pack("<I", 60) + packets[0].data[:60])


def main():
    for path in sorted(CAPTURES.glob("*.pcap")):
        if path.stem in WHOLE:
            write("capture", f"{path.stem}.pcap", path.read_bytes())
        if path.stem.startswith("quic"):
            write("quic", path.stem, datagrams_seed(path))
        elif path.stem.startswith("dtls"):
            write("dtls", path.stem, datagrams_seed(path))
        else:
            write("record", path.stem, segments_seed(path))
            hello_seeds(path)
        if path.stem.startswith("tls13"):
            write("quic", f"sealed-{path.stem}", sealed_seed(path))
    write("capture", "mixed.pcapng", pcapng_seed(CAPTURES / "alert-no-cipher.pcap"))
    write("hello", "v2", b"\x01\x03\x01" + struct.pack(">HHH", 6, 0, 16) + b"\x00\x00\x2f\x01\x00\x80"
          + bytes(range(16)))


if __name__ == "__main__":
    sys.exit(main())
