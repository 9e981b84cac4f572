# SPDX-License-Identifier: BSD-2-Clause
"""Where the time goes: real programs sleep at known places, and the right phase grows by that."""

import pytest

from lib import clients, process, servers
from lib.phases import Phases, problems

NAME = "web.example.org"
DELAY_MS = 40
HANDSHAKES = 3  # of each kind: the quickest count
TRIES = 6


class View:
    """A client and a server, and a trace that sees both of them, or one: the other is elsewhere."""

    def __init__(self, stage, what, version):
        self.stage, self.what, self.version = stage, what, version
        self.client_side = self.server_side = None
        self.address, self.options = "127.0.0.1", ("-i", "lo")
        if what != "both":
            here, there = stage.network.wire(stage.processes)
            self.options = ("-i", here.interface)
            if what == "client":
                self.address, self.server_side = there.ip4, there.namespace
            else:
                self.address, self.client_side = here.ip4, there.namespace
        self.trace = stage.trace(*self.options)

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
        rows = [self.trace.wait_rows(1, client_port=int(port), port=server.port)[0]
                for port in clocks]
        return rows, [float(took) for took in clocks.values()]


def assert_grows(view, grown, where_client="nowhere", where_server="nowhere"):
    """A phase grows by the delay and no other does.

    Other programs on the machine take time too: of several handshakes one must show it.
    """
    quick_server = view.server()
    slow_server = view.server(where_server, DELAY_MS)
    quick, slow = [], []
    for _ in range(TRIES):
        quick += view.rows(quick_server)[0]
        slow += view.rows(slow_server, where_client, DELAY_MS)[0]
        least = Phases.quickest(quick)
        found = {row["id"]: problems(least, Phases.of(row), grown, DELAY_MS * 1000)
                 for row in slow}
        for row in slow:
            if not found[row["id"]]:
                return Phases.of(row)
    row = min(slow, key=lambda row: len(found[row["id"]]))
    raise AssertionError("\n".join([*found[row["id"]], str(least), str(Phases.of(row))]))


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
    assert_grows(View(stage, what, "TLSv1.3"), grown_in(SERVERS, where, what), where_server=where)


@pytest.mark.parametrize("what", VIEWS)
@pytest.mark.parametrize("where", CLIENTS)
def test_client_sleeps(stage, where, what):
    assert_grows(View(stage, what, "TLSv1.3"), grown_in(CLIENTS, where, what), where_client=where)
