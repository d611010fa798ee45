"""Letting other devices' logs into the reviewing database. Whose key counts, and what was found, is sealed in ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modconsole.core.decision import Entry, EntryKind
from modconsole.core.note import VerifierKey, fingerprint
from modconsole.ports.audit import AuditLog
from modconsole.ports.gathered import Gathered, TakenIn
from modconsole.ports.settings import Settings

__all__ = ["Reviewing"]


@dataclass(frozen=True, slots=True)
class Reviewing:
    gathered: Gathered
    log: AuditLog
    settings: Settings
    now: Callable[[], datetime]

    def enrol(self, key: VerifierKey) -> bool:
        """Let a device's log in from now on; say whether that is new.

        Sealed first: an enrolment that is in the log and nowhere else lets nothing in, and can be given again.

        Raises:
            NotAllowed: The log of this name has another key here, or is a demo's.
            LogError, VaultLocked: It is not in our log, so the key does not count.
        """
        known = {log.origin: log.key for log in self.gathered.enrolled()}
        if known.get(key.name) == key:
            return False
        self.gathered.check(key)
        self._seal("enrolled", key)
        return self.gathered.enrol(key)

    def dismiss(self, origin: str) -> VerifierKey:
        """Take back an enrolment under which nothing came in.

        Raises:
            NotAllowed, LogError, VaultLocked
        """
        dismissed = self.gathered.dismiss(origin).key
        self._seal("dismissed", dismissed)
        return dismissed

    def take_in(self, folders: Sequence[Path]) -> list[TakenIn]:
        """Take in what is in each folder. A log with two histories stops itself only, and our log says so.

        Raises:
            LogError, VaultLocked
        """
        found: list[TakenIn] = []
        for folder in folders:
            for taken in self.gathered.take_in(folder):
                found.append(taken)
                if taken.fork is not None:
                    body = {"held": taken.fork.held, "other": taken.fork.other, "seq": taken.fork.seq}
                    key = next(log.key for log in self.gathered.enrolled() if log.origin == taken.origin)
                    self._seal("two_histories", key, body)
        return found

    def _seal(self, what: str, key: VerifierKey, body: Mapping[str, object] | None = None) -> None:
        self.log.seal(
            Entry(
                EntryKind.KEY_EVENT,
                self.settings.me,
                self.now(),
                detail=f"{what}:{key.id.hex()}",
                body={"vkey": str(key), "fingerprint": fingerprint(key.public), **(body or {})},
            )
        )
