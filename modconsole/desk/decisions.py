"""A decision's way out. The only place where a decision becomes a record, and where a forum is asked to act.

Order, always: seal what was decided; wait for the undo window; then for each action seal that we ask, ask, and seal
what the forum says. Whatever stops in between leaves an unsettled decision in the log, never an unrecorded act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from modconsole.core import ids
from modconsole.core.actions import ACTIONS, Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.codec import from_plain, to_plain
from modconsole.core.decision import DecisionState, Entry, EntryKind, OrderState
from modconsole.core.errors import Conflict, ForumError, LogError, NotAllowed, WrongUsage
from modconsole.core.message import unfilled
from modconsole.core.model import Case, Target, TargetKind
from modconsole.core.urgency import Urgency
from modconsole.desk.casework import Casework, carrier
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

        Actions happen in the order given, and a later one is not begun when an earlier one did not succeed: nobody
        is told "I have hidden your post" while it is still up.

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
        file = self._cases.store.file(case)
        runs = self._cases.run_views(case)
        member = self._cases.author(case)
        orders = [self._order(case, choice, member, file.seen_version) for choice in choices]
        decision = ids.decision_id(self._random)
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
                urgency=case.urgency,
                protocols=self._cases.refs(runs),
                reverses=reverses,
                body={
                    "case": case.id,
                    "orders": [to_plain(order) for order in orders],
                    "reason": reason,
                    "runs": [to_plain(shown.run) for shown in runs],
                },
            )
        )
        self._cases.store.save_case(replace(self._cases.case(case.id), last_decided_at=now))
        return self._told(case.id, decision)

    def _order(self, case: Case, choice: Choice, member: str, seen: str) -> ActionOrder:
        on_member = ACTIONS[choice.action].acts_on_member or choice.on_member
        target = Target(TargetKind.MEMBER, member) if on_member and member else case.target
        return ActionOrder(
            ids.order_id(self._random),
            choice.action,
            target,
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
        claim = case.claim
        if gated and claim and claim.by != self._cases.settings.me and claim.until > self._now():
            raise NotAllowed(
                f"{claim.by} is working on this case.", next_step="Take it over first, if they cannot go on."
            )
        if gated and not reason.strip():
            raise NotAllowed("A decision needs a reason.", next_step="Say why in a few words.")
        for choice in choices:
            _check_choice(choice, self._now())

    # Carrying out

    async def settle(self, decision: str) -> Settlement:
        """Carry out what is left of a decision, one action after the other, and seal what the forum says of each.

        Also the way to finish what a crash or an outage left: what was asked before is read back first (by the
        adapter, told by `attempt`), so nothing is done twice.
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
        waiting: list[OrderState] = []
        for known in state.orders:
            if known.is_certain:
                if known.outcome in _STOPPERS:
                    break
                continue
            by = self.carrier(state.forum, known.action)
            if by is Carrier.BY_HAND:
                waiting.append(known)
                continue
            outcome, problem = await self._carry_out(state, known, orders[known.id], by)
            self._seal_outcome(state, known, outcome, problem)
            if problem is not None or outcome.kind in _STOPPERS:
                return Settlement(self._told(case, decision), problem, tuple(waiting))
        return Settlement(self._told(case, decision), None, tuple(waiting))

    async def _carry_out(
        self, state: DecisionState, known: OrderState, order: ActionOrder, by: Carrier
    ) -> tuple[Outcome, ForumError | None]:
        if by is Carrier.DESK:
            self._at_the_desk(state, order)
            return Outcome(OutcomeKind.APPLIED, "Recorded here; there is nothing for the forum to do."), None
        self._seal(state, EntryKind.ASKED, known)
        order = replace(order, attempt=known.asked + 1)
        try:
            return await self._cases.forums.call(state.forum, lambda forum: forum.ask(order)), None
        except Conflict as error:
            return Outcome(OutcomeKind.CONFLICT, error.what), None
        except ForumError as error:
            return Outcome(OutcomeKind.UNKNOWN, error.what), error

    def _at_the_desk(self, state: DecisionState, order: ActionOrder) -> None:
        if order.action is Action.WATCH and order.until is not None:
            case = self._cases.store.case_by_token(state.case)
            if case is not None:
                self._cases.store.save_case(replace(case, follow_up_at=order.until))

    def _seal_outcome(
        self, state: DecisionState, known: OrderState, outcome: Outcome, problem: ForumError | None
    ) -> None:
        body: dict[str, object] = {"detail": outcome.detail, "reference": outcome.reference}
        if outcome.state is not None:
            body["state"] = to_plain(outcome.state)
        code = problem.code if problem is not None else ""
        self._seal(state, EntryKind.OUTCOME, known, outcome=outcome.kind, detail=code, body=body)

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
        if (
            state.reversed
            or decision in self._busy
            or any(order.asked or order.is_certain for order in state.orders)
        ):
            raise NotAllowed(
                "It is too late to undo this: it is being carried out.",
                kept="What was decided and done is in the log.",
                next_step="Reverse it instead; that is a new decision that names this one.",
            )
        self._seal(state, EntryKind.REVERSED, None, detail="undone")
        return self._told(self._case_id(state), decision)

    async def withdraw(self, decision: str, reason: str) -> DecisionState:
        """Give up what is left of an unsettled decision. What was asked and is uncertain is read back for the record.

        What is in force stays in force; `reverse` takes that back.
        """
        state = self._state(decision)
        if state.is_settled:
            raise NotAllowed("This decision is settled; there is nothing left to withdraw.")
        if decision in self._busy:
            raise NotAllowed("It is being carried out at this moment.", next_step="Wait for its outcome.")
        seen = await self._read_back(state)
        self._seal(state, EntryKind.REVERSED, None, detail="withdrawn", body={"reason": reason, "seen": seen})
        return self._told(self._case_id(state), decision)

    async def _read_back(self, state: DecisionState) -> list[object]:
        uncertain = [order for order in state.orders if order.asked and not order.is_certain]
        if not uncertain:
            return []
        _, orders = self._opened(state)
        seen: list[object] = []
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


_NEVER_GATED = frozenset({Action.EMERGENCY_CALL, Action.ESCALATE_LEAD, Action.ESCALATE_CLINICAL})
"""Nobody is asked for a reason, or for a claim, before ringing for help. The record comes after."""

_STOPPERS = frozenset({OutcomeKind.CONFLICT, OutcomeKind.REFUSED, OutcomeKind.UNKNOWN})


def _check_choice(choice: Choice, now: datetime) -> None:
    spec = ACTIONS[choice.action]
    if spec.needs_text and not choice.text.strip():
        raise NotAllowed(f"“{spec.label}” needs its text.", next_step="Write it, or choose a template.")
    open_places = unfilled(choice.text)
    if open_places:
        names = ", ".join("{" + name + "}" for name in open_places)
        raise NotAllowed(
            f"The text still has places to fill: {names}.", next_step="Fill or remove them; then send."
        )
    if spec.needs_until and (choice.until is None or choice.until <= now):
        raise NotAllowed(f"“{spec.label}” needs a time in the future.", next_step="Give the date and time.")
    if choice.action is Action.RESTORE and choice.undoes is None:
        raise NotAllowed(
            "“Restore” has to name what it undoes.", next_step="For example: restore after hide."
        )
