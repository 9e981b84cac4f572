# SPDX-License-Identifier: BSD-2-Clause
"""Nothing of tlstrace stays after it, however it ends, and nothing of others is changed."""

import signal

import pytest

from lib import bpf, expect, terminal, wait

ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
# On the run's own flavour, and natively on both.
TC = [[], ["--tc", "clsact"]]


def end(trace, how):
    if how == signal.SIGKILL:
        trace.kill()
        trace.code = -how  # there is no end line to check
    else:
        trace.stop(how)


def names(signals):
    return [one.name for one in signals]


@pytest.mark.vm
@pytest.mark.parametrize("how", ENDINGS, ids=names(ENDINGS))
@pytest.mark.parametrize("options", TC, ids=["default", "clsact"])
def test_nothing_remains(stage, options, how):
    here, _ = stage.network.veth()
    interfaces = ("lo", here.interface)
    pins = bpf.pinned()
    trace = stage.trace(*options, everywhere=True)
    held = bpf.held_by(trace.pid)
    assert held["prog"] and held["map"], held
    for interface in interfaces:
        assert len(own(interface, held)) == 2, bpf.attached(interface)
    end(trace, how)
    gone(held, *interfaces)
    assert bpf.pinned() == pins


@pytest.mark.vm
@pytest.mark.parametrize("how", ENDINGS, ids=names(ENDINGS))
@pytest.mark.parametrize("options", TC, ids=["default", "clsact"])
def test_foreign_filter_stays(stage, options, how):
    here, there = stage.network.veth()
    foreign = bpf.foreign_filter(stage.directory, here.interface)
    server = stage.server("s_server", namespace=there.namespace)
    trace = stage.trace(*options)
    held = bpf.held_by(trace.pid)
    client = stage.client("openssl", server, there.ip4).ok()
    [row] = trace.wait_rows(1, port=server.port)
    expect.processes_are(row, client, server)  # with another filter beside it, too
    end(trace, how)
    gone(held, here.interface)
    after = bpf.attached(here.interface)
    assert all(set(foreign[way]) <= set(after[way]) for way in foreign), (foreign, after)


def own(interface, held):
    """Our programs at the hooks of interface. Another tlstrace may run on this machine."""
    return [number for ids in bpf.attached(interface).values() for number in ids
            if number in held["prog"]]


def remaining(held):
    alive = bpf.alive()
    return {kind: ids & alive[kind] for kind, ids in held.items() if ids & alive[kind]}


def gone(held, *interfaces):
    # The kernel frees objects a moment after the last reference went.
    wait.until(lambda: not any(own(interface, held) for interface in interfaces), "filters to go")
    wait.until(lambda: not remaining(held), lambda: f"{remaining(held)} to be freed")


@pytest.mark.vm
def test_starts_again_after_a_kill(stage):
    """A killed run is no hindrance for the next one, which sees each handshake once."""
    stage_trace = stage.trace("--tc", "clsact")
    end(stage_trace, signal.SIGKILL)
    server = stage.server("s_server")
    trace = stage.trace("--tc", "clsact")
    client = stage.client("openssl", server).ok()
    row = expect.one_row(trace, port=server.port)
    expect.processes_are(row, client, server)
    expect.path_is(row, *expect.LOOPBACK)


@pytest.mark.vm
def test_two_at_once(stage):
    """Two tlstrace at the same time both see everything, and the end of one does not end the other."""
    first, second = stage.trace(), stage.trace()
    server = stage.server("s_server")
    stage.client("openssl", server).ok()
    for trace in (first, second):
        trace.wait_rows(1, port=server.port)
    first.stop()
    client = stage.client("openssl", server).ok()
    rows = second.wait_rows(2, port=server.port)
    expect.processes_are(rows[1], client, server)
    second.stop()
    assert len(second.select(port=server.port)) == 2


@pytest.mark.vm
@pytest.mark.parametrize("option,value", [("tc", "clsact"), ("tc", "tcx")])
def test_forced_flavour(stage, option, value):
    """A flavour that is asked for is taken, or its absence is one sentence."""
    try:
        trace = stage.trace(f"--{option}", value)
    except AssertionError:
        refused = refusal(option, value)
        assert len(refused.strip().splitlines()) == 1, refused
        return
    assert trace.start["capture"][option] == value
    trace.stop()


def refusal(option, value):
    done = terminal.run("-o", "json", f"--{option}", value, "-d", "1s")
    assert done.returncode == 1, done
    return done.stderr
