"""Problems: every mistake of a file, each with its place and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple

from modconsole.ports.library import LibraryProblem

__all__ = ["MAX_PROBLEMS", "Mark", "Marked", "Record", "Report", "nearest", "one_of", "quote"]

MAX_PROBLEMS = 100
"""More than anybody mends in one go; a file of nothing but mistakes must not fill the memory with sentences."""

_LONGEST_WORD = 60
_MOST_WORDS = 12


class Mark(NamedTuple):
    """A place in a file. Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1


class Marked(str):
    """A text that remembers where it was written."""

    __slots__ = ("at",)
    at: Mark

    def __new__(cls, text: str, at: Mark) -> Marked:
        made = super().__new__(cls, text)
        made.at = at
        return made


class Record(dict[str, Any]):
    """The fields of a mapping that could be read, with the place of each key."""

    __slots__ = ("at", "keys_at")

    def __init__(self, at: Mark) -> None:
        super().__init__()
        self.at = at
        self.keys_at: dict[str, Mark] = {}

    def place(self, key: str) -> Mark:
        return self.keys_at.get(key, self.at)


class Report:
    """Collects problems, so that a file's mistakes are told all at once."""

    def __init__(self) -> None:
        self.problems: list[LibraryProblem] = []
        self.is_full = False

    def add(
        self,
        at: Mark,
        found: str,
        expected: str,
        *,
        rule: str = "",
        word: str = "",
        among: Iterable[str] = (),
    ) -> None:
        """Note a mistake.

        Args:
            at: Where it is.
            found: What stands there.
            expected: What could stand there instead.
            rule: The short name under which `docs/protocol-check.md` explains it.
            word: The word to look up, if it may be a slip of the fingers.
            among: The correct words.
        """
        if not self.is_full:
            near = nearest(word, among)
            self._note(LibraryProblem(at.file, at.line, at.column, found, expected, near, rule=rule))

    def warn(self, at: Mark, found: str, expected: str, *, rule: str = "") -> None:
        """Note something that wants a look, while the file is used all the same."""
        self._note(LibraryProblem(at.file, at.line, at.column, found, expected, warning=True, rule=rule))

    @property
    def is_good(self) -> bool:
        return all(problem.warning for problem in self.problems)

    def _note(self, problem: LibraryProblem) -> None:
        if self.is_full or problem in self.problems:
            return
        if len(self.problems) == MAX_PROBLEMS:
            self.is_full = True
            more, mend = f"more than {MAX_PROBLEMS} mistakes", "the ones above to be mended first"
            problem = LibraryProblem(
                problem.file, problem.line, problem.column, more, mend, rule="too-many-mistakes"
            )
        self.problems.append(problem)


def nearest(word: str, among: Iterable[str]) -> str:
    """Give the nearest correct word, or nothing if none is near."""
    if not word or len(word) > _LONGEST_WORD:
        return ""
    by_lower = {right.lower(): right for right in among}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def one_of(words: Iterable[str], *, word: str = "") -> str:
    """Say which words could stand there; of many, only those most like the one that does."""
    known = list(words)
    if len(known) <= _MOST_WORDS:
        return f"one of: {', '.join(known)}"
    like = difflib.get_close_matches(word, known, n=_MOST_WORDS // 2, cutoff=0.3) or known[: _MOST_WORDS // 2]
    return f"one of {len(known)}, such as: {', '.join(like)}"


def quote(text: str) -> str:
    """Put what was found in quotation marks, on one line and short enough to read."""
    line = " ".join(text.split())
    return f"“{line[:_LONGEST_WORD]}…”" if len(line) > _LONGEST_WORD else f"“{line}”"
