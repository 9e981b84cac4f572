# SPDX-License-Identifier: BSD-2-Clause
"""scripted_server.py PORT BYTES: answer what a client sends first with BYTES, in hex digits; wait until it leaves."""

import sys

from lines import listener

port, answer = sys.argv[1:]

with listener(port) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(bytes.fromhex(answer))
                while connection.recv(65536):
                    pass
            except OSError as error:
                print(error, file=sys.stderr)
