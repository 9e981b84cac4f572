# SPDX-License-Identifier: BSD-2-Clause
"""Handshakes that fail: who ended it, how, and what was said."""

import pytest

from lib import expect, hello, process, servers, views, wait


def failed(row, kind, by, alert=None, encrypted=False):
    assert row["outcome"] == "failed", row
    failure = row["failure"]
    assert (failure["kind"], failure["by"]) == (kind, by), failure
    if kind == "alert":
        assert (failure["alert"], failure["encrypted"]) == (alert, encrypted), failure
    assert row["verdict"], row


def refused(stage, server, client_name, **wishes):
    """A client that cannot agree with server: its row and what is known of it."""
    trace = stage.trace()
    client = stage.client(client_name, server, **wishes)
    assert client.code != 0
    row = expect.one_row(trace, port=server.port)
    expect.process_is(row["client"], client.pid, client.comm)
    expect.process_is(row["server"], server.process.pid, server.comm)
    return row, client


@pytest.mark.vm
@pytest.mark.parametrize("client_name,version,option,encrypted", [
    ("curl", "TLSv1.2", "--cacert", False),
    # OpenSSL sends this alert before it has keys to send with; GnuTLS encrypts it.
    ("curl", "TLSv1.3", "--cacert", False),
    ("gnutls-cli", "TLSv1.3", "--x509cafile", True),
])
def test_certificate_rejected(stage, client_name, version, option, encrypted):
    """The client does not know the authority: the alert's sender rejected the other side."""
    server = stage.server("s_server")
    stranger = str(stage.certificates.chain("stranger"))
    row, client = refused(stage, server, client_name, version=version,
                          options=(option, stranger))
    failed(row, "alert", "client", None if encrypted else "unknown_ca", encrypted)
    assert f"{client_name}[{client.pid}]" in row["verdict"]
    if not encrypted:
        assert "certificate" in row["verdict"] and "unknown_ca" in row["verdict"]
        last = row["messages"][-1]
        assert (last["from"], last["record"], last["message"]) \
            == ("client", "alert", "unknown_ca"), last


def test_no_common_cipher(stage):
    server = stage.server("s_server", options=("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"))
    row, _ = refused(stage, server, "openssl", version="TLSv1.2",
                     options=("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"))
    failed(row, "alert", "server", "handshake_failure")
    assert row["offer"]["ciphers"][0] == "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    assert row["tls"]["cipher"] is None and row["tls"]["version"] is None
    assert "handshake_failure" in row["verdict"]


def test_no_common_version(stage):
    server = stage.server("s_server", options=("-tls1_3",))
    row, _ = refused(stage, server, "openssl", version="TLSv1.2")
    failed(row, "alert", "server", "protocol_version")


def test_no_common_protocol(stage):
    """nginx refuses what it cannot speak (RFC 7301 section 3.2)."""
    server = stage.server("nginx", workers=1)
    trace = stage.trace()
    client = stage.client("openssl", server, version="TLSv1.2", options=("-alpn", "nothing"))
    assert client.code != 0
    row = expect.one_row(trace, port=server.port)
    failed(row, "alert", "server", "no_application_protocol")
    expect.process_is(row["server"], server.pids[0], "nginx")


@pytest.mark.vm
@pytest.mark.parametrize("ending,kind", [("fin", "closed"), ("rst", "reset")])
@pytest.mark.parametrize("by", ["client", "server"])
def test_left_after_the_hello(stage, by, ending, kind):
    server = stage.server(servers.Silent, options=(ending if by == "server" else "hold",))
    trace = stage.trace()
    client = stage.processes.run(process.helper(
        "hello_client.py", "127.0.0.1", server.port, hello.client_hello().hex(),
        ending if by == "client" else "hold")).ok()
    row = expect.one_row(trace, port=server.port)
    failed(row, kind, by)
    # The server never wrote: its socket's events, not its packets, may be what names it.
    assert row["client"]["process"]["pid"] == client.pid
    assert row["server"]["process"]["pid"] == server.process.pid
    assert row["tls"]["sni"] == "raw.example.org"


def test_pending_at_the_end_is_incomplete(stage):
    """A handshake that is under way when the trace ends is reported as such, not lost or guessed."""
    server = stage.server(servers.Silent, options=("hold",))
    trace = stage.trace()
    client = stage.processes.start(process.helper(
        "hello_client.py", "127.0.0.1", server.port, hello.client_hello().hex(), "hold"))
    wait.until(lambda: b"read" in server.process.log.read_bytes(), "the server to read the hello")
    trace.stop()
    [row] = trace.select(port=server.port)
    assert row["outcome"] == "incomplete" and row["failure"] is None
    assert row["client"]["process"]["pid"] == client.pid
    assert row["server"]["process"]["pid"] == server.process.pid


@pytest.mark.parametrize("place", views.PLACES)
def test_server_never_answers(stage, place):
    """Silence for the time of --timeout, live and in a capture that continues after it."""
    here = views.Place(stage, place, options=("--timeout", "300ms"))
    server = here.server(servers.Silent, options=("hold",))
    here.trace(server.port)
    client = stage.processes.start(process.helper(
        "hello_client.py", here.address, server.port, hello.client_hello().hex(), "hold"),
        here.client_side.namespace)
    for trace in here.traces.values():
        trace.wait_rows(1)
    process.end_process(client)
    for view in here.views():
        failed(view.row, "timeout", "server")
        read = "has read the ClientHello and " if "server" in view.knows else ""
        view.says("{server} " + read + "did not answer within {TIME}",
                  server=(server.process.pid, server.comm))
