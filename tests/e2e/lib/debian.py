# SPDX-License-Identifier: BSD-2-Clause
"""Roots of Debian releases, built once by debootstrap and kept in a cache."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


class Unavailable(Exception):
    """The root cannot be had on this machine; the message says why."""


def cache_directory():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(os.environ.get("TLSTRACE_CACHE") or os.path.join(home, "tlstrace"))


def apt_mirror():
    """The archive that this machine's own release comes from: it has the other suites too."""
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


def root(suite, packages="", newest="usr/bin/apt-get"):
    """Path of the root, built if it is missing or lacks the file `newest`. Raises Unavailable."""
    final = cache_directory() / suite
    if (final / newest).exists():
        return final
    if not shutil.which("debootstrap"):
        raise Unavailable("debootstrap is not installed")
    mirror = apt_mirror()
    final.parent.mkdir(parents=True, exist_ok=True)
    # Built in a folder beside it and renamed, so a killed run leaves no incomplete root.
    building = tempfile.mkdtemp(prefix=f"{suite}.", dir=final.parent)
    try:
        os.chmod(building, 0o755)
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", *([f"--include={packages}"] if packages else []),
             suite, building, mirror],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
        if made.returncode != 0:
            raise Unavailable("debootstrap failed: " + made.stdout[-600:] + made.stderr[-600:])
        if final.exists() and not (final / newest).exists():
            os.rename(final, f"{building}.old")
        try:
            os.rename(building, final)
        except OSError:
            if not (final / newest).exists():  # else another run was faster
                raise
        return final
    finally:
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(f"{building}.old", ignore_errors=True)
