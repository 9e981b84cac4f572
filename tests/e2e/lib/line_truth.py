# SPDX-License-Identifier: BSD-2-Clause
"""
What a handshake's time really was, from the line's diary alone, and how a row compares.

A flight is over when its last byte is there and nothing before it is missing. What a phase's neighbours
share is compared as one: wake-ups are of the work that follows, and of a server the queue too.
"""

from dataclasses import dataclass, field

MS = 1_000_000
GROUPS = {
    "tcp_connect": "connect", "client_prepare": "prepare", "hello_network": "hello",
    "accept_queue": "server", "server_wakeup": "server", "server_crypto": "server", "server": "server",
    "server_flight": "flight", "reply_network": "reply", "client_wakeup": "client",
    "client_crypto": "client", "finish_network": "finish", "server_finish": "server_finish",
    "client_finish": "client_finish", "unknown": "unknown"}
TOLERANCE_MS, TOLERANCE_SHARE = 2, 0.05
BLAME = {"client": ("client", "prepare", "client_finish"), "server": ("server", "server_finish")}


@dataclass
class Flight:
    sender: str
    first_in: int
    begin: int  # sequence numbers
    end: int
    last_in: int = 0   # when its last byte was sent first
    arrived: int = 0   # when all of it was there; 0: never


@dataclass
class Truth:
    groups_ms: dict = field(default_factory=dict)
    total_ms: float = None
    resent: int = 0
    flights: list = field(default_factory=list)
    finish_ms: float = 0  # client_finish takes no longer: then the client said that it was done


def distance(a, b):
    return (a - b + (1 << 31)) % (1 << 32) - (1 << 31)


def arrival(packets, begin, end):
    """When [begin, end) was there without a hole."""
    at, known = begin, []
    for out, packet in sorted(((out, p) for p in packets for out in p.outs), key=lambda pair: pair[0]):
        known.append((packet.sequence, packet.sequence + packet.length))
        moved = True
        while moved:
            moved = False
            for first, last in known:
                if distance(first, at) <= 0 < distance(last, at):
                    at, moved = last, True
        if distance(at, end) >= 0:
            return out
    return 0


def flights_of(packets, until):
    """Stretches of new data by turns, from the ClientHello on; what was sent first after until is not of it."""
    hello = next((p for p in packets if p.hello), None)
    if hello is None:
        return []
    flights, highest = [], {}
    for packet in packets:
        if not packet.length:
            continue
        end = packet.sequence + packet.length
        new = packet.sender not in highest or distance(end, highest[packet.sender]) > 0
        if not new:
            continue
        begin = highest.get(packet.sender, packet.sequence)
        highest[packet.sender] = end
        if packet.at < hello.at or (until and packet.at > until):
            continue
        if not flights or flights[-1].sender != packet.sender:
            flights.append(Flight(packet.sender, packet.at, begin, end))
        flights[-1].end, flights[-1].last_in = end, packet.at
    for flight in flights:
        own = [p for p in packets if p.sender == flight.sender and p.length]
        flight.arrived = arrival(own, flight.begin, flight.end)
    return flights


def resent(packets):
    """Segments sent again. One that came twice on the way was sent once."""
    return sum(1 for p in packets if (p.length or p.syn) and p.attempt > 1)


def tls_ends(flights, version):
    """How many flights there are until the client may send."""
    if version == "TLSv1.2":
        return len(flights)
    while len(flights) > 1 and flights[-1].sender == "server":
        flights = flights[:-1]
    return len(flights)


def of_tcp(packets, version, until, fresh=True):
    """fresh: the connection was made for the handshake."""
    truth = Truth(resent=resent(packets))
    flights = flights_of(packets, until)
    flights = truth.flights = flights[:tls_ends(flights, version)]
    if not flights:
        return truth
    groups, first = {}, flights[0]

    def add(name, begin, end):
        groups[name] = groups.get(name, 0) + (end - begin) / MS

    start = first.first_in
    if fresh:
        syn = next(p for p in packets if p.syn and not p.ack)
        established = min(out for p in packets if p.syn and p.ack for out in p.outs)
        start = syn.at
        add("connect", syn.at, established)
        add("prepare", established, first.last_in)
    hello = True
    for number, flight in enumerate(flights):
        following = flights[number + 1] if number + 1 < len(flights) else None
        finish = flight.sender == "client" and not hello or number > 2 and not hello
        network = "finish" if finish else "hello" if flight.sender == "client" else "reply"
        if following is None and version != "TLSv1.2" and flight.sender == "client":
            break
        if not flight.arrived:
            break
        add(network, flight.last_in, flight.arrived)
        if following is None:
            break
        if flight.sender == "client":
            if hello:
                add("server", flight.arrived, following.first_in)
                add("flight", following.first_in, following.last_in)
            else:
                add("server_finish", flight.arrived, following.last_in)
        else:
            # After a HelloRetryRequest the next one of the client is a hello again.
            again = version == "HRR" and number == 1
            add("prepare" if again else "client", flight.arrived, following.last_in)
            hello = again
    truth.groups_ms = groups
    if until and flights[-1].arrived:
        truth.finish_ms = (until - flights[-1].arrived) / MS
    end = flights[-1].last_in if version != "TLSv1.2" or flights[-1].sender == "client" else flights[-1].arrived
    truth.total_ms = (end - start) / MS if end else None
    return truth


