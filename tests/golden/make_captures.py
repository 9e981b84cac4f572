#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the captures of the golden tests again: real programs in two namespaces, tcpdump between them.

make_captures.py [NAME...]: all, or those named; `make captures` installs what it needs. What differs
from run to run (keys, randoms, ports, times) makes new expected values: run the test with UPDATE=1
afterwards and look at what changed.
"""

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import scenarios  # noqa: E402
from lib import net, process, trixie  # noqa: E402

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


def make_certificates(folder):
    """Valid for a century: expected values must not depend on the day."""
    def openssl(*argv):
        process.command("openssl", *argv)
    openssl("req", "-x509", "-days", "36500", "-newkey", *KEYS["ec"], "-nodes", "-subj",
            "/O=tlstrace/CN=Golden Authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    for name, kind, subject, san in (
            ("ec", "ec", "/O=tlstrace/CN=golden.example", "DNS:golden.example,DNS:*.golden.example"),
            ("rsa", "rsa", "/C=ZZ/O=tlstrace, Inc./CN=rsa.golden.example",
             "DNS:rsa.golden.example,IP:192.0.2.2,email:who@golden.example,URI:spiffe://golden/rsa"),
            ("client", "ec", "/CN=client 7", "email:client7@golden.example")):
        (folder / f"{name}.ext").write_text(f"subjectAltName={san}\n")
        openssl("req", "-new", "-newkey", *KEYS[kind], "-nodes", "-subj", subject,
                "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
        openssl("x509", "-req", "-days", "36500", "-in", folder / f"{name}.csr",
                "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
                "-extfile", folder / f"{name}.ext", "-out", folder / f"{name}.pem")
    openssl("pkey", "-in", folder / "ec.key", "-pubout", "-out", folder / "ec.pub")
    make_ocsp_response(folder)
    make_stores(folder)
    for path in folder.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)


def make_ocsp_response(folder):
    """The authority says of one certificate that it is good: ocsp.der, to be stapled."""
    serial = process.command("openssl", "x509", "-in", folder / "ec.pem", "-noout", "-serial")
    (folder / "index.txt").write_text(f"V\t21250101000000Z\t\t{serial.strip().removeprefix('serial=')}"
                                      "\tunknown\t/O=tlstrace/CN=golden.example\n")
    process.command("openssl", "ocsp", "-index", folder / "index.txt", "-rsigner", folder / "ca.pem", "-rkey",
                    folder / "ca.key", "-CA", folder / "ca.pem", "-issuer", folder / "ca.pem", "-cert",
                    folder / "ec.pem", "-ndays", "36500", "-no_nonce", "-respout", folder / "ocsp.der")


def make_stores(folder):
    """Keys as Java and NSS want them."""
    for name in ("ec", "rsa"):
        process.command("openssl", "pkcs12", "-export", "-name", "golden", "-in", folder / f"{name}.pem", "-inkey",
                        folder / f"{name}.key", "-passout", "pass:golden", "-out", folder / f"{name}.p12")
    (folder / "nssdb").mkdir()
    process.command("certutil", "-N", "-d", f"sql:{folder}/nssdb", "--empty-password")
    process.command("pk12util", "-i", folder / "ec.p12", "-d", f"sql:{folder}/nssdb", "-W", "golden")


def ech_configs():
    """For a client: draft-ietf-tls-esni-18 section 4, of a key that no server has."""
    def vector(data, width):
        return len(data).to_bytes(width, "big") + data
    key = os.urandom(32)  # X25519's are any 32 bytes
    contents = (b"\x07\x00\x20" + vector(key, 2)  # DHKEM(X25519, HKDF-SHA256)
                + vector(b"\x00\x01\x00\x01", 2)  # HKDF-SHA256, AES-128-GCM
                + b"\x40" + vector(b"public.golden.example", 1) + vector(b"", 2))
    return base64.b64encode(vector(b"\xfe\x0d" + vector(contents, 2), 2)).decode()


class Stage:
    """Two namespaces with a veth pair, and the programs of one scenario."""

    def __init__(self, network, folder):
        self.network, self.folder = network, folder
        self.client_side, self.server_side = network.namespace(), network.namespace()
        left, right = network.pair(self.client_side, self.server_side)
        self.interface = left.interface
        for side, address in ((left, CLIENT), (right, SERVER)):
            process.command("ip", "address", "add", f"{address}/24", "dev", side.interface,
                            namespace=side.namespace)
            process.command("ethtool", "-K", side.interface, "tso", "off", "gso", "off", "gro", "off",
                            namespace=side.namespace)

    def capture(self, name, scenario):
        work = self.folder / name
        work.mkdir()
        processes = process.Processes(work)
        path = HERE / "captures" / f"{name}.pcap"
        try:
            servers = [processes.start(self.expand(argv), self.server_side, stdin=subprocess.PIPE)
                       for argv in scenario.servers]
            for started, port in zip(servers, scenario.ports):
                if port:
                    processes.wait_listening(started, port)
            if not any(scenario.ports):
                time.sleep(1)  # whether a UDP server listens cannot be seen
            tcpdump = subprocess.Popen(
                process.in_namespace(self.client_side, [
                    "tcpdump", "-Z", "root", "-n", "-i", self.interface, "-s", "0",
                    "--immediate-mode", "-U", "-w", str(path), "tcp or udp port 443 or udp port 4433"]),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            tcpdump.stderr.readline()  # "listening on"
            for argv, said in scenario.clients:
                self.run_client(self.expand(argv), said, work)
            time.sleep(0.5)
            tcpdump.terminate()
            tcpdump.communicate(timeout=10)
        finally:
            processes.end()
        print(f"{name}: {path.stat().st_size} bytes")

    def expand(self, argv):
        values = {"certs": self.folder, "helpers": process.HELPERS, "server": SERVER, "golden": HERE,
                  "ech": ech_configs()}
        values["trixie"] = trixie.root() if any("{trixie}" in part for part in argv) else None
        return [str(part).format(**values) for part in argv]

    def run_client(self, argv, said, work):
        """What it is to say goes in piece by piece: a program that reads it at once would end too early."""
        client = subprocess.Popen(process.in_namespace(self.client_side, argv), cwd=work,
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, env=process.environment())
        try:
            for piece in said:
                time.sleep(0.4)
                client.stdin.write(piece)
                client.stdin.flush()
            time.sleep(0.4 if said else 0)
            client.communicate(timeout=10)
        except BrokenPipeError:
            client.wait(10)
        except subprocess.TimeoutExpired:
            client.kill()
            client.communicate()


def main(names):
    chosen = {name: scenario for name, scenario in scenarios.SCENARIOS.items() if not names or name in names}
    unknown = set(names) - set(chosen)
    if unknown:
        sys.exit(f"no such capture: {' '.join(sorted(unknown))}")
    if os.geteuid():
        sys.exit("namespaces and tcpdump need root: use sudo make captures")
    folder = Path(tempfile.mkdtemp(prefix="golden-", dir="/tmp"))
    network = net.Network()
    try:
        make_certificates(folder)
        stage = Stage(network, folder)
        for name, scenario in chosen.items():
            stage.capture(name, scenario)
    finally:
        network.remove()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
