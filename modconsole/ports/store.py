"""The working state of the desk. Losing it loses convenience, never the record of what was decided."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from modconsole.core.model import Case, CaseFile, Note, Target

if TYPE_CHECKING:
    from modconsole.core.runs import Run, RunEvent

__all__ = ["CaseRow", "CaseStore", "Draft", "QueueFilter"]


class CaseRow(NamedTuple):
    """One row of the queue: everything it shows, nothing a member wrote. Times are seconds since 1970, 0 for none."""

    id: str
    forum: str
    urgency: str
    topic: str
    flags: int
    length: int
    flagged_at: int
    due_at: int
    claimed_by: str
    claimed_until: int
    opened: bool
    decided: bool
    state: str
    kind: str
    resolved_elsewhere: bool
    changed: bool
    follow_up_at: int


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases to show; empty fields do not filter."""

    forum: str = ""
    urgency: str = ""
    topic: str = ""
    closed: bool = False
    text: str = ""
    """Matched against case id, forum, topic and flag reasons."""
    without: str = ""
    """A pseudonym: leave out what this person passed on."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was being typed, kept on every change."""

    name: str
    """What it is for, such as `message:crisis-immediate`."""
    text: str = field(repr=False)
    at: datetime


class CaseStore(ABC):
    """Cases, runs, notes and drafts in `desk.db`. Member text goes in and out through the vault's ciphertext only.

    Every write is durable when the call returns. Reading the queue never needs the vault.
    """

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other consoles from writing until this ends, and save what is written inside together or not at all.

        For reading something, changing it and saving it, so that nothing another console saved in between is undone.
        Nothing may be awaited inside.
        """
        yield

    # The queue

    @abstractmethod
    def count(self, wanted: QueueFilter) -> int: ...

    @abstractmethod
    def rows(self, wanted: QueueFilter, first: int, count: int) -> list[CaseRow]:
        """Give `count` rows of the queue from position `first`, in queue order, fast at any position."""

    @abstractmethod
    def position(self, wanted: QueueFilter, case: str) -> int | None:
        """Say at which position the case stands; None when the filter leaves it out."""

    @abstractmethod
    def version(self) -> int:
        """A number that changes whenever another row or order may be shown, by this or another console."""

    # Cases

    @abstractmethod
    def take_in(self, cases: Sequence[tuple[Case, CaseFile]]) -> None:
        """Insert or replace these cases with their files, in one transaction."""

    @abstractmethod
    def case(self, id: str) -> Case | None: ...

    @abstractmethod
    def case_by_token(self, token: str) -> Case | None: ...

    @abstractmethod
    def case_at(self, forum: str, target: Target) -> Case | None:
        """Give the case of this post, message or member; same target, same case (`target.thread` does not count)."""

    def cases_at(self, forum: str, targets: Sequence[Target]) -> list[Case | None]:
        """Give what `case_at` gives for each of many targets, in their order."""
        return [self.case_at(forum, target) for target in targets]

    def used(self, ids: Collection[str]) -> set[str]:
        """Say which of these ids belong to a case already."""
        return {id for id in ids if self.case(id) is not None}

    @abstractmethod
    def file(self, case: Case) -> CaseFile:
        """Decrypt what the case is about.

        Raises:
            VaultLocked
            VaultError: It was erased.
        """

    @abstractmethod
    def save_case(self, case: Case) -> None: ...

    @abstractmethod
    def save_file(self, case: Case, file: CaseFile) -> None: ...

    @abstractmethod
    def claim(self, case: str, by: str, until: datetime, now: datetime, *, take_over: bool = False) -> Case:
        """Take the lease on a case, in one transaction, unless somebody else holds one that has not expired.

        Gives the case as it is afterwards: whose claim it has says who won.
        """

    @abstractmethod
    def release(self, case: str, by: str) -> None: ...

    @abstractmethod
    def follow_ups(self, until: datetime) -> list[Case]:
        """Give closed cases whose follow-up is due by `until`, earliest first."""

    # Runs, notes, drafts

    @abstractmethod
    def runs(self, case: Case) -> list[Run]:
        """Give the case's runs, oldest first, with all their events. Needs the vault."""

    @abstractmethod
    def start_run(self, case: Case, run: Run) -> None: ...

    @abstractmethod
    def add_event(self, case: Case, run: str, event: RunEvent) -> None:
        """Keep one answer. Durable when this returns: it survives `kill -9`."""

    @abstractmethod
    def notes(self, case: Case) -> list[Note]: ...

    @abstractmethod
    def add_note(self, case: Case, note: Note) -> None: ...

    @abstractmethod
    def drafts(self, case: Case) -> list[Draft]: ...

    @abstractmethod
    def save_draft(self, case: Case, draft: Draft) -> None:
        """Keep what is being typed; an empty text removes it."""

    # Forums and the screen's memory

    @abstractmethod
    def cursor(self, forum: str) -> str: ...

    @abstractmethod
    def save_cursor(self, forum: str, cursor: str) -> None: ...

    @abstractmethod
    def remembered(self, key: str) -> str: ...

    @abstractmethod
    def remember(self, key: str, value: str) -> None: ...

    @abstractmethod
    def earlier_cases(self, case: Case, limit: int = 20) -> list[Case]:
        """Give other cases about the same member on the same forum (same `member_key`), newest first."""

    @abstractmethod
    def of_member(self, forum: str, member_key: str) -> list[Case]:
        """Give every case about a member of a forum, newest first."""

    # Erasing

    @abstractmethod
    def erase(self, tokens: Collection[str]) -> int:
        """Take out the cases with these tokens and everything that belongs to them; gives how many were here.

        Nothing of them is left, and a new flag about the same post begins a new case.
        """

    @abstractmethod
    def clear_wal(self) -> bool:
        """Leave nothing deleted in the file's write-ahead log; False while another console keeps it from being done."""

    @abstractmethod
    def close(self) -> None: ...
