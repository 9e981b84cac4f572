# SPDX-License-Identifier: BSD-2-Clause
"""Hellos as they really cross: in several packets and records, mid-connection, through relays."""

import math
import os
import shutil
import subprocess

import pytest

from lib import clients, expect, hello, net, process, reading, servers, trixie, wait

# helpers/relay.py: both hellos byte by byte, or the ClientHello in records of 100 bytes.
CUTS = {"bytes": 600, "records": 100}


def hello_segments(capture, truth):
    """Number of packets that carried the ClientHello on the captured interface."""
    sizes = [int(size) for [size] in capture.fields(
        f"tcp.srcport == {truth.client[1]} && tcp.len > 0", "tcp.len")]
    left, count = truth.offer.size + 5, 0  # 5: the record's header
    while left > 0:
        left -= sizes[count]
        count += 1
    return count


def only_worker(server):
    """The worker of the only connection that nginx had, whose port here is a relay's."""
    [worker] = wait.until(server.served, "nginx's log").values()
    return worker


class TrixieServer(servers.InTrixie, servers.OpenSSL):
    """OpenSSL 3.5's s_server."""


@pytest.fixture
def trixie_server(stage):
    """A post-quantum server in another namespace, and the sides of the link to it."""
    try:
        trixie.root()
    except (trixie.Unavailable, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"NO POST-QUANTUM TESTS: there is no trixie root: {error}")
    made = {}

    def start(namespace=None, **settings):
        made["server"] = stage.server(TrixieServer, namespace=namespace, **settings)
        return made["server"]
    yield start
    if made:
        shutil.rmtree(made["server"].inside, ignore_errors=True)


def trixie_client(stage, server, address, namespace, *options):
    argv = ["chroot", str(trixie.root()), "openssl", "s_client", "-connect",
            f"{address}:{server.port}", "-servername", "web.example.org", "-alpn", "http/1.1",
            "-quiet", "-ign_eof", *options]
    done = stage.processes.run(argv, namespace, clients.REQUEST)
    done.comm = "openssl"
    return done.ok()


@pytest.mark.parametrize("client_here", [False, True])
def test_post_quantum(stage, trixie_server, client_here):
    """A 1.7 KB hello in two packets, and ML-KEM's group."""
    here, there = stage.network.veth()
    net.no_offloads(here, there)
    server_side, client_side = (there, here) if client_here else (here, there)
    server = trixie_server(server_side.namespace)
    capture = stage.capture(here.interface, server.port)
    trace = stage.trace()
    client = trixie_client(stage, server, server_side.ip4, client_side.namespace)
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    expect.handshake_is(row, truth, client, server)
    assert row["tls"]["group"] == "X25519MLKEM768"
    assert row["tls"]["key_exchange"] == "hybrid"
    assert row["offer"]["key_shares"][0] == "X25519MLKEM768"
    assert row["offer"]["segments"] == hello_segments(capture, truth) == 2


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("way", CUTS)
def test_relay_beside(stage, way, version):
    """Both of a relay's connections are here: one handshake, one row, the relay at neither end."""
    server = stage.server("nginx")
    relay = stage.server(servers.Relay, options=("127.0.0.1", server.port, way, CUTS[way]))
    capture = stage.capture("lo", relay.port, server.port)
    trace = stage.trace()
    client = stage.client("openssl", relay, version=version).ok()
    truth = capture.stop().conversations()[0]
    row = expect.one_row(trace, id=truth.offer.random)
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "openssl")
    expect.process_is(row["server"], only_worker(server), "nginx")
    expect.offer_is(row, truth)
    assert len(trace.select(port=server.port) + trace.select(port=relay.port)) == 1


@pytest.mark.parametrize("way", CUTS)
def test_relay_far(stage, way):
    """Only the relay's cut connection is seen here: another namespace's lo is not traced."""
    here, there = stage.network.veth()
    server = stage.server("nginx")
    relay = stage.server(servers.Relay, namespace=there.namespace,
                         options=(here.ip4, server.port, way, CUTS[way]))
    capture = stage.capture(here.interface, server.port)
    trace = stage.trace()
    stage.client("openssl", relay, "127.0.0.1", there.namespace).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.process_is(row["client"], relay.process.pid, "python3")
    expect.process_is(row["server"], server.pid_for(truth.client[1]), "nginx")
    expect.offer_is(row, truth)
    expect.choice_is(row, truth)
    if way == "records":
        assert row["offer"]["records"] == math.ceil(truth.offer.size / CUTS[way])
    else:
        segments = hello_segments(capture, truth)
        assert segments > 5 and row["offer"]["segments"] == segments


@pytest.mark.parametrize("size", [300, 16])
def test_small_records(stage, size):
    """Of both directions every message in the clear is cut; of one packet at most 256 records are looked at."""
    here, there = stage.network.veth()
    server = stage.server("s_server")
    relay = stage.server(servers.Relay, namespace=there.namespace,
                         options=(here.ip4, server.port, "crumbs", size))
    capture = stage.capture(here.interface, server.port)
    trace = stage.trace()
    stage.client("openssl", relay, "127.0.0.1", there.namespace, version="TLSv1.2").ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.offer_is(row, truth)
    expect.choice_is(row, truth)
    assert row["offer"]["records"] == math.ceil(truth.offer.size / size)
    assert [message["message"] for message in row["messages"] if message["from"] == "server"][:4] == [
        "server_hello", "certificate", "server_key_exchange", "server_hello_done"]
    assert row["certificates"] and not row["quality"]["gap"]


