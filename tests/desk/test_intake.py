"""A flag's way in: nothing lost, nothing twice, nothing overwritten, and never less urgent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from modconsole.core.clocks import parse_staffed_hours
from modconsole.core.errors import StoreError, Unavailable, VaultLocked
from modconsole.core.model import CaseState, Target, TargetKind
from modconsole.ports import QueueFilter, Resolved
from modconsole.ports.notify import CasesChanged, ForumTrouble, ForumWell
from tests.desk.fakes import HERON, MORNING, SAID, a_flag, a_page, a_post
from tests.desk.homes import NOW, ROUTINE, SOON, TODAY, Home

ALL = QueueFilter()


def other(number: int) -> Target:
    return Target(TargetKind.POST, f"p-{number}", "t-river")


def test_a_flag_becomes_a_case_with_its_reasons_and_protocols(fast: Home, case: str) -> None:
    made = fast.case(case)

    assert made.urgency is SOON
    assert made.topic == "suicide-thoughts"
    assert made.suggested == ("suicide-thoughts",)
    assert "worried" in made.reasons[0].text
    assert made.length == len(SAID)
    assert made.member_key
    assert fast.store.file(made).post == a_post()


def test_the_same_target_joins_its_case_whatever_thread_is_given(fast: Home, case: str) -> None:
    moved = replace(HERON, thread="t-elsewhere")

    told = fast.desk.intake.take_in("fake", a_page(a_flag("f2", target=moved), posts=()))

    assert (told.new, told.changed) == (0, 1)
    assert fast.store.count(ALL) == 1
    assert fast.case(case).flags == 2


def test_flags_are_merged_by_id_within_a_page_and_between_pages(fast: Home, case: str) -> None:
    fast.desk.intake.take_in("fake", a_page(a_flag("f1"), a_flag("f2"), a_flag("f2")))
    again = fast.desk.intake.take_in("fake", a_page(a_flag("f1"), a_flag("f2")))

    assert [flag.id for flag in fast.store.file(fast.case(case)).flags] == ["f1", "f2"]
    assert fast.case(case).flags == 2
    assert (again.new, again.changed) == (0, 0)


def test_a_page_that_repeats_itself_makes_one_flag_of_a_new_case(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(a_flag("f1"), a_flag("f1")))

    made = fast.store.case_at("fake", HERON)
    assert made is not None
    assert made.flags == 1


def test_the_text_as_flagged_is_never_overwritten_and_later_versions_are_kept_beside_it(
    fast: Home, case: str
) -> None:
    for version, text in (("v2", "I took that back."), ("v3", "Or not.")):
        fast.desk.intake.take_in("fake", a_page(posts=[a_post(text, version)]))

    file = fast.store.file(fast.case(case))
    assert file.post == a_post()
    assert [post.version for post in file.later] == ["v2", "v3"]
    assert fast.case(case).changed_since_flagged


def test_a_post_that_comes_after_its_flag_becomes_the_frozen_one(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=()))
    fast.desk.intake.take_in("fake", a_page())

    made = fast.store.case_at("fake", HERON)
    assert made is not None
    assert fast.store.file(made).post == a_post()
    assert not made.changed_since_flagged
    assert made.member_key


def test_a_post_without_text_and_version_is_no_new_version(fast: Home, case: str) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=[a_post("", "", unreadable="encrypted")]))

    assert fast.store.file(fast.case(case)).later == ()


def test_a_new_flag_makes_a_case_faster_and_never_slower(fast: Home, case: str) -> None:
    fast.desk.intake.take_in("fake", a_page(a_flag("f2", topic="spam-fundraising-research-media")))
    assert fast.case(case).urgency is SOON

    fast.desk.intake.take_in("fake", a_page(a_flag("f3", topic="suicide-immediate")))

    assert fast.case(case).urgency is NOW
    assert fast.case(case).topic == "suicide-immediate"
    assert fast.case(case).suggested[0] == "suicide-immediate"


def test_the_same_reason_again_does_not_pile_up(fast: Home, case: str) -> None:
    for number in range(2, 6):
        fast.desk.intake.take_in("fake", a_page(a_flag(f"f{number}", reason=f"word {number}")))

    codes = [reason.code for reason in fast.case(case).reasons]
    assert len(codes) == len(set(codes))


@pytest.fixture
def staffed(homes: Callable[..., Home]) -> Home:
    return homes(staffed_hours=parse_staffed_hours(["Mon-Sun 00:00-24:00"], ZoneInfo("Europe/London")))


def test_a_closed_case_that_is_flagged_again_is_open_again_with_a_new_clock(staffed: Home) -> None:
    staffed.desk.intake.take_in("fake", a_page())
    made = staffed.store.case_at("fake", HERON)
    assert made is not None
    closed = MORNING + timedelta(hours=1)
    staffed.make(
        made.id,
        state=CaseState.CLOSED,
        closed_at=closed,
        first_opened_at=MORNING,
        last_decided_at=MORNING,
        passed_on_by=("fern",),
    )
    staffed.clock.forward(days=2)
    flagged = MORNING + timedelta(days=2)

    staffed.desk.intake.take_in("fake", a_page(a_flag("f2", at=flagged)))

    again = staffed.case(made.id)
    assert again.state is CaseState.OPEN
    assert again.reasons[0].code == "reopened"
    assert (again.first_opened_at, again.last_decided_at, again.passed_on_by) == (None, None, ())
    assert (again.flagged_at, again.due) == (flagged, flagged + timedelta(minutes=30))
    assert again.closed_at == closed


def test_urgency_raised_later_counts_from_the_flag_that_brought_it_back(staffed: Home) -> None:
    test_a_closed_case_that_is_flagged_again_is_open_again_with_a_new_clock(staffed)
    made = staffed.store.case_at("fake", HERON)
    assert made is not None

    staffed.desk.cases.raise_urgency(made.id, NOW)

    assert staffed.case(made.id).look_due == MORNING + timedelta(days=2, minutes=5)


def test_a_known_flag_does_not_reopen_a_closed_case(fast: Home, case: str) -> None:
    fast.make(case, state=CaseState.CLOSED)

    fast.desk.intake.take_in("fake", a_page(posts=[a_post("Changed.", "v2")]))

    assert fast.case(case).state is CaseState.CLOSED
    assert fast.store.file(fast.case(case)).later[0].text == "Changed."


@pytest.mark.parametrize("at", [datetime(9000, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
def test_a_flag_with_an_impossible_time_is_neither_hidden_nor_fatal(staffed: Home, at: datetime) -> None:
    staffed.desk.intake.take_in("fake", a_page(a_flag("f1", at=at)))

    made = staffed.store.case_at("fake", HERON)
    assert made is not None
    assert made.flagged_at <= staffed.clock()
    assert staffed.store.file(made).flags[0].at == at


# Resolved elsewhere


def resolved(**more: Any) -> Resolved:
    return Resolved(HERON, **{"at": MORNING, "by": "m-fern", **more})


def quiet(*news: Resolved, flags: tuple[Any, ...] = ()) -> Any:
    return replace(a_page(posts=()), flags=flags, resolved=news)


def test_what_was_answered_on_the_forum_closes_a_case_nobody_opened(fast: Home, case: str) -> None:
    told = fast.desk.intake.take_in("fake", quiet(resolved()))

    assert fast.case(case).state is CaseState.CLOSED
    assert fast.case(case).resolved_elsewhere
    assert told.changed == 1


def test_a_case_somebody_began_stays_and_says_so(fast: Home, case: str) -> None:
    fast.desk.cases.open(case)

    fast.desk.intake.take_in("fake", quiet(resolved()))

    assert fast.case(case).state is CaseState.OPEN
    assert fast.case(case).resolved_elsewhere
    assert fast.case(case).reasons[0].code == "elsewhere"


def test_a_flag_younger_than_the_answer_keeps_the_case_open(fast: Home, case: str) -> None:
    fresh = a_flag("f2", at=MORNING + timedelta(minutes=1))

    fast.desk.intake.take_in("fake", quiet(resolved(), flags=(fresh,)))

    assert fast.case(case).state is CaseState.OPEN
    assert not fast.case(case).resolved_elsewhere


def test_an_answer_without_a_time_does_not_outdo_a_flag_of_the_same_page(fast: Home, case: str) -> None:
    fast.desk.intake.take_in("fake", quiet(resolved(at=None), flags=(a_flag("f2"),)))
    assert fast.case(case).state is CaseState.OPEN

    fast.desk.intake.take_in("fake", quiet(resolved(at=None)))
    assert fast.case(case).state is CaseState.CLOSED


def test_what_was_answered_there_and_flagged_again_is_open_and_no_longer_said_to_be_answered(
    fast: Home, case: str
) -> None:
    fast.desk.intake.take_in("fake", quiet(resolved()))

    fast.desk.intake.take_in("fake", a_page(a_flag("f2", at=MORNING + timedelta(minutes=1))))

    again = fast.case(case)
    assert (again.state, again.resolved_elsewhere) == (CaseState.OPEN, False)
    assert "elsewhere" not in [reason.code for reason in again.reasons]


async def test_our_own_answer_is_no_news(fast: Home, case: str) -> None:
    await fast.desk.forums.connect("fake")

    fast.desk.intake.take_in("fake", quiet(resolved(by="m-me")))

    assert not fast.case(case).resolved_elsewhere


def test_what_we_decided_ourselves_is_not_said_to_be_answered_elsewhere(fast: Home, case: str) -> None:
    fast.make(case, first_opened_at=MORNING, last_decided_at=MORNING)

    fast.desk.intake.take_in("fake", quiet(resolved(by="")))

    assert not fast.case(case).resolved_elsewhere


# Polling


async def test_polling_tells_what_came_and_remembers_where_it_left_off(fast: Home) -> None:
    fast.forum.pages = [a_page(cursor="7"), a_page(a_flag("f2", target=other(2)), cursor="9")]

    told = await fast.desk.intake.poll("fake")
    await fast.desk.intake.poll("fake")

    assert (told.new, told.most_urgent) == (2, SOON)
    assert fast.forum.since == ["", "9"]
    assert fast.told.of(CasesChanged) == [told]


async def test_what_came_before_the_forum_broke_off_is_stored_and_told(fast: Home) -> None:
    fast.forum.pages = [a_page(cursor="7"), Unavailable("gone")]

    with pytest.raises(Unavailable):
        await fast.desk.intake.poll("fake")

    assert fast.store.count(ALL) == 1
    assert fast.store.cursor("fake") == "7"
    assert [told.new for told in fast.told.of(CasesChanged)] == [1]
    assert fast.told.of(ForumTrouble)


async def test_a_page_without_a_cursor_does_not_send_us_back_to_the_beginning(fast: Home) -> None:
    fast.forum.pages = [a_page(cursor="7"), a_page(a_flag("f2"), cursor="")]

    await fast.desk.intake.poll("fake")

    assert fast.store.cursor("fake") == "7"


async def test_after_a_failure_the_forum_is_connected_again(fast: Home) -> None:
    fast.forum.pages = [Unavailable("gone")]
    with pytest.raises(Unavailable):
        await fast.desk.intake.poll("fake")
    fast.forum.pages = []

    await fast.desk.intake.poll("fake")
    await fast.desk.intake.poll("fake")

    assert fast.forum.connected == 2
    assert fast.told.of(ForumWell)


async def test_a_crash_between_storing_and_remembering_repeats_the_page_and_makes_nothing_twice(
    fast: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast.forum.pages = [a_page(cursor="7")]

    def crash(forum: str, cursor: str) -> None:
        assert fast.store.count(ALL) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(fast.store, "save_cursor", crash)
    with pytest.raises(KeyboardInterrupt):
        fast.desk.intake.take_in("fake", a_page(cursor="7"))
    desk = fast.start()
    await desk.intake.poll("fake")

    assert fast.forum.since == [""]
    assert fast.store.count(ALL) == 1
    assert fast.store.cursor("fake") == "7"


async def test_a_crash_before_storing_keeps_the_old_place(
    fast: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(cases: object) -> None:
        raise StoreError("The disk is full.")

    fast.forum.pages = [a_page(cursor="7")]
    monkeypatch.setattr(fast.store, "take_in", full)
    with pytest.raises(StoreError):
        await fast.desk.intake.poll("fake")

    assert fast.store.cursor("fake") == ""
    assert not fast.told.of(ForumTrouble)


async def test_while_the_keys_are_locked_the_forum_is_not_even_asked(fast: Home) -> None:
    fast.forum.pages = [a_page()]
    fast.lock()

    with pytest.raises(VaultLocked):
        await fast.desk.intake.poll("fake")

    assert (fast.forum.connected, fast.forum.since) == (0, [])


async def test_two_polls_at_once_make_no_case_twice(fast: Home) -> None:
    fast.forum.pages = [a_page(*(a_flag(f"f{n}", target=other(n)) for n in range(100)), posts=())]

    await asyncio.gather(*(fast.desk.intake.poll("fake", at_once=7) for _ in range(3)))

    assert fast.store.count(ALL) == 100


def test_two_consoles_that_take_in_the_same_post_make_one_case(homes: Callable[..., Home]) -> None:
    one, two = homes(), homes()

    one.desk.intake.take_in("fake", a_page(a_flag("f1")))
    two.desk.intake.take_in("fake", a_page(a_flag("f1"), a_flag("f2")))

    made = one.store.case_at("fake", HERON)
    assert made is not None
    assert [flag.id for flag in one.store.file(made).flags] == ["f1", "f2"]


def test_what_another_console_does_while_we_take_in_is_not_undone(
    homes: Callable[..., Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other console has to wait its turn between our reading and our writing."""
    one, two = homes(), homes()
    one.desk.intake.take_in("fake", a_page())
    made = one.store.case_at("fake", HERON)
    assert made is not None
    two.store._file._patience = 0.05
    two.store._file.close()
    two.start()
    real, tried = one.store.file, []

    def meanwhile(case: Any) -> Any:
        file = real(case)
        two.store._file._patience = 0.01
        try:
            two.desk.cases.raise_urgency(made.id, NOW)
        except StoreError as error:
            tried.append(error)
        return file

    monkeypatch.setattr(one.store, "file", meanwhile)
    one.desk.intake.take_in("fake", a_page(a_flag("f2")))

    assert len(tried) == 1
    two.desk.cases.raise_urgency(made.id, NOW)
    assert one.case(made.id).urgency is NOW
    assert one.case(made.id).flags == 2


