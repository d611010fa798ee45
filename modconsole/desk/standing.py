"""Whether a protocol may be run on a real case: the approval that counts is the one sealed in the log.

The states, and what is said of each, are in the safeguarding guide, section 6.2. None touches the emergency panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from modconsole.core.approval import ApprovalText, Verdict
from modconsole.core.decision import ProtocolRef
from modconsole.core.protocol import ProtocolStatus, ReviewProtocol, UsedFor
from modconsole.desk.fit import misfits
from modconsole.ports.settings import Settings

__all__ = ["LEADS", "NOT_KNOWN", "Standing", "StandingKind", "day_words", "ref", "standing"]

LEADS = ("safeguarding_lead", "clinical_lead", "service_manager")
"""Who may approve, withdraw and extend any protocol; beside them the role that owns it."""

_DUE_SOON = timedelta(days=30)


class StandingKind(StrEnum):
    APPROVED = "approved"
    PRACTICE = "practice"
    """A demo or drill: drafts run, and everything says so."""
    DRAFT = "draft"
    """The service allows drafts: it runs, and every screen and record says draft."""
    READ_ONLY = "read_only"
    """Not approved here: shown, not run. Every action stays open, with a reason."""
    NOT_FOR_CASES = "not_for_cases"
    """For a shift, or for oneself: never run on a case, whoever approved it."""


@dataclass(frozen=True, slots=True)
class Standing:
    kind: StandingKind
    banner: str
    """What the screen says above the protocol; empty when there is nothing to say."""
    warnings: tuple[str, ...] = ()
    """What else to say, in amber: it was written for another place, age or kind of forum."""
    approved_by: str = ""
    """The role that approved this very text; empty when nobody did."""
    approved_on: date | None = None
    status: str = "draft"
    """The word for a record: `approved`, `overdue`, `draft`, `withdrawn` or `retired`."""

    @property
    def may_run(self) -> bool:
        """Whether it may be begun on a case. A run that is already going may be finished in any case."""
        return self.kind in (StandingKind.APPROVED, StandingKind.PRACTICE, StandingKind.DRAFT)


NOT_KNOWN = Standing(
    StandingKind.READ_ONLY,
    "The log cannot be read, so nobody knows whether this is approved: to read, not to begin",
    status="unknown",
)
"""For showing a protocol while the log cannot be read. It may have been withdrawn, so it is not begun."""


def standing(
    protocol: ReviewProtocol,
    verdicts: Sequence[ApprovalText],
    settings: Settings,
    today: date,
    case: Mapping[str, str] = MappingProxyType({}),
) -> Standing:
    """Say how this protocol stands today.

    Args:
        verdicts: What was decided about any text of it, in the order it was decided.
        case: What a case's answers say of place and age, by question.
    """
    held = _held(protocol, verdicts, settings, today)
    approval = _approval(protocol, verdicts)
    if approval is not None:
        held = replace(held, approved_by=approval.role, approved_on=approval.at.date())
    return replace(held, warnings=misfits(protocol, settings.service, case))


def _held(
    protocol: ReviewProtocol, verdicts: Sequence[ApprovalText], settings: Settings, today: date
) -> Standing:
    withdrawal = _withdrawal(protocol, verdicts)
    approval = _approval(protocol, verdicts)
    status = "approved" if approval is not None else "draft"
    if withdrawal is not None:
        said = f"WITHDRAWN on {day_words(withdrawal.at.date())} by the {_role(withdrawal.role)}"
        return Standing(StandingKind.READ_ONLY, f"{said}: {_NO_MORE}", status="withdrawn")
    if protocol.status in (ProtocolStatus.RETIRED, ProtocolStatus.WITHDRAWN):
        return Standing(
            StandingKind.READ_ONLY, f"{protocol.status.upper()}: {_NO_MORE}", status=protocol.status.value
        )
    if protocol.used_for is not UsedFor.CASE:
        whom = "yourself" if protocol.used_for is UsedFor.SELF else "the beginning or end of a shift"
        said = f"For {whom}: never run on a case, and nothing of it is kept"
        return Standing(StandingKind.NOT_FOR_CASES, said, status=status)
    if settings.demo:
        what = "" if approval else "a draft, "
        return Standing(StandingKind.PRACTICE, f"PRACTICE: {what}on an invented forum", status=status)
    if approval is not None:
        return _approved(protocol, approval, verdicts, settings, today)
    changed = _changed(protocol, verdicts)
    if settings.service.allow_drafts:
        said = "DRAFT: not approved by your service, allowed by its settings"
        return Standing(StandingKind.DRAFT, f"{said}.{changed}" if changed else said)
    said = "NOT APPROVED FOR USE: to read, not to run. Every action stays open, with a reason."
    return Standing(StandingKind.READ_ONLY, said + changed)


_NO_MORE = "not to be started any more. A run that is already going may be finished."


def _approved(
    protocol: ReviewProtocol,
    approval: ApprovalText,
    verdicts: Sequence[ApprovalText],
    settings: Settings,
    today: date,
) -> Standing:
    """Judge a text that was approved by its dates."""
    governance = protocol.governance
    if governance.effective_from is not None and today < governance.effective_from:
        begins = day_words(governance.effective_from)
        if settings.service.allow_drafts:
            return Standing(
                StandingKind.DRAFT, f"DRAFT until {begins}: approved, and not in force before then"
            )
        said = f"Approved, and in force from {begins}: until then to read, not to run"
        return Standing(StandingKind.READ_ONLY, said)
    review_by = governance.review_by
    overdue = (today - review_by).days
    if overdue <= 0:
        is_lead = settings.role in (*LEADS, governance.owner_role)
        due_soon = review_by - today <= _DUE_SOON
        said = f"Its review is due by {day_words(review_by)}" if is_lead and due_soon else ""
        return Standing(StandingKind.APPROVED, said, status="approved")
    days = f"Review overdue by {overdue} {'day' if overdue == 1 else 'days'}"
    if overdue <= governance.overdue_grace_days:
        return Standing(StandingKind.APPROVED, days, status="overdue")
    extension = _extension(approval, verdicts)
    if extension is not None and today <= extension.until:
        said = f"{days}; the {_role(extension.role)} allows it until {day_words(extension.until)}"
        return Standing(StandingKind.APPROVED, said, status="overdue")
    said = f"{days}: to read, not to run, until it is reviewed or a lead extends it. Every action stays open."
    return Standing(StandingKind.READ_ONLY, said, status="overdue")


def _approval(protocol: ReviewProtocol, verdicts: Sequence[ApprovalText]) -> ApprovalText | None:
    """Give the latest approval of this very text."""
    return next(
        (v for v in reversed(verdicts) if v.verdict is Verdict.APPROVED and v.hash == protocol.hash), None
    )


def _withdrawal(protocol: ReviewProtocol, verdicts: Sequence[ApprovalText]) -> ApprovalText | None:
    """Give the withdrawal that this text is still under.

    It ends with an approval of this text. Another text's approval ends it for texts nobody had ruled on by then: they
    are drafts that came after.
    """
    places = [number for number, v in enumerate(verdicts) if v.verdict is Verdict.WITHDRAWN]
    if not places:
        return None
    before, after = verdicts[: places[-1] + 1], verdicts[places[-1] + 1 :]
    approved_since = {v.hash for v in after if v.verdict is Verdict.APPROVED}
    is_old = any(v.hash == protocol.hash for v in before)
    if protocol.hash in approved_since or (approved_since and not is_old):
        return None
    return verdicts[places[-1]]


def _extension(approval: ApprovalText, verdicts: Sequence[ApprovalText]) -> ApprovalText | None:
    """Give the extension of this approval that reaches furthest."""
    found = [
        v
        for v in verdicts
        if v.verdict is Verdict.EXTENDED and v.hash == approval.hash and v.at >= approval.at
    ]
    return max(found, key=lambda v: v.until, default=None)


def _changed(protocol: ReviewProtocol, verdicts: Sequence[ApprovalText]) -> str:
    """Say that another text of this protocol was approved, or how far this one is; empty when there is nothing to."""
    earlier = [v for v in verdicts if v.verdict is Verdict.APPROVED]
    if earlier:
        return f" It was changed since it was approved on {day_words(earlier[-1].at.date())}."
    return " It is in review." if protocol.status is ProtocolStatus.IN_REVIEW else ""


def day_words(day: date) -> str:
    """Give a day as people say it."""
    return f"{day.day} {day:%B %Y}"


def _role(role: str) -> str:
    return role.replace("_", " ") or "lead"


def ref(protocol: ReviewProtocol, held: Standing) -> ProtocolRef:
    """Name the protocol for a record, with how it stood at the time."""
    return ProtocolRef(protocol.id, protocol.version, protocol.hash, held.status)
