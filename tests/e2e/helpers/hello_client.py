# SPDX-License-Identifier: BSD-2-Clause
"""hello_client.py ADDRESS PORT HELLO fin|rst|exit|hold [late]: send HELLO, in hex digits, as it is, then leave.

"late" waits with it until the server has left.
"exit" waits 50 ms for an answer, then ends the process and leaves the closing to the kernel; "hold" waits until the server has left.
"""

import os
import select
import socket
import struct
import sys

address, port, hello, ending, *late = sys.argv[1:]
with socket.create_connection((address, int(port))) as connection:
    if late:
        assert not connection.recv(1, socket.MSG_PEEK)
    connection.sendall(bytes.fromhex(hello))
    if ending == "hold":
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
    elif ending == "exit":
        select.select([connection], [], [], 0.05)
        os._exit(3)
    elif ending == "rst":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
