# SPDX-License-Identifier: BSD-2-Clause
"""Certificates as `openssl x509` reads the files, fingerprints as tshark reads the packets."""

import datetime
import subprocess

import pytest

from lib import expect, process

KINDS = {
    "rsa": ["rsa:2048"],
    "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ed25519"],
}
KEYS = {"rsa": "RSA 2048", "ec": "EC P-384", "ed25519": "Ed25519"}
SANS = ("DNS:*.example.org,DNS:example.org,IP:192.0.2.1,IP:2001:db8::1,URI:https://example.org/a,"
        "email:root@example.org")
# Names of the same kinds in the words of `openssl x509 -ext subjectAltName`.
SAN_WORDS = {"IP Address": "IP"}


class Chain:
    """A root, an authority below it, and a leaf: PEM files in a directory."""

    def __init__(self, directory, kind="rsa", subject="/O=Bücher, Söhne & Co/CN=example.org"):
        self.directory = directory
        self.make("root", "ec", "/CN=root", "basicConstraints=CA:true")
        self.make("authority", "ec", "/O=Example/CN=authority", "basicConstraints=CA:true", "root")
        self.make("leaf", kind, subject, f"subjectAltName={SANS}", "authority")
        self.bundle = directory / "bundle.pem"
        self.bundle.write_text(self.pem("leaf").read_text() + self.pem("authority").read_text())

    def make(self, name, kind, subject, extension, issuer=None):
        signed = ["-CA", self.pem(issuer), "-CAkey", self.key(issuer)] if issuer else []
        request = self.directory / f"{name}.csr"
        process.command("openssl", "req", "-new", "-utf8", "-newkey", *KINDS[kind], "-nodes",
                        "-subj", subject, "-keyout", self.key(name), "-out", request)
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(extension + "\n")
        process.command("openssl", "x509", "-req", "-in", request, "-days", "7", "-extfile",
                        extensions, *(signed or ["-signkey", self.key(name)]), "-out", self.pem(name))

    def pem(self, name):
        return self.directory / f"{name}.pem"

    def key(self, name):
        return self.directory / f"{name}.key"


def date(text):
    """"notAfter=Nov 30 11:44:14 2026 GMT" as JSON has it."""
    moment = datetime.datetime.strptime(text.split("=", 1)[1], "%b %d %H:%M:%S %Y %Z")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def sans(lines):
    """The line after the headline, "DNS:a, IP Address:b", with IPv6 addresses written out."""
    names = []
    for name in ", ".join(lines).strip().split(", ") if lines else []:
        kind, value = name.split(":", 1)
        names.append(f"{SAN_WORDS.get(kind, kind)}:{value}".replace("IP:2001:DB8:0:0:0:0:0:1",
                                                                    "IP:2001:db8::1"))
    return names


def openssl_reads(file):
    """What `openssl x509` says of a certificate, with JSON's keys."""
    said = process.command(
        "openssl", "x509", "-in", file, "-noout", "-nameopt", "RFC2253,-esc_msb", "-subject",
        "-issuer", "-serial", "-dates", "-fingerprint", "-sha256").splitlines()
    fields = dict(line.split("=", 1) for line in said)
    names = process.command("openssl", "x509", "-in", file, "-noout", "-ext", "subjectAltName",
                            check=False).stdout.splitlines()[1:]
    der = subprocess.run(["openssl", "x509", "-in", file, "-outform", "DER"], check=True,
                         capture_output=True).stdout
    text = process.command("openssl", "x509", "-in", file, "-noout", "-text")
    return {
        "subject": fields["subject"], "issuer": fields["issuer"], "serial": fields["serial"],
        "not_before": date(said[3]), "not_after": date(said[4]),
        "sha256": fields["sha256 Fingerprint"].replace(":", "").lower(),
        "san": sans(names), "size": len(der), "broken": False, "truncated": False,
        "signature": text.split("Signature Algorithm: ", 1)[1].split("\n", 1)[0],
    }


def certificate_is(got, sender, file, key=None):
    want = {"from": sender, **openssl_reads(file)}
    expect.differences([(name, got[name], value) for name, value in want.items()])
    if key:
        assert got["key"] == key, got


def serve(stage, chain, name="s_server", **settings):
    """A server with that chain instead of the session's certificate."""
    own = type("Own", (), {
        "chain": lambda self, _: chain.bundle, "key": lambda self, _: chain.key("leaf"),
    })()
    ours, stage.certificates = stage.certificates, own
    try:
        return stage.server(name, **settings)
    finally:
        stage.certificates = ours


