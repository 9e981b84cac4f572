# SPDX-License-Identifier: BSD-2-Clause
"""Connections that end in the middle of a handshake: who ended it, and whose turn it was."""

import signal

import pytest

from lib import expect, hello, net, process, servers, views, wait

# As boxes do that know only ClientHellos of one packet: what follows a full one is dropped.
SECOND_PACKET = """
table inet tlstrace_test {{
	chain forward {{
		type filter hook forward priority 0
		tcp dport {port} meta length 200-1400 drop
	}}
}}
"""

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


@pytest.mark.vm
@pytest.mark.parametrize("server_ending,client_ending", [("early", "hold"), ("half", "fin"), ("half", "rst")])
def test_server_leaves_before(stage, server_ending, client_ending):
    """It had closed before the hello came: what the client made of that is not the cause."""
    here = views.Place(stage, views.LOOPBACK)
    server = here.server(servers.Silent, options=(server_ending,))
    here.trace(server.port)
    here.run([*hello_client(here, server, client_ending), "late"]).ok()
    for view in here.views():
        view.failed("closed", "server", cause="closed_before", facts=[])
        name = view.who("server", server.process.pid, server.comm) if view.row["server"]["process"] else \
            f"server {here.address}:{server.port}"
        assert view.row["verdict"] == f"{name} closed the connection before the ClientHello came"


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
    """A stopped server: the kernel accepts the connection, and the hello waits in its socket."""
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


def killed(stage, here, server, signal_, victim):
    """A client and a server that waits for it; a signal ends one of them."""
    here.trace(server.port)
    client = stage.processes.start(hello_client(here, server, "hold"), here.client_side.namespace)
    wait.until(lambda: b"read" in server.process.log.read_bytes(), "the server to read the hello")
    process_ = client if victim == "client" else server.process
    process_.send_signal(signal_)
    process_.wait()
    return process_


def check_killed(view, end, name, pid):
    view.failed(view.row["failure"]["kind"], end, cause="killed", facts=[])
    view.says(f"{{{end}}} was killed by {name} {{TIME}} after the ClientHello", **{end: (pid, "python3")})
    assert view.row[end]["process"]["exit"] == {"signal": name, "status": None}


@pytest.mark.parametrize("place", views.PLACES)
def test_killed_client(stage, place):
    """The kernel closes for the dead. That does not cross the wire: who sees only that says only that."""
    here = views.Place(stage, place)
    server = here.server(servers.Silent, options=("hold",))
    client = killed(stage, here, server, signal.SIGKILL, "client")
    for view in here.views():
        if "client" in view.knows:
            check_killed(view, "client", "SIGKILL", client.pid)
        else:
            view.failed("closed", "client", cause="no_answer")
            view.says("{client} closed the connection after waiting {TIME} for {server}",
                      client=(client.pid, "python3"), server=(server.process.pid, server.comm))
        if view.row["server"]["process"]:
            assert view.row["server"]["process"]["exit"] is None


@pytest.mark.parametrize("place", views.PLACES)
@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSEGV])
def test_killed_server(stage, place, signal_):
    here = views.Place(stage, place)
    server = here.server(servers.Silent, options=("hold",))
    dead = killed(stage, here, server, signal_, "server")
    for view in here.views():
        if "server" in view.knows:
            check_killed(view, "server", signal_.name, dead.pid)
        else:
            view.failed("closed", "server", cause=None)
            view.says("{server} closed the connection {TIME} after the ClientHello, without an alert",
                      server=(dead.pid, "python3"))


@pytest.mark.parametrize("place", views.PLACES)
def test_client_exits(stage, place):
    """Not killed: it left the connection open and ended."""
    here = views.Place(stage, place)
    server = here.server(servers.Silent, options=("hold",))
    here.trace(server.port)
    client = here.run(hello_client(here, server, "exit"))
    assert client.code == 3
    for view in here.views():
        said = "{client} closed the connection after waiting {TIME} for {server}"
        view.failed("closed", "client", cause="no_answer")
        if "client" in view.knows:
            assert "exited" in view.row["failure"]["facts"]
            assert view.row["client"]["process"]["exit"] == {"signal": None, "status": 3}
            said += r" \(.*the client's process exited with status 3\)"
        view.says(said, client=(client.pid, "python3"), server=(server.process.pid, server.comm))


def rules(stage, text, port, namespace):
    file = stage.directory / "rules.nft"
    file.write_text(text.format(port=port))
    process.command("nft", "-f", file, namespace=namespace)


