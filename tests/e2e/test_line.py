# SPDX-License-Identifier: BSD-2-Clause
"""No end is blamed for what the network did: real programs over delay lines that write down the truth."""

import os
import re
from pathlib import Path

import pytest

from lib import line_run, scenario
from lib.line_cases import CASES, NOT_ALL_TOLD

SELECTED = [case for case in CASES if re.search(os.environ.get("TLSTRACE_LINE_CASES", ""), case.name)]

# Known faults: view None stands for the causes.
WRONG = {
    ("dtls-finish-lost", "both"): "the client's timer of 1 s is taken for its work",
    ("dtls-finish-lost", "client"): "the client's timer of 1 s is taken for its work",
    ("syn-ack-lost", None): "the SYN that was sent again is taken for a lost one",
}


def known_fault(name, view):
    if (name, view) in WRONG:
        pytest.xfail(WRONG[name, view])


@pytest.fixture(scope="module")
def table(certificates):
    """All cases, run once. TLSTRACE_LINE_REPORT: a file for the verdicts; the details are next to it, as JSON."""
    place = scenario.world_readable_directory()
    stage = scenario.Stage(certificates, place)
    try:
        made = line_run.Table(stage, SELECTED).run()
        report = os.environ.get("TLSTRACE_LINE_REPORT")
        if report:
            Path(report).write_text(f"{made.report()}\n{made.seconds:.0f} s\n")
            Path(report + ".json").write_text(made.details())
        yield {result.case.name: result for result in made.results}
    finally:
        stage.close()
        scenario.remove_directory(place)


@pytest.mark.parametrize("view", line_run.VIEWS)
@pytest.mark.parametrize("name", [case.name for case in SELECTED])
def test_phases(table, name, view):
    result = table[name]
    assert result.error is None, result.error
    verdict = result.verdicts[view]
    if verdict.word == "misleading":
        known_fault(name, view)
    assert verdict.word != "misleading", (verdict.why, result.truth.groups_ms)
    if view == "both" and name not in NOT_ALL_TOLD:
        assert verdict.word == "right", (verdict.why, result.truth.groups_ms)


@pytest.mark.parametrize("name", [case.name for case in SELECTED if case.causes])
def test_causes(table, name):
    result = table[name]
    [row] = result.rows["both"]
    kinds = {cause["kind"] for cause in row["latency"]["causes"]}
    if not kinds >= set(result.case.causes.split()):
        known_fault(name, None)
    assert kinds >= set(result.case.causes.split()), row["latency"]
