"""What is new in Ozone's queue, and what colleagues answered there.

The cursor is small: the number of the last report we gave, and when the last closing and the last escalation we gave
were made. Without one, everything that is open now is given.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from modconsole.core.errors import ForumError
from modconsole.core.model import Flag, FlagSource, Post, Target, TargetKind
from modconsole.ports.forum import Cursor, FlagPage, Resolved
from modconsole_ozone.fields import aware
from modconsole_ozone.reading import Event, Status, flag_from, post_from, unreadable_message
from modconsole_ozone.service import PAGE, Service

__all__ = ["Incoming"]

_T = TypeVar("_T")

_AT_ONCE = 25
"""Subjects in one page of flags."""

_MARGIN = timedelta(minutes=1)
"""A status is written a moment after the report that opened it."""

_SEARCHED = 20 * PAGE
"""Reports looked through in one sweep before asking subject by subject."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Place:
    """Where we are."""

    report: int
    """The number of the last report given."""
    closed: datetime
    """When the last closing given was made."""
    escalated: datetime

    @classmethod
    def of(cls, cursor: Cursor) -> _Place | None:
        """Read a cursor; None for none, and for one that is not ours (which repeats flags, but loses none)."""
        try:
            kept = json.loads(cursor)
            report, closed, escalated = kept["report"], aware(kept["closed"]), aware(kept["escalated"])
        except (ValueError, KeyError, TypeError):
            return None
        if not isinstance(report, int) or closed is None or escalated is None:
            return None
        return cls(report, closed, escalated)

    def as_cursor(self) -> Cursor:
        times = {"closed": self.closed.isoformat(), "escalated": self.escalated.isoformat()}
        return json.dumps({"report": self.report, **times})