def handshake(stage, server, root, version="TLSv1.2", options=()):
    """One handshake of openssl s_client: its row, and the capture of it."""
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    stage.client("openssl", server, version=version, options=("-CAfile", str(root), *options)).ok()
    return expect.one_row(trace, port=server.port), capture.stop()


def fingerprints_are(row, capture):
    """JA4 is read by tshark from 4.2 on."""
    fingerprint = row["fingerprint"]
    known = subprocess.run(["tshark", "-G", "fields"], check=True, capture_output=True).stdout
    [[ja3]] = capture.fields("tls.handshake.type == 1", "tls.handshake.ja3")
    [[ja3s]] = capture.fields("tls.handshake.type == 2", "tls.handshake.ja3s")
    expect.differences([("ja3", fingerprint["ja3"], ja3), ("ja3s", fingerprint["ja3s"], ja3s)])
    if b"\ttls.handshake.ja4\t" in known:
        [[ja4]] = capture.fields("tls.handshake.type == 1", "tls.handshake.ja4")
        assert fingerprint["ja4"] == ja4
    assert fingerprint["ja4"].startswith("t")


@pytest.mark.parametrize("name,kind", [
    ("s_server", "rsa"), ("s_server", "ec"), ("s_server", "ed25519"), ("nginx", "rsa"), ("nginx", "ec"),
])
def test_chain(stage, name, kind):
    chain = Chain(stage.directory, kind)
    options = ("-cert_chain", str(chain.pem("authority"))) if name == "s_server" else ()
    row, capture = handshake(stage, serve(stage, chain, name, options=options), chain.pem("root"))
    expect.completed(row)
    assert len(row["certificates"]) == 2, row["certificates"]
    certificate_is(row["certificates"][0], "server", chain.pem("leaf"), KEYS[kind])
    certificate_is(row["certificates"][1], "server", chain.pem("authority"), KEYS["ec"])
    fingerprints_are(row, capture)


def test_mutual(stage):
    chain = Chain(stage.directory)
    own = stage.certificates
    server = serve(stage, chain,
                   options=("-cert_chain", str(chain.pem("authority")), "-Verify", "3"))
    row, capture = handshake(stage, server, chain.pem("root"), options=(
        "-cert", str(own.chain("client")), "-key", str(own.key("client"))))
    assert [sent["from"] for sent in row["certificates"]] == ["server", "server", "client"]
    certificate_is(row["certificates"][2], "client", own.chain("client"), "EC P-256")
    assert row["tls"]["client_auth"] == "sent"
    fingerprints_are(row, capture)


def test_declined(stage):
    """A client's empty list adds nothing to the server's."""
    chain = Chain(stage.directory)
    row, _ = handshake(stage, serve(stage, chain, options=("-verify", "3")), chain.pem("authority"),
                       options=("-partial_chain",))
    assert [sent["from"] for sent in row["certificates"]] == ["server"]
    assert row["tls"]["client_auth"] == "declined"


@pytest.mark.parametrize("tickets,how", [(True, "ticket"), (False, "session_id")])
def test_resumed(stage, tickets, how):
    server, session = stage.server("s_server"), str(stage.directory / "session.pem")
    options = () if tickets else ("-no_ticket",)
    trace = stage.trace()
    for store in ("-sess_out", "-sess_in"):
        stage.client("openssl", server, version="TLSv1.2", options=(store, session, *options)).ok()
    first, second = trace.wait_rows(2, port=server.port)
    assert (first["tls"]["resumed"], first["tls"]["resumption"]) == (False, None)
    assert first["tls"]["ticket_issued"] is tickets
    assert len(first["certificates"]) == 1
    assert (second["tls"]["resumed"], second["tls"]["resumption"]) == (True, how)
    assert second["certificates"] is None


def test_hidden(stage):
    """TLS 1.3 encrypts all of it; the fingerprints are there."""
    server = stage.server("s_server")
    row, capture = handshake(stage, server, stage.certificates.authority, "TLSv1.3")
    assert row["certificates"] is None
    assert row["tls"]["ticket_issued"] is None and row["tls"]["ocsp_stapled"] is None
    assert row["fingerprint"]["ja4"].startswith("t13d")
    fingerprints_are(row, capture)


def test_rejected(stage):
    """The row of the failure has the certificate that the client did not accept."""
    server = stage.server("s_server")
    trace = stage.trace()
    stage.client("openssl", server, version="TLSv1.2",
                 options=("-CAfile", str(stage.certificates.chain("stranger"))))
    row = expect.one_row(trace, port=server.port)
    assert row["outcome"] == "failed" and row["failure"]["alert"] == "unknown_ca", row
    certificate_is(row["certificates"][0], "server", stage.certificates.chain("server"))
