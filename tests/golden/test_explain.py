# SPDX-License-Identifier: BSD-2-Clause
"""The handshake told step by step, for each kind: UPDATE=1 writes the texts anew, then read them."""

import os
import subprocess

import pytest

import reading

EXPECTED = reading.GOLDEN / "explain"
KINDS = ["alert-unknown-ca", "dtls12", "false-start", "ocsp-stapled", "post-quantum", "quic", "quic-retry", "ssl3",
         "tls12-mutual", "tls12-psk", "tls12-renegotiation", "tls12-rsa", "tls12-session-id", "tls12-ticket", "tls13",
         "tls13-alert", "tls13-declined", "tls13-early-data", "tls13-mutual", "tls13-psk", "tls13-retry", "warning"]


def explain(capture, **environment):
    done = subprocess.run([reading.program(), "-r", str(capture), "-o", "explain"], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", KINDS)
def test_text(name):
    text = explain(reading.GOLDEN / f"captures/{name}.pcap")
    expected = EXPECTED / f"{name}.txt"
    if os.environ.get("UPDATE"):
        EXPECTED.mkdir(exist_ok=True)
        expected.write_text(text)
    assert text == expected.read_text()


@pytest.mark.parametrize("capture", reading.golden_captures(), ids=lambda path: path.stem)
def test_every_message_is_told(capture):
    """Steps have all bytes of all messages, and the text ends with the verdict."""
    rows = reading.read_rows(capture)
    stories = explain(capture).split("\n\n")[:-1]
    assert len(stories) == len(rows)
    for row, story in zip(rows, stories):
        lines = story.splitlines()
        steps = [line for line in lines if line.lstrip()[:1].isdigit() and ". " in line[:5]]
        sizes = [int(part.split()[0]) for line in steps for part in line.split(", ") if " byte" in part]
        assert sum(sizes) == sum(message["size"] for message in row["messages"]), story
        assert lines[-1].startswith("Result: " + (row["verdict"] or "")), story


def test_lines_fit():
    lines = explain(reading.GOLDEN / "captures/tls13.pcap", COLUMNS="60").splitlines()
    assert max(len(line) for line in lines if line.startswith("     ")) <= 60
