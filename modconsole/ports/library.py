"""The protocol library: protocols, message templates and crisis resources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modconsole.core.protocol import Resource, ReviewProtocol, Template

__all__ = ["Bundle", "LibraryProblem", "ProtocolLibrary"]


@dataclass(frozen=True, slots=True)
class LibraryProblem:
    """One mistake in one file, where it is and how to mend it."""

    file: str
    line: int
    column: int
    found: str
    expected: str
    nearest: str = ""
    """The nearest correct word, where that helps."""
    still_used: str = ""
    """The hash of the last good version that stays in use, if there is one."""
    warning: bool = False
    """Wants a look; the file is used all the same."""
    advice: bool = False
    """About style only: a check that finds nothing else has found nothing."""
    rule: str = ""
    """The short name of the rule, such as `path-without-outcome`; empty where the file cannot be read as YAML says."""
    source: str = ""
    """The line of the file this is about, as written; empty where it is about no one line."""
    length: int = 0
    """How many characters of that line, from `column` on, are meant; 0 where it is not known."""
    protocol: str = ""
    """The protocol that was read when this was found: an include's mistake may show in one protocol only."""

    def __str__(self) -> str:
        hint = f" Did you mean “{self.nearest}”?" if self.nearest else ""
        return f"{self.file}:{self.line}:{self.column}: {self.found}; expected {self.expected}.{hint}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What belongs to one exact text of a protocol, and was approved with it."""

    templates: Mapping[str, Template] = field(default_factory=dict)
    resources: Sequence[Resource] = ()
    """As they were offered; without when each was last checked, which is no part of the text."""
    more: Mapping[str, object] = field(default_factory=dict)
    """What is written for people only, by its path in the file, such as `governance.equality_notes`."""


class ProtocolLibrary(ABC):
    """Protocols by id and by hash. A broken file never raises here: it is a problem; the last good version stays."""

    @abstractmethod
    def stamp(self) -> str:
        """Give a word that changes whenever a file comes, goes or changes. Cheap enough to ask twice a second."""

    @abstractmethod
    def ids(self) -> Sequence[str]:
        """Name every protocol, without reading more than needed."""

    @abstractmethod
    def pack(self, id: str) -> str:
        """Name the folder a protocol's file is in, such as `core`; `own` for the service's own; empty if it is gone."""

    @abstractmethod
    def get(self, id: str) -> ReviewProtocol | None: ...

    @abstractmethod
    def by_hash(self, hash: str) -> ReviewProtocol | None:
        """Give the exact version a run began with, also after its file changed or went away."""

    @abstractmethod
    def shipped(self, id: str) -> ReviewProtocol | None:
        """Give the version that came with modconsole, also where the service's own file stands before it."""

    @abstractmethod
    def bundle(self, hash: str) -> Bundle | None:
        """Give what belongs to the version of this hash: its templates and resources, word for word."""

    @abstractmethod
    def keep(self, protocol: ReviewProtocol) -> None:
        """Keep the resolved text of this version by its hash, beside the log, for good."""

    @abstractmethod
    def template(self, id: str) -> Template | None: ...

    @abstractmethod
    def resources(self, topics: Sequence[str], places: Sequence[str], limit: int) -> list[Resource]:
        """Pick crisis resources by topic and place (ISO 3166 codes), the closest place and topic first."""

    @abstractmethod
    def emergency(self, places: Sequence[str]) -> list[Resource]:
        """Give the emergency lines for these places; with none given, for all we know."""

    @abstractmethod
    def all_resources(self) -> Sequence[Resource]:
        """Give every crisis resource there is, as `protocol adopt` and the staleness lists want them."""

    @abstractmethod
    def problems(self) -> Sequence[LibraryProblem]: ...
