#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tlstrace costs. Live: handshakes per second and bulk throughput with and without it, and the
kernel's own account of each of its programs, in a minute and a half. Files: how long it takes to read
a capture of 50,000 handshakes, against other programs. Needs root.

Timings swing from run to run, so only ratios within one run mean anything: the arms alternate, and
which goes first alternates too, so that a drift of the machine hits all alike.

Live, everything happens in two network namespaces of its own. In the first are nginx, its client and
tlstrace, which so sees a loopback and one end of a veth pair; in the second is iperf3's server.

--tlstrace none compares nothing with nothing: how far the ratios stray then is the noise of this
machine, and smaller differences say nothing.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

from common import BenchError, remove_leftovers
from files import measure_files, print_files
from lab import Lab
from live import measure
from report import print_report

TOOLS = {"live": ("clang", "bpftool", "nginx", "openssl", "iperf3", "ip", "tc", "nsenter", "setpriv"),
         "files": ("cc", "openssl", "ip", "nsenter", "setpriv", "tcpdump", "tshark", "ssldump",
                  "time")}


def parse_options():
    parser = argparse.ArgumentParser(description="Measure what tlstrace costs.")
    parser.add_argument("--tlstrace", default="./tlstrace", metavar="PATH",
                        help="the binary, or none (default ./tlstrace)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=TOOLS, help="one of the two parts")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.tlstrace = None if options.tlstrace == "none" else os.path.abspath(options.tlstrace)
    options.parts = [options.only] if options.only else list(TOOLS)
    if not options.tlstrace and "files" in options.parts:
        options.parts.remove("files")
    return options


def check_prerequisites(options):
    if os.geteuid():
        raise BenchError("This needs root, for network namespaces and BPF: use sudo.")
    for tool in {tool for part in options.parts for tool in TOOLS[part]}:
        if not shutil.which(tool):
            raise BenchError(f"{tool} is not installed: see `make deps`.")
    if options.tlstrace and not os.access(options.tlstrace, os.X_OK):
        raise BenchError(f"{options.tlstrace} cannot be run: build it with `make`.")


def end_on_signal(number, _frame):
    """As an exception, so that everything is taken down on the way out."""
    raise SystemExit(128 + number)


def measure_live(options):
    with contextlib.ExitStack() as stack:
        return measure(Lab(stack), options, time.monotonic())


def main():
    options = parse_options()
    report = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_on_signal)
    try:
        check_prerequisites(options)
        remove_leftovers()
        if "live" in options.parts:
            report.update(measure_live(options))
            print_report(report)
        if "files" in options.parts:
            report["files"] = measure_files(options.tlstrace)
            print_files(report["files"])
    except (BenchError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"bench.py: {error}", file=sys.stderr)
        return 1
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
