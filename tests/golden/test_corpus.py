# SPDX-License-Identifier: BSD-2-Clause
"""The corpus's captures against the values that its own projects state. Each allowed difference has its reason."""

import pytest

import corpus
import reading

pytestmark = pytest.mark.skipif(
    not corpus.TRUTH.exists(), reason=f"NO CORPUS: {corpus.TRUTH} is not there, nothing of it was compared")

GSI = "GSSAPI in FTP's ADAT commands: base64 text, no TLS on the wire"
X509_RDP = "certificates in RDP's own key exchange: no TLS"
LONG = "a Certificate message of 339,629 bytes: beyond the 256 KiB that are kept; the row says gap"
ALLOWED = {  # (end of the capture's name, field): reason
    ("globus-url-copy.pcap", "row"): GSI,
    ("globus-url-copy.pcap", "certificate"): GSI,
    ("rdp-x509.pcap", "certificate"): X509_RDP,
    ("vector-max-size-crash.pcap", "row"): "a QUIC version that nobody knows: no handshake can be read",
    ("383379789-decrypt-crash.pcap", "row"): "frames cut off within their headers: no ClientHello is there",
    ("tls-fragmented-handshake.pcap.gz", "group"): LONG,
    ("chrome-63.0.3211.0-canary-tls_experiment.pcap", "resumed"):
        "version 0x7e01 follows the rules of TLS 1.3: its session id and ChangeCipherSpec resume nothing",
}
# Where tshark 4.4 reads less than what is on the wire, or something different.
FAST_OPEN = "tshark takes the data in the SYN for lost, and does not see the server's answer"
DRAFT = "a ServerHello of draft 14 has no session id; tshark reads it as if it had one"
DTLS = "tshark computes no fingerprint of a ClientHello in several fragments"
ALLOWED_TSHARK = {
    **{("tcp-fastopen-10-syn-data-ignore/input.pcap", field): FAST_OPEN
       for field in ("version", "cipher", "group", "ja3s")},
    **{("tls13_draft14.pcap", field): DRAFT for field in ("cipher", "group", "ja3s")},
    **{(name, field): DTLS for field in ("ja3", "ja4")
       for name in ("dtls-sequence-number-jumps.pcap", "dtls1_0.pcap", "dtls1_2.pcap")},
}
FILES = {
    "truth-go-utls.jsonl": 160, "truth-rfc.jsonl": 7, "truth-zeek.jsonl": 140, "tshark.jsonl": 450,
}


def unexplained(pcap, wrong, allowed):
    return [(pcap, *difference) for difference in wrong
            if not any(str(pcap).endswith(name) and field == difference[0] for name, field in allowed)]


@pytest.mark.parametrize("file", FILES)
def test_fields(file):
    """Streams of a truth file: each field that it states is in the row."""
    allowed = {**ALLOWED, **(ALLOWED_TSHARK if file == "tshark.jsonl" else {})}
    compared, wrong = 0, []
    for truth in corpus.truths(file):
        if truth.get("kind") in (None, "quic") and truth.get("sport") is not None:
            compared += 1
            wrong += unexplained(truth.get("pcap"), corpus.differences(truth), allowed)
    assert wrong == []
    assert compared >= FILES[file]


def seen_differences(truth):
    """Certificates and plaintext alerts of a stream, as tshark 4.4 saw them; ours may be more."""
    found = corpus.same_stream(truth)
    certificates = {certificate["sha256"] for row in found for certificate in row["certificates"]}
    alerts = [name for row in found for name in row["alerts"]]
    wanted = [corpus.alert_name(alert["desc"]) for alert in truth["alerts"] if alert["desc"] is not None]
    wrong = [("certificate", certificate["subject"], None) for certificate in truth["certs"]
             if certificate["sha256"] not in certificates]
    return wrong + [("alert", name, alerts) for name in wanted if name not in alerts]


