"""The state of the simulated forum, in one SQLite file of its own, so that what was done stays done between starts."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modconsole.core.errors import DataError
from modconsole.practice.content import MEMBERS, THREADS, InventedFlag, InventedPost

__all__ = ["World", "build"]

ARRIVAL_SECONDS = 25
"""A later flag arrives about this long after the one before, counted from when the forum is opened."""

_SCHEMA = """
create table meta (key text primary key, value text not null);
create table members (
    id text primary key, name text not null, joined_at integer not null, flagged_before integer not null,
    age_band text not null, place text not null, note text not null,
    state text not null default 'active', state_until integer);
create table threads (id text primary key, title text not null, locked integer not null default 0,
    slow integer not null default 0, area text not null default 'Support');
create table posts (
    n integer primary key, id text not null unique, thread text not null, author text not null, text text not null,
    at integer not null, version integer not null default 1, visibility text not null default 'visible',
    images integer not null default 0, staff integer not null default 0, edited_by text not null default '');
create index posts_by_thread on posts (thread, at);
create index posts_by_author on posts (author, at);
create table flags (
    n integer primary key, post text not null, topic text not null, reason text not null, reporter text not null,
    comment text not null, source text not null, at integer not null, arrives integer not null,
    seq integer, answered integer not null default 0);
create index flags_by_seq on flags (seq);
create index flags_waiting on flags (arrives) where seq is null;
create index flags_by_post on flags (post);
create table orders (id text primary key, action text not null, target text not null, kind text not null,
    detail text not null, at integer not null);
create table messages (id text primary key, member text not null, text text not null, at integer not null);
create table staff_room (id text primary key, text text not null, at integer not null);
"""

_MORE_NAMES = (
    "Alder Aster Beech Birch Briar Burdock Celandine Chicory Cicely Comfrey Cowslip Daisy Dunnock Elder Fern Finch "
    "Foxglove Gorse Hawthorn Heather Iris Ivy Jackdaw Kestrel Lark Lavender Lichen Lupin Mallow Maple Meadow Merlin "
    "Mint Nettle Oak Orchid Osier Plover Poppy Primrose Robin Rush Sage Sedge Snowdrop Sorrel Swift Tansy Teal Thyme"
).split()


class World:
    """An opened simulated forum."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise DataError(
                f"The simulated forum's file {path.name} is not there.",
                kept="The cases and the log are in other files.",
                next_step="Make a new demo home with `modconsole demo --prepare`.",
            )
        # The adapter's own thread uses it, after another one may have made it.
        self.db = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self.db.execute(sql, values).fetchall()

    def close(self) -> None:
        self.db.close()


_INSERT_FLAG = """
insert into flags (post, topic, reason, reporter, comment, source, at, arrives) values (?, ?, ?, ?, ?, ?, ?, ?)
"""


def build(path: Path, *, now: datetime, seed: int = 7, cases: int = 0) -> None:
    """Make a new world. Deterministic for a seed, but for `now`.

    Args:
        cases: How many posts are flagged from the start; 0 takes the invented posts as they are. More than those
            repeats them under other names and times.
    """
    dice = random.Random(seed)  # noqa: S311 - for variety, not for secrets
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    db = sqlite3.connect(unfinished, isolation_level=None)
    unfinished.chmod(0o600)
    try:
        db.executescript(_SCHEMA)
        db.execute("begin")
        _fill(db, now, dice, seed, cases)
        db.execute("commit")
    finally:
        db.close()
    unfinished.replace(path)  # a world is whole or not there


def _fill(db: sqlite3.Connection, now: datetime, dice: random.Random, seed: int, cases: int) -> None:
    db.execute("insert into meta values ('seed', ?)", (str(seed),))
    flagged = [(t, p) for t in THREADS for p in t.posts if p.flags and not p.later]
    later = [(t, p) for t in THREADS for p in t.posts if p.later]
    keep_flagged = {id(post) for _, post in (flagged[:cases] if cases else flagged)}
    db.executemany("insert into members values (?, ?, ?, ?, ?, ?, ?, 'active', null)", _members(now))
    db.executemany(
        "insert into threads (id, title) values (?, ?)", ((thread.id, thread.title) for thread in THREADS)
    )
    ids: dict[int, str] = {}
    for thread in THREADS:
        for number, post in enumerate(thread.posts, 1):
            ids[id(post)] = f"{thread.id}-{number}"
            at = now - timedelta(minutes=post.minutes_ago, seconds=dice.randrange(60))
            _insert_post(db, ids[id(post)], thread.id, post, at)
            if id(post) in keep_flagged:
                _insert_flags(db, ids[id(post)], post.flags, at, now, dice)
    never = int((now + timedelta(days=3650)).timestamp())
    for _, post in later:
        for flag in post.flags:
            _insert_flag(db, ids[id(post)], flag, now, never)
    _histories(db, now, dice)
    if cases > len(flagged):
        _repeat(db, [post for _, post in flagged], cases - len(flagged), now, dice)


