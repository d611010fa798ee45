"""The case as a page of lines: what it is, the post, its flags, what was done, and what is around it.

Everything a member wrote stays folded until somebody asks for it, and passes through `plain()` on its way here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from modconsole.core.actions import ACTIONS
from modconsole.core.errors import ModconsoleError
from modconsole.core.model import (
    AgeBand,
    Case,
    CaseState,
    Flag,
    FlagSource,
    Member,
    MemberState,
    Post,
    Thread,
    Visibility,
)
from modconsole.core.text import plain
from modconsole.core.topics import topic_for
from modconsole.screens.ink import URGENCY_INKS, Ink, Line, Span, bullet, paragraph, wrap
from modconsole.screens.words import (
    NOT_DONE,
    action_words,
    count,
    decision_words,
    error_words,
    moment,
    order_words,
    span,
    urgency_words,
)

if TYPE_CHECKING:
    from modconsole.core.decision import DecisionState
    from modconsole.desk import CaseView

__all__ = ["CaseLook", "case_page", "waiting_by_hand"]

SHOWN_AT_FIRST = 3_000
SHOWN_MORE = 12_000
THREAD_POST_LENGTH = 700
COMPARED_AT_MOST = 4_000


@dataclass(slots=True)
class CaseLook:
    """What of the open case is unfolded, and what was fetched for it. Forgotten when the case is left."""

    text: bool = False
    thread: bool = False
    member: bool = False
    characters: int = SHOWN_AT_FIRST
    fetched_thread: Thread | None = field(default=None, repr=False)
    thread_problem: ModconsoleError | None = None
    fetched_member: Member | None = field(default=None, repr=False)
    member_posts: tuple[Post, ...] = field(default=(), repr=False)
    member_problem: ModconsoleError | None = None
    news: str = ""
    """What changed while the case was open, such as a new version of the post."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every part of the page needs to know."""

    view: CaseView
    look: CaseLook
    now: datetime
    zone: tzinfo
    me: str
    width: int

    def at(self, when: datetime) -> str:
        return moment(when, self.zone, self.now)


def case_page(
    view: CaseView, look: CaseLook, *, now: datetime, zone: tzinfo, me: str, width: int
) -> list[Line]:
    """Set the whole page."""
    sheet = _Sheet(view, look, now, zone, me, width)
    parts = (
        _head(sheet),
        _to_do(sheet),
        _post(sheet),
        _flags(sheet),
        _decisions(sheet),
        _notes(sheet),
        _thread(sheet),
        _member(sheet),
        _earlier(sheet),
    )
    lines: list[Line] = []
    for part in parts:
        made = list(part)
        if made and lines:
            lines.append([])
        lines += made
    return lines


def _heading(text: str, more: str = "", key: str = "") -> Line:
    return [
        Span(text, Ink.TITLE),
        Span(f"  {more}" if more else "", Ink.DIM),
        Span(f"  {key}" if key else "", Ink.KEY),
    ]


def _head(sheet: _Sheet) -> Iterator[Line]:
    case = sheet.view.case
    topic = topic_for(case.topic)
    yield [
        Span(f"{urgency_words(case.urgency)}  ", URGENCY_INKS[case.urgency]),
        Span(topic.label, Ink.STRONG),
    ]
    head = f"{case.id} on {plain(case.forum, lines=False, limit=30)} · {_clock(sheet, case)}"
    yield from paragraph(head, sheet.width, Ink.DIM)
    for reason in case.reasons:
        yield from bullet("·", reason.text[:300], sheet.width, Ink.DIM)
    claim = case.claim
    if claim is not None and claim.until > sheet.now and sheet.view.claimed_by_other:
        who = plain(claim.by, lines=False, limit=40)
        yield from bullet(
            "@",
            f"{who} is working on it until {sheet.at(claim.until)}. You can read; a takes it over.",
            sheet.width,
            Ink.WARN,
        )
    if case.resolved_elsewhere:
        yield from bullet("~", "Somebody answered its flags on the forum itself.", sheet.width, Ink.WARN)
    if sheet.view.log_problem:
        words = f"{sheet.view.log_problem} You can read and answer; what was decided may be missing here."
        yield from bullet("▲", words, sheet.width, Ink.WARN)
    if sheet.look.news:
        yield from bullet("~", sheet.look.news, sheet.width, Ink.WARN)
    if case.state is CaseState.CLOSED:
        closed = f"Closed {sheet.at(case.closed_at)}." if case.closed_at else "Closed."
        again = f" We look again {sheet.at(case.follow_up_at)}." if case.follow_up_at else ""
        yield from bullet("■", closed + again, sheet.width, Ink.GOOD)


