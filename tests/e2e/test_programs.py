# SPDX-License-Identifier: BSD-2-Clause
"""Real clients and servers: one row per handshake, the true processes, what was negotiated."""

import pytest

from lib import clients, expect, servers

ADDRESS = {4: "127.0.0.1", 6: "::1"}
EVERY_PAIR = [(client, server, None, 4) for client in clients.BY_NAME for server in servers.BY_NAME]
OLDER = [
    ("openssl", "s_server", "TLSv1.0", 4), ("gnutls-cli", "nginx", "TLSv1.0", 4),
    ("openssl", "gnutls-serv", "TLSv1.0", 6),
    ("openssl", "nginx", "TLSv1.1", 4), ("gnutls-cli", "s_server", "TLSv1.1", 4),
    ("openssl", "s_server", "TLSv1.2", 6), ("curl", "nginx", "TLSv1.2", 4),
    ("gnutls-cli", "haproxy", "TLSv1.2", 4), ("python", "gnutls-serv", "TLSv1.2", 4),
    ("node", "nginx", "TLSv1.2", 4),
]
IPV6 = [("curl", "nginx", "TLSv1.3", 6), ("gnutls-cli", "haproxy", "TLSv1.3", 6),
        ("python", "s_server", "TLSv1.3", 6)]


def name_of(case):
    client, server, version, family = case
    return f"{client}-{server}-{version or 'default'}-ipv{family}"


@pytest.mark.parametrize("case", EVERY_PAIR + OLDER + IPV6, ids=name_of)
def test_pair(stage, case):
    client_name, server_name, version, family = case
    server = stage.server(server_name, old_versions=version in ("TLSv1.0", "TLSv1.1"))
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    client = stage.client(client_name, server, ADDRESS[family], version=version).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    expect.handshake_is(row, truth, client, server)
    expect.path_is(row, *expect.LOOPBACK)
    assert row["offer"]["records"] == 1
    assert row["offer"]["alpn"] == clients.ALPN.get(client_name, clients.HTTP1)
    assert not row["quality"]["gap"] and not row["quality"]["truncated"]
    if version:
        assert row["tls"]["version"] == version


@pytest.mark.parametrize("cipher,certificate,key_exchange", [
    ("AES128-SHA", "rsa", "RSA"),
    ("DHE-RSA-AES128-GCM-SHA256", "rsa", "DHE"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "rsa", "ECDHE"),
    ("ECDHE-ECDSA-AES256-SHA384", "server", "ECDHE"),
])
def test_key_exchange(stage, cipher, certificate, key_exchange):
    server = stage.server("s_server", certificate=certificate)
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    client = stage.client("openssl", server, version="TLSv1.2", options=("-cipher", cipher)).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    if key_exchange == "DHE":  # its group is not named in TLS 1.2, but OpenSSL's may be recognised
        row["tls"]["group"] = None
    expect.handshake_is(row, truth, client, server)
    assert row["tls"]["key_exchange"] == key_exchange


@pytest.mark.parametrize("version,options", [
    ("TLSv1.2", ()), ("TLSv1.2", ("-no_ticket",)), ("TLSv1.3", ()),
], ids=["ticket", "session id", "psk"])
@pytest.mark.parametrize("server_name", ["s_server", "nginx"])
def test_resumption(stage, server_name, version, options):
    # One worker: without a shared cache another one would not know the session.
    server = stage.server(server_name, workers=1, options={
        "nginx": ("ssl_session_cache shared:tests:1m;",)}.get(server_name, ()))
    session = str(stage.directory / "session.pem")
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    for option in ("-sess_out", "-sess_in"):
        stage.client("openssl", server, version=version,
                     options=(option, session, *options)).ok()
    truths = capture.stop().conversations()
    trace.wait_rows(2, port=server.port)
    trace.stop()
    rows = trace.select(port=server.port)
    assert [row["tls"]["resumed"] for row in rows] == [False, True]
    assert [row["tls"]["psk"] for row in rows] \
        == ["none", "accepted" if version == "TLSv1.3" else "none"]
    for row, truth in zip(rows, truths, strict=True):
        expect.completed(row)
        expect.offer_is(row, truth)
        expect.choice_is(row, truth)


def test_two_on_one_port_are_two_rows(stage):
    """Several clients of one server, one after the other: nobody takes another's row."""
    server = stage.server("nginx", workers=4)
    trace = stage.trace()
    done = {}
    for _ in range(6):
        client = stage.client("curl", server).ok()
        done[int(client.output)] = client
    trace.wait_rows(len(done), port=server.port)
    trace.stop()
    rows = trace.select(port=server.port)
    assert sorted(row["client"]["port"] for row in rows) == sorted(done)
    for row in rows:
        expect.processes_are(row, done[row["client"]["port"]], server)
