# SPDX-License-Identifier: BSD-2-Clause
"""Connections that end in the middle of a handshake: who ended it, and whose turn it was."""

import signal

import pytest

from lib import expect, hello, process, servers, views, wait

# Names the server's own reset apart from one in its name: only what carries a ClientHello.
FIREWALL = """
table inet tlstrace_test {{
	chain input {{
		type filter hook input priority 0
		tcp dport {port} meta length > 150 reject with tcp reset
	}}
}}
"""


def hello_client(here, server, ending):
    return process.helper("hello_client.py", here.address, server.port,
                          hello.client_hello(more=(hello.extension(21, bytes(100)),)).hex(), ending)


@pytest.mark.parametrize("place", views.PLACES)
@pytest.mark.parametrize("ending,kind,said", [
    ("fin", "closed", "closed the connection {TIME} after the ClientHello, without an alert"),
    ("rst", "reset", "reset the connection {TIME} after the ClientHello"),
])
def test_server_leaves(stage, place, ending, kind, said):
    here = views.Place(stage, place)
    server = here.server(servers.Silent, options=(ending,))
    here.trace(server.port)
    here.run(hello_client(here, server, "hold")).ok()
    for view in here.views():
        view.failed(kind, "server", cause=None, facts=[])
        view.says("{server} " + said, server=(server.process.pid, server.comm))


@pytest.mark.parametrize("place", views.PLACES)
def test_client_gives_up(stage, place):
    """curl's own time limit, while the server, which has read the hello, says nothing."""
    here = views.Place(stage, place)
    server = here.server(servers.Silent, options=("hold",))
    here.trace(server.port)
    client = here.client("curl", server, options=("--max-time", "0.3"))
    assert client.code == 28
    for view in here.views():
        view.failed("closed", "client", cause="no_answer", facts=[])
        view.says("{client} closed the connection after waiting {TIME} for {server}",
                  client=(client.pid, client.comm), server=(server.process.pid, server.comm))


def test_server_does_not_read(stage):
    """Stopped, it accepts by the kernel's grace only: the hello lies in its socket."""
    here = views.Place(stage, views.LOOPBACK)
    server = here.server(servers.Silent, options=("hold",))
    server.process.send_signal(signal.SIGSTOP)
    try:
        here.trace(server.port)
        client = here.client("curl", server, options=("--max-time", "0.3"))
        assert client.code == 28
        for view in here.views():
            view.failed("closed", "client", cause="no_answer",
                        facts=["not_read"] if view.knows else [])
            # Nobody has accepted it yet: the server's end has an address, no process.
            assert view.row["server"]["process"] is None
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_killed_client(stage):
    """The kernel closes for the dead: that it was killed does not cross the wire, nor is it claimed."""
    here = views.Place(stage, views.LOOPBACK)
    server = here.server(servers.Silent, options=("hold",))
    here.trace(server.port)
    client = stage.processes.start(hello_client(here, server, "hold"))
    wait.until(lambda: b"read" in server.process.log.read_bytes(), "the server to read the hello")
    client.kill()
    client.wait()
    for view in here.views():
        view.failed("closed", "client", cause="no_answer")
        view.says("{client} closed the connection after waiting {TIME} for {server}",
                  client=(client.pid, "python3"), server=(server.process.pid, server.comm))


def test_killed_server(stage):
    here = views.Place(stage, views.LOOPBACK)
    server = here.server(servers.Silent, options=("hold",))
    here.trace(server.port)
    client = stage.processes.start(hello_client(here, server, "hold"))
    wait.until(lambda: b"read" in server.process.log.read_bytes(), "the server to read the hello")
    server.process.kill()
    server.process.wait()
    for view in here.views():
        view.failed("closed", "server", cause=None)
        view.says("{server} closed the connection {TIME} after the ClientHello, without an alert",
                  server=(server.process.pid, server.comm))
    client.wait(timeout=wait.limit(5))


def test_firewall(stage):
    """A rule resets the client in the server's name; the server's socket did nothing of the kind."""
    namespace = stage.network.namespace()
    server = stage.server(servers.Silent, namespace=namespace, options=("hold",))
    rules = stage.directory / "rules.nft"
    rules.write_text(FIREWALL.format(port=server.port))
    process.command("nft", "-f", rules, namespace=namespace)
    trace = stage.trace("-i", "lo", "--port", server.port, namespace=namespace)
    goal = stage.goal(server)
    client = stage.processes.run(process.helper(
        "hello_client.py", goal.address, server.port,
        hello.client_hello(more=(hello.extension(21, bytes(100)),)).hex(), "hold"), namespace).ok()
    row = expect.one_row(trace, port=server.port)
    assert row["client"]["process"]["pid"] == client.pid
    view = views.View("both", row, ("client", "server"))
    view.failed("reset", "unknown", cause="between")
    view.says("neither end, but something between them such as a firewall, reset the connection "
              "{TIME} after the ClientHello")
    assert row["server"]["socket"], row["server"]


def test_trace_ends_first(stage):
    here = views.Place(stage, views.LOOPBACK)
    server = here.server(servers.Silent, options=("hold",))
    here.trace(server.port)
    client = stage.processes.start(hello_client(here, server, "hold"))
    wait.until(lambda: b"read" in server.process.log.read_bytes(), "the server to read the hello")
    trace = here.traces["both"]
    trace.stop()
    [row] = trace.rows
    assert (row["outcome"], row["incomplete"], row["failure"]) == ("incomplete", "trace_ended", None)
    process.end_process(client)