class Incoming:
    """Reads the queue.

    Args:
        is_ours: Says whether a closing is one this console made; those are not news.
    """

    def __init__(self, service: Service, service_did: str, is_ours: Callable[[Status], bool]) -> None:
        self._service = service
        self._service_did = service_did
        self._is_ours = is_ours
        self._given: set[tuple[int, datetime]] = set()
        self._names: dict[str, str] | None = None

    async def since(self, cursor: Cursor) -> AsyncIterator[FlagPage]:
        place = _Place.of(cursor)
        pages = self._everything_open(cursor) if place is None else self._news(place)
        async for page in pages:
            yield page

    async def _everything_open(self, cursor: Cursor) -> AsyncIterator[FlagPage]:
        # Where we are is read first: what arrives while we read the queue comes again next time.
        place = await self._now()
        queue: dict[str, Status] = {}
        for state in ("reviewOpen", "reviewEscalated"):
            async for status in self._service.statuses(state):
                queue[status.subject.key] = status
        statuses = sorted(queue.values(), key=lambda status: status.reported_at or status.updated_at)
        reports = await self._reports_of(statuses)
        for some in _batches(statuses, _AT_ONCE):
            keys = [status.subject.key for status in some]
            events = [event for key in keys for event in reports[key]]
            quiet = [_escalated(status) for status in some if not reports[status.subject.key]]
            # Only the whole queue is a place to go on from.
            yield await self._page(events, quiet, keys, cursor)
        yield FlagPage((), cursor=place.as_cursor())

    async def _now(self) -> _Place:
        report = 0
        async for event in self._service.reports():
            report = event.id
            break
        return _Place(report, await self._last("reviewClosed"), await self._last("reviewEscalated"))

    async def _last(self, state: str) -> datetime:
        async for status in self._service.statuses(state, by="lastReviewedAt"):
            if status.reviewed_at is not None:
                self._given.add((status.id, status.reviewed_at))
                return status.reviewed_at
            break
        return _LONG_AGO

    async def _reports_of(self, statuses: Sequence[Status]) -> Mapping[str, Sequence[Event]]:
        """Find the reports of these subjects: in one sweep where that reaches, else subject by subject."""
        found: dict[str, list[Event]] = {status.subject.key: [] for status in statuses}
        if not found:
            return found
        reached, looked_at = _LONG_AGO, 0
        needed = min(status.created_at for status in statuses) - _MARGIN
        async for event in self._service.reports():
            looked_at += 1
            if event.at < needed or looked_at > _SEARCHED:
                reached = event.at
                break
            if event.subject and event.subject.key in found:
                found[event.subject.key].append(event)
        for status in statuses:
            if status.created_at - _MARGIN < reached:
                key = status.subject.key
                found[key] = [event async for event in self._service.events(key, "modEventReport")]
        return found

    async def _news(self, place: _Place) -> AsyncIterator[FlagPage]:
        new: list[Event] = []
        async for event in self._service.reports():
            if event.id <= place.report:
                break
            new.append(event)
        for some in _batches(new[::-1], PAGE):
            place = replace(place, report=some[-1].id)
            keys = {event.subject.key: None for event in some if event.subject}
            yield await self._page(some, (), list(keys), place.as_cursor())
        escalated = [status async for status in self._reviewed("reviewEscalated", place.escalated)]
        closed = [status async for status in self._reviewed("reviewClosed", place.closed)]
        if not escalated and not closed:
            return
        # What colleagues escalated without anybody having reported it is news; the rest of it we have.
        quiet = [status for status in escalated if status.reported_at is None and not self._is_ours(status)]
        resolved = [one for status in closed for one in await self._resolved(status)]
        place = _Place(place.report, _latest(closed, place.closed), _latest(escalated, place.escalated))
        flags, keys_of_quiet = (
            [_escalated(status) for status in quiet],
            [status.subject.key for status in quiet],
        )
        page = await self._page((), flags, keys_of_quiet, place.as_cursor())
        yield replace(page, resolved=tuple(resolved))

    async def _reviewed(self, state: str, since: datetime) -> AsyncIterator[Status]:
        """Give what came into this state since then, and what shares that moment but was not given yet."""
        async for status in self._service.statuses(state, by="lastReviewedAt"):
            if status.reviewed_at is None or status.reviewed_at < since:
                return
            given = (status.id, status.reviewed_at)
            if status.reviewed_at > since or given not in self._given:
                self._given.add(given)
                yield status

    async def _resolved(self, status: Status) -> list[Resolved]:
        if self._is_ours(status):
            return []
        targets = {status.subject.target}
        if status.subject.kind is TargetKind.MEMBER:  # whose direct messages count with the account
            async for event in self._service.events(status.subject.key, "modEventReport"):
                if event.subject:
                    targets.add(event.subject.target)
        by = await self._name_of(status.reviewed_by)
        return [Resolved(target, status.reviewed_at, by) for target in targets]

    async def _name_of(self, did: str) -> str:
        if self._names is None:
            try:
                self._names = await self._service.team_names()
            except ForumError:  # names are a kindness, not worth losing the page for
                self._names = {}
        return self._names.get(did) or did

    async def _page(
        self, reports: Sequence[Event], more: Sequence[Flag], keys: Sequence[str], cursor: Cursor
    ) -> FlagPage:
        """Make a page of what these reports say and of `more` flags, with the posts that `keys` name."""
        posts: list[Post] = []
        for some in _batches(keys, _AT_ONCE):
            views = await self._service.views(some)
            posts += [post for view in views.values() if (post := post_from(view)) is not None]
        flags = list(more)
        messages: dict[Target, Post] = {}
        for report in reports:
            flag = flag_from(report, self._service_did)
            if flag is None or report.subject is None:
                continue
            flags.append(flag)
            if report.subject.kind is TargetKind.MESSAGE:
                messages[flag.target] = unreadable_message(flag.target, report.subject.did)
        flags.sort(key=lambda flag: flag.at)
        return FlagPage(tuple(flags), (*posts, *messages.values()), cursor=cursor)


def _latest(statuses: Iterable[Status], before: datetime) -> datetime:
    return max((status.reviewed_at for status in statuses if status.reviewed_at), default=before)


def _escalated(status: Status) -> Flag:
    """Make a flag for what a colleague put before the team without a report."""
    return Flag(
        id=f"status-{status.id}",
        target=status.subject.target,
        reason=status.state,
        at=status.reviewed_at or status.updated_at,
        source=FlagSource.STAFF,
        reporter=status.reviewed_by,
    )


def _batches(items: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