def _clock(sheet: _Sheet, case: Case) -> str:
    flagged = f"flagged {sheet.at(case.flagged_at)}"
    due = case.due
    if due is None or case.state is CaseState.CLOSED:
        return f"{flagged} ({span((sheet.now - case.flagged_at).total_seconds())} ago)"
    what = (
        "first look"
        if case.first_opened_at is None
        else "first action"
        if case.last_decided_at is None
        else "next look"
    )
    left = (due - sheet.now).total_seconds()
    return f"{flagged} · {what} due {sheet.at(due)} ({'over by ' if left < 0 else 'in '}{span(left)})"


def waiting_by_hand(view: CaseView) -> list[tuple[DecisionState, str, str]]:
    """Give what a person still has to do: decision, order id, what to do."""
    from modconsole.desk import Carrier

    by_hand = {offer.action for offer in view.offers if offer.carrier == Carrier.BY_HAND}
    return [
        (decision, order.id, ACTIONS[order.action].label)
        for decision in view.decisions
        if not decision.reversed
        for order in decision.orders
        if not order.is_certain and order.action in by_hand
    ]


def _to_do(sheet: _Sheet) -> Iterator[Line]:
    waiting = waiting_by_hand(sheet.view)
    if not waiting:
        return
    yield _heading("To do by hand", "when it is done:", "b")
    for _, _, label in waiting:
        yield from bullet("☐", label, sheet.width, Ink.STRONG)


# The post


def _post(sheet: _Sheet) -> Iterator[Line]:
    view = sheet.view
    if view.file is None:
        yield _heading("The post")
        yield from paragraph(view.unreadable, sheet.width, Ink.WARN)
        return
    latest = view.file.latest
    if latest is None:
        kind = view.case.target.kind
        yield _heading(f"The {kind}")
        yield from paragraph("The forum gave no text with the flag.", sheet.width, Ink.DIM)
        return
    yield _heading(
        "The post", "" if sheet.look.text else "folded", "" if sheet.look.text else "space shows it"
    )
    yield from paragraph(_about(sheet, latest), sheet.width, Ink.DIM)
    if latest.attachments:
        yield [Span(f"{count(latest.attachments, 'image or file', 'images or files')} (not shown)", Ink.DIM)]
    if latest.visibility not in (Visibility.VISIBLE, Visibility.UNKNOWN):
        yield [Span(f"On the forum it is {latest.visibility} now.", Ink.WARN)]
    if latest.unreadable:
        yield from paragraph(
            f"Its text cannot be read: {latest.unreadable}", sheet.width, Ink.WARN, limit=300
        )
    if not sheet.look.text:
        if view.file.later:
            yield [Span("It changed since it was flagged; the difference is shown with the text.", Ink.WARN)]
        return
    if latest.title:
        yield from paragraph(latest.title, sheet.width, Ink.STRONG, limit=300)
    yield from _words(latest.text, sheet, sheet.look.characters)
    if view.file.later and view.file.post is not None:
        yield from _difference(view.file.post, latest, sheet)


def _about(sheet: _Sheet, post: Post) -> str:
    name = plain(post.author_name or post.author or "somebody", lines=False, limit=40)
    posted = f", {sheet.at(post.posted_at)}" if post.posted_at else ""
    return f"by {name}{posted}, {count(len(post.text), 'character')}"


def _words(text: str, sheet: _Sheet, limit: int) -> Iterator[Line]:
    """Set a member's words behind a bar, no more of them than asked for."""
    shown = plain(text[:limit])
    for piece in wrap(shown, sheet.width - 2):
        yield [Span("▏ ", Ink.DIM), Span(piece, Ink.QUOTE)]
    if len(text) > limit:
        yield [
            Span("▏ ", Ink.DIM),
            Span(f"… {len(text) - limit:,} more characters  ", Ink.DIM),
            Span("+", Ink.KEY),
            Span(" shows more", Ink.DIM),
        ]


