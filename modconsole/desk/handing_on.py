"""Handing a case's protocol runs on to another system. What leaves is in the log before it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from modconsole.core.decision import Entry, EntryKind
from modconsole.core.errors import NotAllowed
from modconsole.core.model import Case
from modconsole.core.protocol import Approval, ProtocolStatus, ReviewProtocol
from modconsole.core.run import RunView
from modconsole.desk.casework import Casework
from modconsole.desk.standing import Standing
from modconsole.ports.audit import LogQuery
from modconsole.ports.protocol_tools import FhirRelease, ProtocolTools

__all__ = ["TEXT_ROLES", "Export", "as_it_stands", "fhir_export"]

TEXT_ROLES = ("safeguarding_lead", "clinical_lead", "data_lead", "service_manager")
"""Who may let free text out: it may identify people (safeguarding guide, section 5.3)."""

_TEST_DATA = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
"""FHIR's own mark for what is about nobody: everything that leaves a demo carries it."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is handed on, and what had to be left out."""

    bundle: Mapping[str, Any] = field(repr=False)
    responses: int
    left_out: int
    """Runs whose protocol's text cannot be found any more."""


def as_it_stands(protocol: ReviewProtocol, held: Standing) -> ReviewProtocol:
    """Give a protocol as a receiver should see it: approved where our log says so, whatever its file says."""
    status = _STATUS.get(held.status, ProtocolStatus.DRAFT)
    if status is ProtocolStatus.DRAFT and protocol.status is ProtocolStatus.IN_REVIEW:
        status = protocol.status
    approvals: tuple[Approval, ...] = ()
    if held.approved_on is not None:
        approvals = (Approval(held.approved_by, "", held.approved_on, protocol.hash),)
    return replace(protocol, status=status, governance=replace(protocol.governance, approvals=approvals))


_STATUS = {
    "approved": ProtocolStatus.APPROVED,
    "overdue": ProtocolStatus.APPROVED,
    "withdrawn": ProtocolStatus.WITHDRAWN,
    "retired": ProtocolStatus.RETIRED,
}
"""From the words of `Standing.status`. Overdue for review is approved all the same."""


def fhir_export(
    cases: Casework, tools: ProtocolTools, id: str, *, release: FhirRelease = "R4", include_text: bool = False
) -> Export:
    """Give every run of a case, of this sitting and those before, as one FHIR-shaped Bundle.

    `exported` is sealed before this returns: nothing leaves unrecorded.

    Args:
        include_text: Let what moderators typed go with it. Only for the roles of `TEXT_ROLES`.

    Raises:
        NotAllowed: Not for this role, or there is nothing to hand on.
        NoSuchCase, LogError, VaultError
    """
    settings = cases.settings
    if include_text and settings.role not in TEXT_ROLES:
        raise NotAllowed(
            f"Free text may identify people, and a {settings.role.replace('_', ' ')} may not hand it on.",
            next_step=f"Leave --include-text out, or ask one of: {_spoken(TEXT_ROLES)}.",
        )
    shown = cases.view(id)
    if shown.unreadable:
        raise NotAllowed(
            shown.unreadable, next_step="Without its answers there is nothing of this case to hand on."
        )
    runs = (*shown.earlier_runs, *shown.runs)
    if not runs:
        raise NotAllowed(f"No protocol was run on {id}, so there is nothing to hand on.")
    closings = _closings(cases, shown.case)
    runs = tuple(
        replace(run, protocol=as_it_stands(run.protocol, shown.standings[run.run.id])) for run in runs
    )
    resources = list(_resources(tools, runs, closings, id, release, include_text))
    left_out = len(cases.store.runs(shown.case)) - len(runs)
    at = cases.now()
    cases.log.seal(
        Entry(
            EntryKind.EXPORTED,
            settings.me,
            at,
            case=shown.case.token,
            forum=shown.case.forum,
            detail=f"fhir:{release}{':text' if include_text else ''}",
            protocols=tuple(dict.fromkeys(cases.refs(runs))),
            body={"case": id, "runs": [run.run.id for run in runs]},
        )
    )
    return Export(_bundle(resources, id, at, demo=settings.demo), len(runs), left_out)


def _spoken(roles: Sequence[str]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles)


def _closings(cases: Casework, case: Case) -> dict[str, datetime]:
    """Say of every run that was sealed with a closing when it first was."""
    found: dict[str, datetime] = {}
    query = LogQuery(case=case.token, kind=EntryKind.CLOSED)
    for record in cases.log.records(query, newest_first=False, limit=1000):
        runs = (cases.log.open_body(record) or {}).get("runs")
        for run in runs if isinstance(runs, list) else ():
            found.setdefault(run["id"], record.entry.at)
    return found


def _resources(
    tools: ProtocolTools,
    runs: Sequence[RunView],
    closings: Mapping[str, datetime],
    case: str,
    release: FhirRelease,
    include_text: bool,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each resource with its address: every protocol once, then the runs in the order they were begun."""
    for protocol in {run.protocol.hash: run.protocol for run in runs}.values():
        yield f"protocol:{protocol.id}:{protocol.hash}", dict(tools.questionnaire(protocol, release))
    for run in runs:
        closed_at = closings.get(run.run.id)
        made = dict(
            tools.response(
                run, case=case, release=release, closed=closed_at is not None, include_text=include_text
            )
        )
        if made["status"] == "completed" and closed_at and any(e.at > closed_at for e in run.run.events):
            made["status"] = "amended"  # the log has, sealed, what it was when the case was closed
        yield f"run:{run.run.id}", made


def _bundle(
    resources: Sequence[tuple[str, dict[str, Any]]], case: str, at: datetime, *, demo: bool
) -> dict[str, Any]:
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:modconsole:case", "value": case},
        "type": "collection",
        "timestamp": at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "entry": [
            {"fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, f'urn:modconsole:{name}')}", "resource": resource}
            for name, resource in resources
        ],
    }
    if demo:
        for resource in (bundle, *(made for _, made in resources)):
            tags = resource.get("meta", {}).get("tag", [])
            resource["meta"] = {"tag": [*tags, _TEST_DATA]}
    return bundle
