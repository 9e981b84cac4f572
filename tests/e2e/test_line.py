# SPDX-License-Identifier: BSD-2-Clause
"""No end is blamed for what the network did: real programs over delay lines that write down the truth."""

import os
import re
from pathlib import Path

import pytest

from lib import line_run, scenario
from lib.line_cases import CASES, MAY_MISLEAD, MISLEADS

SELECTED = [case for case in CASES if re.search(os.environ.get("TLSTRACE_LINE_CASES", ""), case.name)]


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


def marks(name, view):
    if view in MISLEADS.get(name, "").split():
        return [pytest.mark.xfail(strict=True, reason="misleads")]
    if view in MAY_MISLEAD.get(name, "").split():
        return [pytest.mark.xfail(strict=False, reason="misleads on some runs")]
    return []


@pytest.mark.parametrize("name,view", [
    pytest.param(case.name, view, marks=marks(case.name, view)) for case in SELECTED for view in line_run.VIEWS])
def test_phases(table, name, view):
    result = table[name]
    assert result.error is None, result.error
    verdict = result.verdicts[view]
    assert verdict.word != "misleading", (verdict.why, result.truth.groups_ms)
