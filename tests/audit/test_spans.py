"""Searching the log within a span of time, whatever its clock did; and in lists longer than their indices."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modconsole.audit.database import open_log
from modconsole.audit.header import canonical, header_fields
from modconsole.audit.schema import MIGRATIONS
from modconsole.audit.search import records
from modconsole.core.decision import Entry, EntryKind, ProtocolRef
from modconsole.ports.audit import LogQuery
from tests.audit.homes import an_entry

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
# A few days, so that many entries share one; on both sides of a month's and a year's end.
TIMES = [FIRST + timedelta(days=day, hours=hour) for day in (0, 1, 30, 31, 364, 365) for hour in (0, 9, 23)]


@contextmanager
def holding(entries: list[Entry]) -> Iterator[sqlite3.Connection]:
    """Give a log's tables with these entries, without anything that proves them."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    from sqlite_utils import Database

    for migration in MIGRATIONS:
        migration(Database(db))
    db.execute("INSERT INTO logs (id, origin, vkey, frontier, trail) VALUES (1, 'a', '', x'', x'')")
    for seq, entry in enumerate(entries):
        leaf = canonical({**header_fields(entry, demo=False), "seq": seq}).decode()
        db.execute(
            "INSERT INTO leaves (log, seq, hash, root, signature, leaf) VALUES (1, ?, x'', x'', x'', ?)",
            (seq, leaf),
        )
    yield db
    db.close()


def found(db: sqlite3.Connection, query: LogQuery, **more: int) -> list[int]:
    return [record.seq for record in records(db, query, newest_first=True, limit=1000, **more)]


@settings(max_examples=10, deadline=None)
@given(st.permutations(TIMES), st.sampled_from([LogQuery(), LogQuery(actor="a-1"), LogQuery(action="hide")]))
def test_a_span_holds_what_was_sealed_in_it_in_whatever_order(times: list[datetime], asked: LogQuery) -> None:
    entries = [
        an_entry(at=at, actor=f"a-{n % 2}", actions=("hide",) * (n % 3 > 0)) for n, at in enumerate(times)
    ]

    with holding(entries) as db:
        for since, until in product([None, *TIMES], repeat=2):
            expected = [
                seq
                for seq, entry in enumerate(entries)
                if (since is None or entry.at >= since)
                and (until is None or entry.at < until)
                and asked.actor in ("", entry.actor)
                and (not asked.action or asked.action in entry.actions)
            ]
            assert found(db, replace(asked, since=since, until=until)) == expected[::-1]


@pytest.mark.parametrize("place", range(7))
def test_the_last_of_many_actions_and_protocols_is_found_like_the_first(place: int) -> None:
    actions = [f"other-{n}" for n in range(7)]
    used = [ProtocolRef(f"other-{n}", "1.0", "aa" * 32, "approved") for n in range(7)]
    actions[place], used[place] = "hide", ProtocolRef("self-harm", "2.0", "bb" * 32, "approved")
    entries = [an_entry(), an_entry(actions=tuple(actions), protocols=tuple(used)), an_entry(EntryKind.ASKED)]

    with holding(entries) as db:
        assert found(db, LogQuery(action="hide")) == [1]
        assert found(db, LogQuery(protocol="self-harm")) == [1]
        assert found(db, LogQuery(protocol="self-harm", version="2.0")) == [1]
        assert found(db, LogQuery(action="hide", protocol="self-harm", version="2.0")) == [1]
        assert found(db, LogQuery(protocol="self-harm", version="1.0")) == []
        assert found(db, LogQuery(action="hide", protocol="other-9")) == []


def test_a_log_of_an_earlier_format_is_brought_up_to_date_and_finds_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    db = open_log(path, 1.0, MIGRATIONS[:1])
    db.execute("INSERT INTO logs (id, origin, vkey, frontier, trail) VALUES (1, 'a', '', x'', x'')")
    leaf = canonical({**header_fields(an_entry(actions=("hide",)), demo=False), "seq": 0}).decode()
    db.execute(
        "INSERT INTO leaves (log, seq, hash, root, signature, leaf) VALUES (1, 0, x'', x'', x'', ?)", (leaf,)
    )
    db.close()

    db = open_log(path, 1.0)
    assert found(db, LogQuery(action="hide", since=FIRST)) == [0]
    db.close()
