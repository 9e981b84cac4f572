# SPDX-License-Identifier: BSD-2-Clause
"""ClientHellos made by hand, for what no real client sends."""

import os


def vector(data, width):
    return len(data).to_bytes(width, "big") + data


def codes(*points):
    return b"".join(point.to_bytes(2, "big") for point in points)


def extension(kind, body):
    return codes(kind) + vector(body, 2)


def client_hello(random=None, sni=b"raw.example.org", ciphers=(0xC02F, 0xC030), more=()):
    """A TLS 1.2 ClientHello in one record (RFC 5246 section 7.4.1.2). sni is used as it is."""
    server_name = extension(0, vector(b"\0" + vector(sni, 2), 2))          # RFC 6066 section 3
    groups = extension(10, vector(codes(0x1D, 0x17), 2))                   # RFC 8422 section 5.1
    schemes = extension(13, vector(codes(0x0403, 0x0804, 0x0401), 2))      # RFC 5246 7.4.1.4.1
    body = (codes(0x0303) + (random or os.urandom(32)) + vector(b"", 1)
            + vector(codes(*ciphers), 2) + vector(b"\0", 1)
            + vector(server_name + groups + schemes + b"".join(more), 2))
    handshake = b"\x01" + vector(body, 3)
    return b"\x16" + codes(0x0301) + vector(handshake, 2)


def server_hello(random, version=0x0303, cipher=0xC02B):
    """A ServerHello of TLS 1.2 in one record (RFC 5246 section 7.4.1.3), and no more."""
    body = codes(version) + random + vector(b"", 1) + codes(cipher) + b"\0"
    return b"\x16" + codes(version) + vector(b"\x02" + vector(body, 3), 2)


def sslv2_hello(challenge):
    """A version 2 hello that offers TLS 1.2 (RFC 5246 appendix E.2)."""
    ciphers = b"".join(b"\0" + codes(point) for point in (0xC02F, 0xC02B, 0x002F, 0x00FF))
    body = (b"\x01" + codes(0x0303, len(ciphers), 0, len(challenge)) + ciphers + challenge)
    return (0x8000 | len(body)).to_bytes(2, "big") + body
