# SPDX-License-Identifier: BSD-2-Clause
"""Phases of rows: how long each took, and what a delay made of them."""

from dataclasses import dataclass

TOLERANCE_US = 2000
TOLERANCE_SHARE = 0.05


@dataclass
class Phases:
    """Of one row. Of several the quickest counts: other programs on the machine only add."""
    total_us: float
    took_us: dict  # name → duration, the sum of those that come twice
    measured: set  # names

    @classmethod
    def of(cls, row):
        took = {}
        for phase in row["latency"]["phases"]:
            took[phase["name"]] = took.get(phase["name"], 0) + phase["duration_us"]
        measured = {phase["name"] for phase in row["latency"]["phases"]
                    if phase["quality"] == "measured"}
        return cls(row["latency"]["total_us"], took, measured)

    @classmethod
    def quickest(cls, rows):
        return min(map(cls.of, rows), key=lambda one: one.total_us)


def problems(quick, slow, grown, delay_us):
    """How slow is not quick with delay_us more in the phase grown, as sentences.

    grown may be several phases, which share the delay.
    """
    grown = {grown} if isinstance(grown, str) else set(grown)
    tolerance = max(TOLERANCE_US, TOLERANCE_SHARE * delay_us)
    found = []
    if not grown <= slow.took_us.keys():
        found.append(f"no {grown - slow.took_us.keys()} in {slow.took_us}")
    growth = {name: took - quick.took_us.get(name, 0) for name, took in slow.took_us.items()}
    for name in growth.keys() - grown:
        if growth[name] > TOLERANCE_US:
            found.append(f"{name} grew by {growth[name]:.0f} us")
    right = sum(growth.get(name, 0) for name in grown)
    if abs(right - delay_us) > tolerance:
        found.append(f"{grown} grew by {right:.0f} us, not {delay_us}")
    return found
