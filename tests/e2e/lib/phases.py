# SPDX-License-Identifier: BSD-2-Clause
"""Phases of rows: how long each took, and what a delay made of them."""

from dataclasses import dataclass

TOLERANCE_US = 2000
TOLERANCE_SHARE = 0.05


@dataclass
class Phases:
    """Of one row."""
    total_us: float
    took_us: dict  # name → duration, the sum of those that come twice

    @classmethod
    def of(cls, row):
        took = {}
        for phase in row["latency"]["phases"]:
            took[phase["name"]] = took.get(phase["name"], 0) + phase["duration_us"]
        return cls(row["latency"]["total_us"], took)


def least(every, name):
    """What other programs on the machine take comes on top, in one phase or another."""
    return min(one.took_us.get(name, 0) for one in every)


def problems(quick, slow, grown, delay_us):
    """Where the rows slow are not those of quick with delay_us more in the phase grown."""
    quick, slow = [Phases.of(row) for row in quick], [Phases.of(row) for row in slow]
    growth = [one.took_us.get(grown, 0) - least(quick, grown) for one in slow]
    closest = min(growth, key=lambda us: abs(us - delay_us))
    found = []
    if abs(closest - delay_us) > max(TOLERANCE_US, TOLERANCE_SHARE * delay_us):
        found.append(f"{grown} grew by {closest:.0f} us, not {delay_us}")
    for name in set().union(*(one.took_us for one in slow)) - {grown}:
        others = least(slow, name) - least(quick, name)
        if others > TOLERANCE_US:
            found.append(f"{name} grew by {others:.0f} us")
    return found
