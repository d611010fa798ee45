"""The queue: its order, and any screenful of it. What should be seen is worked out here without SQLite."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from modconsole.core.clocks import Due
from modconsole.core.model import Case, CaseState, Claim, Target, TargetKind
from modconsole.core.run import Run, RunEvent, RunEventKind
from modconsole.core.triage import queue_place
from modconsole.core.urgency import Reason, Urgency
from modconsole.ports.store import CaseRow, Draft, QueueFilter
from modconsole.store import DeskStore
from modconsole.store import queue as queue_module
from tests.store.fakes import MORNING, FakeVault, a_case, with_file

MANY = 400


def some_cases() -> list[Case]:
    """Make cases of every kind, with many ties in the order."""
    dice = random.Random(7)  # noqa: S311 - the same cases every time
    cases = []
    for number in range(MANY):
        flagged_at = MORNING + timedelta(minutes=dice.randrange(40))
        cases.append(
            a_case(
                number,
                forum=dice.choice(["greenhouse", "orchard", "pond"]),
                urgency=dice.choice([Urgency.NOW, Urgency.SOON, Urgency.SOON, Urgency.ROUTINE]),
                topic=dice.choice(["self-harm", "distress-no-safety-signs", ""]),
                reasons=(Reason(dice.choice(["flag:self-harm", "flag:unmapped"]), "words"),),
                flagged_at=flagged_at,
                look_due=dice.choice([None, flagged_at + timedelta(minutes=30)]),
                first_opened_at=dice.choice([None, None, flagged_at]),
                state=dice.choice([CaseState.OPEN, CaseState.OPEN, CaseState.CLOSED]),
                passed_on_by=dice.choice([(), (), (), ("anna",), ("ben", "anna"), ("ann",)]),
            )
        )
    dice.shuffle(cases)
    return cases


CASES = some_cases()

FILTERS = [
    QueueFilter(),
    QueueFilter(forum="orchard"),
    QueueFilter(urgency="soon"),
    QueueFilter(urgency="today"),
    QueueFilter(closed=True),
    QueueFilter(without="anna"),
    QueueFilter(topic="self-harm"),
    QueueFilter(text="UNMAPPED"),
    QueueFilter(text="c-0000001"),
    QueueFilter(forum="pond", urgency="now", without="ann", closed=True),
    QueueFilter(forum="pond", urgency="routine", topic="self-harm", text="self", without="ben"),
    QueueFilter(forum="nowhere"),
]


def expected(wanted: QueueFilter, cases: Sequence[Case] = CASES) -> list[str]:
    def fits(case: Case) -> bool:
        searched = [case.id, case.forum, case.topic, *(reason.code for reason in case.reasons)]
        return (
            (case.state is CaseState.CLOSED) == wanted.closed
            and wanted.forum in ("", case.forum)
            and wanted.urgency in ("", case.urgency)
            and wanted.topic in ("", case.topic)
            and any(wanted.text.lower() in text.lower() for text in searched)
            and (not wanted.without or wanted.without not in case.passed_on_by)
        )

    return [case.id for case in sorted(cases, key=place) if fits(case)]


def place(case: Case) -> tuple[int, int, str]:
    due = Due(case.look_due, case.act_due)
    looked_at = case.first_opened_at is not None
    return *queue_place(case.urgency, due, case.flagged_at, looked_at=looked_at), case.id


@pytest.fixture(params=["as it is", "no short lists"])
def full(request: pytest.FixtureRequest, store: DeskStore, monkeypatch: pytest.MonkeyPatch) -> DeskStore:
    """A store with many cases; once more with what a search finds treated as too much to remember."""
    if request.param == "no short lists":
        monkeypatch.setattr(queue_module, "_SHORT", -1)
    store.take_in([with_file(case) for case in CASES])
    return store


def ids(rows: Sequence[CaseRow]) -> list[str]:
    return [row.id for row in rows]


@pytest.mark.parametrize("wanted", FILTERS)
def test_any_screenful_is_what_stands_there(full: DeskStore, wanted: QueueFilter) -> None:
    right = expected(wanted)
    dice = random.Random(3)  # noqa: S311
    firsts = [dice.randrange(len(right) + 3) for _ in range(60)]

    assert full.count(wanted) == len(right)
    assert ids(full.rows(wanted, 0, MANY)) == right
    for first in firsts:
        assert ids(full.rows(wanted, first, 7)) == right[first : first + 7]


@pytest.mark.parametrize("wanted", FILTERS)
def test_paging_down_and_up_again_meets_every_case_once(full: DeskStore, wanted: QueueFilter) -> None:
    right = expected(wanted)
    firsts = range(0, len(right), 9)
    down = [id for first in firsts for id in ids(full.rows(wanted, first, 9))]
    up = [ids(full.rows(wanted, first, 9)) for first in reversed(firsts)]

    assert down == right
    assert [id for page in reversed(up) for id in page] == right


@pytest.mark.parametrize("wanted", FILTERS)
def test_every_case_knows_its_position_or_is_left_out(full: DeskStore, wanted: QueueFilter) -> None:
    right = {id: position for position, id in enumerate(expected(wanted))}

    assert {case.id: full.position(wanted, case.id) for case in CASES} == {
        case.id: right.get(case.id) for case in CASES
    }
    assert full.position(wanted, "c-none") is None


def test_counts_stay_right_through_every_kind_of_change(store: DeskStore) -> None:
    store.take_in([with_file(case) for case in CASES])
    changed = list(CASES)
    for number in range(0, MANY, 3):
        other = CASES[(number * 7 + 1) % MANY]
        case = replace(
            changed[number], urgency=other.urgency, state=other.state, passed_on_by=other.passed_on_by
        )
        changed[number] = case
        if number % 2:
            store.save_case(case)
        else:
            store.take_in([with_file(case)])

    gone = changed.pop()
    with store._file.write() as db:
        for statement in (
            "DELETE FROM files WHERE n IN (SELECT n FROM cases WHERE id = ?)",
            "DELETE FROM cases WHERE id = ?",
        ):
            db.execute(statement, [gone.id])

    for wanted in FILTERS:
        assert store.count(wanted) == len(expected(wanted, changed))
        assert ids(store.rows(wanted, 0, MANY)) == expected(wanted, changed)


def test_what_another_console_changes_is_seen_at_once(store: DeskStore, path: Path) -> None:
    store.take_in([with_file(case) for case in CASES])
    last = expected(QueueFilter())[-1]
    store.rows(QueueFilter(), 100, 10)
    before = store.version()
    case = replace(store.case(last) or CASES[0], urgency=Urgency.NOW, look_due=MORNING - timedelta(days=1))
    with closing(DeskStore(path, FakeVault())) as other:
        other.save_case(replace(case, first_opened_at=None))

    assert store.version() != before
    assert store.position(QueueFilter(), last) == 0
    assert ids(store.rows(QueueFilter(), 0, 1)) == [last]
    assert ids(store.rows(QueueFilter(), 101, 10)) == expected(QueueFilter())[100:110]


def test_the_version_changes_with_the_queue_and_only_with_it(store: DeskStore) -> None:
    case = a_case(1)
    store.take_in([with_file(case)])
    store.start_run(case, Run("r-1", "self-harm", "hash", MORNING))
    seen = [store.version()]
    store.add_event(case, "r-1", RunEvent(RunEventKind.TICKED, "one", MORNING, "anna"))
    store.save_draft(case, Draft("message", "hello", MORNING))
    store.remember("row", "7")
    store.release(case.id, "anna")
    seen.append(store.version())
    store.claim(case.id, "anna", MORNING, MORNING)
    seen.append(store.version())
    store.claim(case.id, "ben", MORNING, MORNING - timedelta(hours=1))
    seen.append(store.version())
    store.release(case.id, "anna")
    seen.append(store.version())
    store.save_case(case)
    seen.append(store.version())

    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert len(set(seen)) == 4


def test_a_row_shows_what_the_queue_needs(store: DeskStore) -> None:
    def seconds(at: datetime) -> int:
        return int(at.timestamp())

    fresh = a_case(1, flags=2)
    looked = a_case(2, first_opened_at=MORNING, claim=Claim("anna", MORNING))
    decided = a_case(
        3,
        target=Target(TargetKind.MEMBER, "m"),
        first_opened_at=MORNING,
        last_decided_at=MORNING,
        follow_up_at=MORNING + timedelta(days=1),
        changed_since_flagged=True,
        resolved_elsewhere=True,
        look_due=None,
        act_due=None,
    )
    store.take_in([with_file(case) for case in (fresh, looked, decided)])
    rows = {row.id: row for row in store.rows(QueueFilter(), 0, 9)}

    assert rows[fresh.id] == CaseRow(
        id=fresh.id,
        forum="greenhouse",
        urgency="soon",
        topic="self-harm",
        flags=2,
        length=fresh.length,
        flagged_at=seconds(fresh.flagged_at),
        due_at=seconds(fresh.due or MORNING),
        claimed_by="",
        claimed_until=0,
        opened=False,
        decided=False,
        state="open",
        kind="post",
        resolved_elsewhere=False,
        changed=False,
        follow_up_at=0,
    )
    assert rows[looked.id].due_at == seconds(looked.due or MORNING)
    assert rows[looked.id][8:12] == ("anna", seconds(MORNING), True, False)
    assert rows[decided.id].due_at == rows[decided.id].follow_up_at == seconds(MORNING + timedelta(days=1))
    assert rows[decided.id][11:16] == (True, "open", "member", True, True)
    assert {type(value) for row in rows.values() for value in row} == {str, int, bool}


@pytest.mark.parametrize("text", ["%", "_", "!", "c_0", "' OR 1=1 --", "\\", '"anna'])
def test_signs_with_a_meaning_in_sql_are_searched_for_as_they_are(full: DeskStore, text: str) -> None:
    assert full.count(QueueFilter(text=text)) == 0
    assert full.rows(QueueFilter(text=text), 0, 5) == []


def test_a_pseudonym_that_is_part_of_another_is_not_taken_for_it(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1, passed_on_by=('anna", "ben', "joanna")))])

    assert [store.count(QueueFilter(without=name)) for name in ("anna", "ben", "joanna")] == [1, 1, 0]


def test_the_queue_works_while_the_vault_is_locked(full: DeskStore, vault: FakeVault) -> None:
    vault.locked = True

    assert ids(full.rows(QueueFilter(text="self"), 0, 5)) == expected(QueueFilter(text="self"))[:5]
    assert full.position(QueueFilter(), expected(QueueFilter())[9]) == 9


def test_an_empty_desk_has_an_empty_queue(store: DeskStore) -> None:
    assert store.count(QueueFilter()) == 0
    assert store.rows(QueueFilter(), 0, 50) == []
    assert store.rows(QueueFilter(), -3, 2) == []