def test_seen_by_tshark():
    truths = [truth for truth in corpus.truths("tshark.jsonl") if truth["certs"] or truth["alerts"]]
    wrong = [difference for truth in truths
             for difference in unexplained(truth["pcap"], seen_differences(truth),
                                           {**ALLOWED, **ALLOWED_TSHARK})]
    assert wrong == []
    assert len(truths) >= 250


def certificate_differences(truth):
    pcaps = truth.get("pcap_candidates") or [truth["pcap"]]
    found = {certificate["sha256"]: certificate for pcap in pcaps for row in corpus.rows(pcap)
             for certificate in row["certificates"]}
    got = found.get(truth["sha256"])
    if not got:
        return [("certificate", truth["subject"], None)]
    wanted = {"serial": truth["serial"], "signature": truth["sig_alg"],
              # Zeek's log escapes the backslash of RFC 4514 once more.
              "subject": truth["subject"].replace("\\\\", "\\"),
              "issuer": truth["issuer"].replace("\\\\", "\\")}
    wrong = [(field, want, got[field]) for field, want in wanted.items() if want != got[field]]
    names = {name.removeprefix("DNS:") for name in got["san"] if name.startswith("DNS:")}
    if truth["san_dns"] and set(truth["san_dns"].split(",")) != names:
        wrong.append(("san", truth["san_dns"], got["san"]))
    if truth["key_len"] and str(got["key"]).startswith("RSA") and got["key"] != f"RSA {truth['key_len']}":
        wrong.append(("key", truth["key_len"], got["key"]))
    return wrong


def test_certificates():
    """Zeek's x509 log: subject, issuer, serial, algorithm, names and key of each certificate."""
    truths = [truth for truth in corpus.truths("truth-zeek.jsonl") if truth.get("kind") == "x509"]
    wrong = [difference for truth in truths
             for difference in unexplained((truth.get("pcap_candidates") or [truth["pcap"]])[0],
                                           certificate_differences(truth), ALLOWED)]
    assert wrong == []
    assert len(truths) >= 90


def count_matches(truth, row):
    """Does a row have what Suricata's event is to match?"""
    for field in ("sni", "ja3", "ja3s", "ja4", "alpn"):
        if field in truth and corpus.normal(field, truth[field]) != corpus.normal(field, row[field]):
            return False
    if "version" in truth and corpus.hex4(truth["version"]) != corpus.hex4(row["version"]):
        return False
    if "src" in truth and truth.get("sport") is not None and row["place"] != corpus.place(
            truth["src"], truth["sport"], truth["dst"], truth["dport"]):
        return False
    return True


# Suricata's tests that state something else than what is on the wire.
ALLOWED_COUNTS = {
    "suricata bug-5713-01": "there is no ServerHello: Suricata states the ClientHello's version",
    "suricata bug-5713-02-ja4": "hashes an underscore after nothing; JA4's text leaves it out",
    "suricata tcp-fastopen-10-syn-data-ignore": "its setting makes two events of the one connection",
}


def test_counts():
    """Suricata's rules: so many TLS or QUIC events with these values. None of ours may lack."""
    compared, wrong = 0, []
    stated = {"sni", "ja3", "ja3s", "ja4", "version"}
    for truth in corpus.truths("truth-suricata-verify.jsonl"):
        if truth["event_type"] not in ("tls", "quic") or not stated & truth.keys():
            continue
        compared += 1
        got = sum(count_matches(truth, row) for row in corpus.rows(truth["pcap"]))
        if got < truth["count"] and truth["source"] not in ALLOWED_COUNTS:
            wrong.append((truth["source"], truth["count"], got,
                          {field: truth.get(field) for field in stated if field in truth}))
    assert wrong == []
    assert compared >= 40


def test_every_capture():
    """Any capture of the corpus is read to its end: exit status 0, or 1 for one that is broken."""
    captures = reading.corpus_captures()
    assert len(captures) > 350
    for capture in captures:
        lines = reading.read_lines(capture)
        assert not lines or lines[-1]["type"] == "end", capture
