"""Looking entries up: the first page of each filter, in this device's log and in the reviewing database."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from modconsole.audit.database import open_log, transaction
from modconsole.audit.gathering import Gathering
from modconsole.audit.gathering_schema import open_review
from modconsole.audit.header import canonical, header_fields
from modconsole.audit.sealed_log import SealedLog
from modconsole.core.decision import Entry, EntryKind, ProtocolRef
from modconsole.core.merkle import leaf_hash
from modconsole.ports.audit import LogQuery
from modconsole.vault import DemoSecrets, KeyVault
from tests.bench.report import Line, percentile

__all__ = ["look_up"]

START = datetime(2024, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
LEFT = START + timedelta(days=365)
"""When a busy volunteer left: everything they did is older, which is the hard case for "since"."""

BUSY, GONE = "a-busy", "a-gone"
PROTOCOLS = [
    ProtocolRef(id, version, f"{number:064x}", "approved")
    for number, (id, version) in enumerate(
        (id, version)
        for id in ("self-harm", "suicide-thoughts", "identifying-information", "trolling")
        for version in ("1.0.0", "1.1.0", "2.0.0")
    )
]
ACTIONS = ("hide", "keep", "keep_reply", "message_member", "escalate_lead", "lock_thread", "watch")
BUDGET = "≤ 5 ms"


def look_up(folder: Path, entries: int, runs: int) -> Iterator[Line]:
    """Fill both databases, and ask each for the newest hundred of everything that can be filtered.

    Of each filter, alone and within spans of time, the slowest is given.
    """
    folder.mkdir(parents=True)
    for name, filled, opened in (("log.db", _fill_log, _log), ("review.db", _fill_review, _review)):
        sys.stderr.write(f"Filling {name} with {entries:,} entries\n")
        filled(folder / name, entries)
        ask, close = opened(folder / name)
        for what, spans in _queries(entries).items():
            took = {
                span: percentile([_timed(ask, query) for _ in range(runs)], 50)
                for span, query in spans.items()
            }
            slowest = max(took, key=lambda span: took[span])
            yield Line(f"{name}, {what}", "ms", took[slowest], budget=BUDGET, note=slowest)
        close()


def _queries(entries: int) -> dict[str, dict[str, LogQuery]]:
    first, middle, late = START, START + YEARS / 2, START + YEARS - timedelta(days=2)
    plain = {
        "nothing": LogQuery(),
        "a busy actor": LogQuery(actor=BUSY),
        "an actor who left": LogQuery(actor=GONE),
        "a rare actor": LogQuery(actor="a-rare"),
        "a forum": LogQuery(forum="lantern"),
        "a case": LogQuery(case=_case(entries // 7)),
        "a decision": LogQuery(decision=f"d-{entries // 7}"),
        "an outcome": LogQuery(outcome="applied"),
        "a rare outcome": LogQuery(outcome="conflict"),
        "an urgency": LogQuery(urgency="soon"),
        "a kind": LogQuery(kind=EntryKind.DECIDED),
        "a rare kind": LogQuery(kind=EntryKind.URGENCY_LOWERED),
        "an action": LogQuery(action="hide"),
        "a rare action": LogQuery(action="watch"),
        "a protocol": LogQuery(protocol="self-harm"),
        "a protocol's version": LogQuery(protocol="self-harm", version="1.1.0"),
        "nobody": LogQuery(actor="a-nobody"),
    }
    return {
        what: {
            "at any time": query,
            "since the first day": replace(query, since=first),
            "since the middle": replace(query, since=middle),
            "since two days ago": replace(query, since=late),
            "until the middle": replace(query, until=middle),
            "a week in the middle": replace(query, since=middle, until=middle + timedelta(days=7)),
        }
        for what, query in plain.items()
    }


def _timed(ask: Callable[[LogQuery], object], query: LogQuery) -> float:
    begun = time.perf_counter()
    ask(query)
    return (time.perf_counter() - begun) * 1000


def _log(path: Path) -> tuple[Callable[[LogQuery], object], Callable[[], None]]:
    vault = KeyVault(path.with_name("keys.db"), DemoSecrets(path.with_name("demo.json")))
    log = SealedLog(
        path, vault, kept=vault, org="Bench", device="bench", demo=True, now=lambda: START + YEARS
    )
    return lambda query: log.records(query, limit=100), log.close


def _review(path: Path) -> tuple[Callable[[LogQuery], object], Callable[[], None]]:
    gathering = Gathering(path)
    return lambda query: gathering.records(query, limit=100), gathering.close


def _fill_log(path: Path, entries: int) -> None:
    db = open_log(path, 10.0)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("INSERT INTO logs VALUES (1, 'modconsole.bench/bench/2024Q1', 'none', x'', x'')")
    _insert(
        db,
        "INSERT INTO leaves (log, seq, hash, root, signature, leaf) VALUES (1, ?, ?, ?, ?, ?)",
        (
            (seq, leaf_hash(leaf), bytes(32), bytes(64), leaf.decode())
            for seq, leaf in enumerate(_leaves(entries))
        ),
    )
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _fill_review(path: Path, entries: int) -> None:
    db = open_review(path, 10.0)
    db.execute("PRAGMA synchronous=OFF")
    devices = 8
    for device in range(devices):
        origin = f"modconsole.bench/device-{device}/2024Q1"
        db.execute("INSERT INTO logs (id, origin, vkey) VALUES (?, ?, 'none')", (device + 1, origin))
    _insert(
        db,
        "INSERT INTO leaves (log, seq, hash, leaf) VALUES (?, ?, ?, ?)",
        (
            (number // 3 % devices + 1, number, leaf_hash(leaf), leaf.decode())
            for number, leaf in enumerate(_leaves(entries))
        ),
    )
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _insert(db: sqlite3.Connection, sql: str, rows: Iterator[tuple[object, ...]]) -> None:
    while some := list(islice(rows, 50_000)):
        with transaction(db):
            db.executemany(sql, some)
        sys.stderr.write(".")
        sys.stderr.flush()
    sys.stderr.write("\n")


def _case(number: int) -> str:
    return f"{number // 4:032x}"


def _leaves(entries: int) -> Iterator[bytes]:
    """Give entries as three years of a busy service would: three for most decisions, and some rare ones."""
    chance = random.Random(7)  # noqa: S311 - invented data
    seq = 0
    while seq < entries:
        at = START + YEARS * (seq / entries)
        for entry in _decision(chance, seq, at):
            header = {**header_fields(entry, demo=True), "seq": seq}
            if chance.random() < 0.5:
                header["body"] = {"alg": "A256GCM", "ct": f"{chance.getrandbits(256):064x}", "kc": "ab" * 32}
            yield canonical(header)
            seq += 1
            if seq == entries:
                return


def _decision(chance: random.Random, seq: int, at: datetime) -> Iterator[Entry]:
    drawn = chance.random()
    actor = BUSY if drawn < 0.3 else "a-rare" if drawn > 0.9999 else f"a-{chance.randrange(40)}"
    if at < LEFT and drawn < 0.25:
        actor = GONE
    actions = tuple(chance.sample(ACTIONS[:-1], chance.choice((1, 1, 1, 2, 2, 3, 4))))
    if chance.random() < 0.0005:
        actions = ("watch",)
    about = Entry(
        EntryKind.DECIDED,
        actor,
        at,
        case=_case(seq),
        forum=chance.choice(("lantern", "lantern", "harbour", "bridge")),
        decision=f"d-{seq}",
    )
    if chance.random() < 0.001:
        yield replace(about, kind=EntryKind.URGENCY_LOWERED, urgency="today", detail="soon:today")
    orders = tuple(f"o-{seq}-{number}" for number in range(len(actions)))
    used = tuple(chance.sample(PROTOCOLS, chance.choice((0, 1, 1, 2, 4))))
    yield replace(
        about,
        orders=orders,
        actions=actions,
        urgency=chance.choice(("now", "soon", "today", "routine")),
        protocols=used,
    )
    for order, action in zip(orders, actions, strict=True):
        one = replace(about, orders=(order,), actions=(action,))
        yield replace(one, kind=EntryKind.ASKED)
        outcome = "conflict" if chance.random() < 0.0005 else "applied"
        yield replace(one, kind=EntryKind.OUTCOME, outcome=outcome)
