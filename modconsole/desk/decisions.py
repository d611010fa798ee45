"""A decision's way out. The only place where a decision becomes a record, and where a forum is asked to act.

Order, always: seal what was decided; wait for the undo window; then for each action seal that we ask, ask, and seal
what the forum says. Whatever stops in between leaves an unsettled decision in the log, never an unrecorded act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from modconsole.core import ids
from modconsole.core.actions import ACTIONS, Action, ActionOrder, Outcome, OutcomeKind, TargetState, Where
from modconsole.core.codec import from_plain, to_plain
from modconsole.core.decision import (
    TURNED_AWAY,
    DecisionState,
    Entry,
    EntryKind,
    OrderState,
    ProtocolRef,
    Record,
)
from modconsole.core.errors import (
    Conflict,
    DataError,
    Forbidden,
    ForumError,
    LogError,
    NoSuchCase,
    NotAllowed,
    NotAuthorised,
    NotFound,
    RateLimited,
    VaultError,
    VaultLocked,
    WrongUsage,
)
from modconsole.core.message import unfilled
from modconsole.core.model import Case, Target, TargetKind
from modconsole.core.urgency import Urgency
from modconsole.desk.casework import Casework
from modconsole.desk.sittings import approval_code, carrier
from modconsole.ports.audit import AuditLog, LogQuery
from modconsole.ports.notify import DecisionChanged, Notifier

__all__ = ["Carrier", "Choice", "Decisions", "Settlement"]


class Carrier(StrEnum):
    """Who carries an action out."""

    FORUM = "forum"
    BY_HAND = "by_hand"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Choice:
    """One action as the moderator chose it."""

    action: Action
    text: str = field(default="", repr=False)
    until: datetime | None = None
    undoes: Action | None = None
    on_member: bool = False
    """For `restore`: the member's account, not the post."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How far a decision got, and what stopped it if something did."""

    state: DecisionState
    problem: ForumError | None = None
    by_hand: tuple[OrderState, ...] = ()
    """Actions that wait for a person to do them and say so."""


