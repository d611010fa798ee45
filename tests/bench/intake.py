"""Taking in what the forums flag."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modconsole.bootstrap.home import Home
from modconsole.core.model import Flag, Post, Target, TargetKind
from modconsole.ports.forum import FlagPage
from tests.bench.homes import variables
from tests.bench.report import Line

__all__ = ["take_in"]

PAGE = 100
TEXT = "The evenings are long at the moment, and writing here helps me more than I expected. " * 4


def take_in(home: Path, flags: int) -> Iterator[Line]:
    """Take in pages of new flags, each on a post of its own; the peer only encrypts and stores the texts."""
    desk = Home(variables(home)).desk()
    desk.unlock()
    forum = desk.forums.ids[0]
    pages = _pages(flags)
    begun, cpu = time.perf_counter(), time.process_time()
    for page in pages:
        desk.intake.take_in(forum, page)
    ours = (time.process_time() - cpu) * 1e6 / flags
    wall = (time.perf_counter() - begun) * 1e6 / flags
    desk.store.close()
    theirs = _encrypt_and_store(home / "bench-intake.db", pages) * 1e6 / flags
    peer = "AES-GCM and SQLite only"
    yield Line(f"take in {flags:,} flags, CPU per flag", "µs", ours, peer, theirs, "≤ 100 µs")
    yield Line(f"take in {flags:,} flags, wall per flag", "µs", wall)


def _pages(flags: int) -> list[FlagPage]:
    at = datetime.now(UTC) - timedelta(hours=1)
    target = Target(TargetKind.POST, "", "bench")
    pages = []
    for first in range(0, flags, PAGE):
        numbers = range(first, min(first + PAGE, flags))
        targets = [replace(target, id=f"bench-{number}") for number in numbers]
        posts = tuple(
            Post(one, f"m{number % 997}", "Wren", TEXT, at, "1")
            for one, number in zip(targets, numbers, strict=True)
        )
        reports = tuple(
            Flag(f"bench-{number}", one, "worried", at, topic="distress-no-safety-signs", reporter="m1")
            for one, number in zip(targets, numbers, strict=True)
        )
        pages.append(FlagPage(reports, posts, (), ""))
    return pages


def _encrypt_and_store(path: Path, pages: list[FlagPage]) -> float:
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("create table rows (id text primary key, at integer, sealed blob)")
    begun = time.process_time()
    for page in pages:
        db.execute("begin immediate")
        for post in page.posts:
            nonce = os.urandom(12)
            sealed = AESGCM(os.urandom(32)).encrypt(nonce, post.text.encode(), None)
            db.execute("insert into rows values (?, ?, ?)", (post.target.id, 0, nonce + sealed))
        db.execute("commit")
    took = time.process_time() - begun
    db.close()
    return took
