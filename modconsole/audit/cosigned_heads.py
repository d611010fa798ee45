"""What witnesses countersigned, held against what is in the log now. For `verify`: each of them is checked again."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from modconsole.audit.walking import StoredLog, Walked
from modconsole.audit.witnessed import StoredCosignature, as_stored, sealed_at, stored_cosignatures
from modconsole.core.cosignature import WitnessPolicy
from modconsole.core.merkle import EMPTY_ROOT
from modconsole.ports.audit import Finding
from modconsole.ports.vault import WitnessedHead

__all__ = ["NOBODY", "CosignedHeads"]

NOBODY = WitnessPolicy()


class CosignedHeads:
    """Every countersignature there is: in `log.db`, and those remembered beside the keys.

    Args:
        policy: Whose count, and how many make an entry witnessed.
        kept: The last countersigned head of each log, as remembered away from `log.db`.
    """

    def __init__(self, db: sqlite3.Connection, policy: WitnessPolicy, kept: Sequence[WitnessedHead]) -> None:
        self._db = db
        self._policy = policy
        self._kept = {head.origin: as_stored(head) for head in kept}
        try:
            self._stored = stored_cosignatures(db)
        except sqlite3.Error:  # the table was changed, which is a finding of its own
            self._stored = {}
        self.covered = 0
        """How many entries are witnessed, of the logs that were looked at so far."""
        self.oldest: datetime | None = None
        """When the first entry was sealed that is not."""

    def sizes(self, origin: str) -> list[int]:
        """Give the sizes at which the log's root is wanted."""
        return [stored.point.size for stored in self._all(origin)]

    def _all(self, origin: str) -> list[StoredCosignature]:
        found = self._stored.get(origin, [])
        kept = self._kept.get(origin)
        return found if kept is None or kept in found else [*found, kept]

    def of_log(self, log: StoredLog, walked: Walked) -> list[Finding]:
        """Compare one log with what was countersigned of it, and count what that covers."""
        right = [stored for stored in self._all(log.origin) if stored.is_right()]
        there = [stored for stored in right if walked.roots.get(stored.point.size) == stored.point.root]
        size = self._size(log)
        reached = self._policy.size((stored.key, stored.point.size) for stored in there if stored.key)
        self.covered += min(reached, size)
        self._remember(sealed_at(self._db, log.id, reached))
        return [
            *self._wrong(log.origin),
            *self._taken_out(log.origin),
            *_of_longest(right, size, walked),
            *_of_other_root(right, walked),
        ]

    def _size(self, log: StoredLog) -> int:
        size: int = self._db.execute("SELECT count(*) FROM leaves WHERE log=?", (log.id,)).fetchone()[0]
        return size

    def _remember(self, at: datetime | None) -> None:
        if at is not None and (self.oldest is None or at < self.oldest):
            self.oldest = at

    def _wrong(self, origin: str) -> Iterator[Finding]:
        for stored in self._all(origin):
            if not stored.is_right():
                yield Finding(
                    origin,
                    None,
                    f"The countersignature of {stored.name} at {stored.point.size} entries is not what they signed.",
                    "It was changed after it was taken, and counts for nothing. The witness can give it again.",
                )

    def _taken_out(self, origin: str) -> Iterator[Finding]:
        kept = self._kept.get(origin)
        if kept is not None and kept not in self._stored.get(origin, []):
            yield Finding(
                origin,
                None,
                f"The countersignature of {kept.name} at {kept.point.size} entries ({kept.at}) is not in log.db; "
                "keys.db remembers it.",
                "It was taken out or changed, or an older copy of log.db was put back.",
            )

    def of_missing_logs(self, present: Collection[str]) -> Iterator[Finding]:
        """Name the logs that are countersigned, and not here."""
        for origin in sorted({*self._stored, *self._kept} - set(present), key=str):
            right = [stored for stored in self._all(origin) if stored.is_right()]
            yield from self._wrong(origin)
            for stored in sorted(right, key=lambda stored: stored.point.size)[-1:]:
                yield Finding(
                    origin,
                    0,
                    f"The whole log is missing; {stored.name} countersigned {stored.point.size} entries of it "
                    f"({stored.at}).",
                    "log.db was deleted or replaced, or an older copy of it was put back.",
                )

    def notes(self) -> Iterator[str]:
        """Say what the counting leaves out."""
        witnesses = self._policy.witnesses
        known = {str(key) for key in witnesses}
        others = {
            stored.name for found in self._stored.values() for stored in found if stored.vkey not in known
        }
        if others:
            yield (
                f"Countersignatures of {', '.join(sorted(others))} are here and were checked, and do not count: the "
                "settings do not name them as witnesses."
            )
        if witnesses:
            yield (
                f"Witnessed means: countersigned by {self._policy.needed} of {len(witnesses)}. What happened to an "
                "entry that is not witnessed, after it was sealed, nobody but this device can say."
            )


def _of_longest(right: Sequence[StoredCosignature], size: int, walked: Walked) -> Iterator[Finding]:
    """Name the largest head that the log does not reach any more."""
    beyond = [stored for stored in right if stored.point.size > size]
    for stored in sorted(beyond, key=lambda stored: stored.point.size)[-1:]:
        here = walked.frontier.root() if walked.frontier.size else EMPTY_ROOT
        yield Finding(
            stored.point.origin,
            size,
            f"The log has {size} entries; {stored.name} countersigned {stored.point.size} of it ({stored.at}).",
            f"The entries from {size} on were taken out, or an older copy of log.db was put back. Countersigned: "
            f"{stored.point.size} entries, root {stored.point.root.hex()}. Here: {size} entries, root {here.hex()}.",
        )


def _of_other_root(right: Sequence[StoredCosignature], walked: Walked) -> Iterator[Finding]:
    """Name the first head that the log contradicts."""
    forked = [s for s in right if walked.roots.get(s.point.size, s.point.root) != s.point.root]
    for stored in sorted(forked, key=lambda stored: stored.point.size)[:1]:
        here = walked.roots[stored.point.size]
        yield Finding(
            stored.point.origin,
            None,
            f"At {stored.point.size} entries the log is not the one that {stored.name} countersigned ({stored.at}).",
            "Two histories were written under one name, or the log was written again. Countersigned: root "
            f"{stored.point.root.hex()}. Here: root {here.hex()}.",
        )
