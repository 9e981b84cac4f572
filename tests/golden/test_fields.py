# SPDX-License-Identifier: BSD-2-Clause
"""The field table (--fields), the JSON lines, their schema and CSV speak of the same fields."""

import csv
import functools
import io
import json
import os
import re
import subprocess

import pytest

import reading

SCHEMA = json.loads((reading.TOP / "docs/events.schema.json").read_text())
# What a field of this type is in JSON.
JSON_TYPES = {"bool": "boolean", "number": "number", "duration": "number"}
NOT_FIELDS = {"type", "schema"}


def run(*arguments):
    done = subprocess.run([reading.program(), *map(str, arguments)], capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@functools.lru_cache
def table():
    """Types by path, of all fields and of those that JSON has."""
    every = {}
    in_json = {}
    for line in run("--fields").splitlines():
        path, rest = line.split(None, 1)
        kind = rest[:24].strip()
        every[path] = kind
        if not line.endswith("; not in JSON"):
            in_json[path] = kind
    return every, in_json


def leaves(value, path, found):
    """Paths with a value that is neither an object nor a list of objects."""
    if path.endswith(".labels") and value is not None:
        found.setdefault(path, value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            leaves(inner, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for inner in value:
            leaves(inner, path, found)
    else:
        found.setdefault(path, value)
    return found


def resolve(schema):
    while "$ref" in schema:
        schema = {**SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]],
                  **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def schema_leaves(schema, path, found):
    schema = resolve(schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "properties" in schema:
        for key, inner in schema["properties"].items():
            schema_leaves(inner, f"{path}.{key}" if path else key, found)
    elif "array" in kinds and "properties" in resolve(schema["items"]):
        schema_leaves(schema["items"], path, found)
    else:
        found[path] = [kind for kind in kinds if kind != "null"]
    return found


def test_json_has_these_fields():
    _, in_json = table()
    objects = {path.rsplit(".", 1)[0] for path in in_json if "." in path}
    seen = set()
    for capture in reading.golden_captures():
        for row in reading.read_rows(capture):
            seen |= set(leaves(row, "", {})) - NOT_FIELDS
    assert seen - set(in_json) - objects == set()
    # Captures know nothing of processes, these have no fault of their kind, and were made on loopback,
    # where nothing is lost: e2e's test_line.py has the causes of latency.
    unseen = {path for path in set(in_json) - seen
              if not path.startswith(("client.", "server.", "path.process.", "latency.causes."))}
    assert unseen == set()


def test_schema_has_these_fields():
    _, in_json = table()
    row = {"properties": {**SCHEMA["$defs"]["handshake"]["properties"],
                          **SCHEMA["$defs"]["handshake"]["then"]["properties"]}}
    found = schema_leaves(row, "", {})
    assert set(found) - NOT_FIELDS == set(in_json)
    for path, kind in in_json.items():
        expected = "array" if kind.startswith("list") and "array" in found[path] else \
            "object" if path.endswith(".labels") else \
            JSON_TYPES.get(kind.removeprefix("list of "), "string")
        allowed = {"number": {"number", "integer"}}.get(expected, {expected})
        assert not found[path] or set(found[path]) <= allowed, path


def documented():
    """Paths that docs/events.md explains: what precedes the colon of an item."""
    objects = {"`handshake`: one per handshake": [""], "`failure`": ["failure."],
               "`client`, `server`": ["client.", "server."],
               "`container`": ["client.container.", "server.container.", "path.process.container."],
               "`tls`": ["tls."], "`messages[]`": ["messages."], "`offer`": ["offer."],
               "`certificates[]`": ["certificates."], "`fingerprint`": ["fingerprint."],
               "`latency`": ["latency."], "`path[]`": ["path."], "`quality`": ["quality."]}
    found = set()
    for section in re.split(r"^##+ ", (reading.TOP / "docs/events.md").read_text(), flags=re.M):
        title, text = section.split("\n", 1)
        for names in re.findall(r"^- ((?:`[^`]+`,?\s+)*`[^`]+`):", text, re.M):
            for name in re.findall(r"`([^`]+)`", names.replace("[]", "")):
                found |= {before + name for before in objects.get(title, [])}
    return found


def test_documentation_has_these_fields():
    _, in_json = table()
    assert set(in_json) - documented() == set()
    parts = {".".join(path.split(".")[:depth]) for path in in_json for depth in range(1, 5)}
    unknown = {path for path in documented() - parts - {"schema"}
               if path.split(".")[0] != "failure" and not path.endswith((".cgroup", ".runtime", ".claimed"))}
    assert unknown == set()


def json_cell(row, path):
    """The value of a field of the row as CSV has it."""
    value = row
    for key in path.split("."):
        value = value.get(key) if value else None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", ["tls12", "tls13", "quic", "alert-unknown-ca"])
def test_csv_has_the_values_of_json(name):
    capture = reading.GOLDEN / f"captures/{name}.pcap"
    every, in_json = table()
    paths = [path for path, kind in in_json.items() if not path.startswith(
        ("messages", "certificates", "latency.phases", "path"))]
    rows = reading.read_rows(capture)
    for first in range(0, len(paths), 60):
        columns = paths[first:first + 60]
        lines = list(csv.reader(io.StringIO(run("-r", capture, "-o", "csv", "--columns", ",".join(columns)))))
        assert lines[0] == columns
        assert lines[1:] == [[json_cell(row, path) for path in columns] for row in rows]


def test_csv_lists_of_objects():
    capture = reading.GOLDEN / "captures/tls12-mutual.pcap"
    row, = reading.read_rows(capture)
    lines = run("-r", capture, "-o", "csv", "--columns", "messages.size,certificates.from")
    assert list(csv.reader(io.StringIO(lines)))[1] == [
        ";".join(str(message["size"]) for message in row["messages"]),
        ";".join(certificate["from"] for certificate in row["certificates"])]


def test_default_csv_has_a_header_and_a_line_per_row():
    capture = reading.GOLDEN / "captures/tls13.pcap"
    output = run("-r", capture, "-o", "csv")
    header, line = csv.reader(io.StringIO(output))
    assert output.count("\r\n") == 2 and len(header) == len(line)
    assert set(header) <= set(table()[0])


def test_columns_of_the_table():
    capture = reading.GOLDEN / "captures/tls12.pcap"
    header, line = run("-r", capture, "--columns", "sni,version,total,cause").splitlines()
    assert header.split() == ["SNI", "VERSION", "TOTAL", "CAUSE"]
    assert line.split() == ["golden.example", "TLSv1.2", "5.943", "ms", "-"]


@pytest.mark.parametrize("columns, words", [
    ("gruop", "did you mean 'group'"), ("sni,,group", "empty name at column 5"), ("tls", "object"),
    ("xyzzyx", "no field 'xyzzyx'"), (",".join(["sni"] * 65), "at most 64"),
])
def test_wrong_columns(columns, words):
    done = subprocess.run([reading.program(), "-r", "/dev/null", "--columns", columns], capture_output=True,
                          text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