def test_an_id_that_is_taken_is_drawn_again(fast: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([b"aaaaa", b"aaaaa", b"bbbbb", b"bbbbb", b"ccccc"])
    real = fast.desk.intake._random
    monkeypatch.setattr(fast.desk.intake, "_random", lambda count: next(draws) if count == 5 else real(count))

    fast.desk.intake.take_in("fake", a_page(a_flag("f1", target=other(1)), posts=()))
    fast.desk.intake.take_in(
        "fake", a_page(a_flag("f2", target=other(2)), a_flag("f3", target=other(3)), posts=())
    )

    assert fast.store.count(ALL) == 3


# A page that lies


def test_a_flag_without_its_post_is_a_case_without_text(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=()))

    made = fast.store.case_at("fake", HERON)
    assert made is not None
    assert fast.desk.cases.open(made.id).file is not None
    assert fast.store.file(made).post is None


def test_a_post_nobody_flagged_makes_no_case(fast: Home) -> None:
    fast.desk.intake.take_in("fake", a_page(posts=[a_post(), a_post(target=other(9))]))

    assert fast.store.count(ALL) == 1


def test_ten_megabytes_and_half_characters_are_kept_as_received(fast: Home) -> None:
    hostile = "a\ud800b" + "\x1b]52;c;eA==\x07" + "x" * 10_000_000
    reason = "\udfff[/b]\x1b[2J"

    fast.desk.intake.take_in(
        "fake", a_page(a_flag("f\ud800", reason, topic="", comment="\udc00"), posts=[a_post(hostile)])
    )

    made = fast.store.case_at("fake", HERON)
    assert made is not None
    file = fast.store.file(made)
    assert file.post is not None
    assert file.post.text == hostile
    assert file.flags[0].reason == reason
    assert made.length == len(hostile)


