# SPDX-License-Identifier: BSD-2-Clause
"""relay.py PORT ADDRESS SERVER_PORT bytes|records|crumbs SIZE: pass a TLS connection on in odd pieces.

bytes    the first SIZE bytes of both directions are written byte by byte
records  the ClientHello, one record, is sent on as records of SIZE bytes (RFC 8446 section 5.1)
crumbs   all handshake records of both directions in the clear are sent on as records of SIZE bytes
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


CHANGE_CIPHER_SPEC, HANDSHAKE = 20, 22  # content types


def in_records(kind_and_version, body, size):
    pieces = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(kind_and_version + len(piece).to_bytes(2, "big") + piece for piece in pieces)


class Crumbs:
    """One direction up to its ChangeCipherSpec; what has come of a record waits for the rest."""

    def __init__(self, size):
        self.size, self.waiting, self.clear = size, b"", True

    def __call__(self, target, data, done):
        self.waiting += data
        passed = b""
        while self.clear and (record := self.next_record()):
            self.clear = record[0] != CHANGE_CIPHER_SPEC
            passed += in_records(record[:3], record[5:], self.size) if record[0] == HANDSHAKE else record
        if not self.clear:
            passed, self.waiting = passed + self.waiting, b""
        target.sendall(passed)

    def next_record(self):
        end = 5 + int.from_bytes(self.waiting[3:5], "big")
        if not 5 < end <= len(self.waiting):
            return b""
        record, self.waiting = self.waiting[:end], self.waiting[end:]
        return record


def write_records(target, data, done, size):
    if done:
        target.sendall(data)
        return
    kind_and_version, length = data[:3], int.from_bytes(data[3:5], "big")
    body, rest = data[5:5 + length], data[5 + length:]
    target.sendall(in_records(kind_and_version, body, size) + rest)


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

    def ways():
        return {
            "bytes": lambda: [functools.partial(write_bytewise, size=int(there))] * 2,
            "records": lambda: [functools.partial(write_records, size=int(there)), write_plain],
            "crumbs": lambda: [Crumbs(int(there)), Crumbs(int(there))],
            "late": lambda: [functools.partial(write_late, milliseconds=int(text))
                             for text in (there, back or there)],
        }[how]()

    with listener(port) as relay:
        while True:
            client, _ = relay.accept()
            server = socket.create_connection((address, int(server_port)))
            threading.Thread(target=couple, args=(client, server, *ways()), daemon=True).start()
