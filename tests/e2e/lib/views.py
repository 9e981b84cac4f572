# SPDX-License-Identifier: BSD-2-Clause
"""
One handshake, and what can be known of it where it is seen.

On loopback a trace knows both ends, and a capture beside it no process at all. Behind a router a
packet has lost its socket: each end's trace knows that end only.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import net, process, reading

TIME = r"(less than )?\d+(\.\d+)? m?s"
LOOPBACK, ROUTED = "loopback", "routed"
PLACES = (LOOPBACK, ROUTED)


@dataclass
class View:
    """A row, and which ends it can name."""
    name: str
    row: dict
    knows: tuple

    def who(self, end, pid, comm):
        """How a verdict names this end."""
        if end in self.knows:
            return f"{end} {comm}[{pid}]"
        address, port = self.row[end]["ip"], self.row[end]["port"]
        return f"{end} [{address}]:{port}" if ":" in address else f"{end} {address}:{port}"


    def failed(self, kind, by, **more):
        """What the row says of its failure; more are further fields of it."""
        assert self.row["outcome"] == "failed", self.row
        wanted = {"kind": kind, "by": by, **more}
        failure = self.row["failure"]
        assert {key: failure[key] for key in wanted} == wanted, failure

    def says(self, pattern, **words):
        """The verdict, as a pattern; {client} and {server} in it are the ends as this view names them."""
        words = {name: re.escape(self.who(name, *who)) if isinstance(who, tuple) else re.escape(who)
                 for name, who in words.items()}
        wanted = pattern.format(TIME=TIME, **words)
        assert re.fullmatch(wanted, self.row["verdict"]), (self.row["verdict"], wanted)


@dataclass
class Place:
    """Where client and server are, with the traces there."""
    stage: object
    kind: str
    options: tuple = ()
    traces: dict = field(default_factory=dict)
    client_side: net.Side = None
    server_side: net.Side = None
    router: str = None

    def __post_init__(self):
        if self.kind == LOOPBACK:
            self.client_side = self.server_side = net.Side("lo", None, "127.0.0.1", "::1")
        else:
            self.client_side, self.server_side, self.router = self.stage.network.routed()

    @property
    def address(self):
        return self.server_side.ip4

    def server(self, kind, **settings):
        return self.stage.server(kind, namespace=self.server_side.namespace, **settings)

    def trace(self, port):
        """Begin to look at this server's port."""
        self.port = port
        options = ("--port", port, *self.options)
        if self.kind == LOOPBACK:
            self.capture = self.stage.capture("lo", port)
            self.traces["both"] = self.stage.trace("-i", "lo", *options)
            return
        with ThreadPoolExecutor() as pool:
            started = pool.map(
                lambda side: self.stage.trace("-i", side.interface, *options,
                                              namespace=side.namespace),
                (self.client_side, self.server_side))
            self.traces.update(zip(("client", "server"), started))

    def client(self, name, server, **wishes):
        return self.stage.client(name, server, self.address, self.client_side.namespace, **wishes)

    def run(self, argv, **settings):
        return self.stage.processes.run(argv, self.client_side.namespace, **settings)

    def views(self, count=1):
        """All that is known, as a list of View, once each trace has that many rows."""
        for trace in self.traces.values():
            trace.wait_rows(count)
        self.stage.stop_traces()
        knows = {"both": ("client", "server"), "client": ("client",), "server": ("server",)}
        found = [View(name, row, knows[name])
                 for name, trace in self.traces.items() for row in trace.rows]
        if self.kind == LOOPBACK:
            rows = reading.read(self.capture.stop().file, *self.options).rows
            found += [View("wire", row, ()) for row in rows]
        assert len(found) == 2 * count, found
        return found
