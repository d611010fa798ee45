"""The kinds of value a file may hold, and how each is read from the tree.

A schema is data: `Group`s of `Field`s of these kinds. Reading, and whatever else wants to know the schema, come
from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from modconsole.core.protocol import Operator
from modconsole.protocol_files.problems import Mark, Marked, Record, Report, quote
from modconsole.protocol_files.tree import Bad, Fields, Items, Node, Scalar, as_written

__all__ = [
    "DAY",
    "LONGEST_TEXT",
    "OPERATORS",
    "AsWritten",
    "Conditions",
    "Day",
    "Field",
    "Flag",
    "Group",
    "Kind",
    "ListOf",
    "Text",
    "Whole",
    "Word",
    "read",
]

LONGEST_TEXT = 4000

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text, exactly as written."""

    expected: str = "a text"
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One of a fixed set of words."""

    choices: tuple[str, ...]
    means: tuple[str, ...] = ()
    """What each word means, in the same order; empty where the word says it."""

    @property
    def expected(self) -> str:
        return f"one of: {', '.join(self.choices)}" if len(self.choices) > 1 else f"“{self.choices[0]}”"


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`; where `only` is given, that one."""

    only: bool | None = None
    told_elsewhere: bool = False
    """The other value is refused for the whole file, in words of its own; it is not told twice."""

    @property
    def expected(self) -> str:
        return "true or false" if self.only is None else str(self.only).lower()


@dataclass(frozen=True, slots=True)
class Whole:
    expected: str = "a whole number, such as 3"


@dataclass(frozen=True, slots=True)
class Day:
    expected: str = "a date such as 2027-05-01"


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Kind
    least: int = 0

    @property
    def expected(self) -> str:
        return "a list, each item on its own line after “- ”, or in [ ]"


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a group."""

    kind: Kind
    required: bool = False
    about: str = ""
    """What it is, in sentences; the first begins small, and says what is missing when the key is missing."""
    default: str | int | bool | None = None
    """What holds where the key is absent, if anything does."""
    examples: tuple[Any, ...] = ()

    @property
    def in_short(self) -> str:
        return self.about.partition(". ")[0].removesuffix(".")


@dataclass(frozen=True, slots=True)
class Group:
    fields: Mapping[str, Field]
    name: str = ""
    about: str = ""
    """What it is for, where that is more than its fields say."""

    @property
    def expected(self) -> str:
        return f"{self.name or 'a group'} with the keys {', '.join(self.fields)}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """`{question: id, operator: value}`, or a flat group of those under `all` or `any`."""

    expected: str = 'a condition such as {question: imminent, equals: "no"}'


@dataclass(frozen=True, slots=True)
class AsWritten:
    """For people and for the hash; the console itself makes no use of it."""

    expected: str = "anything"


Kind = Text | Word | Flag | Whole | Day | ListOf | Group | Conditions | AsWritten

_ABSENT: Any = object()
"""What stands there could not be used, and `report` says so."""


def read(node: Node, kind: Group, report: Report) -> Record | None:
    """Read a whole file. What could not be read is left out of the record, and noted."""
    value = _value(node, kind, report)
    return value if isinstance(value, Record) else None


def _value(node: Node, kind: Kind, report: Report) -> Any:
    if isinstance(node, Bad):
        return _ABSENT
    match kind:
        case Text():
            return _text(node, kind, report)
        case Word():
            return _word(node, kind, report)
        case Flag():
            return _flag(node, kind, report)
        case Whole():
            return _whole(node, kind, report)
        case Day():
            return _day(node, kind, report)
        case ListOf():
            return _list(node, kind, report)
        case Group():
            return _group(node, kind, report)
        case Conditions():
            return _conditions(node, kind, report)
        case AsWritten():
            return as_written(node)


def _text(node: Node, kind: Text, report: Report) -> Any:
    text = _written(node, kind.expected, report)
    if text is _ABSENT:
        return _ABSENT
    if kind.pattern and not re.fullmatch(kind.pattern, text):
        report.add(text.at, quote(text), kind.expected, rule="wrong-form")
        return _ABSENT
    return text


def _word(node: Node, kind: Word, report: Report) -> Any:
    text = _written(node, kind.expected, report)
    if text is not _ABSENT and text not in kind.choices:
        report.add(text.at, quote(text), kind.expected, word=text, among=kind.choices, rule="unknown-word")
        return _ABSENT
    return text


def _written(node: Node, expected: str, report: Report) -> Any:
    """Give a scalar's text, refusing what YAML would silently have turned into something else."""
    if not isinstance(node, Scalar):
        report.add(node.at, _shape(node), expected, rule="wrong-shape")
        return _ABSENT
    if not node.text.strip():
        report.add(node.at, "nothing" if node.plain else "an empty text", expected, rule="nothing-there")
        return _ABSENT
    other = _becomes(node.text) if node.plain else ""
    if other:
        report.add(
            node.at,
            f"{node.text} without quotes, which YAML reads as {other}",
            f'quotes around it: "{node.text}"',
            rule="needs-quotes",
        )
        return _ABSENT
    if len(node.text) > LONGEST_TEXT:
        report.add(
            node.at,
            f"a text of {len(node.text):,} characters",
            f"{LONGEST_TEXT:,} at most",
            rule="too-long-a-text",
        )
        return _ABSENT
    return Marked(node.text, node.at)


