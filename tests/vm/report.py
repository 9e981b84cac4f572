# SPDX-License-Identifier: BSD-2-Clause
"""What the tests said on each kernel: report.py RESULTS ROWS [DOCUMENT].

RESULTS has a JUnit file, a status and the kernel's release for each row; ROWS are lines of kernel,
--sockets and --tc. The table goes to standard output; DOCUMENT is written for readers.
"""

import datetime
import os
import sys
import xml.etree.ElementTree as xml

# Which files of tests/e2e show that something works; the columns of the document.
SUBJECTS = {
    "interfaces and processes": ("topology", "nat", "proxies", "ends", "messages", "command", "cli"),
    "load": ("load",),
    "segments": ("stream", "renegotiation"),
    "latency": ("latency", "summary"),
    "failures": ("failures", "refusals", "rejected_certificates", "certificates"),
    "namespaces": ("namespaces",),
    "QUIC": ("udp_quic",),
    "DTLS": ("udp_dtls",),
    "containers": ("containers",),
    "executables": ("executables",),
    "cleanup": ("clean",),
}


class Row:
    """One kernel with one choice of mechanisms."""

    def __init__(self, folder, line):
        self.kernel, self.sockets, self.tc = line.split()[:3]
        self.passed = self.failed = self.skipped = 0
        self.subjects = {name: [0, 0] for name in SUBJECTS}
        self.note = self.read(os.path.join(folder, f"{self.kernel}-{self.sockets}-{self.tc}"))
        try:
            with open(os.path.join(folder, f"{self.kernel}.release")) as file:
                self.release = file.read().strip()
        except OSError:
            self.release = "not run"

    def read(self, path):
        """Count the results; what is wrong with them as a whole."""
        try:
            with open(path + ".status") as file:
                status = int(file.read())
            for case in xml.parse(path + ".xml").iter("testcase"):
                self.count(case)
        except (OSError, ValueError, xml.ParseError):
            return ", no report: out of time, or the machine stopped"
        if not self.failed and status:
            return f", pytest ended with {status}"
        return "" if self.passed or self.failed else ", no test ran"

    def count(self, case):
        kinds = {child.tag for child in case}
        good = not kinds & {"failure", "error", "skipped"}
        self.passed += good
        self.failed += bool(kinds & {"failure", "error"})
        self.skipped += "skipped" in kinds
        if "skipped" not in kinds:
            cell = self.subjects.get(subject(case))
            if cell:
                cell[0] += good
                cell[1] += 1


def subject(case):
    name = (case.get("classname") or "").rsplit(".", 1)[-1].removeprefix("test_")
    if name == "udp":
        name += "_dtls" if "dtls" in case.get("name") else "_quic"
    return next((title for title, files in SUBJECTS.items() if name in files), None)


def print_rows(rows):
    for row in rows:
        print(f"{row.kernel:8}{row.sockets:12}{row.tc:8}{row.passed} passed, {row.failed} failed, "
              f"{row.skipped} skipped{row.note}")
    passed = sum(row.passed for row in rows)
    # A row that ran no test counts as one failure, so that the last line alone is enough.
    failed = sum(row.failed + bool(row.note) for row in rows)
    print(f"vmtest: {passed} passed, {failed} failed")
    return failed or not passed


def cell(counts):
    good, all_of_them = counts
    return f"{good} of {all_of_them}" if all_of_them else "-"


def document(rows):
    yield "<!-- SPDX-License-Identifier: BSD-2-Clause -->"
    yield "# Kernels"
    yield ""
    yield f"Written by `tests/vm/matrix.sh --document` on {datetime.date.today()}. Each row is one boot of"
    yield "Debian's own kernel in a virtual machine, with one choice of mechanisms forced by `--sockets` and"
    yield "`--tc`. A cell says how many of the end-to-end tests of that subject passed; `-` means that none"
    yield "was run."
    yield ""
    yield "| kernel | sockets | packets | " + " | ".join(SUBJECTS) + " |"
    yield "| --- " * (3 + len(SUBJECTS)) + "|"
    for row in rows:
        cells = [row.release, row.sockets, row.tc, *map(cell, row.subjects.values())]
        yield "| " + " | ".join(cells) + " |"
    unknown = [f"{row.kernel} {row.sockets} {row.tc}" for row in rows if row.note]
    if unknown:
        yield ""
        yield "No complete result: " + "; ".join(unknown) + "."


def main():
    folder, lines = sys.argv[1:3]
    rows = [Row(folder, line) for line in lines.splitlines()]
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w") as file:
            file.writelines(line + "\n" for line in document(rows))
    return bool(print_rows(rows))


if __name__ == "__main__":
    sys.exit(main())
