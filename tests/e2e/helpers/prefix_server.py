# SPDX-License-Identifier: BSD-2-Clause
"""prefix_server.py PORT CHAIN KEY BYTES AGAIN: TLS after so many bytes in front of the ClientHello.

AGAIN times more, the client ends TLS, says a line in clear and begins TLS anew on the connection.
"""

import ssl
import sys

from lines import listener, read_until


def main(port, chain, key, length, again):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with listener(port) as server:
        while True:
            connection, _ = server.accept()
            try:
                left = int(length)
                while left:
                    left -= len(connection.recv(left))
                secure = context.wrap_socket(connection, server_side=True)
                for _ in range(int(again)):
                    connection = secure.unwrap()
                    read_until(connection, b"\n")
                    connection.sendall(b"begin\n")
                    secure = context.wrap_socket(connection, server_side=True)
                while secure.recv(4096):
                    pass
                secure.close()
            except OSError as error:
                print(error, file=sys.stderr)


main(*sys.argv[1:])
