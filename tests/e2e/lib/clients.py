# SPDX-License-Identifier: BSD-2-Clause
"""Command lines of real TLS clients. Each makes one handshake and one HTTP request, and ends."""

from dataclasses import dataclass

from .process import helper
from .servers import ANY_CIPHER

REQUEST = b"GET / HTTP/1.1\r\nHost: tlstrace\r\nConnection: close\r\n\r\n"
HTTP1 = ["http/1.1"]
OPENSSL_VERSIONS = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2",
                    "TLSv1.3": "-tls1_3"}
GNUTLS_VERSIONS = {"TLSv1.0": "TLS1.0", "TLSv1.1": "TLS1.1", "TLSv1.2": "TLS1.2",
                   "TLSv1.3": "TLS1.3"}


@dataclass
class Goal:
    """Where a client goes and what it may negotiate."""
    address: str
    port: int
    authority: str
    version: str = None  # the only one allowed; None: the program's default
    sni: str = "web.example.org"
    options: tuple = ()

    @property
    def place(self):
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"

    @property
    def old(self):
        return self.version in ("TLSv1.0", "TLSv1.1")


def openssl(goal):
    version = [OPENSSL_VERSIONS[goal.version]] if goal.version else []
    old = ["-cipher", ANY_CIPHER] if goal.old else []
    return ["openssl", "s_client", "-connect", goal.place, "-servername", goal.sni, "-alpn",
            ",".join(HTTP1), "-CAfile", goal.authority, "-verify_return_error", "-quiet",
            "-ign_eof", *version, *old, *goal.options]


def curl(goal):
    number = (goal.version or "TLSv1.3").removeprefix("TLSv")
    version = [f"--tlsv{number}", "--tls-max", number] if goal.version else []
    old = ["--ciphers", ANY_CIPHER] if goal.old else []
    address = f"[{goal.address}]" if ":" in goal.address else goal.address
    return ["curl", "-sS", "-o", "/dev/null", "--noproxy", "*", "--cacert", goal.authority,
            "--connect-to", f"{goal.sni}:{goal.port}:{address}:{goal.port}", "-w",
            "%{local_port}", *version, *old, *goal.options, f"https://{goal.sni}:{goal.port}/"]


def gnutls(goal):
    only = f":-VERS-ALL:+VERS-{GNUTLS_VERSIONS[goal.version]}" if goal.version else ""
    return ["gnutls-cli", "-p", str(goal.port), goal.address, "--x509cafile", goal.authority,
            "--sni-hostname", goal.sni, "--verify-hostname", goal.sni, "--alpn", *HTTP1,
            "--priority", "NORMAL" + only, *goal.options]


def python(goal):
    return helper("tls_client.py", goal.address, goal.port, goal.authority, goal.sni,
                  goal.version or "any", *HTTP1)


def node(goal):
    # The program itself, no wrapper: its pid is the one that was started.
    script = helper("tls_client.js")[1]
    return ["node", script, goal.address, str(goal.port), goal.authority, goal.sni,
            goal.version or "any", *HTTP1]


BY_NAME = {"openssl": openssl, "curl": curl, "gnutls-cli": gnutls, "python": python, "node": node}
# What the kernel calls them: the name of the file that was executed.
COMM = {"openssl": "openssl", "curl": "curl", "gnutls-cli": "gnutls-cli", "python": "python3",
        "node": "node"}
ALPN = {"curl": ["h2", "http/1.1"]}


def input_of(name):
    """curl, python and node make their own request."""
    return REQUEST if name in ("openssl", "gnutls-cli") else b""
