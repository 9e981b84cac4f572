# SPDX-License-Identifier: BSD-2-Clause
"""many_client.py ADDRESS PORT CAFILE NAME COUNT: so many handshakes, one after the other; prints their local ports."""

import socket
import ssl
import sys

address, port, authority, name, count = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
for _ in range(int(count)):
    with socket.create_connection((address, int(port))) as connection:
        print(connection.getsockname()[1])
        with context.wrap_socket(connection, server_hostname=name) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while tls.recv(4096):
                pass
