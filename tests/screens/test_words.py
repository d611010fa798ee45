"""Times and phrases, and lines of ink."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from modconsole.core.errors import NotAllowed
from modconsole.core.text import cell_width
from modconsole.screens.ink import Ink, bullet, line, paragraph, side_by_side, wrap
from modconsole.screens.words import due_words, parse_when, span

LONDON = ZoneInfo("Europe/London")
SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("24h", "2026-11-23T12:00+00:00"),
        ("in 30 m", "2026-11-22T12:30+00:00"),
        ("2 days", "2026-11-24T12:00+00:00"),
        ("1w", "2026-11-29T12:00+00:00"),
        ("9:00", "2026-11-23T09:00+00:00"),
        ("14.30", "2026-11-22T14:30+00:00"),
        ("tomorrow 9:00", "2026-11-23T09:00+00:00"),
        ("tomorrow at 9:00", "2026-11-23T09:00+00:00"),
        ("fri 14:30", "2026-11-27T14:30+00:00"),
        ("Sunday 9:00", "2026-11-29T09:00+00:00"),
        ("2026-12-01 09:00", "2026-12-01T09:00+00:00"),
        ("2026-12-01T09:00+01:00", "2026-12-01T09:00+01:00"),
        ("not needed: spam", "not needed: spam"),
        ("Not needed, spam", "not needed: spam"),
    ],
)
def test_what_people_type_for_a_time_is_understood(said: str, meant: str) -> None:
    assert parse_when(said, SUNDAY_NOON, LONDON) == meant


@pytest.mark.parametrize(
    "said", ["soon", "", "25:00", "2020-01-01 09:00", "today 9:00", "not needed", "99999999h", "0h"]
)
def test_what_is_no_time_or_past_is_refused_with_examples(said: str) -> None:
    with pytest.raises(NotAllowed):
        parse_when(said, SUNDAY_NOON, LONDON)


def test_a_clock_time_across_the_change_to_summer_time_keeps_the_clock() -> None:
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)

    assert parse_when("tomorrow 9:00", saturday, LONDON) == "2026-03-29T09:00+01:00"
    assert parse_when("24h", saturday, LONDON) == "2026-03-29T13:00+01:00"


def test_due_times_say_late_early_or_old() -> None:
    assert due_words(1000, 0, 1000 + 61) == "over 1m"
    assert due_words(1000, 0, 1000 - 7200) == "in 2h"
    assert due_words(0, 1000, 1000 + 86400 * 3) == "3d old"
    assert span(59) == "59s"


@pytest.mark.parametrize(
    "text", ["kind words here", "大家好 大家好 大家好", "word" * 20, "a\n\nb", "🙂" * 30]
)
@pytest.mark.parametrize("width", [1, 2, 7, 20])
def test_wrapping_keeps_every_word_and_never_exceeds_the_width(text: str, width: int) -> None:
    lines = list(wrap(text, width))

    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_width(piece) <= max(width, 2) for piece in lines)


def test_foreign_text_passes_through_the_door() -> None:
    assert "\x1b" not in "".join(s.text for ln in paragraph("a\x1b[2Jb", 40) for s in ln)
    assert "\x1b" not in "".join(s.text for ln in bullet("·", "a\x1b[2Jb", 40) for s in ln)


def test_the_right_side_keeps_its_place() -> None:
    made = side_by_side(line("a long left side"), line(("right", Ink.DIM)), 14)

    assert "".join(span.text for span in made) == "a long …" + " " + "right"
