"""The audit log, as the desk and the front ends see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modconsole.core.decision import DecisionState, Entry, EntryKind, Record

__all__ = ["AuditLog", "Finding", "LogHead", "LogQuery", "Receipt", "Unwitnessed", "VerifyReport"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an entry is durably in the log: COMMIT has returned."""

    origin: str
    seq: int
    leaf_hash: str


@dataclass(frozen=True, slots=True)
class LogHead:
    """One log's latest signed head."""

    origin: str
    size: int
    root: str
    """In hex."""
    checkpoint: str
    """The C2SP signed note."""
    vkey: str


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which entries to list; empty fields do not filter."""

    case: str = ""
    """Case token."""
    decision: str = ""
    actor: str = ""
    forum: str = ""
    action: str = ""
    kind: EntryKind | None = None
    protocol: str = ""
    version: str = ""
    """Of that protocol; says nothing without it."""
    outcome: str = ""
    urgency: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something `verify` found wrong, in plain words."""

    origin: str
    seq: int | None
    """The first entry that differs, where one can be named."""
    what: str
    means: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    heads: tuple[LogHead, ...]
    entries: int
    findings: tuple[Finding, ...]
    unwitnessed: int
    """Entries that fewer witnesses than the settings ask for have countersigned; all, where the settings name none.
    What happened to them after sealing, nobody but this device can know."""
    oldest_unwitnessed: datetime | None = None
    """When the first of them was sealed, by this device's clock."""
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Unwitnessed:
    """The tail that no witness vouches for yet."""

    entries: int
    oldest: datetime | None
    """When the first of them was sealed; None when there are none."""


class AuditLog(ABC):
    """Append-only, Merkle-hashed, signed. Writing goes through `seal` and nothing else."""

    @abstractmethod
    def seal(self, entry: Entry) -> Receipt:
        """Put one entry into the log, durably, with the signed new head in the same transaction.

        Returns only after COMMIT. The entry's body is encrypted under a key of its own, wrapped by the case's key.

        Raises:
            LogError: It is not in the log; nothing may happen that relies on it.
            VaultLocked: No key to sign or encrypt with yet.
        """

    @abstractmethod
    def erase(self, case: str) -> int:
        """Take the ciphertexts of a case (by its token) out of the log, and give how many are out by now.

        Every proof still holds, because entries commit to their ciphertext's hash. Only for a case whose
        `erase_requested` is sealed: until an `erased` is, `verify` reports what is missing. Doing it again changes
        nothing.
        """

    @abstractmethod
    def clear_wal(self) -> bool:
        """Leave no ciphertext that was taken out in the write-ahead log; False while another console reads in it."""

    @abstractmethod
    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, before: int = 0
    ) -> list[Record]:
        """List entries by their readable headers. Works while the vault is locked.

        Args:
            before: Only entries at a smaller `Record.position`, to go on where the last page ended; 0 for all.
        """

    @abstractmethod
    def open_body(self, record: Record) -> Mapping[str, object] | None:
        """Open the encrypted part of an entry; None when it never had one or was erased.

        Raises:
            VaultLocked: The keys are not at hand.
            LogError: It does not open to what its header commits to.
        """

    @abstractmethod
    def decision(self, decision: str) -> DecisionState | None:
        """Compute what became of one decision."""

    @abstractmethod
    def decisions_of(self, case: str) -> list[DecisionState]:
        """Compute all decisions about one case (by its token), oldest first."""

    @abstractmethod
    def unsettled(self) -> list[DecisionState]:
        """Compute every decision that was not withdrawn and lacks a certain outcome, oldest first."""

    @abstractmethod
    def last_config_hash(self) -> str:
        """Give the settings hash of the last sealed `config_changed` entry; empty when there is none."""

    @abstractmethod
    def heads(self) -> list[LogHead]: ...

    @abstractmethod
    def verify(self) -> VerifyReport:
        """Re-hash everything from the stored bytes, trusting no stored hash, and say what was found."""

    @abstractmethod
    def shortened(self) -> Sequence[Finding]:
        """Say whether a log ends before the head we remember of it. Cheap: for every start."""

    def unwitnessed(self) -> Unwitnessed | None:
        """Say how much is not witnessed, or None where the settings name no witness. Cheap: for a status bar."""
        return None

    def in_order(self, query: LogQuery) -> Iterator[Record]:
        """Give the matching entries in the order they were sealed."""
        found: list[Record] = []
        while page := self.records(query, limit=1000, before=found[-1].position if found else 0):
            found += page
        yield from reversed(found)

    @abstractmethod
    def export_lines(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        """Give the matching entries as plain values with stable names, oldest first, for `--json`."""

    @abstractmethod
    def close(self) -> None: ...