def _flag(node: Node, kind: Flag, report: Report) -> Any:
    if isinstance(node, Scalar) and node.text in ("true", "false"):
        value = node.text == "true"
        if kind.only is None or value is kind.only or kind.told_elsewhere:
            return value
    report.add(node.at, _shape(node), kind.expected, rule="wrong-shape")
    return _ABSENT


def _whole(node: Node, kind: Whole, report: Report) -> Any:
    if isinstance(node, Scalar) and re.fullmatch(r"-?(?:0|[1-9][0-9]{0,8})", node.text):
        return int(node.text)
    report.add(node.at, _shape(node), kind.expected, rule="wrong-shape")
    return _ABSENT


def _day(node: Node, kind: Day, report: Report) -> Any:
    if isinstance(node, Scalar) and re.fullmatch(DAY, node.text):
        try:
            date.fromisoformat(node.text)
        except ValueError:
            pass
        else:
            return Marked(node.text, node.at)
    report.add(node.at, _shape(node), kind.expected, rule="wrong-shape")
    return _ABSENT


def _list(node: Node, kind: ListOf, report: Report) -> Any:
    if not isinstance(node, Items):
        report.add(node.at, _shape(node), kind.expected, rule="wrong-shape")
        return _ABSENT
    if len(node.items) < kind.least:
        report.add(
            node.at, "an empty list", f"at least {'one' if kind.least == 1 else kind.least}", rule="too-few"
        )
        return _ABSENT
    values = [_value(item, kind.item, report) for item in node.items]
    return [value for value in values if value is not _ABSENT]


def _group(node: Node, kind: Group, report: Report) -> Any:
    if not isinstance(node, Fields):
        report.add(node.at, _shape(node), kind.expected, rule="wrong-shape")
        return _ABSENT
    record = Record(node.at)
    for key, value in node.fields.items():
        at = node.keys_at[key]
        field = kind.fields.get(key)
        if field is None:
            report.add(
                at,
                f"the unknown key {quote(key)}",
                f"one of: {', '.join(kind.fields)}",
                word=key,
                among=kind.fields,
                rule="unknown-key",
            )
            continue
        if not field.required and _is_null(value):
            continue  # “nothing here” is the same as no such key
        record.keys_at[key] = at
        read_value = _value(value, field.kind, report)
        if read_value is not _ABSENT:
            record[key] = read_value
    for key, field in kind.fields.items():
        if field.required and key not in node.fields:
            what = f"{kind.name} without “{key}”" if kind.name else f"no “{key}”"
            report.add(node.at, what, f"{key}: {field.in_short or field.kind.expected}", rule="missing-key")
    return record


OPERATORS: Mapping[str, Kind] = {
    Operator.EQUALS: Text("the answer’s value, in quotes"),
    Operator.NOT_EQUALS: Text("the answer’s value, in quotes"),
    Operator.IN: ListOf(Text("an answer’s value, in quotes"), least=1),
    Operator.ANY_OF: ListOf(Text("an answer’s value, in quotes"), least=1),
    Operator.ANSWERED: Flag(),
    Operator.LT: Whole(),
    Operator.GT: Whole(),
}


