"""Working a case: claim, read, walk its protocols, close or pass on. Every answer is kept as it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modconsole.core import ids
from modconsole.core.actions import ACTIONS, Action, OutcomeKind
from modconsole.core.clocks import clock
from modconsole.core.codec import to_plain
from modconsole.core.decision import DecisionState, Entry, EntryKind, ProtocolRef
from modconsole.core.errors import ForumError, NoSuchCase, NotAllowed, VaultError, VaultLocked
from modconsole.core.message import fill
from modconsole.core.model import Case, CaseFile, CaseState, Member, Note, Post, Thread
from modconsole.core.protocol import QuestionType, ReviewProtocol
from modconsole.core.run import (
    NOT_NEEDED,
    SKIP_REASONS,
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
from modconsole.desk.forums import Forums
from modconsole.desk.standing import Standing, ref, standing
from modconsole.desk.views import ActionOffer, CaseView
from modconsole.ports.audit import AuditLog
from modconsole.ports.forum import Feature
from modconsole.ports.library import ProtocolLibrary
from modconsole.ports.settings import Settings
from modconsole.ports.store import CaseStore, Draft

__all__ = ["LEASE", "Casework"]

LEASE = timedelta(minutes=15)
"""How long a claim holds when nobody renews it. It is renewed while the case is open on a screen."""

THREAD_BEFORE, THREAD_AFTER = 100, 100


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
        self.case(id)
        now = self.now()
        case = self.store.claim(id, self.settings.me, now + LEASE, now, take_over=take_over)
        if case.first_opened_at is None and not self._is_others(case):
            case = replace(case, first_opened_at=now)
            self.store.save_case(case)
        return self.view(id)

    def renew(self, id: str) -> None:
        """Keep a claim alive while the case is on screen."""
        now = self.now()
        self.store.claim(id, self.settings.me, now + LEASE, now)

    def leave(self, id: str) -> None:
        """Let go of a claim; answers and drafts stay."""
        self.store.release(id, self.settings.me)

    def view(self, id: str) -> CaseView:
        """Show a case without claiming it."""
        case = self.case(id)
        file, unreadable = self._file(case)
        runs = self.run_views(case) if not unreadable else ()
        decisions = tuple(self.log.decisions_of(case.token))
        return CaseView(
            case=case,
            file=file,
            unreadable=unreadable,
            claimed_by_other=self._is_others(case),
            runs=runs,
            standings={shown.run.id: self.standing(shown.protocol) for shown in runs},
            decisions=decisions,
            offers=self.offers(case, runs),
            notes=tuple(self.store.notes(case)) if not unreadable else (),
            drafts={draft.name: draft for draft in self.store.drafts(case)} if not unreadable else {},
            earlier=tuple(self.store.earlier_cases(case)),
            blockers=self.blockers(runs, decisions),
            forum=self.forums.status(case.forum),
        )

    def _file(self, case: Case) -> tuple[CaseFile | None, str]:
        try:
            return self.store.file(case), ""
        except VaultLocked:
            return None, "The text is locked. Give the passphrase to read it."
        except VaultError as error:
            return None, f"The text cannot be opened: {error.what}"

    def _is_others(self, case: Case) -> bool:
        claim = case.claim
        return claim is not None and claim.by != self.settings.me and claim.until > self.now()

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
        case = self.case(id)
        post = await self.forums.call(case.forum, lambda forum: forum.post(case.target))
        file = self.store.file(case)
        latest = file.latest
        if latest is None:
            file = replace(file, post=post, seen_version=post.version)
            case = replace(case, length=len(post.text))
        elif (post.version, post.text) != (latest.version, latest.text):
            file = replace(file, later=(*file.later, post))
            case = replace(case, changed_since_flagged=True)
        self.store.take_in([(case, file)])
        return file

    def saw(self, id: str, version: str) -> None:
        """Note which version of the post the moderator has on screen: orders carry it."""
        case = self.case(id)
        file = self.store.file(case)
        if file.seen_version != version:
            self.store.save_file(case, replace(file, seen_version=version))

    async def member(self, id: str) -> Member:
        case = self.case(id)
        author = self.author(case)
        return await self.forums.call(case.forum, lambda forum: forum.member(author))

    async def history(self, id: str, limit: int = 20) -> tuple[Post, ...]:
        case = self.case(id)
        author = self.author(case)
        return await self.forums.call(case.forum, lambda forum: forum.history(author, limit))

    def author(self, case: Case) -> str:
        """Give the forum's id of the member a case is about."""
        post = self.store.file(case).latest
        return post.author if post and post.author else case.target.id

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

    def standing(self, protocol: ReviewProtocol) -> Standing:
        return standing(
            protocol,
            demo=self.settings.demo,
            allow_drafts=self.settings.service.allow_drafts,
            log=self.log,
            today=self.now().date(),
        )

    def refs(self, runs: Sequence[RunView]) -> tuple[ProtocolRef, ...]:
        return tuple(ref(shown.protocol, self.standing(shown.protocol)) for shown in runs)

    def run_views(self, case: Case) -> tuple[RunView, ...]:
        """Give every run of the case, each pinned to the version it began with."""
        shown: list[RunView] = []
        for run in self.store.runs(case):
            protocol = self.library.by_hash(run.protocol_hash)
            if protocol is not None:
                shown.append(view(protocol, run))
        return tuple(shown)

    def start_run(self, id: str, protocol_id: str, because: str = "chosen") -> Run:
        """Begin a protocol on a case, with the answers that other protocols of this case already have.

        Raises:
            NotAllowed: The protocol is not here, or not approved for real cases.
        """
        case = self.case(id)
        protocol = self.library.get(protocol_id)
        if protocol is None:
            raise NotAllowed(
                f"There is no protocol “{protocol_id}” here that can be used.",
                kept="Every action stays open, with a reason.",
                next_step="`p` lists the protocols; `modconsole doctor` says what is wrong with a broken one.",
            )
        held = self.standing(protocol)
        if not held.may_run:
            raise NotAllowed(
                f"“{protocol.title}” is not approved for use here, so it can be read but not run.",
                kept="Every action stays open, with a reason; the record will say that no approved protocol was used.",
                next_step="Your safeguarding lead approves protocols, or sets allow_drafts in the settings.",
            )
        self.library.keep(protocol)
        earlier = self.run_views(case)
        run = Run(ids.run_id(self.random), protocol.id, protocol.hash, self.now(), because)
        self.store.start_run(case, run)
        for event in carried(protocol, earlier):
            self.store.add_event(case, run.id, event)
        self._heed(case)
        return run

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
        step = next((s.id for s in shown.protocol.steps if question in s.questions), "")
        if question is None:
            raise NotAllowed(f"“{shown.protocol.title}” has no question “{question_id}”.")
        given = checked(question, values)
        self._add(
            case,
            run_id,
            RunEvent(RunEventKind.ANSWERED, step, self.now(), self.settings.me, question_id, given),
        )
        after = self._view(case, run_id)
        follows = tuple(follow for follow in after.follows if follow.question == question_id)
        for follow in follows:
            switch, add = follow.consequence.switch_to, follow.consequence.add_protocol
            for wanted, word in ((switch, "switch"), (add, "add")):
                if wanted and not self._has_live_run(case, wanted):
                    self.start_run(case.id, wanted, f"{word}:{run_id}")
        self._heed(case)
        if question.type is QuestionType.DATETIME and question_id == "follow_up_at":
            self._set_follow_up(case.id, given[0])
        return follows

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
        self._add(case, run_id, RunEvent(kind, step_id, self.now(), self.settings.me, values=values))

    def _run(self, id: str, run_id: str) -> tuple[Case, RunView]:
        case = self.case(id)
        if self._is_others(case):
            raise NotAllowed(
                f"{case.claim.by if case.claim else 'Somebody'} is working on this case.",
                next_step="Take it over first, if they cannot go on.",
            )
        return case, self._view(case, run_id)

    def _view(self, case: Case, run_id: str) -> RunView:
        for shown in self.run_views(case):
            if shown.run.id == run_id:
                return shown
        raise NotAllowed(f"This case has no protocol run “{run_id}”.")

    def _add(self, case: Case, run_id: str, event: RunEvent) -> None:
        self.store.add_event(case, run_id, event)

    def _has_live_run(self, case: Case, protocol_id: str) -> bool:
        return any(v.protocol.id == protocol_id and not v.switched_to for v in self.run_views(case))

    def _heed(self, case: Case) -> None:
        """Raise the case's urgency to what its answers demand. Raising needs nobody's leave."""
        demanded = demanded_urgency(self.run_views(case))
        if demanded is not None:
            self.raise_urgency(case.id, demanded, Reason("answers", f"your answers make it {demanded}"))

    # Urgency

    def raise_urgency(self, id: str, urgency: Urgency, reason: Reason | None = None) -> None:
        """Make a case more urgent. Anyone may, at once; asking for less than it is changes nothing."""
        case = self.case(id)
        if faster(case.urgency, urgency) is case.urgency:
            return
        said = reason or Reason("raised", f"{self.settings.me} raised it")
        self._set_urgency(case, urgency, said)

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
        self._set_urgency(case, urgency, Reason("lowered", f"{self.settings.me} lowered it, with a reason"))

    def _set_urgency(self, case: Case, urgency: Urgency, reason: Reason) -> None:
        due = clock(urgency, case.flagged_at, self.settings.service.staffed_hours)
        others = tuple(known for known in case.reasons if known.code != reason.code)
        self.store.save_case(
            replace(case, urgency=urgency, reasons=(reason, *others), look_due=due.look, act_due=due.act)
        )

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

    def _known_values(self, id: str) -> Mapping[str, str]:
        case = self.case(id)
        post = self.store.file(case).latest
        known = {"moderator_name": self.settings.me}
        if post is not None:
            known |= {"member_name": post.author_name, "thread_title": post.title}
        for shown in self.run_views(case):
            follow_up = shown.answers.get("follow_up_at")
            if follow_up is not None and not follow_up.values[0].startswith(NOT_NEEDED):
                at = datetime.fromisoformat(follow_up.values[0])
                known["next_look"] = at.strftime("%H:%M on %A %d %B (%Z)").replace("  ", " ")
        return known

    # What can be done, and what is still missing

    def offers(self, case: Case, runs: Sequence[RunView]) -> tuple[ActionOffer, ...]:
        """Give every action with who would carry it out here. Those a running protocol names come first."""
        named: dict[Action, None] = {}
        for shown in reversed(runs):
            for step in shown.steps:
                named.update(dict.fromkeys(step.step.actions))
            named.update(dict.fromkeys(shown.protocol.decisions))
            named.update(
                dict.fromkeys(
                    f.consequence.suggest_action for f in shown.follows if f.consequence.suggest_action
                )
            )
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

    def blockers(self, runs: Sequence[RunView], decisions: Sequence[DecisionState]) -> tuple[str, ...]:
        standing_decisions = [decision for decision in decisions if not decision.reversed]
        return close_blockers(
            runs,
            decided=bool(standing_decisions),
            unsettled=sum(not decision.is_settled for decision in standing_decisions),
            escalated_to=escalated_to(standing_decisions),
        )

    # Letting go

    def pass_on(self, id: str) -> None:
        """Give a case back to the queue. Needs no reason, costs nothing, is never counted and never sealed."""
        case = self.case(id)
        self.store.release(id, self.settings.me)
        passed = tuple(dict.fromkeys((*case.passed_on_by, self.settings.me)))
        self.store.save_case(replace(self.case(id), passed_on_by=passed))

    def close(self, id: str) -> None:
        """Close a case and seal what was answered. What is still missing is named; nothing is lost by trying.

        Raises:
            NotAllowed: Something required is missing; says what.
        """
        case = self.case(id)
        runs = self.run_views(case)
        missing = self.blockers(runs, self.log.decisions_of(case.token))
        if missing:
            raise NotAllowed(
                "The case stays open: " + " ".join(missing),
                kept="Every answer is kept.",
                next_step="Do or skip these (a skip takes a reason), then close.",
            )
        self.log.seal(
            Entry(
                EntryKind.CLOSED,
                self.settings.me,
                self.now(),
                case=case.token,
                forum=case.forum,
                urgency=case.urgency,
                protocols=self.refs(runs),
                body={"case": case.id, "runs": [to_plain(shown.run) for shown in runs]},
            )
        )
        case = self.case(id)
        self.store.save_case(replace(case, state=CaseState.CLOSED, closed_at=self.now(), claim=None))

    def _set_follow_up(self, id: str, value: str) -> None:
        at = None if value.startswith(NOT_NEEDED) else datetime.fromisoformat(value)
        self.store.save_case(replace(self.case(id), follow_up_at=at))


def carrier(forums: Forums, forum: str, action: Action) -> str:
    """Say who carries an action out on this forum: `forum`, `desk` (the record is all there is), or `by_hand`."""
    where = ACTIONS[action].where
    if where == "desk":
        return "desk"
    if forums.ability(forum, action).works:
        return "forum"
    return "desk" if where == "either" else "by_hand"


_ESCALATES = {Action.ESCALATE_LEAD: "safeguarding_lead", Action.ESCALATE_CLINICAL: "clinical_lead"}


def escalated_to(decisions: Sequence[DecisionState]) -> tuple[str, ...]:
    """Name the roles a case was really escalated to: decided, and known to be done."""
    done = (OutcomeKind.APPLIED, OutcomeKind.ALREADY, OutcomeKind.BY_HAND)
    return tuple(
        _ESCALATES[order.action]
        for decision in decisions
        for order in decision.orders
        if order.action in _ESCALATES and order.outcome in done
    )
