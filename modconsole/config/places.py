"""Where each setting stands in a TOML text. `tomllib` reads values well but does not say where they were."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Key", "Place", "locate"]

Key = tuple[str | int, ...]
"""The way to a setting, such as `("forum", 0, "id")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_NAME = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")' r"|'''.*?'{3,5}(?!')" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*")


@dataclass(frozen=True, slots=True)
class Place:
    """Counted from 1, as editors do."""

    line: int
    column: int


def locate(text: str) -> Mapping[Key, Place]:
    """Give the place of every key and list item in a text that `tomllib` has read without complaint."""
    reader = _Reader(text)
    reader.document()
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    return {key: _place(at, starts) for key, at in reader.places.items()}


def _place(at: int, starts: list[int]) -> Place:
    line = bisect_right(starts, at)
    return Place(line, at - starts[line - 1] + 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.places: dict[Key, int] = {}
        self.lengths: dict[Key, int] = {}
        """How many `[[tables]]` of each name were seen."""

    def document(self) -> None:
        table: Key = ()
        while self._skip(_BLANK) < len(self.text):
            start = self.at
            if self._take("[["):
                names = self._names()
                table = self._resolved(names[:-1], start) + names[-1:]
                number = self.lengths.get(table, 0)
                self.lengths[table] = number + 1
                self.places.setdefault(table, start)
                table = (*table, number)
                self.places[table] = start
                self._take("]]")
            elif self._take("["):
                table = self._resolved(self._names(), start)
                self._take("]")
            else:
                self._pair(table)
            if self.at == start:  # not TOML after all; better no place than no end
                return

    def _resolved(self, names: Key, start: int) -> Key:
        """Put the number of the latest `[[table]]` into the way of a table below it."""
        key: Key = ()
        for name in names:
            key = (*key, name)
            self.places.setdefault(key, start)
            if key in self.lengths:
                key = (*key, self.lengths[key] - 1)
        return key

    def _pair(self, table: Key) -> None:
        start = self.at
        key = table + self._names()
        for length in range(len(table) + 1, len(key) + 1):
            self.places.setdefault(key[:length], start)
        self._skip(_SPACE)
        self._take("=")
        self._skip(_SPACE)
        self._value(key)

    def _value(self, key: Key) -> None:
        if self._take("["):
            self._items(key)
        elif self._take("{"):
            while not self._ended("}"):
                self._pair(key)
        elif not self._match(_STRING):
            self._skip(_BARE)

    def _items(self, key: Key) -> None:
        number = 0
        while not self._ended("]"):
            self.places[(*key, number)] = self.at
            self._value((*key, number))
            number += 1

    def _ended(self, bracket: str) -> bool:
        before = self.at
        self._skip(_BLANK)
        self._take(",")
        self._skip(_BLANK)
        stuck = self.at == before and self.text[self.at : self.at + 1] in (",", "]", "}")
        return self._take(bracket) or stuck or self.at >= len(self.text)

    def _names(self) -> Key:
        names: list[str] = []
        while True:
            self._skip(_SPACE)
            found = _NAME.match(self.text, self.at)
            if found is None:
                return tuple(names)
            self.at = found.end()
            names.append(found[0].strip("\"'"))
            self._skip(_SPACE)
            if not self._take("."):
                return tuple(names)

    def _take(self, what: str) -> bool:
        if not self.text.startswith(what, self.at):
            return False
        self.at += len(what)
        return True

    def _match(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at)
        if found is None:
            return False
        self.at = found.end()
        return True

    def _skip(self, pattern: re.Pattern[str]) -> int:
        self._match(pattern)
        return self.at
