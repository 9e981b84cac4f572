# SPDX-License-Identifier: BSD-2-Clause
"""docker_api.py SOCKET ID NAME [HOW]: what Docker's API answers for one container, or how it fails to; everywhere: NAME is also
its image and its label."""

import json
import socket
import sys

place, id, name = sys.argv[1:4]
how = sys.argv[4] if len(sys.argv) > 4 else "well"
image, labels = ("nginx:1", {"tier": "front"}) if how != "everywhere" else (name, {name: name})
answer = json.dumps({"Id": id, "Name": "/" + name, "Config": {"Image": image, "Labels": labels}}).encode()

listener = socket.socket(socket.AF_UNIX)
listener.bind(place)
listener.listen(8)
while True:
    connection, _ = listener.accept()
    with connection:
        request = connection.recv(4096)
        try:
            if how == "silent":
                connection.recv(1)  # until the client gives up
            elif how == "endless":
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{\"Id\":\"")
                while True:
                    connection.sendall(b"x" * 4096)
            elif how == "broken":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + answer[:40])
            elif request.startswith(f"GET /containers/{id}/json HTTP/1.1\r\n".encode()):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                   b"Content-Length: %d\r\n\r\n" % len(answer) + answer)
            else:
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            pass  # the client has gone
