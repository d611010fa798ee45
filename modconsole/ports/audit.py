"""The audit log, as the desk and the front ends see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modconsole.core.decision import DecisionState, Entry, EntryKind, Record

__all__ = ["AuditLog", "Finding", "LogHead", "LogQuery", "Receipt", "VerifyReport"]


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
    """Entries no one else keeps a checkpoint of; what happened to them after sealing cannot be known."""
    oldest_unwitnessed: datetime | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.findings


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

    @abstractmethod
    def export_lines(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        """Give the matching entries as plain values with stable names, oldest first, for `--json`."""

    @abstractmethod
    def close(self) -> None: ...
