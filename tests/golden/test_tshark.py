# SPDX-License-Identifier: BSD-2-Clause
"""The installed tshark and tlstrace read the same in every golden capture."""

import re

import pytest

import corpus
import reading

PORTS = ("-d", "tcp.port==4433,tls", "-d", "udp.port==4433,quic")
# tshark finds TLS within a protocol only where it is told of the protocol.
PROTOCOLS = {"smtp": "smtp", "imap": "imap", "pop3": "pop", "ftp": "ftp", "ldap": "ldap", "postgres": "pgsql",
             "mysql": "mysql", "xmpp": "xmpp"}
STARTTLS = {**{f"starttls-{name}": ("-d", f"tcp.port==4433,{theirs}") for name, theirs in PROTOCOLS.items()},
            "dtls12": ("-d", "udp.port==4433,dtls")}
HELLO_RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"  # RFC 8446 section 4.1.3
# One name per value of a handshake; DTLS has its own for some.
HELLO = ["tls.handshake.type", "tls.handshake.version", "tls.handshake.extensions.supported_version",
         "tls.handshake.ciphersuite", "tls.handshake.extensions_server_name",
         "tls.handshake.extensions_alpn_str", "tls.handshake.ja3", "tls.handshake.ja3s",
         "tls.handshake.random"]
# What tshark reads otherwise. (capture, field): reason. Nothing so far.
ALLOWED = {}


def dtls_name(field):
    """DTLS's fields: hellos' contents are TLS's, the frame around them is DTLS's own."""
    own = ("type", "version", "ciphersuite", "random", "ja3", "ja3s", "extensions_server_name",
           "extensions.supported_version", "extensions_alpn_str")
    return "d" + field if field.removeprefix("tls.handshake.") in own else field


def hellos(capture, kind):
    """Each hello of one kind (1 the client's, 2 the server's), as a dictionary."""
    names = [dtls_name(name) for name in HELLO] if capture.stem.startswith("dtls") else HELLO
    options = STARTTLS.get(capture.stem, PORTS)
    rows = reading.tshark_fields(capture, f"{names[0]} == {kind}", names, *options)
    short = [name.removeprefix("tls.handshake.") for name in HELLO]
    return [dict(zip(short, row)) for row in rows]


def first_hellos(capture):
    """Without the second hello of a retry, and without retransmissions: one per random."""
    seen = {}
    for hello in hellos(capture, 1):
        seen.setdefault(hello["random"][0], hello)
    return list(seen.values())


def answers(capture):
    return [hello for hello in hellos(capture, 2)
            if hello["random"][0].replace(":", "") != HELLO_RETRY]


def first(values):
    return values[0] if values else None


def differs(capture, field, want, got):
    return [] if want == got or (capture.stem, field) in ALLOWED else [(field, want, got)]


def client_differences(capture, row, hello):
    return (differs(capture, "random", hello["random"][0].replace(":", ""), row["id"])
            + differs(capture, "sni", first(hello["extensions_server_name"]), row["tls"]["sni"])
            + differs(capture, "offered alpn", hello["extensions_alpn_str"], row["offer"]["alpn"] or [])
            + differs(capture, "ja3", first(hello["ja3"]), row["fingerprint"]["ja3"]))


def server_differences(capture, row, hello):
    version = first(hello["extensions.supported_version"]) or first(hello["version"])
    return (differs(capture, "version", corpus.hex4(version), corpus.code("version", row["tls"]["version"]))
            + differs(capture, "cipher", corpus.hex4(first(hello["ciphersuite"])),
                      corpus.code("cipher_suites", row["tls"]["cipher"]))
            + differs(capture, "alpn", first(hello["extensions_alpn_str"]), row["tls"]["alpn"])
            + differs(capture, "ja3s", first(hello["ja3s"]), row["fingerprint"]["ja3s"]))


@pytest.mark.parametrize("capture", reading.golden_captures(), ids=lambda path: path.stem)
def test_hellos(capture):
    # A renegotiation's hellos are encrypted: to tshark too.
    rows = [row for row in reading.read_rows(capture) if not row["tls"]["renegotiation"]]
    clients = first_hellos(capture)
    servers = answers(capture)
    answered = [row for row in rows if row["tls"]["server_random"]]
    assert len(rows) == len(clients) > 0
    assert len(answered) == len(servers)
    wrong = [difference for row, hello in zip(rows, clients)
             for difference in client_differences(capture, row, hello)]
    wrong += [difference for row, hello in zip(answered, servers)
              for difference in server_differences(capture, row, hello)]
    assert wrong == []


@pytest.mark.parametrize("capture", reading.golden_captures(), ids=lambda path: path.stem)
def test_certificates_and_alerts(capture):
    prefix = "dtls" if capture.stem.startswith("dtls") else "tls"
    options = STARTTLS.get(capture.stem, PORTS)
    packets = reading.tshark_fields(
        capture, prefix, [f"{prefix}.handshake.certificate", f"{prefix}.alert_message.desc"], *options)
    rows = reading.read_rows(capture)
    certificates = [len(bytes.fromhex(der.replace(":", ""))) for packet in packets for der in packet[0]]
    alerts = [int(alert) for packet in packets for alert in packet[1]]
    names = [message["message"] for row in rows for message in row["messages"]
             if message["record"] == "alert" and not message["encrypted"]]
    assert sorted(certificates) == sorted(
        size for row in rows for size in certificate_sizes(row))
    assert names == [corpus.alert_name(alert) for alert in alerts]


def certificate_sizes(row):
    return [certificate["size"] for certificate in row["certificates"] or []]


def test_subjects():
    """Names of certificates as tshark prints them: every part of it stands in ours."""
    compared = 0
    for capture in reading.golden_captures():
        options = STARTTLS.get(capture.stem, PORTS)
        packets = reading.tshark_fields(capture, "x509sat.uTF8String", ["x509sat.uTF8String"], *options)
        parts = {part for packet in packets for part in packet[0]}
        ours = {re.sub(r"\\(.)", r"\1", value) for row in reading.read_rows(capture)
                for certificate in row["certificates"] or []
                for name in (certificate["subject"], certificate["issuer"])
                for value in re.findall(r"=((?:\\.|[^,\\])*)", name)}
        assert parts <= ours, capture
        compared += len(parts)
    assert compared > 20
