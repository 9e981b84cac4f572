# SPDX-License-Identifier: BSD-2-Clause
"""The messages of a handshake as they ran on the wire, compared with tshark's packet list."""

import pytest

from lib import expect

FULL = [  # RFC 5246 figure 1
    ("client", "client_hello"), ("server", "server_hello"), ("server", "certificate"),
    ("server", "server_key_exchange"), ("server", "server_hello_done"),
    ("client", "client_key_exchange"), ("client", "change_cipher_spec"), ("client", None),
]
TICKET = [("server", "new_session_ticket")]
SERVER_END = [("server", "change_cipher_spec"), ("server", None)]
MUTUAL = FULL[:4] + [("server", "certificate_request"), FULL[4], ("client", "certificate"),
                     FULL[5], ("client", "certificate_verify")] + FULL[6:]
# RFC 5246 figure 2
RESUMED = FULL[:2] + SERVER_END + FULL[6:]
# RFC 8446 figure 1 and appendix D.4. What follows the client's Finished is not compared.
RETRY = [("client", "client_hello"), ("server", "hello_retry_request"),
         ("server", "change_cipher_spec"), ("client", "change_cipher_spec"),
         ("client", "client_hello"), ("server", "server_hello")]

# With a hash of 32 or 48 bytes.
FINISHED_SIZES = (53, 69)


def run(stage, version, server_options=(), client_options=(), server_name="s_server"):
    """One handshake: its row and what tshark says of it."""
    server = stage.server(server_name, options=server_options)
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    client = stage.client("openssl", server, version=version, options=client_options).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    expect.handshake_is(row, truth, client, server)
    return row, truth


def captured(truth):
    return [(message.sender, message.name) for message in truth.messages]


@pytest.mark.parametrize("server_options,client_options,sequence", [
    ((), (), FULL + TICKET + SERVER_END),
    ((), ("-no_ticket",), FULL + SERVER_END),
    (("-Verify", "1", "-no_ticket"), "certificate", MUTUAL + SERVER_END),
], ids=["ticket", "no ticket", "client certificate"])
def test_tls12(stage, server_options, client_options, sequence):
    if client_options == "certificate":
        client_options = own_certificate(stage)
    row, truth = run(stage, "TLSv1.2", server_options, client_options)
    assert captured(truth)[:len(sequence)] == sequence  # else the test is not what it says
    expect.messages_are(row, truth, len(sequence))
    # The handshake ends with the last Finished: no application data in the list.
    assert len(row["messages"]) == len(sequence), row["messages"]
    assert row["tls"]["client_auth"] == ("sent" if sequence[4:5] == MUTUAL[4:5] else "none")


def own_certificate(stage):
    return ("-cert", str(stage.certificates.chain("client")),
            "-key", str(stage.certificates.key("client")))


def test_tls12_resumed(stage):
    server = stage.server("s_server")
    session = str(stage.directory / "session.pem")
    without_tickets = ("-no_ticket",)
    stage.client("openssl", server, version="TLSv1.2",
                 options=("-sess_out", session, *without_tickets)).ok()
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    stage.client("openssl", server, version="TLSv1.2",
                 options=("-sess_in", session, *without_tickets)).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    assert captured(truth)[:len(RESUMED)] == RESUMED
    expect.messages_are(row, truth, len(RESUMED))
    assert row["tls"]["resumed"]


def client_finished(truth):
    """Number of messages up to the client's Finished, which its length gives away."""
    return 1 + next(index for index, message in enumerate(truth.messages)
                    if message.encrypted and message.sender == "client"
                    and message.size in FINISHED_SIZES)


@pytest.mark.parametrize("server_name,options,client_auth", [
    ("s_server", (), "none"), ("nginx", (), "none"),
    ("gnutls-serv", (), "declined"),  # it asks for a certificate
    ("s_server", ("-verify", "1"), "declined"),
])
def test_tls13(stage, server_name, options, client_auth):
    row, truth = run(stage, "TLSv1.3", options, server_name=server_name)
    count = client_finished(truth)
    expect.messages_are(row, truth, count)
    finished = row["messages"][count - 1]
    assert finished["from"] == "client" and finished["message"] == "finished", finished
    assert any("messages" in name or "finished" in name for name in row["quality"]["inferred"]), \
        row["quality"]
    assert row["tls"]["client_auth"] == client_auth


def test_hello_retry(stage):
    row, truth = run(stage, "TLSv1.3", ("-groups", "P-384"), ("-groups", "X25519:P-384"))
    assert captured(truth)[:len(RETRY)] == RETRY
    expect.messages_are(row, truth, client_finished(truth))
    assert row["tls"]["hello_retry"] and row["tls"]["group"] == "secp384r1"
    # What was offered is what the first hello said.
    assert row["offer"]["key_shares"] == ["x25519"]


@pytest.mark.parametrize("version", ["TLSv1.0", "TLSv1.1"])
def test_older(stage, version):
    server = stage.server("s_server", old_versions=True)
    capture = stage.capture("lo", server.port)
    trace = stage.trace()
    stage.client("openssl", server, version=version).ok()
    truth = capture.stop().conversation()
    row = expect.one_row(trace, port=server.port)
    sequence = FULL + TICKET + SERVER_END
    assert captured(truth)[:len(sequence)] == sequence
    expect.messages_are(row, truth, len(sequence))
