# SPDX-License-Identifier: BSD-2-Clause
"""silent_server.py PORT fin|rst|hold|early|half: read what a client sends first, say "read", then leave so.

"hold" never answers, and waits until the client has left. "early" leaves without reading, "half" says so,
reads on and waits until the client has left.
"""

import socket
import struct
import sys

from lines import listener

port, ending = sys.argv[1:]


def leave(connection):
    if ending == "early":
        return
    if ending == "half":
        connection.shutdown(socket.SHUT_WR)
    connection.recv(65536)
    print("read", flush=True)
    if ending in ("hold", "half"):
        while connection.recv(65536):
            pass
    elif ending == "rst":
        # A zero linger time makes close() send RST (socket(7)).
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


with listener(port) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                leave(connection)
            except OSError as error:
                print(error, file=sys.stderr)
