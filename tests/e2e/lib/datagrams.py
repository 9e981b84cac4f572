# SPDX-License-Identifier: BSD-2-Clause
"""QUIC and DTLS: real servers and clients, and the truth about one handshake between them."""

import base64
import hashlib
import subprocess
from dataclasses import dataclass

from . import expect, iana, process, reading, servers, trixie

HTTP3 = "h3"


@dataclass
class DatagramServer(servers.Server):
    transport = "udp"
    alpn = HTTP3
    protocol = "quic"


@dataclass
class NgTcp2(DatagramServer):
    comm = "gtlsserver"
    address: str = "127.0.0.1"

    def argv(self):
        return ["gtlsserver", "-q", *self.options, self.address, str(self.port), self.key, self.chain]


class NgTcp2Trixie(servers.InTrixie, NgTcp2):
    """It speaks QUIC version 2 as RFC 9369 has it; bookworm's has the number of a draft."""


class Caddy(DatagramServer):
    comm = "caddy"

    def argv(self):
        config = self.directory / "Caddyfile"
        config.write_text(f"""
{{
    admin off
    auto_https off
    storage file_system {self.directory}
}}
https://web.example.org:{self.port}, https://localhost:{self.port} {{
    tls {self.chain} {self.key}
    respond "ok"
}}
""")
        return ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


class DtlsServer(DatagramServer):
    protocol = "dtls"

    def start(self):
        # At the end of its input s_server ends; -listen wants none.
        self.process = self.processes.start(self.argv(), self.namespace, stdin=subprocess.PIPE)
        self.processes.wait_listening(self.process, self.port, self.transport)
        return self


class OpenSSLDtls(DtlsServer):
    comm = "openssl"

    def argv(self):
        return ["openssl", "s_server", "-dtls", "-accept", str(self.port), "-cert", self.chain, "-key",
                self.key, "-alpn", "http/1.1", *self.options]


class GnuTLSDtls(DtlsServer):
    comm = "gnutls-serv"

    def argv(self):
        return ["gnutls-serv", "--udp", "--echo", "--quiet", "-p", str(self.port), "--x509certfile",
                self.chain, "--x509keyfile", self.key, "--mtu", "1400", *self.options]


def ngtcp2(goal):
    return ["gtlsclient", "-q", "--exit-on-all-streams-close", *goal.options, goal.address,
            str(goal.port), f"https://{goal.sni}:{goal.port}/"]


def ngtcp2_trixie(goal):
    return ["chroot", str(trixie.root()), *ngtcp2(goal)]


def curl_http3(goal):
    """Of trixie: OpenSSL 3.5's QUIC under ngtcp2."""
    return ["chroot", str(trixie.root()), "curl", "--http3-only", "-sS", "-k", "-o", "/dev/null",
            "--noproxy", "*", "--connect-to", f"{goal.sni}:{goal.port}:{goal.address}:{goal.port}",
            *goal.options, f"https://{goal.sni}:{goal.port}/"]


def openssl_quic(goal):
    return ["chroot", str(trixie.root()), "openssl", "s_client", "-quic", "-alpn", HTTP3, "-connect",
            goal.place, "-servername", goal.sni, *goal.options]


def openssl_dtls(goal):
    return ["openssl", "s_client", "-dtls", "-connect", goal.place, "-servername", goal.sni, "-alpn",
            "http/1.1", "-CAfile", goal.authority, "-verify_return_error", *goal.options]


def gnutls_dtls(goal):
    return ["gnutls-cli", "--udp", "-p", str(goal.port), goal.address, "--x509cafile", goal.authority,
            "--sni-hostname", goal.sni, "--verify-hostname", goal.sni, "--mtu", "1400", *goal.options]


CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--no-proxy-server"]


