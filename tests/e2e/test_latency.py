# SPDX-License-Identifier: BSD-2-Clause
"""Where the time goes: real programs sleep at known places, and the right phase grows by that."""

import pytest

from lib import clients, expect, process, servers
from lib.phases import TOLERANCE_SHARE, TOLERANCE_US, Phases, problems

NAME = "web.example.org"
DELAY_MS = 40
HANDSHAKES = 2  # at a time
TRIES = 8


class View:
    """A client and a server, and a trace that sees both of them, or one: the other is elsewhere."""

    def __init__(self, stage, what="both", version="TLSv1.3", **network):
        self.stage, self.version = stage, version
        self.client_side = self.server_side = None
        self.address, interface = "127.0.0.1", "lo"
        if what != "both":
            here, self.there = stage.network.wire(stage.processes, **network)
            interface = here.interface
            if what == "client":
                self.address, self.server_side = self.there.ip4, self.there.namespace
            else:
                self.address, self.client_side = here.ip4, self.there.namespace
        self.trace = stage.trace("-i", interface)

    def server(self, where="nowhere", delay_ms=0):
        return self.stage.server(servers.Slow, options=(where, delay_ms),
                                 namespace=self.server_side)

    def rows(self, server, where="nowhere", delay_ms=0, count=HANDSHAKES):
        """Make handshakes; their rows, and for each the client's own stopwatch."""
        done = self.stage.processes.run(
            process.helper("slow_client.py", self.address, server.port,
                           self.stage.certificates.authority, NAME, self.version, where,
                           delay_ms, count), self.client_side).ok()
        clocks = dict(line.split() for line in done.output.decode().splitlines())
        assert len(clocks) == count, done
        rows = [self.trace.wait_rows(1, client_port=int(port))[0] for port in clocks]
        return rows, [float(took) for took in clocks.values()]


def assert_grows(view, grown, where_client="nowhere", quick_server=None, slow_server=None):
    """A phase grows by the delay and no other does; tried again where the machine is not quiet."""
    quick_server = quick_server or view.server()
    slow_server = slow_server or quick_server
    quick, slow = [], []
    for _ in range(TRIES):
        quick += view.rows(quick_server)[0]
        slow += view.rows(slow_server, where_client, DELAY_MS)[0]
        found = problems(quick, slow, grown, DELAY_MS * 1000)
        if not found:
            return
    raise AssertionError("\n".join([*found, *(str(Phases.of(row)) for row in slow)]))


# Where it sleeps, and which phase that is: seen from both ends, from the client's, the server's.
SERVERS = {
    "accept": ("accept_queue", "server", "accept_queue"),
    "read": ("server_wakeup", "server", "server_wakeup"),
    "certificate": ("server_crypto", "server", "server_crypto"),
}
CLIENTS = {
    "hello": ("client_prepare", "client_prepare", "client_prepare"),
    "read": ("client_wakeup", "client_wakeup", "client_crypto"),
    "verify": ("client_crypto", "client_crypto", "client_crypto"),
}
VIEWS = ["both", "client", "server"]


def grown_in(table, where, view):
    return table[where][VIEWS.index(view)]


@pytest.mark.parametrize("what", VIEWS)
@pytest.mark.parametrize("where", SERVERS)
def test_server_sleeps(stage, where, what):
    view = View(stage, what)
    assert_grows(view, grown_in(SERVERS, where, what), slow_server=view.server(where, DELAY_MS))


@pytest.mark.parametrize("what", VIEWS)
@pytest.mark.parametrize("where", CLIENTS)
def test_client_sleeps(stage, where, what):
    assert_grows(View(stage, what), grown_in(CLIENTS, where, what), where)


@pytest.mark.parametrize("where,what", [
    *(("accept", view) for view in VIEWS), ("hello", "both"), ("hello", "client")])
def test_deferred_accept(stage, where, what):
    """The server's kernel makes a connection of the hello, which is when the queue begins: not before."""
    view = View(stage, what)
    quick = view.server("nowhere+deferred")
    slow = view.server("accept+deferred", DELAY_MS) if where == "accept" else quick
    grown = grown_in({**SERVERS, **CLIENTS}, where, what)
    assert_grows(view, grown, "hello" if where == "hello" else "nowhere", quick, slow)
    for row in view.trace.rows:
        expect.completed(row)
        server = slow if row["server"]["port"] == slow.port else quick
        if what != "server":
            assert row["client"]["process"]["comm"] == "python3", row
        if what == "client":
            continue
        expect.process_is(row["server"], server.process.pid, "python3")
        times = row["server"]["socket"]
        assert times["established_us"] >= 0, times
        assert times["accept_us"] is None or times["accept_us"] >= times["established_us"], times


@pytest.mark.parametrize("what", VIEWS)
def test_server_finishes_late(stage, what):
    """TLS 1.2 has a second round trip."""
    view = View(stage, what, "TLSv1.2")
    assert_grows(view, "server_finish", slow_server=view.server("finish", DELAY_MS))


@pytest.mark.parametrize("what", ["both", "client"])
def test_client_finishes_late(stage, what):
    """The handshake lasts until the client has read the server's Finished."""
    assert_grows(View(stage, what, "TLSv1.2"), "client_finish", "finish")


@pytest.mark.parametrize("way, grown", [(f"{DELAY_MS}:0", "hello_network"),
                                        (f"0:{DELAY_MS}", "reply_network")])
