"""YAML text to a tree that remembers where everything stands.

Nothing is interpreted here: a scalar stays the text its author wrote. Anchors, aliases and tags are refused, because
they make a file say something other than what it shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from modconsole.protocol_files.problems import Mark, Report, quote

__all__ = ["MAX_DEPTH", "MAX_VALUES", "Bad", "Fields", "Items", "Node", "Scalar", "as_written", "parse"]

MAX_DEPTH = 16
"""Twice what the schema needs."""
MAX_VALUES = 20_000

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    plain: bool
    """Written without quotes, so that YAML might take it for something other than a text."""
    at: Mark


@dataclass(frozen=True, slots=True)
class Items:
    at: Mark
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fields:
    at: Mark
    fields: dict[str, Node] = field(default_factory=dict)
    keys_at: dict[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bad:
    """Something already reported; nothing more is said about it."""

    at: Mark


Node = Scalar | Items | Fields | Bad


class _Stop(Exception):
    """What follows would only repeat the mistake just noted."""


def parse(text: str, file: str, report: Report) -> Node | None:
    """Read YAML into a tree. None when there is no tree to look at; `report` says why."""
    if not _has_only_writing(text, file, report):
        return None
    import yaml  # only here: a library whose files did not change never pays for it

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(file, report)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except _Stop:
        return None
    except yaml.YAMLError as error:
        _explain(error, file, report)
        return None
    if builder.root is None:
        report.add(Mark(file), "an empty file", "keys and values, beginning with “schema”", rule="empty-file")
    return builder.root


def as_written(node: Node) -> Any:
    """Give a tree as plain lists, dicts and texts."""
    match node:
        case Scalar():
            return node.text
        case Items():
            return [as_written(item) for item in node.items]
        case Fields():
            return {key: as_written(value) for key, value in node.fields.items()}
        case Bad():
            return None


def _has_only_writing(text: str, file: str, report: Report) -> bool:
    for found in _TAB_INDENT.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        report.add(
            Mark(file, line, found.end() - found.start()), "a tab", "spaces to indent with", rule="tab"
        )
        if report.is_full:
            break
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - (text.rfind("\n", 0, odd.start()) + 1) + 1
        report.add(
            Mark(file, line, column),
            f"the invisible character U+{ord(odd[0]):04X}",
            "letters, spaces and line ends",
            rule="invisible-character",
        )
    return report.is_good


class _Builder:
    """Puts the tree together from events, without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, file: str, report: Report) -> None:
        self.root: Node | None = None
        self._file, self._report = file, report
        self._open: list[Items | Fields] = []
        self._keys: list[Scalar | None] = []
        self._values = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        name = type(event).__name__
        at = Mark(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
        if name == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                self._report.add(
                    at, "a second document, after “---”", "one document to a file", rule="second-document"
                )
                raise _Stop
        elif name == "ScalarEvent":
            self._refuse_tricks(event, at)
            self._put(Scalar(event.value, not event.style, at))
        elif name == "SequenceStartEvent":
            self._refuse_tricks(event, at)
            self._begin(Items(at))
        elif name == "MappingStartEvent":
            self._refuse_tricks(event, at)
            self._begin(Fields(at))
        elif name == "AliasEvent":
            self._report.add(
                at,
                f"an alias, {quote('*' + str(event.anchor))}",
                "the text itself, written out again",
                rule="anchor",
            )
            self._put(Bad(at))
        elif name in ("SequenceEndEvent", "MappingEndEvent"):
            self._open.pop()
            self._keys.pop()

    def _refuse_tricks(self, event: Any, at: Mark) -> None:
        if event.anchor is not None:
            self._report.add(at, f"an anchor, {quote('&' + event.anchor)}", "the text alone", rule="anchor")
        if event.tag is not None:
            self._report.add(at, f"a tag, {quote(event.tag)}", "the text alone", rule="tag")

    def _begin(self, node: Items | Fields) -> None:
        self._put(node)
        self._open.append(node)
        self._keys.append(None)
        if len(self._open) > MAX_DEPTH:
            self._report.add(
                node.at, f"more than {MAX_DEPTH} levels inside each other", "a flatter file", rule="too-deep"
            )
            raise _Stop

    def _put(self, node: Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._report.add(
                node.at, f"more than {MAX_VALUES:,} values", "a file of readable size", rule="too-many-values"
            )
            raise _Stop
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Items):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            self._keys[-1] = None
            self._set(parent, key, node)
        elif isinstance(node, Scalar):
            self._keys[-1] = node
        else:
            self._report.add(
                node.at,
                "a list, group or alias where a key belongs",
                "a word followed by “:”",
                rule="not-a-key",
            )
            raise _Stop

    def _set(self, parent: Fields, key: Scalar, node: Node) -> None:
        if key.text in parent.fields:
            first = parent.keys_at[key.text].line
            self._report.add(
                key.at,
                f"the key {quote(key.text)} again (first on line {first})",
                "each key once",
                rule="duplicate-key",
            )
            return
        parent.fields[key.text] = node
        parent.keys_at[key.text] = key.at


_SAYINGS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a “: ” in the middle of a text",
        "quotes around a text that has “: ” in it",
    ),
    ("cannot start any token", "a character that cannot begin a text here", "quotes around the text"),
    (
        "unexpected end of stream",
        "the end of the file inside a quoted text",
        "the closing quotation mark; the file may be cut short",
    ),
    ("could not find expected ':'", "a line without its “:”", "“key: value”; the file may be cut short"),
    ("expected ',' or ']'", "a list in [ ] that does not go on", "“,” or “]”; the file may be cut short"),
    ("expected ',' or '}'", "a group in { } that does not go on", "“,” or “}”; the file may be cut short"),
    ("expected <block end>", "a line that fits no level above it", "the same indentation as its neighbours"),
    (
        "did not find expected key",
        "a line that fits no level above it",
        "the same indentation as its neighbours",
    ),
    ("expected '-' indicator", "a line that is no item of the list above it", "“- ” as its neighbours have"),
    ("found duplicate anchor", "an anchor used twice", "the text alone"),
    ("found undefined alias", "an alias", "the text itself"),
)


def _explain(error: Any, file: str, report: Report) -> None:
    """Say in plain words what the YAML parser stumbled over, and where."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    at = Mark(file) if mark is None else Mark(file, mark.line + 1, mark.column + 1)
    said = str(getattr(error, "problem", "") or getattr(error, "reason", "") or "something that is not YAML")
    for words, found, expected in _SAYINGS:
        if words in said:
            report.add(at, found, expected, rule="not-yaml")
            return
    report.add(
        at,
        f"something YAML cannot read ({said})",
        "keys and values, as in the shipped files",
        rule="not-yaml",
    )
