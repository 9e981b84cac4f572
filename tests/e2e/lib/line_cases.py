# SPDX-License-Identifier: BSD-2-Clause
"""The table of what a network does to a handshake: programs, and the rules of tests/line/rules.h."""

from dataclasses import dataclass, field

from . import process

NAME = "web.example.org"
GET = b"GET / HTTP/1.0\r\n\r\n"


@dataclass
class Case:
    name: str
    rules: tuple = ()
    way: tuple = (20, 20)      # ms, from the client and from the server
    version: str = "TLSv1.3"   # or TLSv1.2; HRR: TLS 1.3 with a HelloRetryRequest
    server: tuple = ("s_server",)
    client: tuple = ("s_client",)
    outcome: str = "completed"
    transport: str = "tcp"
    fresh: bool = True         # the connection was made for the handshake
    merge: tuple = ()          # groups of the truth that the line's rules make one of
    causes: str = ""           # kinds that latency.causes has with both ends here
    timer_ms: int = 300        # of UDP: who is silent for longer waits for a timer
    named: dict = field(default_factory=dict)  # phases whose length the programs set, by view


ANSWER = (("reply", "flight"),)  # where a loss or the window stops the flight, it is one with its way

PREPARED = (("prepare", "client"),)  # the wake-up for a second hello is that of a client

VERSIONS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3", "HRR": "-tls1_3"}


def s_server(run, case, port, *options, chain="server", protocol=None):
    return ["openssl", "s_server", "-accept", str(port), "-cert", run.chain(chain), "-key",
            run.key(chain), "-www", *options]


def s_client(run, case, port, *options, address=None):
    return ["openssl", "s_client", "-connect", f"{run.line.server}:{port}", "-servername", NAME,
            "-CAfile", run.authority, VERSIONS[case.version], *options]


def mutual(run):
    return ["-Verify", "1", "-CAfile", run.authority]


SERVERS = {
    "s_server": s_server,
    "large": lambda run, case, port: s_server(run, case, port, chain="large"),
    "huge": lambda run, case, port: s_server(run, case, port, chain="huge"),
    "mutual": lambda run, case, port: s_server(run, case, port, *mutual(run)),
    "retry": lambda run, case, port: s_server(run, case, port, "-groups", "P-384"),
    "fastopen": lambda run, case, port: s_server(run, case, port, "-tfo"),
    "slow": lambda run, case, port, where="nowhere", ms=0: process.helper(
        "slow_server.py", port, run.chain("server"), run.key("server"), where, ms),
    "split": lambda run, case, port, how, ms, chain="server": process.helper(
        "split_server.py", port, run.chain(chain), run.key(chain), how, ms),
    "starttls": lambda run, case, port: process.helper(
        "starttls_server.py", port, run.chain("server"), run.key("server"), "smtp"),
    "dtls": lambda run, case, port: [
        "gnutls-serv", "--udp", "--echo", "--quiet", "-p", port, "--x509certfile", run.chain("server"),
        "--x509keyfile", run.key("server"), "--mtu", "1400"],
    "quic": lambda run, case, port, *options: [
        "gtlsserver", "-q", *options, run.line.server, port, run.key("server"), run.chain("server")],
}

# Of each program what it prints when its handshake is over; None: it then ends by itself.
CLIENTS = {
    "s_client": (s_client, b"SSL handshake has read", GET),
    "mutual": (lambda run, case, port: s_client(
        run, case, port, "-cert", run.chain("client-large"), "-key", run.key("client-large")),
        b"SSL handshake has read", GET),
    "long": (lambda run, case, port: s_client(run, case, port, "-alpn", ",".join(
        f"protocol-{number:040}" for number in range(40))), b"SSL handshake has read", GET),
    "retry": (lambda run, case, port: s_client(run, case, port, "-groups", "X25519:P-384"),
              b"SSL handshake has read", GET),
    "fastopen": (lambda run, case, port: s_client(run, case, port, "-tfo"), b"SSL handshake has read", GET),
    "starttls": (lambda run, case, port: s_client(run, case, port, "-starttls", "smtp"),
                 b"SSL handshake has read", b"Q\n"),
    "slow": (lambda run, case, port, where, ms: process.helper(
        "slow_client.py", run.line.server, port, run.authority, NAME, case.version, where, ms, 1),
        b" ", b""),
    "dtls": (lambda run, case, port: [
        "gnutls-cli", "--udp", "-p", port, run.line.server, "--x509cafile", run.authority,
        "--sni-hostname", NAME, "--verify-hostname", NAME, "--mtu", "1400"],
        b"Handshake was completed", b""),
    "quic": (lambda run, case, port: [
        "gtlsclient", "-q", "--exit-on-all-streams-close", "--timeout=5s", run.line.server, port,
        f"https://{NAME}:{port}/"], None, b""),
}


