"""Lists, searches, and what became of decisions, all computed from the log."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from modconsole.core.actions import OutcomeKind
from modconsole.core.decision import EntryKind, ProtocolRef
from modconsole.core.errors import LogError
from modconsole.ports.audit import LogQuery
from tests.audit.homes import CASE, START, USED, Home, a_decision, an_entry, tampered

OTHER = "0d" * 16
ACTIONS = ("hide", "message_member", "lock_thread", "watch", "escalate_lead")
PROTOCOLS = tuple(ProtocolRef(f"sheet-{number}", "1.0.0", "cd" * 32, "draft") for number in range(5))


def found(home: Home, **query: object) -> list[int]:
    return [record.seq for record in home.log.records(LogQuery(**query), newest_first=False)]  # type: ignore[arg-type]


@pytest.fixture
def busy(home: Home) -> Home:
    """0-2 a decision; 3 a case read by another person on another forum; 4 a decision with five actions and sheets."""
    for entry in a_decision("d-1"):
        home.log.seal(entry)
    home.log.seal(
        an_entry(
            EntryKind.TEXT_OPENED, actor="b-001", case=OTHER, forum="garden", at=START + timedelta(hours=1)
        )
    )
    orders = tuple(f"o-{number}" for number in range(5))
    home.log.seal(
        an_entry(
            decision="d-2", orders=orders, actions=ACTIONS, protocols=PROTOCOLS, urgency="now",
            at=START + timedelta(hours=2),
        )
    )  # fmt: skip
    home.log.seal(
        an_entry(EntryKind.CONFIG_CHANGED, case="", forum="", detail="ef" * 32, at=START + timedelta(hours=3))
    )
    return home


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"case": CASE}, [0, 1, 2, 4]),
        ({"case": OTHER}, [3]),
        ({"decision": "d-1"}, [0, 1, 2]),
        ({"actor": "b-001"}, [3]),
        ({"forum": "harbour"}, [0, 1, 2, 4]),
        ({"kind": EntryKind.DECIDED}, [0, 4]),
        ({"kind": EntryKind.CONFIG_CHANGED}, [5]),
        ({"outcome": "applied"}, [2]),
        ({"urgency": "now"}, [4]),
        ({"since": START + timedelta(hours=1)}, [3, 4, 5]),
        ({"until": START + timedelta(hours=1)}, [0, 1, 2]),
        ({"since": START + timedelta(hours=1), "until": START + timedelta(hours=2)}, [3]),
        ({"since": START + timedelta(hours=9)}, []),
        ({"protocol": USED.id}, [0]),
        ({"action": "hide", "protocol": "sheet-4"}, [4]),
        ({"action": "hide", "kind": EntryKind.OUTCOME}, [2]),
        ({"actor": "b-001", "forum": "harbour"}, []),
        ({"action": "' OR 1=1 --"}, []),
    ],
)
def test_a_search_finds_what_fits_and_nothing_else(
    busy: Home, query: dict[str, object], expected: list[int]
) -> None:
    assert found(busy, **query) == expected


@pytest.mark.parametrize("place", range(5))
def test_an_action_or_protocol_is_found_wherever_it_stands_in_its_list(busy: Home, place: int) -> None:
    assert found(busy, action=ACTIONS[place]) == ([0, 1, 2, 4] if ACTIONS[place] == "hide" else [4])
    assert found(busy, protocol=PROTOCOLS[place].id) == [4]


@pytest.mark.parametrize("query", [LogQuery(), LogQuery(action="hide"), LogQuery(case=CASE)])
def test_a_list_can_be_read_page_by_page(busy: Home, query: LogQuery) -> None:
    whole = busy.log.records(query)
    paged, before = [], 0
    while page := busy.log.records(query, limit=2, before=before):
        paged += page
        before = page[-1].position

    assert paged == whole
    assert [record.seq for record in whole] == sorted((record.seq for record in whole), reverse=True)


@pytest.mark.parametrize("page", [1, 6, 7, 100])
def test_export_gives_every_matching_header_oldest_first(
    busy: Home, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modconsole.audit.sealed_log._PAGE", page)
    lines = list(busy.log.export_lines(LogQuery()))

    assert [line["seq"] for line in lines] == list(range(6))
    assert lines[0].keys() >= {"origin", "leaf_hash", "kind", "seq", "ts", "actor", "body"}


def test_the_last_settings_hash_is_found(home: Home) -> None:
    assert home.log.last_config_hash() == ""
    for detail in ("one", "two"):
        home.log.seal(an_entry(EntryKind.CONFIG_CHANGED, detail=detail))
    home.fill(1)

    assert home.log.last_config_hash() == "two"


def test_an_entry_without_a_private_part_has_none_to_open(home: Home) -> None:
    home.log.seal(an_entry(EntryKind.ASKED))
    record = home.log.records(LogQuery())[0]

    assert not record.has_body
    assert home.log.open_body(record) is None


def test_an_entry_of_another_log_cannot_be_opened_here(home: Home) -> None:
    home.fill(1)
    record = dataclasses.replace(home.log.records(LogQuery())[0], origin="modconsole.elsewhere/desk/2026Q4")

    with pytest.raises(LogError, match="not in this log"):
        home.log.open_body(record)


def test_a_private_part_whose_key_was_destroyed_reads_as_none(home: Home) -> None:
    home.fill(1)
    home.vault._db.execute("DELETE FROM entry_keys")

    assert home.log.open_body(home.log.records(LogQuery())[0]) is None


def test_an_entry_that_cannot_be_read_is_named(home: Home) -> None:
    home.fill(1)
    tampered(
        home.folder,
        lambda db: db.execute("""UPDATE leaves SET leaf=replace(leaf, '"ts"', '"t"') WHERE seq=1"""),
    )

    with pytest.raises(LogError, match=r"Entry 1 of .* cannot be read"):
        home.log.records(LogQuery())


# Decisions


def test_a_decision_is_computed_from_its_entries(home: Home) -> None:
    for entry in a_decision("d-1"):
        home.log.seal(entry)
    state = home.log.decision("d-1")

    assert state is not None
    assert state.is_settled
    assert [(order.id, order.asked, order.outcome) for order in state.orders] == [
        ("o-d-1", 1, OutcomeKind.APPLIED)
    ]
    assert home.log.decision("d-none") is None


def test_the_decisions_of_a_case_come_oldest_first_and_no_others(home: Home) -> None:
    for id, case in (("d-b", CASE), ("d-a", CASE), ("d-c", OTHER)):
        for entry in a_decision(id, case=case):
            home.log.seal(entry)

    assert [state.id for state in home.log.decisions_of(CASE)] == ["d-b", "d-a"]
    assert home.log.decisions_of("none") == []


@pytest.mark.parametrize("outcome", ["", "unknown"])
def test_what_has_no_certain_outcome_is_unsettled_until_it_has_one(home: Home, outcome: str) -> None:
    home.fill(2)
    for entry in a_decision("d-open", outcome=outcome):
        home.log.seal(entry)

    assert [state.id for state in home.log.unsettled()] == ["d-open"]
    assert [state.id for state in home.log.unsettled()] == ["d-open"]
    home.log.seal(a_decision("d-open", outcome="by_hand")[2])
    assert home.log.unsettled() == []


def test_a_withdrawn_decision_is_settled(home: Home) -> None:
    for entry in a_decision("d-1", outcome=""):
        home.log.seal(entry)
    home.log.seal(an_entry(EntryKind.REVERSED, decision="d-1", detail="undone"))

    assert home.log.unsettled() == []


def test_a_decision_of_several_actions_is_settled_when_each_is(home: Home) -> None:
    more = {"orders": ("o-1", "o-2"), "actions": ("hide", "message_member")}
    for entry in a_decision("d-1", outcome="", **more):
        home.log.seal(entry)
    for order, outcome in (("o-1", "applied"), ("o-2", "unknown"), ("o-1", "already"), ("o-2", "by_hand")):
        assert seen_afresh(home) == ["d-1"]
        home.log.seal(an_entry(EntryKind.OUTCOME, decision="d-1", orders=(order,), outcome=outcome))

    assert seen_afresh(home) == []
    assert home.log.unsettled() == []


def seen_afresh(home: Home) -> list[str]:
    """Ask a console that has read nothing yet."""
    other = Home(home.folder)
    try:
        return [state.id for state in other.log.unsettled()]
    finally:
        other.close()


def test_what_another_console_left_unsettled_is_seen_too(home: Home) -> None:
    assert home.log.unsettled() == []
    other = Home(home.folder)
    for entry in a_decision("d-1", outcome=""):
        other.log.seal(entry)

    assert [state.id for state in home.log.unsettled()] == ["d-1"]
    other.close()
