# SPDX-License-Identifier: BSD-2-Clause
"""Captures of situations that people reported, and the right answer for each.

A case lists its rows in order; a row maps paths of docs/events.md to the value, or to a test of it.
"""

from dataclasses import dataclass, field

import reading

FOLDER = reading.TOP.parent / "shared/cases"


@dataclass
class Case:
    rows: list
    end: dict = field(default_factory=dict)  # of the last line


class Is:
    """A test of a value, with words for the message when it fails."""

    def __init__(self, words, test):
        self.words, self.test = words, test

    def __eq__(self, value):
        return self.test(value)

    def __repr__(self):
        return self.words


def one_of(*values):
    return Is(f"one of {values}", lambda value: value in values)


def not_(unwanted):
    return Is(f"not {unwanted!r}", lambda value: value != unwanted)


def has(*parts):
    return Is(f"has {parts}", lambda value: value is not None and all(part in value for part in parts))


def lacks(*parts):
    return Is(f"lacks {parts}", lambda value: value is None or not any(part in value for part in parts))


def both(first, second):
    return Is(f"{first!r} and {second!r}", lambda value: first == value and second == value)


KNOWN = Is("known", lambda value: value is not None)
PLACED = Is("phases that are all placed",
            lambda phases: phases and all(phase["name"] != "unknown" for phase in phases))
NOT_FAILED = one_of("completed", "incomplete")


def longest(name):
    """The phase in which most of the time went."""
    return Is(f"longest is {name}",
              lambda phases: phases and max(phases, key=lambda phase: phase["duration_us"])["name"] == name)


def because(fact):
    """As the cause or among the facts."""
    return Is(f"because of {fact}",
              lambda failure: failure and (failure["cause"] == fact or fact in failure["facts"]))


COMPLETED = {"outcome": "completed"}
NO_CLIENT_CERTIFICATE = {
    "outcome": "failed", "failure.by": "server", "failure.cause": "no_certificate",
    "tls.client_auth": "declined"}
NO_CLIENT_CERTIFICATE_12 = {**NO_CLIENT_CERTIFICATE,
                            "verdict": has("wants a certificate and got none", "bad_certificate")}

