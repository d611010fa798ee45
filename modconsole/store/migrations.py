"""The schema of `desk.db`, as numbered steps. Steps are only ever added; one that was released is never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["MIGRATIONS", "VERSION", "migrate"]


def migrate(db: sqlite3.Connection, steps: Sequence[Callable[[Database], None]] | None = None) -> None:
    """Take the steps this file has not had yet, all or none. Two consoles may do it at the same time."""
    from sqlite_utils import Database  # 100 ms that a start with an up-to-date file does not have

    # `create_table`, never `Table.create`: before 4.0 that one commits, and half a migration could stay behind.
    # Not its plugins: they would be strangers' code on our connection.
    tables = Database(db, recursive_triggers=False, execute_plugins=False)
    db.execute("BEGIN IMMEDIATE")
    try:
        done = db.execute("PRAGMA user_version").fetchone()[0]
        for number, step in enumerate(steps or MIGRATIONS, start=1):
            if number > done:
                step(tables)
                db.execute(f"PRAGMA user_version={number}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _cases(db: Database) -> None:
    """Cases and what members wrote (`names` and `files.sealed` are ciphertext), and the queue over them.

    Times are in microseconds since 1970. `rank` and `place` are the queue's order (`core.triage.queue_place`).
    """
    cases = db.create_table(
        "cases",
        {
            "n": int,
            "id": str,
            "token": str,
            "forum": str,
            "kind": str,
            "target_key": str,
            "member_key": str,
            "names": bytes,
            "state": str,
            "rank": int,
            "place": int,
            "topic": str,
            "suggested": str,
            "reasons": str,
            "flags": int,
            "length": int,
            "flagged_at": int,
            "look_due": int,
            "act_due": int,
            "first_opened_at": int,
            "last_decided_at": int,
            "closed_at": int,
            "follow_up_at": int,
            "updated_at": int,
            "resolved_elsewhere": int,
            "changed_since_flagged": int,
            "passed_on_by": str,
            "claimed_by": str,
            "claimed_until": int,
        },
        pk="n",
        not_null={"id", "token", "forum", "kind", "state", "rank", "place", "flagged_at", "claimed_by"},
        defaults={"claimed_by": ""},
    )
    cases.create_index(["id"], unique=True)
    cases.create_index(["token"], unique=True)
    cases.create_index(["forum", "target_key"], unique=True)
    cases.create_index(["state", "rank", "place", "id"], index_name="queue")
    cases.create_index(["forum", "state", "rank", "place", "id"], index_name="queue_of_forum")
    db.execute("CREATE INDEX passed_on ON cases (state, rank, id, passed_on_by) WHERE passed_on_by <> '[]'")
    db.execute("CREATE INDEX same_member ON cases (forum, member_key, flagged_at) WHERE member_key <> ''")
    db.execute("CREATE INDEX follow_ups ON cases (state, follow_up_at) WHERE follow_up_at IS NOT NULL")
    # By number: the longest rows go in one after the other, wherever in the index their case's id may be.
    db.create_table("files", {"n": int, "sealed": bytes}, pk="n", foreign_keys=[("n", "cases", "n")])
    _counts(db)
    db.execute("CREATE TABLE queue_version (number INTEGER NOT NULL)")
    db.execute("INSERT INTO queue_version VALUES (1)")


def _counts(db: Database) -> None:
    """Keep how many cases there are per forum, state and rank: counting a million rows takes longer than a frame."""
    db.create_table(
        "counts", {"forum": str, "state": str, "rank": int, "cases": int}, pk=("forum", "state", "rank")
    )
    one_more = (
        "INSERT INTO counts VALUES (new.forum, new.state, new.rank, 1)"
        " ON CONFLICT (forum, state, rank) DO UPDATE SET cases = cases + 1;"
    )
    one_less = (
        "UPDATE counts SET cases = cases - 1"
        " WHERE forum = old.forum AND state = old.state AND rank = old.rank;"
    )
    moved = "new.forum <> old.forum OR new.state <> old.state OR new.rank <> old.rank"
    db.execute(f"CREATE TRIGGER count_in AFTER INSERT ON cases BEGIN {one_more} END")
    db.execute(f"CREATE TRIGGER count_out AFTER DELETE ON cases BEGIN {one_less} END")
    db.execute(
        f"CREATE TRIGGER count_moved AFTER UPDATE OF forum, state, rank ON cases WHEN {moved}"
        f" BEGIN {one_less} {one_more} END"
    )


def _work(db: Database) -> None:
    """What moderators add to a case, each line of it ciphertext; and where forums and screens left off."""
    of_case = [("case_id", "cases", "id")]
    db.create_table(
        "runs", {"id": str, "case_id": str, "n": int, "sealed": bytes}, pk="id", foreign_keys=of_case
    )
    db.table("runs").create_index(["case_id", "n"], unique=True)
    db.create_table(
        "events",
        {"run_id": str, "n": int, "sealed": bytes},
        pk=("run_id", "n"),
        foreign_keys=[("run_id", "runs", "id")],
    )
    db.create_table(
        "notes", {"case_id": str, "n": int, "sealed": bytes}, pk=("case_id", "n"), foreign_keys=of_case
    )
    db.create_table(
        "drafts", {"case_id": str, "name": str, "sealed": bytes}, pk=("case_id", "name"), foreign_keys=of_case
    )
    db.create_table("cursors", {"forum": str, "cursor": str}, pk="forum")
    db.create_table("memory", {"key": str, "value": str}, pk="key")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_cases, _work)

VERSION = len(MIGRATIONS)
"""The format this program reads and writes (`user_version`)."""
