# SPDX-License-Identifier: BSD-2-Clause
"""smtp_server.py PORT CHAIN KEY: SMTP with STARTTLS, one connection after the other."""

import ssl
import sys

from lines import listener, read_until

port, chain, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain, key)


def serve(connection):
    connection.sendall(b"220 mail.example.org ESMTP\r\n")
    while line := read_until(connection, b"\r\n"):
        verb = line.split()[0].upper()
        if verb == b"EHLO":
            connection.sendall(b"250-mail.example.org\r\n250 STARTTLS\r\n")
        elif verb == b"STARTTLS":
            connection.sendall(b"220 go ahead\r\n")
            with context.wrap_socket(connection, server_side=True) as secure:
                while secure.recv(4096):
                    pass
            return
        else:
            connection.sendall(b"250 ok\r\n")


with listener(port) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                serve(connection)
            except OSError as error:
                print(error, file=sys.stderr)
