# SPDX-License-Identifier: BSD-2-Clause
"""What the documents name exists: files, targets, sections."""

import functools
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                       check=True, capture_output=True, text=True).stdout.split("\n")
DOCUMENTS = [name for name in NAMES if name.endswith((".md", ".rst"))]
FOLDERS = ("bpf/", "user/", "docs/", "tests/", "packaging/", ".ci/")


@functools.cache
def targets():
    """Names that the Makefiles declare as targets, and those that `make help` lists."""
    text = "".join((ROOT / name).read_text() for name in ("Makefile", "packaging/packages.mk"))
    declared = set(re.findall(r"^([a-z][a-z0-9_.-]*):(?!=)", text, re.M))
    phony = {name for line in re.findall(r"^\.PHONY: (.*)$", text, re.M) for name in line.split()}
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    return declared & phony, {line.split()[0] for line in shown.stdout.splitlines()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_exist(name):
    text = (ROOT / name).read_text()
    here = (ROOT / name).parent
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)
             if not link.startswith(("#", "http"))]
    assert [link for link in links if not (here / link).exists()] == []
    quoted = [path for path in re.findall(r"`([\w./-]+)`", text) if path.startswith(FOLDERS)]
    assert [path for path in quoted if not (ROOT / path).exists()
            and not (here / path).exists()] == []


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith(".md")])
def test_contents_lead_to_headings(name):
    text = re.sub(r"^```.*?^```", "", (ROOT / name).read_text(), flags=re.M | re.S)
    headings = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                for heading in re.findall(r"^#+ (.*)$", text, re.M)}
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", text) if link not in headings] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_targets_exist(name):
    declared, shown = targets()
    named = set(re.findall(r"`(?:sudo )?make ([a-z][a-z-]+)", (ROOT / name).read_text()))
    assert named - declared - shown == set()


def test_help_lists_every_target():
    declared, shown = targets()
    assert declared - shown == set()


def test_nothing_refers_to_plans_outside():
    words = ("DESIGN" + ".md", "EVENTS" + ".md")
    code = [name for name in NAMES if name.endswith((".c", ".h", ".py", ".sh", ".md", ".rst", ".js"))
            and (ROOT / name).is_file()]
    assert [name for name in code if any(word in (ROOT / name).read_text() for word in words)] == []


def test_sentences_of_the_readme_are_in_the_manual():
    manual = (ROOT / "docs/tlstrace.8.rst").read_text()
    failures = manual[manual.index("\nFAILURES\n"):manual.index("\nJSON\n")]
    titles = re.findall(r"^(\S.* .*)\n    \S", failures, re.M)
    patterns = [re.sub(r"\\?\b(WHO|PEER|SIDE|LAST|TIME|ALERT|REASON|PROTOCOL|SIGNAL|ERROR|CAUSE)\b", ".+",
                       re.escape(title).replace("\\ ", " ")) for title in titles]
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index("### Why a handshake failed"):]
    sentences = re.search(r"```\n(.*?)```", section, re.S).group(1).splitlines()
    assert len(sentences) > 3
    assert [one for one in sentences if not any(re.fullmatch(pattern, one) for pattern in patterns)] == []
