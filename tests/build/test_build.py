# SPDX-License-Identifier: BSD-2-Clause
"""What the build promises: reproducible, minimal rebuilds, other architectures, resolvable CO-RE."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, cwd=ROOT, **keywords):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, **keywords)


def checkout(folder):
    """The files git would commit, as they are now."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z").stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file() and name.split("/")[0] not in ("tests", ".github"):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("checkout"))
    run("make", "-j2", "all", cwd=folder)
    return folder


def test_two_checkouts_build_the_same_bytes(built, tmp_path):
    other = checkout(tmp_path / "another" / "deeper")
    run("make", "-j2", "all", cwd=other)
    digests = {hashlib.sha256((folder / "tlstrace").read_bytes()).hexdigest() for folder in (built, other)}
    assert len(digests) == 1


def remade(folder):
    """Sources compiled by a make after a change."""
    return set(re.findall(r"^  (?:CC|BPF) +(\S+)$", run("make", "all", cwd=folder).stdout, re.M))


def users_of(folder, header):
    """Sources whose dependency file names the header."""
    found = set()
    for rules in (folder / "build").rglob("*.d"):
        text = rules.read_text().replace("\\\n", " ").split("\n")[0]
        if re.search(rf"(^| ){re.escape(header)}( |$)", text):
            found.add(text.split(":", 1)[1].split()[0])
    return found


def test_touching_the_contract_rebuilds_what_uses_it(built):
    assert remade(built) == set()
    stamp = (built / "tlstrace").stat().st_mtime + 5
    os.utime(built / "bpf/tlstrace.h", (stamp, stamp))
    expected = users_of(built, "bpf/tlstrace.h")
    assert "bpf/tlstrace.bpf.c" in expected and "user/flow/flow.c" in expected
    assert "user/tls/names.c" not in expected
    assert remade(built) == expected


def test_bpf_compiles_for_arm64(tmp_path):
    multiarch = run("cc", "-print-multiarch").stdout.strip()
    run("clang", "-g", "-O2", "-target", "bpf", "-D__TARGET_ARCH_arm64", "-Wall", "-Werror",
        "-Ivmlinux", "-Ibpf", f"-I/usr/include/{multiarch}", "-c", "bpf/tlstrace.bpf.c",
        "-o", str(tmp_path / "arm64.o"))


def test_every_relocation_resolves_here(built, tmp_path):
    """libbpf says of each relocation how many targets it found in the running kernel's BTF."""
    kernel = pathlib.Path("/sys/kernel/btf/vmlinux")
    if not kernel.exists():
        pytest.skip("this kernel has no BTF")
    tool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    told = run(tool, "-d", "gen", "min_core_btf", str(kernel), str(tmp_path / "min.btf"),
               str(built / "build/bpf/tlstrace.bpf.o"))
    lines = [line for line in (told.stdout + told.stderr).splitlines() if "relo #" in line]
    assert any("matching candidate" in line for line in lines)
    assert not [line for line in lines if "no matching targets" in line]


def test_generated_tables_agree_with_their_source():
    run("make", "check-generated")


def test_every_file_names_its_licence():
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.split()
    kinds = (".c", ".h", ".py", ".sh")
    bare = [name for name in listed if name.endswith(kinds) and (ROOT / name).is_file()
            and "SPDX-License-Identifier" not in (ROOT / name).read_text()[:400]]
    assert bare == []


def test_install_and_uninstall(built, tmp_path):
    run("make", "install", f"DESTDIR={tmp_path}", "prefix=/usr", cwd=ROOT)
    assert (tmp_path / "usr/sbin/tlstrace").exists()
    run("make", "uninstall", f"DESTDIR={tmp_path}", "prefix=/usr", cwd=ROOT)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