def _members(now: datetime) -> Iterator[tuple[object, ...]]:
    for member in MEMBERS:
        joined = int((now - timedelta(days=member.joined_days_ago)).timestamp())
        yield (
            member.id,
            member.name,
            joined,
            member.flagged_before,
            member.age_band,
            member.place,
            member.note,
        )


_EARLIER = (
    "Thank you for last night, it helped to read that.",
    "Does anyone else find Sundays long?",
    "I managed a walk today. Small, but I am counting it.",
    "Sending warmth to whoever needs it.",
    "I am not sure I belong here but I keep coming back.",
)


def _histories(db: sqlite3.Connection, now: datetime, dice: random.Random) -> None:
    """Give every member who has been here a while a few quiet earlier posts, in a thread of their own kind."""
    db.execute("insert into threads (id, title) values ('t00', 'Day to day')")
    for member in MEMBERS:
        for number in range(min(4, member.joined_days_ago // 30)):
            at = now - timedelta(days=dice.randrange(7, max(8, member.joined_days_ago)))
            post = InventedPost(member.id, dice.choice(_EARLIER), 0)
            _insert_post(db, f"t00-{member.id}-{number}", "t00", post, at)


def _insert_post(db: sqlite3.Connection, id: str, thread: str, post: InventedPost, at: datetime) -> None:
    db.execute(
        "insert into posts (id, thread, author, text, at, images) values (?, ?, ?, ?, ?, ?)",
        (id, thread, post.author, post.text, int(at.timestamp()), post.images),
    )


def _insert_flags(
    db: sqlite3.Connection,
    post: str,
    flags: Sequence[InventedFlag],
    at: datetime,
    now: datetime,
    dice: random.Random,
) -> None:
    for flag in flags:
        flagged = min(now, at + timedelta(seconds=dice.randrange(30, 240)))
        _insert_flag(db, post, flag, flagged, int(flagged.timestamp()))


def _insert_flag(db: sqlite3.Connection, post: str, flag: InventedFlag, at: datetime, arrives: int) -> None:
    db.execute(
        _INSERT_FLAG,
        (
            post,
            flag.topic,
            flag.reason,
            flag.by,
            flag.comment,
            flag.source.value,
            int(at.timestamp()),
            arrives,
        ),
    )


def _repeat(
    db: sqlite3.Connection, flagged: Sequence[InventedPost], count: int, now: datetime, dice: random.Random
) -> None:
    """Flag many more posts: the same words under other names and times, spread over the last days."""
    start = int(now.timestamp())
    members = max(1, count // 40)
    joined = [start - dice.randrange(86_400, 86_400 * 900) for _ in range(members)]
    db.executemany(
        "insert into members values (?, ?, ?, 0, 'adult', 'GB-ENG', '', 'active', null)",
        ((f"x{i}", f"{dice.choice(_MORE_NAMES)}{i}", joined[i]) for i in range(members)),
    )
    db.executemany(
        "insert into threads (id, title) values (?, ?)",
        ((f"y{i}", f"{dice.choice(_MORE_NAMES)} and the week") for i in range(count // 25 + 1)),
    )

    def rows() -> Iterator[tuple[tuple[object, ...], list[tuple[object, ...]]]]:
        for number in range(count):
            post = flagged[number % len(flagged)]
            at = start - dice.randrange(300, 86_400 * 3)
            id = f"y{number // 25}-{number}"
            flags: list[tuple[object, ...]] = [
                (id, f.topic, f.reason, f.by, f.comment, f.source.value, at + 60, at + 60) for f in post.flags
            ]
            yield (id, f"y{number // 25}", f"x{dice.randrange(members)}", post.text, at, post.images), flags

    made = list(rows())
    db.executemany(
        "insert into posts (id, thread, author, text, at, images) values (?, ?, ?, ?, ?, ?)",
        (p for p, _ in made),
    )
    db.executemany(
        _INSERT_FLAG,
        (flag for _, flags in made for flag in flags),
    )


def moment(seconds: int | None) -> datetime | None:
    """Give a stored time as an aware one."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
