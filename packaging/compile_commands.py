# SPDX-License-Identifier: BSD-2-Clause
"""compile_commands.json on standard output, from what make would run: compile_commands.py MAKE."""

import json
import os
import shlex
import subprocess
import sys


def compilations(lines):
    """One entry for each command that compiles one file."""
    for line in lines:
        if " -c " not in line:
            continue
        words = shlex.split(line)
        sources = [word for word in words if word.endswith(".c")]
        if len(sources) == 1 and "-o" in words:
            yield {"directory": os.getcwd(), "arguments": words, "file": sources[0],
                   "output": words[words.index("-o") + 1]}


def main():
    make = subprocess.run([sys.argv[1], "--always-make", "--dry-run", "V=1", "all", "unit", "fuzz"],
                          check=True, capture_output=True, text=True)
    json.dump(list(compilations(make.stdout.splitlines())), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
