"""What is new among Synapse's reports, and which were deleted by somebody else.

A report has no state: it is there, or somebody has answered it by deleting it. The cursor holds the numbers of the last
event report and the last user report we gave. Which reports are still there is remembered while the console runs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from modconsole.core.errors import ForumError, NotFound
from modconsole.core.model import Flag, Post, Target, TargetKind
from modconsole.ports.forum import Cursor, FlagPage, Resolved
from modconsole_synapse.reading import EVENTS, USERS, Report, Room, flag_from, post_from
from modconsole_synapse.server import Server, is_unknown_call

__all__ = ["Incoming"]

_T = TypeVar("_T")

_AT_ONCE = 25
"""Reports in one page of flags: each post costs a call or two."""

_MOST_PAGES = 200
_OLD_PAGES = 10
"""Pages of reports we already gave that are read to know what is still there."""


@dataclass(frozen=True)
class _Place:
    """The last report of each kind that we gave."""

    event_reports: int = 0
    user_reports: int = 0

    @classmethod
    def of(cls, cursor: Cursor) -> _Place:
        """Read a cursor; one that is not ours means from the beginning, which repeats flags but loses none."""
        try:
            kept = json.loads(cursor)
            place = cls(int(kept[EVENTS]), int(kept[USERS]))
        except (ValueError, KeyError, TypeError):
            return cls()
        return place

    def last(self, kind: str) -> int:
        return self.event_reports if kind == EVENTS else self.user_reports

    def at(self, report: Report) -> _Place:
        if report.kind == EVENTS:
            return replace(self, event_reports=max(report.id, self.event_reports))
        return replace(self, user_reports=max(report.id, self.user_reports))

    def as_cursor(self) -> Cursor:
        return json.dumps({EVENTS: self.event_reports, USERS: self.user_reports})


@dataclass
class _There:
    """The reports of one kind that the server had when we last looked."""

    total: int = 0
    targets: dict[int, Target] = field(default_factory=dict)
    is_read: bool = False


class Incoming:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._there = {EVENTS: _There(), USERS: _There()}
        self._has_user_reports = True

    async def since(self, cursor: Cursor) -> AsyncIterator[FlagPage]:
        place = _Place.of(cursor)
        for kind in (EVENTS, USERS):
            rows, gone = await self._read(kind, place.last(kind))
            if gone:
                yield FlagPage((), resolved=tuple(gone), cursor=place.as_cursor())
            new = sorted((row for row in rows if row.id > place.last(kind)), key=lambda row: row.id)
            for some in _batches(new, _AT_ONCE):
                place = place.at(some[-1])
                flags, posts = await self._flags(some)
                for row, flag in zip(some, flags, strict=True):
                    self._there[kind].targets[row.id] = flag.target
                yield FlagPage(tuple(flags), tuple(posts), cursor=place.as_cursor())

    def forget(self, kind: str, report: int) -> None:
        """Take note that we deleted a report ourselves."""
        there = self._there[kind]
        if there.targets.pop(report, None) is not None:
            there.total -= 1

    async def _read(self, kind: str, last: int) -> tuple[list[Report], list[Resolved]]:
        """Give what is there, at least all that is new, and the targets whose reports somebody deleted."""
        there = self._there[kind]
        gone: set[int] = set()
        if kind == USERS and not self._has_user_reports:
            return [], []
        try:
            rows, total = await self._rows(kind, last, old_pages=0 if there.is_read else _OLD_PAGES)
            new = [row for row in rows if row.id not in there.targets and row.id > last]
            if there.is_read and total < there.total + len(new):
                rows, total = await self._rows(kind, last, old_pages=_OLD_PAGES)
                gone = there.targets.keys() - {row.id for row in rows}
                oldest = min((row.id for row in rows), default=0) if len(rows) < total else 0
                gone = {id for id in gone if id >= oldest}
        except NotFound as error:
            if kind == USERS and is_unknown_call(error):  # Synapse before 1.152
                self._has_user_reports = False
                return [], []
            raise
        answered = {there.targets.pop(id) for id in gone} - set(there.targets.values())
        if not there.is_read:
            there.targets.update((row.id, _target_of(row)) for row in rows if row.id <= last)
        there.is_read, there.total = True, total
        return rows, [Resolved(target) for target in answered]

    async def _rows(self, kind: str, last: int, old_pages: int) -> tuple[list[Report], int]:
        """Read from the newest back: all that is new, and so many pages more."""
        found: dict[int, Report] = {}
        start: int | None = 0
        total = 0
        for _ in range(_MOST_PAGES):
            rows, total, start = await self._server.reports(kind, start or 0)
            found.update((row.id, row) for row in rows)
            # A whole page without anything new: rows are in order of time, which is not quite that of numbers.
            if not any(row.id > last for row in rows):
                old_pages -= 1
            if start is None or old_pages < 0 or not rows:
                break
        return list(found.values()), total

    async def _flags(self, reports: Sequence[Report]) -> tuple[list[Flag], list[Post]]:
        posts: dict[str, Post | None] = {}
        for report in reports:
            if report.event and report.event not in posts:
                posts[report.event] = await self._post(report)
        flags = []
        for report in reports:
            post = posts.get(report.event)
            flags.append(flag_from(report, post.target if post else _target_of(report)))
        found = {post.target: post for post in posts.values() if post is not None}
        return flags, list(found.values())

    async def _post(self, report: Report) -> Post | None:
        """Give the reported post as it is now; with the words its report keeps, where it was removed since."""
        try:
            found = await self._server.around(report.room, report.event)
            if found.event.edit_of:  # somebody reported an edit: the post is what was edited
                found = await self._server.around(report.room, found.event.edit_of)
        except NotFound:
            return await self._kept_post(report)
        as_written = None
        if found.event.removal:
            try:
                as_written = await self._server.reported_event(report.id)
            except ForumError:  # then we show that it was removed
                as_written = None
        return post_from(found.event, found.room, as_written=as_written)

    async def _kept_post(self, report: Report) -> Post | None:
        try:
            event = await self._server.reported_event(report.id)
        except NotFound:
            return None
        return post_from(event, Room(report.room))


def _target_of(report: Report) -> Target:
    if report.kind == USERS:
        return Target(TargetKind.MEMBER, report.user)
    return Target(TargetKind.POST, report.event, report.room)


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
