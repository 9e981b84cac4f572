# SPDX-License-Identifier: BSD-2-Clause
"""What a row must say, given the processes that took part and what tshark read."""

from . import iana

# At a TC hook both ends' packets still carry their sockets.
BY_SOCKET = "socket"


def one_row(trace, **which):
    """The trace, ended, has exactly one row of that handshake."""
    trace.wait_rows(1, **which)
    trace.stop()
    rows = trace.select(**which)
    assert len(rows) == 1, f"{len(rows)} rows instead of one\n{trace.report()}"
    return rows[0]


def process_is(end, pid, comm, how=BY_SOCKET):
    who = end["process"]
    assert who, f"no process: {end}"
    got = (who["pid"], who["comm"], who["how"])
    assert got == (pid, comm, how), who


def processes_are(row, client, server, how=BY_SOCKET):
    """client has ended (process.Finished), server runs (servers.Server)."""
    process_is(row["client"], client.pid, client.comm, how)
    process_is(row["server"], server.pid_for(row["client"]["port"]), server.comm, how)
    assert row["server"]["process"]["uid"] == server.uid, row["server"]


def completed(row):
    assert row["outcome"] == "completed" and row["failure"] is None, row


def differences(pairs):
    wrong = [f"{name}: tlstrace {got!r}, tshark {want!r}"
             for name, got, want in pairs if got != want]
    assert not wrong, "\n".join(wrong)


def addresses_are(row, truth):
    differences([
        ("client", (row["client"]["ip"], row["client"]["port"]), truth.client),
        ("server", (row["server"]["ip"], row["server"]["port"]), truth.server),
    ])


def offer_is(row, truth):
    offer, want = row["offer"], truth.offer
    differences([
        ("id", row["id"], want.random),
        ("version", offer["version"], iana.version(want.version)),
        ("versions", offer["versions"], [iana.version(code) for code in want.versions]),
        ("ciphers", offer["ciphers"], iana.names("cipher", want.ciphers)),
        ("groups", offer["groups"], iana.names("group", want.groups)),
        ("key_shares", offer["key_shares"], iana.names("group", want.key_shares)),
        ("signature_algorithms", offer["signature_algorithms"],
         iana.names("scheme", want.schemes)),
        ("alpn", offer["alpn"], want.alpn),
        ("extensions", offer["extensions"], iana.names("extension", want.extensions)),
        ("size", offer["size"], want.size),
        ("sni", row["tls"]["sni"], want.sni),
    ])


def choice_is(row, truth):
    tls, chosen = row["tls"], truth.chosen
    pairs = [
        ("version", tls["version"], iana.version(truth.version)),
        ("cipher", tls["cipher"], iana.name("cipher", chosen.ciphers[0])),
        ("group", tls["group"], iana.name("group", truth.group)),
        ("server_random", tls["server_random"], chosen.random),
        ("session_id", tls["session_id"] or "", chosen.session_id),
        ("hello_retry", tls["hello_retry"], truth.hello_retry),
    ]
    if tls["version"] != "TLSv1.3":  # there ALPN and the signature are encrypted
        pairs += [
            ("alpn", tls["alpn"], (chosen.alpn or [None])[0]),
            ("signature", tls["signature"], iana.name("scheme", truth.exchange_scheme)),
        ]
    differences(pairs)


def handshake_is(row, truth, client, server):
    """All of it: completed, the true processes, addresses, offer and choice."""
    completed(row)
    processes_are(row, client, server)
    addresses_are(row, truth)
    offer_is(row, truth)
    choice_is(row, truth)


def path_is(row, *places):
    """places: (interface, direction) in the order in which the ClientHello crossed them."""
    got = [(place["interface"], place["direction"]) for place in row["path"]]
    assert got == list(places), got


LOOPBACK = (("lo", "egress"), ("lo", "ingress"))
# Where encryption hides it, a message has no name or one that its length gives away.
HIDDEN = {None, "finished", "encrypted_handshake_message", "certificate"}


def message_key(message):
    return message.sender, message.record, message.encrypted


def messages_are(row, truth, end=None):
    """The first end messages (or all that tshark has) in wire order."""
    got, want = row["messages"], truth.messages[:end]
    assert [(m["from"], m["record"], m["encrypted"]) for m in got[:len(want)]] \
        == [message_key(m) for m in want], got
    for ours, theirs in zip(got, want):
        assert ours["size"] == theirs.size, (ours, theirs)
        if theirs.encrypted:
            assert ours["message"] in HIDDEN, ours
        else:
            assert ours["message"] == theirs.name, (ours, theirs)
    times_fit(got, want)


def times_fit(got, want, tolerance_us=20000):
    """Times rise, and are those of the capture, counted from the ClientHello."""
    origin_us, origin = got[0]["at_us"], want[0].time
    assert [m["at_us"] for m in got] == sorted(m["at_us"] for m in got), got
    for ours, theirs in zip(got, want):
        theirs_us = (theirs.time - origin) * 1e6
        assert abs(ours["at_us"] - origin_us - theirs_us) < tolerance_us, (ours, theirs_us)
