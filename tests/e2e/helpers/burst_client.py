# SPDX-License-Identifier: BSD-2-Clause
"""burst_client.py ADDRESS PORT CAFILE NAME RECORDS: its Finished and small records in one write."""

import socket
import ssl
import sys

address, port, authority, name, records = sys.argv[1:]
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.create_default_context(cafile=authority)
tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
with socket.create_connection((address, int(port))) as connection:
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))
    for piece in range(int(records)):
        tls.write(b"%d" % piece)
    connection.sendall(outgoing.read())
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass
