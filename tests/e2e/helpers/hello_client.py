# SPDX-License-Identifier: BSD-2-Clause
"""hello_client.py ADDRESS PORT HELLO fin|rst|hold: send HELLO, in hex digits, as it is, then leave.

"hold" waits until the server has left.
"""

import socket
import struct
import sys

address, port, hello, ending = sys.argv[1:]
with socket.create_connection((address, int(port))) as connection:
    connection.sendall(bytes.fromhex(hello))
    if ending == "hold":
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
    elif ending == "rst":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
