# SPDX-License-Identifier: BSD-2-Clause
"""Many short-lived clients at once: every handshake once, with its own processes, nothing lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import wait

AT_ONCE = 32


@pytest.mark.parametrize("count", [pytest.param(30, marks=pytest.mark.vm), 300])
def test_short_lived_clients(stage, count):
    server = stage.server("nginx", workers=4)
    trace = stage.trace()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda _: stage.client("curl", server).ok(), range(count)))
    clients = {int(client.output): client.pid for client in done}
    assert len(clients) == count  # no port was used twice
    trace.wait_rows(count, seconds=60, port=server.port)
    wait.until(lambda: clients.keys() <= server.served().keys(), "nginx's log")
    trace.stop()
    rows, workers = trace.select(port=server.port), server.served()
    assert len(rows) == len({row["id"] for row in rows}) == count
    assert {row["client"]["port"] for row in rows} == clients.keys()
    wrong = [row for row in rows if end(row, "client") != (clients[port(row)], "curl")
             or end(row, "server") != (workers[port(row)], "nginx")]
    assert not wrong, f"{len(wrong)} rows with wrong processes, the first: {wrong[0]}"
    assert {row["outcome"] for row in rows} == {"completed"}
    assert len({pid for pid, _ in (end(row, "server") for row in rows)}) > 1  # else it says little


def port(row):
    return row["client"]["port"]


def end(row, side):
    who = row[side]["process"] or {"pid": None, "comm": None}
    return who["pid"], who["comm"]
