# SPDX-License-Identifier: BSD-2-Clause
"""The ten slowest tests of some JUnit files: slowest.py FILE..."""

import sys
import xml.etree.ElementTree as xml

COUNT = 10


def cases(path):
    try:
        yield from xml.parse(path).iter("testcase")
    except (OSError, xml.ParseError):
        return  # a part that did not run has no report


def main():
    times = [(float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}")
             for path in sys.argv[1:] for case in cases(path)]
    print("slowest tests:")
    for seconds, name in sorted(times, reverse=True)[:COUNT]:
        print(f"{seconds:8.1f} s  {name}")


if __name__ == "__main__":
    main()
