# SPDX-License-Identifier: BSD-2-Clause
"""split_server.py PORT CHAIN KEY HOW MILLISECONDS: a TLS server that decides how its answer is written.

pause     half of the answer, and the rest so much later
nagle     three small writes, one after the other: the kernel holds back all but the first (RFC 896)
compute   at once, after so much work of the processor
"""

import socket
import ssl
import sys
import time

from lines import listener

port, chain, key, how, milliseconds = sys.argv[1:]
seconds = int(milliseconds) / 1000
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain, key)


def compute(*_):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


if how == "compute":
    context.sni_callback = compute


def send(connection, data):
    if how == "pause":
        connection.sendall(data[:len(data) // 2])
        time.sleep(seconds)
        connection.sendall(data[len(data) // 2:])
    elif how == "nagle":
        for start in range(0, len(data), len(data) // 3 + 1):
            connection.sendall(data[start:start + len(data) // 3 + 1])
    else:
        connection.sendall(data)


def shake(connection):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    answered = False
    while True:
        try:
            tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        data = outgoing.read()
        if data and not answered:
            answered = True
            send(connection, data)
        elif data:
            connection.sendall(data)
        if done:
            tls.write(b"done")
            connection.sendall(outgoing.read())
            return
        data = connection.recv(65536)
        if not data:
            return
        incoming.write(data)


with listener(port) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, how != "nagle")
            try:
                shake(connection)
                connection.recv(1)
            except OSError as error:
                print(error, file=sys.stderr)
