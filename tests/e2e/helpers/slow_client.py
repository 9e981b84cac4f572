# SPDX-License-Identifier: BSD-2-Clause
"""slow_client.py ADDRESS PORT CAFILE NAME VERSION WHERE MILLISECONDS COUNT: a client that sleeps.

hello    connected, before it writes its hello
read     when the server's answer is there, before it is read
verify   in the callback that judges the server's certificate
finish   when the server's Finished is there, before it is read
nowhere  not at all

COUNT handshakes one after the other, of those in which it did sleep. Prints a line for each: the
local port, and how many microseconds the handshake took by this program's own clock, connect
included.
"""

import ctypes
import socket
import ssl
import sys
import time

from pauses import handshake

address, port, authority, name, version, where, milliseconds, count = sys.argv[1:]
seconds = int(milliseconds) / 1000
pauses = {"hello": {0: seconds}, "read": {1: seconds}, "finish": {2: seconds}}.get(where, {})
context = ssl.create_default_context(cafile=authority)
context.minimum_version = context.maximum_version = {
    "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[version]


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
def verify(accepted, store):
    # Called for each certificate of the chain, the server's own (depth 0) last.
    if libssl.X509_STORE_CTX_get_error_depth(ctypes.c_void_p(store)) == 0:
        time.sleep(seconds)
    return accepted


if where == "verify":
    libssl = ctypes.CDLL("libssl.so.3")
    # The ssl module has no such callback; its object holds the SSL_CTX after the object's header.
    native = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    libssl.SSL_CTX_set_verify(native, 1, verify)


def connect():
    tcp = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    start = time.monotonic_ns()
    tcp.connect((address, int(port)))
    with context.wrap_socket(tcp, server_hostname=name, do_handshake_on_connect=False) as tls:
        slept = handshake(tls, pauses)
        took = time.monotonic_ns() - start
        if slept:
            print(tls.getsockname()[1], took / 1000, flush=True)
        tls.recv(4)
    return slept


done = 0
while done < int(count):
    done += connect()
