# SPDX-License-Identifier: BSD-2-Clause
"""The same handshakes in other packets give the same rows."""

import dataclasses

import pytest

import mutations
import reading

CAPTURES = ("tls12", "tls12-mutual", "tls12-ticket", "tls13", "tls13-mutual", "tls13-retry", "starttls-imap",
            "alert-unknown-ca", "post-quantum", "small-records")
# With a mirror or a tap the times are other ones, and with them what the order of records tells.
SAME = ("id", "transport", "outcome", "failure", "verdict", "tls", "offer", "certificates", "fingerprint")
OFFER_BY_PACKET = ("segments", "records")  # they count the bytes before the hello


def rows(path):
    return [{key: row[key] for key in SAME} | {"retransmissions": row["latency"]["retransmissions"]}
            for row in reading.read_rows(path)]


def told(row):
    """Without what a mutation may change."""
    offer = row["offer"] and {key: value for key, value in row["offer"].items() if key not in OFFER_BY_PACKET}
    return {**row, "offer": offer}


def capture(name):
    return reading.GOLDEN / f"captures/{name}.pcap"


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("mutation", mutations.MUTATIONS)
def test_same_rows(name, mutation, tmp_path):
    wanted = list(map(told, rows(capture(name))))
    mutations.write(tmp_path / "mutated.pcap", mutations.MUTATIONS[mutation](mutations.read(capture(name))))
    got = list(map(told, rows(tmp_path / "mutated.pcap")))
    if mutation == "redirected":  # who failed is named by address
        wanted, got = ([{**row, "verdict": None} for row in side] for side in (wanted, got))
    by_id = lambda row: row["id"] or ""
    assert sorted(got, key=by_id) == sorted(wanted, key=by_id)


@pytest.mark.parametrize("name", CAPTURES)
def test_nflog(name, tmp_path):
    packets = [mutations.nflog(packet) for packet in mutations.read(capture(name))]
    mutations.write(tmp_path / "mutated.pcap", packets, link=mutations.NFLOG)
    assert rows(tmp_path / "mutated.pcap") == rows(capture(name))


@pytest.mark.parametrize("name", CAPTURES)
def test_only_the_client(name, tmp_path):
    """One direction alone blames nobody but who spoke."""
    client, _ = mutations.directions(mutations.read(capture(name)))
    mutations.write(tmp_path / "mutated.pcap", client)
    for row in reading.read_rows(tmp_path / "mutated.pcap"):
        assert row["outcome"] == "incomplete" or row["failure"]["by"] == "client"
        assert row["quality"]["gap"] or row["outcome"] == "failed"


def test_snapshot_is_counted(tmp_path):
    """Of a capture that was cut off packets are missing: --strict can tell."""
    mutations.write(tmp_path / "cut.pcap", mutations.read(capture("tls12")), snapshot=200)
    end = reading.read_lines(tmp_path / "cut.pcap")[-1]
    assert end["dropped"]["not_in_capture"] == 1


def test_packets_are_read_and_written(tmp_path):
    packets = mutations.read(capture("tls13"))
    mutations.write(tmp_path / "same.pcap", packets)
    assert mutations.read(tmp_path / "same.pcap") == packets
    assert [dataclasses.replace(mutations.segment(packet)) for packet in packets if packet.is_tcp]
