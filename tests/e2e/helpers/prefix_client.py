# SPDX-License-Identifier: BSD-2-Clause
"""prefix_client.py ADDRESS PORT CAFILE NAME PREFIX AGAIN: a ClientHello after PREFIX (hex digits), in one write.

AGAIN times more, end TLS, say a line in clear and begin TLS anew on the connection.
"""

import socket
import ssl
import sys


def main(address, port, authority, name, prefix, again):
    context = ssl.create_default_context(cafile=authority)
    with socket.create_connection((address, int(port))) as connection:
        for number in range(int(again) + 1):
            prefix = bytes.fromhex(prefix) if number == 0 else b""
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
            run(connection, incoming, outgoing, tls.do_handshake, prefix)
            if number < int(again):
                run(connection, incoming, outgoing, tls.unwrap)
                connection.sendall(b"again\n")
                while not connection.recv(1) == b"\n":
                    pass
        print(connection.getsockname()[1])


def run(connection, incoming, outgoing, operation, before=b""):
    while True:
        try:
            operation()
            break
        except ssl.SSLWantReadError:
            flush(connection, outgoing, before)
            before = b""
            incoming.write(connection.recv(65536))
    flush(connection, outgoing, before)


def flush(connection, outgoing, before):
    data = before + outgoing.read()
    if data:
        connection.sendall(data)


main(*sys.argv[1:])
