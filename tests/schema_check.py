#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check `tlstrace -o json` lines on stdin against docs/events.schema.json.

One sentence on stdout for each violation; exit 1 if there was one, 2 if the check cannot be made.
--partial: the input is an excerpt, the start and end lines need not be where they belong.

The part of JSON Schema 2020-12 that the schema uses, and no more: a keyword that is not known
here stops the check, so that nobody writes a rule which nothing enforces.
"""

import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "..", "docs", "events.schema.json")

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    # The specification counts 1.0 as an integer; a reader in C would not.
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


class SchemaError(Exception):
    """One sentence about a schema that cannot be used."""


class Validator:
    """Methods check_* are the keywords; each yields (place, complaint) pairs."""

    # $comment and the like say nothing about the value; "then" and "else" belong to "if".
    SILENT = {"$comment", "$schema", "$defs", "title", "description", "then", "else"}

    def __init__(self, schema):
        self.root = schema
        self.keywords = {
            "$ref": self.check_ref,
            "type": self.check_type,
            "const": self.check_const,
            "enum": self.check_enum,
            "pattern": self.check_pattern,
            "minimum": self.check_minimum,
            "maximum": self.check_maximum,
            "required": self.check_required,
            "properties": self.check_properties,
            "additionalProperties": self.check_additional,
            "items": self.check_items,
            "allOf": self.check_all,
            "if": self.check_if,
        }

    def check(self, schema, value, place=""):
        if isinstance(schema, bool):
            if not schema:
                yield place, "is not allowed"
            return
        for keyword, rule in schema.items():
            if keyword in self.SILENT:
                continue
            if keyword not in self.keywords:
                raise SchemaError(f"The schema uses {keyword!r}, which is not known here.")
            yield from self.keywords[keyword](rule, value, place, schema)

    def check_ref(self, rule, value, place, _schema):
        target = self.root
        if not rule.startswith("#/"):
            raise SchemaError(f"The schema refers to {rule!r}, which is not within it.")
        for step in rule[2:].split("/"):
            if step not in target:
                raise SchemaError(f"The schema refers to {rule!r}, which does not exist.")
            target = target[step]
        yield from self.check(target, value, place)

    def check_type(self, rule, value, place, _schema):
        names = [rule] if isinstance(rule, str) else rule
        if not any(TYPES[name](value) for name in names):
            yield place, f"is {shorten(value)}, which is not of type {' or '.join(names)}"

    def check_const(self, rule, value, place, _schema):
        if not equal(rule, value):
            yield place, f"is {shorten(value)} and not {shorten(rule)}"

    def check_enum(self, rule, value, place, _schema):
        if not any(equal(item, value) for item in rule):
            yield place, f"is {shorten(value)}, which is not one of {', '.join(map(json.dumps, rule))}"

    def check_pattern(self, rule, value, place, _schema):
        # "$" would also match before a newline at the end, which JSON Schema's does not.
        if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", rule), value):
            yield place, f"is {shorten(value)}, which does not match {rule}"

    def check_minimum(self, rule, value, place, _schema):
        if TYPES["number"](value) and value < rule:
            yield place, f"is {value}, which is less than {rule}"

    def check_maximum(self, rule, value, place, _schema):
        if TYPES["number"](value) and value > rule:
            yield place, f"is {value}, which is more than {rule}"

    def check_required(self, rule, value, place, _schema):
        if isinstance(value, dict):
            yield from ((join(place, key), "is missing") for key in rule if key not in value)

    def check_properties(self, rule, value, place, _schema):
        if isinstance(value, dict):
            for key in rule:
                if key in value:
                    yield from self.check(rule[key], value[key], join(place, key))

    def check_additional(self, rule, value, place, schema):
        if isinstance(value, dict):
            for key in value:
                if key not in schema.get("properties", {}):
                    yield from self.check(rule, value[key], join(place, key))

    def check_items(self, rule, value, place, _schema):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.check(rule, item, f"{place}[{index}]")

    def check_all(self, rule, value, place, _schema):
        for schema in rule:
            yield from self.check(schema, value, place)

    def check_if(self, rule, value, place, schema):
        failed = any(True for _ in self.check(rule, value, place))
        yield from self.check(schema.get("else" if failed else "then", True), value, place)


def equal(left, right):
    """Python takes True for 1; JSON does not."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def join(place, key):
    return f"{place}.{key}" if place else key


def shorten(value):
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def refuse_duplicates(pairs):
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return row


def refuse_constant(name):
    raise ValueError(f"{name} is no number in JSON")


def parse_line(line):
    return json.loads(line.decode("utf-8"), object_pairs_hook=refuse_duplicates,
                      parse_constant=refuse_constant)


def check_line(validator, number, line, kinds):
    try:
        row = parse_line(line)
    except ValueError as error:
        kinds.append(None)
        yield f"Line {number} is not JSON: {error}."
        return
    kinds.append(row.get("type") if isinstance(row, dict) else None)
    # A place that two rules find wrong in the same words is one violation.
    for place, complaint in dict.fromkeys(validator.check(validator.root, row)):
        yield f"Line {number}: {place or 'the whole'} {complaint}."


def check_order(kinds):
    if not kinds:
        yield "There is no line at all."
        return
    if kinds[0] != "start" or kinds.count("start") > 1:
        yield "The first line, and only it, must be of type start."
    if kinds[-1] != "end" or kinds.count("end") > 1:
        yield "The last line, and only it, must be of type end."


def check_stream(validator, stream, partial):
    kinds = []
    for number, line in enumerate(stream, 1):
        yield from check_line(validator, number, line, kinds)
    if not partial:
        yield from check_order(kinds)


def main(arguments):
    if arguments not in ([], ["--partial"]):
        print("usage: schema_check.py [--partial] < LINES", file=sys.stderr)
        return 2
    violations = 0
    try:
        with open(SCHEMA, encoding="utf-8") as file:
            validator = Validator(json.load(file))
        for sentence in check_stream(validator, sys.stdin.buffer, bool(arguments)):
            violations += 1
            print(sentence)
    except (SchemaError, OSError, ValueError) as error:
        print(f"schema_check.py: {error}", file=sys.stderr)
        return 2
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
