# SPDX-License-Identifier: BSD-2-Clause
"""Every committed capture decodes to JSON that a person has checked. UPDATE=1 writes it again."""

import json
import os

import pytest

import reading


def settled(line):
    """Without what depends on the build, the machine, the day and the path."""
    if line["type"] == "start":
        return None
    if line["type"] == "end":
        return {**line, "time": None, "cost": None}
    return line


def as_text(lines):
    kept = [line for line in map(settled, lines) if line]
    return "".join(json.dumps(line, indent=1, ensure_ascii=False) + "\n" for line in kept)


@pytest.mark.parametrize("capture", reading.golden_captures(), ids=lambda path: path.stem)
def test_expected(capture):
    got = as_text(reading.read_lines(capture))
    expected = reading.GOLDEN / "expected" / f"{capture.stem}.json"
    if os.environ.get("UPDATE") == "1":
        expected.write_text(got)
    assert expected.exists(), f"{expected} is missing: UPDATE=1 writes it; look at it before you commit"
    assert got == expected.read_text()


def test_no_expected_value_without_capture():
    captures = {path.stem for path in reading.golden_captures()}
    expected = {path.stem for path in (reading.GOLDEN / "expected").glob("*.json")}
    assert expected == captures and len(captures) > 25
