# SPDX-License-Identifier: BSD-2-Clause
"""Certificates that an end does not accept, or misses: who rejected whose, and what of it is visible."""

import pytest

from lib import clients, views

VERSIONS = ("TLSv1.2", "TLSv1.3")
AUTHORITY = {"openssl": "-CAfile", "curl": "--cacert", "gnutls-cli": "--x509cafile"}
OWN = {"openssl": ("-cert", "-key"), "curl": ("--cert", "--key"),
       "gnutls-cli": ("--x509certfile", "--x509keyfile")}
UNKNOWN = (r"{client} rejected the server's certificate: unknown_ca", "unknown_ca")
ENCRYPTED_FLIGHT = (r"{client} refused the server's encrypted messages, such as its certificate: "
                    "encrypted alert")
ISSUER = r" \(issued by CN=tlstrace tests(, which was not sent)?\)"


def meet(stage, place, client_name, server_options=(), certificate="server", **wishes):
    """A handshake at that place: its views, and the words that name both ends."""
    here = views.Place(stage, place)
    server = here.server("s_server", options=server_options, certificate=certificate)
    here.trace(server.port)
    if "authority" in wishes:
        goal = here.stage.goal(server, here.address, version=wishes["version"])
        goal.authority = wishes["authority"]
        client = here.run(clients.BY_NAME[client_name](goal))
    else:
        client = here.client(client_name, server, **wishes)
    ends = {"client": (client.pid, clients.COMM[client_name]),
            "server": (server.process.pid, server.comm)}
    return here.views(), ends


def hidden(version):
    return version == "TLSv1.3"


@pytest.mark.parametrize("client_name", AUTHORITY)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", views.PLACES)
def test_unknown_authority(stage, client_name, version, place):
    """A plaintext alert, even in TLS 1.3 from OpenSSL, which has no keys yet; GnuTLS encrypts it."""
    stranger = str(stage.certificates.chain("stranger"))
    found, ends = meet(stage, place, client_name, version=version,
                       options=(AUTHORITY[client_name], stranger))
    for view in found:
        if client_name != "gnutls-cli":
            view.failed("alert", "client", alert="unknown_ca", encrypted=False,
                        cause="certificate_issuer")
            view.says(r"{client} rejected the server's certificate: unknown_ca"
                      + ("" if hidden(version) else ISSUER), **ends)
        elif hidden(version):
            view.failed("alert", "client", alert=None, encrypted=True, cause=None, facts=[])
            view.says(ENCRYPTED_FLIGHT, **ends)
            assert "failure" in view.row["quality"]["inferred"]
        else:
            # Not unknown_ca: GnuTLS has one alert for all that is wrong with a certificate.
            view.failed("alert", "client", alert="bad_certificate", cause=None, facts=[])
            view.says(r"{client} rejected the server's certificate: bad_certificate", **ends)


@pytest.mark.parametrize("place", views.PLACES)
def test_silent_rejection(stage, place):
    """Node.js checks the certificate after its own Finished and closes without an alert."""
    found, ends = meet(stage, place, "node", version="TLSv1.3",
                       authority=str(stage.certificates.chain("stranger")))
    for view in found:
        if view.row["outcome"] == "completed":
            assert view.row["left_by"] == "client", view.row
            continue
        view.failed("closed", "client", alert=None, cause=None)
        view.says("{client} closed the connection {TIME} after the server's flight with its "
                  "certificate, without an alert", **ends)


@pytest.mark.parametrize("client_name,version", [("curl", "TLSv1.2"), ("curl", "TLSv1.3"),
                                                 ("node", "TLSv1.2")])
@pytest.mark.parametrize("place", views.PLACES)
def test_rejected_behind_the_handshake(stage, client_name, version, place):
    """For TLS these are complete: what can be said is that the client left without a word."""
    found, _ = meet(stage, place, client_name, version=version, sni="web.other.test")
    for view in found:
        assert view.row["outcome"] == "completed" and view.row["left_by"] == "client", view.row


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_name,alert", [("openssl", "certificate_expired"),
                                               ("gnutls-cli", "bad_certificate")])
@pytest.mark.parametrize("place", views.PLACES)
def test_expired(stage, client_name, alert, version, place):
    found, ends = meet(stage, place, client_name,
                       certificate=stage.certificates.expired(), version=version)
    for view in found:
        if hidden(version) and client_name == "gnutls-cli":
            view.failed("alert", "client", encrypted=True, cause=None, facts=[])
            view.says(ENCRYPTED_FLIGHT, **ends)
            continue
        view.failed("alert", "client", alert=alert,
                    cause="certificate_expired" if client_name == "openssl" else None,
                    facts=[] if hidden(version) else ["certificate_expired"])
        view.says("{client} rejected the server's certificate: " + alert
                  + ("" if hidden(version) else r" \(not after 2001-01-02T00:00:00Z\)"), **ends)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client_name", ["openssl", "gnutls-cli"])
