# SPDX-License-Identifier: BSD-2-Clause
"""The summary at the end: its counts and quantiles are those of the rows of the same run."""

import json
import math
import subprocess
import sys
from collections import defaultdict

import pytest

from lib import reading, terminal, trace

QUANTILES = {"p50_us": 0.5, "p95_us": 0.95, "p99_us": 0.99, "max_us": 1}


def group_name(row):
    """Groups of client and server, by what is known of each."""
    client, server = row["client"], row["server"]
    who = client["process"]["comm"] if client["process"] else client["ip"]
    if row["tls"]["sni"]:
        return who, row["tls"]["sni"]
    return who, server["process"]["comm"] if server["process"] else (server["ip"], server["port"])


def summary_name(group):
    client, server = group["client"], group["server"]
    return (client["comm"] or client["ip"],
            server["sni"] or server["comm"] or (server["ip"], server["port"]))


def quantiles_are(got, values):
    """Nearest rank, within 1 %; the greatest is exact."""
    values = sorted(values)
    assert got["count"] == len(values), (got, values)
    for name, share in QUANTILES.items():
        if not values:
            assert got[name] is None, got
            continue
        exact = values[math.ceil(share * len(values)) - 1]
        assert abs(got[name] - exact) <= exact * (0.01 if share < 1 else 1e-9) + 0.001, (name, got, values)


def phase_sums(row):
    sums = defaultdict(float)
    for phase in row["latency"]["phases"]:
        sums[phase["name"]] += phase["duration_us"]
    return sums


def group_is(group, rows):
    outcomes = {name: [row for row in rows if row["outcome"] == name]
                for name in ("completed", "failed", "incomplete")}
    assert group["count"] == len(rows)
    assert {name: group[name] for name in outcomes} == {name: len(of) for name, of in outcomes.items()}
    completed = outcomes["completed"]
    resumed = sum(row["tls"]["resumed"] for row in completed)
    assert group["resumed"] == resumed
    if completed:
        assert group["resumed_share"] == pytest.approx(resumed / len(completed), abs=1e-4)
    quantiles_are(group["total"], [row["latency"]["total_us"] for row in completed])
    sums = [phase_sums(row) for row in completed]
    assert {phase["name"] for phase in group["phases"]} == {name for one in sums for name in one}
    for phase in group["phases"]:
        quantiles_are(phase, [one[phase["name"]] for one in sums if phase["name"] in one])


def summary_is(summary, rows):
    groups = defaultdict(list)
    for row in rows:
        groups[group_name(row)].append(row)
    assert {summary_name(group) for group in summary["groups"]} == set(groups)
    for group in summary["groups"]:
        group_is(group, groups[summary_name(group)])
    counts = [group["count"] for group in summary["groups"]]
    assert counts == sorted(counts, reverse=True)
    assert summary["other"] is None


def lines_are_valid(lines):
    checker = trace.ROOT / "tests/schema_check.py"
    done = subprocess.run([sys.executable, checker], input=b"".join(lines), capture_output=True)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def make_some(stage):
    """Clients of several kinds, names and outcomes: four groups."""
    nginx, other = stage.server("nginx", workers=1), stage.server("s_server")
    session = str(stage.directory / "session")
    for _ in range(6):
        stage.client("curl", nginx, sni="alpha.example.org").ok()
    for option in ("-sess_out", "-sess_in", "-sess_in"):
        stage.client("openssl", nginx, sni="beta.example.org", version="TLSv1.2",
                     options=(option, session)).ok()
    stranger = str(stage.certificates.chain("stranger"))
    for _ in range(2):
        assert stage.client("curl", other, sni="gamma.example.org", options=("--cacert", stranger)).code == 60
    stage.client("openssl", other, sni="gamma.example.org").ok()


def test_summary_is_of_the_rows(stage):
    running = stage.trace("--summary", "json")
    make_some(stage)
    running.stop()
    assert len(running.rows) == 12
    assert len(running.summary["groups"]) == 4
    assert json.loads(running.lines[-2])["type"] == "summary"
    assert sum(group["failed"] for group in running.summary["groups"]) == 2
    assert sum(group["resumed"] for group in running.summary["groups"]) == 2
    summary_is(running.summary, running.rows)
    lines_are_valid(running.lines)
    # It is on stdout, so on stderr there is the footer alone.
    assert "P50" not in running.stderr()


def test_filtered_are_not_in_it(stage):
    running = stage.trace("--summary", "json", "-c", "curl")
    make_some(stage)
    running.stop()
    assert {group["client"]["comm"] for group in running.summary["groups"]} == {"curl"}
    summary_is(running.summary, running.rows)


def test_without_names(stage):
    """No name was asked for: the server is known by its process."""
    here, there = stage.network.veth()
    server = stage.server("s_server")
    running = stage.trace("-i", here.interface, "--summary", "json")
    for _ in range(2):
        stage.client("curl", server, here.ip4, there.namespace, sni=here.ip4, options=("-k",)).ok()
    running.stop()
    [group] = running.summary["groups"]
    assert (group["client"]["comm"], group["server"]["comm"]) == ("curl", "openssl")
    summary_is(running.summary, running.rows)


def run_text(stage, *arguments, count=3, output="table"):
    """Lines of the summary on stderr, what follows them, stdout."""
    server = stage.server("s_server")
    running = terminal.TextRun("--port", server.port, "-o", output, "-n", count, *arguments)
    try:
        running.wait_for(b"openssl[", lambda: stage.client("openssl", server).ok())
        # Handshakes before the trace began do not count; it ends by itself after the last that does.
        for _ in range(count + 50):
            if running.process.poll() is None:
                stage.client("openssl", server).ok()
        assert running.stop() == 0
    finally:
        running.kill()
    *rest, footer = running.stderr().splitlines()
    assert footer.startswith(f"tlstrace: {count} handshake"), footer
    table = next((index for index, line in enumerate(rest) if line.startswith("CLIENT")), len(rest))
    return rest[table:], running.lines()


def test_table_on_stderr(stage):
    lines, _ = run_text(stage)
    titles, group, *phases = lines
    assert titles.split()[-9:] == ["COUNT", "FAILED", "RESUMED", "P50", "MS", "P95", "MS", "P99", "MS"]
    assert group.startswith("openssl -> web.example.org ")
    assert group.split()[3:6] == ["3", "0", "0%"]
    assert all(float(number) > 0 for number in group.split()[6:])
    for line in phases:
        assert line.startswith("  ") and len(line.split()) == 4, line


@pytest.mark.parametrize("arguments,count,shown", [
    ([], 1, False), ([], 2, True), (["--summary", "table"], 1, True), (["--summary", "none"], 2, False),
    (["--summary", "auto"], 1, False)], ids=str)
def test_when_it_is_shown(stage, arguments, count, shown):
    lines, _ = run_text(stage, *arguments, count=count)
    assert bool(lines) == shown, lines


def test_json_behind_a_table(stage):
    lines, output = run_text(stage, "--summary", "json")
    assert not lines
    assert json.loads(output[-1])["groups"][0]["count"] == 3


def test_of_a_capture(stage):
    server = stage.server("s_server")
    capture = stage.capture("lo", server.port)
    for _ in range(3):
        stage.client("openssl", server).ok()
    path = capture.stop().file
    done = reading.run("-r", path, "-o", "json", "--summary", "json")
    *rows, summary, _ = map(json.loads, done.stdout.splitlines()[1:])
    assert len(rows) == 3
    summary_is(summary, rows)
    assert b"web.example.org" in reading.run("-r", path).stderr
