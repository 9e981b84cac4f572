# SPDX-License-Identifier: BSD-2-Clause
"""Limits of the code's form: formatting, lines, functions, files.

What exceeds a limit today is listed here. The lists must be exact: remove an entry when you have
fixed it, and do not add any.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES_OF_A_FILE, LINES_OF_A_FUNCTION, COLUMNS = 600, 60, 100

LONG_FILES = set()
LONG_FUNCTIONS = set()
LONG_LINES = set()


def listed(*endings):
    """Files of the tree that people write: no generated ones, no data."""
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, capture_output=True, text=True).stdout.split("\n")
    return [name for name in names if name.endswith(endings) and ".gen." not in name
            and not name.startswith("vmlinux/") and (ROOT / name).is_file()]


def lines(name):
    return (ROOT / name).read_text().expandtabs(8).splitlines()


def functions(name):
    """Name and length of each function of a C file, in the form that clang-format leaves."""
    start = function = None
    for number, line in enumerate(lines(name)):
        begins = re.match(r"[A-Za-z_][^(=]*?(?:\bBPF_\w+\()?(\w+)[(,)]", line)
        if begins and not line.endswith(";"):
            start, function = number, begins.group(1)
        elif line == "}" and start is not None:
            yield function, number - start + 1
            start = None


def prose(name):
    """Lines of a file, without what a document quotes."""
    quoted = False
    for line in lines(name):
        quoted ^= name.endswith(".md") and line.startswith("```")
        if not quoted:
            yield line.removesuffix("\\").rstrip()


def test_clang_format():
    tool = shutil.which("clang-format")
    version = tool and subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    if not version or "version 14." not in version:
        pytest.skip(f"NOT CHECKED: Debian 12's clang-format 14 is needed, here is {version}")
    done = subprocess.run([tool, "--dry-run", "--Werror", *listed(".c", ".h")], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 0, "run clang-format -i on: " + " ".join(
        sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.M))))


def test_files_are_short():
    names = listed(".c", ".h", ".py", ".sh", ".mk", "Makefile")
    assert {name for name in names if len(lines(name)) > LINES_OF_A_FILE} == LONG_FILES


def test_functions_are_short():
    code = [name for name in listed(".c", ".h") if name.startswith(("bpf/", "user/"))]
    found = {f"{name}:{function}" for name in code for function, length in functions(name)
             if length > LINES_OF_A_FUNCTION}
    assert found == LONG_FUNCTIONS


def test_lines_are_short():
    names = [name for name in listed(".c", ".h", ".md", ".mk")
             if name.startswith(("bpf/", "user/", "docs/", "packaging/")) or "/" not in name and name != "CHANGELOG.md"]
    # A table cannot be wrapped, nor can what a program prints.
    found = {name for name in names for line in prose(name)
             if len(line) > COLUMNS and not line.startswith("|")}
    assert found == LONG_LINES


def test_functions_are_found():
    """The check above must see what it measures."""
    found = dict(functions("user/main.c"))
    assert found.get("main", 0) > 3
