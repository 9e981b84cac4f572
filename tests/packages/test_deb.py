# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package on a bare Debian 12: install, trace, remove."""

import json
import pathlib
import subprocess

import pytest

from conftest import ROOT, run

INSTALLED = ("usr/sbin/tlstrace", "usr/share/man/man8/tlstrace.8.gz",
             "usr/share/bash-completion/completions/tlstrace",
             "usr/share/zsh/vendor-completions/_tlstrace",
             "usr/share/doc/tlstrace/events.schema.json", "usr/share/doc/tlstrace/copyright",
             "usr/lib/systemd/system/tlstrace.service", "etc/default/tlstrace")


def build(folder):
    run("make", "-s", "deb", f"package_folder={folder}", cwd=ROOT)
    (package,) = folder.glob("tlstrace_*.deb")
    return package


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return build(tmp_path_factory.mktemp("deb"))


def files(root):
    return {str(path.relative_to(root)) for folder in ("usr", "etc", "var/lib/systemd")
            for path in (root / folder).rglob("*tlstrace*")}


def test_install_trace_remove(package, bookworm, trace_one):
    bookworm.run("apt-get", "update", "-q")
    bookworm.run("apt-get", "install", "-qy", "--no-install-recommends", "./" + bookworm.put(package).lstrip("/"))
    missing = [name for name in INSTALLED if not (bookworm.path / name).is_file()]
    # The base of the test excludes manual pages and documents only if its dpkg is set up so.
    assert missing == []
    assert not list((bookworm.path / "etc/systemd").rglob("tlstrace*")), "the service is enabled"

    lines = [json.loads(line) for line in trace_one(bookworm.command("tlstrace")).splitlines()]
    assert [line["type"] for line in lines] == ["start", "handshake", "end"]
    row = lines[1]
    assert row["outcome"] == "completed" and row["tls"]["sni"] == "package.example"
    assert row["client"]["process"]["comm"] == "curl" and row["server"]["process"]["comm"] == "openssl"

    bookworm.run("apt-get", "remove", "-qy", "tlstrace")
    assert files(bookworm.path) - {"etc/default/tlstrace"} == set(), "configuration stays, nothing else"
    bookworm.run("apt-get", "purge", "-qy", "tlstrace")
    assert files(bookworm.path) == set()


def test_same_tree_same_package(package, tmp_path):
    assert build(tmp_path).read_bytes() == package.read_bytes()


def test_the_service_is_hardened(package, tmp_path):
    run("dpkg-deb", "-x", str(package), str(tmp_path))
    unit = tmp_path / "usr/lib/systemd/system/tlstrace.service"
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert pathlib.Path(tmp_path / "usr/sbin/tlstrace").exists()
