# SPDX-License-Identifier: BSD-2-Clause
"""Hellos that are refused: the verdict names who refused what, in every view alike."""

import os

import pytest

from lib import hello, process, servers, views

ECDSA_128 = ("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
ECDSA_256 = ("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")
UNKNOWN_NAME = ("-servername", "known.example.org", "-servername_fatal")


class NamedServer(servers.OpenSSL):
    """It knows one name, and a second certificate for it."""

    def argv(self):
        return [*super().argv(), "-cert2", self.chain, "-key2", self.key]


# server, its options; client's version, its options; alert, cause, facts, the verdict after "server"
REFUSALS = {
    "version": ("s_server", ("-tls1_3",), "TLSv1.2", (), "protocol_version", "version", [],
                r" refused the handshake: client offers at most TLSv1\.2 \(protocol_version\)"),
    "listed versions": ("s_server", ("-tls1_2",), "TLSv1.3", (), "protocol_version", "version", [],
                        r" refused the handshake: client offers only TLSv1\.3 \(protocol_version\)"),
    "cipher": ("s_server", ECDSA_128, "TLSv1.2", ECDSA_256, "handshake_failure", None,
               ["ciphers"],
               r" refused the handshake: handshake_failure \(client offers only "
               r"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\)"),
    "cipher of gnutls": ("gnutls-serv", (), "TLSv1.2", ("-cipher", "AES128-SHA:@SECLEVEL=0"),
                         "handshake_failure", None, ["ciphers"],
                         r" refused the handshake: handshake_failure \(client offers only "
                         r"TLS_RSA_WITH_AES_128_CBC_SHA\)"),
    "group": ("s_server", ("-groups", "P-256"), "TLSv1.3", ("-groups", "X448"),
              "handshake_failure", None, ["groups"],
              r" refused the handshake: handshake_failure \(client offers only x448\)"),
    "protocol": ("nginx", (), "TLSv1.2", ("-alpn", "nothing,else"), "no_application_protocol",
                 "alpn", [], r" refused the handshake: client offers only the protocols nothing, "
                 r"else \(no_application_protocol\)"),
    "name": (NamedServer, UNKNOWN_NAME, "TLSv1.2", (), "unrecognized_name", "server_name", [],
             r" refused the handshake: it does not know the name web\.example\.org "
             r"\(unrecognized_name\)"),
    "fallback": ("s_server", (), "TLSv1.2", ("-fallback_scsv",), "inappropriate_fallback",
                 "fallback", [], r" refused the handshake: client says that it fell back to "
                 r"TLSv1\.2 \(inappropriate_fallback\)"),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("place", views.PLACES)
def test_refused(stage, name, place):
    kind, options, version, wishes, alert, cause, facts, verdict = REFUSALS[name]
    here = views.Place(stage, place)
    server = here.server(kind, options=options, workers=1)
    here.trace(server.port)
    client = here.client("openssl", server, version=version, options=wishes)
    assert client.code != 0
    for view in here.views():
        view.failed("alert", "server", alert=alert, encrypted=False, cause=cause, facts=facts)
        view.says("{server}" + verdict, server=(server.pids[0], server.comm))


@pytest.mark.parametrize("place", views.PLACES)
def test_unknown_name_as_a_warning(stage, place):
    """The server warns and continues with its default certificate, which the client rejects."""
    here = views.Place(stage, place)
    server = here.server(NamedServer, options=UNKNOWN_NAME[:2])
    here.trace(server.port)
    client = here.client("openssl", server, version="TLSv1.2", sni="web.other.test",
                         options=("-verify_hostname", "web.other.test"))
    assert client.code != 0
    for view in here.views():
        view.failed("alert", "client", alert="bad_certificate",
                    facts=["certificate_name", "warned"], cause=None)
        view.says(r"{client} rejected the server's certificate: bad_certificate \(certificate is for "
                  r"\*\.example\.org, example\.org, not web\.other\.test; "
                  r"after the warning unrecognized_name\)", client=(client.pid, client.comm))


MALFORMED = {
    # The extensions claim more bytes than there are.
    "decode_error": lambda: hello.client_hello(more=(b"\0\x10\xff\xff",)),
}


@pytest.mark.parametrize("alert", MALFORMED)
@pytest.mark.parametrize("place", views.PLACES)
def test_malformed(stage, alert, place):
    here = views.Place(stage, place)
    server = here.server("s_server")
    here.trace(server.port)
    here.run(process.helper("hello_client.py", here.address, server.port, MALFORMED[alert]().hex(),
                            "hold")).ok()
    for view in here.views():
        view.failed("alert", "server", alert=alert, cause="malformed_hello")
        view.says(r"{server} refused the handshake: the ClientHello is malformed \(decode_error\)",
                  server=(server.process.pid, server.comm))


@pytest.mark.parametrize("version,mark", [("TLSv1.2", 1), ("TLSv1.1", 0)])
@pytest.mark.parametrize("place", views.PLACES)
def test_downgrade(stage, version, mark, place):
    """A ServerHello with RFC 8446's mark, which a client that offered TLS 1.3 must reject."""
    random = os.urandom(24) + b"DOWNGRD" + bytes([mark])
    here = views.Place(stage, place)
    server = here.server(servers.Scripted, options=(hello.server_hello(random).hex(),))
    here.trace(server.port)
    client = here.client("openssl", server)
    assert client.code != 0
    for view in here.views():
        view.failed("alert", "client", alert="illegal_parameter", cause="downgrade")
        assert view.row["tls"]["downgrade"] == version, view.row["tls"]
        view.says(r"{client} refused the handshake: server chose TLSv1\.2 and marked that it could "
                  r"do more, which client offers \(illegal_parameter\)",
                  client=(client.pid, client.comm))


def test_marked_but_no_downgrade(stage):
    """A server that could speak TLS 1.3 marks every TLS 1.2: this client offers no more."""
    here = views.Place(stage, views.LOOPBACK)
    server = here.server("s_server")
    here.trace(server.port)
    here.client("openssl", server, version="TLSv1.2").ok()
    for view in here.views():
        assert view.row["outcome"] == "completed" and view.row["tls"]["downgrade"] is None
        assert bytes.fromhex(view.row["tls"]["server_random"]).endswith(b"DOWNGRD\1")


@pytest.mark.parametrize("place", views.PLACES)
@pytest.mark.parametrize("start,protocol", [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"), (b"500 what\r\n", "SMTP or FTP"),
    (b"\x80\x01\x02\x03\x04\x05", None),
], ids=["http", "smtp", "unknown"])
def test_plaintext_answer(stage, place, start, protocol):
    """TLS to a port that speaks something else."""
    here = views.Place(stage, place)
    server = here.server(servers.Scripted, options=(start.hex(),))
    here.trace(server.port)
    client = here.client("curl", server)
    assert client.code != 0
    said = f"answered in {protocol}, not in TLS" if protocol else \
        "answered with something that is not TLS"
    for view in here.views():
        view.failed("refused", "server", cause="plaintext" if protocol else None)
        view.says("{server} " + said, server=(server.process.pid, server.comm))


@pytest.mark.parametrize("place", views.PLACES)
def test_plaintext_request(stage, place):
    """Plain HTTP to a TLS port: without a ClientHello there is no handshake, and no row."""
    here = views.Place(stage, place)
    server = here.server("nginx", workers=1)
    here.trace(server.port)
    plain = here.run(["curl", "-sS", "--noproxy", "*", f"http://{here.address}:{server.port}/"])
    assert b"400" in plain.output
    here.client("openssl", server).ok()
    assert {view.row["outcome"] for view in here.views()} == {"completed"}
