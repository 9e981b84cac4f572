# SPDX-License-Identifier: BSD-2-Clause
"""The program for arm64: it builds here, and reads captures as the native one does."""

import shutil

import pytest

from conftest import ROOT, run

CAPTURES = ("tls12-mutual.pcap", "tls13-psk.pcap", "quic.pcap", "dtls12.pcap")


@pytest.fixture(scope="module")
def program():
    if not shutil.which("aarch64-linux-gnu-gcc"):
        pytest.skip("NO ARM64: gcc-aarch64-linux-gnu is not installed; run make deps")
    run("make", "-s", "-j2", "ARCH=arm64", "WERROR=1", cwd=ROOT)
    return ROOT / "build/arm64/tlstrace"


def test_is_for_arm64(program):
    assert "AArch64" in run("readelf", "-h", str(program))


def test_reads_captures_as_the_native_program(program):
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if not emulator:
        pytest.skip("NOT RUN: qemu-user is not installed; run make deps")
    libraries = run("make", "-s", ".cross-root", "ARCH=arm64", cwd=ROOT).strip()
    for name in CAPTURES:
        read = ("-o", "json", "-r", str(ROOT / "tests/golden/captures" / name))
        rows = [[line for line in run(*command, *read).splitlines() if '"type":"handshake"' in line]
                for command in ((str(ROOT / "tlstrace"),), (emulator, "-L", libraries, str(program)))]
        assert rows[0] and rows[0] == rows[1], name
