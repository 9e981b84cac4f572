# SPDX-License-Identifier: BSD-2-Clause
"""The binary archive on a bare Debian 11: it needs nothing but a C library, of that age or newer."""

import gzip
import json
import re

import pytest

from conftest import ROOT, run

CAPTURE = ROOT / "tests/golden/captures/tls12-mutual.pcap"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    run("make", "-s", "tarball", cwd=ROOT)
    (archive,) = (ROOT / "build").glob("tlstrace-*-linux-*.tar.gz")
    folder = tmp_path_factory.mktemp("tarball")
    run("tar", "-C", str(folder), "-xzf", str(archive))
    (top,) = folder.iterdir()
    assert {"tlstrace", "tlstrace.8", "LICENSE", "completion"} <= {path.name for path in top.iterdir()}
    return top / "tlstrace"


def test_needs_only_an_old_libc(program):
    needed = re.findall(r"\(NEEDED\).*\[(\S+)\]", run("readelf", "-d", str(program)))
    assert needed and all(re.match(r"(libc|libm|libdl|libpthread|ld-linux)[-.]", name) for name in needed)
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", run("objdump", "-T", str(program)))
    assert max(tuple(map(int, version)) for version in versions) <= (2, 31)


def test_trace_and_read_on_an_older_release(program, bullseye, trace_one):
    inside = bullseye.put(program)
    lines = [json.loads(line) for line in trace_one(bullseye.command(inside)).splitlines()]
    assert lines[1]["outcome"] == "completed"
    assert lines[1]["client"]["process"]["comm"] == "curl"

    # Certificates and gzip, as with the shared libraries.
    packed = bullseye.path / "capture.pcap.gz"
    packed.write_bytes(gzip.compress(CAPTURE.read_bytes()))
    read = ("-o", "json", "-r")
    here = run(str(ROOT / "tlstrace"), *read, str(packed)).splitlines()
    there = bullseye.run(inside, *read, "/capture.pcap.gz").splitlines()
    assert [line for line in here if '"handshake"' in line] == [line for line in there if '"handshake"' in line]
    assert json.loads(there[1])["certificates"]