def _conditions(node: Node, kind: Conditions, report: Report) -> Any:
    """Read to a record of `tests` (records of question, operator, values) and `any`."""
    if not isinstance(node, Fields):
        report.add(node.at, _shape(node), kind.expected, rule="wrong-shape")
        return _ABSENT
    groups = [key for key in ("all", "any") if key in node.fields]
    record = Record(node.at)
    if not groups:
        test = _test(node, report)
        if test is _ABSENT:
            return _ABSENT
        record.update(tests=[test], any=False)
        return record
    others = [key for key in node.fields if key != groups[0]]
    if others:
        report.add(
            node.keys_at[others[0]],
            f"“{groups[0]}” and {quote(others[0])} side by side",
            f"“{groups[0]}” alone, with a list of tests in it",
            rule="condition-shape",
        )
        return _ABSENT
    inside = node.fields[groups[0]]
    if not isinstance(inside, Items) or not inside.items:
        report.add(inside.at, _shape(inside), "a list of tests", rule="condition-shape")
        return _ABSENT
    tests = [_test(item, report) for item in inside.items]
    if _ABSENT in tests:
        return _ABSENT
    record.update(tests=tests, any=groups[0] == "any")
    return record


def _test(node: Node, report: Report) -> Any:
    if isinstance(node, Bad):
        return _ABSENT
    if not isinstance(node, Fields):
        report.add(node.at, _shape(node), Conditions().expected, rule="wrong-shape")
        return _ABSENT
    nested = next((key for key in ("all", "any") if key in node.fields), None)
    if nested is not None:
        report.add(
            node.keys_at[nested],
            "a group inside a group",
            "tests only; conditions are flat",
            rule="condition-shape",
        )
        return _ABSENT
    record = Record(node.at)
    good = True
    operators = [key for key in node.fields if key in OPERATORS]
    for key, value in node.fields.items():
        if key == "question":
            record[key] = _value(value, Text("a question’s id"), report)
        elif key not in OPERATORS:
            words = ("question", *OPERATORS)
            report.add(
                node.keys_at[key],
                f"the unknown operator {quote(key)}",
                f"one of: {', '.join(OPERATORS)}",
                word=key,
                among=words,
                rule="unknown-operator",
            )
            good = False
    if "question" not in node.fields:
        report.add(node.at, "a condition without “question”", Conditions().expected, rule="condition-shape")
        return _ABSENT
    if not good:
        return _ABSENT
    if len(operators) != 1:
        found = (
            f"{len(operators)} operators ({', '.join(operators)})"
            if operators
            else "a condition without an operator"
        )
        report.add(node.at, found, f"exactly one of: {', '.join(OPERATORS)}", rule="condition-shape")
        return _ABSENT
    value = _value(node.fields[operators[0]], OPERATORS[operators[0]], report)
    if value is _ABSENT or record["question"] is _ABSENT:
        return _ABSENT
    record["operator"] = operators[0]
    record["values"] = _as_texts(value, node.fields[operators[0]].at)
    return record


def _as_texts(value: Any, at: Mark) -> list[Marked]:
    if isinstance(value, list):
        return value
    if isinstance(value, Marked):
        return [value]
    return [Marked(str(value).lower(), at)]


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")


def _shape(node: Node) -> str:
    match node:
        case Scalar() if _is_null(node):
            return "nothing"
        case Scalar():
            return quote(node.text)
        case Items():
            return "a list" if node.items else "an empty list"
        case _:
            return "a group of keys"


_BECOMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("true or false", re.compile(r"(?:y|n|yes|no|on|off|true|false)", re.IGNORECASE)),
    ("nothing", re.compile(r"(?:~|null)", re.IGNORECASE)),
    ("a date", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")),
    (
        "a number",
        re.compile(
            r"[-+]?(?=\.?[0-9])(?:0x[0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+|[0-9_]*(?::[0-9]{1,2})*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?)"
            r"|[-+]?\.inf|\.nan",
            re.IGNORECASE,
        ),
    ),
)


def _becomes(text: str) -> str:
    """Say what YAML readers, of one version or another, make of this text when it has no quotes."""
    return next((other for other, pattern in _BECOMES if text and pattern.fullmatch(text)), "")
