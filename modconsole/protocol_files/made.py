"""What was made of one file, and what it was made from: an edit makes only that again which depends on it.

While a file is made into a text, everything it asks of the rest of the library is noted with the answer: which version
of an include, whether there is a protocol of some name, which resources fit. As long as the file's own bytes and every
one of those answers are the same, what was made of it stands, in memory and in the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from modconsole import __version__
from modconsole.core.codec import from_plain, to_plain
from modconsole.ports.library import LibraryProblem
from modconsole.protocol_files.kept import hash_of
from modconsole.protocol_files.problems import Record

__all__ = ["Asked", "Includes", "Made", "Names", "Question", "Text", "made_from_plain", "maker", "plain_of"]

Text = dict[str, Any]
"""A kept text: `bundle`, and for a protocol its `status` and `approvals`."""

Question = tuple[str, ...]
"""`version KIND ID`, `has KIND ID`, `names KIND` or `offers TOPICS PLACES`."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one file: the text, unless it has mistakes, and what is wrong or wants a look."""

    file: str
    """The version of the file it was made from."""
    hash: str = ""
    text: Text | None = None
    problems: tuple[LibraryProblem, ...] = ()
    asked: Mapping[Question, str] = field(default_factory=dict)
    resources: str = ""
    """The version of all resource files then: while it stands, no question about resources need be asked again."""


class Asked:
    """Notes what a file asked of the library while it was made into a text, and what the library said."""

    def __init__(self, answer: Callable[[Question], str]) -> None:
        self._answer = answer
        self.noted: dict[Question, str] = {}

    def note(self, *question: str) -> None:
        """Note a question with its present answer; the first answer counts, for it was the one used."""
        if question not in self.noted:
            self.noted[question] = self._answer(question)


class Names(Collection[str]):
    """Names of one kind that note what they are asked: a name that is there, or all of them."""

    def __init__(self, kind: str, names: Collection[str], asked: Asked) -> None:
        self._kind, self._names, self._asked = kind, names, asked

    def __contains__(self, name: object) -> bool:
        self._asked.note("has", self._kind, str(name))
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        self._asked.note("names", self._kind)
        return iter(self._names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Includes(Mapping[str, Record | None]):
    """Includes by id, each read only when it is named."""

    def __init__(self, names: Collection[str], read: Callable[[str], Record | None], asked: Asked) -> None:
        self._names, self._read, self._asked = Names("include", names, asked), read, asked

    def __contains__(self, id: object) -> bool:
        return id in self._names

    def __getitem__(self, id: str) -> Record | None:
        if id not in self._names:
            raise KeyError(id)
        record = self._read(str(id))
        self._asked.note("version", "include", str(id))
        return record

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def maker() -> str:
    """Name what makes texts of files here: another release, or an edited rule, makes everything anew."""
    package = Path(__file__).parent
    rules = [*sorted(package.glob("*.py")), package.parent / "core" / "protocol.py"]
    stamps = [
        f"{path.name}\0{state.st_size}\0{state.st_mtime_ns}" for path in rules if (state := _state(path))
    ]
    return f"{__version__} {hashlib.sha256('|'.join(stamps).encode()).hexdigest()[:16]}"


def _state(path: Path) -> Any:
    try:
        return path.stat()
    except OSError:
        return None  # packed into an archive: the release's number has to do


def plain_of(made: Made) -> dict[str, Any]:
    """Give the form in which the cache holds it."""
    return {
        "by": maker(),
        "file": made.file,
        "hash": made.hash,
        "text": made.text,
        "problems": [to_plain(problem) for problem in made.problems],
        "asked": [[*question, answer] for question, answer in made.asked.items()],
        "resources": made.resources,
    }


def made_from_plain(plain: object) -> Made | None:
    """Read what the cache holds; None if it is not ours, of another release, or its text is not what its hash says."""
    if not isinstance(plain, dict) or plain.get("by") != maker():
        return None
    try:
        text, hash = plain["text"], plain["hash"]
        # Checked, or an edited cache could slip a changed text under an approved hash.
        if text is not None and hash_of(text["bundle"]) != hash:
            return None
        return Made(
            str(plain["file"]),
            hash,
            text,
            tuple(from_plain(LibraryProblem, problem) for problem in plain["problems"]),
            {tuple(question): str(answer) for *question, answer in plain["asked"]},
            str(plain["resources"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
