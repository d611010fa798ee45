"""Working a case: claim, read, walk its protocols, close or pass on. Every answer is kept as it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from modconsole.core import ids
from modconsole.core.actions import ACTIONS, Action
from modconsole.core.clocks import clock
from modconsole.core.codec import to_plain
from modconsole.core.decision import DecisionState, Entry, EntryKind, ProtocolRef
from modconsole.core.errors import (
    ForumError,
    LogError,
    NoSuchCase,
    NotAllowed,
    NotFound,
    StoreError,
    VaultError,
    VaultLocked,
)
from modconsole.core.message import fill
from modconsole.core.model import Case, CaseFile, CaseState, Member, Note, Post, TargetKind, Thread
from modconsole.core.protocol import QuestionType, ReviewProtocol
from modconsole.core.run import (
    EMERGENCY_QUESTION,
    FOLLOW_UP_QUESTION,
    NOT_NEEDED,
    SKIP_REASONS,
    Answer,
    Follow,
    Run,
    RunEvent,
    RunEventKind,
    RunView,
    carried,
    checked,
    close_blockers,
    demanded_urgency,
    view,
)
from modconsole.core.urgency import Reason, Urgency, faster
from modconsole.desk.adoption import has_open_places
from modconsole.desk.fit import AGE_QUESTION, PLACE_QUESTION
from modconsole.desk.forums import Forums
from modconsole.desk.intake import is_news
from modconsole.desk.sittings import (
    Ended,
    Sitting,
    approval_code,
    carrier,
    closed_before,
    ended_by_the_queue,
    escalated_to,
    stands,
    wanted_protocols,
)
from modconsole.desk.standing import NOT_KNOWN, Standing, StandingKind, ref, standing
from modconsole.desk.verdicts import Verdicts
from modconsole.desk.views import ActionOffer, CaseView
from modconsole.ports.audit import AuditLog, LogQuery
from modconsole.ports.forum import Feature
from modconsole.ports.library import ProtocolLibrary
from modconsole.ports.settings import Settings
from modconsole.ports.store import CaseStore, Draft

__all__ = ["LEASE", "Casework"]

LEASE = timedelta(minutes=15)
"""How long a claim holds when nobody renews it. It is renewed while the case is open on a screen."""

THREAD_BEFORE, THREAD_AFTER = 100, 100

Held = Callable[[ReviewProtocol, Sequence[RunView]], Standing]
"""Says how a protocol stands, beside the runs of a case."""

_NEVER: Ended = (None, frozenset())
_NOTHING_SEALED = "The log cannot be read, so nothing can be decided or closed now. Every answer is kept."


@dataclass(frozen=True, slots=True)
class Casework:
    """Everything a moderator does with a case short of deciding."""

    store: CaseStore
    log: AuditLog
    library: ProtocolLibrary
    forums: Forums
    settings: Settings
    now: Callable[[], datetime]
    random: ids.Randomness
    verdicts: Verdicts = field(init=False, repr=False, compare=False)
    """What the log says was decided about protocols."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdicts", Verdicts(self.log))

    # Opening

    def case(self, id: str) -> Case:
        """Give a case by its id.

        Raises:
            NoSuchCase
        """
        found = self.store.case(id)
        if found is None:
            raise NoSuchCase(f"There is no case “{id}” here.")
        return found

    def open(self, id: str, *, take_over: bool = False) -> CaseView:
        """Claim a case, note the first look, and show it. Somebody else's live claim is respected, and said.

        Args:
            take_over: Take it from whoever holds it.
        """
        now = self.now()
        with self.store.alone():
            self.case(id)
            case = self.store.claim(id, self.settings.me, now + LEASE, now, take_over=take_over)
            if case.first_opened_at is None and not self._is_others(case):
                self.store.save_case(replace(case, first_opened_at=now))
        return self.view(id)

    def renew(self, id: str) -> None:
        """Keep a claim alive while the case is on screen. One that was given up, or taken over, is not taken again."""
        now = self.now()
        with self.store.alone():
            claim = self.case(id).claim
            if claim is not None and claim.by == self.settings.me:
                self.store.claim(id, self.settings.me, now + LEASE, now)

    def leave(self, id: str) -> None:
        """Let go of a claim; answers and drafts stay."""
        self.store.release(id, self.settings.me)

    def view(self, id: str) -> CaseView:
        """Show a case without claiming it. A log that cannot be read hides what it says, never the case."""
        case = self.case(id)
        decisions, trouble = self._decisions(case)
        file, unreadable = self._file(case)
        if trouble is None and not unreadable:
            unreadable = self._restricted(case)
            file = None if unreadable else file
        ended, doubt = self._ended(case) if not unreadable else (_NEVER, None)
        sitting = self._sitting_after(case, ended) if not unreadable else Sitting()
        runs = sitting.views
        # Asked once: a log that another program holds keeps every look waiting.
        held = self.standing_shown if trouble is None else _not_known
        return CaseView(
            case=case,
            file=file,
            unreadable=unreadable,
            claimed_by_other=self._is_others(case),
            runs=runs,
            standings={
                shown.run.id: held(shown.protocol, beside)
                for some, beside in ((sitting.earlier, ()), (runs, runs))
                for shown in some
            },
            decisions=decisions,
            offers=self.offers(case, runs),
            notes=tuple(self.store.notes(case)) if not unreadable else (),
            drafts={draft.name: draft for draft in self.store.drafts(case)} if not unreadable else {},
            earlier=tuple(self.store.earlier_cases(case)),
            blockers=self._blockers(sitting, decisions, held) if trouble is None else (_NOTHING_SEALED,),
            forum=self.forums.status(case.forum),
            problems=self._problems(case, sitting, held),
            earlier_runs=sitting.earlier,
            log_problem=next((error.what for error in (trouble, doubt) if error is not None), ""),
        )

    def _decisions(self, case: Case) -> tuple[tuple[DecisionState, ...], LogError | None]:
        try:
            return tuple(self.log.decisions_of(case.token)), None
        except LogError as error:
            return (), error

    def _ended(self, case: Case) -> tuple[Ended, LogError | None]:
        """Say what belongs to earlier sittings: by the log, or else by what the queue remembers, and why.

        An answer needs no more. What is sealed because of it fails by itself if the log is as bad as that.
        """
        doubt: LogError | None = None
        try:
            since, over = closed_before(self.log, case)
            if since is not None or case.closed_at is None:
                return (since, over), None
        except LogError as error:
            doubt = error
        # Also when the log knows of no closing, because it was put aside and a new one begun.
        return ended_by_the_queue(case, self.store.runs(case)), doubt

    def _file(self, case: Case) -> tuple[CaseFile | None, str]:
        try:
            return self.store.file(case), ""
        except VaultLocked:
            return None, "The text is locked. Give the passphrase to read it."
        except VaultError as error:
            return None, f"The text cannot be opened: {error.what}"

    def _restricted(self, case: Case) -> str:
        """Say that a case is frozen; empty when it is not, or when nobody can know: then its text is shown.

        A text too many can be answered for; a life that hung on a text that was not shown cannot.
        """
        from modconsole.desk.erasure import restriction

        try:
            frozen = restriction(self.log, case.token)
        except LogError:
            return ""
        if frozen is None:
            return ""
        return (
            f"Restricted: since {frozen.entry.at:%Y-%m-%d} its text is kept and not shown "
            "(UK GDPR Art. 18). Ask your data lead. ! works as always."
        )

    def _is_others(self, case: Case) -> bool:
        claim = case.claim
        return claim is not None and claim.by != self.settings.me and claim.until > self.now()

    def not_others(self, case: Case) -> None:
        """Refuse while somebody else is working on the case, so that no member is answered twice.

        Raises:
            NotAllowed
        """
        if case.claim is not None and self._is_others(case):
            raise NotAllowed(
                f"{case.claim.by} is working on this case.",
                next_step="Take it over first, if they cannot go on.",
            )

    def _change(self, id: str, change: Callable[[Case], Case]) -> None:
        """Change a case as it is at this moment, whatever another console has made of it since it was read."""
        with self.store.alone():
            self.store.save_case(change(self.case(id)))

    # The forum's side, lazily

    async def thread(self, id: str) -> Thread:
        """Fetch the thread around the post.

        Raises:
            ForumError
        """
        case = self.case(id)
        return await self.forums.call(
            case.forum, lambda forum: forum.thread(case.target, THREAD_BEFORE, THREAD_AFTER)
        )

    async def refresh_post(self, id: str) -> CaseFile:
        """Fetch the post as it is now; another version than the one flagged is kept beside it.

        Raises:
            ForumError
        """
        found = self.case(id)
        post = await self.forums.call(found.forum, lambda forum: forum.post(found.target))
        with self.store.alone():
            case = self.case(id)
            file = self.store.file(case)
            if not is_news(post, file):
                return file
            if file.latest is None:
                file = replace(file, post=post)
                case = replace(case, length=len(post.text))
            else:
                file = replace(file, later=(*file.later, post))
                case = replace(case, changed_since_flagged=True)
            self.store.take_in([(case, file)])
        return file

    def saw(self, id: str, version: str) -> None:
        """Note which version of the post the moderator has on screen: orders carry it."""
        with self.store.alone():
            case = self.case(id)
            file = self.store.file(case)
            if file.seen_version != version:
                self.store.save_file(case, replace(file, seen_version=version))

    def we_edited(self, id: str, text: str, version: str) -> None:
        """Keep what our own edit made of the post, so that nobody is told that it changed behind their back."""
        with self.store.alone():
            case = self.case(id)
            file = self.store.file(case)
            if file.latest is not None and file.latest.version != version:
                edited = replace(file.latest, text=text, version=version)
                self.store.save_file(case, replace(file, later=(*file.later, edited), seen_version=version))

    async def member(self, id: str) -> Member:
        case = self.case(id)
        author = self._known_author(case)
        return await self.forums.call(case.forum, lambda forum: forum.member(author))

    async def history(self, id: str, limit: int = 20) -> tuple[Post, ...]:
        case = self.case(id)
        author = self._known_author(case)
        return await self.forums.call(case.forum, lambda forum: forum.history(author, limit))

    def author(self, case: Case) -> str:
        """Give the forum's id of the member a case is about; empty when the forum does not say."""
        if case.target.kind is TargetKind.MEMBER:
            return case.target.id
        file = self.store.file(case)
        return next((post.author for post in (file.latest, file.post) if post and post.author), "")

    def _known_author(self, case: Case) -> str:
        author = self.author(case)
        if not author:
            raise NotFound("The forum does not say who wrote this.", next_step="Look on the forum itself.")
        return author

    async def announce(self, id: str, *, taken: bool) -> None:
        """Show colleagues on the forum that the case is (or is no longer) being worked on, where the forum can."""
        case = self.case(id)
        if not self.forums.ability(case.forum, Feature.CLAIM).works:
            return
        try:
            if taken:
                await self.forums.call(case.forum, lambda forum: forum.claim(case.target))
            else:
                await self.forums.call(case.forum, lambda forum: forum.release(case.target))
        except ForumError:
            return  # the banner is already up; a claim shown elsewhere is a courtesy, never a condition

    # Protocols

    def standing(self, protocol: ReviewProtocol, runs: Sequence[RunView] = ()) -> Standing:
        """Say how a protocol stands today.

        Args:
            runs: The present runs of the case it is for: what they say of place and age is held against it.
        """
        case = {
            question: answer.values[0]
            for question in (PLACE_QUESTION, AGE_QUESTION)
            for shown in runs
            if (answer := shown.answers.get(question)) is not None
        }
        return standing(protocol, self.verdicts.of(protocol.id), self.settings, self.now().date(), case)

    def standing_shown(self, protocol: ReviewProtocol, runs: Sequence[RunView] = ()) -> Standing:
        """Say how a protocol stands, for a screen: with a log that cannot be read, that nobody knows."""
        try:
            return self.standing(protocol, runs)
        except LogError:
            return NOT_KNOWN

    def refs(self, runs: Sequence[RunView]) -> tuple[ProtocolRef, ...]:
        return tuple(ref(shown.protocol, self.standing(shown.protocol)) for shown in runs)

    def run_views(self, case: Case) -> tuple[RunView, ...]:
        """Give the runs of the present sitting, each pinned to the version it began with.

        A sitting ends when the case is closed. After it came back, what was answered before is there to be read
        (`CaseView.earlier_runs`), but it answers nothing: yesterday's "no danger" is no answer today.
        """
        return self._sitting(case).views

    def answered(self, case: Case) -> tuple[tuple[ProtocolRef, ...], list[object]]:
        """Give what a record holds of this sitting's protocols: which they were, and every answer."""
        sitting = self._sitting(case)
        lost = tuple(ProtocolRef(run.protocol, "", run.protocol_hash, "unreadable") for run in sitting.lost)
        runs = (*(shown.run for shown in sitting.views), *sitting.lost)
        return (*self.refs(sitting.views), *lost), [to_plain(run) for run in runs]

    def _sitting(self, case: Case) -> Sitting:
        return self._sitting_after(case, self._ended(case)[0])

    def _sitting_after(self, case: Case, ended: Ended) -> Sitting:
        since, over = ended
        earlier: list[RunView] = []
        present: list[RunView] = []
        lost: list[Run] = []
        for run in self.store.runs(case):
            protocol = self.library.by_hash(run.protocol_hash)
            if protocol is not None:
                (earlier if run.id in over else present).append(view(protocol, run))
            elif run.id not in over:
                lost.append(run)
        return Sitting(tuple(present), tuple(earlier), tuple(lost), since)

    def start_run(self, id: str, protocol_id: str, because: str = "chosen") -> Run:
        """Begin a protocol on a case, with the answers that other protocols of this case already have.

        Raises:
            NotAllowed: The protocol is not here, or not approved for real cases.
            LogError: The log cannot be read, so nobody knows whether it is approved, or was withdrawn.
        """
        case = self.case(id)
        self.not_others(case)
        protocol = self.library.get(protocol_id)
        if protocol is None:
            raise NotAllowed(
                f"There is no protocol “{protocol_id}” here that can be used.",
                kept="Every action stays open, with a reason.",
                next_step="`p` lists the protocols; `modconsole doctor` says what is wrong with a broken one.",
            )
        held = self._standing_for_certain(protocol)
        if not held.may_run:
            raise NotAllowed(
                f"“{protocol.title}” cannot be begun on a case. {_why_not(held)}",
                kept="Every action stays open, with a reason; the record will say that no approved protocol was used.",
                next_step=""
                if held.kind is StandingKind.NOT_FOR_CASES
                else "Your safeguarding lead approves protocols, or sets allow_drafts in the settings.",
            )
        self.library.keep(protocol)
        known = carried(protocol, self.run_views(case))
        run = Run(ids.run_id(self.random), protocol.id, protocol.hash, self.now(), because, known)
        with self.store.alone():
            self.store.start_run(case, run)
            self._heed(case)
        return run

    def _standing_for_certain(self, protocol: ReviewProtocol) -> Standing:
        try:
            return self.standing(protocol)
        except LogError as error:
            raise LogError(
                f"“{protocol.title}” cannot be begun: nobody knows whether it is approved. {error.what}",
                kept="Protocols that were begun before can be gone on with, and every answer is kept.",
                next_step="P shows its text to read. If somebody may be in danger, press ! now.",
            ) from error

    def answer(self, id: str, run_id: str, question_id: str, values: Sequence[str]) -> tuple[Follow, ...]:
        """Keep one answer, and do what follows from it: urgency, the next protocol.

        Durable when this returns: it survives `kill -9`.

        Returns:
            The consequences that hold now because of this answer, for the screen to show.

        Raises:
            NotAllowed: The answer does not fit the question.
        """
        case, shown = self._run(id, run_id)
        question = shown.protocol.question(question_id)
        if question is None:
            raise NotAllowed(f"“{shown.protocol.title}” has no question “{question_id}”.")
        step = next(s.id for s in shown.protocol.steps if question in s.questions)
        given = checked(question, values)
        event = RunEvent(RunEventKind.ANSWERED, step, self.now(), self.settings.me, question_id, given)
        before = demanded_urgency(self.run_views(case))
        # Together or not at all: a crash never leaves "in danger now" answered and the case waiting its turn.
        with self.store.alone():
            self.store.add_event(case, run_id, event)
            after = self._view(case, run_id)
            follows = tuple(follow for follow in after.follows if follow.question == question_id)
            says_how_soon = question_id == EMERGENCY_QUESTION or any(
                f.consequence.raise_urgency for f in follows
            )
            # Not otherwise: what somebody lowered with a reason is not raised again by an answer about the weather.
            if says_how_soon or demanded_urgency(self.run_views(case)) is not before:
                self._heed(case)
            if question.type is QuestionType.DATETIME and question_id == FOLLOW_UP_QUESTION:
                self._set_follow_up(case.id, given[0], shown.answers.get(question_id))
            self._follow(case, run_id, follows)
        return follows

    def _follow(self, case: Case, run_id: str, follows: Sequence[Follow]) -> None:
        """Start the protocols that an answer leads to. One that cannot be started takes no answer back with it."""
        for follow in follows:
            switch, add = follow.consequence.switch_to, follow.consequence.add_protocol
            for wanted, word in ((switch, "switch"), (add, "add")):
                if wanted and not self._is_begun(
                    case, wanted, also_handed_over=follow.consequence.unless_running
                ):
                    with suppress(NotAllowed, StoreError, LogError):  # `CaseView.problems` says why
                        self.start_run(case.id, wanted, f"{word}:{run_id}")

    def skip(self, id: str, run_id: str, step_id: str, reason: str, note: str = "") -> None:
        """Skip a step with a reason from `core.run.SKIP_REASONS`. An honest skip is never held against anyone."""
        if reason not in SKIP_REASONS:
            raise NotAllowed(
                f"“{reason}” is not a reason to skip.", next_step=f"Choose one of: {', '.join(SKIP_REASONS)}."
            )
        self._mark(id, run_id, step_id, RunEventKind.SKIPPED, (reason, note) if note else (reason,))

    def tick(self, id: str, run_id: str, step_id: str, *, done: bool = True) -> None:
        """Tick a step that has nothing to answer, or take the tick back."""
        self._mark(id, run_id, step_id, RunEventKind.TICKED if done else RunEventKind.UNTICKED, ())

    def _mark(self, id: str, run_id: str, step_id: str, kind: RunEventKind, values: tuple[str, ...]) -> None:
        case, shown = self._run(id, run_id)
        if not any(step.id == step_id for step in shown.protocol.steps):
            raise NotAllowed(f"“{shown.protocol.title}” has no step “{step_id}”.")
        event = RunEvent(kind, step_id, self.now(), self.settings.me, values=values)
        self.store.add_event(case, run_id, event)

    def _run(self, id: str, run_id: str) -> tuple[Case, RunView]:
        case = self.case(id)
        self.not_others(case)
        return case, self._view(case, run_id)

    def _view(self, case: Case, run_id: str) -> RunView:
        for shown in self.run_views(case):
            if shown.run.id == run_id:
                return shown
        raise NotAllowed(f"This case has no protocol run “{run_id}”.")

    def _is_begun(self, case: Case, protocol_id: str, *, also_handed_over: bool) -> bool:
        return any(
            shown.protocol.id == protocol_id and (also_handed_over or not shown.switched_to)
            for shown in self.run_views(case)
        )

    def _heed(self, case: Case) -> None:
        """Raise the case's urgency to what its answers demand. Raising needs nobody's leave."""
        demanded = demanded_urgency(self.run_views(case))
        if demanded is not None:
            self.raise_urgency(case.id, demanded, Reason("answers", f"your answers make it {demanded}"))

    # Urgency

    def raise_urgency(self, id: str, urgency: Urgency, reason: Reason | None = None) -> None:
        """Make a case more urgent. Anyone may, at once; asking for less than it is changes nothing."""
        said = reason or Reason("raised", f"{self.settings.me} raised it")
        self._change(
            id,
            lambda case: (
                case
                if faster(case.urgency, urgency) is case.urgency
                else self._with_urgency(case, urgency, said)
            ),
        )

    def lower_urgency(self, id: str, urgency: Urgency, why: str) -> None:
        """Make a case less urgent. Needs a reason, which is sealed.

        Raises:
            NotAllowed: No reason, or it is not lower.
        """
        case = self.case(id)
        if urgency.rank <= case.urgency.rank:
            raise NotAllowed(f"The case is {case.urgency} already; {urgency} would not be lower.")
        if not why.strip():
            raise NotAllowed("Lowering the urgency needs a reason.", next_step="Say why in a few words.")
        self.log.seal(
            Entry(
                EntryKind.URGENCY_LOWERED,
                self.settings.me,
                self.now(),
                case=case.token,
                forum=case.forum,
                detail=f"{case.urgency}:{urgency}",
                urgency=urgency,
                body={"case": case.id, "reason": why},
            )
        )
        said = Reason("lowered", f"{self.settings.me} lowered it, with a reason")
        self._change(id, lambda case: self._with_urgency(case, urgency, said))

    def _with_urgency(self, case: Case, urgency: Urgency, reason: Reason) -> Case:
        due = clock(urgency, case.flagged_at, self.settings.service.staffed_hours)
        others = tuple(known for known in case.reasons if known.code != reason.code)
        return replace(case, urgency=urgency, reasons=(reason, *others), look_due=due.look, act_due=due.act)

    # Notes, drafts, messages

    def note(self, id: str, text: str) -> None:
        """Leave a note for colleagues on the case."""
        if not text.strip():
            raise NotAllowed("An empty note was not kept.")
        self.store.add_note(self.case(id), Note(self.now(), self.settings.me, text))

    def save_draft(self, id: str, name: str, text: str) -> None:
        """Keep what is being typed. Called on every change."""
        self.store.save_draft(self.case(id), Draft(name, text, self.now()))

    def message_from(self, id: str, template_id: str) -> str:
        """Start a message from a template, with what we know filled in; the rest stays visibly open.

        Raises:
            NotAllowed: There is no such template.
        """
        template = self.library.template(template_id)
        if template is None:
            raise NotAllowed(f"There is no message template “{template_id}”.")
        return fill(template.body, self._known_values(id))

    def resource_words(self, id: str) -> str:
        """Say a crisis service in words for a message: its name and how to reach it.

        Raises:
            NotAllowed: Nobody made sure of it lately: a member is never sent a number that may be wrong.
        """
        resource = next((known for known in self.library.all_resources() if known.id == id), None)
        if resource is None:
            raise NotAllowed(f"There is no crisis service “{id}” here.")
        if not self.settings.demo and (resource.is_stale(self.now().date()) or has_open_places(resource)):
            raise NotAllowed(
                f"Nobody checked “{resource.name}” lately, so it cannot be sent to a member.",
                next_step="Choose another, or have it checked: `modconsole protocol adopt` asks for it.",
            )
        ways = (f"{c.value} ({c.hours})" if c.hours else c.value for c in resource.channels)
        return f"{resource.name}: {', or '.join(ways)}"

    def _known_values(self, id: str) -> Mapping[str, str]:
        case = self.case(id)
        post = self.store.file(case).latest
        known = {"moderator_name": self.settings.me}
        if post is not None:
            known |= {"member_name": post.author_name, "thread_title": post.title}
        for shown in self.run_views(case):
            follow_up = shown.answers.get(FOLLOW_UP_QUESTION)
            if follow_up is not None and not follow_up.values[0].startswith(NOT_NEEDED):
                at = datetime.fromisoformat(follow_up.values[0]).astimezone(self._zone())
                known["next_look"] = f"{at:%H:%M} on {at:%A} {at.day} {at:%B} ({at:%Z})"
        return known

    def _zone(self) -> tzinfo:
        """Members live by the service's clock; without one we know of, UTC, and the message says so."""
        try:
            return ZoneInfo(self.settings.service.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    # What can be done, and what is still missing

    def offers(self, case: Case, runs: Sequence[RunView]) -> tuple[ActionOffer, ...]:
        """Give every action with who would carry it out here.

        Those a running protocol names come first; before one was begun, those of the protocol that is suggested.
        """
        named = dict.fromkeys(self._named(case, runs))
        order = [*named, *(action for action in ACTIONS if action not in named)]
        return tuple(
            ActionOffer(
                action,
                ACTIONS[action],
                carrier(self.forums, case.forum, action),
                self.forums.ability(case.forum, action),
                action in named,
            )
            for action in order
        )

    def _named(self, case: Case, runs: Sequence[RunView]) -> Iterator[Action]:
        for shown in reversed(runs):
            for step in shown.steps:
                yield from step.step.actions
            yield from shown.protocol.decisions
            yield from (f.consequence.suggest_action for f in shown.follows if f.consequence.suggest_action)
        suggested = self.library.get(case.suggested[0]) if case.suggested and not runs else None
        if suggested is not None:
            for each in suggested.steps:
                yield from each.actions
            yield from suggested.decisions

    def _blockers(self, sitting: Sitting, decisions: Sequence[DecisionState], held: Held) -> tuple[str, ...]:
        since = sitting.since
        now = [decision for decision in decisions if since is None or decision.at > since]
        lost = (
            f"The text of the protocol “{run.protocol}” is missing, so what is still open in it cannot be known."
            for run in sitting.lost
        )
        return (
            *close_blockers(
                sitting.views,
                decided=any(stands(decision) for decision in now),
                unsettled=sum(not decision.is_settled for decision in decisions),
                escalated_to=escalated_to(now),
                startable=self._startable(wanted_protocols(sitting.views), held),
            ),
            *(lost if not sitting.views else ()),
        )

    def _startable(self, protocols: Iterable[str], held: Held) -> frozenset[str]:
        return frozenset(
            id for id in protocols if (found := self.library.get(id)) is not None and held(found, ()).may_run
        )

    def _problems(self, case: Case, sitting: Sitting, held: Held) -> dict[str, str]:
        """Say which protocols this case wants and cannot have, and why."""
        problems = {
            run.protocol: "Its text as it was when you began is missing. Your answers are kept; begin it again."
            for run in sitting.lost
        }
        for id in (*case.suggested, *wanted_protocols(sitting.views)):
            protocol = self.library.get(id)
            if protocol is None:
                problems.setdefault(
                    id, "It is not here, or its file cannot be read. Every action stays open."
                )
            elif id in wanted_protocols(sitting.views) and not held(protocol, ()).may_run:
                problems.setdefault(id, held(protocol, ()).banner)
        return problems

    def note_decided(self, id: str) -> None:
        """Stop the clock of the first action if a decision of this sitting stands, or let it run on if none does."""
        case = self.case(id)
        since, _ = closed_before(self.log, case)
        decided = [
            decision.at
            for decision in self.log.decisions_of(case.token)
            if stands(decision) and (since is None or decision.at > since)
        ]
        decided_at = max(decided, default=None)
        if case.last_decided_at != decided_at:
            self._change(id, lambda case: replace(case, last_decided_at=decided_at))

    # Letting go

    def pass_on(self, id: str) -> None:
        """Give a case back to the queue. Needs no reason, costs nothing, is never counted and never sealed."""
        me = self.settings.me
        with self.store.alone():
            self.store.release(id, me)
            self._change(
                id, lambda case: replace(case, passed_on_by=tuple(dict.fromkeys((*case.passed_on_by, me))))
            )

    def close(self, id: str) -> None:
        """Close a case and seal what was answered. What is still missing is named; nothing is lost by trying.

        Raises:
            NotAllowed: Something required is missing; says what.
        """
        case = self.case(id)
        if case.state is CaseState.CLOSED:
            raise NotAllowed("The case is closed already.")
        self.not_others(case)
        missing = self._blockers(self._sitting(case), self.log.decisions_of(case.token), self.standing)
        if missing:
            raise NotAllowed(
                "The case stays open: " + " ".join(missing),
                kept="Every answer is kept.",
                next_step="Do or skip these (a skip takes a reason), then close.",
            )
        at = self._sealed_closing(case)
        self._change(id, lambda case: replace(case, state=CaseState.CLOSED, closed_at=at, claim=None))

    def _sealed_closing(self, case: Case) -> datetime:
        """Seal that the case is closed, unless a crash kept only the queue from hearing of it; gives when."""
        protocols, runs = self.answered(case)
        for record in self.log.records(LogQuery(case=case.token, kind=EntryKind.CLOSED), limit=1):
            at = record.entry.at
            if case.closed_at is None or at > case.closed_at:
                body = self.log.open_body(record) or {}
                later = [state for state in self.log.decisions_of(case.token) if state.at > at]
                if body.get("runs") == runs and not later:
                    return at
        at = self.now()
        self.log.seal(
            Entry(
                EntryKind.CLOSED,
                self.settings.me,
                at,
                case=case.token,
                forum=case.forum,
                detail=approval_code(protocols),
                urgency=case.urgency,
                protocols=protocols,
                body={"case": case.id, "runs": runs},
            )
        )
        return at

    def _set_follow_up(self, id: str, value: str, earlier: Answer | None) -> None:
        """Set the next look in place of the one answered before; a time that was decided (`watch`) stays beside it."""

        def change(case: Case) -> Case:
            decided = case.follow_up_at
            if earlier is not None and _answered_time(earlier.values[0]) == decided:
                decided = None
            times = [at for at in (decided, _answered_time(value)) if at is not None]
            return replace(case, follow_up_at=min(times, default=None))

        self._change(id, change)

    def watch(self, id: str, until: datetime) -> None:
        """Let the case come back at that time, or earlier if that was set before."""
        self._change(id, lambda case: replace(case, follow_up_at=min(case.follow_up_at or until, until)))


def _not_known(protocol: ReviewProtocol, runs: Sequence[RunView] = ()) -> Standing:
    del protocol, runs
    return NOT_KNOWN


def _why_not(held: Standing) -> str:
    return "It is not approved for use here." if held.status == "draft" else f"{held.banner.rstrip('.')}."


def _answered_time(value: str) -> datetime | None:
    return None if value.startswith(NOT_NEEDED) else datetime.fromisoformat(value)
