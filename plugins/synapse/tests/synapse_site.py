"""A small Synapse that keeps its state in memory and answers as the real one was seen to (shapes in `fixtures/`)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
from modconsole_synapse import SynapseForum
from modconsole_synapse.forum import Settings

from modconsole.adapters.web import WebLimits, make_web
from modconsole.core.actions import Action, ActionOrder
from modconsole.core.model import Target, TargetKind
from modconsole.ports.forum import FlagPage, ForumContext, ForumSecrets, Web

ROOM = "!lounge:rig.test"
ME = "@moderator:rig.test"
NOTICES = "@notices:rig.test"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"

Json = dict[str, Any]
Instead = httpx.Response | Exception | str


def fixture(name: str, **changes: Any) -> Json:
    plain: Json = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return plain | changes


def post(event: str) -> Target:
    return Target(TargetKind.POST, event, ROOM)


def member(name: str) -> Target:
    return Target(TargetKind.MEMBER, f"@{name}:rig.test")


def order(action: Action, target: Target, **more: Any) -> ActionOrder:
    return ActionOrder(more.pop("id", "o-one"), action, target, **more)


class Drawer(ForumSecrets):
    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    def get(self, name: str) -> str:
        return self.secrets.get(name, "")

    def set(self, name: str, value: str) -> None:
        self.secrets[name] = value


class Site:
    def __init__(self) -> None:
        self.events: dict[str, Json] = {}
        """In the order in which they were sent."""
        self.kept: dict[str, Json] = {}
        """The events as they were written, which is what reports keep."""
        self.reports: dict[str, list[Json]] = {"event_reports": [], "user_reports": []}
        self.users = {"@heron:rig.test": fixture("user")}
        self.joined = {ME: [ROOM], "@heron:rig.test": [ROOM], NOTICES: ["!old:rig.test"]}
        self.notices: list[Json] = []
        self.transactions: dict[str, Json] = {}
        self.may_redact = True
        self.is_admin = True
        self.has_user_reports = True
        self.calls: list[tuple[str, str, str]] = []
        """Each call's method, path (decoded) and token."""
        self.bodies: list[Json] = []
        self.queries: list[Json] = []
        self.instead: list[tuple[str, Instead]] = []
        """For the next call whose `METHOD path` has this text in it: an answer, an error, or `lost`."""
        self.state: list[Json] = [
            {
                "type": "m.room.member",
                "state_key": "@heron:rig.test",
                "sender": "x",
                "content": {"displayname": "Heron"},
            },
            {
                "type": "m.room.name",
                "state_key": "",
                "sender": "x",
                "content": {"name": "Peer support lounge"},
            },
            {"type": "m.room.power_levels", "state_key": "", "sender": "x", "content": {"users": {ME: 100}}},
        ]

    # What happens there without us.

    def send(self, id: str, body: object = "Hello.", sender: str = "@heron:rig.test", **more: Any) -> str:
        content = {"body": body, "msgtype": "m.text", **more.pop("content", {})}
        stamp = 1795307309237 + len(self.events) * 1000
        self.events[id] = fixture(
            "event", event_id=id, sender=sender, content=content, origin_server_ts=stamp, **more
        )
        self.kept[id] = copy.deepcopy(self.events[id])
        return id

    def edit(self, id: str, original: str, body: str) -> str:
        relation = {"rel_type": "m.replace", "event_id": original}
        words = {"msgtype": "m.text", "body": body}
        self.send(id, f"* {body}", content={"m.relates_to": relation, "m.new_content": words})
        return id

    def report(self, event: str, **changes: Any) -> int:
        number = self._next_number()
        author = self.events[event]["sender"] if event in self.events else None
        row = fixture("event_report", id=number, event_id=event, sender=author)
        self.reports["event_reports"].append(row | changes)
        return number

    def report_user(self, user: str, reason: str = "unkind") -> int:
        number = self._next_number()
        row = {"id": number, "received_ts": 1795307309500, "target_user_id": user}
        self.reports["user_reports"].append(row | {"user_id": "@juniper:rig.test", "reason": reason})
        return number

    def _next_number(self) -> int:
        return 1 + max((row["id"] for rows in self.reports.values() for row in rows), default=1)

    def redact(self, event: str, by: str = "@colleague:rig.test") -> str:
        removal = f"$removal-of-{event[1:]}"
        found = self.events[event]
        found["content"] = {}
        found["unsigned"] = {"redacted_because": {"event_id": removal, "sender": by, "content": {}}}
        return removal

    def changes(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.calls if method != "GET"]

    # Answering.

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.raw_path.decode().partition("?")[0])
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.calls.append((request.method, path, token))
        body = json.loads(request.content) if request.content else {}
        if request.method in ("PUT", "POST"):
            self.bodies.append(body)
        query = {name: request.url.params[name] for name in request.url.params}
        self.queries.append(query)
        instead = self._planned(f"{request.method} {path}")
        if isinstance(instead, Exception):
            raise instead
        if isinstance(instead, httpx.Response):
            return instead
        answer = self._answer(request.method, path, token, query, body)
        if instead == "lost":
            raise httpx.ReadTimeout("gone", request=request)
        return answer

    def _planned(self, call: str) -> Instead | None:
        for number, (where, _) in enumerate(self.instead):
            if where in call:
                return self.instead.pop(number)[1]
        return None

    def _answer(self, method: str, path: str, token: str, query: Json, body: Json) -> httpx.Response:
        if token not in ("mod-token", "admin-token"):
            return failed(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.")
        if path.startswith("/_synapse/admin") and not self.is_admin and "server_version" not in path:
            return failed(403, "M_FORBIDDEN", "You are not a server admin")
        for pattern, answer in self._routes().items():
            found = re.fullmatch(pattern, f"{method} {path}")
            if found:
                return answer(*found.groups(), query, body)
        return failed(404, "M_UNRECOGNIZED", "Unrecognized request")

    def _routes(self) -> dict[str, Callable[..., httpx.Response]]:
        admin, client = "/_synapse/admin", "/_matrix/client"
        rooms = f"{client}/v3/rooms"
        return {
            f"GET {client}/v3/account/whoami": lambda q, b: ok(
                {"user_id": ME}, date="Sun, 22 Nov 2026 01:59:00 GMT"
            ),
            f"GET {admin}/v1/server_version": lambda q, b: ok({"server_version": "1.163.2"}),
            f"GET {admin}/v1/(event_reports|user_reports)": self._list,
            f"GET {admin}/v1/event_reports/(.+)": self._detail,
            f"DELETE {admin}/v1/(event_reports|user_reports)/(.+)": self._delete,
            f"GET {admin}/v1/rooms/(.+)/context/(.+)": self._context,
            f"GET {admin}/v1/rooms/(.+)/messages": self._notice_messages,
            f"GET {client}/v1/rooms/(.+)/relations/(.+)/m.replace": self._relations,
            f"PUT {rooms}/(.+)/redact/(.+)/(.+)": self._redact,
            f"GET {rooms}/(.+)/messages": self._messages,
            f"GET {client}/v3/joined_rooms": lambda q, b: ok({"joined_rooms": self.joined[ME]}),
            f"GET {client}/v3/profile/(.+)": lambda user, q, b: ok({"displayname": "Far away"}),
            f"GET {admin}/v2/users/(.+)": self._user,
            f"GET {admin}/v1/users/(.+)/joined_rooms": lambda user, q, b: ok(
                {"joined_rooms": self.joined.get(user, []), "total": 0}
            ),
            f"GET {admin}/v1/users/(.+)/memberships": lambda user, q, b: ok(
                {"memberships": dict.fromkeys(self.joined.get(user, []), "join")}
            ),
            f"PUT {admin}/v1/suspend/(.+)": self._suspend,
            f"PUT {admin}/v1/send_server_notice/(.+)": self._notice,
        }

    def _list(self, kind: str, query: Json, _: Json) -> httpx.Response:
        if kind == "user_reports" and not self.has_user_reports:
            return failed(404, "M_UNRECOGNIZED", "Unrecognized request")
        rows = self.reports[kind][::-1]
        if "event_sender_user_id" in query:
            rows = [row for row in rows if row["sender"] == query["event_sender_user_id"]]
        if "target_user_id" in query:
            rows = [row for row in rows if query["target_user_id"] in row["target_user_id"]]
        start, limit = int(query["from"]), int(query["limit"])
        page: Json = {kind: rows[start : start + limit], "total": len(rows)}
        if start + limit < len(rows):
            page["next_token"] = start + limit
        return ok(page)

    def _detail(self, id: str, _q: Json, _b: Json) -> httpx.Response:
        row = next((row for row in self.reports["event_reports"] if row["id"] == int(id)), None)
        if row is None or row["event_id"] not in self.kept:
            return failed(404, "M_NOT_FOUND", "Event report not found")
        event = {k: v for k, v in self.kept[row["event_id"]].items() if k != "event_id"}
        return ok({**row, "event_json": event})

    def _delete(self, kind: str, id: str, _q: Json, _b: Json) -> httpx.Response:
        left = [row for row in self.reports[kind] if row["id"] != int(id)]
        if len(left) == len(self.reports[kind]):
            return failed(404, "M_NOT_FOUND", "Event report not found")
        self.reports[kind] = left
        return ok({})

    def _shown(self, id: str) -> Json:
        event = copy.deepcopy(self.events[id])
        edits = [other for other in self.events.values() if _edits(other, id)]
        if edits and "redacted_because" not in event["unsigned"]:
            event["unsigned"]["m.relations"] = {"m.replace": edits[-1]}
        return event

    def _context(self, room: str, id: str, query: Json, _: Json) -> httpx.Response:
        if room != ROOM or id not in self.events:
            return failed(404, "M_NOT_FOUND", "Event not found.")
        each, ids = int(query["limit"]) // 2, list(self.events)
        at = ids.index(id)
        before, after = ids[max(0, at - each) : at], ids[at + 1 : at + 1 + each]
        return ok(
            {
                "event": self._shown(id),
                "events_before": [self._shown(one) for one in before[::-1]],
                "events_after": [self._shown(one) for one in after],
                "state": self.state,
            }
        )

    def _relations(self, _room: str, id: str, _q: Json, _b: Json) -> httpx.Response:
        return ok({"chunk": [event for event in self.events.values() if _edits(event, id)]})

    def _redact(self, _room: str, id: str, transaction: str, _q: Json, body: Json) -> httpx.Response:
        if not self.may_redact:
            return failed(403, "M_FORBIDDEN", "You don't have permission to redact events")
        if transaction not in self.transactions:  # kept by room: another event makes no difference
            self.transactions[transaction] = {"event_id": self.redact(id, ME)}
        return ok(self.transactions[transaction])

    def _messages(self, _room: str, query: Json, _: Json) -> httpx.Response:
        (sender,) = json.loads(query["filter"])["senders"]
        chunk = [event for event in self.events.values() if event["sender"] == sender]
        return ok({"chunk": chunk[::-1], "start": "a"})

    def _user(self, id: str, _q: Json, _b: Json) -> httpx.Response:
        if not id.endswith(":rig.test"):
            return failed(400, "M_UNKNOWN", "Can only look up local users")
        return ok(self.users[id]) if id in self.users else failed(404, "M_NOT_FOUND", "User not found")

    def _suspend(self, id: str, _q: Json, body: Json) -> httpx.Response:
        self.users[id]["suspended"] = body["suspend"]
        return ok({f"user_{id}_suspended": body["suspend"]})

    def _notice(self, transaction: str, _q: Json, body: Json) -> httpx.Response:
        user = body["user_id"]
        if user not in self.users:
            return failed(404, "M_NOT_FOUND", "User not found")
        if transaction not in self.transactions:
            room = f"!notices-of-{user[1:]}"
            for one in (user, NOTICES):
                if room not in self.joined.setdefault(one, []):
                    self.joined[one].append(room)
            id = f"$notice-{len(self.notices)}"
            self.notices.append(fixture("event", event_id=id, sender=NOTICES, room_id=room) | body)
            self.transactions[transaction] = {"event_id": id}
        return ok(self.transactions[transaction])

    def restart(self) -> None:
        """Forget transactions, as a restarted server does."""
        self.transactions.clear()

    def _notice_messages(self, room: str, _q: Json, _b: Json) -> httpx.Response:
        assert room.startswith("!notices-of-"), (
            "an admin's token read a conversation that is none of its business"
        )
        return ok({"chunk": [one for one in self.notices if one["room_id"] == room]})


def _edits(event: Json, original: str) -> bool:
    relation = event["content"].get("m.relates_to", {})
    return isinstance(relation, dict) and relation.get("event_id") == original and "rel_type" in relation


def ok(body: Any, **headers: str) -> httpx.Response:
    return httpx.Response(200, json=copy.deepcopy(body), headers=headers)


def failed(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"errcode": code, "error": message})


async def _at_once(_: float) -> None:
    return


def connected(site: Site, secrets: ForumSecrets | None = None, **settings: str) -> SynapseForum:
    def web(base: str) -> Web:
        limits = WebLimits(per_second=1e6, burst=10**6)
        return make_web(base, transport=httpx.MockTransport(site), limits=limits, sleep=_at_once)

    wanted = Settings(server="https://matrix.test", **settings)
    drawer = secrets or Drawer(token="mod-token", admin_token="admin-token")
    return SynapseForum(ForumContext("matrix", wanted, drawer, web, lambda: NOW))


async def pages(forum: SynapseForum, since: str = "") -> list[FlagPage]:
    return [page async for page in forum.flags(since)]


def all_of(found: list[FlagPage]) -> Iterator[Any]:
    return (flag for page in found for flag in page.flags)


def texts_of(found: list[FlagPage]) -> list[Any]:
    return [text for page in found for text in page.posts]
