"""A small Ozone that keeps its state in memory and answers as the real one was seen to (shapes in `fixtures/`)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from modconsole_ozone import OzoneForum
from modconsole_ozone.forum import Settings

from modconsole.adapters.web import WebLimits, make_web
from modconsole.core.actions import Action, ActionOrder
from modconsole.core.model import Target, TargetKind
from modconsole.ports.forum import FlagPage, ForumContext, ForumSecrets, Web

DEFS = "tools.ozone.moderation.defs#"
LABELER = "did:plc:labeler"
ME = "did:plc:willow"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"

Json = dict[str, Any]


def fixture(name: str, **changes: Any) -> Json:
    plain: Json = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return plain | changes


def uri(name: str, author: str = "heron") -> str:
    return f"at://did:plc:{author}/app.bsky.feed.post/{name}"


def post(name: str, author: str = "heron") -> Target:
    return Target(TargetKind.POST, uri(name, author))


def member(name: str) -> Target:
    return Target(TargetKind.MEMBER, f"did:plc:{name}")


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
    """The moderator's own server with Ozone behind it."""

    def __init__(self) -> None:
        self.statuses: dict[str, Json] = {}
        self.records: dict[str, Json] = {}
        self.repos: dict[str, Json] = {}
        self.events: list[Json] = []
        self.labels: dict[str, list[Json]] = {}
        self.external: set[tuple[str, str, str]] = set()
        self.mails: list[Json] = []
        self.delivers = True
        self.config: Json = {
            "appview": {},
            "pds": {"url": "https://pds.test"},
            "viewer": {"role": "tools.ozone.team.defs#roleModerator"},
        }
        self.access = "access-1"
        self.refresh = "refresh-1"
        self.sign_ins = 0
        self.calls: list[tuple[str, Json]] = []
        """Each call's method name, and its query or body."""
        self.instead: dict[str, list[httpx.Response | Exception | str]] = {}
        """What a method does instead the next times: an answer, an error, or `lost` (done, but no answer)."""
        self.moment = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
        self.thread: Json = {}
        self.feed: list[Json] = []

    # What happens there without us.

    def write(self, name: str, text: str, author: str = "heron", cid: str = "", **value: Any) -> str:
        did = f"did:plc:{author}"
        self.repos[did] = fixture("repo", did=did, handle=f"{author}.test")
        self.records[uri(name, author)] = {
            "uri": uri(name, author),
            "cid": cid or f"cid-{name}",
            "value": {
                "$type": "app.bsky.feed.post",
                "text": text,
                "createdAt": "2026-11-22T01:00:00.000Z",
                **value,
            },
            "blobs": [],
            "moderation": {},
            "indexedAt": "2026-11-22T01:13:27.244Z",
        }
        return uri(name, author)

    def report(self, key: str, kind: str = "com.atproto.moderation.defs#reasonOther", **event: Any) -> int:
        number = self._record(
            "modEventReport", self.subject(key), "did:plc:juniper", {"reportType": kind, **event}
        )
        status = self._status(key)
        if status["reviewState"] != DEFS + "reviewEscalated":
            status["reviewState"] = DEFS + "reviewOpen"
        status["lastReportedAt"] = self._tick()
        return number

    def subject(self, key: str) -> Json:
        if key.startswith("at://"):
            cid = self.records[key]["cid"] if key in self.records else "cid-gone"
            return {"$type": "com.atproto.repo.strongRef", "uri": key, "cid": cid}
        return {"$type": "com.atproto.admin.defs#repoRef", "did": key}

    def moderate(self, kind: str, key: str, by: str = "did:plc:colleague") -> None:
        """Have a colleague do something on the site itself."""
        self._act({"event": {"$type": DEFS + kind}, "subject": self.subject(key)}, by)

    def named(self, method: str) -> list[Json]:
        return [sent for name, sent in self.calls if name == method]

    def emitted(self) -> list[str]:
        return [sent["event"]["$type"].removeprefix(DEFS) for sent in self.named("emitEvent")]

    # Answering.

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit(".", 1)[-1].removeprefix("/xrpc/")
        sent: Json = json.loads(request.content) if request.content else _query(request.url.params)
        self.calls.append((name, sent))
        planned = self.instead.get(name) or []
        instead = planned.pop(0) if planned else None
        if isinstance(instead, Exception):
            raise instead
        if isinstance(instead, httpx.Response):
            return instead
        answer = self._answer(request, name, sent)
        if instead == "lost":
            raise httpx.ReadTimeout("gone", request=request)
        return answer

    def _answer(self, request: httpx.Request, name: str, sent: Json) -> httpx.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if name in ("_health", "createSession", "refreshSession"):
            return self._session(name, sent, token)
        if token != self.access:
            return failed(400, "ExpiredToken", "Token has expired")
        proxied = request.headers.get("atproto-proxy") == f"{LABELER}#atproto_labeler"
        if not proxied and name != "listRecords":
            return failed(501, "MethodNotImplemented", "Method Not Implemented")
        handler: Callable[[Json], httpx.Response] | None = getattr(
            self, "answer" + re.sub("[A-Z]", lambda capital: "_" + capital[0].lower(), "_" + name), None
        )
        return handler(sent) if handler else failed(501, "MethodNotImplemented", "Method Not Implemented")

    def _session(self, name: str, sent: Json, token: str) -> httpx.Response:
        if name == "_health":
            return httpx.Response(
                200, json={"version": "0.4.217"}, headers={"date": "Sun, 22 Nov 2026 02:00:30 GMT"}
            )
        if name == "refreshSession" and token != self.refresh:
            return failed(400, "ExpiredToken", "Token has been revoked")
        if name == "createSession":
            self.sign_ins += 1
            if sent["password"] != "app-pass":
                return failed(401, "AuthenticationRequired", "Invalid identifier or password")
        number = int(self.access.rsplit("-", 1)[-1]) + 1
        self.access, self.refresh = f"access-{number}", f"refresh-{number}"
        session = {"accessJwt": self.access, "refreshJwt": self.refresh, "did": ME, "handle": "willow.test"}
        return ok({**session, "email": "willow@example.test", "active": True})

    def answer_get_config(self, _: Json) -> httpx.Response:
        return ok(self.config)

    def answer_list_members(self, _: Json) -> httpx.Response:
        colleague = {"did": "did:plc:colleague", "profile": {"handle": "colleague.test"}}
        return ok({"members": [colleague, {"did": ME}]})

    def answer_query_statuses(self, query: Json) -> httpx.Response:
        rows = list(self.statuses.values())
        if "subject" in query:
            rows = [self.statuses[query["subject"]]] if query["subject"] in self.statuses else []
        if "reviewState" in query:
            rows = [row for row in rows if row["reviewState"] == query["reviewState"]]
        by = query.get("sortField", "lastReportedAt")
        rows.sort(key=lambda row: row.get(by) or "", reverse=True)
        return _page("subjectStatuses", rows, query)

    def answer_query_events(self, query: Json) -> httpx.Response:
        def wanted(event: Json) -> bool:
            about = event["subject"].get("uri") or event["subject"]["did"]
            subject = query.get("subject")
            same = subject is None or about == subject
            if subject and query.get("includeAllUserRecords"):
                same = subject in about
            return (
                same
                and query.get("types", event["event"]["$type"]) == event["event"]["$type"]
                and query.get("createdBy", event["createdBy"]) == event["createdBy"]
                and query.get("comment", "") in event["event"].get("comment", "")
            )

        return _page("events", [event for event in self.events[::-1] if wanted(event)], query)

    def answer_get_subjects(self, query: Json) -> httpx.Response:
        keys = query["subjects"] if isinstance(query["subjects"], list) else [query["subjects"]]
        return ok({"subjects": [self._view(key) for key in keys]})

    def _view(self, key: str) -> Json:
        did = key.removeprefix("at://").split("/", 1)[0]
        view: Json = {"type": "record" if key.startswith("at://") else "account", "subject": key}
        if did in self.repos:
            view["repo"] = self.repos[did]
            view["profile"] = {"postsCount": 7, "createdAt": "2025-01-02T03:04:05.000Z"}
        if key in self.records:
            view["record"] = {**self.records[key], "labels": self.labels.get(key, [])}
        if key in self.statuses:
            view["status"] = self.statuses[key]
        return view

    def answer_get_repo(self, query: Json) -> httpx.Response:
        return ok(self.repos[query["did"]])

    def answer_get_post_thread(self, _: Json) -> httpx.Response:
        return ok({"thread": self.thread}) if self.thread else failed(400, "NotFound", "Post not found")

    def answer_get_author_feed(self, _: Json) -> httpx.Response:
        return ok({"feed": self.feed})

    def answer_list_records(self, query: Json) -> httpx.Response:
        return ok({"records": [record for key, record in self.records.items() if query["repo"] in key]})

    def answer_emit_event(self, body: Json) -> httpx.Response:
        return self._act(body, ME)

    def _act(self, body: Json, by: str) -> httpx.Response:
        event, subject = body["event"], body["subject"]
        kind = event["$type"].removeprefix(DEFS)
        key = subject.get("uri") or subject["did"]
        taken_down = self.statuses.get(key, {}).get("takendown", False)
        if kind == "modEventTakedown" and taken_down:
            return failed(400, "InvalidRequest", "Subject is already taken down")
        if kind == "modEventReverseTakedown" and not taken_down:
            return failed(400, "InvalidRequest", "Subject is not taken down")
        if kind == "modEventEmail":  # sent before anything else is checked, as in the real one
            event["isDelivered"] = self.delivers
            self.mails.append(event)
        if "externalId" in body:
            known = (kind, body["externalId"], key)
            if known in self.external:
                return failed(
                    400, "DuplicateExternalId", "An event with the same external ID already exists."
                )
            self.external.add(known)
        number = self._record(kind, subject, by, {k: v for k, v in event.items() if k != "$type"})
        self._apply(kind, event, subject, key, by)
        return ok(next(made for made in self.events if made["id"] == number))

    def _apply(self, kind: str, event: Json, subject: Json, key: str, by: str) -> None:
        if kind == "modEventLabel":
            kept = [one for one in self.labels.get(key, []) if one["val"] not in event["negateLabelVals"]]
            made = [{"src": LABELER, "val": val, "cid": subject["cid"]} for val in event["createLabelVals"]]
            self.labels[key] = kept + made
            return
        if kind == "modEventEmail":
            return
        status = self._status(key)
        status |= {"lastReviewedBy": by, "lastReviewedAt": self._tick(), "updatedAt": self._tick()}
        closed = "reviewEscalated" if kind == "modEventEscalate" else "reviewClosed"
        status["reviewState"] = DEFS + closed
        if kind in ("modEventTakedown", "modEventReverseTakedown"):
            status["takendown"] = kind == "modEventTakedown"
            hours = event.get("durationInHours")
            status["suspendUntil"] = _iso(NOW + timedelta(hours=hours)) if hours else None

    def _record(self, kind: str, subject: Json, by: str, event: Json) -> int:
        number = len(self.events) + 1
        self.events.append(
            fixture(
                "event",
                id=number,
                event={"$type": DEFS + kind, **event},
                subject=subject,
                createdBy=by,
                creatorHandle=f"{by.rsplit(':', 1)[-1]}.test",
                createdAt=self._tick(),
            )
        )
        return number

    def _status(self, key: str) -> Json:
        if key not in self.statuses:
            status = fixture("status", id=100 + len(self.statuses), subject=self.subject(key))
            status |= {"lastReportedAt": None, "createdAt": self._tick()}
            self.statuses[key] = status
        return self.statuses[key]

    def _tick(self) -> str:
        self.moment += timedelta(milliseconds=20)
        return _iso(self.moment)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _query(params: httpx.QueryParams) -> Json:
    return {name: got if len(got := params.get_list(name)) > 1 else got[0] for name in params}


def _page(name: str, rows: list[Json], query: Json) -> httpx.Response:
    start, limit = int(query.get("cursor", "0")), int(query["limit"])
    return ok({name: rows[start : start + limit], "cursor": str(start + limit)})  # the last page has one too


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=copy.deepcopy(body))


def failed(status: int, error: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "message": message})


async def _at_once(_: float) -> None:
    return


def connected(site: Site, secrets: ForumSecrets | None = None, **settings: str) -> OzoneForum:
    def web(base: str) -> Web:
        limits = WebLimits(per_second=1e6, burst=10**6)
        return make_web(base, transport=httpx.MockTransport(site), limits=limits, sleep=_at_once)

    wanted = Settings(server="https://pds.test", service_did=LABELER, identifier="willow.test", **settings)
    context = ForumContext("ozone", wanted, secrets or Drawer(password="app-pass"), web, lambda: NOW)
    return OzoneForum(context)


async def pages(forum: OzoneForum, since: str = "") -> list[FlagPage]:
    return [page async for page in forum.flags(since)]


def all_of(found: list[FlagPage]) -> Iterator[Any]:
    return (flag for page in found for flag in page.flags)
