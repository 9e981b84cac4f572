# SPDX-License-Identifier: BSD-2-Clause
"""Each reported situation gives its right answer."""

import pytest

import cases
import reading

pytestmark = pytest.mark.skipif(
    not cases.FOLDER.exists(), reason=f"NO CASES: {cases.FOLDER} does not exist, no reported situation was tested")


def parameter(name):
    why = cases.NOT_YET.get(name)
    return pytest.param(name, marks=[pytest.mark.xfail(strict=True, reason=why)] if why else [])


def capture(name):
    return next(path for path in cases.FOLDER.glob(f"{name}.pcap*"))


@pytest.mark.parametrize("name", map(parameter, cases.CASES))
def test_case(name):
    case = cases.CASES[name]
    lines = reading.read_lines(capture(name))
    rows = [line for line in lines if line["type"] == "handshake"]
    assert len(rows) == len(case.rows), [row["verdict"] or row["outcome"] for row in rows]
    wrong = [difference for expected, row in zip(case.rows, rows)
             for difference in cases.differences(expected, row)]
    assert wrong + cases.differences(case.end, lines[-1]) == []


def test_every_capture_has_its_answer():
    assert {path.name.split(".pcap")[0] for path in cases.FOLDER.glob("*.pcap*")} == set(cases.CASES)
