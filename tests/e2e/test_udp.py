# SPDX-License-Identifier: BSD-2-Clause
"""QUIC and DTLS, live: one row per handshake, with the right processes, as in a capture of it."""

import shutil
import subprocess

import pytest

from lib import clients, datagrams, expect, reading, trixie, wait

PAIRS = [("ngtcp2", "ngtcp2"), ("curl", "ngtcp2"), ("openssl-quic", "ngtcp2"), ("curl", "caddy"),
         ("ngtcp2", "caddy"), ("openssl-quic", "caddy"),
         ("openssl", "s_server"), ("gnutls-cli", "gnutls-serv"), ("openssl", "gnutls-serv"),
         ("gnutls-cli", "s_server")]
FINGERPRINT = {"quic": "q13d", "dtls": "dd2d"}


def trixie_or_skip():
    try:
        return trixie.root()
    except (trixie.Unavailable, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"NO POST-QUANTUM QUIC: there is no trixie root: {error}")


def run(stage, name, server, address="127.0.0.1", **wishes):
    if name in datagrams.TRIXIE:
        trixie_or_skip()
    argv = datagrams.CLIENTS[name](stage.goal(server, address, **wishes))
    done = stage.processes.run(argv, None, datagrams.INPUT.get(name, b""))
    done.comm = datagrams.COMM[name]
    return done


@pytest.mark.parametrize("client_name,server_name", PAIRS)
def test_pair(stage, client_name, server_name):
    server = stage.server(datagrams.SERVERS[server_name])
    capture = stage.capture("lo", server.port, transport="udp", protocol=server.protocol)
    trace = stage.trace()
    client = run(stage, client_name, server).ok()
    capture.stop()
    row = expect.one_row(trace, port=server.port)
    assert row["transport"] == server.protocol
    datagrams.handshake_is(row, capture, client, server)
    expect.path_is(row, *expect.LOOPBACK)
    assert row["fingerprint"]["ja4"].startswith(FINGERPRINT[server.protocol])
    if client_name in datagrams.TRIXIE:
        assert row["offer"]["key_shares"][0] == "X25519MLKEM768"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.vm
def test_dtls(stage, address):
    server = stage.server(datagrams.OpenSSLDtls)
    trace = stage.trace()
    client = run(stage, "openssl", server, address).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    expect.path_is(row, *expect.LOOPBACK)
    assert row["transport"] == "dtls" and row["tls"]["version"] == "DTLSv1.2"
    assert row["tls"]["sni"] == "web.example.org" and row["tls"]["alpn"] == "http/1.1"


@pytest.fixture
def server_v2(stage):
    """A server that speaks versions 1 and 2 and prefers 2."""
    trixie_or_skip()
    server = stage.server(datagrams.NgTcp2Trixie, options=("--preferred-versions=v2,v1",))
    yield server
    shutil.rmtree(server.inside, ignore_errors=True)


@pytest.mark.parametrize("options", [("-v", "v2"), ("-v", "v1", "--available-versions=v1,v2")],
                         ids=["from the start", "chosen by the server"])
def test_quic_v2(stage, server_v2, options):
    """RFC 9369: other keys and other numbers of types. And RFC 9368: the server may answer in another version."""
    capture = stage.capture("lo", server_v2.port, transport="udp", protocol="quic")
    trace = stage.trace()
    client = run(stage, "ngtcp2-trixie", server_v2, options=options).ok()
    capture.stop()
    row = expect.one_row(trace, port=server_v2.port)
    expect.completed(row)
    expect.processes_are(row, client, server_v2)
    assert row["tls"]["quic_version"] == "2"
    assert row["tls"]["sni"] == "localhost"  # what this client asks of a numeric address
    assert row["fingerprint"]["ja4"].startswith("q13d")
    [read] = reading.read(capture.file).rows
    live, file = reading.on_the_wire(row), reading.on_the_wire(read)
    for said in (live, file):
        del said["messages"]  # this server's come by GSO, and a capture does not tell such datagrams apart
    assert live == file


@pytest.mark.vm
def test_quic_retry(stage):
    server = stage.server(datagrams.NgTcp2, options=("-V",))
    trace = stage.trace()
    client = run(stage, "ngtcp2", server).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    assert row["tls"]["quic_version"] == "1" and row["tls"]["cipher"]
    assert [m["message"] for m in row["messages"]][:3] == ["client_hello", "retry", "server_hello"]