def key_hash(certificate):
    """What Chromium calls a key: over QUIC nothing else makes it accept an authority of ours."""
    key = process.command("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key.encode(),
                         capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def chromium(goal, profile, certificate):
    return [*CHROMIUM, f"--user-data-dir={profile}",
            f"--ignore-certificate-errors-spki-list={key_hash(certificate)}", f"--origin-to-force-quic-on={goal.sni}:{goal.port}",
            f"--host-resolver-rules=MAP {goal.sni} {goal.address}", "--dump-dom",
            f"https://{goal.sni}:{goal.port}/"]


SERVERS = {"ngtcp2": NgTcp2, "caddy": Caddy, "s_server": OpenSSLDtls, "gnutls-serv": GnuTLSDtls}
CLIENTS = {"ngtcp2": ngtcp2, "ngtcp2-trixie": ngtcp2_trixie, "curl": curl_http3, "openssl-quic": openssl_quic, "openssl": openssl_dtls,
           "gnutls-cli": gnutls_dtls}
COMM = {"ngtcp2": "gtlsclient", "ngtcp2-trixie": "gtlsclient", "curl": "curl", "openssl-quic": "openssl", "openssl": "openssl",
        "gnutls-cli": "gnutls-cli"}
TRIXIE = {"curl", "openssl-quic", "ngtcp2-trixie"}
INPUT = {"openssl": b"Q\n", "openssl-quic": b"Q\n"}


def tshark_hello(capture, kind):
    """The first hello of a kind (1 the client's, 2 the server's) in the capture."""
    own = "dtls" if capture.protocol == "dtls" else "tls"
    names = [f"{own}.handshake.random", f"{own}.handshake.extensions_server_name",
             f"{own}.handshake.ciphersuite", "tls.handshake.extensions_key_share_group",
             f"{own}.handshake.extensions_alpn_str"]
    [random, sni, ciphers, groups, alpn] = capture.fields(f"{own}.handshake.type == {kind}", *names)[0]
    return {"random": random.replace(":", ""), "sni": sni or None,
            "ciphers": [int(code, 0) for code in ciphers.split(",") if code],
            "groups": [int(code, 0) for code in groups.split(",") if code],
            "alpn": [name for name in alpn.split(",") if name]}


def tshark_agrees(row, capture):
    offer, chosen = tshark_hello(capture, 1), tshark_hello(capture, 2)
    pairs = [
        ("id", row["id"], offer["random"]),
        ("sni", row["tls"]["sni"], offer["sni"]),
        ("ciphers", row["offer"]["ciphers"], iana.names("cipher", offer["ciphers"])),
        ("offered alpn", row["offer"]["alpn"] or [], offer["alpn"]),
        ("server_random", row["tls"]["server_random"], chosen["random"]),
        ("cipher", row["tls"]["cipher"], iana.name("cipher", chosen["ciphers"][0])),
    ]
    if row["transport"] == "quic":
        pairs.append(("group", row["tls"]["group"], iana.name("group", chosen["groups"][0])))
    expect.differences(pairs)


def handshake_end(messages):
    """
    How many there are up to the client's first 1-RTT packet. Of later ones either may have heard more, and a file
    does not say that a packet of GSO is several datagrams.
    """
    for count, message in enumerate(messages, 1):
        if message[:2] == ["client", "quic_1rtt"]:
            return count
    return len(messages)


def file_agrees(row, capture):
    """What a capture taken during the trace says of the same handshake."""
    read = [other for other in reading.read(capture.file).rows if other["id"] == row["id"]]
    assert len(read) == 1, read
    live, file = reading.on_the_wire(row), reading.on_the_wire(read[0])
    seen, captured = live.pop("messages"), file.pop("messages")
    assert live == file
    end = min(handshake_end(seen), handshake_end(captured))
    assert end >= 3 and seen[:end] == captured[:end], f"{seen}\n{captured}"



def handshake_is(row, capture, client, server):
    expect.completed(row)
    expect.processes_are(row, client, server)
    tshark_agrees(row, capture)
    file_agrees(row, capture)
    assert not row["quality"]["gap"] and not row["quality"]["truncated"], row["quality"]


def descendants(pid):
    found = [pid]
    for one in found:
        try:
            found += process.children_of(one)
        except OSError:
            pass
    return set(found)
