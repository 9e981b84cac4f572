# SPDX-License-Identifier: BSD-2-Clause
"""tlstrace in a container, by the command of the README: these capabilities and no others."""

import json
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import ROOT, run


def readme_command():
    text = (ROOT / "README.md").read_text().replace("\\\n", " ")
    words = shlex.split(re.search(r"^podman run .*$", text, re.M).group())
    return words[2:words.index("tlstrace")]  # its options


def podman(system, options):
    """Options as in the README; the rest is what this machine's limits and cgroups ask for."""
    return ["podman", "--cgroup-manager", "cgroupfs", "--runtime", "runc", "run", *options,
            "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--rootfs", str(system.path),
            "/usr/sbin/tlstrace"]


@pytest.fixture
def installed(bookworm, tmp_path):
    if not shutil.which("podman") or not shutil.which("runc"):
        pytest.skip("NO CONTAINER: podman or runc is not installed; run make deps")
    run("make", "-s", "deb", f"package_folder={tmp_path}", cwd=ROOT)
    (package,) = tmp_path.glob("*.deb")
    bookworm.run("apt-get", "update", "-q")
    bookworm.run("apt-get", "install", "-qy", "--no-install-recommends", "." + bookworm.put(package))
    bookworm.unmount()
    return bookworm


def test_command_of_the_readme(installed, trace_one):
    options = readme_command()
    assert "--privileged" not in options
    lines = [json.loads(line) for line in trace_one(podman(installed, options)).splitlines()]
    start, row = lines[:2]
    assert start["capture"]["namespaces"] == "all"
    assert row["outcome"] == "completed"
    assert row["client"]["process"]["comm"] == "curl"
    assert row["client"]["process"]["exe"] == "/usr/bin/curl"
    assert row["server"]["process"]["comm"] == "openssl"


def test_what_is_needed_to_trace(installed):
    """Without either of these it does not start, or says that it sees less."""
    options = readme_command()
    for missing in ("NET_ADMIN", "SYS_ADMIN"):
        at = options.index(missing)
        less = options[:at - 1] + options[at + 1:]
        done = subprocess.run([*podman(installed, less), "-d", "1ms", "--output", "json"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1 or '"namespaces":"current"' in done.stdout, \
            f"{missing} is not needed: {done.stdout} {done.stderr}"
