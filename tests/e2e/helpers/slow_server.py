# SPDX-License-Identifier: BSD-2-Clause
"""slow_server.py PORT CHAIN KEY WHERE MILLISECONDS [ALPN...]: a TLS server that sleeps in every handshake.

accept       when a connection is there, before it is accepted
read         when the hello is there, before it is read
certificate  in the callback that chooses the certificate
finish       when the client's second flight is there, before it is read
nowhere      not at all

With "deferred" added (accept+deferred), the kernel has no connection to accept before the hello arrives.
"""

import select
import socket
import ssl
import sys
import time

from lines import listener
from pauses import handshake

port, chain, key, where, milliseconds, *protocols = sys.argv[1:]
where, _, deferred = where.partition("+")
seconds = int(milliseconds) / 1000
pauses = {"read": {0: seconds}, "finish": {1: seconds}}.get(where, {})
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain, key)
if protocols:
    context.set_alpn_protocols(protocols)
if where == "certificate":
    context.sni_callback = lambda *_: time.sleep(seconds)

with listener(port) as server:
    if deferred:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
    while True:
        select.select([server], [], [])
        if where == "accept":
            time.sleep(seconds)
        connection, _ = server.accept()
        with context.wrap_socket(connection, server_side=True,
                                 do_handshake_on_connect=False) as tls:
            try:
                handshake(tls, pauses, wait_first=True)
                tls.sendall(b"done")
                tls.recv(1)
            except OSError as error:
                print(error, file=sys.stderr)
