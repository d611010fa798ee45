"""With a log that cannot be read or written, cases are read and answered all the same; only what is sealed waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from modconsole.core.actions import Action
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError
from modconsole.core.urgency import Urgency
from modconsole.desk import Choice, StandingKind
from tests.desk.fakes import CHECK, a_flag, a_page
from tests.desk.homes import Home

LOOK = Choice(Action.KEEP)


@pytest.fixture
def home(homes: Callable[..., Home]) -> Home:
    """A home as it really is: with the sealed log, and parts that seal changed settings first."""
    return homes(real_log=True, settings_first=True)


def damage(home: Home) -> None:
    """Fill `log.db` with what is no database, and start again. What was begun before is in `desk.db`."""
    home.stop()
    for path in home.folder.glob("log.db*"):
        path.unlink()
    (home.folder / "log.db").write_bytes(bytes(range(128, 256)) * 40)
    home.start()


def put_aside(home: Home) -> None:
    """Take `log.db` away, as its message says, so that a new one begins."""
    home.stop()
    for path in home.folder.glob("log.db*"):
        path.unlink()
    home.start()


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Let another program write to the log for as long as this lasts, and let us not wait for it."""
    home.log._busy_seconds = 0.0  # type: ignore[attr-defined]
    other = sqlite3.connect(home.folder / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


# Damaged


def test_a_case_is_read_and_answered_and_the_answers_are_kept(home: Home, case: str) -> None:
    run = home.desk.cases.start_run(case, "suicide-thoughts")
    damage(home)

    trouble = home.desk.unlock()
    assert trouble is not None
    assert "is damaged" in trouble.what
    view = home.desk.cases.open(case)
    assert view.file is not None
    assert view.file.latest is not None
    assert "is damaged" in view.log_problem
    home.desk.cases.answer(case, run.id, "mood", ["Bright."])
    home.desk.cases.save_draft(case, "reason", "the heron")
    home.desk.cases.note(case, "Looked at it.")
    home.start()

    view = home.desk.cases.view(case)
    assert view.runs[0].answers["mood"].values == ("Bright.",)
    assert view.drafts["reason"].text == "the heron"


def test_deciding_and_closing_are_refused_with_a_sentence(home: Home, case: str) -> None:
    damage(home)
    home.desk.unlock()

    for attempt in (
        lambda: home.desk.decisions.decide(case, [LOOK], "why"),
        lambda: home.desk.cases.close(case),
        lambda: home.desk.cases.lower_urgency(case, Urgency.ROUTINE, "why"),
    ):
        with pytest.raises(LogError, match="is damaged") as caught:
            attempt()
        assert "no forum was asked" in caught.value.kept
    assert home.forum.orders == []
    (said,) = home.desk.cases.view(case).blockers
    assert "nothing can be decided or closed" in said


def test_nobody_says_whether_a_protocol_is_approved_and_none_is_begun(home: Home, case: str) -> None:
    begun = home.desk.cases.start_run(case, "suicide-thoughts")
    damage(home)

    with pytest.raises(LogError, match="nobody knows whether it is approved"):
        home.desk.cases.start_run(case, "suicide-immediate")

    shown = home.desk.cases.standing_shown(CHECK)
    assert (shown.kind, shown.status) == (StandingKind.READ_ONLY, "unknown")
    assert home.desk.cases.view(case).standings[begun.id] == shown


def test_an_answer_that_leads_to_another_protocol_is_kept_and_raises_the_urgency(
    home: Home, case: str
) -> None:
    run = home.desk.cases.start_run(case, "suicide-thoughts")
    damage(home)

    home.desk.cases.answer(case, run.id, "imminent", ["unclear"])

    view = home.desk.cases.view(case)
    assert view.runs[0].answers["imminent"].values == ("unclear",)
    assert "nobody knows whether this is approved" in view.problems["suicide-immediate"]


@pytest.mark.parametrize("then", [damage, put_aside])
async def test_yesterdays_answers_stay_yesterdays(
    home: Home, case: str, then: Callable[[Home], None]
) -> None:
    run = home.desk.cases.start_run(case, "suicide-thoughts")
    tomorrow = (home.clock() + timedelta(days=1)).isoformat()
    for question, value in (("imminent", "no"), ("mood", "Fine."), ("follow_up_at", tomorrow)):
        home.desk.cases.answer(case, run.id, question, [value])
    await home.desk.decisions.settle(home.desk.decisions.decide(case, [LOOK], "why").id)
    home.desk.cases.close(case)
    home.clock.forward(hours=2)
    home.desk.intake.take_in("fake", a_page(a_flag("f2", at=home.clock())))
    today = home.desk.cases.start_run(case, "suicide-thoughts")
    before = home.desk.cases.view(case)
    then(home)

    after = home.desk.cases.view(case)

    assert [shown.run.id for shown in after.earlier_runs] == [run.id]
    assert [shown.run.id for shown in after.runs] == [today.id]
    assert (after.runs, after.earlier_runs) == (before.runs, before.earlier_runs)
    assert after.decisions == ()


async def test_one_damaged_entry_hides_itself_and_not_the_case(home: Home, case: str) -> None:
    await home.desk.decisions.settle(home.desk.decisions.decide(case, [LOOK], "why").id)
    home.desk.cases.close(case)
    home.clock.forward(hours=2)
    home.desk.intake.take_in("fake", a_page(a_flag("f2", at=home.clock())))
    home.stop()
    with sqlite3.connect(home.folder / "log.db") as log:
        log.execute("UPDATE leaves SET body=x'00' WHERE kind='closed'")
    log.close()
    home.start()

    view = home.desk.cases.open(case)

    assert "lost its private part" in view.log_problem
    assert len(view.decisions) == 1
    assert home.desk.decisions.decide(case, [LOOK], "why").orders


# Held by another program


def test_settings_that_changed_do_not_keep_a_case_closed_while_the_log_is_held(home: Home, case: str) -> None:
    home.desk.unlock()
    home.service["undo_seconds"] = 3
    home.start()
    with held(home):
        trouble = home.desk.unlock()
        view = home.desk.cases.open(case)
        with pytest.raises(LogError, match="Another console"):
            home.desk.decisions.decide(case, [LOOK], "why")

    assert trouble is not None
    assert view.log_problem == ""
    assert view.file is not None
    assert home.kinds == ["config_changed"]


def test_what_is_sealed_later_still_comes_after_the_settings_it_was_done_under(home: Home, case: str) -> None:
    home.desk.unlock()
    home.service["undo_seconds"] = 3
    home.start()
    with held(home):
        home.desk.unlock()

    home.desk.decisions.decide(case, [LOOK], "why")

    assert home.kinds == ["config_changed", "config_changed", "decided"]
    assert home.entries[1].detail == home.settings.hash
    assert home.body(EntryKind.DECIDED)["case"] == case
    home.desk.decisions.decide(case, [LOOK], "why")
    assert home.kinds[2:] == ["decided", "decided"]
