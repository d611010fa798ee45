"""The log with one rule on top: nothing is sealed under changed settings before the log says that they changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from modconsole.core.decision import DecisionState, Entry, EntryKind, Record
from modconsole.ports.audit import AuditLog, Finding, LogHead, LogQuery, Receipt, Unwitnessed, VerifyReport
from modconsole.ports.settings import Settings

__all__ = ["SettingsFirst"]


class SettingsFirst(AuditLog):
    """A log that seals `config_changed` before anything else, once.

    Unlocking tries it, but a log that cannot be written at that moment must not keep anybody from reading a case.
    So whatever is sealed first, once the log is well again, is still preceded by what it was done under.
    """

    def __init__(self, log: AuditLog, settings: Settings, now: Callable[[], datetime]) -> None:
        self._log = log
        self._settings = settings
        self._now = now
        self._is_known = False

    def seal_settings(self) -> None:
        """Seal `config_changed` if the settings are not those the log last heard of.

        Raises:
            LogError, VaultLocked: They are not in the log, and nothing else gets there before they are.
        """
        if not self._is_known and self._log.last_config_hash() != self._settings.hash:
            hash = self._settings.hash
            self._log.seal(Entry(EntryKind.CONFIG_CHANGED, self._settings.me, self._now(), detail=hash))
        self._is_known = True

    def seal(self, entry: Entry) -> Receipt:
        self.seal_settings()
        return self._log.seal(entry)

    # Everything else is the log's own.

    def erase(self, case: str) -> int:
        return self._log.erase(case)

    def clear_wal(self) -> bool:
        return self._log.clear_wal()

    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, before: int = 0
    ) -> list[Record]:
        return self._log.records(query, newest_first=newest_first, limit=limit, before=before)

    def open_body(self, record: Record) -> Mapping[str, object] | None:
        return self._log.open_body(record)

    def decision(self, decision: str) -> DecisionState | None:
        return self._log.decision(decision)

    def decisions_of(self, case: str) -> list[DecisionState]:
        return self._log.decisions_of(case)

    def unsettled(self) -> list[DecisionState]:
        return self._log.unsettled()

    def last_config_hash(self) -> str:
        return self._log.last_config_hash()

    def heads(self) -> list[LogHead]:
        return self._log.heads()

    def verify(self) -> VerifyReport:
        return self._log.verify()

    def shortened(self) -> Sequence[Finding]:
        return self._log.shortened()

    def unwitnessed(self) -> Unwitnessed | None:
        return self._log.unwitnessed()

    def in_order(self, query: LogQuery) -> Iterator[Record]:
        return self._log.in_order(query)

    def export_lines(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        return self._log.export_lines(query)

    def close(self) -> None:
        self._log.close()
