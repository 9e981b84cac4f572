# SPDX-License-Identifier: BSD-2-Clause
"""Packets that only look like handshakes do not keep honest ones out."""

import subprocess

import pytest

from lib import process, trace, wait

COUNT, RATE = 60000, 20000  # the table of flows has 16384 entries
HONEST = 10


@pytest.fixture(scope="module")
def flood(directory):
    program = directory / "flood"
    process.command("clang", "-O2", "-o", program, trace.ROOT / "tests/bench/flood.c")
    return program


@pytest.mark.parametrize("kind", ["byte", "hello", "half", "dtls"])
def test_honest_handshakes_beside_a_flood(stage, flood, kind):
    here, there = stage.network.veth()
    server = stage.server("nginx", workers=1)
    tracing = stage.trace(expect_loss=kind != "byte")
    sender = stage.processes.start([str(flood), there.interface, kind, str(COUNT), str(RATE),
                                    here.ip4],
                                   namespace=there.namespace)
    try:
        # So many that none of the places that strangers may have is free any more.
        wait.until(lambda: received(here.interface) > 16384, "the flood to be on")
        clients = [stage.client("curl", server) for _ in range(HONEST)]
    finally:
        sender.wait(timeout=wait.limit(60))
    rows = tracing.wait_rows(HONEST, port=server.port)
    assert {row["outcome"] for row in rows} == {"completed"}
    assert {int(done.output) for done in clients} == {row["client"]["port"] for row in rows}
    tracing.stop()
    assert not tracing.end["lost"]["flow_table_full"], tracing.end
    assert not [row for row in tracing.rows if row["outcome"] == "failed"]


def received(interface):
    return int(subprocess.run(["cat", f"/sys/class/net/{interface}/statistics/rx_packets"],
                              check=True, capture_output=True).stdout)
