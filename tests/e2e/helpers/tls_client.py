# SPDX-License-Identifier: BSD-2-Clause
"""tls_client.py ADDRESS PORT CAFILE NAME VERSION ALPN…: a handshake and a request by ssl."""

import socket
import ssl
import sys

address, port, authority, name, version, *alpn = sys.argv[1:]
VERSIONS = {"TLSv1.0": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1,
            "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

context = ssl.create_default_context(cafile=authority)
context.set_alpn_protocols(alpn)
if version != "any":
    context.minimum_version = context.maximum_version = VERSIONS[version]
with context.wrap_socket(socket.create_connection((address, int(port))),
                         server_hostname=name) as connection:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: tlstrace\r\nConnection: close\r\n\r\n")
    while connection.recv(65536):
        pass
