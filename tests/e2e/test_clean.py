# SPDX-License-Identifier: BSD-2-Clause
"""Nothing of tlstrace survives it, however it ends, and nothing of others is touched."""

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
    hooks = {interface: bpf.attached(interface) for interface in interfaces}
    shown = bpf.filters(here.interface)
    pins = bpf.pinned()
    trace = stage.trace(*options)
    held = bpf.held_by(trace.pid)
    assert held["prog"] and held["map"], held
    for interface in interfaces:
        added = bpf.attached(interface)
        assert all(len(added[way]) == len(hooks[interface][way]) + 1 for way in added), added
    end(trace, how)
    # The kernel frees objects a moment after the last reference went.
    wait.until(lambda: not remaining(held), lambda: f"{remaining(held)} to be freed")
    wait.until(lambda: {one: bpf.attached(one) for one in interfaces} == hooks, "filters to go")
    wait.until(lambda: filters_of(here.interface) == filters_of_text(shown), "filters to go")
    assert bpf.pinned() == pins


def remaining(held):
    alive = bpf.alive()
    return {kind: ids & alive[kind] for kind, ids in held.items() if ids & alive[kind]}


def filters_of(interface):
    return filters_of_text(bpf.filters(interface))


def filters_of_text(text):
    """The filters alone: an empty clsact may stay, another program may use it by now."""
    return [line for line in text.splitlines() if line.startswith("filter")]


@pytest.mark.vm
@pytest.mark.parametrize("how", ENDINGS, ids=names(ENDINGS))
@pytest.mark.parametrize("options", TC, ids=["default", "clsact"])
def test_foreign_filter_stays(stage, options, how):
    here, there = stage.network.veth()
    before = bpf.foreign_filter(stage.directory, here.interface)
    assert before.count("foreign") or before.count("classifier"), before
    server = stage.server("s_server", namespace=there.namespace)
    trace = stage.trace(*options)
    client = stage.client("openssl", server, there.ip4).ok()
    [row] = trace.wait_rows(1, port=server.port)
    expect.processes_are(row, client, server)  # with another filter beside it, too
    end(trace, how)
    wait.until(lambda: bpf.filters(here.interface) == before,
               lambda: f"{bpf.filters(here.interface)}\nto be again\n{before}")


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
    """Two tlstrace beside each other both see everything, and one's end is not the other's."""
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
