"""Many devices' logs in one reviewing database, as the desk and the command line see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modconsole.core.decision import Record
from modconsole.core.note import VerifierKey
from modconsole.ports.audit import Finding, LogQuery

__all__ = ["EnrolledLog", "Fork", "Gathered", "TakenIn"]


@dataclass(frozen=True, slots=True)
class EnrolledLog:
    """A log whose key was made known here, and how much of it was taken in."""

    key: VerifierKey
    size: int
    root: str
    """In hex; empty as long as nothing was taken in."""
    checkpoint: str
    """The last head that was accepted, as its log signed it; empty likewise."""
    frozen: bool
    """Two histories were found under its name. Nothing more is taken in."""

    @property
    def origin(self) -> str:
        return self.key.name


@dataclass(frozen=True, slots=True)
class Fork:
    """Two heads of one log that cannot both be true, as evidence."""

    origin: str
    held: str
    """The head that was accepted, a signed note."""
    other: str
    """The head that came later, a signed note."""
    seq: int | None
    """The first entry that differs, where the other export had its entries."""
    held_proof: str
    """A C2SP tlog-proof that the accepted head includes the entry below; empty where `seq` is None."""
    held_leaf: bytes
    other_proof: str
    other_leaf: bytes


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one log in a folder that was handed over."""

    folder: Path
    origin: str
    """Empty when that could not be known."""
    before: int
    """How many of its entries were here already."""
    size: int
    """How many are here now."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    fork: Fork | None = None

    @property
    def is_sound(self) -> bool:
        return not self.findings


class Gathered(ABC):
    """A union of logs that only grow: exports in any order, any of them any number of times, give the same."""

    @abstractmethod
    def check(self, key: VerifierKey) -> None:
        """Say beforehand whether `enrol` would refuse.

        Raises:
            NotAllowed, LogError
        """

    @abstractmethod
    def enrol(self, key: VerifierKey) -> bool:
        """Let entries signed by this key in from now on; say whether that is new.

        Raises:
            NotAllowed: The log of this name has another key here, or is a demo's.
            LogError
        """

    @abstractmethod
    def dismiss(self, origin: str) -> EnrolledLog:
        """Take an enrolment back that nothing came in under yet.

        Raises:
            NotAllowed: There is no such log here, or entries of it were taken in.
        """

    @abstractmethod
    def enrolled(self) -> Sequence[EnrolledLog]:
        """Name every log that was enrolled, by name."""

    @abstractmethod
    def take_in(self, folder: Path) -> Sequence[TakenIn]:
        """Take in the tile log in a folder, or those in the folders below it. Each log by itself, whole or not at all.

        Raises:
            LogError: review.db cannot be used. What was said before that is in it, durably.
        """

    @abstractmethod
    def forks(self) -> Sequence[Fork]:
        """Give the evidence of every log that was found with two histories."""

    @abstractmethod
    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, beyond: Record | None = None
    ) -> list[Record]:
        """List entries by the time their devices' clocks showed. No order between devices is known beyond that.

        Args:
            beyond: Only what comes after this one in that order, to go on where the last page ended.
        """

    @abstractmethod
    def everything(self) -> Iterator[Record]:
        """Give every entry, log by log, each in the order it was sealed."""

    @abstractmethod
    def verify(self) -> Sequence[Finding]:
        """Hash every entry that was taken in again, up to the head that was accepted with it."""

    @abstractmethod
    def close(self) -> None: ...
