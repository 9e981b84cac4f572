# SPDX-License-Identifier: BSD-2-Clause
"""Shared by the helper programs: listening sockets and reading up to a mark."""

import socket


def listener(port):
    """A socket for IPv4 and IPv6 on port."""
    return socket.create_server(("::", int(port)), family=socket.AF_INET6,
                                dualstack_ipv6=True, backlog=64)


def read_until(connection, mark):
    """Bytes up to and including mark, none beyond it; empty when the peer left before."""
    data = b""
    while not data.endswith(mark):
        byte = connection.recv(1)
        if not byte:
            return b""
        data += byte
    return data
