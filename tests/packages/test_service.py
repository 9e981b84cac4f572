# SPDX-License-Identifier: BSD-2-Clause
"""The service under systemd, in a container that boots: it traces within its limits, and comes back."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from conftest import ROOT, run, server

# Runs inside. Each step waits for what the one before must bring about, all of them for a minute.
PROBE = """
limit=$(($(date +%s) + 60 * SLOW))
lines() { journalctl -u tlstrace -o cat --no-pager; }
wait_for() {
	until [ "$(lines | grep -c "\\"type\\":\\"$1\\"")" -ge "$2" ] || [ "$(date +%s)" -gt $limit ]; do
		sleep 0.2
	done
}
systemctl start tlstrace
wait_for start 1
touch /started
wait_for handshake 1
systemctl kill --kill-who=main --signal=KILL tlstrace
wait_for start 2
lines >/journal
systemctl show -p ActiveState -p NRestarts -p UnitFileState tlstrace >/state
systemctl poweroff
"""
UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /probe
[Install]
WantedBy=default.target
"""


@pytest.fixture
def machine(bookworm, tmp_path):
    if not shutil.which("systemd-nspawn"):
        pytest.skip("NO SERVICE: systemd-nspawn is not installed; run make deps")
    run("make", "-s", "deb", f"package_folder={tmp_path}", cwd=ROOT)
    (package,) = tmp_path.glob("*.deb")
    bookworm.run("apt-get", "update", "-q")
    bookworm.run("apt-get", "install", "-qy", "--no-install-recommends", "systemd", "systemd-sysv", "dbus",
                 "." + bookworm.put(package))
    slow = os.environ.get("TLSTRACE_TEST_SLOW", "1")
    (bookworm.path / "probe").write_text(f"SLOW={slow}\n{PROBE}")
    (bookworm.path / "etc/systemd/system/probe.service").write_text(UNIT)
    bookworm.run("systemctl", "enable", "-q", "probe")
    bookworm.unmount()
    return bookworm


def connect(port):
    subprocess.run(["curl", "-sk", "-o", "/dev/null", f"https://127.0.0.1:{port}/"])


def boot(root, port, seconds=90):
    limit = time.monotonic() + seconds * float(os.environ.get("TLSTRACE_TEST_SLOW", 1))
    log = root.parent / "console"
    with log.open("w") as output:
        nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "--boot", "--directory", str(root), "--capability=all",
             "--system-call-filter=bpf perf_event_open fsopen fsconfig fsmount", "--register=no",
             "--keep-unit", "--console=pipe", "--resolv-conf=off", "--timezone=off"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        # The network is this machine's: a handshake on its loopback is the service's to see.
        while nspawn.poll() is None and time.monotonic() < limit:
            if (root / "started").exists():
                connect(port)
            time.sleep(0.5)
    finally:
        nspawn.kill()
        nspawn.wait()
    return log.read_text(errors="replace")


def test_traces_and_comes_back(machine, tmp_path):
    with server(tmp_path) as port:
        console = boot(pathlib.Path(machine.path), port)
    state = machine.path / "state"
    assert state.exists(), console[-3000:]
    facts = dict(line.split("=", 1) for line in state.read_text().splitlines())
    journal = (machine.path / "journal").read_text()
    assert facts["UnitFileState"] == "disabled"
    assert facts["ActiveState"] == "active" and facts["NRestarts"] == "1", journal[-3000:]
    lines = [json.loads(line) for line in journal.splitlines() if line.startswith("{")]
    assert [line["type"] for line in lines].count("start") == 2
    starts = [line for line in lines if line["type"] == "start"]
    assert starts[0]["capture"]["namespaces"] == "all"
    rows = [line for line in lines if line["type"] == "handshake" and line["server"]["port"] == port]
    assert rows and rows[0]["outcome"] == "completed", journal[-3000:]
    assert rows[0]["client"]["process"]["exe"] == "/usr/bin/curl"
    assert rows[0]["server"]["process"]["comm"] == "openssl"