class Decisions:
    """Decide, carry out, withdraw, reverse."""

    def __init__(
        self,
        cases: Casework,
        log: AuditLog,
        notifier: Notifier,
        now: Callable[[], datetime],
        random: ids.Randomness,
    ) -> None:
        self._cases = cases
        self._log = log
        self._notifier = notifier
        self._now = now
        self._random = random
        self._busy: set[str] = set()

    # Deciding

    def window(self, case: Case) -> timedelta:
        """How long a decision about this case can be undone before anything is sent. None at all for `now`."""
        if case.urgency is Urgency.NOW:
            return timedelta(0)
        return timedelta(seconds=self._cases.settings.service.undo_seconds)

    def decide(self, case_id: str, choices: Sequence[Choice], reason: str) -> DecisionState:
        """Seal one decision. No forum has been asked when this returns: `settle` does that, after the undo window.

        Actions happen in the order given, and a later one is not begun when an earlier one did not succeed, or waits
        to be done by hand: nobody is told "I have hidden your post" while it is still up. Calling for help and
        looking again (`watch`) stand on their own: they neither wait nor hold anything up.

        Raises:
            NotAllowed: Something is missing; says what. Nothing was sealed.
            LogError: It is not in the log, so it is not decided.
            VaultLocked
        """
        case = self._cases.case(case_id)
        self._check(case, choices, reason)
        return self._seal_decision(case, choices, reason)

    def _seal_decision(
        self, case: Case, choices: Sequence[Choice], reason: str, reverses: str = ""
    ) -> DecisionState:
        now = self._now()
        member, seen = self._author_and_version(case)
        orders = [self._order(case, choice, member, seen) for choice in choices]
        protocols, runs = self._answered(case)
        decision = self._free_id()
        self._log.seal(
            Entry(
                EntryKind.DECIDED,
                self._cases.settings.me,
                now,
                case=case.token,
                forum=case.forum,
                decision=decision,
                orders=tuple(order.id for order in orders),
                actions=tuple(order.action.value for order in orders),
                detail=approval_code(protocols),
                urgency=case.urgency,
                protocols=protocols,
                reverses=reverses,
                body={
                    "case": case.id,
                    "orders": [to_plain(order) for order in orders],
                    "reason": reason,
                    "runs": runs,
                },
            )
        )
        return self._told(case.id, decision)

    def _free_id(self) -> str:
        while self._log.decision(id := ids.decision_id(self._random)) is not None:
            pass
        return id

    def _author_and_version(self, case: Case) -> tuple[str, str]:
        try:
            return self._cases.author(case), self._cases.store.file(case).seen_version
        except VaultLocked:
            raise
        except VaultError:
            return "", ""  # erased or damaged: what is done about it is recorded all the same

    def _answered(self, case: Case) -> tuple[tuple[ProtocolRef, ...], list[object]]:
        try:
            return self._cases.answered(case)
        except VaultLocked:
            raise
        except VaultError:
            return (), []

    def _order(self, case: Case, choice: Choice, member: str, seen: str) -> ActionOrder:
        on_member = _is_on_member(choice)
        return ActionOrder(
            ids.order_id(self._random),
            choice.action,
            Target(TargetKind.MEMBER, member) if on_member else case.target,
            member=member,
            seen_version="" if on_member else seen,
            text=choice.text,
            until=choice.until,
            undoes=choice.undoes,
        )

    def _check(self, case: Case, choices: Sequence[Choice], reason: str) -> None:
        if not choices:
            raise NotAllowed("No action was chosen.", next_step="Choose one, or “no action” with a reason.")
        gated = [choice for choice in choices if choice.action not in _NEVER_GATED]
        if gated:
            self._cases.not_others(case)
        if gated and not reason.strip():
            raise NotAllowed("A decision needs a reason.", next_step="Say why in a few words.")
        for choice in choices:
            _check_choice(choice, self._now())
        self._check_member(case, choices)

    def _check_member(self, case: Case, choices: Sequence[Choice]) -> None:
        on_member = [choice.action for choice in choices if _is_on_member(choice)]
        if on_member and not self._author_and_version(case)[0]:
            raise NotAllowed(
                f"“{ACTIONS[on_member[0]].label}” needs to know who wrote this, and the forum does not say.",
                next_step="Look on the forum itself, or choose another action.",
            )

    # Carrying out

    async def settle(self, decision: str) -> Settlement:
        """Carry out what is left of a decision, one action after the other, and seal what the forum says of each.

        Also the way to finish what a crash or an outage left: what was asked before is read back first (by the
        adapter, told by `attempt`), so nothing is done twice. And the way to go on after something that others relied
        on was done by hand (`done_by_hand`).
        """
        if decision in self._busy:
            return Settlement(self._state(decision))
        self._busy.add(decision)
        try:
            return await self._settle(decision)
        finally:
            self._busy.discard(decision)

    async def _settle(self, decision: str) -> Settlement:
        state = self._state(decision)
        if state.is_settled:
            return Settlement(state)
        case, orders = self._opened(state)
        problem = await self._reached(state)
        state = self._state(decision)
        if state.is_settled:  # taken back while we waited
            return Settlement(state)
        by_hand: list[OrderState] = []
        held_up = edited = False
        for known in state.orders:
            on_its_own = ACTIONS[known.action].where in _ON_ITS_OWN
            outcome = known.outcome
            if not known.is_certain:
                if held_up and not on_its_own:
                    continue
                order = self._as_seen_now(case, orders[known.id]) if edited else orders[known.id]
                match self._way(state.forum, known.action, problem):
                    case Carrier.DESK:
                        outcome = self._at_the_desk(state, known, order, case)
                    case Carrier.FORUM:
                        outcome, problem = await self._by_the_forum(state, known, order, case)
                    case Carrier.BY_HAND:
                        outcome = OutcomeKind.UNKNOWN
                        by_hand.append(known)
                    case None:
                        outcome = OutcomeKind.UNKNOWN
                if outcome is OutcomeKind.BY_HAND:
                    by_hand.append(known)  # so the adapter says; no person has said that it is done
                    outcome = OutcomeKind.UNKNOWN
            held_up = held_up or not (outcome in _SUCCEEDED or on_its_own)
            edited = edited or (known.action is Action.EDIT and outcome in _SUCCEEDED)
        return Settlement(self._told(case, decision), problem, tuple(by_hand))

    async def _reached(self, state: DecisionState) -> ForumError | None:
        """See to it that the forum knows us before anything is sealed as asked; give what is in the way."""
        forums = self._cases.forums
        waiting = [order.action for order in state.orders if not order.is_certain]
        if any(ACTIONS[action].where not in _ON_ITS_OWN for action in waiting):
            gone = forums.unusable(state.forum)
            if gone is not None:
                return gone
        if any(self.carrier(state.forum, action) is Carrier.FORUM for action in waiting):
            try:
                await forums.ready(state.forum)
            except ForumError as error:
                return error
        return None

    def _way(self, forum: str, action: Action, problem: ForumError | None) -> Carrier | None:
        """Say who can carry an action out at this moment; None when it waits for the forum to be well again."""
        where, by = ACTIONS[action].where, self.carrier(forum, action)
        if where is not Where.DESK and self._cases.forums.unusable(forum) is not None:
            return Carrier.BY_HAND
        if by is Carrier.FORUM and problem is not None:
            # A call for help waits for no forum.
            return Carrier.BY_HAND if where is Where.PERSON else None
        return by

    async def _by_the_forum(
        self, state: DecisionState, known: OrderState, order: ActionOrder, case: str
    ) -> tuple[OutcomeKind | None, ForumError | None]:
        with _still_unsettled(state, f"The forum was not asked to do “{ACTIONS[known.action].label}”."):
            self._seal(state, EntryKind.ASKED, known)
        # Read again: another console may have asked, finished or withdrawn it since we looked.
        now = self._state(state.id)
        mine = next(order_now for order_now in now.orders if order_now.id == known.id)
        if now.reversed or mine.is_certain:
            return mine.outcome, None
        problem: ForumError | None = None
        order = replace(order, attempt=max(1, mine.arrived))
        try:
            outcome = await self._cases.forums.call(state.forum, lambda forum: forum.ask(order))
        except Conflict as error:
            outcome = Outcome(OutcomeKind.CONFLICT, error.what)
        except ForumError as error:
            outcome, problem = Outcome(OutcomeKind.UNKNOWN, error.what), error
        try:
            self._seal_outcome(state, known, outcome, problem)
        except DataError as error:
            raise LogError(
                f"What became of “{ACTIONS[known.action].label}” could not be sealed: {error.what}",
                kept=f"The forum was asked, and it was: {outcome.kind}. That it was asked is in the log; decision "
                f"{state.id} stays unsettled, and finishing it reads back first.",
                next_step=error.next_step,
            ) from error
        if outcome.kind is OutcomeKind.CONFLICT:
            await self._show_difference(case)
        elif order.action is Action.EDIT and outcome.kind in _SUCCEEDED and outcome.state is not None:
            text = order.text if outcome.state.text is None else outcome.state.text
            with suppress(DataError, NoSuchCase):
                self._cases.we_edited(case, text, outcome.state.version)
        return outcome.kind, problem

    def _as_seen_now(self, case: str, order: ActionOrder) -> ActionOrder:
        """Expect the version that an edit of this very decision made, or it would stand in its own way."""
        if not order.seen_version:
            return order
        with suppress(DataError, NoSuchCase):
            return replace(order, seen_version=self._cases.store.file(self._cases.case(case)).seen_version)
        return order

    async def _show_difference(self, case: str) -> None:
        with suppress(ForumError, DataError, NoSuchCase):  # the next poll or look tries again
            await self._cases.refresh_post(case)

    def _at_the_desk(
        self, state: DecisionState, known: OrderState, order: ActionOrder, case: str
    ) -> OutcomeKind:
        if order.action is Action.WATCH and order.until is not None:
            with suppress(NoSuchCase):
                self._cases.watch(case, order.until)
        done = Outcome(OutcomeKind.APPLIED, "Recorded here; there is nothing for the forum to do.")
        with _still_unsettled(state, f"“{ACTIONS[known.action].label}” is not in the record yet."):
            self._seal_outcome(state, known, done, None)
        return done.kind

    def _seal_outcome(
        self, state: DecisionState, known: OrderState, outcome: Outcome, problem: ForumError | None
    ) -> None:
        body: dict[str, object] = {"detail": outcome.detail, "reference": outcome.reference}
        if outcome.state is not None:
            body["state"] = to_plain(outcome.state)
        kind, code = outcome.kind, _code(problem) if problem is not None else ""
        if kind is OutcomeKind.BY_HAND:
            kind, code = OutcomeKind.UNKNOWN, "by_hand"  # only a person can say that a person did it
        self._seal(state, EntryKind.OUTCOME, known, outcome=kind, detail=code, body=body)

    def carrier(self, forum: str, action: Action) -> Carrier:
        return Carrier(carrier(self._cases.forums, forum, action))

    # Doing by hand

    def done_by_hand(self, decision: str, order: str, note: str = "") -> DecisionState:
        """Record that a person did what the forum cannot do, or looked and saw that it was done.

        Raises:
            NotAllowed: There is no such action waiting.
        """
        state = self._state(decision)
        known = next((o for o in state.orders if o.id == order and not o.is_certain), None)
        if known is None or state.reversed:
            raise NotAllowed("That action is not waiting to be done by hand.")
        with _still_unsettled(
            state, f"That “{ACTIONS[known.action].label}” was done is not in the record yet."
        ):
            self._seal(state, EntryKind.OUTCOME, known, outcome=OutcomeKind.BY_HAND, body={"note": note})
        return self._told(self._case_id(state), decision)

    def record_done(self, case_id: str, action: Action, note: str = "") -> DecisionState:
        """Record in one stroke something a person just did: rang the emergency service, told the lead.

        Gated by nothing: no reason is required, no protocol, no forum.
        """
        case = self._cases.case(case_id)
        state = self._seal_decision(case, [Choice(action)], note)
        return self.done_by_hand(state.id, state.orders[0].id, note)

    # Taking back

    def undo(self, decision: str) -> DecisionState:
        """Withdraw a decision within its window, before any forum was asked. It is never sent.

        Raises:
            NotAllowed: Something was asked already: `withdraw` says what stays in force.
        """
        state = self._state(decision)
        if state.reversed or any(order.asked or order.is_certain for order in state.orders):
            raise NotAllowed(
                "It is too late to undo this: it is being carried out.",
                kept="What was decided and done is in the log.",
                next_step="Reverse it instead; that is a new decision that names this one.",
            )
        self._seal(state, EntryKind.REVERSED, None, detail="undone")
        after = self._told(self._case_id(state), decision)
        if any(order.asked or order.is_certain for order in after.orders):
            raise NotAllowed(
                "It was withdrawn, but another console had already begun to carry it out.",
                kept="What was asked, and what came of it, is in the log.",
                next_step="Look at the case; what is in force can be reversed.",
            )
        return after

    async def withdraw(self, decision: str, reason: str) -> DecisionState:
        """Give up what is left of an unsettled decision. What was asked and is uncertain is read back for the record.

        What is in force stays in force; `reverse` takes that back.
        """
        state = self._state(decision)
        if state.is_settled:
            raise NotAllowed("This decision is settled; there is nothing left to withdraw.")
        if decision in self._busy:
            raise NotAllowed("It is being carried out at this moment.", next_step="Wait for its outcome.")
        self._busy.add(decision)
        try:
            seen = await self._read_back(state)
        finally:
            self._busy.discard(decision)
        self._seal(state, EntryKind.REVERSED, None, detail="withdrawn", body={"reason": reason, "seen": seen})
        return self._told(self._case_id(state), decision)

    async def _read_back(self, state: DecisionState) -> list[object]:
        uncertain = [order for order in state.orders if order.asked and not order.is_certain]
        if not uncertain:
            return []
        seen: list[object] = []
        try:
            _, orders = self._opened(state)
        except VaultLocked:
            raise
        except DataError:
            return [{"order": known.id, "unread": "body_gone"} for known in uncertain]
        for known in uncertain:
            try:
                found = await self._read(state.forum, orders[known.id].target)
                seen.append({"order": known.id, "state": to_plain(found)})
            except ForumError as error:
                seen.append({"order": known.id, "unread": error.code})
        return seen

    async def _read(self, forum: str, target: Target) -> TargetState:
        return await self._cases.forums.call(forum, lambda adapter: adapter.read_state(target))

    def reverse(self, decision: str, reason: str) -> DecisionState:
        """Decide to take back what an earlier decision put in force. A new decision, which names the old one.

        Raises:
            NotAllowed: Nothing of it can be taken back; says what and why.
        """
        state = self._state(decision)
        choices = [
            Choice(Action.RESTORE, undoes=order.action, on_member=ACTIONS[order.action].acts_on_member)
            for order in reversed(state.in_force)
            if ACTIONS[order.action].undone_by is not None
        ]
        if not choices:
            kept = ", ".join(ACTIONS[order.action].label.lower() for order in state.in_force) or "nothing"
            raise NotAllowed(
                f"There is nothing in decision {decision} that can be taken back (in force: {kept}).",
                kept="The decision stands in the log.",
                next_step="A message cannot be unsent; write another one if that helps.",
            )
        if not reason.strip():
            raise NotAllowed("Reversing a decision needs a reason.", next_step="Say why in a few words.")
        case = self._cases.case(self._case_id(state))
        self._cases.not_others(case)
        self._check_member(case, choices)
        for other in self._log.decisions_of(state.case):
            if other.reverses == decision and (other.in_force or not other.is_settled):
                raise NotAllowed(
                    f"Decision {decision} is being taken back already, by {other.id}.",
                    next_step="Finish or withdraw that one.",
                )
        return self._seal_decision(case, choices, reason, reverses=decision)

    # What is open

    def unsettled(self) -> list[DecisionState]:
        """Every decision that is not settled, computed from the log, oldest first."""
        return self._log.unsettled()

    def state(self, decision: str) -> DecisionState:
        return self._state(decision)

    def details(self, decision: str) -> Mapping[str, ActionOrder]:
        """Give the orders of a decision in full (texts, dates) by id. Needs the vault."""
        return self._opened(self._state(decision))[1]

    def said_of(self, decision: str) -> Mapping[str, str]:
        """Give what was said of each order's outcome, by order id: by its forum, or by the person who did it.

        It is in the encrypted part. What cannot be opened is left out, because the outcome stands without it.

        Raises:
            LogError, VaultLocked
        """
        said: dict[str, str] = {}
        certain: set[str] = set()
        query = LogQuery(decision=decision, kind=EntryKind.OUTCOME)
        for record in self._log.records(query, newest_first=False, limit=1000):
            is_certain = OutcomeKind(record.entry.outcome).is_certain
            for order in record.entry.orders:
                if is_certain or order not in certain:  # as the outcome itself is computed
                    said[order] = self._said_in(record)
            certain |= set(record.entry.orders) if is_certain else set()
        return said

    def _said_in(self, record: Record) -> str:
        try:
            body = self._log.open_body(record) or {}
        except LogError:
            return ""
        return str(body.get("detail") or body.get("note") or "")

    def case_of(self, decision: str) -> str:
        """Give the id of the case a decision is about; empty when it is not here any more."""
        return self._case_id(self._state(decision))

    # Inside

    def _state(self, decision: str) -> DecisionState:
        state = self._log.decision(decision)
        if state is None:
            raise WrongUsage(
                f"There is no decision “{decision}” in the log.", next_step="See `modconsole audit list`."
            )
        return state

    def _opened(self, state: DecisionState) -> tuple[str, dict[str, ActionOrder]]:
        records = self._log.records(LogQuery(decision=state.id, kind=EntryKind.DECIDED), limit=1)
        body = self._log.open_body(records[0]) if records else None
        if body is None:
            raise LogError(
                f"What decision {state.id} asks for cannot be read: its private part is gone.",
                kept="Its readable part is in the log.",
                next_step="Withdraw it, and decide again if it still matters.",
            )
        plain = body["orders"]
        orders = [from_plain(ActionOrder, item) for item in plain] if isinstance(plain, list) else []
        return str(body["case"]), {order.id: order for order in orders}

    def _case_id(self, state: DecisionState) -> str:
        case = self._cases.store.case_by_token(state.case)
        return case.id if case else ""

    def _told(self, case: str, decision: str) -> DecisionState:
        state = self._state(decision)
        with suppress(
            DataError, NoSuchCase
        ):  # what is in the log is so, whether or not the queue can be told
            self._cases.note_decided(case)
        self._notifier.tell(DecisionChanged(case, state))
        return state

    def _seal(
        self,
        state: DecisionState,
        kind: EntryKind,
        order: OrderState | None,
        *,
        outcome: str = "",
        detail: str = "",
        body: Mapping[str, object] | None = None,
    ) -> None:
        self._log.seal(
            Entry(
                kind,
                self._cases.settings.me,
                self._now(),
                case=state.case,
                forum=state.forum,
                decision=state.id,
                orders=(order.id,) if order else (),
                actions=(order.action.value,) if order else (),
                outcome=outcome,
                detail=detail,
                body=body,
            )
        )


