# SPDX-License-Identifier: BSD-2-Clause
"""A Debian trixie root: for its OpenSSL 3.5, the post-quantum client of the tests, and QUIC version 2.

It is built once by debootstrap and kept, so that only the first run of a machine pays for it.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SUITE = "trixie"
PACKAGES = "openssl,curl,ngtcp2-client,ngtcp2-server"
# The last of its programs that the tests run: a root without it is older than this list.
NEWEST = "usr/sbin/gtlsserver"


class Unavailable(Exception):
    """The root cannot be had on this machine; the message says why."""


def cache_directory():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(os.environ.get("TLSTRACE_CACHE") or os.path.join(home, "tlstrace"))


def apt_mirror():
    """The archive this machine's own release comes from: it has the other suites too."""
    release = dict(
        line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line
    ).get("VERSION_CODENAME", "").strip('"')
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
         "Created-By: Packages"],
        capture_output=True, text=True)
    for line in targets.stdout.splitlines():
        uri, suite, component = line.split()
        if suite == release and component == "main":
            return uri
    raise Unavailable(f"apt knows no archive of {release!r}: {targets.stderr.strip()}")


def root():
    """Path of the root, built if it is not there yet. Raises Unavailable."""
    final = cache_directory() / SUITE
    if (final / NEWEST).exists():
        return final
    if not shutil.which("debootstrap"):
        raise Unavailable("debootstrap is not installed")
    mirror = apt_mirror()
    final.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and renamed: a killed run leaves no half-made root behind.
    building = tempfile.mkdtemp(prefix=f"{SUITE}.", dir=final.parent)
    try:
        os.chmod(building, 0o755)
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, building, mirror],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
        if made.returncode != 0:
            raise Unavailable("debootstrap failed: " + made.stdout[-600:] + made.stderr[-600:])
        if final.exists() and not (final / NEWEST).exists():
            os.rename(final, f"{building}.old")
        try:
            os.rename(building, final)
        except OSError:
            if not (final / NEWEST).exists():  # else another run was faster
                raise
        return final
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(f"{building}.old", ignore_errors=True)
