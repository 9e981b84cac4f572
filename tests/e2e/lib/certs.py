# SPDX-License-Identifier: BSD-2-Clause
"""A certification authority and the certificates it signed, made once per session by openssl."""

from dataclasses import dataclass
from pathlib import Path

from .process import command

DOMAIN = "example.org"
KEYS = {
    "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["rsa:2048"],
}


@dataclass
class Certificates:
    """Paths of PEM files."""
    directory: Path

    def make(self):
        self.request("authority", "ec", "/CN=tlstrace tests", self_signed=True)
        self.request("stranger", "ec", "/CN=somebody else", self_signed=True)
        for name, kind in (("server", "ec"), ("rsa", "rsa"), ("client", "ec")):
            self.request(name, kind, f"/CN={name}.{DOMAIN}")
            self.sign(name)
        return self

    def request(self, name, kind, subject, self_signed=False):
        extra = ["-x509", "-days", "7"] if self_signed else []
        command("openssl", "req", "-new", *extra, "-newkey", *KEYS[kind], "-nodes",
                "-keyout", self.key(name), "-subj", subject,
                "-out", self.chain(name) if self_signed else self.directory / f"{name}.csr")

    def sign(self, name):
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:*.{DOMAIN},DNS:{DOMAIN}\n")
        command("openssl", "x509", "-req", "-in", self.directory / f"{name}.csr", "-days", "7",
                "-CA", self.authority, "-CAkey", self.key("authority"), "-CAcreateserial",
                "-extfile", extensions, "-out", self.chain(name))
        # haproxy wants chain and key in one file.
        self.bundle(name).write_text(self.chain(name).read_text() + self.key(name).read_text())

    @property
    def authority(self):
        return self.chain("authority")

    def chain(self, name="server"):
        return self.directory / f"{name}.pem"

    def key(self, name="server"):
        return self.directory / f"{name}.key"

    def bundle(self, name="server"):
        return self.directory / f"{name}.bundle"
