# SPDX-License-Identifier: BSD-2-Clause
"""The figures as text."""

import json


def print_pair(title, pair, unit, divisor):
    low, high = pair["ratio_range"]
    print(f"{title:<22} {pair['median_without'] / divisor:>10.1f} "
          f"{pair['median_with'] / divisor:>10.1f} {unit:<7} {pair['ratio']:>6.3f}   "
          f"{low:.3f} to {high:.3f}")


def print_programs(load, rows):
    for row in rows:
        net, (low, high) = row["net_ns_per_run"], row["ns_per_run_range"]
        print(f"{load:<10} {row['name']:<26} {row['runs']:>9} {row['ns_per_run']:>9.1f} "
              f"{'-' if net is None else format(net, '.1f'):>9}   {low:.1f} to {high:.1f}")


def print_report(report):
    print(f"tlstrace {report['tlstrace'] or '(none: noise of this machine)'}, kernel "
          f"{report['kernel']}, {report['rounds']} rounds, {report['seconds']:.0f} s\n")
    print(f"{'median':<22} {'without':>10} {'with':>10} {'':<7} {'ratio':>6}   rounds")
    for version, pair in report["handshakes_per_second"].items():
        print_pair(f"{version} handshakes", pair, "/s", 1)
    print_pair("TCP over veth", report["bits_per_second"], "Gbit/s", 1e9)
    print(f"\n{'load':<10} {'program':<26} {'runs':>9} {'ns/run':>9} {'net':>9}   rounds")
    for load, rows in report["programs"].items():
        print_programs(load, rows)
    traced = report["traced"]
    if traced["handshakes"]:
        each = traced["processor_seconds"] / traced["handshakes"] * 1e6
        print(f"\n{each:.0f} us of tlstrace's processor time a handshake, "
              f"{report['start_seconds'] * 1000:.0f} ms to attach, lost "
              f"{json.dumps(report['lost'])}")
