"""Ozone's JSON as plain values. E-mail addresses, invitations and signatures are never read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modconsole.core.model import Flag, FlagSource, MemberState, Post, Target, TargetKind, Visibility
from modconsole_ozone.fields import Fields, aware
from modconsole_ozone.reasons import reason_word, topic_of

__all__ = [
    "HIDE_LABEL",
    "Event",
    "Record",
    "Status",
    "Subject",
    "View",
    "did_of",
    "flag_from",
    "post_from",
    "read_event",
    "read_feed_post",
    "read_listed",
    "read_status",
    "read_views",
    "unreadable_message",
]

DEFS = "tools.ozone.moderation.defs#"
HIDE_LABEL = "!hide"


def did_of(key: str) -> str:
    """Give the account of a DID or AT-URI (`at://did/collection/rkey`)."""
    return key.removeprefix("at://").split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event or a status is about: an account, one version of a record, or a direct message."""

    kind: TargetKind
    did: str
    uri: str = ""
    cid: str = ""
    files: tuple[str, ...] = ()
    conversation: str = ""
    message: str = ""

    @property
    def key(self) -> str:
        """The DID or AT-URI under which Ozone keeps the status; a message counts for its author's account."""
        return self.uri or self.did

    @property
    def target(self) -> Target:
        if self.kind is TargetKind.MESSAGE:
            return Target(self.kind, self.message, self.conversation)
        return Target(self.kind, self.key)

    def as_json(self) -> dict[str, str]:
        if self.kind is TargetKind.POST:
            return {"$type": "com.atproto.repo.strongRef", "uri": self.uri, "cid": self.cid}
        if self.kind is TargetKind.MEMBER:
            return {"$type": "com.atproto.admin.defs#repoRef", "did": self.did}
        return {
            "$type": "chat.bsky.convo.defs#messageRef",
            "did": self.did,
            "convoId": self.conversation,
            "messageId": self.message,
        }


def _read_subject(fields: Fields) -> Subject | None:
    """Give the subject, or None for a kind we do not know (the list of kinds is open)."""
    kind = fields.text("$type")
    if kind == "com.atproto.repo.strongRef":
        uri = fields.text("uri")
        return Subject(TargetKind.POST, did_of(uri), uri=uri, cid=fields.text("cid"))
    if kind == "com.atproto.admin.defs#repoRef":
        return Subject(TargetKind.MEMBER, fields.text("did"))
    if kind == "chat.bsky.convo.defs#messageRef":
        return Subject(
            TargetKind.MESSAGE,
            fields.text("did"),
            conversation=fields.maybe_text("convoId"),
            message=fields.text("messageId"),
        )
    return None


@dataclass(frozen=True, slots=True)
class Status:
    """Where the team stands on one subject."""

    id: int
    subject: Subject
    state: str
    """`reviewOpen`, `reviewEscalated`, `reviewClosed` or `reviewNone`."""
    taken_down: bool
    created_at: datetime
    updated_at: datetime
    suspended_until: datetime | None
    reported_at: datetime | None
    reviewed_at: datetime | None
    reviewed_by: str
    note: str

    @property
    def is_open(self) -> bool:
        return self.state in ("reviewOpen", "reviewEscalated")

    @property
    def member_state(self) -> MemberState:
        if not self.taken_down:
            return MemberState.ACTIVE
        return MemberState.SUSPENDED if self.suspended_until else MemberState.CLOSED


def read_status(fields: Fields) -> Status | None:
    subject = _read_subject(fields.within("subject"))
    if subject is None:
        return None
    return Status(
        id=fields.whole("id"),
        subject=subject,
        state=fields.text("reviewState").rsplit("#", 1)[-1],
        taken_down=fields.maybe_bool("takendown") or False,
        created_at=fields.time("createdAt"),
        updated_at=fields.time("updatedAt"),
        suspended_until=fields.maybe_time("suspendUntil"),
        reported_at=fields.maybe_time("lastReportedAt"),
        reviewed_at=fields.maybe_time("lastReviewedAt"),
        reviewed_by=fields.maybe_text("lastReviewedBy"),
        note=fields.maybe_text("comment"),
    )


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    kind: str
    """Without the common prefix: `modEventReport`."""
    subject: Subject | None
    by: str
    by_name: str
    at: datetime
    report_type: str = ""
    is_ignored: bool = False
    """Of a report: the team has muted its reporter, so it opened nothing."""
    comment: str = ""
    is_delivered: bool | None = None
    """Of an e-mail: whether the server says it was delivered."""


def read_event(fields: Fields) -> Event:
    event = fields.within("event")
    return Event(
        id=fields.whole("id"),
        kind=event.text("$type").rsplit("#", 1)[-1],
        subject=_read_subject(fields.within("subject")),
        by=fields.text("createdBy"),
        by_name=fields.maybe_text("creatorHandle"),
        at=fields.time("createdAt"),
        report_type=event.maybe_text("reportType"),
        is_ignored=event.maybe_bool("isReporterMuted") or False,
        comment=event.maybe_text("comment"),
        is_delivered=event.maybe_bool("isDelivered"),
    )


