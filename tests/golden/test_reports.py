# SPDX-License-Identifier: BSD-2-Clause
"""Reports over captures of real programs: who is to blame, what is on top, and each format."""

import csv
import json
import subprocess

import pytest

import reading

FILE_HEADER = 24  # of a pcap file; the captures were all written by the same tcpdump
MIXED = ("tls13", "post-quantum", "tls12", "alert-unknown-ca", "tls12-rsa", "curl", "gnutls", "tls13-retry", "quic")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Programs of different policies, one after the other."""
    contents = [(reading.GOLDEN / f"captures/{name}.pcap").read_bytes() for name in MIXED]
    joined = tmp_path_factory.mktemp("reports") / "mixed.pcap"
    joined.write_bytes(contents[0][:FILE_HEADER] + b"".join(content[FILE_HEADER:] for content in contents))
    return joined


def run(capture, *arguments):
    done = subprocess.run([reading.program(), "-r", str(capture), "--summary", "none", *map(str, arguments)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, done
    return done


def report(capture, name, directory):
    file = directory / "report.json"
    run(capture, "--report", f"{name}={file}")
    read = json.loads(file.read_text())
    assert read["type"] == "report" and read["report"] == name.split(":")[0]
    return read["rows"]


def handshakes(capture):
    return reading.read_rows(capture)


def test_crypto_blames_the_one_who_must_change(mixed, tmp_path):
    rows = report(mixed, "crypto", tmp_path)
    completed = [row for row in handshakes(mixed) if row["outcome"] == "completed"]
    for role in ("client", "server"):
        found = [row for row in rows if row["role"] == role]
        assert sum(row["handshakes"] for row in found) == len(completed)
        assert sum(row["pq"] for row in found) == sum(
            "MLKEM" in (row["tls"]["group"] or "") for row in completed) == 1
        offered = [any("MLKEM" in group for group in row["offer"]["groups"]) for row in completed]
        assert sum(row["not_pq_by_client"] for row in found) == offered.count(False)
        assert sum(row["not_pq_by_server"] for row in found) == offered.count(True) - 1
    [first, *_] = rows
    assert first["role"] == "client" and "offers no post-quantum group" in first["change"]


def test_failures_by_cause(mixed, tmp_path):
    [row] = report(mixed, "failures", tmp_path)
    [failed] = [row for row in handshakes(mixed) if row["outcome"] == "failed"]
    assert row["failures"] == 1 and row["ended_by"] == "client"
    assert row["cause"] in (failed["failure"]["cause"], failed["failure"]["alert"])
    assert row["talk_to"] == failed["client"]["ip"] and row["example"] == failed["verdict"]
    assert row["first"] == row["last"] == failed["time"][:19] + "Z"


def test_pairs(mixed, tmp_path):
    rows = report(mixed, "pairs", tmp_path)
    all_rows = handshakes(mixed)
    assert sum(row["handshakes"] for row in rows) == len(all_rows)
    assert sum(row["failed"] for row in rows) == 1
    assert rows == sorted(rows, key=lambda row: -row["handshakes"])


def test_certificates_by_expiry(mixed, tmp_path):
    rows = report(mixed, "certificates", tmp_path)
    seen = {certificate["sha256"]: certificate for row in handshakes(mixed) for certificate in row["certificates"] or []}
    assert {row["sha256"] for row in rows} == set(seen) and seen
    assert [row["not_after"] for row in rows] == sorted(row["not_after"] for row in rows)
    for row in rows:
        assert row["subject"] == seen[row["sha256"]]["subject"] and row["key"] == seen[row["sha256"]]["key"]


@pytest.mark.parametrize("capture, resumed, avoidable", [("tls12-ticket", 1, 0), ("tls12-session-id", 1, 0), ("tls13-ticket", 1, 0)])
def test_resumption(capture, resumed, avoidable, tmp_path):
    [row] = report(reading.GOLDEN / f"captures/{capture}.pcap", "resumption", tmp_path)
    assert (row["resumed"], row["avoidable"], row["full"] + row["resumed"]) == (resumed, avoidable, row["handshakes"])


def test_resumption_that_nobody_tried(tmp_path):
    """A full handshake twice: the client offers no session the second time."""
    content = (reading.GOLDEN / "captures/tls12.pcap").read_bytes()
    [row] = reading.read_rows(reading.GOLDEN / "captures/tls12.pcap")
    other = bytes.fromhex(row["id"][:62] + f"{int(row['id'][62:], 16) ^ 1:02x}")
    port = row["client"]["port"].to_bytes(2, "big")
    again = content[FILE_HEADER:].replace(bytes.fromhex(row["id"]), other).replace(port, b"\x04\x01")
    twice = tmp_path / "twice.pcap"
    twice.write_bytes(content + again)
    [found] = report(twice, "resumption", tmp_path)
    assert (found["full"], found["avoidable"], found["not_offered"]) == (2, 1, 1), found
    assert found["prevented_by"].startswith("the client offers no session")


def test_breaks(mixed, tmp_path):
    rows = report(mixed, "breaks:@mozilla-intermediate", tmp_path)
    assert any("TLS_RSA_WITH" in row["violates"] and "chose it" in row["change"] for row in rows), rows
    assert not report(reading.GOLDEN / "captures/tls13.pcap", "breaks:@mozilla-intermediate", tmp_path)


@pytest.mark.parametrize("name", ["pairs", "failures", "crypto", "resumption", "certificates", "breaks:@pq"])
def test_formats_agree(mixed, name, tmp_path):
    rows = report(mixed, name, tmp_path)
    run(mixed, "--report", f"{name}={tmp_path}/report.csv", "--report", f"{name}={tmp_path}/report.md",
        "--report", f"{name}={tmp_path}/report.txt")
    with open(tmp_path / "report.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [list(row) for row in table] == [list(row) for row in rows]
    for one, other in zip(table, rows):
        for key, value in other.items():
            assert one[key] == "" if value is None else one[key] == str(value) or float(one[key]) == value, key
    markdown = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("|")]
    text = (tmp_path / "report.txt").read_text().splitlines()
    assert len(markdown) == len(rows) + 2
    assert text[0].split()[0] == list(rows[0])[0].split("_")[0].upper() and len(text) in (len(rows) + 1, len(rows) + 2)


def test_where_it_goes(mixed):
    done = run(mixed, "--report", "pairs")
    assert "CLIENT" in done.stdout.splitlines()[-len(report_lines(done.stdout))] and "HANDSHAKES" in done.stdout
    done = run(mixed, "-o", "json", "--report", "pairs")
    assert "HANDSHAKES" not in done.stdout and "HANDSHAKES" in done.stderr


def report_lines(text):
    lines = text.splitlines()
    return lines[next(index for index, line in enumerate(lines) if line.startswith("CLIENT ")):]


@pytest.mark.parametrize("name", ["nosuch", "pairs=", "breaks", "breaks:", "breaks:pq", "breaks:@nosuch", "crypto:@pq", ""])
def test_wrong_usage(mixed, name):
    done = subprocess.run([reading.program(), "-r", mixed, "--report", name], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and done.stderr.startswith("tlstrace: ") and not done.stdout, done


def test_nothing_to_report(mixed):
    assert "failures: nothing to report" in run(mixed, "--port", 1, "--report", "failures").stdout