@pytest.mark.parametrize("place", views.PLACES)
def test_another_name(stage, client_name, version, place):
    wishes = {"options": ("-verify_hostname", "web.other.test")} if client_name == "openssl" else {}
    found, ends = meet(stage, place, client_name, version=version, sni="web.other.test",
                       **wishes)
    for view in found:
        if hidden(version) and client_name == "gnutls-cli":
            view.says(ENCRYPTED_FLIGHT, **ends)
            continue
        view.failed("alert", "client", alert="bad_certificate", cause=None,
                    facts=[] if hidden(version) else ["certificate_name"])
        view.says("{client} rejected the server's certificate: bad_certificate"
                  + ("" if hidden(version) else r" \(certificate is for \*\.example\.org, "
                     r"example\.org, not web\.other\.test\)"), **ends)


@pytest.mark.parametrize("client_name", AUTHORITY)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", views.PLACES)
def test_client_certificate_missing(stage, client_name, version, place):
    """In TLS 1.3 the server's alert comes after the client's Finished, and is encrypted."""
    found, ends = meet(stage, place, client_name, ("-Verify", "3"), version=version)
    for view in found:
        if hidden(version) and client_name == "gnutls-cli":
            assert view.row["outcome"] == "completed", view.row  # as below
            continue
        view.failed("alert", "server", cause="no_certificate", encrypted=hidden(version),
                    alert=None if hidden(version) else "handshake_failure")
        assert view.row["tls"]["client_auth"] == "declined"
        view.says(r"{server} refused the handshake after the client sent no certificate: "
                  "encrypted alert" if hidden(version) else
                  r"{server} wants a certificate and got none: handshake_failure", **ends)


@pytest.mark.parametrize("client_name", AUTHORITY)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("place", views.PLACES)
def test_client_certificate_refused(stage, client_name, version, place):
    own, (chain, key) = stage.certificates, OWN[client_name]
    strict = ("-Verify", "3", "-verify_return_error", "-CAfile", str(own.chain("stranger")))
    found, ends = meet(stage, place, client_name, strict, version=version,
                       options=(chain, str(own.chain("client")), key, str(own.key("client"))))
    for view in found:
        if hidden(version) and client_name == "gnutls-cli":
            # Its request and its goodbye leave with its Finished: the server's alert may be an
            # answer to these, as that of a server which only listens is.
            assert view.row["outcome"] == "completed", view.row
            continue
        if hidden(version):
            view.failed("alert", "server", encrypted=True, alert=None, cause=None)
            view.says("{server} refused the handshake after the client's certificate: "
                      "encrypted alert", **ends)
            assert {"failure", "outcome"} <= set(view.row["quality"]["inferred"])
        else:
            view.failed("alert", "server", alert="unknown_ca", cause="certificate_issuer")
            view.says("{server} rejected the client's certificate: unknown_ca" + ISSUER, **ends)


# Handshakes with a client certificate that go well, though nothing follows them.
QUIET = {
    "client leaves": ((), ()),
    "client leaves, no tickets": (("-num_tickets", "0"), ()),
    "no tickets, a page": (("-num_tickets", "0"), ("page",)),
}


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("certificate", [True, False], ids=["sent", "declined"])
def test_goodbye_is_no_refusal(stage, name, certificate):
    server_options, page = QUIET[name]
    own = stage.certificates
    here = views.Place(stage, views.LOOPBACK)
    server = here.server("s_server", options=("-verify", "3", "-CAfile", str(own.authority),
                                              *server_options))
    here.trace(server.port)
    options = ("-cert", str(own.chain("client")), "-key", str(own.key("client"))) if certificate else ()
    argv = clients.openssl(stage.goal(server, here.address, version="TLSv1.3", options=options))
    if not page:
        argv = [word for word in argv if word not in ("-quiet", "-ign_eof")]
    here.run(argv, input=clients.REQUEST if page else b"").ok()
    for view in here.views():
        assert view.row["outcome"] == "completed" and view.row["failure"] is None, view.row
        assert view.row["tls"]["client_auth"] == ("sent" if certificate else "declined")
        assert view.row["left_by"] == (None if page else "client")