def flag_from(report: Event, service_did: str) -> Flag | None:
    """Give the flag that a report event is; None for one that the service itself ignores."""
    if report.subject is None or report.is_ignored:
        return None
    return Flag(
        id=str(report.id),
        target=report.subject.target,
        reason=reason_word(report.report_type),
        at=report.at,
        topic=topic_of(report.report_type),
        comment=report.comment,
        reporter=report.by,
        reporter_name=report.by_name,
        source=FlagSource.FILTER if report.by == service_did else FlagSource.MEMBER,
    )


@dataclass(frozen=True, slots=True)
class Record:
    """A post, profile or list as its author signed it. What is in it is the author's doing: read loosely."""

    uri: str
    cid: str
    text: str
    posted_at: datetime | None
    in_reply_to: str
    attachments: int
    files: tuple[str, ...] = ()
    """The ids of its images and videos."""
    hidden_by: tuple[str, str] | None = None
    """Who put a hide label on it, and on which version (may be empty: on all of them)."""


def _read_record(fields: Fields) -> Record:
    value = fields.loose("value")
    return Record(
        uri=fields.text("uri"),
        cid=fields.text("cid"),
        **_from_value(value if isinstance(value, dict) else {}),
        files=tuple(blob.text("cid") for blob in fields.each("blobs")),
        hidden_by=_hide_label(fields),
    )


def _from_value(value: dict[str, Any]) -> dict[str, Any]:
    parts = [value.get(name) for name in ("text", "displayName", "name", "description")]
    created, reply = value.get("createdAt"), value.get("reply")
    parent = reply.get("parent") if isinstance(reply, dict) else None
    above = parent.get("uri") if isinstance(parent, dict) else None
    return {
        "text": "\n".join(part for part in parts if isinstance(part, str) and part),
        "posted_at": aware(created) if isinstance(created, str) else None,
        "in_reply_to": above if isinstance(above, str) else "",
        "attachments": _attachments(value.get("embed")),
    }


def _attachments(embed: object) -> int:
    if not isinstance(embed, dict):
        return 0
    media = embed.get("media", embed)
    images = media.get("images") if isinstance(media, dict) else None
    if isinstance(images, list):
        return len(images)
    return 1 if isinstance(media, dict) and "video" in media else 0


def _hide_label(fields: Fields) -> tuple[str, str] | None:
    """Find the hide label that stands; a negation is a label too, and comes with `neg`."""
    for label in fields.each("labels"):
        if label.text("val") == HIDE_LABEL and not label.maybe_bool("neg"):
            return label.text("src"), label.maybe_text("cid")
    return None


@dataclass(frozen=True, slots=True)
class View:
    """One subject with all that Ozone shows about it."""

    key: str
    status: Status | None
    record: Record | None
    handle: str
    """Empty when the account is not known to the server any more."""
    joined_at: datetime | None = None
    posts: int | None = None

    @property
    def exists(self) -> bool:
        return self.record is not None if self.key.startswith("at://") else bool(self.handle)

    @property
    def visibility(self) -> Visibility:
        if self.record is None or (self.status and self.status.taken_down):
            return Visibility.REMOVED
        return Visibility.HIDDEN if self.record.hidden_by else Visibility.VISIBLE


def read_views(answer: Fields) -> Iterator[View]:
    for fields in answer.each("subjects"):
        key = fields.text("subject")
        status, record, repo, profile = (
            fields.maybe_within(name) for name in ("status", "record", "repo", "profile")
        )
        yield View(
            key=key,
            status=read_status(status) if status else None,
            record=_read_record(record) if record else None,
            handle=repo.text("handle") if repo else "",
            joined_at=profile.maybe_time("createdAt") if profile else None,
            posts=profile.maybe_whole("postsCount") if profile else None,
        )


def post_from(view: View) -> Post | None:
    """Give the post of a view; None when the record is gone."""
    if view.record is None:
        return None
    return _post(view.record, did_of(view.key), view.handle, view.visibility)


def read_feed_post(fields: Fields) -> Post:
    """Read a post as the app view shows it (`app.bsky.feed.defs#postView`)."""
    author = fields.within("author")
    value = fields.loose("record")
    record = Record(
        uri=fields.text("uri"),
        cid=fields.text("cid"),
        **_from_value(value if isinstance(value, dict) else {}),
    )
    visibility = Visibility.HIDDEN if _hide_label(fields) else Visibility.VISIBLE
    return _post(record, author.text("did"), author.text("handle"), visibility)


def unreadable_message(target: Target, author: str = "") -> Post:
    """Stand in for a direct message: the service shows that it was reported, not what it says."""
    return Post(
        target, author=author, author_name="", text="", unreadable="a direct message, not shown to moderators"
    )


def read_listed(fields: Fields, did: str) -> Post:
    """Read a post as `com.atproto.repo.listRecords` gives it, straight from its author's records."""
    return _post(_read_record(fields), did, "", Visibility.UNKNOWN)


def _post(record: Record, did: str, handle: str, visibility: Visibility) -> Post:
    return Post(
        target=Target(TargetKind.POST, record.uri),
        author=did,
        author_name=handle,
        text=record.text,
        posted_at=record.posted_at,
        version=record.cid,
        in_reply_to=record.in_reply_to,
        attachments=record.attachments,
        visibility=visibility,
        unreadable="" if record.text or record.attachments else "the record has no text",
    )
