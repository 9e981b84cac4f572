# SPDX-License-Identifier: BSD-2-Clause
"""connect_proxy.py PORT SERVER_PORT: an HTTP proxy that knows CONNECT and one server here."""

import socket
import sys
import threading

from lines import listener, read_until
from relay import couple

if __name__ == "__main__":
    port, server_port = sys.argv[1:]
    with listener(port) as proxy:
        while True:
            client, _ = proxy.accept()
            read_until(client, b"\r\n\r\n")
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server = socket.create_connection(("127.0.0.1", int(server_port)))
            threading.Thread(target=couple, args=(client, server), daemon=True).start()
