# SPDX-License-Identifier: BSD-2-Clause
"""What each BPF program costs, by the kernel's own account."""

import contextlib
import json
import re
import statistics

from common import run

STATS = "/proc/sys/kernel/bpf_stats_enabled"


class EmptyPrograms:
    """The programs that do nothing, while they are attached where tlstrace would be."""

    HOOKS = [(device, hook) for device in ("lo", "near") for hook in ("ingress", "egress")]

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        self.before = set(read_programs())
        for device in ("lo", "near"):
            run("tc", "-n", self.lab.near, "qdisc", "add", "dev", device, "clsact")
        for device, hook in self.HOOKS:
            run("tc", "-n", self.lab.near, "filter", "add", "dev", device, hook, "prio", "49151",
                "handle", "0x7e57", "bpf", "direct-action", "object-file",
                f"{self.lab.dir}/empty.o", "section", hook)
        return self

    def __exit__(self, kind, _value, _trace):
        for device in ("lo", "near"):
            run("tc", "-n", self.lab.near, "qdisc", "del", "dev", device, "clsact")

    def processor_seconds(self):
        return 0

    def program_ids(self):
        programs = read_programs()
        return {number for number in programs.keys() - self.before
                if programs[number]["name"].startswith("empty_")}


def read_programs():
    return {row["id"]: {"name": row.get("name", str(row["id"])), "runs": row.get("run_cnt", 0),
                        "ns": row.get("run_time_ns", 0)}
            for row in json.loads(run("bpftool", "-j", "prog", "show"))}


def add_costs(costs, ids, before, after):
    """One row of runs and nanoseconds for each program name: interfaces may have their own copy."""
    rows = {}
    for number in ids & before.keys() & after.keys():
        row = rows.setdefault(after[number]["name"], {"runs": 0, "ns": 0})
        for key in row:
            row[key] += after[number][key] - before[number][key]
    for name, row in rows.items():
        if row["runs"]:
            costs.setdefault(name, []).append(row)


@contextlib.contextmanager
def statistics_enabled():
    with open(STATS, encoding="ascii") as file:
        previous = file.read()
    try:
        write_statistics("1")
        yield
    finally:
        write_statistics(previous)


def write_statistics(value):
    with open(STATS, "w", encoding="ascii") as file:
        file.write(value)


def nanoseconds(rows):
    return [row["ns"] / row["runs"] for row in rows]


def net_cost(name, each, empty):
    """Only of TC programs: at the sockets' hooks an empty TC program is no measure."""
    match = re.match(r"tc_(ingress|egress)", name)
    base = empty.get(f"empty_{match[1]}") if match else None
    return each - statistics.median(nanoseconds(base)) if base else None


def summarize_programs(costs, empty):
    summary = []
    for name, rows in sorted(costs.items()):
        times = nanoseconds(rows)
        each = statistics.median(times)
        summary.append({"name": name, "runs": sum(row["runs"] for row in rows),
                        "ns_per_run": each, "ns_per_run_range": [min(times), max(times)],
                        "net_ns_per_run": net_cost(name, each, empty)})
    return summary