def test_second_packet_dropped(stage):
    """A ClientHello of two packets, as post-quantum ones are: only the first arrives."""
    here = views.Place(stage, views.ROUTED, options=("--timeout", "400ms"))
    net.no_offloads(here.client_side, here.server_side)
    server = here.server(servers.OpenSSL)
    rules(stage, SECOND_PACKET, server.port, here.router)
    here.trace(server.port)
    big = hello.client_hello(more=(hello.extension(21, bytes(2000)),))
    client = stage.processes.start(process.helper(
        "hello_client.py", here.address, server.port, big.hex(), "hold"), here.client_side.namespace)
    for trace in here.traces.values():
        trace.wait_rows(1)
    process.end_process(client)
    whole = len(big) - 5
    for view in here.views():
        offer = view.row["offer"]
        assert (offer["size"], view.row["tls"]["sni"]) == (whole, "raw.example.org")
        if view.name == "client":
            view.failed("timeout", "server", cause="no_answer", facts=[])
            view.says("{server} did not answer within {TIME}", server=(server.process.pid, "openssl"))
            assert offer["received"] == whole and view.row["latency"]["retransmissions"]
        else:
            view.failed("timeout", "client", cause="no_answer", facts=["hello_part"])
            assert 1000 < offer["received"] < whole and view.row["tls"]["psk"] is None
            view.says("{client} sent nothing more within {TIME} \\(only " + str(offer["received"])
                      + f" of {whole} bytes of the ClientHello came\\)", client=(client.pid, "python3"))
            assert view.row["server"]["process"]["pid"] == server.process.pid


@pytest.mark.parametrize("version", [4, 6])
def test_silent_server_of_a_client_elsewhere(stage, version):
    """Its segments still carry the client's socket when they arrive from another namespace of this host."""
    near, far = stage.network.veth()
    server = stage.server(servers.Silent, options=("hold",))
    trace = stage.trace("-i", near.interface, "--timeout", "400ms")
    client = stage.processes.start(process.helper(
        "hello_client.py", near.address(version), server.port, hello.client_hello().hex(), "hold"), far.namespace)
    row = trace.wait_rows(1)[0]
    process.end_process(client)
    assert row["server"]["process"]["pid"] == server.process.pid
    assert row["client"]["process"]["pid"] == client.pid
    assert row["failure"]["kind"] == "timeout" and row["failure"]["by"] == "server"
    assert row["verdict"].startswith(f"server {server.comm}[{server.process.pid}] has read the ClientHello")


def test_firewall(stage):
    """A rule resets the client in the server's name; the server's socket did nothing of the kind."""
    namespace = stage.network.namespace()
    server = stage.server(servers.Silent, namespace=namespace, options=("hold",))
    rules(stage, FIREWALL, server.port, namespace)
    trace = stage.trace("-i", "lo", "--port", server.port, namespace=namespace)
    goal = stage.goal(server)
    client = stage.processes.run(process.helper(
        "hello_client.py", goal.address, server.port,
        hello.client_hello(more=(hello.extension(21, bytes(100)),)).hex(), "hold"), namespace).ok()
    row = expect.one_row(trace, port=server.port)
    assert row["client"]["process"]["pid"] == client.pid
    view = views.View("both", row, ("client", "server"))
    view.failed("reset", "unknown", cause="between")
    view.says("a middlebox, such as a firewall, reset the connection {TIME} after the ClientHello")
    assert row["server"]["socket"], row["server"]


# Nothing of an answer leaves; what the kernel itself says does.
OUTGOING = """
table inet tlstrace_test {{
	chain output {{
		type filter hook output priority 0
		tcp sport {port} meta length > 150 drop
	}}
}}
"""


@pytest.mark.parametrize("how", ["gives up", "waits"])
def test_answer_cannot_leave(stage, how):
    """The server did answer: it is not to blame for the rule that drops what it says."""
    namespace = stage.network.namespace()
    server = stage.server("s_server", namespace=namespace)
    rules(stage, OUTGOING, server.port, namespace)
    trace = stage.trace("-i", "lo", "--port", server.port, "--timeout", "1s", namespace=namespace)
    limit = ("--max-time", "0.3" if how == "gives up" else "3")
    client = stage.client("curl", server, namespace=namespace, options=limit)
    assert client.code == 28
    view = views.View("both", expect.one_row(trace, port=server.port), ("client", "server"))
    if how == "gives up":
        view.failed("closed", "client", cause="no_answer", facts=["not_sent"])
        view.says(r"{client} closed the connection after waiting {TIME} for {server} "
                  r"\(whose answer never left this host\)",
                  client=(client.pid, client.comm), server=(server.process.pid, server.comm))
    else:
        view.failed("timeout", "server", cause="not_sent")
        view.says(r"{server}'s answer to the ClientHello never left this host \({TIME}\)",
                  server=(server.process.pid, server.comm))


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
