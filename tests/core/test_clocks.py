"""When a first look and a first action are due, in hours that are really staffed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.clocks import clock, parse_staffed_hours
from modconsole.core.urgency import Urgency

LONDON = ZoneInfo("Europe/London")
EVENINGS = parse_staffed_hours(["Mon-Fri 18:00-22:00", "Sat, Sun 10:00-22:00"], LONDON)
ALWAYS = parse_staffed_hours(["Mon-Sun 00:00-24:00"], LONDON)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_without_staffed_hours_there_are_no_targets():
    due = clock(Urgency.NOW, at("2026-11-23T12:00"), None)

    assert (due.look, due.act) == (None, None)


def test_a_flag_in_a_shift_is_due_in_that_shift():
    due = clock(Urgency.NOW, at("2026-11-23T19:00"), EVENINGS)

    assert due.look == at("2026-11-23T19:05")
    assert due.act == at("2026-11-23T19:15")


def test_a_flag_out_of_hours_is_due_after_the_next_shift_began():
    due = clock(Urgency.SOON, at("2026-11-23T23:30"), EVENINGS)

    assert due.look == at("2026-11-24T18:30")
    assert due.act == at("2026-11-24T20:00")


def test_time_that_runs_out_at_the_end_of_a_shift_goes_on_in_the_next_one():
    due = clock(Urgency.SOON, at("2026-11-23T21:50"), EVENINGS)

    assert due.look == at("2026-11-24T18:20")


def test_routine_is_looked_at_in_the_next_shift_not_in_this_one():
    due = clock(Urgency.ROUTINE, at("2026-11-23T19:00"), EVENINGS)

    assert due.look == at("2026-11-24T18:00")


def test_a_shift_past_midnight_is_one_shift():
    nights = parse_staffed_hours(["Mon-Sun 22:00-02:00"], LONDON)

    due = clock(Urgency.SOON, at("2026-11-23T23:45"), nights)

    assert due.look == at("2026-11-24T00:15")


def test_a_shift_begins_at_its_local_hour_on_the_day_the_clocks_change():
    mornings = parse_staffed_hours(["Mon-Sun 08:00-12:00"], LONDON)

    before = clock(Urgency.NOW, at("2026-03-28T20:00"), mornings)  # summer time begins on the 29th
    winter = clock(Urgency.NOW, at("2026-03-27T20:00"), mornings)

    assert before.look == at("2026-03-29T07:05")
    assert winter.look == at("2026-03-28T08:05")


@pytest.mark.parametrize(
    ("line", "word"),
    [("Mon 8-9", "Mon 8-9"), ("Someday 08:00-09:00", "Someday"), ("Mon 25:00-26:00", "25:00"), ("", '""')],
)
def test_a_line_that_cannot_be_read_is_quoted_back(line, word):
    with pytest.raises(ValueError, match=f"(?i){re.escape(word)}"):
        parse_staffed_hours([line], LONDON)


def test_days_can_wrap_round_the_week():
    hours = parse_staffed_hours(["Fri-Mon 10:00-12:00"], LONDON)

    assert [bool(day) for day in hours.week] == [True, False, False, False, True, True, True]


@given(st.integers(0, 14 * 24 * 60), st.sampled_from(list(Urgency)))
def test_nothing_is_ever_due_before_it_was_flagged(minutes, urgency):
    flagged = at("2026-11-23T00:00") + timedelta(minutes=minutes)

    due = clock(urgency, flagged, EVENINGS)

    assert due.look is not None
    assert due.act is not None
    assert flagged <= due.look
    assert flagged < due.act


@given(st.integers(0, 7 * 24 * 60))
def test_round_the_clock_staffing_counts_every_minute(minutes):
    flagged = at("2026-11-23T00:00") + timedelta(minutes=minutes)

    assert clock(Urgency.SOON, flagged, ALWAYS).look == flagged + timedelta(minutes=30)
