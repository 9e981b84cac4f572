# SPDX-License-Identifier: BSD-2-Clause
"""The installed tshark and tlstrace read the same in every golden capture."""

import re
from functools import lru_cache

import pytest

import corpus
import reading

PORTS = ("-d", "tcp.port==4433,tls", "-d", "udp.port==4433,quic")
# tshark finds TLS within a protocol only if the protocol is named.
PROTOCOLS = {"smtp": "smtp", "imap": "imap", "pop3": "pop", "ftp": "ftp", "ldap": "ldap", "postgres": "pgsql",
             "mysql": "mysql", "xmpp": "xmpp"}
STARTTLS = {**{f"starttls-{name}": ("-d", f"tcp.port==4433,{theirs}") for name, theirs in PROTOCOLS.items()},
            "dtls12": ("-d", "udp.port==4433,dtls")}
HELLO_RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"  # RFC 8446 section 4.1.3
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE_STATUS = "1", "2", "22"
FIELDS = ["handshake.type", "handshake.version", "handshake.extensions.supported_version", "handshake.ciphersuite",
          "handshake.extensions_server_name", "handshake.extensions_alpn_str", "handshake.ja3", "handshake.ja3s",
          "handshake.random", "handshake.extension.type", "handshake.extensions_padding_data",
          "handshake.extensions_supported_group",
          "handshake.extension.heartbeat.mode", "handshake.comp_method", "handshake.sig_hash_alg",
          "handshake.extensions_key_share_group", "handshake.server_named_curve", "handshake.certificate",
          "alert_message.desc"]
OTHERS = ["tcp.stream", "udp.stream", "x509sat.uTF8String", "tls.handshake.cipherspec"]
# What tshark reads otherwise: (capture, field): reason.
ALLOWED = {
    ("tls12-null", "alerts"): "after a ChangeCipherSpec nothing is copied, though a NULL suite does not encrypt",
    ("tls12-null", "messages"): "the same: the Finished",
    ("tls12-psk-dhe", "group"): "of a ServerKeyExchange with a PSK tshark 4.0 reads the hint alone",
    ("raw-key", "certificates"): "tshark counts a raw public key as a certificate",
    ("false-start", "messages"): "the second row ends where its client leaves: the server goes on, to nobody",
}


@lru_cache
def packets(capture):
    """Of each packet with a handshake message or an alert the values of each field; one run of tshark."""
    prefix = "dtls" if capture.stem.startswith("dtls") else "tls"
    names = [f"{prefix}.{name}" for name in FIELDS] + OTHERS
    rows = reading.tshark_fields(capture, f"{prefix}.handshake.type || {prefix}.alert_message.desc", names,
                                 *STARTTLS.get(capture.stem, PORTS))
    short = [name.removeprefix("handshake.") for name in FIELDS] + OTHERS
    return [dict(zip(short, row)) for row in rows]


def all_values(chosen, field):
    return [value for packet in chosen for value in packet[field]]


def conversation(capture, hello):
    """All packets of the connection that a hello belongs to."""
    def place(packet):
        return packet["tcp.stream"], packet["udp.stream"]
    return [packet for packet in packets(capture) if place(packet) == place(hello)]


def first_hellos(capture):
    """Without the second hello of a retry, and without retransmissions: one per random."""
    seen = {}
    for packet in packets(capture):
        if CLIENT_HELLO in packet["type"]:
            seen.setdefault(first(packet["random"]), packet)
    return list(seen.values())


def answers(capture):
    return [packet for packet in packets(capture) if SERVER_HELLO in packet["type"]
            and packet["random"][0].replace(":", "") != HELLO_RETRY]


def first(values):
    return values[0] if values else None


def number(text):
    return int(text, 0)


def hex_code(text):
    """A code point as corpus.code() has it."""
    code = number(text)
    is_grease = code & 0x0F0F == 0x0A0A and code >> 8 == code & 0xFF  # RFC 8701
    return "GREASE" if is_grease else f"{code:04x}"


def extension_name(text):
    code = hex_code(text)
    return code if code == "GREASE" else corpus.short_name("extension_types", int(code, 16)) or f"0x{code}"


def differs(capture, field, want, got):
    return [] if want == got or (capture.stem, field) in ALLOWED else [(field, want, got)]


def codes(kind, names):
    return [name if name == "GREASE" else corpus.code(kind, name) for name in names]


