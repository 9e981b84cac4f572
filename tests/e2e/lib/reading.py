# SPDX-License-Identifier: BSD-2-Clause
"""tlstrace -r: a file read to its end, and what it says."""

import json
import subprocess
from dataclasses import dataclass

from . import process, shape, trace, wait


@dataclass
class Reading:
    code: int
    rows: list
    end: dict
    start: dict
    said: str

    def one(self):
        assert len(self.rows) == 1, (self.rows, self.said)
        return self.rows[0]


def run(*arguments, input=None, prefix=(), cwd=None):
    return subprocess.run([*prefix, trace.program(), *map(str, arguments)], input=input,
                          capture_output=True, env=process.environment(), cwd=cwd,
                          timeout=wait.limit(30))


def read(path, *arguments, code=0, input=None, prefix=()):
    """Read a capture; rows and account must have the shape of docs/events.md, whatever the capture is."""
    done = run("-o", "json", "-r", path, *arguments, input=input, prefix=prefix)
    said = done.stderr.decode()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == code, (done.returncode, said)
    rows = [event for event in events if event["type"] == "handshake"]
    if not events:
        return Reading(done.returncode, [], None, None, said)
    start, end = events[0], events[-1]
    assert start["capture"] == {"file": str(path)}, start
    problems = shape.problems(end, shape.FINISH)
    for row in rows:
        problems += shape.row_problems(row)
    assert not problems, "\n".join(problems[:20])
    assert end["seen"] == end["reported"] + end["filtered"] + sum(end["lost"].values()), end
    assert end["reported"] == len(rows), end
    return Reading(done.returncode, rows, end, start, said)


MESSAGE_KEYS = ("from", "record", "message", "size", "encrypted")


def on_the_wire(row):
    """The part of a row that does not depend on where, when and by which process it was seen."""
    kept = {key: row[key] for key in ("id", "transport", "outcome", "tls", "offer", "certificates",
                                      "fingerprint")}
    kept["failure"] = row["failure"]
    kept["messages"] = [[message[key] for key in MESSAGE_KEYS] for message in row["messages"]]
    kept["ends"] = [row[end][key] for end in ("client", "server") for key in ("ip", "port")]
    kept["inferred"] = row["quality"]["inferred"]
    return kept
