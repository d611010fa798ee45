"""The measures, on examples that were worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.decision import Entry, EntryKind, ProtocolRef
from modconsole.core.measures import (
    Adherence,
    CaseFacts,
    Rate,
    Spread,
    Tally,
    adherence,
    counts,
    rate,
    spread,
    spreads,
)
from modconsole.core.protocol import (
    Consequence,
    Governance,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    ReviewProtocol,
    Step,
    Style,
)
from modconsole.core.run import RunView, view
from modconsole.core.runs import Run, RunEvent, RunEventKind
from modconsole.core.urgency import Urgency

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SELF_HARM = ProtocolRef("self-harm", "1.0.0", "aa" * 32, "approved")
TROLLING = ProtocolRef("trolling", "1.0.0", "bb" * 32, "overdue")


def after(**more: float) -> datetime:
    return MONDAY + timedelta(**more)


# Numbers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Spread(0)),
        ([1.0], Spread(None)),
        ([1.0, 2.0, 3.0, 4.0], Spread(None)),
        ([5.0, 1.0, 4.0, 2.0, 3.0], Spread(5, 3.0, 5.0)),
        ([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], Spread(6, 35.0, 60.0)),
        ([float(n) for n in range(1, 11)], Spread(10, 5.5, 9.0)),
        ([float(n) for n in range(1, 12)], Spread(11, 6.0, 10.0)),
        ([60.0] * 19 + [36000.0], Spread(20, 60.0, 60.0)),
    ],
)
def test_a_spread_is_a_median_and_what_nine_in_ten_do_not_exceed(
    values: list[float], expected: Spread
) -> None:
    assert spread(values) == expected
    assert spread(reversed(values)) == expected


@pytest.mark.parametrize(
    ("part", "whole", "expected", "percent"),
    [
        (0, 0, Rate(0, 0), None),
        (0, 4, Rate(None, None), None),
        (0, 40, Rate(0, 40), 0.0),
        (4, 40, Rate(None, 40), None),
        (5, 40, Rate(5, 40), 12.5),
        (37, 40, Rate(None, 40), None),
        (40, 40, Rate(40, 40), 100.0),
    ],
)
def test_a_rate_hides_a_small_part_and_a_small_rest(
    part: int, whole: int, expected: Rate, percent: float | None
) -> None:
    assert rate(part, whole) == expected
    assert expected.percent == percent


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, {}),
        ({"now": 12, "soon": 5}, {"now": 12, "soon": 5}),
        ({"now": 0, "soon": 5}, {"now": 0, "soon": 5}),
        ({"now": 3, "soon": 4, "today": 9}, {"now": None, "soon": None, "today": 9}),
        ({"now": 3, "soon": 9, "today": 7}, {"now": None, "soon": 9, "today": None}),
        ({"now": 3}, {"now": None}),
    ],
)
def test_a_small_number_is_hidden_and_cannot_be_told_from_the_total(
    found: dict[str, int], expected: dict[str, int | None]
) -> None:
    assert counts(found) == expected


def test_of_two_halves_neither_tells_how_few_the_other_is() -> None:
    found = spreads({"staffed": [1.0] * 9, "unstaffed": [1.0] * 2})

    assert found == {"staffed": Spread(None), "unstaffed": Spread(None)}


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 20)))
def test_no_small_number_is_ever_shown_nor_exactly_one_left_out(found: dict[str, int]) -> None:
    shown = counts(found)
    left_out = [name for name, count in shown.items() if count is None]

    assert not any(count in range(1, 5) for count in shown.values() if count is not None)
    assert len(left_out) != 1 or sum(count > 0 for count in found.values()) == 1


# Entries


def decided(
    number: int, *actions: str, at: datetime = MONDAY, done: Iterable[str] = (), **more: Any
) -> list[Entry]:
    """Give a decision with its orders; those of `done` are applied a minute later."""
    orders = tuple(f"o-{number}-{at}" for at in range(len(actions)))
    about: dict[str, Any] = {"case": f"case-{number}", "decision": f"d-{number}", "urgency": "soon"} | more
    entry = Entry(EntryKind.DECIDED, "a-1", at, orders=orders, actions=actions, **about)
    outcomes = [
        outcome(entry, index, "applied", at + timedelta(minutes=1))
        for index, action in enumerate(actions)
        if action in done
    ]
    return [entry, *outcomes]


def outcome(entry: Entry, index: int, said: str, at: datetime) -> Entry:
    order, action = entry.orders[index], entry.actions[index]
    return Entry(
        EntryKind.OUTCOME,
        "a-1",
        at,
        case=entry.case,
        decision=entry.decision,
        orders=(order,),
        actions=(action,),
        outcome=said,
    )


def closed(number: int, at: datetime, *used: ProtocolRef, urgency: str = "soon") -> Entry:
    return Entry(EntryKind.CLOSED, "a-1", at, case=f"case-{number}", urgency=urgency, protocols=used)


def tallied(
    *entries: Entry | list[Entry], since: datetime | None = None, until: datetime | None = None
) -> Tally:
    tally = Tally(since, until)
    for some in entries:
        for entry in [some] if isinstance(some, Entry) else some:
            tally.add(entry)
    return tally


def test_a_case_is_escalated_when_somebody_was_really_told() -> None:
    tally = tallied(
        decided(1, "escalate_lead", done=["escalate_lead"], protocols=(SELF_HARM,)),
        decided(2, "escalate_lead", protocols=(SELF_HARM,)),
        decided(3, "hide", "escalate_clinical", done=["escalate_clinical"], protocols=(SELF_HARM, TROLLING)),
        decided(4, "keep", done=["keep"]),
    )

    assert tally.escalations() == {"": (2, 4), "(none)": (0, 1), "self-harm": (2, 3), "trolling": (1, 1)}


def test_two_decisions_about_one_case_are_one_case() -> None:
    first = decided(1, "hide", done=["hide"])
    second = decided(2, "escalate_lead", done=["escalate_lead"], case="case-1")

    assert tallied(first, second).escalations()[""] == (1, 1)


def test_a_hiding_is_accompanied_when_the_member_was_written_to_before_the_case_was_closed() -> None:
    tally = tallied(
        decided(1, "hide", "message_member", done=["hide", "message_member"]),
        decided(2, "hide", done=["hide"]),
        decided(3, "message_member", done=["message_member"], case="case-2"),
        decided(4, "edit", done=["edit"]),
        closed(4, after(hours=1)),
        decided(5, "message_member", done=["message_member"], case="case-4"),
        decided(6, "suspend"),
        decided(7, "keep", done=["keep"]),
    )

    assert tally.messages() == (2, 3)
    assert tally.messages_sent() == 3


def test_what_the_forum_was_certain_of_is_not_taken_back_by_an_unknown() -> None:
    entries = decided(1, "hide", done=["hide"])
    tally = tallied(entries, outcome(entries[0], 0, "unknown", after(minutes=5)))

    assert tally.messages() == (0, 1)
    assert tally.unsettled() == 0


def test_a_decision_is_unsettled_until_each_action_has_a_certain_outcome_or_it_is_withdrawn() -> None:
    one, two, three = decided(1, "hide", "lock_thread", done=["hide"]), decided(2, "hide"), decided(3, "hide")
    refused = outcome(two[0], 0, "refused", after(minutes=1))
    gone = Entry(EntryKind.REVERSED, "a-1", MONDAY, case="case-3", decision="d-3", detail="undone")

    assert tallied(one, two, three).unsettled() == 3
    assert tallied(one, two, refused, three, gone).unsettled() == 1


def test_reversals_and_withdrawals_are_counted_apart() -> None:
    tally = tallied(
        decided(1, "hide", done=["hide"]),
        decided(2, "restore", reverses="d-1", case="case-1"),
        decided(3, "hide"),
        Entry(EntryKind.REVERSED, "a-1", MONDAY, case="case-3", decision="d-3", detail="undone"),
    )

    assert tally.reversals() == {"reversed by a later decision": 1, "undone": 1}


def test_the_same_decision_id_on_two_devices_is_two_decisions() -> None:
    here, there = decided(1, "hide", done=["hide"]), decided(1, "hide", case="elsewhere")

    assert tallied(here, there).unsettled() == 1


def test_lowering_and_calls_and_states_are_counted() -> None:
    lowered = Entry(EntryKind.URGENCY_LOWERED, "a-1", MONDAY, case="case-1", detail="soon:today")
    tally = tallied(
        lowered,
        lowered,
        decided(1, "emergency_call", done=["emergency_call"], protocols=(SELF_HARM, TROLLING), urgency="now"),
        decided(2, "emergency_call"),
    )

    assert tally.lowered() == {"soon to today": 2}
    assert tally.calls() == 1
    assert tally.decisions() == {"now": 1, "soon": 1}
    assert tally.statuses() == {"approved": 1, "overdue": 1, "(none)": 1}


def test_only_what_was_decided_within_the_span_counts_whenever_its_outcome_came() -> None:
    late = decided(2, "emergency_call", at=after(days=1))
    tally = tallied(
        decided(1, "emergency_call", done=["emergency_call"]),
        late,
        outcome(late[0], 0, "by_hand", after(days=9)),
        decided(3, "emergency_call", at=after(days=2), done=["emergency_call"]),
        since=after(days=1),
        until=after(days=2),
    )

    assert tally.decisions() == {"soon": 1}
    assert tally.calls() == 1


def test_a_case_is_worked_on_again_within_a_week_of_its_closing_or_not() -> None:
    tally = tallied(
        closed(1, MONDAY),
        decided(1, "hide", at=after(days=7), case="case-1"),
        closed(2, MONDAY),
        decided(2, "hide", at=after(days=7, seconds=1), case="case-2"),
        decided(3, "hide", at=MONDAY, case="case-3"),
        closed(3, MONDAY),
        closed(4, MONDAY),
        closed(4, after(days=1)),
    )

    assert tally.reopened() == (2, 5)


def test_protocols_are_used_when_the_closing_names_them() -> None:
    known = {
        "case-1": CaseFacts(MONDAY, ("self-harm", "trolling")),
        "case-2": CaseFacts(MONDAY, ("self-harm",)),
        "case-3": CaseFacts(MONDAY),
    }
    tally = tallied(
        closed(1, MONDAY, TROLLING), closed(2, MONDAY, TROLLING), closed(3, MONDAY), closed(4, MONDAY)
    )

    assert tally.used_any() == (2, 4)
    assert tally.used_suggested(known.get) == (1, 2)


def test_resolution_is_the_first_closing_after_the_flag_and_no_other() -> None:
    known = {
        "case-1": CaseFacts(MONDAY),
        "case-2": CaseFacts(after(days=2)),
        "case-3": CaseFacts(after(days=9)),
    }
    tally = tallied(
        closed(1, after(hours=3), urgency="today"),
        closed(1, after(hours=9)),
        closed(2, after(days=1)),
        closed(2, after(days=2, minutes=5), urgency="now"),
        closed(3, after(days=1)),
        closed(4, after(days=1)),
    )

    assert sorted(tally.resolutions(known.get)) == [
        ("now", after(days=2), 300.0),
        ("today", MONDAY, 10800.0),
    ]


def test_a_response_is_the_first_thing_done_that_the_member_can_see() -> None:
    known = {f"case-{number}": CaseFacts(MONDAY) for number in (1, 2)}
    tally = tallied(
        decided(1, "escalate_lead", "hide", done=["escalate_lead", "hide"], at=after(minutes=4)),
        decided(
            3, "message_member", done=["message_member"], at=after(minutes=1), case="case-1", urgency="now"
        ),
        decided(2, "emergency_call", "watch", done=["emergency_call", "watch"]),
        decided(4, "hide", done=["hide"]),
    )

    assert tally.responses(known.get) == [("now", MONDAY, 120.0)]


def test_an_entry_that_makes_no_sense_stops_nothing() -> None:
    strange = Entry(
        EntryKind.DECIDED, "a-1", MONDAY, decision="d-1", orders=("o-1",), actions=("dance", "sing")
    )
    tally = tallied(
        strange, outcome(replace(strange, actions=("dance",)), 0, "danced", MONDAY), decided(1, "keep")
    )

    assert tally.unsettled() == 2
    assert tally.entries == 3


# Adherence


def question(id: str, *follows: Consequence) -> Question:
    options = (Option("yes", "Yes"), Option("no", "No"))
    return Question(id, f"{id}?", QuestionType.CHOICE, required=True, options=options, on_answer=follows)


PROTOCOL = ReviewProtocol(
    "self-harm",
    "Self-harm",
    "1.0.0",
    ProtocolStatus.APPROVED,
    Style.DO_CONFIRM,
    Urgency.SOON,
    "",
    steps=(
        Step("act", "Act"),
        Step("look", "Look", questions=(question("imminent", Consequence(("yes",), switch_to="other")),)),
        Step("write", "Write"),
        Step("end", "End", questions=(question("told"),)),
    ),
    decisions=(),
    close_requires=(),
    governance=Governance("lead", MONDAY.date(), (), ()),
    hash="aa" * 32,
)


def walked(*events: tuple[RunEventKind, str, str, tuple[str, ...]]) -> RunView:
    made = tuple(
        RunEvent(kind, step, after(minutes=number), "a-1", asked, values)
        for number, (kind, step, asked, values) in enumerate(events)
    )
    return view(PROTOCOL, Run("r-1", "self-harm", "aa" * 32, MONDAY, events=made))


ANSWERED, SKIPPED, TICKED = RunEventKind.ANSWERED, RunEventKind.SKIPPED, RunEventKind.TICKED


def test_adherence_is_steps_done_or_skipped_with_a_reason_of_those_shown() -> None:
    whole = walked(
        (ANSWERED, "look", "imminent", ("no",)),
        (TICKED, "act", "", ()),
        (SKIPPED, "write", "", ("no_time", "queue was long")),
        (ANSWERED, "end", "told", ("yes",)),
    )
    half = walked((ANSWERED, "look", "imminent", ("no",)), (SKIPPED, "act", "", ("disagreed",)))
    given_reason_of_nobody = walked((SKIPPED, "look", "", ("felt like it",)))

    assert adherence([whole, half, given_reason_of_nobody]) == {
        "self-harm": Adherence(runs=3, shown=12, done=4, skipped=2, reasons={"no_time": 1, "disagreed": 1})
    }
    assert adherence([whole, half])["self-harm"].rate == Rate(None, 8)
    assert adherence([whole] * 5)["self-harm"].rate == Rate(20, 20)


def test_after_another_protocol_took_over_nothing_more_was_required() -> None:
    taken_over = walked((ANSWERED, "look", "imminent", ("yes",)))

    assert adherence([taken_over])["self-harm"] == Adherence(1, 1, 1, 0, {})


def test_without_runs_there_is_nothing_to_say() -> None:
    assert adherence([]) == {}
