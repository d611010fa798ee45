"""A decision's way out: sealed before anybody is asked, never twice, and never said to be done when it is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    ForumError,
    LogError,
    NotAllowed,
    NotAuthorised,
    NotFound,
    RateLimited,
    StoreError,
    Unavailable,
    VaultError,
    VaultLocked,
    WrongUsage,
)
from modconsole.core.model import Target, TargetKind, Visibility
from modconsole.desk import Choice, Settlement
from modconsole.ports import Ability, Capabilities, LogQuery, QueueFilter, Support
from modconsole.ports.notify import DecisionChanged, ForumTrouble
from tests.desk.fakes import ADA, HERON, MORNING, FakeForum, MemoryLog, a_page, a_post
from tests.desk.homes import NOW, Home, practice_forum

HIDE, LOCK, KEEP = Choice(Action.HIDE), Choice(Action.LOCK_THREAD), Choice(Action.KEEP)
WRITE = Choice(Action.MESSAGE_MEMBER, text="Hello Ada, I have hidden your post.")
WHY = "It names a school."
WAITING = None


def kinds_of(settled: Settlement) -> list[str | None]:
    return [order.outcome for order in settled.state.orders]


async def carried_out(home: Home, case: str, *choices: Choice) -> Settlement:
    state = home.desk.decisions.decide(case, choices, WHY)
    return await home.desk.decisions.settle(state.id)


def forum_that_cannot(*actions: Action) -> FakeForum:
    able = {
        action: ability for action, ability in FakeForum.capabilities.actions.items() if action not in actions
    }
    return FakeForum(Capabilities(able, FakeForum.capabilities.features))


def use(home: Home, forum: FakeForum) -> None:
    home.forum = forum
    home.forums = {"fake": lambda: home.forum}
    home.start()


# Deciding


def test_nothing_is_asked_by_deciding(home: Home, case: str) -> None:
    state = home.desk.decisions.decide(case, [HIDE, WRITE], WHY)

    assert home.kinds == ["decided"]
    assert home.forum.orders == []
    assert not state.is_settled
    assert home.desk.decisions.unsettled() == [state]
    assert home.case(case).last_decided_at == state.at
    assert home.told.of(DecisionChanged)[-1] == DecisionChanged(case, state)


def test_the_record_names_no_member_in_its_readable_part(home: Home, case: str) -> None:
    home.desk.decisions.decide(case, [WRITE], WHY)

    decided = home.entries[0]
    assert decided.case == home.case(case).token
    assert ADA not in repr(decided)
    assert "school" not in repr(decided)
    assert home.body(EntryKind.DECIDED)["reason"] == WHY


@pytest.mark.parametrize(
    ("choices", "reason", "missing"),
    [
        ([], WHY, "No action"),
        ([HIDE], " ", "reason"),
        ([Choice(Action.NO_ACTION)], "", "reason"),
        ([Choice(Action.MESSAGE_MEMBER, text=" ")], WHY, "text"),
        ([Choice(Action.MESSAGE_MEMBER, text="Hello {member_name}.")], WHY, "member_name"),
        ([Choice(Action.KEEP_REPLY, text="See {next_look}.")], WHY, "next_look"),
        ([Choice(Action.SUSPEND)], WHY, "time"),
        ([Choice(Action.WATCH, until=MORNING - timedelta(days=1))], WHY, "future"),
        ([Choice(Action.WATCH, until=datetime(2030, 1, 1))], WHY, "zone"),  # noqa: DTZ001 - what is tested
        ([Choice(Action.RESTORE)], WHY, "undoes"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_sealed(
    fast: Home, case: str, choices: list[Choice], reason: str, missing: str
) -> None:
    with pytest.raises(NotAllowed, match=missing):
        fast.desk.decisions.decide(case, choices, reason)

    assert fast.kinds == []


def test_braces_in_an_edited_post_are_the_members_own(fast: Home, case: str) -> None:
    fast.desk.decisions.decide(case, [Choice(Action.EDIT, text="I wrote {sunny} on the wall.")], WHY)

    assert fast.kinds == ["decided"]


@pytest.mark.parametrize("action", [Action.EMERGENCY_CALL, Action.ESCALATE_LEAD, Action.ESCALATE_CLINICAL])
def test_calling_for_help_needs_no_reason_and_nobodys_leave(fast: Home, case: str, action: Action) -> None:
    fast.store.claim(case, "fern", fast.clock() + timedelta(hours=1), fast.clock())

    fast.desk.decisions.decide(case, [Choice(action)], "")

    assert fast.kinds == ["decided"]


def test_what_cannot_be_sealed_is_not_decided(fast: Home, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(entry: Entry) -> None:
        raise LogError("The disk is full.")

    monkeypatch.setattr(fast.log, "seal", full)

    with pytest.raises(LogError):
        fast.desk.decisions.decide(case, [HIDE], WHY)
    assert fast.case(case).last_decided_at is None


async def test_a_queue_that_cannot_be_written_does_not_unmake_a_sealed_decision(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(case: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(fast.store, "save_case", full)

    settled = await carried_out(fast, case, HIDE)

    assert kinds_of(settled) == ["applied"]


def test_locked_keys_decide_nothing(home: Home, case: str) -> None:
    home.lock()

    with pytest.raises(VaultLocked):
        home.desk.decisions.decide(case, [HIDE], WHY)
    assert home.kinds == []


def test_an_action_on_a_member_nobody_can_name_is_not_aimed_at_the_post(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=[a_post(author="")]))
    found = fast.store.case_at("fake", HERON)
    assert found is not None

    with pytest.raises(NotAllowed, match="who wrote this"):
        fast.desk.decisions.decide(found.id, [WRITE], WHY)
    assert fast.kinds == []


def test_an_id_of_a_decision_is_never_given_twice(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fast.desk.decisions._random
    draws = iter([b"aaaaa", b"aaaaa", b"bbbbb"])
    monkeypatch.setattr(
        fast.desk.decisions, "_random", lambda count: next(draws) if count == 5 else real(count)
    )

    ids = [fast.desk.decisions.decide(case, [HIDE], WHY).id for _ in range(2)]

    assert len(set(ids)) == 2


def test_there_is_a_window_but_none_for_now(fast: Home, case: str) -> None:
    assert fast.desk.decisions.window(fast.case(case)) == timedelta(seconds=10)
    assert fast.desk.decisions.window(fast.make(case, urgency=NOW)) == timedelta(0)


# Order: sealed, then asked


async def test_every_step_is_sealed_before_the_forum_is_asked(home: Home, case: str) -> None:
    seen: list[list[str]] = []
    home.forum.while_asked = lambda order: seen.append(home.kinds)

    settled = await carried_out(home, case, HIDE, WRITE)

    assert seen == [["decided", "asked"], ["decided", "asked", "outcome", "asked"]]
    assert home.kinds == ["decided", "asked", "outcome", "asked", "outcome"]
    assert kinds_of(settled) == ["applied", "applied"]
    assert settled.state.is_settled
    assert home.desk.decisions.unsettled() == []


async def test_what_is_sealed_is_what_the_forum_said(home: Home, case: str) -> None:
    state = TargetState(HERON, exists=True, visibility=Visibility.HIDDEN, text="The text, now hidden.")
    home.forum.script = [Outcome(OutcomeKind.ALREADY, "Fern hid it.", state, "log-7")]

    settled = await carried_out(home, case, HIDE)

    assert kinds_of(settled) == ["already"]
    body = home.body(EntryKind.OUTCOME)
    assert (body["detail"], body["reference"], body["state"]["visibility"]) == (
        "Fern hid it.",
        "log-7",
        "hidden",
    )
    assert "The text" not in repr(home.entries)


async def test_orders_carry_the_version_that_was_on_screen_and_messages_go_to_the_member(
    fast: Home, case: str
) -> None:
    fast.desk.cases.saw(case, "v1")

    await carried_out(fast, case, HIDE, WRITE)

    hide, write = fast.forum.orders
    assert (hide.target, hide.seen_version, hide.attempt) == (HERON, "v1", 1)
    assert (write.target, write.seen_version) == (Target(TargetKind.MEMBER, ADA), "")
    assert write.text == WRITE.text


async def test_a_log_that_fails_before_asking_means_the_forum_is_not_asked(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = fast.desk.decisions.decide(case, [HIDE], WHY)

    def full(entry: Entry) -> None:
        raise LogError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(fast.log, "seal", full)
        with pytest.raises(LogError) as caught:
            await fast.desk.decisions.settle(state.id)

    assert state.id in caught.value.kept
    assert "sealed and stays unsettled" in caught.value.kept
    assert "not asked to do “Hide”" in caught.value.kept
    assert f"case finish {state.id}" in caught.value.next_step
    assert fast.forum.orders == []
    assert [left.id for left in fast.desk.decisions.unsettled()] == [state.id]
    assert kinds_of(await fast.desk.decisions.settle(state.id)) == ["applied"]


def cannot_be_sealed(entry: Entry) -> None:
    raise LogError("The disk is full.")


async def test_a_log_that_fails_when_the_record_alone_settles_says_that_the_decision_is_sealed(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(fast, forum_that_cannot(Action.NO_ACTION))
    state = fast.desk.decisions.decide(case, [Choice(Action.NO_ACTION)], WHY)
    monkeypatch.setattr(fast.log, "seal", cannot_be_sealed)

    with pytest.raises(LogError) as caught:
        await fast.desk.decisions.settle(state.id)
    assert f"Decision {state.id} is sealed and stays unsettled" in caught.value.kept


async def test_what_was_done_by_hand_and_cannot_be_sealed_leaves_a_decision_that_is(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = fast.desk.decisions.decide(case, [Choice(Action.EMERGENCY_CALL)], WHY)
    monkeypatch.setattr(fast.log, "seal", cannot_be_sealed)

    with pytest.raises(LogError) as caught:
        fast.desk.decisions.done_by_hand(state.id, state.orders[0].id)
    assert f"Decision {state.id} is sealed and stays unsettled" in caught.value.kept


async def test_a_log_that_fails_after_asking_never_says_that_the_forum_was_not_asked(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = fast.desk.decisions.decide(case, [HIDE], WHY)
    real = fast.log.seal

    def full(entry: Entry) -> Any:
        if entry.kind is EntryKind.OUTCOME:
            raise LogError("The disk is full.")
        return real(entry)

    monkeypatch.setattr(fast.log, "seal", full)
    with pytest.raises(LogError) as caught:
        await fast.desk.decisions.settle(state.id)

    assert "not asked" not in str(caught.value)
    assert "applied" in caught.value.kept
    assert not fast.desk.decisions.state(state.id).is_settled


# What stops, and what does not


@pytest.mark.parametrize(
    "step", [Outcome(OutcomeKind.CONFLICT), Outcome(OutcomeKind.REFUSED), Outcome(OutcomeKind.UNKNOWN)]
)
async def test_nobody_is_told_that_a_post_is_hidden_while_it_is_up(
    home: Home, case: str, step: Outcome
) -> None:
    home.forum.script = [step]

    settled = await carried_out(home, case, HIDE, WRITE)

    assert [order.action for order in home.forum.orders] == [Action.HIDE]
    assert kinds_of(settled) == [step.kind, WAITING]
    assert not settled.state.is_settled


ERRORS: list[ForumError] = [
    NotAuthorised("401"),
    Forbidden("403"),
    NotFound("404"),
    RateLimited("429", retry_after=5),
    Unavailable("503", maybe_done=True),
    BadAnswer("HTML"),
    ForumError("something else"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
async def test_every_error_of_the_forum_leaves_the_decision_unsettled_and_the_next_forum_alone(
    homes: Callable[..., Home], error: ForumError
) -> None:
    broken, well = FakeForum(), FakeForum()
    home = homes(forums={"broken": lambda: broken, "well": lambda: well})
    for forum in ("broken", "well"):
        home.desk.intake.take_in(forum, a_page())
    cases = {forum: home.store.case_at(forum, HERON) for forum in ("broken", "well")}
    broken.script = [error]

    failed = await carried_out(home, cases["broken"].id, HIDE, WRITE)  # type: ignore[union-attr]
    fine = await carried_out(home, cases["well"].id, HIDE)  # type: ignore[union-attr]

    assert failed.problem is error
    assert kinds_of(failed) == ["unknown", WAITING]
    assert failed.state.orders[0].detail.removeprefix("turned_away:") == error.code
    assert failed.state.orders[0].was_turned_away == (
        error.code in ("not_authorised", "forbidden", "not_found", "rate_limited")
    )
    assert home.desk.decisions.unsettled() == [failed.state]
    assert [told.forum for told in home.told.of(ForumTrouble)] == (
        [] if error.code == "not_found" else ["broken"]
    )
    assert fine.state.is_settled
    assert home.desk.forums.status("well").trouble is None


async def test_a_message_the_forum_turned_away_is_sent_as_if_for_the_first_time(
    homes: Callable[..., Home],
) -> None:
    forum = FakeForum()
    home = homes(forums={"broken": lambda: forum})
    home.desk.intake.take_in("broken", a_page())
    case = home.store.case_at("broken", HERON)
    assert case is not None
    forum.script = [RateLimited("429", retry_after=5), Unavailable("read time-out", maybe_done=True)]

    first = await carried_out(home, case.id, WRITE)
    for _ in range(2):
        await home.desk.decisions.settle(first.state.id)

    assert [order.attempt for order in forum.orders] == [1, 1, 2]


async def test_a_post_that_changed_is_a_conflict_and_the_difference_is_there_to_be_read(
    home: Home, case: str
) -> None:
    home.desk.cases.saw(case, "v1")
    home.forum.posts[HERON.id] = a_post("I took that back.", "v2")
    home.forum.script = [Conflict("The post changed.")]

    settled = await carried_out(home, case, HIDE)

    assert (kinds_of(settled), settled.problem) == (["conflict"], None)
    assert settled.state.is_settled
    assert home.store.file(home.case(case)).later[0].text == "I took that back."
    assert home.case(case).changed_since_flagged
    assert home.case(case).last_decided_at is None


async def test_a_forum_that_cannot_be_reached_at_all_is_not_said_to_have_been_asked(
    home: Home, case: str
) -> None:
    home.forum.connecting = Unavailable("gone")

    settled = await carried_out(home, case, HIDE)

    assert settled.problem is home.forum.connecting
    assert home.kinds == ["decided"]
    home.desk.decisions.undo(settled.state.id)


async def test_a_call_for_help_is_held_up_by_nothing(fast: Home, case: str) -> None:
    until = fast.clock() + timedelta(hours=4)
    fast.forum.script = [Unavailable("gone")]

    settled = await carried_out(
        fast, case, HIDE, WRITE, Choice(Action.ESCALATE_LEAD), Choice(Action.WATCH, until=until)
    )

    assert [order.action for order in settled.by_hand] == [Action.ESCALATE_LEAD]
    assert kinds_of(settled) == ["unknown", WAITING, WAITING, "applied"]
    assert fast.case(case).follow_up_at == until


async def test_a_call_that_a_forum_could_pass_on_is_made_by_hand_while_it_is_down(
    fast: Home, case: str
) -> None:
    use(fast, FakeForum(Capabilities({Action.ESCALATE_LEAD: Ability(Support.NATIVE)})))
    fast.forum.connecting = Unavailable("gone")

    settled = await carried_out(fast, case, Choice(Action.ESCALATE_LEAD))

    assert [order.action for order in settled.by_hand] == [Action.ESCALATE_LEAD]


async def test_an_action_by_hand_does_not_hold_up_a_call_nor_the_call_an_action(
    fast: Home, case: str
) -> None:
    settled = await carried_out(fast, case, Choice(Action.EMERGENCY_CALL), HIDE)

    assert kinds_of(settled) == [WAITING, "applied"]


# By hand


async def test_what_the_forum_cannot_do_waits_for_a_person_and_holds_up_what_relies_on_it(
    home: Home, case: str
) -> None:
    use(home, forum_that_cannot(Action.HIDE))

    first = await carried_out(home, case, HIDE, WRITE)
    assert [order.action for order in first.by_hand] == [Action.HIDE]
    assert home.forum.orders == []

    home.desk.decisions.done_by_hand(first.state.id, first.by_hand[0].id, "Hid it on the site.")
    second = await home.desk.decisions.settle(first.state.id)

    assert kinds_of(second) == ["by_hand", "applied"]
    assert home.kinds == ["decided", "outcome", "asked", "outcome"]


async def test_only_what_waits_can_be_said_to_be_done(fast: Home, case: str) -> None:
    settled = await carried_out(fast, case, HIDE)

    for order in (settled.state.orders[0].id, "o-nothing"):
        with pytest.raises(NotAllowed, match="not waiting"):
            fast.desk.decisions.done_by_hand(settled.state.id, order)
    with pytest.raises(WrongUsage, match="d-nothing"):
        fast.desk.decisions.done_by_hand("d-nothing", "o-nothing")


async def test_an_adapter_cannot_say_that_a_person_did_it(home: Home, case: str) -> None:
    home.forum.script = [Outcome(OutcomeKind.BY_HAND, "Somebody should hide it.")]

    settled = await carried_out(home, case, HIDE, WRITE)

    assert kinds_of(settled) == ["unknown", WAITING]
    assert [order.action for order in settled.by_hand] == [Action.HIDE]
    assert not settled.state.is_settled


async def test_what_is_unknown_can_be_looked_at_and_said_to_be_done(home: Home, case: str) -> None:
    home.forum.script = [Unavailable("gone", maybe_done=True)]
    settled = await carried_out(home, case, WRITE)

    done = home.desk.decisions.done_by_hand(
        settled.state.id, settled.state.orders[0].id, "It is in her inbox."
    )

    assert done.is_settled
    assert len(home.forum.orders) == 1


async def test_keeping_on_a_forum_that_cannot_answer_flags_is_settled_by_the_record(
    fast: Home, case: str
) -> None:
    use(fast, forum_that_cannot(Action.KEEP))

    settled = await carried_out(fast, case, KEEP)

    assert kinds_of(settled) == ["applied"]
    assert fast.forum.connected == 0


async def test_a_forum_taken_out_of_the_settings_leaves_everything_to_a_person(home: Home, case: str) -> None:
    home.configured = ()
    home.start()

    settled = await carried_out(home, case, KEEP, HIDE, Choice(Action.ESCALATE_LEAD))

    assert isinstance(settled.problem, NotFound)
    assert [order.action for order in settled.by_hand] == [Action.KEEP, Action.ESCALATE_LEAD]
    assert home.kinds == ["decided"]
    done = home.desk.decisions.done_by_hand(settled.state.id, settled.by_hand[0].id)
    assert kinds_of(Settlement(done)) == ["by_hand", WAITING, WAITING]


async def test_what_was_asked_before_a_forum_went_is_never_said_to_be_done_by_the_record(
    home: Home, case: str
) -> None:
    home.forum.script = [Unavailable("gone", maybe_done=True)]
    state = (await carried_out(home, case, KEEP)).state
    home.configured = ()

    settled = await home.start().decisions.settle(state.id)

    assert kinds_of(settled) == ["unknown"]
    assert settled.problem is not None


# Recording what a person just did


async def test_what_was_just_done_is_recorded_and_gated_by_nothing(home: Home, case: str) -> None:
    home.store.claim(case, "fern", home.clock() + timedelta(hours=1), home.clock())
    home.forum.connecting = Unavailable("gone")
    home.library.protocols.clear()
    home.configured = ()
    desk = home.start()

    state = desk.decisions.record_done(case, Action.EMERGENCY_CALL)

    assert state.is_settled
    assert home.kinds == ["decided", "outcome"]
    assert home.entries[0].actions == ("emergency_call",)


def test_it_is_recorded_about_whoever_it_was(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=[a_post(author="")]))
    found = fast.store.case_at("fake", HERON)
    assert found is not None

    assert fast.desk.decisions.record_done(found.id, Action.MESSAGE_MEMBER, "By letter.").is_settled


def test_it_is_recorded_about_a_case_whose_text_was_erased(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erased(*_: object) -> None:
        raise VaultError("This case's key is gone.")

    for name in ("file", "runs"):
        monkeypatch.setattr(fast.store, name, erased)

    assert fast.desk.decisions.record_done(case, Action.ESCALATE_LEAD).is_settled


# Undo, withdraw, reverse


async def test_undo_withdraws_before_anything_is_asked_and_never_sends(home: Home, case: str) -> None:
    state = home.desk.decisions.decide(case, [HIDE], WHY)

    undone = home.desk.decisions.undo(state.id)
    settled = await home.desk.decisions.settle(state.id)

    assert undone.reversed
    assert settled.state.is_settled
    assert home.forum.orders == []
    assert home.kinds == ["decided", "reversed"]
    assert home.entries[-1].detail == "undone"
    assert home.case(case).last_decided_at is None
    with pytest.raises(NotAllowed, match="too late"):
        home.desk.decisions.undo(state.id)


async def test_undo_is_too_late_once_the_forum_was_asked(home: Home, case: str) -> None:
    home.forum.script = [Unavailable("gone")]
    settled = await carried_out(home, case, HIDE)

    with pytest.raises(NotAllowed, match="too late"):
        home.desk.decisions.undo(settled.state.id)
    assert "reversed" not in home.kinds


async def test_undo_is_too_late_while_it_is_being_carried_out(fast: Home, case: str) -> None:
    state = fast.desk.decisions.decide(case, [HIDE], WHY)
    tried: list[str] = []

    def undo(order: ActionOrder) -> None:
        with pytest.raises(NotAllowed):
            fast.desk.decisions.undo(state.id)
        tried.append(order.id)

    fast.forum.while_asked = undo
    await fast.desk.decisions.settle(state.id)

    assert len(tried) == 1
    assert "reversed" not in fast.kinds


async def test_withdrawing_reads_back_what_was_asked_and_asks_nothing_more(home: Home, case: str) -> None:
    home.forum.script = [Outcome(OutcomeKind.APPLIED), Unavailable("gone", maybe_done=True)]
    settled = await carried_out(home, case, HIDE, LOCK, WRITE)

    state = await home.desk.decisions.withdraw(settled.state.id, "Ada asked us to wait.")

    assert state.is_settled
    assert [order.action for order in state.in_force] == [Action.HIDE]
    assert len(home.forum.orders) == 2
    body = home.body(EntryKind.REVERSED)
    assert body["reason"] == "Ada asked us to wait."
    assert [seen["order"] for seen in body["seen"]] == [state.orders[1].id]
    assert body["seen"][0]["state"]["exists"] is True
    with pytest.raises(NotAllowed, match="nothing left"):
        await home.desk.decisions.withdraw(state.id, "")


async def test_what_cannot_be_read_back_is_said_so_and_does_not_stop_the_withdrawal(
    home: Home, case: str
) -> None:
    home.forum.script = [Unavailable("gone")]
    settled = await carried_out(home, case, HIDE)
    home.forum.reading = Unavailable("still gone")

    state = await home.desk.decisions.withdraw(settled.state.id, "")

    assert state.reversed
    assert home.body(EntryKind.REVERSED)["seen"][0]["unread"] == "unavailable"


async def test_a_decision_whose_private_part_is_gone_can_still_be_withdrawn(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast.forum.script = [Unavailable("gone")]
    settled = await carried_out(fast, case, HIDE)
    monkeypatch.setattr(MemoryLog, "open_body", lambda self, record: None)

    with pytest.raises(LogError, match="private part"):
        await fast.desk.decisions.settle(settled.state.id)
    assert (await fast.desk.decisions.withdraw(settled.state.id, "")).reversed


async def test_reversing_is_a_new_decision_that_names_the_old_one(home: Home, case: str) -> None:
    until = home.clock() + timedelta(days=2)
    old = (await carried_out(home, case, HIDE, Choice(Action.SUSPEND, until=until), WRITE)).state

    new = home.desk.decisions.reverse(old.id, "We misread it.")
    settled = await home.desk.decisions.settle(new.id)

    assert (new.reverses, new.id != old.id) == (old.id, True)
    assert settled.state.is_settled
    member, post = home.forum.orders[3:]
    assert (member.action, member.undoes, member.target) == (
        Action.RESTORE,
        Action.SUSPEND,
        Target(TargetKind.MEMBER, ADA),
    )
    assert (post.action, post.undoes, post.target) == (Action.RESTORE, Action.HIDE, HERON)
    assert home.desk.decisions.state(old.id).orders == old.orders


async def test_restoring_an_account_is_aimed_at_the_member_however_it_was_chosen(
    fast: Home, case: str
) -> None:
    await carried_out(fast, case, Choice(Action.RESTORE, undoes=Action.SUSPEND))

    assert fast.forum.orders[0].target.kind is TargetKind.MEMBER


async def test_only_what_is_in_force_and_can_be_undone_is_reversed_and_only_once(
    fast: Home, case: str
) -> None:
    message = (await carried_out(fast, case, WRITE)).state
    with pytest.raises(NotAllowed, match="write to member") as caught:
        fast.desk.decisions.reverse(message.id, "why")
    assert "cannot be unsent" in caught.value.next_step

    hidden = (await carried_out(fast, case, HIDE)).state
    with pytest.raises(NotAllowed, match="reason"):
        fast.desk.decisions.reverse(hidden.id, " ")
    first = fast.desk.decisions.reverse(hidden.id, "why")
    with pytest.raises(NotAllowed, match=first.id):
        fast.desk.decisions.reverse(hidden.id, "why")
    fast.desk.decisions.undo(first.id)
    assert fast.desk.decisions.reverse(hidden.id, "why").reverses == hidden.id


# Our own edit


async def test_our_own_edit_stands_in_nobodys_way(fast: Home, case: str) -> None:
    fast.desk.cases.saw(case, "v1")
    edited = "The heron was on the bridge again."
    state = TargetState(HERON, exists=True, version="v2", text=edited)
    fast.forum.script = [Outcome(OutcomeKind.APPLIED, state=state)]

    await carried_out(fast, case, Choice(Action.EDIT, text=edited), LOCK)
    await carried_out(fast, case, HIDE)

    assert [order.seen_version for order in fast.forum.orders] == ["v1", "v2", "v2"]
    file = fast.store.file(fast.case(case))
    assert (file.post, file.later[-1].text) == (a_post(), edited)
    assert not fast.case(case).changed_since_flagged


# Again, at once, and in between


async def test_finishing_tells_the_adapter_that_an_earlier_try_may_have_arrived(
    home: Home, case: str
) -> None:
    home.forum.script = [Unavailable("gone", maybe_done=True), Outcome(OutcomeKind.UNKNOWN)]
    state = (await carried_out(home, case, WRITE)).state
    await home.desk.decisions.settle(state.id)
    settled = await home.desk.decisions.settle(state.id)

    assert [order.attempt for order in home.forum.orders] == [1, 2, 3]
    assert len({order.id for order in home.forum.orders}) == 1
    assert settled.state.is_settled
    await home.desk.decisions.settle(state.id)
    assert len(home.forum.orders) == 3


async def test_two_settles_at_once_ask_once(home: Home, case: str) -> None:
    state = home.desk.decisions.decide(case, [HIDE, WRITE], WHY)

    await asyncio.gather(*(home.desk.decisions.settle(state.id) for _ in range(5)))

    assert [order.action for order in home.forum.orders] == [Action.HIDE, Action.MESSAGE_MEMBER]


async def test_two_consoles_never_both_send_a_first_try(
    fast: Home, case: str, homes: Callable[..., Home]
) -> None:
    other = fast.a_desk()
    state = fast.desk.decisions.decide(case, [WRITE], WHY)

    await asyncio.gather(fast.desk.decisions.settle(state.id), other.decisions.settle(state.id))

    assert [order.attempt for order in fast.forum.orders].count(1) <= 1


async def test_a_withdrawal_on_another_console_stops_what_was_about_to_be_asked(
    fast: Home, case: str
) -> None:
    other = fast.a_desk()
    state = fast.desk.decisions.decide(case, [HIDE, WRITE], WHY)
    real = fast.log.seal

    def raced(entry: Entry) -> Any:
        if entry.kind is EntryKind.ASKED:
            other.decisions.undo(state.id)
        return real(entry)

    fast.log.seal = raced  # type: ignore[method-assign]
    settled = await fast.desk.decisions.settle(state.id)

    assert fast.forum.orders == []
    assert settled.state.reversed


async def test_what_is_undone_while_the_forum_is_being_reached_is_not_begun(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = fast.clock() + timedelta(days=1)
    state = fast.desk.decisions.decide(case, [Choice(Action.WATCH, until=until), HIDE], WHY)
    real = FakeForum.connect

    async def slow(self: FakeForum) -> Any:
        fast.desk.decisions.undo(state.id)
        return await real(self)

    monkeypatch.setattr(FakeForum, "connect", slow)
    await fast.desk.decisions.settle(state.id)

    assert fast.kinds == ["decided", "reversed"]
    assert fast.case(case).follow_up_at is None


async def test_an_undo_that_lost_the_race_says_so(fast: Home, case: str) -> None:
    other = fast.a_desk()
    state = fast.desk.decisions.decide(case, [HIDE], WHY)
    real = fast.log.seal

    def raced(entry: Entry) -> Any:
        if entry.kind is EntryKind.REVERSED:
            fast.log.seal = real  # type: ignore[method-assign]
            other.decisions._seal(state, EntryKind.ASKED, state.orders[0])
        return real(entry)

    fast.log.seal = raced  # type: ignore[method-assign]

    with pytest.raises(NotAllowed, match="already begun"):
        fast.desk.decisions.undo(state.id)


async def test_quitting_while_the_forum_is_asked_leaves_the_decision_unsettled_and_finishable(
    home: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def slow(self: FakeForum, order: ActionOrder) -> Outcome:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("never")

    state = home.desk.decisions.decide(case, [HIDE, WRITE], WHY)
    with monkeypatch.context() as patched:
        patched.setattr(FakeForum, "ask", slow)
        task = asyncio.create_task(home.desk.decisions.settle(state.id))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert home.kinds == ["decided", "asked"]
    assert [s.id for s in home.desk.decisions.unsettled()] == [state.id]
    with pytest.raises(NotAllowed):
        home.desk.decisions.undo(state.id)
    settled = await home.desk.decisions.settle(state.id)
    assert kinds_of(settled) == ["applied", "applied"]
    assert home.forum.orders[0].attempt == 2


async def test_the_details_of_a_decision_are_there_to_be_read(home: Home, case: str) -> None:
    state = home.desk.decisions.decide(case, [HIDE, WRITE], WHY)

    texts = [home.desk.decisions.details(state.id)[order.id].text for order in state.orders]
    assert texts == ["", WRITE.text]
    assert home.desk.decisions.case_of(state.id) == case


async def test_a_decision_can_be_finished_after_the_working_state_was_lost(home: Home, case: str) -> None:
    state = home.desk.decisions.decide(
        case, [HIDE, Choice(Action.WATCH, until=MORNING + timedelta(days=9))], WHY
    )
    home.stop()
    for path in home.folder.glob("desk.db*"):
        path.unlink()

    settled = await home.start().decisions.settle(state.id)

    assert settled.state.is_settled
    assert home.desk.decisions.case_of(state.id) == ""


# On the invented forum


async def test_on_the_invented_forum_nothing_is_done_twice(
    homes: Callable[..., Home], tmp_path: Path
) -> None:
    home = homes(real_log=True)
    world = tmp_path / "world"
    home.forums = {"lantern": practice_forum(world, home.clock)}
    home.configured = ("lantern",)
    desk = home.start()
    await desk.intake.poll("lantern")
    case = home.store.rows(QueueFilter(), 0, 1)[0].id
    shown = desk.cases.open(case)
    assert shown.file is not None
    assert shown.file.latest is not None
    desk.cases.saw(case, shown.file.latest.version)

    first = await carried_out(home, case, HIDE, WRITE)
    again = await home.start().decisions.settle(first.state.id)
    forum: Any = home.desk.forums.opened("lantern")

    assert kinds_of(first) == kinds_of(again) == ["applied", "applied"]
    assert len(forum.world.all("select * from messages")) == 1
    assert (await forum.read_state(shown.case.target)).visibility is Visibility.HIDDEN
    new = home.desk.decisions.reverse(first.state.id, "We misread it.")
    await home.desk.decisions.settle(new.id)
    assert (await forum.read_state(shown.case.target)).visibility is Visibility.VISIBLE
    assert home.log.verify().is_sound
    assert home.log.records(LogQuery(kind=EntryKind.DECIDED), limit=1)[0].entry.reverses == first.state.id
    await home.desk.forums.close()