def _difference(first: Post, latest: Post, sheet: _Sheet) -> Iterator[Line]:
    yield _heading("What changed since it was flagged", "- taken out, + put in")
    old = plain(first.text[:COMPARED_AT_MOST]).split()
    new = plain(latest.text[:COMPARED_AT_MOST]).split()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    found = False
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        found = True
        for mark, words, ink in (("-", old[i1:i2], Ink.DIM), ("+", new[j1:j2], Ink.STRONG)):
            if words:
                yield from bullet(mark, " ".join(words), sheet.width, ink, mark_ink=Ink.WARN)
    if not found:
        same = first.text == latest.text
        yield [
            Span("The words are the same." if same else "Only blanks, or a part not compared here.", Ink.DIM)
        ]


# Flags, decisions, notes

_SOURCES = {
    FlagSource.MEMBER: "a member",
    FlagSource.FILTER: "the forum’s filter",
    FlagSource.HOLD: "the approval queue",
    FlagSource.RULE: "a rule",
    FlagSource.STAFF: "a colleague",
}
FLAGS_SHOWN = 12


def _flags(sheet: _Sheet) -> Iterator[Line]:
    file = sheet.view.file
    if file is None:
        return
    yield _heading(count(len(file.flags), "flag"))
    for flag in file.flags[:FLAGS_SHOWN]:
        yield from _flag(flag, sheet)
    if len(file.flags) > FLAGS_SHOWN:
        yield [Span(f"… and {len(file.flags) - FLAGS_SHOWN} more", Ink.DIM)]


def _flag(flag: Flag, sheet: _Sheet) -> Iterator[Line]:
    who = plain(flag.reporter_name, lines=False, limit=40) or _SOURCES[flag.source]
    reason = plain(flag.reason, lines=False, limit=120) or "no reason given"
    yield from bullet("⚑", f"“{reason}” {who}, {sheet.at(flag.at)}", sheet.width)
    if not flag.comment:
        return
    if sheet.look.text:
        for piece in wrap(plain(flag.comment, limit=2000), sheet.width - 4):
            yield [Span("  ▏ ", Ink.DIM), Span(piece, Ink.QUOTE)]
    else:
        yield [Span(f"  with a comment of {count(len(flag.comment), 'character')}, folded", Ink.DIM)]


def _decisions(sheet: _Sheet) -> Iterator[Line]:
    if not sheet.view.decisions:
        return
    yield _heading("Decisions", "newest last")
    for decision in sheet.view.decisions:
        who = "you" if decision.actor == sheet.me else plain(decision.actor, lines=False, limit=30)
        words = f"{action_words(decision)} · {who}, {sheet.at(decision.at)} · {decision_words(decision)}"
        failed = any(order.outcome in NOT_DONE for order in decision.orders)
        mark, ink = (
            ("×", Ink.DIM)
            if decision.reversed
            else ("!", Ink.WARN)
            if failed
            else ("✓", Ink.GOOD)
            if decision.is_settled
            else ("…", Ink.WARN)
        )
        yield from bullet(mark, words, sheet.width, mark_ink=ink)
        if decision.reversed and not any(order.asked for order in decision.orders):
            continue
        for order in decision.orders:
            yield from bullet(
                "   ", f"{ACTIONS[order.action].label}: {order_words(order)}", sheet.width, Ink.DIM
            )


def _notes(sheet: _Sheet) -> Iterator[Line]:
    if not sheet.view.notes:
        return
    yield _heading("Notes")
    for note in sheet.view.notes:
        yield from bullet(
            "·",
            f"{plain(note.by, lines=False, limit=40)}, {sheet.at(note.at)}: {plain(note.text, limit=2000)}",
            sheet.width,
        )


# Around it


def _thread(sheet: _Sheet) -> Iterator[Line]:
    look = sheet.look
    if not look.thread:
        yield _heading("The thread around it", "", "t shows it")
        return
    yield _heading("The thread around it")
    if look.thread_problem is not None:
        yield from _problem(look.thread_problem, sheet.width)
    if look.fetched_thread is None:
        if look.thread_problem is None:
            yield [Span("Asking the forum …", Ink.DIM)]
        return
    thread = look.fetched_thread
    if thread.title:
        yield from paragraph(thread.title, sheet.width, Ink.STRONG, limit=200)
    if thread.locked:
        yield [Span("The thread is locked.", Ink.DIM)]
    if thread.more_before:
        yield [Span("… earlier posts are not shown", Ink.DIM)]
    target = sheet.view.case.target
    for post in thread.posts:
        flagged = (post.target.kind, post.target.id) == (target.kind, target.id)
        yield from _thread_post(post, sheet, flagged)
    if thread.more_after:
        yield [Span("… later posts are not shown", Ink.DIM)]


