"""Times and phrases, said the same way on every screen. Plain functions; nothing here knows about Textual."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from modconsole.core.actions import ACTIONS, OutcomeKind
from modconsole.core.errors import ModconsoleError, NotAllowed
from modconsole.core.urgency import Urgency

if TYPE_CHECKING:
    from modconsole.core.decision import DecisionState, OrderState

__all__ = [
    "NOT_DONE",
    "URGENCY_MARKS",
    "action_words",
    "count",
    "decision_words",
    "due_words",
    "error_words",
    "moment",
    "order_words",
    "parse_when",
    "role_words",
    "span",
    "urgency_words",
]

URGENCY_MARKS = {Urgency.NOW: "!!", Urgency.SOON: "!", Urgency.TODAY: "·", Urgency.ROUTINE: ""}
"""A mark for each urgency, so that it can be told apart without colour. The word always stands beside it."""

MINUTE, HOUR, DAY = 60, 3600, 86400


def urgency_words(urgency: Urgency) -> str:
    """Say an urgency with its mark: `!! now`, `!  soon`, `·  today`, `routine`."""
    mark = URGENCY_MARKS[urgency]
    return f"{mark:<2} {urgency}" if mark else urgency.value


def span(seconds: float) -> str:
    """Say how long, in one short word: `40s`, `12m`, `3h`, `5d`."""
    whole = int(abs(seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < 100 * MINUTE:
        return f"{whole // MINUTE}m"
    if whole < 2 * DAY:
        return f"{whole // HOUR}h"
    return f"{whole // DAY}d"


def due_words(due_at: int, flagged_at: int, now: float) -> str:
    """Say when a case is due, or how old it is where the service has no targets. Times in seconds since 1970."""
    if not due_at:
        return f"{span(now - flagged_at)} old"
    return f"over {span(now - due_at)}" if due_at < now else f"in {span(due_at - now)}"


def moment(at: datetime, zone: tzinfo, now: datetime | None = None) -> str:
    """Say a time in the service's zone, with the day when it is not today, and always with the zone."""
    local = at.astimezone(zone)
    if now is not None and local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M %Z}"
    return f"{local:%a} {local.day} {local:%b %H:%M %Z}"


def count(number: int, one: str, many: str = "") -> str:
    """Say how many: `1 flag`, `3 flags`, `1,200 characters`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def role_words(role: str) -> str:
    return role.replace("_", " ")


_OUTCOMES = {
    OutcomeKind.APPLIED: "done",
    OutcomeKind.ALREADY: "was so already",
    OutcomeKind.CONFLICT: "not done: it is no longer what you read",
    OutcomeKind.REFUSED: "the forum refused",
    OutcomeKind.UNKNOWN: "not certain: asked, but no clear answer",
    OutcomeKind.BY_HAND: "done by hand",
}


NOT_DONE = (OutcomeKind.CONFLICT, OutcomeKind.REFUSED)
"""Outcomes that are certain, and certainly not what was decided."""


def order_words(order: OrderState) -> str:
    """Say what is known to have come of one action; never what was hoped."""
    if order.outcome is not None:
        return _OUTCOMES[order.outcome]
    return "asked, no answer yet" if order.asked else "not carried out yet"


def action_words(decision: DecisionState) -> str:
    """Name a decision's actions: `Hide + Write to member`."""
    return " + ".join(ACTIONS[order.action].label for order in decision.orders)


def decision_words(decision: DecisionState) -> str:
    """Say in a few words how far a decision got."""
    if decision.reversed:
        return "withdrawn"
    if any(order.outcome in NOT_DONE for order in decision.orders):
        return "not carried out in full"
    return "settled" if decision.is_settled else "not settled"


def error_words(error: ModconsoleError) -> tuple[str, ...]:
    """Give an error's three parts, those that are there: what happened, what is safe, what to do."""
    return tuple(part for part in (error.what, error.kept, error.next_step) if part)


_SPAN = re.compile(r"(\d{1,4})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)")
_CLOCK = re.compile(r"(?:(\S+)\s+)?(?:at\s+)?(\d{1,2})[:.](\d{2})")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_when(text: str, now: datetime, zone: tzinfo) -> str:
    """Turn what people type for a time into the form that is stored: ISO 8601 with the zone.

    Understands `24h`, `30m`, `2d`, `9:00`, `tomorrow 9:00`, `fri 14:30`, an ISO date and time (with or without a zone),
    and `not needed: why`, which is kept as it is.

    Raises:
        NotAllowed: It is none of these, or it is past; says what would do.
    """
    from modconsole.core.run import NOT_NEEDED  # the first screen shows no run

    said = " ".join(text.split())
    if said.lower().startswith(NOT_NEEDED):
        why = said[len(NOT_NEEDED) :].lstrip(" :,").strip()
        if not why:
            raise NotAllowed(
                "“not needed” takes its reason.",
                next_step="For example: not needed: spam, nothing to follow.",
            )
        return f"{NOT_NEEDED}: {why}"
    at = _meant(said.lower(), now.astimezone(zone), zone)
    if at is None:
        raise NotAllowed(
            f"“{said}” is not a time I understand.",
            next_step="For example: 24h, 30m, 9:00, tomorrow 9:00, fri 14:30, 2026-12-01 09:00.",
        )
    if at <= now:
        raise NotAllowed(
            f"“{said}” is past already.", next_step="Give a time in the future, such as 24h or tomorrow 9:00."
        )
    return at.isoformat(timespec="minutes")


def _meant(said: str, local: datetime, zone: tzinfo) -> datetime | None:
    if match := _SPAN.fullmatch(said.removeprefix("in ").removeprefix("+")):
        try:
            return (local.astimezone(UTC) + int(match[1]) * _UNITS[match[2][0]]).astimezone(zone)
        except OverflowError:
            return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        match = _CLOCK.fullmatch(said)
        return _at_clock(match[1] or "", int(match[2]), int(match[3]), local) if match else None
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def _at_clock(day: str, hour: int, minute: int, local: datetime) -> datetime | None:
    if hour > 23 or minute > 59:
        return None
    wanted = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if not day:
        return wanted if wanted > local else wanted + timedelta(days=1)
    if day in ("today", "tonight"):
        return wanted
    if day == "tomorrow":
        return wanted + timedelta(days=1)
    if day[:3] in _DAYS:
        ahead = (_DAYS.index(day[:3]) - local.weekday()) % 7
        return wanted + timedelta(days=ahead or (7 if wanted <= local else 0))
    return None
