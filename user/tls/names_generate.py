#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write names.gen.c from registry/*.tsv, or with --check say whether it is up to date.

The tables are IANA's own text. What is not a name in it (renamings, registration states, the
_RESERVED suffix) is taken off here and not in the sources, so that a newer registry can be put
in their place unedited.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUTPUT = os.path.join(HERE, "names.gen.c")
LICENCE = "# SPDX-License-Identifier: BSD-2-Clause"

# registry file, C table, largest code point
REGISTRIES = (
    ("cipher_suites", "tls_ciphers", 0xFFFF),
    ("supported_groups", "tls_groups", 0xFFFF),
    ("signature_schemes", "tls_signatures", 0xFFFF),
    ("extension_types", "tls_extensions", 0xFFFF),
    ("alerts", "tls_alerts", 0xFF),
    ("handshake_types", "tls_handshakes", 0xFF),
)

# "(deprecated)" stays: without it extension 53 would read like its successor 54.
NOTE = re.compile(r" \((renamed from|TEMPORARY|OBSOLETE)[^)]*\)$")
# Goes into a C string and from there into JSON and onto terminals unescaped.
NAME = re.compile(r"[A-Za-z0-9_./-]+( \(deprecated\))?")


class RegistryError(Exception):
    """One sentence about a table that cannot be used."""


def clean_name(text):
    name = NOTE.sub("", text)
    return name[: -len("_RESERVED")] if name.endswith("_RESERVED") else name


def read_rows(name, header):
    path = os.path.join(HERE, "registry", name + ".tsv")
    with open(path, encoding="ascii") as table:
        lines = table.read().splitlines()
    if lines[:2] != [LICENCE, "\t".join(header)]:
        raise RegistryError(f"{path} does not start with the licence and the header line.")
    for number, line in enumerate(lines[2:], 3):
        row = line.split("\t")
        if len(row) != len(header):
            raise RegistryError(f"{path}:{number} does not have {len(header)} columns.")
        yield row


def add_name(names, registry, code, text, limit):
    value, name = int(code, 0), clean_name(text)
    if not 0 <= value <= limit or value in names:
        raise RegistryError(f"Code {code} in registry {registry} is out of range or listed twice.")
    if not NAME.fullmatch(name):
        raise RegistryError(f"Name {name!r} in registry {registry} is not one plain word.")
    names[value] = name


def read_registries():
    registries = {name: {} for name, _, _ in REGISTRIES}
    limits = {name: limit for name, _, limit in REGISTRIES}
    for registry in registries:
        for code, name, _source in read_rows(registry, ("code", "name", "source")):
            add_name(registries[registry], registry, code, name, limits[registry])
    for registry, code, name, _source in read_rows("odd", ("registry", "code", "name", "source")):
        if registry not in registries:
            raise RegistryError(f"odd.tsv speaks of the unknown registry {registry}.")
        add_name(registries[registry], registry, code, name, limits[registry])
    return registries


def format_tables(registries):
    out = [
        "/* SPDX-License-Identifier: BSD-2-Clause */",
        "/* Written by names_generate.py from registry/, do not edit. Sorted for bsearch(). */",
        '#include "names.gen.h"',
    ]
    for registry, table, limit in REGISTRIES:
        width = 4 if limit > 0xFF else 2
        names = registries[registry]
        out += ["", f"static const struct tls_name {table}_rows[] = {{"]
        out += [f'\t{{0x{code:0{width}x}, "{names[code]}"}},' for code in sorted(names)]
        out += ["};", "", f"const struct tls_name_table {table} = {{"]
        out += [f"\t.rows = {table}_rows,", f"\t.count = {len(names)},", "};"]
    return "\n".join(out) + "\n"


def check_output(text):
    try:
        with open(OUTPUT, encoding="ascii") as committed:
            if committed.read() == text:
                return 0
    except FileNotFoundError:
        pass
    print("user/tls/names.gen.c differs from user/tls/registry: run user/tls/names_generate.py "
          "and commit the result.", file=sys.stderr)
    return 1


def main(arguments):
    if arguments not in ([], ["--check"]):
        print("usage: names_generate.py [--check]", file=sys.stderr)
        return 2
    try:
        text = format_tables(read_registries())
    except (RegistryError, OSError, ValueError) as error:
        print(f"names_generate.py: {error}", file=sys.stderr)
        return 1
    if arguments:
        return check_output(text)
    with open(OUTPUT, "w", encoding="ascii") as output:
        output.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
