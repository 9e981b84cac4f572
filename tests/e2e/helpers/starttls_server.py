# SPDX-License-Identifier: BSD-2-Clause
"""starttls_server.py PORT CHAIN KEY PROTOCOL: what a server says before TLS begins on its connection.

Only as much of each protocol as a client needs that wants TLS at once. One connection after the other.
"""

import ssl
import sys

from lines import listener, read_until

STARTTLS_XMPP = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
# RFC 4511 section 4.12: LDAPMessage 1, ExtendedResponse, success.
LDAP_SUCCESS = bytes.fromhex("300c02010178070a010004000400")
# Handshake of protocol version 10: id, salt, filler, capabilities with CLIENT_SSL, and what follows them.
MYSQL_GREETING = (b"\x0a" b"8.0.0\0" + bytes(4) + b"saltsalt" + b"\0" + b"\x00\x0a" + b"\x21" + bytes(2)
                  + bytes(2) + b"\x15" + bytes(10) + b"saltsaltsalt\0")


def in_lines(greeting, answers, ready):
    """Each line has its answer; that for ready is the last one in the clear."""
    def speak(connection):
        connection.sendall(greeting)
        while line := read_until(connection, b"\r\n"):
            word = line.strip()
            connection.sendall(answers.get(word.split()[0], answers.get(word, b"250 ok\r\n")))
            if word == ready:
                return
    return speak


def ldap(connection):
    header = connection.recv(2)
    read_exactly(connection, header[1])
    connection.sendall(LDAP_SUCCESS)


def postgres(connection):
    read_exactly(connection, 8)  # SSLRequest
    connection.sendall(b"S")


def mysql(connection):
    connection.sendall(len(MYSQL_GREETING).to_bytes(3, "little") + b"\0" + MYSQL_GREETING)
    read_exactly(connection, 36)  # SSLRequest


def xmpp(connection):
    read_until(connection, b"version='1.0'>")
    connection.sendall(b"<stream:stream xmlns='jabber:client' version='1.0'><stream:features>" + STARTTLS_XMPP
                       + b"/></stream:features>")
    read_until(connection, b"/>")
    connection.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")


def read_exactly(connection, length):
    while length:
        length -= len(connection.recv(length))


PROTOCOLS = {
    "smtp": in_lines(b"220 mail.example.org ESMTP\r\n", {
        b"EHLO": b"250-mail.example.org\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 go ahead\r\n"}, b"STARTTLS"),
    "imap": in_lines(b"* OK ready\r\n", {
        b". CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n",
        b". STARTTLS": b". OK begin\r\n"}, b". STARTTLS"),
    "pop3": in_lines(b"+OK ready\r\n", {b"STLS": b"+OK begin\r\n"}, b"STLS"),
    "ftp": in_lines(b"220 ready\r\n", {
        b"FEAT": b"211-Features\r\n AUTH TLS\r\n211 End\r\n", b"AUTH": b"234 begin\r\n"}, b"AUTH TLS"),
    "ldap": ldap, "postgres": postgres, "mysql": mysql, "xmpp": xmpp,
}


def main(port, chain, key, protocol):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with listener(port) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                try:
                    PROTOCOLS[protocol](connection)
                    with context.wrap_socket(connection, server_side=True) as secure:
                        while secure.recv(4096):
                            pass
                except OSError as error:
                    print(error, file=sys.stderr)


main(*sys.argv[1:])