def test_an_unknown_reason_is_looked_at_soon_unless_the_service_says_otherwise(
    homes: Callable[..., Home],
) -> None:
    unmapped, mapped = homes("a"), homes("b", reasons={"buttercup": "spam-fundraising-research-media"})
    for home in (unmapped, mapped):
        home.desk.intake.take_in("fake", a_page(a_flag("f1", "buttercup", topic="")))

    assert [row.urgency for row in unmapped.store.rows(ALL, 0, 1)] == [SOON]
    assert [row.urgency for row in mapped.store.rows(ALL, 0, 1)] == [ROUTINE]


# Follow-ups


def test_a_follow_up_that_is_due_brings_its_case_back_with_a_new_clock(staffed: Home) -> None:
    staffed.desk.intake.take_in("fake", a_page())
    made = staffed.store.case_at("fake", HERON)
    assert made is not None
    due = MORNING + timedelta(hours=30)
    staffed.make(
        made.id,
        state=CaseState.CLOSED,
        closed_at=MORNING,
        urgency=TODAY,
        follow_up_at=due,
        first_opened_at=MORNING,
    )

    assert staffed.desk.intake.wake() == 0
    staffed.clock.forward(hours=31)
    assert staffed.desk.intake.wake() == 1
    assert staffed.desk.intake.wake() == 0

    woken = staffed.case(made.id)
    assert (woken.state, woken.urgency, woken.follow_up_at) == (CaseState.OPEN, SOON, None)
    assert (woken.look_due, woken.act_due) == (due, due + timedelta(hours=2))
    assert woken.reasons[0].code == "follow_up"


def test_follow_ups_come_back_while_the_keys_are_locked(fast: Home, case: str) -> None:
    fast.make(case, state=CaseState.CLOSED, follow_up_at=MORNING)
    fast.lock()

    assert fast.desk.intake.wake() == 1
    fast.vault.unlock()
    assert fast.case(case).target == HERON


# Many


async def test_ten_thousand_flags_come_in_and_the_library_is_not_asked_for_each(
    fast: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = tuple(a_flag(f"f{n}", target=other(n % 2_000), reporter=f"m-{n}") for n in range(10_000))
    posts = tuple(a_post(target=other(n), author=f"m-{n % 300}") for n in range(2_000))
    fast.forum.pages = [a_page(*flags, posts=posts)]
    asked = 0
    ids = fast.library.ids

    def counted() -> Any:
        nonlocal asked
        asked += 1
        return ids()

    monkeypatch.setattr(fast.library, "ids", counted)
    told = await fast.desk.intake.poll("fake", at_once=500)

    assert told.new == fast.store.count(ALL) == 2_000
    assert fast.case(fast.store.rows(ALL, 0, 1)[0].id).flags == 5
    assert asked == 4
