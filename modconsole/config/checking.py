"""Small checkers for one TOML table: each takes what it knows, notes what it cannot follow, and goes on.

So one reading finds every mistake. A mistake names the setting, what was found and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modconsole.config.places import Key

__all__ = ["Mistake", "Table", "is_secret", "nearest", "shown"]

_SECRET = frozenset(
    "token tokens password passwd passphrase secret secrets apikey credential credentials bearer cookie".split()
)
_SECRET_PAIRS = re.compile(r"(api|access|private|secret|signing)_?key", re.IGNORECASE)
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    key: Key
    said: str


def is_secret(name: str, value: object) -> bool:
    """Whether a setting looks like a secret, by its name or by a password in an address."""
    words = re.split(r"[_.\-\s]|(?<=[a-z])(?=[A-Z])", name)
    by_name = any(word.lower() in _SECRET for word in words) or _SECRET_PAIRS.search(name.replace("-", "_"))
    if by_name:
        return value != "" and not isinstance(value, bool)
    return (
        isinstance(value, str) and re.match(r"[a-z+]+://[^/\s]*:[^/\s]*@", value, re.IGNORECASE) is not None
    )


def nearest(word: str, words: Iterable[str]) -> str:
    """Give the end of a sentence that names the nearest correct word, if there is one."""
    from difflib import get_close_matches  # only when there is a mistake to explain

    close = get_close_matches(word, list(words), n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


def shown(value: object) -> str:
    """Name what was found: its value when it is short and plain, else only what it is."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return f'"{value}"' if len(value) <= _LONGEST_SHOWN else f'"{value[:_LONGEST_SHOWN]}…"'
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"


class Table:
    """One table of the file while it is read. Every key that was not asked for counts as a mistake in `done`."""

    def __init__(self, values: Mapping[str, Any], key: Key, mistakes: list[Mistake]) -> None:
        self._values = values
        self._key = key
        self._mistakes = mistakes
        self._known: list[str] = []

    def wrong(self, name: str | int, said: str, *more: str | int) -> None:
        self._mistakes.append(Mistake((*self._key, name, *more), said))

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str | None = "") -> str:
        """Read one line of text; a default of None means that it has to be there and not be empty."""
        found = self._get(name)
        if found is None:
            if default is None:
                self._mistakes.append(Mistake(self._key, f'"{name}" is missing here.'))
            return default or ""
        if not isinstance(found, str):
            self.wrong(name, f"should be text in quotes, and is {shown(found)}.")
            return default or ""
        if default is None and not found.strip():
            self.wrong(name, "is empty, and should say something.")
        elif not found.isprintable():
            self.wrong(name, "has a line break or a hidden character in it, and should be one plain line.")
        return found

    def flag(self, name: str, default: bool) -> bool:
        found = self._get(name)
        if found is None or isinstance(found, bool):
            return default if found is None else found
        self.wrong(name, f"should be true or false (no quotes), and is {shown(found)}.")
        return default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        found = self._get(name)
        if found is None:
            return default
        if type(found) is not int or not low <= found <= high:
            self.wrong(name, f"should be a whole number from {low} to {high}, and is {shown(found)}.")
            return default
        return found

    def texts(self, name: str, check: Callable[[str], str] = lambda text: "") -> tuple[str, ...]:
        """Read a list of texts (or one text). `check` says what is wrong with one; an empty answer means nothing."""
        found = self._get(name)
        if found is None:
            return ()
        if isinstance(found, str):
            problem = check(found)
            if problem:
                self.wrong(name, problem)
            return (found,)
        if not isinstance(found, list):
            self.wrong(name, f'should be a list such as ["a", "b"], and is {shown(found)}.')
            return ()
        good: list[str] = []
        for number, item in enumerate(found):
            problem = (
                check(item) if isinstance(item, str) else f"should be text in quotes, and is {shown(item)}."
            )
            if problem:
                self.wrong(name, problem, number)
            elif isinstance(item, str):
                good.append(item)
        return tuple(good)

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        found = self.text(name, default)
        problem = one_of(found, choices)
        if problem and isinstance(self._values.get(name), str):
            self.wrong(name, problem)
            return default
        return found

    def table(self, name: str) -> Table:
        found = self._get(name)
        if found is not None and not isinstance(found, dict):
            self.wrong(name, f"should be a section [{name}], and is {shown(found)}.")
        return Table(found if isinstance(found, dict) else {}, (*self._key, name), self._mistakes)

    def tables(self, name: str) -> list[Table]:
        found = self._get(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            path = ".".join(str(part) for part in (*self._key, name) if isinstance(part, str))
            self.wrong(name, f"should be written as [[{path}]], once for each, and is {shown(found)}.")
            return []
        return [Table(item, (*self._key, name, number), self._mistakes) for number, item in enumerate(found)]

    def rest(self) -> dict[str, Any]:
        """Give what was not asked for by name, and count it as known."""
        rest = {name: value for name, value in self._values.items() if name not in self._known}
        self._known += rest
        return rest

    def done(self) -> None:
        for name, value in self._values.items():
            if name not in self._known:
                what = "a section" if isinstance(value, dict | list) else "a setting"
                self.wrong(name, f"is not {what} we know.{nearest(name, self._known)}")

    def _get(self, name: str) -> Any:
        self._known.append(name)
        return self._values.get(name)


def one_of(found: str, choices: Collection[str]) -> str:
    """Say what is wrong with a word that should be one of `choices`; empty when it is one."""
    if found in choices:
        return ""
    listed = ", ".join(f'"{choice}"' for choice in choices)
    return f"should be one of {listed}, and is {shown(found)}.{nearest(found, choices)}"
