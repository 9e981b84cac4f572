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

    def expired(self):
        """A server's certificate that was valid for a day in 2001."""
        name = "expired"
        if not self.chain(name).exists():
            self.request(name, "ec", f"/CN={name}.{DOMAIN}")
            command("openssl", "ca", "-batch", "-notext", "-md", "sha256", "-policy", "policy_anything",
                    "-config", self.authority_config(), "-cert", self.authority, "-keyfile",
                    self.key("authority"), "-in", self.directory / f"{name}.csr",
                    "-startdate", "20010101000000Z", "-enddate", "20010102000000Z",
                    "-extensions", "names", "-out", self.chain(name))
        return name

    def authority_config(self):
        """What openssl ca, which alone can date a certificate back, needs to know."""
        config, index = self.directory / "ca.cnf", self.directory / "index.txt"
        index.write_text("")
        config.write_text(f"""[ca]
default_ca = here
[here]
database = {index}
new_certs_dir = {self.directory}
rand_serial = yes
[policy_anything]
commonName = supplied
[names]
subjectAltName = DNS:*.{DOMAIN},DNS:{DOMAIN}
""")
        return config

    @property
    def authority(self):
        return self.chain("authority")

    def chain(self, name="server"):
        return self.directory / f"{name}.pem"

    def key(self, name="server"):
        return self.directory / f"{name}.key"

    def bundle(self, name="server"):
        return self.directory / f"{name}.bundle"
