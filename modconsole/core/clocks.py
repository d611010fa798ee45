"""Clocks: by when a first look and a first action are due, counted in hours that are really staffed.

The default times are the placeholders of the safeguarding guide, section 2.1; nobody has evidence for exact numbers,
so every service sets its own. A service that gives no staffed hours gets no targets, because it could not keep them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from modconsole.core.urgency import Urgency

__all__ = ["DEFAULT_TARGETS", "Allowance", "Due", "StaffedHours", "clock", "parse_staffed_hours"]

_DAY = timedelta(days=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(
    r"(?P<days>[a-z, -]+?)\s+(?P<from>\d{1,2}:\d{2})\s*-\s*(?P<to>\d{1,2}:\d{2})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much staffed time there is for a first look and for a first action. A `look` of None means the next shift."""

    look: timedelta | None
    act: timedelta


DEFAULT_TARGETS: Mapping[Urgency, Allowance] = MappingProxyType(
    {
        Urgency.NOW: Allowance(timedelta(minutes=5), timedelta(minutes=15)),
        Urgency.SOON: Allowance(timedelta(minutes=30), timedelta(hours=2)),
        Urgency.TODAY: Allowance(timedelta(hours=4), timedelta(hours=24)),
        Urgency.ROUTINE: Allowance(None, timedelta(hours=72)),
    }
)


@dataclass(frozen=True, slots=True)
class Due:
    """By when; None where the service has no target."""

    look: datetime | None
    act: datetime | None


@dataclass(frozen=True, slots=True)
class StaffedHours:
    """When moderators are there: for each weekday (Monday first) the spans in minutes after local midnight."""

    week: tuple[tuple[tuple[int, int], ...], ...]
    zone: ZoneInfo

    def spans(self, after: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give the staffed spans from the one `after` falls in or precedes, in UTC, oldest first, a year at most."""
        day = after.astimezone(self.zone).date() - _DAY
        for _ in range(370):
            for begins, ends in _moments(day, self.week[day.weekday()], self.zone):
                if ends > after:
                    yield begins, ends
            day += _DAY

    def is_staffed(self, at: datetime) -> bool:
        return any(begins <= at for begins, _ in _first(self.spans(at)))


@lru_cache(maxsize=1024)
def _moments(
    day: date, spans: tuple[tuple[int, int], ...], zone: ZoneInfo
) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((_moment(day, start, zone), _moment(day, end, zone)) for start, end in spans)


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    # Wall-clock arithmetic, then the zone: a shift from 08:00 starts at 08:00 on the day the clocks change too.
    whole_days, rest = divmod(minutes, 24 * 60)
    local = datetime.combine(day + timedelta(days=whole_days), time(rest // 60, rest % 60), zone)
    return local.astimezone(UTC)


def _first(spans: Iterator[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    span = next(spans, None)
    return [] if span is None else [span]


def parse_staffed_hours(lines: Iterable[str], zone: ZoneInfo) -> StaffedHours:
    """Read lines such as `Mon-Fri 08:00-24:00` or `Sat, Sun 10:00-18:00`; `22:00-02:00` runs past midnight.

    Raises:
        ValueError: A line is not of that form; the message says which and what is expected.
    """
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for line in lines:
        match = _SPAN.fullmatch(line.strip())
        if match is None:
            raise ValueError(f'"{line}" is not of the form "Mon-Fri 08:00-24:00".')
        start, end = _minutes(match["from"], line), _minutes(match["to"], line)
        if end <= start:
            end += 24 * 60
        for day in _days(match["days"], line):
            week[day].append((start, end))
    return StaffedHours(tuple(tuple(sorted(spans)) for spans in week), zone)


def _minutes(text: str, line: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ValueError(f'"{text}" in "{line}" is not a time between 00:00 and 24:00.')
    return hours * 60 + minutes


def _days(text: str, line: str) -> list[int]:
    found: list[int] = []
    for part in text.lower().split(","):
        names = [name.strip()[:3] for name in part.split("-")]
        if len(names) > 2 or any(name not in DAYS for name in names):
            raise ValueError(
                f'"{part.strip()}" in "{line}" is not a day or a range of days such as "Mon-Fri".'
            )
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return found


def clock(
    urgency: Urgency,
    flagged_at: datetime,
    hours: StaffedHours | None,
    targets: Mapping[Urgency, Allowance] = DEFAULT_TARGETS,
) -> Due:
    """Say by when a first look and a first action are due, counting staffed time only."""
    if hours is None:
        return Due(None, None)
    target = targets[urgency]
    look = _next_shift(flagged_at, hours) if target.look is None else _after(flagged_at, target.look, hours)
    return Due(look, _after(flagged_at, target.act, hours))


def _after(start: datetime, staffed: timedelta, hours: StaffedHours) -> datetime | None:
    left = staffed
    for begins, ends in hours.spans(start):
        begins = max(begins, start)
        if begins + left <= ends:
            return begins + left
        left -= ends - begins
    return None


def _next_shift(start: datetime, hours: StaffedHours) -> datetime | None:
    for begins, _ in hours.spans(start):
        if begins > start:
            return begins
    return None
