"""Whether a protocol may be run on a real case: the approval that counts is the one sealed in the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from modconsole.core.decision import EntryKind, ProtocolRef
from modconsole.core.protocol import ProtocolStatus, ReviewProtocol
from modconsole.ports.audit import AuditLog, LogQuery

__all__ = ["Standing", "StandingKind", "ref", "standing"]


class StandingKind(StrEnum):
    APPROVED = "approved"
    PRACTICE = "practice"
    """A demo or drill: drafts run, and everything says so."""
    DRAFT = "draft"
    """The service allows drafts: it runs, and every screen and record says draft."""
    READ_ONLY = "read_only"
    """Not approved here: shown, not run. Every action stays open, with a reason."""


@dataclass(frozen=True, slots=True)
class Standing:
    kind: StandingKind
    banner: str
    """What the screen says above the protocol; empty when there is nothing to say."""

    @property
    def may_run(self) -> bool:
        return self.kind is not StandingKind.READ_ONLY


def standing(
    protocol: ReviewProtocol, *, demo: bool, allow_drafts: bool, log: AuditLog, today: date
) -> Standing:
    """Say how this protocol stands on a case today."""
    if protocol.status in (ProtocolStatus.RETIRED, ProtocolStatus.WITHDRAWN):
        return Standing(StandingKind.READ_ONLY, f"{protocol.status.upper()}: not to be started any more")
    if demo:
        return Standing(StandingKind.PRACTICE, "PRACTICE: a draft, on an invented forum")
    if _approved(protocol, log):
        overdue = (today - protocol.governance.review_by).days
        banner = f"Review overdue by {overdue} days" if overdue > 0 else ""
        return Standing(StandingKind.APPROVED, banner)
    if allow_drafts:
        return Standing(StandingKind.DRAFT, "DRAFT: not approved by your service, allowed by its settings")
    return Standing(
        StandingKind.READ_ONLY,
        "NOT APPROVED FOR USE: to read, not to run. Every action stays open, with a reason.",
    )


def _approved(protocol: ReviewProtocol, log: AuditLog) -> bool:
    sealed = log.records(LogQuery(kind=EntryKind.PROTOCOL_APPROVED, protocol=protocol.id), limit=1000)
    return any(ref.hash == protocol.hash for record in sealed for ref in record.entry.protocols)


def ref(protocol: ReviewProtocol, held: Standing) -> ProtocolRef:
    """Name the protocol for a record, with how it stood at the time."""
    status = "approved" if held.kind is StandingKind.APPROVED else "draft"
    return ProtocolRef(protocol.id, protocol.version, protocol.hash, status)
