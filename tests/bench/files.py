# SPDX-License-Identifier: BSD-2-Clause
"""Reading a capture: tlstrace against tshark, ssldump and tcpdump on the same file."""

import os
import statistics
import subprocess
import time

from common import BenchError
from make_load import COUNT, PORT, cut_capture, load_capture

FOLDER = "build/bench"
ROUNDS = 3
PART = 10  # memory and ssldump are measured on this part of the file too
SECONDS = 240
# What tlstrace's table shows, as tshark's fields.
FIELDS = ("frame.time_epoch", "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "tls.handshake.type",
          "tls.handshake.extensions_server_name", "tls.handshake.version",
          "tls.handshake.extensions.supported_version", "tls.handshake.ciphersuite",
          "tls.handshake.extensions_key_share_group", "tls.handshake.server_named_curve",
          "tls.handshake.extensions_alpn_str", "tls.alert_message.desc")


def commands(tlstrace, path):
    fields = [argument for name in FIELDS for argument in ("-e", name)]
    return {
        "tlstrace table": [tlstrace, "-r", path, "-o", "table"],
        "tlstrace json": [tlstrace, "-r", path, "-o", "json"],
        "tshark fields": ["tshark", "-n", "-r", path, "-d", f"tcp.port=={PORT},tls", "-Y",
                          "tls.handshake or tls.alert_message", "-T", "fields", *fields],
        "ssldump": ["ssldump", "-n", "-r", path],
        "tcpdump": ["tcpdump", "-Z", "root", "-n", "-r", path, "-w", "/dev/null"],
    }


def run_once(command):
    """Wall seconds and peak memory in KiB. Through time(1), which is small: a program's peak counts what
    it was forked from, and that would be this interpreter."""
    peak = f"{FOLDER}/peak"
    begin = time.monotonic()
    # timeout(1), because Python's own looks every 50 ms only.
    done = subprocess.run(["timeout", str(SECONDS), "time", "-o", peak, "-f", "%M", *command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"`{' '.join(command[:3])} …` ended with status {done.returncode}.")
    seconds = time.monotonic() - begin
    with open(peak, encoding="ascii") as text:
        return seconds, int(text.read())


def measure_file(tlstrace, path, names, rounds=ROUNDS):
    """Interleaved, and in the other order every second time: a drift of the machine hits all alike."""
    runs = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else names[::-1]:
            runs[name].append(run_once(commands(tlstrace, path)[name]))
    return {name: {"seconds": statistics.median(seconds for seconds, _ in results),
                   "range": [min(seconds for seconds, _ in results), max(seconds for seconds, _ in results)],
                   "peak_kib": max(peak for _, peak in results)} for name, results in runs.items()}


def measure_files(tlstrace):
    """ssldump's time grows with the square of the connections: it has the part only."""
    whole = load_capture(FOLDER)
    part = cut_capture(whole, PART, f"{FOLDER}/part.pcap")
    names = list(commands(tlstrace, whole))
    return {
        "handshakes": COUNT, "bytes": os.path.getsize(whole), "part": PART,
        "whole": measure_file(tlstrace, whole, [name for name in names if name != "ssldump"]),
        "cut": measure_file(tlstrace, part, names),
    }


def print_file(title, results):
    base = results["tlstrace table"]["seconds"]
    print(f"\n{title:<30} {'seconds':>9} {'ratio':>8} {'peak MiB':>9}   range")
    for name, result in results.items():
        low, high = result["range"]
        print(f"{name:<30} {result['seconds']:>9.3f} {result['seconds'] / base:>8.2f} "
              f"{result['peak_kib'] / 1024:>9.1f}   {low:.3f} to {high:.3f}")


def print_files(report):
    print_file(f"{report['handshakes']} handshakes, {report['bytes'] >> 20} MiB", report["whole"])
    print_file(f"the first {report['part']}th of it", report["cut"])
