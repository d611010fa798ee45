"""What was decided about protocols, read from the log. Needs no keys: a locked home knows it too."""

from __future__ import annotations

from modconsole.core.approval import ApprovalText, verdict_sealed
from modconsole.core.decision import EntryKind
from modconsole.ports.audit import AuditLog, LogQuery

__all__ = ["Verdicts"]

_PAGE = 1000


class Verdicts:
    """The sealed verdicts, by protocol. One indexed look at the log says whether what is remembered still holds."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._newest = -1
        self._by_protocol: dict[str, tuple[ApprovalText, ...]] = {}

    def of(self, protocol: str) -> tuple[ApprovalText, ...]:
        """Give every verdict on any text of a protocol, in the order in which they were given."""
        found = self._log.records(LogQuery(kind=EntryKind.PROTOCOL_APPROVED), limit=1)
        newest = found[0].position if found else 0
        if newest != self._newest:
            self._read()
            self._newest = newest
        return self._by_protocol.get(protocol, ())

    def _read(self) -> None:
        known: list[ApprovalText] = []
        before = 0
        while True:
            page = self._log.records(LogQuery(kind=EntryKind.PROTOCOL_APPROVED), limit=_PAGE, before=before)
            for record in page:
                for used in record.entry.protocols:
                    verdict = verdict_sealed(used, record.entry.detail, record.entry.at)
                    if verdict is not None:
                        known.append(verdict)
            if len(page) < _PAGE:
                break
            before = page[-1].position
        # Oldest first as they were sealed; what another console gave earlier goes to where it belongs in time.
        known.reverse()
        known.sort(key=lambda verdict: verdict.at)
        self._by_protocol = {}
        for verdict in known:
            self._by_protocol[verdict.protocol] = (*self._by_protocol.get(verdict.protocol, ()), verdict)
