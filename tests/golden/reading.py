# SPDX-License-Identifier: BSD-2-Clause
"""What tlstrace and tshark read in a capture file."""

import json
import os
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
GOLDEN = TOP / "tests/golden"
CORPUS = TOP.parent / "shared/corpus"
ENDINGS = (".pcap", ".pcapng", ".cap", ".trace")


def program():
    return os.environ.get("TLSTRACE") or str(TOP / "tlstrace")


def golden_captures():
    return sorted((GOLDEN / "captures").glob("*.pcap"))


def corpus_captures():
    """Of files only: what looks like a capture by its name."""
    return sorted(path for path in CORPUS.rglob("*") if path.suffix in ENDINGS and path.is_file())


def read_lines(path):
    """All lines of tlstrace; a broken capture's exit status is 1, and its rows count all the same."""
    done = subprocess.run([program(), "-r", str(path), "-o", "json"], capture_output=True, text=True,
                          env={**os.environ, "TZ": "UTC"}, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode in (0, 1), f"{path}: status {done.returncode}: {done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_rows(path):
    return [line for line in read_lines(path) if line["type"] == "handshake"]


def tshark_fields(path, display_filter, names, *options):
    """One list of lists of values per packet; fields with several values have them all."""
    assert shutil.which("tshark"), "tshark is not installed: run make deps"
    wanted = [argument for name in names for argument in ("-e", name)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-2", *options, "-Y", display_filter, "-T", "fields",
         "-E", "occurrence=a", "-E", "aggregator=\x1f", "-E", "separator=\x1e", *wanted],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
        env={**os.environ, "TZ": "UTC"})
    # Not splitlines(): to it the separators are line breaks too.
    return [[value.split("\x1f") if value else [] for value in line.split("\x1e")]
            for line in done.stdout.split("\n") if line]
