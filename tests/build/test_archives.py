# SPDX-License-Identifier: BSD-2-Clause
"""The source archive, the RPM description, and the description of compilations."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def archive(build):
    run("make", "-s", "dist", f"BUILD={build}")
    (made,) = build.glob("*.tar.gz")
    return made


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_source_archive(tmp_path):
    first, second = archive(tmp_path / "one"), archive(tmp_path / "two")
    assert first.read_bytes() == second.read_bytes()
    run("tar", "-xzf", str(first), cwd=tmp_path)
    (tree,) = (path for path in tmp_path.iterdir() if path.name.startswith("tlstrace-"))
    assert {path.name for path in tree.iterdir()} >= {"Makefile", "LICENSE", "README.md", "bpf", "user"}
    # A build of the archive names the commit, also below another repository.
    run("git", "init", "-q", cwd=tmp_path)
    run("make", "build/version.h", cwd=tree)
    commit = run("git", "rev-parse", "--short", "HEAD").strip()
    assert commit in (tree / "build/version.h").read_text()


@pytest.mark.skipif(not shutil.which("rpmspec"), reason="NO RPM CHECK: rpmspec is not installed")
def test_rpm_description(tmp_path):
    run("make", "-s", "rpm-check")
    release = (ROOT / "VERSION").read_text().strip()
    listed = run("rpmspec", "-q", "--define", f"release_version {release}", "packaging/tlstrace.spec")
    assert f"tlstrace-{release}-" in listed
    # Whatever is installed is packaged, and the other way round.
    run("make", "-s", "install", f"DESTDIR={tmp_path}", "prefix=/usr")
    installed = {path.name.removesuffix(".8") for path in tmp_path.rglob("*") if path.is_file()}
    spec = (ROOT / "packaging/tlstrace.spec").read_text().split("%files")[1]
    packaged = {os.path.basename(line.split()[-1]).removesuffix(".8*")
                for line in spec.splitlines() if line.startswith(("%{", "%config"))}
    assert installed == packaged


def test_compilations_are_described(tmp_path):
    run("make", "-s", "compile_commands.json")
    entries = json.loads((ROOT / "compile_commands.json").read_text())
    described = {entry["file"] for entry in entries}
    sources = {str(path.relative_to(ROOT)) for folder in ("user", "tests/unit", "tests/fuzz")
               for path in (ROOT / folder).rglob("*.c")}
    assert sources - described == set()
    assert "bpf/tlstrace.bpf.c" in described
    program = next(entry for entry in entries if entry["file"] == "user/main.c")
    checked = [word for word in program["arguments"] if not word.startswith("-M")]
    run(*checked[:checked.index("-c")], "-fsyntax-only", "user/main.c")
