"""What became of a decision, computed from the log's entries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.actions import ACTIONS, Action, OutcomeKind
from modconsole.core.decision import Entry, EntryKind, Record, fold

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECIDED = Entry(
    EntryKind.DECIDED,
    "a-1",
    NOON,
    decision="d-1",
    orders=("o-1", "o-2"),
    actions=("hide", "message_member"),
    urgency="now",
)


def asked(order):
    return Entry(EntryKind.ASKED, "a-1", NOON, decision="d-1", orders=(order,))


def outcome(order, kind):
    return Entry(EntryKind.OUTCOME, "a-1", NOON, decision="d-1", orders=(order,), outcome=kind)


def state(*entries):
    return fold(Record("o", seq, "", entry, {}, has_body=True) for seq, entry in enumerate(entries))["d-1"]


def test_a_decision_nobody_carried_out_is_unsettled():
    assert not state(DECIDED).is_settled


def test_it_is_settled_when_every_action_has_a_certain_outcome():
    half = state(DECIDED, asked("o-1"), outcome("o-1", "applied"))
    whole = state(DECIDED, asked("o-1"), outcome("o-1", "applied"), asked("o-2"), outcome("o-2", "refused"))

    assert not half.is_settled
    assert whole.is_settled


def test_unknown_is_not_an_outcome_to_rest_on():
    assert not state(DECIDED, outcome("o-1", "applied"), outcome("o-2", "unknown")).is_settled


def test_a_certain_outcome_is_never_made_uncertain_again():
    known = state(DECIDED, outcome("o-1", "applied"), outcome("o-1", "unknown")).orders[0]

    assert known.outcome is OutcomeKind.APPLIED


def test_an_unknown_outcome_can_become_certain():
    known = state(DECIDED, outcome("o-1", "unknown"), outcome("o-1", "already")).orders[0]

    assert known.outcome is OutcomeKind.ALREADY


def test_withdrawing_settles_and_says_what_stays_in_force():
    withdrawn = state(
        DECIDED, outcome("o-1", "applied"), Entry(EntryKind.REVERSED, "a-1", NOON, decision="d-1")
    )

    assert withdrawn.is_settled
    assert [order.action for order in withdrawn.in_force] == [Action.HIDE]


def test_every_try_is_counted():
    assert state(DECIDED, asked("o-1"), asked("o-1")).orders[0].asked == 2


def test_a_request_that_was_turned_away_does_not_count_as_one_that_may_have_arrived():
    def turned_away(order):
        return replace(outcome(order, "unknown"), detail="turned_away:rate_limited")

    known = state(DECIDED, asked("o-1"), turned_away("o-1"), asked("o-1")).orders[0]
    lost = state(DECIDED, asked("o-1"), outcome("o-1", "unknown"), asked("o-1")).orders[0]

    assert (known.asked, known.arrived) == (2, 1)
    assert (lost.asked, lost.arrived) == (2, 2)
    assert state(DECIDED, asked("o-1"), turned_away("o-1")).orders[0].was_turned_away


def test_entries_of_other_kinds_change_nothing():
    assert state(DECIDED, replace(asked("o-1"), kind=EntryKind.SIGNED_OFF)) == state(DECIDED)


@given(st.lists(st.sampled_from([*OutcomeKind, None]), max_size=8))
def test_whatever_the_order_of_outcomes_the_last_certain_one_holds(kinds):
    entries = [outcome("o-1", kind) if kind else asked("o-1") for kind in kinds]
    certain = [kind for kind in kinds if kind is not None and kind.is_certain]

    found = state(DECIDED, *entries).orders[0].outcome

    if certain:
        assert found is certain[-1]
    else:
        assert found in (None, OutcomeKind.UNKNOWN)


def test_every_action_says_what_it_does_and_what_follows():
    assert set(ACTIONS) == set(Action)
    for spec in ACTIONS.values():
        assert spec.label
        assert spec.consequence


def test_what_reaches_a_member_in_words_is_never_said_twice():
    assert ACTIONS[Action.MESSAGE_MEMBER].said_once
    assert ACTIONS[Action.KEEP_REPLY].said_once
