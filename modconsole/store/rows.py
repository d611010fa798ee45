"""Cases as rows of the table `cases`, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from modconsole.core.clocks import Due
from modconsole.core.codec import from_plain, to_plain
from modconsole.core.errors import StoreError
from modconsole.core.model import Case, CaseState, Claim, Target, TargetKind
from modconsole.core.triage import queue_place
from modconsole.core.urgency import Reason, Urgency

__all__ = ["CASE", "NamesInCase", "case_of", "micros", "packed", "row_of", "unpacked"]

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BY_RANK = tuple(sorted(Urgency, key=lambda urgency: urgency.rank))
_encode = json.JSONEncoder(separators=(",", ":")).encode

CASE = (
    "id, token, forum, kind, member_key, state, rank, topic, suggested, reasons, flags, length, flagged_at, look_due,"
    " act_due, first_opened_at, last_decided_at, closed_at, follow_up_at, updated_at, resolved_elsewhere,"
    " changed_since_flagged, passed_on_by, claimed_by, claimed_until, names"
)
"""The columns `case_of` reads, in its order."""


@dataclass(frozen=True, slots=True)
class NamesInCase:
    """The parts of a case in which a forum may have put somebody's name; stored encrypted."""

    target: Target = field(repr=False)
    reasons: tuple[Reason, ...] = field(repr=False)


def packed(value: object) -> bytes:
    """Write a value as JSON bytes. ASCII only, so that no text, however broken, fails to be kept as received."""
    return _encode(to_plain(value)).encode("ascii")


def unpacked(kind: type[T], plain: bytes) -> T:
    """Read what `packed` wrote.

    Raises:
        StoreError: It is not of that form.
    """
    try:
        return from_plain(kind, json.loads(plain))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"A stored {kind.__name__} cannot be read by this version of modconsole.",
            kept="It was left as it is.",
        ) from error


def micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(1000)  # the same few lists again and again when many cases come in
def _listed(words: tuple[str, ...]) -> str:
    return _encode(words)


def _maybe_micros(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def _time(at: int | None) -> datetime | None:
    return None if at is None else _EPOCH + timedelta(microseconds=at)


def row_of(case: Case) -> dict[str, Any]:
    """Give the case as columns, but for its claim, its target's key and its encrypted names."""
    due = Due(case.look_due, case.act_due)
    rank, place = queue_place(case.urgency, due, case.flagged_at, looked_at=case.first_opened_at is not None)
    return {
        "id": case.id,
        "token": case.token,
        "forum": case.forum,
        "kind": str(case.target.kind),
        "member_key": case.member_key,
        "state": str(case.state),
        "rank": rank,
        "place": place,
        "topic": case.topic,
        "suggested": _listed(case.suggested),
        "reasons": _listed(tuple([reason.code for reason in case.reasons])),
        "flags": case.flags,
        "length": case.length,
        "flagged_at": micros(case.flagged_at),
        "look_due": _maybe_micros(case.look_due),
        "act_due": _maybe_micros(case.act_due),
        "first_opened_at": _maybe_micros(case.first_opened_at),
        "last_decided_at": _maybe_micros(case.last_decided_at),
        "closed_at": _maybe_micros(case.closed_at),
        "follow_up_at": _maybe_micros(case.follow_up_at),
        "updated_at": _maybe_micros(case.updated_at),
        "resolved_elsewhere": case.resolved_elsewhere,
        "changed_since_flagged": case.changed_since_flagged,
        "passed_on_by": _listed(case.passed_on_by),
    }


def case_of(row: Sequence[Any], names: NamesInCase | None) -> Case:
    """Give the case in a row of the columns `CASE`.

    Args:
        names: None when they cannot be opened: then the target has no id, and a reason's text is its code.
    """
    (
        id,
        token,
        forum,
        kind,
        member_key,
        state,
        rank,
        topic,
        suggested,
        codes,
        flags,
        length,
        flagged_at,
        look_due,
        act_due,
        first_opened_at,
        last_decided_at,
        closed_at,
        follow_up_at,
        updated_at,
        resolved_elsewhere,
        changed_since_flagged,
        passed_on_by,
        claimed_by,
        claimed_until,
        _,
    ) = row
    return Case(
        id=id,
        token=token,
        forum=forum,
        target=names.target if names else Target(TargetKind(kind), ""),
        urgency=_BY_RANK[rank],
        reasons=_reasons(json.loads(codes), names.reasons if names else ()),
        flagged_at=_EPOCH + timedelta(microseconds=flagged_at),
        state=CaseState(state),
        topic=topic,
        suggested=tuple(json.loads(suggested)),
        look_due=_time(look_due),
        act_due=_time(act_due),
        flags=flags,
        length=length,
        first_opened_at=_time(first_opened_at),
        last_decided_at=_time(last_decided_at),
        closed_at=_time(closed_at),
        claim=Claim(claimed_by, _EPOCH + timedelta(microseconds=claimed_until)) if claimed_by else None,
        passed_on_by=tuple(json.loads(passed_on_by)),
        resolved_elsewhere=bool(resolved_elsewhere),
        changed_since_flagged=bool(changed_since_flagged),
        follow_up_at=_time(follow_up_at),
        updated_at=_time(updated_at),
        member_key=member_key,
    )


def _reasons(codes: list[str], known: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Put the known words to the codes, in the codes' order; a code saved while the vault was locked has none."""
    words: dict[str, list[str]] = {}
    for reason in known:
        words.setdefault(reason.code, []).append(reason.text)
    return tuple(Reason(code, words[code].pop(0) if words.get(code) else code) for code in codes)
