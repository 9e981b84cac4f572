# SPDX-License-Identifier: BSD-2-Clause
"""starttls_client.py ADDRESS PORT CAFILE NAME: connect, say so, and start TLS on request.

Prints "connected PORT" once the TCP connection is established; a line on standard input starts the rest.
"""

import socket
import ssl
import sys

from lines import read_until

address, port, authority, name = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
with socket.create_connection((address, int(port))) as connection:
    read_until(connection, b"\r\n")
    print("connected", connection.getsockname()[1], flush=True)
    sys.stdin.readline()
    connection.sendall(b"STARTTLS\r\n")
    read_until(connection, b"\r\n")
    with context.wrap_socket(connection, server_hostname=name):
        print("secure", flush=True)
