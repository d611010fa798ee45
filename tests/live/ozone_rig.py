"""A throw-away Ozone: members, posts and reports go in; what Ozone and the network say comes out."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.live.server import Account, Answer, Loopback, RigError, run_script

__all__ = ["OzonePost", "OzoneRig", "OzoneSeed", "seed_ozone"]

MEMBERS = ("heron", "juniper", "sparrow", "wren")
MODERATOR = "willow"
REPORT_EVENT = "tools.ozone.moderation.defs#modEventReport"


@dataclass(frozen=True)
class OzonePost:
    """One post: where it is (`uri`), which version of it (`cid`), and what was written."""

    uri: str
    cid: str
    author: str
    text: str
    thread: OzonePost | None = None
    """The post that opened the thread; None for the opening post itself."""

    @property
    def ref(self) -> dict[str, str]:
        """Name this version of the post, as one post names another."""
        return {"uri": self.uri, "cid": self.cid}


@dataclass
class OzoneRig:
    """One running site: `pds` is the members' own server, `ozone` the moderation service behind it.

    An adapter needs `pds.base`, `service_did`, and the `login` and `password` of an account.
    """

    folder: str = ""
    """Where the rig is installed; empty for the scripts' own choice."""
    pds: Loopback = field(init=False)
    ozone: Loopback = field(init=False)
    app_view: Loopback = field(init=False)
    service_did: str = field(init=False)
    accounts: dict[str, Account] = field(init=False, default_factory=dict)
    seed: OzoneSeed = field(init=False)
    """What the site was filled with; set once it has been."""
    _helper: Loopback = field(init=False, repr=False)

    # -- coming and going ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a fresh site: no members, no posts. Whatever ran before in this folder is stopped."""
        site = json.loads(Path(run_script("ozone/start.sh", self.folder)).read_text(encoding="utf-8"))
        self.pds, self.ozone = Loopback(site["pds"]), Loopback(site["ozone"])
        self.app_view, self._helper = Loopback(site["app_view"]), Loopback(site["helper"])
        self.service_did = site["service_did"]
        self.accounts = {}

    def stop(self) -> None:
        """Stop it; stopping twice is fine."""
        run_script("ozone/stop.sh", self.folder)

    def __enter__(self) -> Self:
        """Start, for a with-statement."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, however the with-statement ends."""
        self.stop()

    def settle(self) -> None:
        """Wait until everything that was sent has been indexed and passed on."""
        self._helper.call("GET", "/settle")

    # -- what people do --------------------------------------------------------------------------------------

    def join(self, name: str) -> Account:
        """Make a member; the handle is `NAME.test`."""
        login, password = f"{name}.test", f"{name}-pass-1"
        made = self.pds.call(
            "POST",
            "/xrpc/com.atproto.server.createAccount",
            {"handle": login, "email": f"{name}@example.test", "password": password},
        )
        account = Account(name, made["did"], login, password, made["accessJwt"])
        self.accounts[name] = account
        return account

    def make_moderator(self, name: str) -> None:
        """Put a member on the moderation team, with the right to take down."""
        member = {"did": self.accounts[name].id, "role": "tools.ozone.team.defs#roleModerator"}
        self._ask_ozone("POST", "tools.ozone.team.addMember", member)

    def post(self, author: str, text: str) -> OzonePost:
        """Write a post that opens a thread."""
        return self._write(author, text, {}, None)

    def reply(self, author: str, to: OzonePost, text: str) -> OzonePost:
        """Answer a post, in its thread."""
        opening = to.thread or to
        return self._write(author, text, {"reply": {"root": opening.ref, "parent": to.ref}}, opening)

    def delete(self, post: OzonePost) -> None:
        """Delete a post as its author would."""
        repo, collection, key = post.uri.removeprefix("at://").split("/")
        body = {"repo": repo, "collection": collection, "rkey": key}
        token = self.accounts[post.author].token
        self.pds.call("POST", "/xrpc/com.atproto.repo.deleteRecord", body, token=token)
        self.settle()

    def report(self, reporter: str, subject: OzonePost | Account, kind: str, reason: str = "") -> int:
        """Report a post or a member and return the number of the report.

        Args:
            reporter: Who reports.
            subject: What they report.
            kind: The short name of an AT Protocol reason, such as `Spam`, `Rude`, `Other`; or a whole type name.
            reason: Their own words; the report has none if this is empty.
        """
        body = {
            "reasonType": kind if "#" in kind else f"com.atproto.moderation.defs#reason{kind}",
            "subject": _subject(subject),
            **({"reason": reason} if reason else {}),
        }
        filed = self.as_person(reporter, "POST", "com.atproto.moderation.createReport", body)
        if filed.status != 200:
            raise RigError(f"{reporter}'s report was answered {filed.status}: {filed.body}")
        return int(filed.body["id"])

    def as_person(self, name: str, method: str, nsid: str, body: object = None, **query: str) -> Answer:
        """Ask Ozone something as a person does: through their own server, which passes it on."""
        return self.pds.ask(
            method,
            _path(nsid, query),
            body,
            token=self.accounts[name].token,
            headers={"atproto-proxy": f"{self.service_did}#atproto_labeler"},
        )

    # -- what the server says --------------------------------------------------------------------------------

    def subject_status(self, subject: str) -> dict[str, Any] | None:
        """Read Ozone's own row for a post (by URI) or an account (by DID); None if it has none."""
        found = self._ask_ozone(
            "GET", "tools.ozone.moderation.queryStatuses", subject=subject, includeMuted="true"
        )
        rows: list[dict[str, Any]] = found["subjectStatuses"]
        return rows[0] if rows else None

    def review_state(self, subject: str) -> str:
        """Read the review state in one word: `open`, `escalated`, `closed` or `none`."""
        status = self.subject_status(subject)
        return status["reviewState"].rpartition("#review")[2].lower() if status else "none"

    def events_for(self, subject: str) -> list[dict[str, Any]]:
        """Read Ozone's log for a post (by URI) or an account (by DID), oldest first."""
        found = self._ask_ozone(
            "GET", "tools.ozone.moderation.queryEvents", subject=subject, sortDirection="asc", limit="100"
        )
        events: list[dict[str, Any]] = found["events"]
        return events

    def event_kinds(self, subject: str) -> list[str]:
        """Read Ozone's log as short names, oldest first: `Report`, `Tag`, `Takedown`."""
        return [event["event"]["$type"].rpartition("#modEvent")[2] for event in self.events_for(subject)]

    def reports_on(self, subject: str) -> list[dict[str, Any]]:
        """Read the reports of a post (by URI) or an account (by DID), oldest first."""
        return [event for event in self.events_for(subject) if event["event"]["$type"] == REPORT_EVENT]

    def labels_on(self, subject: str) -> set[str]:
        """Read the public labels that stand on a post or an account (`!takedown` is one)."""
        query = {"uriPatterns": subject, "limit": "250"}
        labels = self.ozone.call("GET", _path("com.atproto.label.queryLabels", query))["labels"]
        return {label["val"] for label in labels if not label.get("neg")}

    def post_as_seen(self, post: OzonePost) -> dict[str, Any] | None:
        """Read a post as a member of the public does; None if it, or its author's account, is gone.

        A takedown of the post alone does not show here: for that Ozone publishes a label, which the app views of
        the real network subscribe to and the test network's does not. Read it with `labels_on`.
        """
        self.settle()
        posts = self.app_view.call("GET", _path("app.bsky.feed.getPosts", {"uris": post.uri}))["posts"]
        return posts[0] if posts else None

    def replies_as_seen(self, opening: OzonePost) -> list[str]:
        """Read the texts of a thread's direct replies as a member of the public does."""
        self.settle()
        found = self.app_view.call("GET", _path("app.bsky.feed.getPostThread", {"uri": opening.uri}))
        return [reply["post"]["record"]["text"] for reply in found["thread"].get("replies", [])]

    def can_log_in(self, name: str) -> bool:
        """Try to log in as a member: a member whose account is taken down cannot use the ordinary way."""
        account = self.accounts[name]
        body = {"identifier": account.login, "password": account.password}
        return self.pds.ask("POST", "/xrpc/com.atproto.server.createSession", body).status == 200

    def mail_to(self, name: str) -> list[dict[str, str]]:
        """Read the e-mails that moderators sent to a member: `subject` and `text` (HTML)."""
        mail = self._helper.call("GET", "/mail")
        return [letter for letter in mail if letter["to"] == f"{name}@example.test"]

    def team(self) -> dict[str, str]:
        """Read the moderation team: DID to role, such as `roleModerator`."""
        members = self._ask_ozone("GET", "tools.ozone.team.listMembers")["members"]
        return {member["did"]: member["role"].rpartition("#")[2] for member in members}

    # -- how ------------------------------------------------------------------------------------------------

    def _ask_ozone(self, method: str, nsid: str, body: object = None, **query: str) -> Any:
        """Ask Ozone directly, with an administrator's token for this one method: not the way an adapter goes."""
        token = self._helper.call("GET", "/token?" + urllib.parse.urlencode({"nsid": nsid, "role": "admin"}))
        return self.ozone.call(method, _path(nsid, query), body, token=token["authorization"])

    def _write(self, author: str, text: str, more: dict[str, Any], thread: OzonePost | None) -> OzonePost:
        account = self.accounts[author]
        record = {
            "$type": "app.bsky.feed.post",
            "text": text,
            "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "langs": ["en"],
            **more,
        }
        body = {"repo": account.id, "collection": "app.bsky.feed.post", "record": record}
        made = self.pds.call("POST", "/xrpc/com.atproto.repo.createRecord", body, token=account.token)
        return OzonePost(made["uri"], made["cid"], author, text, thread)