def of_udp(packets, until, timer_ms):
    """
    Of datagrams only who was at work is certain: from what came last to what was sent next, unless that is
    longer than any program here works, and so a timer: timer_ms.
    """
    truth, last = Truth(), {}
    events = sorted([(p.at, 0, p.sender) for p in packets if not until or p.at <= until]
                    + [(out, 1, "client" if p.sender == "server" else "server")
                       for p in packets for out in p.outs if not until or out <= until])
    work = {"client": 0, "server": 0}
    for at, came, end in events:
        if came:
            last[end] = at
        elif end in last:
            took = at - last.pop(end)
            work[end] += took if took < timer_ms * MS else 0
    truth.groups_ms = {end: ns / MS for end, ns in work.items()}
    return truth


@dataclass
class Verdict:
    """right, part or misleading, and why."""
    word: str
    why: list


def groups_of(row, error_of):
    """Of each group its milliseconds, and how far off it says it may be."""
    took, error = {}, {}
    for phase in row["latency"]["phases"]:
        group = GROUPS[phase["name"]]
        took[group] = took.get(group, 0) + phase["duration_us"] / 1000
        error[group] = error.get(group, 0) + error_of(row, phase) / 1000
    return took, error


def stated_error(row, phase):
    """What an estimate says of itself; null: it does not know."""
    if phase["error_us"] is not None:
        return phase["error_us"]
    return float("inf") if phase["quality"] == "estimated" else 0


def merged(groups, merge):
    result = dict(groups)
    for into, *others in merge:
        found = [result.pop(name) for name in (into, *others) if name in result]
        if found:
            result[into] = sum(found)
    return result


def judge(row, truth, view, case):
    """Compare one row with the truth. Unknown time is honest, and no more than that."""
    if row is None:
        return Verdict("misleading", ["no row"])
    why, part = [], []
    if row["outcome"] != case.outcome:
        if row["outcome"] != "incomplete":
            return Verdict("misleading", [f"{row['outcome']}: {row['verdict']}"])
        part.append(f"incomplete: {row['incomplete']}")
    total = row["latency"]["total_us"]
    if total == 0:
        why.append("total_us is 0")
    took, error = groups_of(row, stated_error)
    if case.transport == "udp":
        blame_check(took, error, truth, why)
    else:
        groups_check(merged(took, case.merge), merged(error, case.merge),
                     merged(truth.groups_ms, case.merge), truth, view, why, part)
    if "unknown" in took and took["unknown"] > TOLERANCE_MS:
        part.append(f"unknown {took['unknown']:.1f} ms")
    if not row["latency"]["phases"]:
        part.append("no phases")
    for name, milliseconds in case.named.items() if "-file" not in view else ():
        named_check(row, view, name, milliseconds, why, part)
    return Verdict("misleading" if why else "part" if part else "right", why + part)


def blame_check(took, error, truth, why):
    """No end may be said to work for longer than it did."""
    for end, names in BLAME.items():
        said = sum(took.get(name, 0) for name in names)
        real = truth.groups_ms.get(end, 0)
        bound = sum(error.get(name, 0) for name in names) + max(TOLERANCE_MS, TOLERANCE_SHARE * real)
        if said - real > bound:
            why.append(f"{end} {said:.1f} ms, not {real:.1f}")


def groups_check(took, error, truth_ms, truth, view, why, part):
    unknown = took.get("unknown", 0)
    for name, real in truth_ms.items():
        if name == "connect" and view.startswith("server"):
            continue  # what was lost before it came there cannot be known there
        if name not in took:
            part.append(f"{name} is not told")
            continue
        said = took.get(name, 0)
        off = abs(said - real)
        if off <= max(TOLERANCE_MS, TOLERANCE_SHARE * real):
            continue
        text = f"{name} {said:.1f} ms, not {real:.1f}"
        if off <= error.get(name, 0) + TOLERANCE_MS or (said < real and real - said <= unknown + TOLERANCE_MS):
            part.append(text)
        else:
            why.append(text)
    for name in took.keys() - truth_ms.keys() - {"unknown"}:
        real = truth.finish_ms if name == "client_finish" else 0
        if took[name] > TOLERANCE_MS + error[name] + real:
            why.append(f"{name} {took[name]:.1f} ms, not there")


def named_check(row, view, names, milliseconds, why, part):
    """A phase whose length the program itself set; names: of the views both, client and server."""
    name = dict(zip(("both", "client", "server"), names.split()))[view]
    took = sum(p["duration_us"] for p in row["latency"]["phases"] if p["name"] == name) / 1000
    group = GROUPS[name]
    error = sum(stated_error(row, p) for p in row["latency"]["phases"] if GROUPS[p["name"]] == group) / 1000
    if took < milliseconds - TOLERANCE_MS:
        said = f"{name} {took:.1f} ms, not {milliseconds}"
        (part if milliseconds - took <= error + TOLERANCE_MS else why).append(said)
