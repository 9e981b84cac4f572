# SPDX-License-Identifier: BSD-2-Clause
"""Every filter and every output of tlstrace works on a file too, or is refused in one sentence."""

import json
import os
import subprocess

import pytest

import reading

# One capture of these, letter by letter: completed; failed; completed with a name but no certificate to see.
PARTS = {"a": "tls12", "b": "alert-unknown-ca", "c": "tls13-psk"}
FILE_HEADER = 24  # of a pcap file; the captures were all written by the same tcpdump


def run(*arguments, stdin=subprocess.DEVNULL, **environment):
    return subprocess.run([reading.program(), *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          stdin=stdin, env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", **environment})


@pytest.fixture(scope="module")
def rows():
    """The row of each part by its letter, in the order of time."""
    found = {letter: reading.read_rows(path(letter))[0] for letter in PARTS}
    return dict(sorted(found.items(), key=lambda item: item[1]["time"]))


def path(letter):
    return reading.GOLDEN / f"captures/{PARTS[letter]}.pcap"


@pytest.fixture(scope="module")
def capture(rows, tmp_path_factory):
    contents = [path(letter).read_bytes() for letter in rows]
    joined = tmp_path_factory.mktemp("options") / "joined.pcap"
    joined.write_bytes(contents[0][:FILE_HEADER] + b"".join(content[FILE_HEADER:] for content in contents))
    return joined


def total_us(rows, letter):
    return rows[letter]["latency"]["total_us"]


def middle(rows):
    """Between the fastest and the others."""
    first, second, *_ = sorted(total_us(rows, letter) for letter in rows)
    return f"{(first + second) / 2:.0f}us"


FILTERS = {
    "none": (lambda rows: [], "abc"),
    "port of the servers": (lambda rows: ["--port", 4433], "abc"),
    "port of a client": (lambda rows: ["--port", rows["a"]["client"]["port"]], "a"),
    "either port": (lambda rows: ["--port", rows["a"]["client"]["port"], "--port",
                                  rows["c"]["client"]["port"]], "ac"),
    "another port": (lambda rows: ["--port", 1], ""),
    "host": (lambda rows: ["--host", "192.0.2.1"], "abc"),
    "network": (lambda rows: ["--host", "192.0.2.0/30"], "abc"),
    "all of IPv6": (lambda rows: ["--host", "::/0"], ""),
    "another network": (lambda rows: ["--host", "198.51.100.0/24", "--host", "2001:db8::/32"], ""),
    "name": (lambda rows: ["--sni", "golden.example"], "ac"),
    "name as glob": (lambda rows: ["--sni", "GOLD*.exampl?"], "ac"),
    "another name": (lambda rows: ["--sni", "other.*"], ""),
    "role and host": (lambda rows: ["--role", "client", "--host", "192.0.2.1"], "abc"),
    "the other role": (lambda rows: ["--role", "server", "--host", "192.0.2.1"], ""),
    "role and port": (lambda rows: ["--role", "server", "--port", 4433], "abc"),
    "failed": (lambda rows: ["--failed"], "b"),
    "slower than all": (lambda rows: ["--slower-than", "1m"], ""),
    "slower than one": (lambda rows: ["--slower-than", middle(rows)], None),
    "two filters": (lambda rows: ["--failed", "--sni", "golden.*"], ""),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter(rows, capture, name):
    arguments, expected = FILTERS[name]
    if expected is None:
        expected = set(rows) - {min(rows, key=lambda letter: total_us(rows, letter))}
    done = run("-r", capture, "-o", "json", "--strict", *arguments(rows))
    assert done.returncode == 0, done.stderr
    *_, end = got = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in got if line["type"] == "handshake"] == [
        row["id"] for letter, row in rows.items() if letter in expected]
    assert (end["seen"], end["filtered"]) == (len(rows), len(rows) - len(expected))


@pytest.mark.parametrize("arguments, count", [(["-n", 1], 1), (["-n", 2], 2), (["-n", 9], 3), (["-d", "1s"], 1),
                                              (["-d", "1h"], 3)], ids=str)
def test_ends_early(rows, capture, arguments, count):
    done = run("-r", capture, "-o", "json", *arguments)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()[1:-1]] == [
        row["id"] for row in list(rows.values())[:count]]


def verdicts(rows):
    return [row["verdict"] or "ok" for row in rows.values()]


@pytest.mark.parametrize("form", ["table", "wide"])
def test_table(rows, capture, form):
    done = run("-r", capture, "-o", form)
    header, *lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == len(rows)
    assert header.split()[:8] == ["TIME", "CLIENT", "SERVER", "SNI", "VERSION", "CIPHER", "GROUP", "ALPN"]
    assert ("CLIENT_CRYPTO" in header) == (form == "wide")
    for line, row, verdict in zip(lines, rows.values(), verdicts(rows)):
        ends = [f"{row[end]['ip']}:{row[end]['port']}" for end in ("client", "server")]
        assert line.split()[0] == row["time"][11:23], line
        assert line.split()[1:7] == [*ends, row["tls"]["sni"] or "-", row["tls"]["version"], row["tls"]["cipher"],
                                     row["tls"]["group"] or "-"], line
        assert line.endswith(" " + verdict)
    assert "\x1b" not in done.stdout


def test_tree(rows, capture):
    done = run("-r", capture, "-o", "tree")
    trees = done.stdout.rstrip("\n").split("\n\n")
    assert done.returncode == 0 and len(trees) == len(rows), done.stdout
    for tree, row, verdict in zip(trees, rows.values(), verdicts(rows)):
        lines = tree.splitlines()
        assert lines[0].startswith(row["time"])
        assert lines[-1].split(None, 1) == ["result", verdict]
        shown = [line.split(" ms ")[1] for line in lines if line.strip().startswith("+")]
        assert len(shown) == len(row["messages"])
        for text, message in zip(shown, row["messages"]):
            assert message["message"] is None or f" {message['message']}, {message['size']} byte" in text, text
        named = [line.split()[0] for line in lines if line.endswith(tuple("▏▎▍▌▋▊▉█▐░")) and "total" not in line]
        assert named == [phase["name"] for phase in row["latency"]["phases"]]
        assert [line.split(None, 1)[1] for line in lines if line.startswith("    subject")] == [
            certificate["subject"] for certificate in row["certificates"] or []]


def test_colour(capture):
    done = run("-r", capture, "--color", "always")
    assert "\x1b[" in done.stdout


def test_standard_input(rows, capture):
    with open(capture, "rb") as stream:
        done = run("-r", "-", "-o", "json", stdin=stream)
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()[1:-1]] == [row["id"] for row in rows.values()]


def test_summary(rows, capture):
    """After a table it is on stderr and counts what the filters let through."""
    done = run("-r", capture, "--summary", "table")
    lines = done.stderr.splitlines()
    groups = [line.split()[:5] for line in lines if "→" in line]
    assert groups[0][:3] == ["CLIENT", "→", "SERVER"]
    assert sorted(groups[1:]) == [["192.0.2.1", "→", "192.0.2.2:4433", "1", "1"],
                                  ["192.0.2.1", "→", "golden.example", "2", "0"]]
    done = run("-r", capture, "--summary", "json", "-o", "json", "--failed")
    *_, summary, _ = map(json.loads, done.stdout.splitlines())
    assert [group["count"] for group in summary["groups"]] == [1]
    assert "→" not in run("-r", capture, "--summary", "none").stderr


@pytest.mark.parametrize("arguments", [
    ["--container", "web"], ["--cgroup", "/"], ["--netns", "all"], ["-p", "1"], ["-c", "x"], ["-u", "root"],
    ["-i", "lo"], ["--", "true"]], ids=str)
def test_refused(capture, arguments):
    """What a file does not know it cannot be asked for."""
    done = run("-r", capture, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("tlstrace: --read cannot be combined with ")
