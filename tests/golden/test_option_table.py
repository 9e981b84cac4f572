# SPDX-License-Identifier: BSD-2-Clause
"""--help, the manual page and both completions come from, or agree with, one option table."""

import re
import shutil
import subprocess

import pytest

import reading

GROUPS = ("Input", "Filters", "Output", "Checks", "Running")


def tlstrace(*arguments):
    done = subprocess.run([reading.program(), *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def help_options():
    """(group, letter, name, argument) of each option in --help, in its order."""
    found, group = [], None
    for line in tlstrace("--help").splitlines():
        title = re.fullmatch(r"(\w+):", line)
        group = title.group(1) if title else group
        option = re.match(r"  (?:-(\w), |    )--([a-z-]+)(?: (\S+))?(?:  |$)", line)
        if option and group in GROUPS:
            found.append((group, *option.groups()))
    return found


def manual_options():
    text = (reading.TOP / "docs/tlstrace.8.rst").read_text()
    section = text[text.index("\nOPTIONS\n=") : text.index("\nCOMMAND\n=")]
    lines, found, group = section.splitlines(), [], None
    for line, after in zip(lines, lines[1:]):
        if after and set(after) == {"-"}:
            group = line
        option = re.fullmatch(r"(?:-(\w)(?: (\S+))?, )?--([a-z][a-z-]*)(?:=(\S+))?", line)
        if option:
            letter, short, name, argument = option.groups()
            assert not letter or short == argument, line
            found.append((group, letter, name, argument))
    return found


def test_manual_describes_each_option():
    assert manual_options() == help_options()
    assert {group for group, *_ in help_options()} == set(GROUPS)


def test_help_fits():
    assert max(map(len, tlstrace("--help").splitlines())) <= 90


def complete(*words):
    """What bash offers for the last word."""
    script = ('source <("$0" --completion bash); compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
              ' _tlstrace; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, reading.program(), "tlstrace", *words],
                          capture_output=True, text=True, timeout=20)
    assert not done.stderr, done
    return done.stdout.split()


def test_bash_completes_options():
    assert complete("--") == [f"--{name}" for _, _, name, _ in help_options()] + ["--"]
    assert complete("--fai") == ["--failed"]


@pytest.mark.parametrize("words, expected", [
    (["--color", ""], ["auto", "always", "never"]), (["--color", "a"], ["auto", "always"]),
    (["--color", "=", "ne"], ["never"]), (["--role", "="], ["server", "client"]), (["-o", "tr"], ["tree"]),
    (["-i", "an"], ["any"]), (["-u", "nobod"], ["nobody"]), (["-n", ""], [])], ids=str)
def test_bash_completes_values(words, expected):
    assert complete(*words) == expected


def test_bash_completes_the_command():
    assert "openssl" in complete("--failed", "--", "openss")


def test_zsh_reads_its_completion(tmp_path):
    assert shutil.which("zsh"), "zsh is not installed: run make deps"
    script = tmp_path / "_tlstrace"
    script.write_text(tlstrace("--completion", "zsh"))
    # _arguments is replaced by a function that prints what it is given: one word for each option, and the command.
    done = subprocess.run(
        ["zsh", "-fc", f"_arguments() {{ print -rl -- $@ }}; source {script}"],
        capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and not done.stderr, done
    named = re.findall(r"^(?:\([^)]*\)|\*)?--([a-z-]+)=?\[", done.stdout, re.M)
    assert named == [name for _, _, name, _ in help_options()]
    assert r"table \(default\)" not in done.stdout and "table (default)" in done.stdout


def test_shells_are_bash_or_zsh():
    done = subprocess.run([reading.program(), "--completion", "fish"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "bash or zsh" in done.stderr and not done.stdout
