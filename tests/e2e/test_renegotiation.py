# SPDX-License-Identifier: BSD-2-Clause
"""Renegotiation in TLS 1.2: a second row with times and lengths only."""

import subprocess

import pytest

from lib import expect

HIDDEN = ("cipher", "group", "signature", "sni", "alpn", "resumed", "psk", "ech", "key_exchange", "server_random",
          "session_id")


class Conversation:
    """An s_server and an s_client that take commands on standard input, and the first row."""

    def __init__(self, stage, *server_options):
        self.trace = stage.trace()
        server = stage.server("s_server", options=server_options)
        self.server_port = server.port
        self.client = stage.processes.start(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2",
             "-servername", "web.example.org"], stdin=subprocess.PIPE)
        [self.first] = self.trace.wait_rows(1, port=server.port)
        self.server = server

    def renegotiate(self):
        self.client.stdin.write(b"R\n")
        self.client.stdin.flush()

    def rows(self, count):
        self.trace.wait_rows(count, port=self.server_port)
        self.trace.stop()
        return self.trace.select(port=self.server_port)


def processes_are(row, conversation):
    expect.process_is(row["client"], conversation.client.pid, "openssl")
    expect.process_is(row["server"], conversation.server.process.pid, "openssl")


@pytest.mark.vm
def test_by_the_client(stage):
    """Long after the handshake, twice: each has a row with its owners and without what is encrypted."""
    conversation = Conversation(stage, "-client_renegotiation")
    for count in (2, 3):
        conversation.renegotiate()
        conversation.trace.wait_rows(count, port=conversation.server_port)
    first, *others = conversation.rows(3)
    assert first["tls"]["renegotiation"] is False
    for row in others:
        expect.completed(row)
        processes_are(row, conversation)
        assert row["tls"]["renegotiation"] is True and row["tls"]["version"] == "TLSv1.2"
        assert {name: row["tls"][name] for name in HIDDEN} == dict.fromkeys(HIDDEN)
        assert row["id"] is row["offer"] is row["certificates"] is None
        assert row["client"]["port"] == first["client"]["port"]
        expect.path_is(row, *expect.LOOPBACK)
        messages = [(message["from"], message["record"]) for message in row["messages"]]
        assert messages[:2] == [("client", "handshake"), ("server", "handshake")]
        for end in ("client", "server"):
            assert (end, "change_cipher_spec") in messages
        assert all(message["encrypted"] for message in row["messages"])


def test_refused(stage):
    """OpenSSL's server does not by default, and says so in an encrypted alert."""
    conversation = Conversation(stage)
    conversation.renegotiate()
    _, row = conversation.rows(2)
    assert row["outcome"] == "failed" and row["tls"]["renegotiation"] is True
    assert row["failure"] == {"kind": "alert", "by": "server", "alert": None, "encrypted": True,
                              "error": None, "reason": None, "cause": None, "facts": []}
    assert row["verdict"].endswith("sent an encrypted alert (renegotiation)")