def both_versions(name, *rules, **more):
    return [Case(f"{name}-{number}", rules, version=f"TLSv1.{number[1]}", **more) for number in ("12", "13")]


def sleeps(where, version="TLSv1.3"):
    return {"version": version, "server": ("slow", where, 80)}


def client_sleeps(where, version="TLSv1.3"):
    return {"version": version, "server": ("slow",), "client": ("slow", where, 80)}


CASES = [
    # Nothing is lost.
    *both_versions("plain"),
    *both_versions("near", way=(0, 0)),
    Case("far", way=(90, 90), causes="round_trips"),
    Case("slow-there", way=(50, 5)),
    Case("slow-back", way=(5, 50)),
    Case("retry", version="HRR", server=("retry",), client=("retry",), merge=PREPARED),
    Case("starttls", server=("starttls",), client=("starttls",), fresh=False),
    *both_versions("mutual", server=("mutual",), client=("mutual",)),
    *both_versions("large-chain", server=("large",)),
    *both_versions("over-initial-window", server=("huge",), merge=ANSWER, causes="initial_window"),
    # The connection is slow to come.
    Case("syn-lost", ("syn try=1 drop",), causes="syn_lost"),
    Case("syn-ack-lost", ("synack try=1 drop",), causes="syn_ack_lost"),
    Case("ack-of-syn-ack-lost", ("from=client ack nth=1 drop",)),
    # The hello.
    *both_versions("hello-lost", "hello try=1 drop", causes="hello_lost"),
    Case("hello-lost-twice", ("hello try=1-2 drop",)),
    Case("hello-lost-then-server-computes", ("hello try=1 drop",), server=("split", "compute", 80),
         named={"server_crypto server server_crypto": 78}),
    Case("long-hello", client=("long",)),
    Case("long-hello-first-lost", ("from=client data nth=1 try=1 drop",), client=("long",)),
    Case("long-hello-second-lost", ("from=client data nth=2 try=1 drop",), client=("long",)),
    Case("long-hello-reordered", ("from=client data nth=1 try=1 swap=1",), client=("long",)),
    Case("hello-twice", ("hello try=1 dup=1",)),
    Case("hello-twice-late", ("hello try=1 dup=400",)),
    Case("hello-late", ("hello try=1 delay=120",)),
    Case("hello-very-late", ("hello try=1 delay=500",)),
    Case("starttls-hello-lost", ("hello try=1 drop",), server=("starttls",), client=("starttls",), fresh=False),
    Case("retry-second-hello-lost", ("from=client data nth=2 try=1 drop",), version="HRR", server=("retry",),
         client=("retry",), merge=PREPARED),
    Case("ack-of-hello-lost", ("from=server ack nth=1 drop",), server=("split", "compute", 120),
         named={"server_crypto server server_crypto": 118}),
    # The server's flight.
    *both_versions("answer-first-lost", "from=server data nth=1 try=1 drop", server=("large",), merge=ANSWER),
    *both_versions("answer-middle-lost", "from=server data nth=2 try=1 drop", server=("large",), merge=ANSWER),
    *both_versions("answer-last-lost", "from=server data nth=5 try=1 drop", server=("large",), merge=ANSWER),
    *both_versions("answer-lost", "from=server data nth=1 try=1 drop", merge=ANSWER, causes="answer_lost"),
    Case("answer-lost-twice", ("from=server data nth=2 try=1-2 drop",), server=("large",), merge=ANSWER),
    *both_versions("answer-reordered", "from=server data nth=2 try=1 swap=2", server=("large",), merge=ANSWER),
    Case("answer-twice", ("from=server data dup=3",), server=("large",)),
    Case("answer-late", ("from=server data nth=1 delay=120",), merge=ANSWER),
    *both_versions("over-initial-window-lost", "from=server data nth=4 try=1 drop", server=("huge",), merge=ANSWER),
    Case("nothing-from-server-for-150-ms", ("from=server data for=150 drop",), server=("large",), merge=ANSWER),
    Case("nothing-from-client-for-300-ms", ("from=client data for=300 drop",)),
    # The client's.
    *both_versions("finish-lost", "from=client data nth=2 try=1 drop"),
    Case("finish-late-12", ("from=client data nth=2 delay=100",), version="TLSv1.2"),
    Case("server-finish-lost-12", ("from=server data nth=2 try=1 drop",), version="TLSv1.2"),
    *both_versions("mutual-first-lost", "from=client data nth=2 try=1 drop", server=("mutual",), client=("mutual",)),
    *both_versions("mutual-middle-lost", "from=client data nth=3 try=1 drop", server=("mutual",), client=("mutual",)),
    *both_versions("mutual-reordered", "from=client data nth=3 try=1 swap=2", server=("mutual",), client=("mutual",)),
    Case("tickets-reordered", ("from=server data nth=2 try=1 swap=1",)),
    # A narrow line, and a queue on it.
    Case("narrow", ("from=server rate=400000",), server=("large",), merge=ANSWER),
    Case("narrow-both", ("rate=500000",), server=("large",), merge=ANSWER),
    Case("narrow-over-initial-window", ("from=server rate=2000000 queue=8",), server=("huge",), merge=ANSWER),
    Case("queue-before-hello", ("hello try=1 stall=100",)),
    Case("queue-before-answer", ("from=server data nth=1 try=1 stall=100",), server=("large",), merge=ANSWER),
    # The programs take their time.
    Case("server-computes", server=("split", "compute", 80), named={"server_crypto server server_crypto": 78}),
    Case("server-accepts-late", **sleeps("accept"), named={"accept_queue server accept_queue": 75}),
    Case("server-reads-late", **sleeps("read"), named={"server_wakeup server server_wakeup": 75}),
    Case("server-finishes-late-12", **sleeps("finish", "TLSv1.2"), named={"server_finish server_finish server_finish": 75}),
    Case("client-prepares-long", **client_sleeps("hello"), named={"client_prepare client_prepare client_prepare": 75}),
    Case("client-reads-late", **client_sleeps("read"), named={"client_wakeup client_wakeup client_crypto": 75}),
    Case("client-verifies-long", **client_sleeps("verify"), named={"client_crypto client_crypto client_crypto": 75}),
    Case("server-pauses-in-its-answer", server=("split", "pause", 80, "large"),
         named={"server_flight server_flight server_flight": 75}),
    Case("server-writes-in-pieces", server=("split", "nagle", 0)),
    Case("server-computes-and-answer-lost", ("from=server data nth=1 try=1 drop",), server=("split", "compute", 80),
         merge=ANSWER, named={"server_crypto server server_crypto": 78}),
    Case("client-verifies-and-finish-lost", ("from=client data nth=2 try=1 drop",), **client_sleeps("verify"),
         named={"client_crypto client_crypto client_crypto": 75}),
    # Datagrams.
    *[Case(f"dtls{name}", rules, transport="udp", server=("dtls",), client=("dtls",)) for name, rules in (
        ("", ()), ("-hello-lost", ("from=client udp nth=1 drop",)), ("-cookie-lost", ("from=server udp nth=1 drop",)),
        ("-second-hello-lost", ("from=client udp nth=2 drop",)), ("-answer-lost", ("from=server udp nth=2 drop",)),
        ("-finish-lost", ("from=client udp nth=3 drop",)))],
    *[Case(f"quic{name}", rules, transport="udp", server=("quic", *options), client=("quic",),
          timer_ms=60)
      for name, rules, options in (
        ("", (), ()), ("-retry", (), ("-V",)), ("-hello-lost", ("from=client udp nth=1 drop",), ()),
        ("-answer-lost", ("from=server udp nth=1 drop",), ()),
        ("-answer-second-lost", ("from=server udp nth=2 drop",), ()),
        ("-finish-lost", ("from=client udp nth=2 drop",), ()))],
]

# With both ends here all is told, but for these: accept has no time of its own in other namespaces,
# and a hello whose first segment comes second begins at its second for the kernel side.
NOT_ALL_TOLD = {"server-accepts-late", "long-hello-first-lost", "long-hello-reordered", "quic-retry"}
