"""`DeskStore`: the port `CaseStore` over one SQLite file."""

# ruff: noqa: S608 - SQL is put together from this file's own words only; values are always bound

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from modconsole.core.errors import NoSuchCase, StoreError, VaultError
from modconsole.core.model import Case, CaseFile, CaseState, Note, Target
from modconsole.core.runs import Run, RunEvent
from modconsole.ports.store import CaseRow, CaseStore, Draft, QueueFilter
from modconsole.ports.vault import Vault
from modconsole.store.erasing import erase
from modconsole.store.file import DeskFile
from modconsole.store.queue import Queue, version_of
from modconsole.store.rows import CASE, NamesInCase, case_of, micros, packed, row_of, unpacked

__all__ = ["DeskStore"]

_encode = json.JSONEncoder().encode
_OF_CASE = "n = (SELECT n FROM cases WHERE id = ?)"


class DeskStore(CaseStore):
    """Cases, runs, notes and drafts in `desk.db`.

    Whatever a member wrote, and every name a forum may have put into a target or a reason, is ciphertext. While the
    vault is locked a case is given with a target without an id and with the codes of its reasons in place of their
    words; saving such a case leaves the encrypted names alone. Of an erased case nothing is left.

    A claim changes only through `claim` and `release` (and ends when its case is closed), so that saving a case that
    was read a moment ago never takes it from, or gives it back to, somebody else.

    Args:
        path: `desk.db`; made if it is not there.
        patience: Seconds to wait for another console that is writing.

    Raises:
        StoreError: The file cannot be opened. Every method raises it when the file cannot be read or written.
    """

    def __init__(self, path: Path, vault: Vault, *, patience: float = 5.0) -> None:
        self._vault = vault
        self._file = DeskFile(path, patience)
        self._queue = Queue()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._file.alone():
            yield

    # The queue

    def count(self, wanted: QueueFilter) -> int:
        """Count the cases; at once, unless a topic or a text is asked for."""
        with self._file.read() as db:
            return self._queue.count(db, wanted)

    def rows(self, wanted: QueueFilter, first: int, count: int) -> list[CaseRow]:
        with self._file.read() as db:
            return self._queue.rows(db, wanted, first, count)

    def position(self, wanted: QueueFilter, case: str) -> int | None:
        with self._file.read() as db:
            return self._queue.position(db, wanted, case)

    def version(self) -> int:
        with self._file.read() as db:
            return version_of(db)

    # Cases

    def take_in(self, cases: Sequence[tuple[Case, CaseFile]]) -> None:
        """Insert or replace these cases with their files, in one transaction. Claims of known cases stay.

        Raises:
            StoreError: Also when another console has just taken in the same target as another case; nothing is stored.
        """
        if not cases:
            return
        # Sealed before our turn at writing begins: nobody waits for our arithmetic, or for the keys to be on disk.
        sealed = self._vault.seal_many(
            item
            for case, file in cases
            for item in (
                (case.token, packed(NamesInCase(case.target, case.reasons)), _about("names", case.id)),
                (case.token, packed(file), _about("file", case.id)),
            )
        )
        rows = [
            (
                *row_of(case).values(),
                names,
                self._target_key(case.forum, case.target),
                case.claim.by if case.claim else "",
                micros(case.claim.until) if case.claim else None,
            )
            for (case, _), names in zip(cases, sealed[::2], strict=True)
        ]
        columns = (*row_of(cases[0][0]), "names", "target_key", "claimed_by", "claimed_until")
        replaced = ", ".join(
            _end_claim("excluded", column)
            if column.startswith("claimed_")
            else f"{column} = excluded.{column}"
            for column in columns
            if column != "id"
        )
        insert_case = (
            f"INSERT INTO cases ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            f" ON CONFLICT (id) DO UPDATE SET {replaced}"
        )
        with self._file.write() as db:
            try:
                db.executemany(insert_case, rows)
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    "Another console has just taken in one of the same posts.",
                    kept="Its case is kept, and nothing was stored twice.",
                    next_step="Ask the forum again; what is new then joins that case.",
                ) from error
            db.executemany(
                "INSERT INTO files (n, sealed) VALUES ((SELECT n FROM cases WHERE id = ?), ?)"
                " ON CONFLICT (n) DO UPDATE SET sealed = excluded.sealed",
                [(case.id, file) for (case, _), file in zip(cases, sealed[1::2], strict=True)],
            )
            _queue_changed(db)

    def case(self, id: str) -> Case | None:
        return self._one("id = ?", id)

    def case_by_token(self, token: str) -> Case | None:
        return self._one("token = ?", token)

    def case_at(self, forum: str, target: Target) -> Case | None:
        """Give the case of this post, message or member; `target.thread` does not count.

        Raises:
            VaultLocked: Targets are found by a keyed hash.
        """
        return self._one("forum = ? AND target_key = ?", forum, self._target_key(forum, target))

    def cases_at(self, forum: str, targets: Sequence[Target]) -> list[Case | None]:
        keys = [self._target_key(forum, target) for target in targets]
        with self._file.read() as db:
            rows = db.execute(
                f"SELECT target_key, {CASE} FROM cases"
                " WHERE forum = ? AND target_key IN (SELECT value FROM json_each(?))",
                [forum, json.dumps(keys)],
            ).fetchall()
        found = {key: self._case(row) for key, *row in rows}
        return [found.get(key) for key in keys]

    def used(self, ids: Collection[str]) -> set[str]:
        with self._file.read() as db:
            rows = db.execute(
                "SELECT id FROM cases WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(list(ids))]
            ).fetchall()
        return {id for (id,) in rows}

    def earlier_cases(self, case: Case, limit: int = 20) -> list[Case]:
        if not case.member_key:
            return []
        return self._all(
            "forum = ? AND member_key = ? AND member_key <> '' AND id <> ? ORDER BY flagged_at DESC LIMIT ?",
            case.forum,
            case.member_key,
            case.id,
            limit,
        )

    def of_member(self, forum: str, member_key: str) -> list[Case]:
        if not member_key:
            return []
        return self._all(
            "forum = ? AND member_key = ? AND member_key <> '' ORDER BY flagged_at DESC", forum, member_key
        )

    def follow_ups(self, until: datetime) -> list[Case]:
        return self._all("state = 'closed' AND follow_up_at <= ? ORDER BY follow_up_at", micros(until))

    def file(self, case: Case) -> CaseFile:
        with self._file.read() as db:
            row = db.execute(f"SELECT sealed FROM files WHERE {_OF_CASE}", [case.id]).fetchone()
        if row is None:
            raise NoSuchCase(f"There is no case “{case.id}” here.")
        return unpacked(CaseFile, self._vault.open(case.token, row[0], _about("file", case.id)))

    def save_case(self, case: Case) -> None:
        """Keep a case as it is now, but for its claim. Works while the vault is locked.

        Raises:
            NoSuchCase
        """
        row = row_of(case)
        if case.target.id and not self._vault.is_locked:
            names = packed(NamesInCase(case.target, case.reasons))
            row["names"] = self._vault.seal(case.token, names, _about("names", case.id))
        changes = [f"{column} = :{column}" for column in row if column != "id"]
        if case.state is CaseState.CLOSED:
            changes += ["claimed_by = ''", "claimed_until = NULL"]
        with self._file.write() as db:
            changed = db.execute(f"UPDATE cases SET {', '.join(changes)} WHERE id = :id", row).rowcount
            if not changed:
                raise NoSuchCase(f"There is no case “{case.id}” here.")
            _queue_changed(db)

    def save_file(self, case: Case, file: CaseFile) -> None:
        sealed = self._vault.seal(case.token, packed(file), _about("file", case.id))
        with self._file.write() as db:
            changed = db.execute(f"UPDATE files SET sealed = ? WHERE {_OF_CASE}", [sealed, case.id]).rowcount
            if not changed:
                raise NoSuchCase(f"There is no case “{case.id}” here.")

    def claim(self, case: str, by: str, until: datetime, now: datetime, *, take_over: bool = False) -> Case:
        """Take the lease on a case, or renew one's own, unless somebody else holds one that has not expired.

        Gives the case as it is afterwards: whose claim it has says who won.

        Raises:
            NoSuchCase
        """
        with self._file.write() as db:
            changed = db.execute(
                "UPDATE cases SET claimed_by = :by, claimed_until = :until WHERE id = :id"
                " AND (claimed_by IN ('', :by) OR claimed_until <= :now OR :take_over)",
                {"id": case, "by": by, "until": micros(until), "now": micros(now), "take_over": take_over},
            ).rowcount
            if changed:
                _queue_changed(db)
            row = db.execute(f"SELECT {CASE} FROM cases WHERE id = ?", [case]).fetchone()
        if row is None:
            raise NoSuchCase(f"There is no case “{case}” here.")
        return self._case(row)

    def release(self, case: str, by: str) -> None:
        """Let go of one's own claim; somebody else's stays."""
        with self._file.write() as db:
            changed = db.execute(
                "UPDATE cases SET claimed_by = '', claimed_until = NULL WHERE id = ? AND claimed_by = ?",
                [case, by],
            ).rowcount
            if changed:
                _queue_changed(db)

    # Runs, notes, drafts

    def runs(self, case: Case) -> list[Run]:
        with self._file.read() as db:
            runs = db.execute(
                "SELECT id, sealed FROM runs WHERE case_id = ? ORDER BY n", [case.id]
            ).fetchall()
            events = {
                id: db.execute("SELECT n, sealed FROM events WHERE run_id = ? ORDER BY n", [id]).fetchall()
                for id, _ in runs
            }
        return [
            replace(
                unpacked(Run, self._vault.open(case.token, sealed, _about("run", case.id, id))),
                events=tuple(
                    unpacked(RunEvent, self._vault.open(case.token, event, _about("event", case.id, id, n)))
                    for n, event in events[id]
                ),
            )
            for id, sealed in runs
        ]

    def start_run(self, case: Case, run: Run) -> None:
        head = self._vault.seal(case.token, packed(replace(run, events=())), _about("run", case.id, run.id))
        with self._file.write() as db:
            db.execute(
                "INSERT INTO runs (id, case_id, n, sealed)"
                " VALUES (?, ?, (SELECT count(*) FROM runs WHERE case_id = ?), ?)",
                [run.id, case.id, case.id, head],
            )
            for n, event in enumerate(run.events):
                self._put_event(db, case, run.id, n, event)

    def add_event(self, case: Case, run: str, event: RunEvent) -> None:
        with self._file.write() as db:
            row = db.execute(
                "SELECT (SELECT count(*) FROM events WHERE run_id = runs.id) FROM runs WHERE id = ? AND case_id = ?",
                [run, case.id],
            ).fetchone()
            if row is None:
                raise NoSuchCase(f"Case “{case.id}” has no protocol run “{run}”.")
            self._put_event(db, case, run, row[0], event)

    def _put_event(self, db: sqlite3.Connection, case: Case, run: str, n: int, event: RunEvent) -> None:
        sealed = self._vault.seal(case.token, packed(event), _about("event", case.id, run, n))
        db.execute("INSERT INTO events (run_id, n, sealed) VALUES (?, ?, ?)", [run, n, sealed])

    def notes(self, case: Case) -> list[Note]:
        with self._file.read() as db:
            rows = db.execute(
                "SELECT n, sealed FROM notes WHERE case_id = ? ORDER BY n", [case.id]
            ).fetchall()
        return [
            unpacked(Note, self._vault.open(case.token, sealed, _about("note", case.id, n)))
            for n, sealed in rows
        ]

    def add_note(self, case: Case, note: Note) -> None:
        with self._file.write() as db:
            n = db.execute("SELECT count(*) FROM notes WHERE case_id = ?", [case.id]).fetchone()[0]
            sealed = self._vault.seal(case.token, packed(note), _about("note", case.id, n))
            db.execute("INSERT INTO notes (case_id, n, sealed) VALUES (?, ?, ?)", [case.id, n, sealed])

    def drafts(self, case: Case) -> list[Draft]:
        with self._file.read() as db:
            rows = db.execute("SELECT name, sealed FROM drafts WHERE case_id = ?", [case.id]).fetchall()
        drafts = [
            unpacked(Draft, self._vault.open(case.token, sealed, _about("draft", case.id, name)))
            for name, sealed in rows
        ]
        return sorted(drafts, key=lambda draft: draft.at)

    def save_draft(self, case: Case, draft: Draft) -> None:
        if not draft.text:
            with self._file.write() as db:
                db.execute("DELETE FROM drafts WHERE case_id = ? AND name = ?", [case.id, draft.name])
            return
        sealed = self._vault.seal(case.token, packed(draft), _about("draft", case.id, draft.name))
        with self._file.write() as db:
            db.execute(
                "INSERT INTO drafts (case_id, name, sealed) VALUES (?, ?, ?)"
                " ON CONFLICT (case_id, name) DO UPDATE SET sealed = excluded.sealed",
                [case.id, draft.name, sealed],
            )

    # Forums and the screen's memory

    def cursor(self, forum: str) -> str:
        return self._kept("SELECT cursor FROM cursors WHERE forum = ?", forum)

    def save_cursor(self, forum: str, cursor: str) -> None:
        with self._file.write() as db:
            db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [forum, json.dumps(cursor)])

    def remembered(self, key: str) -> str:
        return self._kept("SELECT value FROM memory WHERE key = ?", key)

    def remember(self, key: str, value: str) -> None:
        """Keep something for the screen, in clear: never anything a member wrote."""
        with self._file.write() as db:
            db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", [key, json.dumps(value)])

    # Erasing

    def erase(self, tokens: Collection[str]) -> int:
        with self._file.write() as db:
            erased = erase(db, tokens)
            if erased:
                _queue_changed(db)
        return erased

    def clear_wal(self) -> bool:
        return self._file.clear_wal()

    def close(self) -> None:
        self._file.close()

    def _kept(self, query: str, key: str) -> str:
        # As JSON: a cursor is a stranger's text, and SQLite takes only text that is valid Unicode.
        with self._file.read() as db:
            row = db.execute(query, [key]).fetchone()
        return str(json.loads(row[0])) if row else ""

    def _one(self, where: str, *values: object) -> Case | None:
        with self._file.read() as db:
            row = db.execute(f"SELECT {CASE} FROM cases WHERE {where}", values).fetchone()
        return None if row is None else self._case(row)

    def _all(self, where: str, *values: object) -> list[Case]:
        with self._file.read() as db:
            rows = db.execute(f"SELECT {CASE} FROM cases WHERE {where}", values).fetchall()
        return [self._case(row) for row in rows]

    def _case(self, row: Sequence[Any]) -> Case:
        id, token, names = row[0], row[1], row[-1]
        try:
            opened = self._vault.open(token, names, _about("names", id))
        except VaultError:
            return case_of(row, None)
        return case_of(row, unpacked(NamesInCase, opened))

    def _target_key(self, forum: str, target: Target) -> str:
        # As JSON: a target's id is a stranger's text, and can never be mistaken for a member's own pseudonym.
        return self._vault.pseudonym(forum, _encode([target.kind, target.id]))


def _about(what: str, *where: str | int) -> bytes:
    """Name one place in this file, so that no ciphertext can be moved to another and still open."""
    return _encode(["desk", what, *where]).encode("ascii")


def _end_claim(row: str, column: str) -> str:
    ended = "''" if column == "claimed_by" else "NULL"
    return f"{column} = CASE WHEN {row}.state = 'closed' THEN {ended} ELSE cases.{column} END"


def _queue_changed(db: sqlite3.Connection) -> None:
    db.execute("UPDATE queue_version SET number = number + 1")