def _thread_post(post: Post, sheet: _Sheet, flagged: bool) -> Iterator[Line]:
    name = plain(post.author_name or post.author, lines=False, limit=40)
    staff = " (staff)" if post.by_staff else ""
    state = "" if post.visibility in (Visibility.VISIBLE, Visibility.UNKNOWN) else f" · {post.visibility}"
    at = f" · {sheet.at(post.posted_at)}" if post.posted_at else ""
    ink = Ink.STRONG if flagged else Ink.PLAIN
    yield [Span("▸ " if flagged else "  ", Ink.WARN), Span(f"{name}{staff}", ink), Span(at + state, Ink.DIM)]
    if flagged:
        yield [Span("    this is the flagged post", Ink.DIM)]
        return
    if post.unreadable:
        yield from paragraph(post.unreadable, sheet.width, Ink.DIM, indent="    ", limit=200)
    for piece in wrap(plain(post.text, limit=THREAD_POST_LENGTH), sheet.width - 4):
        yield [Span("  ▏ ", Ink.DIM), Span(piece, Ink.QUOTE)]
    if post.attachments:
        yield [
            Span(f"    {count(post.attachments, 'image or file', 'images or files')} (not shown)", Ink.DIM)
        ]


_AGES = {
    AgeBand.UNDER_13: "under 13",
    AgeBand.TO_15: "13 to 15",
    AgeBand.TO_17: "16 or 17",
    AgeBand.ADULT: "adult",
    AgeBand.UNKNOWN: "age not known",
}


def _member(sheet: _Sheet) -> Iterator[Line]:
    look = sheet.look
    if not look.member:
        yield _heading("The member", "", "h shows them")
        return
    yield _heading("The member")
    if look.member_problem is not None:
        yield from _problem(look.member_problem, sheet.width)
    member = look.fetched_member
    if member is None:
        if look.member_problem is None:
            yield [Span("Asking the forum …", Ink.DIM)]
        return
    facts = [plain(member.name or member.id, lines=False, limit=60), _AGES[member.age_band]]
    if member.joined_at:
        facts.append(f"since {sheet.at(member.joined_at)}")
    if member.posts is not None:
        facts.append(count(member.posts, "post"))
    if member.flagged_before is not None:
        facts.append(f"flagged {count(member.flagged_before, 'time')} before")
    if member.place:
        facts.append(plain(member.place, lines=False, limit=20))
    yield from paragraph(" · ".join(facts), sheet.width)
    if member.state not in (MemberState.ACTIVE, MemberState.UNKNOWN):
        until = f" until {sheet.at(member.state_until)}" if member.state_until else ""
        yield [Span(f"The account is {member.state}{until}.", Ink.WARN)]
    for note in member.staff_notes[:10]:
        yield from bullet("·", f"staff note: {plain(note, limit=500)}", sheet.width)
    if look.member_posts:
        yield [Span("Latest posts", Ink.STRONG)]
    for post in look.member_posts:
        at = sheet.at(post.posted_at) if post.posted_at else "some time ago"
        title = plain(post.title, lines=False, limit=80)
        yield [Span(f"  {at}", Ink.DIM), Span(f"  {title}" if title else "", Ink.PLAIN)]
        for piece in wrap(plain(post.text, limit=280), sheet.width - 4):
            yield [Span("  ▏ ", Ink.DIM), Span(piece, Ink.QUOTE)]


def _earlier(sheet: _Sheet) -> Iterator[Line]:
    earlier = sheet.view.earlier
    if not earlier:
        return
    yield _heading("Earlier cases of this member", count(len(earlier), "case"))
    for case in earlier[:8]:
        state = f"closed {sheet.at(case.closed_at)}" if case.closed_at else "open"
        yield from bullet(
            "·", f"{case.id} · {case.urgency} · {topic_for(case.topic).label} · {state}", sheet.width, Ink.DIM
        )


def _problem(error: ModconsoleError, width: int) -> Iterator[Line]:
    for part in error_words(error):
        yield from paragraph(part, width, Ink.WARN, limit=500)