def client_differences(capture, row, hello):
    offer = row["offer"]
    if not hello["random"]:  # SSLv2-style: of that tshark reads no more
        return differs(capture, "ciphers", list(map(hex_code, hello["tls.handshake.cipherspec"])),
                       codes("cipher_suites", offer["ciphers"]))
    padding = first(hello["extensions_padding_data"])
    signatures = offer["signature_algorithms"] + offer["delegated_credentials"]
    return (differs(capture, "random", hello["random"][0].replace(":", ""), row["id"])
            + differs(capture, "sni", first(hello["extensions_server_name"]), row["tls"]["sni"])
            + differs(capture, "offered alpn", hello["extensions_alpn_str"], offer["alpn"] or [])
            + differs(capture, "ja3", first(hello["ja3"]), row["fingerprint"]["ja3"])
            + differs(capture, "extensions", [extension_name(code) for code in hello["extension.type"]],
                      offer["extensions"])
            + differs(capture, "signatures", sorted(map(hex_code, hello["sig_hash_alg"])),
                      sorted(codes("signature_schemes", signatures)))
            + differs(capture, "ciphers", list(map(hex_code, hello["ciphersuite"])),
                      codes("cipher_suites", offer["ciphers"]))
            + differs(capture, "groups", list(map(hex_code, hello["extensions_supported_group"])),
                      codes("supported_groups", offer["groups"]))
            + differs(capture, "ech", "65037" in hello["extension.type"], row["tls"]["ech"] == "offered")
            + differs(capture, "padding", padding and len(bytes.fromhex(padding.replace(":", ""))), offer["padding"])
            + differs(capture, "heartbeat", heartbeat(hello), offer["heartbeat"])
            + differs(capture, "compressions", list(map(number, hello["comp_method"])),
                      [METHODS.index(name) for name in offer["compressions"]]))


METHODS = ["null", "deflate"]  # RFC 3749
HEARTBEATS = [None, "peer_allowed_to_send", "peer_not_allowed_to_send"]  # RFC 6520


def heartbeat(hello):
    return HEARTBEATS[number(first(hello["extension.heartbeat.mode"]) or "0")]


def server_differences(capture, row, hello):
    version = first(hello["extensions.supported_version"]) or first(hello["version"])
    tls = row["tls"]
    # In TLS 1.2 ServerKeyExchange names it, perhaps in a later packet.
    group = first(hello["extensions_key_share_group"] or
                  all_values(conversation(capture, hello), "server_named_curve"))
    return (differs(capture, "version", corpus.hex4(version), corpus.code("version", tls["version"]))
            + differs(capture, "cipher", corpus.hex4(first(hello["ciphersuite"])),
                      corpus.code("cipher_suites", tls["cipher"]))
            + differs(capture, "group", group and hex_code(group), corpus.code("supported_groups", tls["group"]))
            + differs(capture, "alpn", first(hello["extensions_alpn_str"]), tls["alpn"])
            + differs(capture, "ja3s", first(hello["ja3s"]), row["fingerprint"]["ja3s"])
            + differs(capture, "heartbeat", heartbeat(hello), tls["heartbeat"])
            + differs(capture, "compression", number(first(hello["comp_method"]) or "0"),
                      METHODS.index(tls["compression"] or "null"))
            + differs(capture, "ocsp_stapled", CERTIFICATE_STATUS in all_values(conversation(capture, hello), "type"),
                      bool(tls["ocsp_stapled"])))


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
    wrong += [difference for row, hello in zip(answered, sorted_like(answered, servers))
              for difference in server_differences(capture, row, hello)]
    assert wrong == []


def sorted_like(rows, servers):
    """Of handshakes side by side the answers may come in another order than the hellos."""
    by_random = {first(server["random"]).replace(":", ""): server for server in servers}
    return [by_random[row["tls"]["server_random"]] for row in rows]


@pytest.mark.parametrize("capture", reading.golden_captures(), ids=lambda path: path.stem)
def test_messages(capture):
    """Each plaintext message, however it was divided into records or combined with others."""
    want = [corpus.handshake_name(number(code)) for code in all_values(packets(capture), "type")]
    got = ["server_hello" if message["message"] == "hello_retry_request" else message["message"]
           for row in reading.read_rows(capture) for message in row["messages"]
           if message["record"] in ("handshake", "quic_initial") and message["message"] and not message["encrypted"]]
    assert differs(capture, "messages", sorted(want), sorted(got)) == []


@pytest.mark.parametrize("capture", reading.golden_captures(), ids=lambda path: path.stem)
def test_certificates_and_alerts(capture):
    rows = reading.read_rows(capture)
    certificates = [len(bytes.fromhex(der.replace(":", "")))
                    for der in all_values(packets(capture), "certificate")]
    alerts = [corpus.alert_name(int(alert)) for alert in all_values(packets(capture), "alert_message.desc")]
    names = [message["message"] for row in rows for message in row["messages"]
             if message["record"] == "alert" and not message["encrypted"]]
    sizes = sorted(size for row in rows for size in certificate_sizes(row))
    assert differs(capture, "certificates", sorted(certificates), sizes) == []
    assert differs(capture, "alerts", alerts, names) == []


def certificate_sizes(row):
    return [certificate["size"] for certificate in row["certificates"] or []]


def test_subjects():
    """Names of certificates as tshark prints them: ours has every part of them."""
    compared = 0
    for capture in reading.golden_captures():
        parts = set(all_values(packets(capture), "x509sat.uTF8String"))
        ours = {re.sub(r"\\(.)", r"\1", value) for row in reading.read_rows(capture)
                for certificate in row["certificates"] or []
                for name in (certificate["subject"], certificate["issuer"])
                for value in re.findall(r"=((?:\\.|[^,\\])*)", name)}
        assert parts <= ours, capture
        compared += len(parts)
    assert compared > 20