def test_relay_delays(stage, way, grown):
    """One direction of a network between two ends that are both here."""
    view = View(stage)
    server = view.server()
    quick, slow = (stage.server(servers.Relay, options=("127.0.0.1", server.port, "late", late))
                   for late in ("0:0", way))
    assert_grows(view, grown, quick_server=quick, slow_server=slow)


@pytest.mark.parametrize("what", ["client", "server"])
def test_network_delays(stage, what):
    """One end knows only the round trip; each direction gets half of it."""
    view = View(stage, what, milliseconds=(30, 10))
    expected = {"hello_network": 20000, "reply_network": 20000}
    if what == "client":
        expected["tcp_connect"] = 40000

    def differences(row):
        took = Phases.of(row).took_us
        found = [f"{name} took {took.get(name)} us" for name, us in expected.items()
                 if abs(took.get(name, 0) - us) > TOLERANCE_US]
        return found + [f"{name} took {us} us" for name, us in took.items()
                        if name not in expected and us > DELAY_MS * 1000 / 4]

    server = view.server()
    for _ in range(TRIES):
        found = [differences(row) for row in view.rows(server)[0]]
        if [] in found:
            return
    raise AssertionError(found)


def test_same_run_from_both_ends(stage):
    """What one end measures, the other estimates within the tolerance."""
    view = View(stage, "client", milliseconds=(15, 15))
    other = stage.trace("-i", view.there.interface, namespace=view.there.namespace)
    server = view.server("read", 20)
    for _ in range(TRIES):
        rows, _ = view.rows(server, "verify", DELAY_MS)
        found = [pair_problems(Phases.of(row), Phases.of(other.wait_rows(1, id=row["id"])[0]))
                 for row in rows]
        if [] in found:
            return
    raise AssertionError(found)


def pair_problems(client, server):
    """Of a handshake as its client's host and its server's host saw it."""
    def sum_of(phases, *names):
        return sum(phases.took_us.get(name, 0) for name in names)

    pairs = {
        "the client's work": (sum_of(client, "client_wakeup", "client_crypto"),
                              sum_of(server, "client_crypto")),
        "the hello": (sum_of(client, "client_prepare"), sum_of(server, "client_prepare")),
        "the server's work": (
            sum_of(client, "server"),
            sum_of(server, "accept_queue", "server_wakeup", "server_crypto")),
        "the total": (client.total_us - sum_of(client, "tcp_connect"), server.total_us),
    }
    return [f"{what}: {at_client:.0f} us at the client, {at_server:.0f} us at the server"
            for what, (at_client, at_server) in pairs.items()
            if abs(at_client - at_server) > max(TOLERANCE_US, TOLERANCE_SHARE * at_client)]


def test_own_clock(stage):
    """The total is what the client measures, from its connect to the end of its handshake."""
    view = View(stage)
    server = view.server()
    for _ in range(TRIES):
        rows, clocks = view.rows(server)
        totals = [row["latency"]["total_us"] for row in rows]
        if any(abs(total - clock) < 1000 for total, clock in zip(totals, clocks)):
            return
    raise AssertionError((totals, clocks))


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_curl_agrees(stage, version):
    server = stage.server("nginx")
    trace = stage.trace()
    for count in range(1, TRIES + 1):
        argv = clients.curl(stage.goal(server, version=version))
        argv[argv.index("-w") + 1] = "%{time_namelookup} %{time_appconnect}"
        begun, secured = map(float, stage.processes.run(argv).ok().output.split())
        total_us = trace.wait_rows(count, port=server.port)[-1]["latency"]["total_us"]
        if abs((secured - begun) * 1e6 - total_us) < 1000:
            return
    raise AssertionError(f"curl {secured - begun} s, tlstrace {total_us} us")


def test_lost_hello(stage):
    """A hello that is lost is sent again, which takes the network's time."""
    view = View(stage, "client", lost=200)
    [row], _ = view.rows(view.server(), count=1)
    assert row["latency"]["retransmissions"] == 1, row["latency"]


def test_starttls_begins_with_the_hello(stage):
    """What was said before it on the connection is not the handshake's."""
    server = stage.server(servers.Starttls, options=("smtp",))
    trace = stage.trace()
    stage.processes.run(["openssl", "s_client", "-starttls", "smtp", "-connect",
                         f"127.0.0.1:{server.port}", "-servername", "mail.example.org"]).ok()
    [row] = trace.wait_rows(1, port=server.port)
    assert row["latency"]["phases"][0]["name"] == "hello_network", row["latency"]
    assert row["client"]["socket"]["connect_us"] < 0


def test_retry_has_two_round_trips(stage):
    server = stage.server("s_server", options=("-groups", "P-384"))
    trace = stage.trace()
    stage.client("openssl", server, version="TLSv1.3", options=("-groups", "X25519:P-384")).ok()
    [row] = trace.wait_rows(1, port=server.port)
    names = [phase["name"] for phase in row["latency"]["phases"]]
    assert [names.count(name) for name in ("tcp_connect", "client_prepare", "hello_network",
                                           "server_crypto", "reply_network", "client_crypto")] \
        == [1, 2, 2, 2, 2, 1], names


def test_silent_server(stage):
    """A server that has read the hello and does not answer: the time is its own."""
    server = stage.server(servers.Silent, options=("hold",))
    trace = stage.trace()
    argv = clients.curl(stage.goal(server, options=("--max-time", "0.3")))
    assert stage.processes.run(argv).code == 28  # CURLE_OPERATION_TIMEDOUT
    [row] = trace.wait_rows(1, port=server.port)
    last = row["latency"]["phases"][-1]
    assert (last["name"], last["quality"]) == ("server_crypto", "measured"), row["latency"]
