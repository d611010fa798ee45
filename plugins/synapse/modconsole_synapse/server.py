"""The calls to Synapse that the adapter makes, with the right one of two tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from modconsole.core.errors import BadAnswer, ForumError, NotAuthorised, NotFound
from modconsole.ports.forum import Answer, ForumSecrets, Web
from modconsole_synapse.fields import Fields
from modconsole_synapse.reading import (
    Account,
    Report,
    RoomEvent,
    Surroundings,
    read_account,
    read_event,
    read_report,
    read_surroundings,
)

__all__ = ["MESSAGES", "ORDER_KEY", "PAGE", "Server", "is_unknown_call", "server_says"]

PAGE = 100
MESSAGES = ("m.room.message", "m.room.encrypted", "m.sticker")
"""The kinds of events that are somebody's words; the rest is the room's machinery."""

_STATE = ("m.room.create", "m.room.member", "m.room.name", "m.room.power_levels")

ORDER_KEY = "io.modconsole.order"
"""Marks a notice we sent with the order it was for, so that it can be found again."""

_CLIENT = "/_matrix/client"
_ADMIN = "/_synapse/admin"
_MOST_PAGES = 5

Query = Mapping[str, str | int | Sequence[str]]


def server_says(error: ForumError) -> str:
    """Quote the server for the moderator."""
    said = error.answer.get("error") if isinstance(error.answer, dict) else None
    return said if isinstance(said, str) else error.what


def is_unknown_call(error: ForumError) -> bool:
    """Say whether the server, or a proxy before it, does not offer this call at all."""
    code = error.answer.get("errcode") if isinstance(error.answer, dict) else ""
    return error.status in (404, 405) and code in ("M_UNRECOGNIZED", "", None)


class Server:
    """One homeserver.

    Args:
        client: Where members' and moderators' clients go.
        admin: Where the admin API is; often an address that is not public.
        secrets: `token` is the moderator's own; `admin_token`, where set, is used for the admin API alone.
    """

    def __init__(self, client: Web, admin: Web, secrets: ForumSecrets) -> None:
        self._client = client
        self._admin = admin
        self._secrets = secrets

    # Who and what.

    async def whoami(self, *, as_admin: bool = False) -> tuple[str, Answer]:
        """Give the user id of the moderator's token, or of the admin one, and the answer it came in."""
        token = self._admin_token() if as_admin else self._token()
        answer = await self._client.call("GET", f"{_CLIENT}/v3/account/whoami", token=token)
        return _fields(answer, "whoami").text("user_id"), answer

    async def version(self) -> str:
        answer = await self._admin_call("GET", "/v1/server_version")
        return answer.text("server_version")

    # Reports.

    async def reports(
        self, kind: str, start: int = 0, limit: int = PAGE, **filters: str
    ) -> tuple[list[Report], int, int | None]:
        """Give one page of `event_reports` or `user_reports`, newest first.

        Returns:
            The rows, how many there are in all, and where the next page starts (None after the last).
        """
        query: Query = {"dir": "b", "from": start, "limit": limit, **filters}
        answer = await self._admin_call("GET", f"/v1/{kind}", query=query)
        rows = [read_report(kind, row) for row in answer.each(kind)]
        return rows, answer.whole("total"), answer.maybe_whole("next_token")

    async def reported_event(self, report: int) -> RoomEvent:
        """Give the event as it is kept with its report: as it was written, also after it was removed."""
        answer = await self._admin_call("GET", f"/v1/event_reports/{report}")
        return read_event(answer.within("event_json"), id=answer.text("event_id"))

    async def delete_report(self, kind: str, report: int) -> None:
        """Delete a report; one that is gone already is fine."""
        try:
            await self._admin_call("DELETE", f"/v1/{kind}/{report}")
        except NotFound as error:
            if is_unknown_call(error):
                raise

    # Rooms.

    async def around(self, room: str, event: str, each_side: int = 0) -> Surroundings:
        """Give an event with up to so many messages on each side, as the server's admin sees them.

        Raises:
            NotFound: The server does not have it (any more).
        """
        # The filter is for the state as well as for the messages. Without lazy loading, every member would come.
        only = json.dumps({"types": [*MESSAGES, *_STATE], "lazy_load_members": True})
        path = f"/v1/rooms/{_q(room)}/context/{_q(event)}"
        answer = await self._admin_call("GET", path, query={"limit": 2 * each_side, "filter": only})
        return read_surroundings(answer)

    async def edits(self, room: str, event: str) -> list[str]:
        """Give the ids of the edits of an event that are still there; the moderator must be in the room."""
        path = f"{_CLIENT}/v1/rooms/{_q(room)}/relations/{_q(event)}/m.replace"
        answer = await self._client.call("GET", path, query={"limit": PAGE}, token=self._token())
        return [edit.text("event_id") for edit in _fields(answer, "relations").each("chunk")]

    async def redact(self, room: str, event: str, transaction: str, reason: str) -> str:
        """Remove an event's content and give the id of the removal.

        The same transaction gives the same removal, so this may be repeated.
        """
        path = f"{_CLIENT}/v3/rooms/{_q(room)}/redact/{_q(event)}/{_q(transaction)}"
        answer = await self._client.call(
            "PUT", path, body={"reason": reason}, token=self._token(), repeatable=True
        )
        return _fields(answer, "redact", changed=True).text("event_id")

    async def messages_of(self, room: str, sender: str, limit: int) -> AsyncIterator[RoomEvent]:
        """Give what somebody wrote in a room that the moderator is in, newest first."""
        only = json.dumps({"types": MESSAGES, "senders": [sender]})
        path = f"{_CLIENT}/v3/rooms/{_q(room)}/messages"
        query: Query = {"dir": "b", "limit": min(limit, PAGE), "filter": only}
        answer = await self._client.call("GET", path, query=query, token=self._token())
        for event in _fields(answer, "messages").each("chunk"):
            yield read_event(event)

    async def my_rooms(self) -> list[str]:
        answer = await self._client.call("GET", f"{_CLIENT}/v3/joined_rooms", token=self._token())
        return _texts(_fields(answer, "joined_rooms"), "joined_rooms")

    # Members.

    async def account(self, user: str) -> Account:
        """Give a local member's account. E-mail addresses and telephone numbers are not read.

        Raises:
            NotFound: No such member here.
            ForumError: With status 400 for a member of another server.
        """
        return read_account(await self._admin_call("GET", f"/v2/users/{_q(user)}"))

    async def contacts(self, user: str) -> dict[str, str]:
        """Give the e-mail addresses and telephone numbers of an account. For the break-glass only."""
        answer = await self._admin_call("GET", f"/v2/users/{_q(user)}")
        found: dict[str, str] = {}
        for contact in answer.each("threepids"):
            medium, address = contact.text("medium"), contact.text("address")
            found[medium] = f"{found[medium]}, {address}" if medium in found else address
        return found

    async def profile_name(self, user: str) -> str:
        """Give the display name of any member, of this server or another."""
        answer = await self._client.call("GET", f"{_CLIENT}/v3/profile/{_q(user)}", token=self._token())
        return _fields(answer, "profile").maybe_text("displayname")

    async def suspend(self, user: str, suspended: bool) -> None:
        await self._admin_call("PUT", f"/v1/suspend/{_q(user)}", body={"suspend": suspended})

    async def joined_rooms(self, user: str) -> list[str]:
        answer = await self._admin_call("GET", f"/v1/users/{_q(user)}/joined_rooms")
        return _texts(answer, "joined_rooms")

    # Notices.

    async def send_notice(self, user: str, text: str, order: str) -> str:
        """Send a server notice and give its event id.

        The server remembers the transaction for half an hour at least, but not across a restart, so that
        nothing here repeats it by itself.
        """
        content = {"msgtype": "m.text", "body": text, ORDER_KEY: order}
        body = {"user_id": user, "content": content}
        path = f"/v1/send_server_notice/{_q(order)}"
        answer = await self._admin_call("PUT", path, body=body, repeatable=False)
        return answer.text("event_id")

    async def find_notice(self, user: str, notices_user: str, order: str) -> RoomEvent | None:
        """Find the notice that was sent for this order; None when it was certainly not sent.

        Looks only into the rooms that the member shares with the account that notices come from.

        Raises:
            NotFound: It cannot be told: that account has never sent a notice, or the server cannot list rooms.
        """
        of_notices = await self.joined_rooms(notices_user)
        if not of_notices:
            raise NotFound(f"{notices_user} is in no room; perhaps notices come from another account.")
        path = f"/v1/users/{_q(user)}/memberships"
        of_member = (await self._admin_call("GET", path)).within("memberships").names()
        for room in sorted(set(of_notices) & set(of_member)):
            async for event in self._notices_in(room, notices_user):
                if event.content.get(ORDER_KEY) == order:
                    return event
        return None

    async def _notices_in(self, room: str, notices_user: str) -> AsyncIterator[RoomEvent]:
        only = json.dumps({"types": ["m.room.message"], "senders": [notices_user]})
        start = ""
        for _ in range(_MOST_PAGES):
            query: Query = {"dir": "b", "limit": PAGE, "filter": only, **({"from": start} if start else {})}
            answer = await self._admin_call("GET", f"/v1/rooms/{_q(room)}/messages", query=query)
            for event in answer.each("chunk"):
                yield read_event(event)
            start = answer.maybe_text("end")
            if not start:
                return

    # Tokens.

    def _token(self) -> str:
        token = self._secrets.get("token")
        if not token:
            raise NotAuthorised("There is no access token for this forum.")
        return token

    def _admin_token(self) -> str:
        return self._secrets.get("admin_token") or self._token()

    async def _admin_call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        repeatable: bool | None = None,
    ) -> Fields:
        answer = await self._admin.call(
            method, _ADMIN + path, query=query, body=body, token=self._admin_token(), repeatable=repeatable
        )
        return _fields(answer, path.rsplit("/", 1)[0].lstrip("/"), changed=method != "GET")


def _fields(answer: Answer, where: str, *, changed: bool = False) -> Fields:
    if not isinstance(answer.data, dict):
        raise BadAnswer("The server answered with something that is not a JSON object.", maybe_done=changed)
    return Fields(answer.data, where)


def _texts(fields: Fields, name: str) -> list[str]:
    return [item for item in fields.list_of(name) if isinstance(item, str)]


def _q(part: str) -> str:
    return quote(part, safe="", errors="replace")
