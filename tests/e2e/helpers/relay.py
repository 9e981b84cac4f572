# SPDX-License-Identifier: BSD-2-Clause
"""relay.py PORT ADDRESS SERVER_PORT bytes|records SIZE: pass a TLS connection on in odd pieces.

bytes    the first SIZE bytes of both directions are written byte by byte
records  the ClientHello, one record, is sent on as records of SIZE bytes (RFC 8446 section 5.1)
late     whole, but SIZE milliseconds later; "40:10": to the server, and from it
"""

import functools
import socket
import sys
import threading
import time

from lines import listener


def write_bytewise(target, data, done, size):
    slow = data[:max(0, size - done)]
    for byte in slow:
        target.sendall(bytes([byte]))
    target.sendall(data[len(slow):])


def write_records(target, data, done, size):
    if done:
        target.sendall(data)
        return
    kind_and_version, length = data[:3], int.from_bytes(data[3:5], "big")
    body, rest = data[5:5 + length], data[5 + length:]
    pieces = [body[at:at + size] for at in range(0, len(body), size)]
    target.sendall(b"".join(kind_and_version + len(piece).to_bytes(2, "big") + piece
                            for piece in pieces) + rest)


def write_plain(target, data, done):
    target.sendall(data)


def write_late(target, data, done, milliseconds):
    time.sleep(milliseconds / 1000)
    target.sendall(data)


def pump(source, target, write=write_plain):
    done = 0
    try:
        while data := source.recv(65536):
            write(target, data, done)
            done += len(data)
        target.shutdown(socket.SHUT_WR)
    except OSError as error:
        print(error, file=sys.stderr)


def couple(client, server, forward=write_plain, backward=write_plain):
    """Pass bytes both ways until both sides have ended."""
    for side in (client, server):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client, server:
        back = threading.Thread(target=pump, args=(server, client, backward), daemon=True)
        back.start()
        pump(client, server, forward)
        back.join()


if __name__ == "__main__":
    port, address, server_port, how, size = sys.argv[1:]
    there, _, back = size.partition(":")
    ways = {
        "bytes": [functools.partial(write_bytewise, size=int(there))] * 2,
        "records": [functools.partial(write_records, size=int(there)), write_plain],
        "late": [functools.partial(write_late, milliseconds=int(text))
                 for text in (there, back or there)],
    }[how]
    with listener(port) as relay:
        while True:
            client, _ = relay.accept()
            server = socket.create_connection((address, int(server_port)))
            threading.Thread(target=couple, args=(client, server, *ways), daemon=True).start()
