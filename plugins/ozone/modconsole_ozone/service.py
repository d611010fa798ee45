"""The calls to Ozone that the adapter makes, each giving plain values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from modconsole.core.errors import BadAnswer, NotFound
from modconsole_ozone.fields import Fields
from modconsole_ozone.reading import DEFS, Event, Status, Subject, View, read_event, read_status, read_views
from modconsole_ozone.session import Session

__all__ = ["PAGE", "Service"]

PAGE = 100
"""The most that one call gives."""

_MODERATION = "tools.ozone.moderation."
_MOST_PAGES = 200
"""A server that pages for ever must not keep us for ever."""


class Service:
    def __init__(self, session: Session) -> None:
        self.session = session

    async def config(self) -> Fields:
        """Ask what the service is connected to, and which role we have there."""
        return await self.session.ozone("GET", "tools.ozone.server.getConfig")

    async def statuses(self, state: str, *, by: str = "lastReportedAt") -> AsyncIterator[Status]:
        """Give every subject in this review state, muted ones too, latest first.

        Rows move between pages while others work, so the same one may come twice.
        """
        query = {"reviewState": DEFS + state, "includeMuted": "true", "sortField": by}
        async for row in self._paged(_MODERATION + "queryStatuses", "subjectStatuses", query):
            status = read_status(row)
            if status is not None:
                yield status

    async def status(self, key: str) -> Status | None:
        """Give where the team stands on one subject; None when it never met it."""
        answer = await self.session.ozone(
            "GET", _MODERATION + "queryStatuses", query={"subject": key, "includeMuted": "true", "limit": 1}
        )
        for row in answer.each("subjectStatuses"):
            return read_status(row)
        return None

    async def reports(self) -> AsyncIterator[Event]:
        """Give all reports there ever were, newest first."""
        query = {"types": DEFS + "modEventReport"}
        async for row in self._paged(_MODERATION + "queryEvents", "events", query):
            yield read_event(row)

    async def events(self, subject: str, kind: str, *, all_records: bool = False) -> AsyncIterator[Event]:
        """Give the events of one kind on one subject, newest first."""
        query = {"subject": subject, "types": DEFS + kind}
        if all_records:
            query["includeAllUserRecords"] = "true"
        async for row in self._paged(_MODERATION + "queryEvents", "events", query):
            yield read_event(row)

    async def traces(self, subject: str, by: str, order_id: str) -> list[Event]:
        """Find what we did for this order: each event carries the order's id in its private comment."""
        answer = await self.session.ozone(
            "GET",
            _MODERATION + "queryEvents",
            query={"subject": subject, "createdBy": by, "comment": order_id, "limit": PAGE},
        )
        return [event for event in map(read_event, answer.each("events")) if order_id in event.comment]

    async def views(self, keys: Sequence[str]) -> dict[str, View]:
        """Give the subjects with these DIDs and AT-URIs, at most `PAGE` of them."""
        answer = await self.session.ozone("GET", _MODERATION + "getSubjects", query={"subjects": list(keys)})
        return {view.key: view for view in read_views(answer)}

    async def view(self, key: str) -> View:
        """Give one subject.

        Raises:
            NotFound: Ozone has neither the subject nor a status of it.
        """
        found = (await self.views([key])).get(key)
        if found is None or not (found.exists or found.status):
            raise NotFound("Ozone does not know this post or account (any more).")
        return found

    async def emit(
        self, kind: str, subject: Subject, *, external_id: str, comment: str, fields: Mapping[str, Any]
    ) -> Event:
        """Record one event, which is how everything is done in Ozone. Give it as it was recorded."""
        body: dict[str, Any] = {
            "event": {"$type": DEFS + kind, "comment": comment, **fields},
            "subject": subject.as_json(),
            # Ozone records the real caller whatever is written here.
            "createdBy": self.session.did,
            "externalId": external_id,
            "modTool": {"name": "modconsole"},
        }
        if subject.files:
            body["subjectBlobCids"] = list(subject.files)
        answer = await self.session.ozone("POST", _MODERATION + "emitEvent", body=body)
        try:
            return read_event(answer)
        except BadAnswer as error:
            raise BadAnswer(error.what, maybe_done=True) from error

    async def team_names(self) -> dict[str, str]:
        """Give the handles of the team by DID, as far as the first page goes."""
        answer = await self.session.ozone("GET", "tools.ozone.team.listMembers", query={"limit": PAGE})
        names = {}
        for member in answer.each("members"):
            profile = member.maybe_within("profile")
            names[member.text("did")] = profile.text("handle") if profile else ""
        return names

    async def _paged(self, nsid: str, rows: str, query: Mapping[str, str]) -> AsyncIterator[Fields]:
        cursor = ""
        for _ in range(_MOST_PAGES):
            more: dict[str, str | int] = {**query, "limit": PAGE}
            if cursor:
                more["cursor"] = cursor
            answer = await self.session.ozone("GET", nsid, query=more)
            page = list(answer.each(rows))
            for row in page:
                yield row
            cursor = answer.maybe_text("cursor")
            # The last page has a cursor too, so a short page is what ends it.
            if len(page) < PAGE or not cursor:
                return