@contextmanager
def _still_unsettled(state: DecisionState, what_is_not: str) -> Iterator[None]:
    """Say of a log that fails now that the decision itself is sealed, so that nobody decides it a second time."""
    try:
        yield
    except LogError as error:
        raise LogError(
            error.what,
            kept=f"Decision {state.id} is sealed and stays unsettled. {what_is_not} What came before it is in the log.",
            next_step="Do not decide it again: when the log can be written, finish it from the list of what is "
            f"unsettled (o), or with `modconsole case finish {state.id}`. If somebody may be in danger, press ! now.",
        ) from error


_NEVER_GATED = frozenset({Action.EMERGENCY_CALL, Action.ESCALATE_LEAD, Action.ESCALATE_CLINICAL})
"""Nobody is asked for a reason, or for a claim, before ringing for help. The record comes after."""

_ON_ITS_OWN = frozenset({Where.PERSON, Where.DESK})
"""What is neither held up by an action that did not succeed, nor holds others up: calling for help, looking again."""

_SUCCEEDED = frozenset({OutcomeKind.APPLIED, OutcomeKind.ALREADY, OutcomeKind.BY_HAND})


def _is_on_member(choice: Choice) -> bool:
    """Say whether an action is about the member's account and not the post, however it was chosen."""
    actions = (choice.action, choice.undoes)
    return choice.on_member or any(ACTIONS[action].acts_on_member for action in actions if action is not None)


