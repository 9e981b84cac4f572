# SPDX-License-Identifier: BSD-2-Clause
"""No part of user/ includes another that includes it: neither files nor folders."""

import graphlib
import pathlib
import re

USER = pathlib.Path(__file__).resolve().parents[2] / "user"
INCLUDE = re.compile(r'^#include "(.+)"', re.MULTILINE)


def edges(name_of, files=None):
    """What each part includes, by the name that name_of gives to the path of a file."""
    files = files or {path.relative_to(USER): path.read_text() for path in USER.rglob("*.[ch]")}
    graph = {}
    for path, text in files.items():
        # A header that no .c file belongs to calls nothing: it includes types only.
        if path.suffix == ".h" and path.with_suffix(".c") not in files:
            continue
        included = [pathlib.Path(name) for name in INCLUDE.findall(text)]
        names = {name_of(other) for other in included if other in files}
        graph.setdefault(name_of(path), set()).update(names - {name_of(path)})
    return graph


def module(path):
    """A header and its .c file are one."""
    return str(path.with_suffix(""))


def folder(path):
    return path.parts[0] if len(path.parts) > 1 else module(path)


def circle(graph):
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def test_no_circle_of_files():
    assert circle(edges(module)) is None


def test_no_circle_of_folders():
    assert circle(edges(folder)) is None


def test_a_circle_is_found():
    files = {pathlib.Path(name): text for name, text in {
        "a/one.c": '#include "a/one.h"\n#include "b/two.h"\n', "a/one.h": "", "b/two.h": "", "c.h": "",
        "b/two.c": '#include <stdio.h>\n#include "c.h"\n', "c.c": '\n#include "a/one.h"\n'}.items()}
    assert set(circle(edges(module, files))) == {"a/one", "b/two", "c"}
    assert set(circle(edges(folder, files))) == {"a", "b", "c"}
