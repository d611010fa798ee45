"""Witnesses: someone else's word, by countersignature, for how far a log had come and what was in it.

`Witness` gives such words for other devices' logs, as C2SP tlog-witness says; `Witnessed` asks for them, for our own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modconsole.core.cosignature import WitnessAnswer, WitnessKey
from modconsole.core.errors import ModconsoleError
from modconsole.core.note import VerifierKey

__all__ = [
    "Answered",
    "KnownLog",
    "Suspicion",
    "Taken",
    "Witness",
    "WitnessRequest",
    "Witnessed",
    "WitnessedTail",
]


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that this witness countersigns."""

    origin: str
    vkey: str
    size: int
    """As last countersigned; 0 when never."""
    root: str
    """In hex."""
    at: datetime | None
    """When it was last countersigned."""
    frozen: str = ""
    """Why it is not countersigned any more; empty when it is."""
    checkpoint: str = ""
    """The head last countersigned, with the log's signature and ours; a monitor can check both."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Two signed heads of one log that were not shown to belong to one history."""

    origin: str
    at: datetime
    why: str
    held: str
    """The head that was countersigned before."""
    offered: str
    """The head that did not fit."""
    state: str
    """`open`, `proven` (the log has two histories) or `cleared` (it proved later that it has one)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that lay in a folder."""

    request: Path
    answer: Path
    status: int
    why: str
    """The answer's words, when it is not 200."""


class Witness(ABC):
    """The witness's side. What it countersigned never contradicts itself, whatever is asked and in any order."""

    @property
    @abstractmethod
    def key(self) -> WitnessKey:
        """Our own, made on first use; never the key of a log.

        Raises:
            VaultLocked
        """

    @abstractmethod
    def check(self, key: VerifierKey, origin: str = "") -> None:
        """Say whether `enrol` would take this log.

        Raises:
            WrongUsage: It is known under another key, or it is this device's own.
        """

    @abstractmethod
    def enrol(self, key: VerifierKey, origin: str = "") -> KnownLog:
        """Countersign this log from now on. Does nothing when it is known already.

        Args:
            origin: What the log calls itself, if not like its key.

        Raises:
            WrongUsage: As for `check`.
        """

    @abstractmethod
    def logs(self) -> Sequence[KnownLog]: ...

    @abstractmethod
    def suspicions(self) -> Sequence[Suspicion]:
        """Give everything that did not fit, oldest first; nothing of it is ever deleted."""

    @abstractmethod
    def answer(self, request: bytes) -> WitnessAnswer:
        """Answer one add-checkpoint request as tlog-witness says; what is countersigned is durable before this returns.

        Raises:
            VaultLocked: It is in order, and there is no key to sign with.
            LogError: What was countersigned before cannot be read or written; nothing was countersigned.
        """

    @abstractmethod
    def answer_file(self, request: Path) -> WitnessAnswer:
        """Answer the request in a file.

        Raises:
            WrongUsage: There is no such file, or it is no plain one.
        """

    @abstractmethod
    def answer_folder(self, folder: Path) -> Sequence[Answered]:
        """Answer every `*.request` of a folder that bears no countersignature of ours yet, each in a file beside it.

        Raises:
            WrongUsage: There is no such folder, or an answer cannot be written there.
        """

    @abstractmethod
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """What to send to a witness."""

    origin: str
    size: int
    old_size: int
    text: str
    vkey: str
    """The log's; a witness that does not know the log yet is given it by another way than the request."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A countersignature that is right and by one of our witnesses."""

    witness: str
    origin: str
    size: int
    at: datetime
    """By the witness's clock."""
    is_new: bool
    """False when it was here already."""


@dataclass(frozen=True, slots=True)
class WitnessedTail:
    """How far one log is witnessed."""

    origin: str
    size: int
    witnessed: int
    """How many entries as many witnesses as the settings ask for have countersigned."""
    oldest: datetime | None
    """When the first entry after those was sealed."""


class Witnessed(ABC):
    """The log's side."""

    @abstractmethod
    def request(
        self, origin: str = "", *, witness: str = "", old_size: int | None = None, size: int = 0
    ) -> WitnessRequest:
        """Write what a witness is asked, for one of our logs.

        Args:
            origin: Which log; the one written to last when empty.
            witness: By name or part of it; the only one of the settings when empty.
            old_size: How far the witness is, where we cannot know. Else what it last countersigned here, or 0.
            size: An earlier head; the newest when 0.

        Raises:
            WrongUsage: There is no such log, witness or head.
            LogError: The log does not prove what its heads say.
        """

    @abstractmethod
    def take(self, answer: WitnessAnswer, request: str = "") -> Sequence[Taken]:
        """Check a witness's answer and keep what is right, durably, in `log.db` and beside the keys.

        Args:
            request: What it answers. Without, every head of ours is tried, newest first.

        Raises:
            WrongUsage: It is no answer of a witness named in the settings to a head of ours.
            ModconsoleError: It is a refusal; says what that means for this log.
        """

    @abstractmethod
    def take_file(self, answer: Path, request: Path | None = None) -> Sequence[Taken]:
        """Do what `take` does with a file: an answer, or a whole head with the witness's signature under it.

        Without a request it is the one beside the answer of the same name, if there is one.
        """

    @abstractmethod
    def take_folder(self, folder: Path) -> tuple[Sequence[Taken], Sequence[tuple[Path, ModconsoleError]]]:
        """Do what `take_file` does with every `*.answer` of a folder: what was taken, and what was not and why."""

    @abstractmethod
    def tails(self) -> Sequence[WitnessedTail]:
        """Say how far each log is witnessed, without reading the logs."""