@dataclass(frozen=True)
class OzoneSeed:
    """What `seed_ozone` wrote, by what it is good for."""

    low: OzonePost
    """heron opens a thread and three people answer; reported out of worry, once with words and once without."""
    unkind: OzonePost
    """juniper's reply in that thread; reported as rude."""
    advert: OzonePost
    """sparrow advertises; reported three times, by three people, in three ways; so is the account, once."""
    phone: OzonePost
    """wren gives a telephone number (one reserved for fiction); reported."""
    quiet: OzonePost
    """A thread that nobody reported."""


def seed_ozone(rig: OzoneRig) -> None:
    """Fill a fresh site and say in `rig.seed` with what: four members, one moderator, gentle posts, eight reports.

    They are about five subjects: four posts and an account.
    """
    for name in (*MEMBERS, MODERATOR):
        rig.join(name)
    rig.make_moderator(MODERATOR)

    quiet = rig.post("wren", "What small thing went well for you today?")
    rig.reply("heron", quiet, "I watered the plants.")
    low = rig.post("heron", "I had a rough week and could use some company.")
    rig.reply("wren", low, "I am here. Want to talk about it?")
    unkind = rig.reply("juniper", low, "You are all wasting your time here.")
    rig.reply("heron", low, "Thank you for answering, it helps.")
    advert = rig.post("sparrow", "Everything must go: bracelets at example.invalid")
    phone = rig.post("wren", "If you would rather talk, ring me on 01632 960 123.")
    rig.settle()

    rig.report("wren", low, "tools.ozone.report.defs#reasonSelfHarmOther", "I am worried about heron.")
    rig.report("juniper", low, "Other")
    rig.report("heron", unkind, "Rude", "This was hard to read.")
    rig.report("heron", advert, "Spam", "An advertisement in a support group.")
    rig.report("juniper", advert, "Misleading", "Not what it says it is.")
    rig.report("wren", advert, "Spam")
    rig.report("wren", rig.accounts["sparrow"], "Spam", "The same advertisement everywhere.")
    rig.report("heron", phone, "Other", "A telephone number is in this post.")
    rig.settle()
    rig.seed = OzoneSeed(low=low, unkind=unkind, advert=advert, phone=phone, quiet=quiet)


def _subject(subject: OzonePost | Account) -> dict[str, str]:
    if isinstance(subject, Account):
        return {"$type": "com.atproto.admin.defs#repoRef", "did": subject.id}
    return {"$type": "com.atproto.repo.strongRef", **subject.ref}


def _path(nsid: str, query: dict[str, str]) -> str:
    return f"/xrpc/{nsid}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