def test_hello_verify(stage):
    """The server answers the first hello without keeping state; the second is the same handshake."""
    server = stage.server(datagrams.OpenSSLDtls, options=("-listen",))
    capture = stage.capture("lo", server.port, transport="udp", protocol="dtls")
    trace = stage.trace()
    client = run(stage, "openssl", server).ok()
    capture.stop()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client, server)
    datagrams.file_agrees(row, capture)
    assert [m["message"] for m in row["messages"]][:4] == [
        "client_hello", "hello_verify_request", "client_hello", "server_hello"]


def test_dtls_alert(stage):
    """The client trusts somebody else."""
    server = stage.server(datagrams.OpenSSLDtls)
    trace = stage.trace()
    stranger = str(stage.certificates.chain("stranger"))
    client = run(stage, "openssl", server, options=("-CAfile", stranger, "-no-CApath"))
    assert client.code != 0
    row = expect.one_row(trace, port=server.port)
    assert row["outcome"] == "failed"
    assert (row["failure"]["kind"], row["failure"]["by"]) == ("alert", "client"), row["failure"]
    assert row["failure"]["alert"] == "unknown_ca"
    expect.processes_are(row, client, server)


def test_quic_alert(stage):
    """No protocol in common: CONNECTION_CLOSE with an alert."""
    server = stage.server(datagrams.NgTcp2)
    trace = stage.trace()
    client = run(stage, "openssl-quic", server, options=("-alpn", "nothing"))
    row = expect.one_row(trace, port=server.port)
    assert row["outcome"] == "failed", row
    assert row["failure"]["kind"] == "alert" and row["failure"]["by"] == "server", row["failure"]
    assert row["failure"]["alert"] == "no_application_protocol"
    expect.processes_are(row, client, server)


def test_burst(stage):
    """Many clients of one server at a time: its only socket does not mix them up."""
    server = stage.server(datagrams.NgTcp2)
    trace = stage.trace()
    count = 60
    goal = stage.goal(server)
    started = [stage.processes.start(datagrams.ngtcp2(goal)) for _ in range(count)]
    for process in started:
        process.wait()
    rows = trace.wait_rows(count, port=server.port)
    end = trace.stop()
    assert len(rows) == count and end["handshakes"]["completed"] == count
    assert {row["client"]["process"]["pid"] for row in rows} == {process.pid for process in started}
    assert {row["server"]["process"]["pid"] for row in rows} == {server.process.pid}
    assert not any(end["dropped"].values()), end


@pytest.mark.parametrize("direction", ["out", "in"])
def test_veth(stage, direction):
    """At the host's side of a veth packets still carry their socket, though not their task."""
    here, there = stage.network.veth()
    server_side, client_side = (there, here) if direction == "out" else (here, there)
    server = stage.server(datagrams.NgTcp2, namespace=server_side.namespace, address=server_side.ip4)
    trace = stage.trace()
    argv = datagrams.ngtcp2(stage.goal(server, server_side.ip4))
    client = stage.processes.run(argv, client_side.namespace).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "gtlsclient")
    expect.process_is(row["server"], server.process.pid, "gtlsserver")


def test_chromium(stage, tmp_path):
    server = stage.server(datagrams.Caddy)
    capture = stage.capture("lo", server.port, transport="udp", protocol="quic")
    trace = stage.trace()
    browser = stage.processes.start(datagrams.chromium(stage.goal(server), tmp_path, server.chain),
                                    own_group=True)
    its_processes = set()  # gathered while they live: the row may come when the browser has gone

    def quic_rows():
        its_processes.update(datagrams.descendants(browser.pid))
        return [row for row in trace.select(port=server.port) if row["transport"] == "quic"]
    row = wait.until(quic_rows, "the browser's row", seconds=30)[0]
    expect.completed(row)
    assert row["client"]["process"]["pid"] in its_processes, row["client"]
    assert row["client"]["process"]["comm"] == "chromium"
    expect.process_is(row["server"], server.process.pid, "caddy")
    capture.stop()
    datagrams.file_agrees(row, capture)
    assert row["offer"]["alpn"] == ["h3"] and row["fingerprint"]["ja4"].startswith("q13d")
    browser.wait()


@pytest.mark.parametrize("server_name,client_name", [("ngtcp2", "ngtcp2"), ("s_server", "openssl")])
def test_other_namespace(stage, server_name, client_name):
    """Both ends in another namespace: what its sockets send and receive is enough."""
    namespace = stage.network.namespace()
    server = stage.server(datagrams.SERVERS[server_name], namespace=namespace)
    trace = stage.trace(everywhere=True)
    argv = datagrams.CLIENTS[client_name](stage.goal(server))
    client = stage.processes.run(argv, namespace, datagrams.INPUT.get(client_name, b"")).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.process_is(row["client"], client.pid, datagrams.COMM[client_name])
    expect.process_is(row["server"], server.process.pid, server.comm)
