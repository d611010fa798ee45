"""Logs as files for others: checking what a stranger hands over, and writing ours so that a stranger can check it.

Checking needs no home, no keyring and no passphrase. Writing reads `log.db` and nothing else: no key, no ciphertext.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modconsole.core.note import VerifierKey
from modconsole.ports.audit import Finding

__all__ = ["EvidenceReport", "LogTools", "ProvedEntry", "TilesReport", "Written"]


@dataclass(frozen=True, slots=True)
class TilesReport:
    """What was found in a tile log. Without a head that can be trusted, only the findings say anything."""

    origin: str
    size: int
    root: str
    """In hex, as signed."""
    contents: int
    """How many entries were there to read and were hashed; of the others only the hashes were."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    """An entry that a signed head is proved to include."""

    origin: str
    index: int
    leaf_hash: str
    """In hex."""
    size: int
    """Of the log, at that head."""


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    proved: tuple[ProvedEntry, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Written:
    """What an export holds."""

    path: Path
    origins: tuple[str, ...]
    entries: int


class LogTools(ABC):
    @abstractmethod
    def verify_tiles(
        self, folder: Path, key: VerifierKey, *, checkpoint: Path | None = None, origin: str = ""
    ) -> TilesReport:
        """Check a C2SP tlog-tiles log on disk, whoever wrote it, against a head signed by this key.

        Args:
            checkpoint: A head that was kept elsewhere. When the folder has one too, both must be of one history.
            origin: What the head's first line must be; the key's name when empty.

        Raises:
            WrongUsage: There is no such folder.
        """

    @abstractmethod
    def verify_evidence(self, folder: Path, keys: Sequence[VerifierKey]) -> EvidenceReport:
        """Check that every entry of an evidence folder is in a log that one of these keys signed.

        Raises:
            WrongUsage: There is no such folder.
        """

    @abstractmethod
    def check_place(self, out: Path) -> None:
        """Say beforehand whether something new can be put there.

        Raises:
            WrongUsage: Something is there already, or there is no folder to put it in.
        """

    @abstractmethod
    def write_tiles(self, out: Path, origin: str = "") -> Written:
        """Write this device's logs, or the one of this name, as a new folder with a tile log for each.

        Nothing is there until all of it is; what is there is never written over.

        Raises:
            WrongUsage: As `check_place`.
            LogError: The log is not sound, or the folder cannot be written; nothing is left behind.
        """

    @abstractmethod
    def write_evidence(self, out: Path, case: str, known_as: str) -> Written:
        """Write every entry of a case with its proof, as a new folder. As careful as `write_tiles`.

        Args:
            case: The case's token.
            known_as: What people here call it.
        """

    @abstractmethod
    def write_lines(
        self,
        out: Path,
        form: str,
        *,
        origin: str = "",
        chosen: Iterable[tuple[str, int]] | None = None,
        case_id: Callable[[str], str] = lambda token: "",
    ) -> Written:
        """Write entries, a line each, as a new file. As careful as `write_tiles`.

        Args:
            form: `jsonl` or `csv`.
            origin: Only this log's.
            chosen: Only these, by origin and index; otherwise every entry, also of kinds that are not known here.
            case_id: From a case's token to the id that people here know it by, for `csv`.
        """