def _code(problem: ForumError) -> str:
    """Name what went wrong. Only a server's plain no counts as surely not done; all else may have arrived."""
    turned_away = (
        isinstance(problem, NotAuthorised | Forbidden | NotFound | RateLimited) and not problem.maybe_done
    )
    return TURNED_AWAY + problem.code if turned_away else problem.code


def _check_choice(choice: Choice, now: datetime) -> None:
    spec = ACTIONS[choice.action]
    if spec.needs_text and not choice.text.strip():
        raise NotAllowed(f"“{spec.label}” needs its text.", next_step="Write it, or choose a template.")
    # An edited post is the member's own text, and braces in it are theirs.
    open_places = () if choice.action is Action.EDIT else unfilled(choice.text)
    if open_places:
        names = ", ".join("{" + name + "}" for name in open_places)
        raise NotAllowed(
            f"The text still has places to fill: {names}.", next_step="Fill or remove them; then send."
        )
    if choice.until is not None and choice.until.tzinfo is None:
        raise NotAllowed(
            "A date and time has to say its zone.", next_step="For example 2026-11-23T09:00+00:00."
        )
    if spec.needs_until and (choice.until is None or choice.until <= now):
        raise NotAllowed(f"“{spec.label}” needs a time in the future.", next_step="Give the date and time.")
    if choice.action is Action.RESTORE and choice.undoes is None:
        raise NotAllowed(
            "“Restore” has to name what it undoes.", next_step="For example: restore after hide."
        )
