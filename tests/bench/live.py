# SPDX-License-Identifier: BSD-2-Clause
"""Live: the same load with tlstrace and without it, and the cost of each program."""

import contextlib
import glob
import json
import os
import re
import signal
import statistics
import time

from common import BenchError, stop_process, wait_until
from lab import VERSIONS
from programs import (EmptyPrograms, add_costs, read_programs, statistics_enabled,
                      summarize_programs)

# Many short runs: the time of a program swings more from run to run than within one.
BULK_ROUNDS, HANDSHAKE_ROUNDS = 8, 3
BULK_SHORT = "400M"
PROGRAM_SECONDS = 22  # what these rounds take, about
LIMIT = 88  # seconds, the promise being 90


class Tracer:
    """tlstrace while it is attached; nothing if there is no tlstrace."""

    def __init__(self, lab, binary):
        self.lab, self.binary, self.process = lab, binary, None
        self.end = None

    def __enter__(self):
        if self.binary:
            begin = time.monotonic()
            self.process = self.lab.start(self.lab.near, self.binary, "-o", "json", log="rows")
            try:
                wait_until(self.is_tracing, "tlstrace's start line")
            except BaseException:
                stop_process(self.process)
                raise
            self.start_seconds = time.monotonic() - begin
        return self

    def is_tracing(self):
        if self.process.poll() is not None:
            raise BenchError("tlstrace ended before its start line: "
                             f"{self.lab.read('rows.errors').strip() or 'no message'}")
        return self.lab.read("rows").startswith('{"type":"start"')

    def __exit__(self, kind, _value, _trace):
        if not self.process:
            return
        obeyed = stop_process(self.process, signal.SIGINT)
        if kind:
            return
        if not obeyed:
            raise BenchError("tlstrace did not end within 5 s of SIGINT.")
        if self.process.returncode:
            raise BenchError(f"tlstrace ended with status {self.process.returncode}.")
        self.end = json.loads(self.lab.read("rows").splitlines()[-1])

    def processor_seconds(self):
        if not self.process:
            return 0
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        # proc(5): utime and stime are fields 14 and 15, and comm, the second, is cut off here.
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def program_ids(self):
        """From its descriptors: bpftool knows the owners only if it was built with BTF at hand."""
        ids = set()
        for path in glob.glob(f"/proc/{self.process.pid}/fdinfo/*"):
            with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as info:
                ids |= {int(number) for number in re.findall(r"^prog_id:\s*(\d+)", info.read(),
                                                            re.MULTILINE)}
        return ids


def measure_arm(lab, binary, results, arm):
    with Tracer(lab, binary) as tracer:
        for version in VERSIONS:
            results["handshakes"][version][arm].append(lab.handshake_rate(version))
        results["throughput"][arm].append(lab.throughput("-t", "2"))
    if tracer.end:
        results["lost"].append(tracer.end["lost"])
        results["start_seconds"].append(tracer.start_seconds)


def measure_bulk(lab, owner, costs):
    before = read_programs()
    lab.throughput("-n", BULK_SHORT)
    add_costs(costs, owner.program_ids(), before, read_programs())


def measure_handshakes(lab, owner, costs, traced):
    before, spent = read_programs(), owner.processor_seconds()
    number, _ = lab.count_handshakes("TLSv1.3", 1)
    add_costs(costs, owner.program_ids(), before, read_programs())
    if isinstance(owner, Tracer):
        traced["handshakes"] += number
        traced["processor_seconds"] += owner.processor_seconds() - spent


def in_turn(number, arms):
    return arms if number % 2 == 0 else arms[::-1]


def summarize_pair(pair):
    """The ratio is the median of the rounds' ratios: neighbours in time are compared."""
    ratios = [with_it / without for with_it, without in zip(pair["with"], pair["without"])]
    return {**pair, "median_without": statistics.median(pair["without"]),
            "median_with": statistics.median(pair["with"]),
            "ratio": statistics.median(ratios), "ratio_range": [min(ratios), max(ratios)]}


def measure_ratios(lab, options, results, begin):
    longest = 0
    for number in range(options.rounds):
        round_begin = time.monotonic()
        # What is left belongs to the programs' costs, and to cleaning up.
        if number and round_begin - begin + longest > LIMIT - PROGRAM_SECONDS:
            break
        for arm in in_turn(number, ["without", "with"]):
            measure_arm(lab, options.tlstrace if arm == "with" else None, results, arm)
        longest = max(longest, time.monotonic() - round_begin)
        results["rounds"] += 1


def measure_costs(lab, options, results, begin):
    costs = {"bulk": {}, "handshakes": {}}
    bases = {"bulk": {}, "handshakes": {}}
    arms = [(lambda: EmptyPrograms(lab), bases)]
    if options.tlstrace:
        arms.append((lambda: Tracer(lab, options.tlstrace), costs))
    with statistics_enabled():
        for number in range(BULK_ROUNDS):
            if number and time.monotonic() - begin > LIMIT - 6:
                break
            for attach, account in in_turn(number, arms):
                with attach() as owner:
                    measure_bulk(lab, owner, account["bulk"])
                    if number < HANDSHAKE_ROUNDS:
                        measure_handshakes(lab, owner, account["handshakes"], results["traced"])
                if isinstance(owner, Tracer):
                    results["lost"].append(owner.end["lost"])
    return {load: summarize_programs({**bases[load], **costs[load]}, bases[load])
            for load in costs}


def sum_losses(losses):
    total = {}
    for loss in losses:
        for key, number in loss.items():
            total[key] = total.get(key, 0) + number
    return total


def measure(lab, options, begin):
    results = {
        "rounds": 0,
        "handshakes": {version: {"without": [], "with": []} for version in VERSIONS},
        "throughput": {"without": [], "with": []},
        "traced": {"handshakes": 0, "processor_seconds": 0},
        "lost": [],
        "start_seconds": [],
    }
    measure_ratios(lab, options, results, begin)
    programs = measure_costs(lab, options, results, begin)
    starts = results["start_seconds"]
    return {
        "schema": 1,
        "kernel": os.uname().release,
        "tlstrace": options.tlstrace,
        "rounds": results["rounds"],
        "seconds": time.monotonic() - begin,
        "handshakes_per_second": {version: summarize_pair(pair)
                                  for version, pair in results["handshakes"].items()},
        "bits_per_second": summarize_pair(results["throughput"]),
        "programs": programs,
        "traced": results["traced"],
        "start_seconds": statistics.median(starts) if starts else None,
        "lost": sum_losses(results["lost"]),
    }
