# SPDX-License-Identifier: BSD-2-Clause
"""A trace that starts or ends in the middle of traffic invents nothing."""

import os
import subprocess

import pytest

from lib import process

# More of them for a longer look: each start is a chance to attach in the middle of a handshake.
STARTS = int(os.environ.get("TLSTRACE_TEST_STARTS") or 6)
ROWS = 30


class Load:
    """openssl s_time: new connections as fast as one client can make them, until it is ended."""

    def __init__(self, server, *options):
        self.process = subprocess.Popen(
            ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new", "-time", "300",
             *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=process.environment())

    def stop(self):
        assert self.process.poll() is None, "the load ended by itself"
        self.process.kill()
        self.process.wait()


def wrong(row):
    """Every handshake of the load completes; of one that is cut off by the end nothing is said."""
    if row["outcome"] == "completed":
        return not (row["client"]["process"] and row["server"]["process"])
    return row["incomplete"] != "trace_ended"


@pytest.mark.vm
@pytest.mark.parametrize("options", [[], ["--tc", "clsact"]], ids=["default", "clsact"])
def test_starts_and_ends_under_load(stage, options):
    server = stage.server("nginx", workers=1)
    loads = [Load(server), Load(server, "-tls1_2")]
    try:
        for _ in range(STARTS):
            trace = stage.trace(*options)
            trace.wait_rows(ROWS, port=server.port)
            trace.stop()
            bad = [row for row in trace.select(port=server.port) if wrong(row)]
            assert not bad, f"{len(bad)} rows, the first: {bad[0]}"
    finally:
        for load in loads:
            load.stop()
