"""The protocol library: protocols, message templates and crisis resources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from modconsole.core.protocol import Resource, ReviewProtocol, Template

__all__ = ["LibraryProblem", "ProtocolLibrary"]


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

    def __str__(self) -> str:
        hint = f" Did you mean “{self.nearest}”?" if self.nearest else ""
        return f"{self.file}:{self.line}:{self.column}: {self.found}; expected {self.expected}.{hint}"


class ProtocolLibrary(ABC):
    """Protocols by id and by hash. A broken file never raises here: it is a problem; the last good version stays."""

    @abstractmethod
    def ids(self) -> Sequence[str]:
        """Name every protocol, without reading more than needed."""

    @abstractmethod
    def get(self, id: str) -> ReviewProtocol | None: ...

    @abstractmethod
    def by_hash(self, hash: str) -> ReviewProtocol | None:
        """Give the exact version a run began with, also after its file changed or went away."""

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
    def problems(self) -> Sequence[LibraryProblem]: ...