def test_hello_in_two_records(stage):
    """OpenSSL itself splits a hello that is longer than the fragments it may send."""
    server = stage.server("s_server")
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    many = ",".join(f"protocol-{number:03}" for number in range(40))
    client = stage.client("openssl", server, options=("-max_send_frag", "512", "-alpn",
                                                      f"{many},http/1.1")).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    expect.handshake_is(row, truth, client, server)
    assert row["offer"]["records"] == math.ceil(truth.offer.size / 512) > 1
    assert len(row["offer"]["alpn"]) == 41


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3", "ftp", "ldap", "postgres", "mysql", "xmpp"])
def test_starttls(stage, protocol):
    """TLS begins somewhere in the connection, on no port in particular."""
    server = stage.server(servers.Starttls, options=(protocol,))
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    client = stage.processes.run(
        ["openssl", "s_client", "-starttls", protocol, "-connect", f"127.0.0.1:{server.port}",
         "-servername", "mail.example.org"])
    file = capture.stop().file
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.processes_are(row, client.ok(), server)
    assert row["tls"]["sni"] == "mail.example.org"
    assert reading.on_the_wire(reading.read(file).one()) == reading.on_the_wire(row)


@pytest.mark.vm
def test_connection_older_than_the_trace(stage):
    """TCP was there before tlstrace; STARTTLS begins after: both processes are known."""
    server = stage.server(servers.Starttls)
    client = stage.processes.start(
        process.helper("starttls_client.py", "127.0.0.1", server.port,
                       stage.certificates.authority, "mail.example.org"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(client.stdout.readline().split()[1])
    trace = stage.trace()
    client.stdin.write(b"go\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"secure\n"
    row = expect.one_row(trace, client_port=port)
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "python3")
    expect.process_is(row["server"], server.process.pid, "python3")


def test_connect_proxy(stage):
    """CONNECT: two TCP connections carry the same hello. One row, the proxy at neither end."""
    server = stage.server("nginx")
    proxy = stage.server(servers.Proxy, options=(server.port,))
    capture = stage.capture("lo", proxy.port, server.port)
    trace = stage.trace()
    client = stage.client("curl", server, options=(
        "--noproxy", "", "--proxytunnel", "--proxy", f"http://127.0.0.1:{proxy.port}")).ok()
    capture.stop()
    randoms = {random for [random] in capture.fields("tls.handshake.type == 1",
                                                     "tls.handshake.random")}
    [random] = randoms
    row = expect.one_row(trace, id=random.replace(":", ""))
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "curl")
    expect.process_is(row["server"], only_worker(server), "nginx")
    assert len(trace.select(port=server.port) + trace.select(port=proxy.port)) == 1


def test_fast_open(stage):
    """TCP Fast Open: the hello is in the SYN."""
    here, there = stage.network.veth()
    process.command("sysctl", "-q", "-w", "net.ipv4.tcp_fastopen=3", namespace=there.namespace)
    server = stage.server(servers.NginxFastOpen, namespace=there.namespace)
    capture = stage.capture(here.interface, server.port)
    trace = stage.trace()
    # The first connection fetches the cookie that the second uses.
    done = [stage.client("curl", server, there.ip4, options=("--tcp-fastopen",)).ok()
            for _ in range(2)]
    capture.stop()
    if not capture.fields("tcp.flags.syn == 1 && tcp.len > 0", "tcp.len"):
        pytest.skip("TCP Fast Open does not happen here: no SYN carries data")
    trace.wait_rows(2, port=server.port)
    trace.stop()
    rows = trace.select(port=server.port)
    for row, client, truth in zip(rows, done, capture.conversations(), strict=True):
        expect.handshake_is(row, truth, client, server)


def raw_client(stage, server, data, ending="fin"):
    done = stage.processes.run(process.helper("hello_client.py", "127.0.0.1", server.port,
                                              data.hex(), ending))
    done.comm = "python3"
    return done.ok()


def test_sslv2_style_hello(stage):
    """RFC 5246 appendix E.2's hello, answered with TLS 1.2 by OpenSSL."""
    server = stage.server("s_server", certificate="rsa", old_versions=True)
    trace = stage.trace()
    challenge = os.urandom(32)
    client = raw_client(stage, server, hello.sslv2_hello(challenge))
    row = expect.one_row(trace, port=server.port)
    assert row["id"] == challenge.hex()
    expect.processes_are(row, client, server)
    assert row["offer"]["version"] == "TLSv1.2"
    assert row["offer"]["ciphers"][0] == "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"


def test_fixed_random_is_two_handshakes(stage):
    """Test tools send the same random again: two connections are two rows."""
    server = stage.server("s_server")
    trace = stage.trace()
    data = hello.client_hello(random=bytes(range(32)))
    pids = [raw_client(stage, server, data).pid for _ in range(2)]
    trace.wait_rows(2, port=server.port)
    trace.stop()
    rows = trace.select(port=server.port)
    assert [row["client"]["process"]["pid"] for row in rows] == pids
    assert {row["id"] for row in rows} == {bytes(range(32)).hex()}


def test_burst_behind_handshake(stage):
    """More records than one packet is searched for, joined by GSO with the client's Finished."""
    server = stage.server("s_server")
    trace = stage.trace()
    client = stage.processes.run(process.helper(
        "burst_client.py", "127.0.0.1", server.port, stage.certificates.authority,
        "web.example.org", 300)).ok()
    row = expect.one_row(trace, port=server.port)
    expect.completed(row)
    expect.process_is(row["client"], client.pid, "python3")
    assert not row["quality"]["gap"]
    assert trace.end["dropped"]["records_per_packet"] == 0