CASES = {
    # Encrypted records.
    "java17-tls13-server-asks-for-no-certificate": Case([{**COMPLETED, "tls.client_auth": "none"}]),
    "java17-tls13-empty-client-certificate-openssl-certificate_required": Case([NO_CLIENT_CERTIFICATE]),
    "java17-tls12-empty-client-certificate-java-bad_certificate": Case([NO_CLIENT_CERTIFICATE_12]),
    "alps-client-49211-failed": Case([{**COMPLETED, "tls.client_auth": "none"}]),
    "alps-client-52285-auth-sent": Case([{**COMPLETED, "tls.client_auth": "none"}]),
    "fizz-fb1a-49357": Case([{**COMPLETED, "tls.version": "0xfb1a", "tls.resumption": not_("session_id"),
                              "tls.ocsp_stapled": None}]),
    "gnutls13-refuses-client-certificate": Case([{"outcome": "failed", "failure.by": "server"}]),
    "go13-alpn-encrypted": Case([{"outcome": "failed", "failure.by": "server",
                                  "verdict": has("before its certificate", "protocol")}]),
    # Segments that are not what they seem.
    "ack-padding-49756": Case([COMPLETED]),
    "tls12-acks-with-null-padding-inside-ip-length": Case([{**COMPLETED, "latency.retransmissions": 0,
                                                            "quality.conflict": not_(True)}]),
    "tls13-every-packet-twice-span": Case([{**COMPLETED, "latency.retransmissions": 0,
                                            "latency.rtt_us": KNOWN, "latency.phases": PLACED}]),
    "tls13-keepalive-probes-1-byte": Case([{**COMPLETED, "latency.retransmissions": 0,
                                            "latency.phases": PLACED}]),
    "duplicate-row-6049": Case([{"transport": "tcp"}]),
    "stale-rst-handshake-completes": Case([COMPLETED]),
    "same-random-two-hellos": Case([{"server.ip": "198.51.100.2"}, {"server.ip": "192.0.2.3"}]),
    # One direction late, missing or in another encapsulation.
    "geneve-one-direction": Case([
        {"outcome": "incomplete", "transport": "tcp", "quality.gap": True},
        {"outcome": "incomplete", "transport": "quic", "quality.gap": True}]),
    "tls12-server-direction-0.3ms-late": Case([{"outcome": NOT_FAILED}]),
    "tls12-client-direction-first-in-file": Case([{"outcome": NOT_FAILED}]),
    "tls13-synack-before-syn": Case([{**COMPLETED, "latency.rtt_us": KNOWN, "latency.phases": PLACED}]),
    "mariadb-starttls-with-syn": Case([{**COMPLETED, "latency.rtt_us": KNOWN, "latency.phases": PLACED}]),
    "answer-after-20s-49552": Case([COMPLETED]),
    # Deliveries that never happened.
    "large-hello-first-segment-never-arrives-server-sacks-second": Case([
        {"failure.by": not_("server"), "failure": because("not_delivered"),
         "latency.phases": longest("hello_network")}]),
    "hello-dropped-retransmitted": Case([
        {"failure.by": not_("server"), "failure": because("not_delivered")}]),
    "answer-dropped-at-client": Case([{"outcome": "failed", "failure": because("not_delivered")}]),
    # Other ways to the server.
    "lo-iptables-output-redirect-two-tuples-one-connection": Case([{**COMPLETED, "quality.gap": False}]),
    "tls12-proxy-v1-header-in-same-segment-as-hello": Case([{**COMPLETED, "tls.sni": KNOWN}]),
    # Link types, versions, loss by its name.
    "tls13-nflog-linktype-239": Case([COMPLETED]),
    "legacy-version-0305-norow": Case([{"tls.version": "TLSv1.3"}]),
    "quic-version-negotiation-norow": Case([{"transport": "quic"}]),
    "short-hello-counted-as-table-full": Case([], {"lost.hello_never_whole": not_(0),
                                                   "lost.handshake_table_full": 0}),
    "certificate-328k-61454": Case([{"quality.truncated": True, "incomplete": not_("events_lost")}]),
    # Verdicts.
    "java13-rejects-certificate": Case([{
        "outcome": "failed", "failure.by": "client", "failure.cause": not_("no_answer"),
        "verdict": both(has("certificate"), lacks("waiting"))}]),
    "imap-greets-first-java": Case([{"outcome": "failed", "failure.by": "server", "verdict": has("IMAP")}]),
    "warning-then-silence": Case([{
        "outcome": "failed", "failure.cause": "no_answer", "verdict": lacks("flight", "with its certificate")}]),
    "go12-no-client-certificate": Case([NO_CLIENT_CERTIFICATE_12]),
    "wrong-issuer-named": Case([{"verdict": both(has("CN=VD Other Root", "not sent"), lacks("CN=VD Root"))}]),
    "sigalg-mismatch-blames-ciphers": Case([{
        "outcome": "failed", "failure.by": "server", "failure": because("signatures"),
        "failure.facts": lacks("ciphers")}]),
    "ip-san-called-wrong-name": Case([{"failure.cause": not_("certificate_name"),
                                       "failure.facts": lacks("certificate_name")}]),
    "mqtt-answer": Case([{"failure.kind": "refused", "verdict": has("in MQTT, not in TLS")}]),
    "rustls-not-yet-valid": Case([{"failure.cause": "certificate_not_yet_valid"}]),
    # Nothing special.
    "tls12-plain-reference": Case([{
        **COMPLETED, "latency.rtt_us": 42, "latency.total_us": 2390, "latency.retransmissions": 0,
        "latency.phases": PLACED, "tls.version": "TLSv1.2", "tls.client_auth": "none"}]),
    "tls13-plain-reference": Case([{
        **COMPLETED, "latency.rtt_us": 42, "latency.total_us": 2502, "latency.retransmissions": 0,
        "latency.phases": PLACED, "tls.version": "TLSv1.3", "tls.client_auth": "none"}]),
}

# Not right yet, and why. Whoever makes one right removes it here: a case that passes then fails the test.
NOT_YET = {
}


def at(line, path):
    """The value at a path; None where something on the way is null or absent."""
    for key in path.split("."):
        line = line.get(key) if isinstance(line, dict) else None
    return line


def differences(expected, line):
    """(path, wanted, got) of all that is not as expected."""
    return [(path, wanted, at(line, path)) for path, wanted in expected.items() if not wanted == at(line, path)]
