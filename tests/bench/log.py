"""The sealed log: writing an entry durably, and checking all of them from the stored bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from modconsole.bootstrap.home import Home
from modconsole.core.decision import Entry, EntryKind
from tests.bench.homes import variables
from tests.bench.report import Line, median, percentile

__all__ = ["seal_and_verify"]

BODY = {"reason": "The post shows a street and a house number.", "orders": [], "runs": []}


def seal_and_verify(home: Path, entries: int) -> Iterator[Line]:
    """Seal entries one by one, each beside a plain durable insert; then verify them beside `git fsck`."""
    opened = Home(variables(home))
    desk = opened.desk()
    desk.unlock()
    entry = Entry(
        EntryKind.DECIDED,
        "bench",
        datetime.now(UTC),
        case="ab" * 16,
        forum="lantern",
        decision="d-abcdefgh",
        orders=("o-" + "a" * 26,),
        actions=("hide",),
        urgency="soon",
        body=BODY,
    )
    plain = _plain_database(home / "bench-plain.db")
    ours: list[float] = []
    theirs: list[float] = []
    cpu: list[float] = []
    plain_cpu: list[float] = []
    row = os.urandom(600)
    for number in range(entries):
        # Another case every ten entries, as in life: its key is new to the vault.
        here = replace(entry, case=f"{number // 10:032x}")
        ours.append(_timed(partial(desk.log.seal, here), cpu))
        theirs.append(_timed(partial(plain.execute, "insert into rows (row) values (?)", (row,)), plain_cpu))
    plain.close()
    peer = "durable SQLite insert"
    yield Line("seal an entry, p50", "ms", percentile(ours, 50), peer, percentile(theirs, 50), "≤ 2 ms")
    yield Line("seal an entry, p99", "ms", percentile(ours, 99), peer, percentile(theirs, 99), "≤ 25 ms")
    yield Line("seal an entry, CPU", "ms", median(cpu), peer, median(plain_cpu), "≤ 0.5 ms")
    yield from _verify(opened, home)
    desk.log.close()


def _timed(work: Callable[[], object], cpu: list[float]) -> float:
    begun, cpu_begun = time.perf_counter(), time.process_time()
    work()
    cpu.append((time.process_time() - cpu_begun) * 1000)
    return (time.perf_counter() - begun) * 1000


def _plain_database(path: Path) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table rows (n integer primary key, row blob not null)")
    return db


def _verify(opened: Home, home: Path) -> Iterator[Line]:
    opened.log.verify()  # the first one also imports what only verifying needs
    begun = time.process_time()
    report = opened.log.verify()
    speed = report.entries / (time.process_time() - begun)
    note = "" if report.is_sound else f"NOT SOUND: {report.findings[0].what}"
    fsck = _git_fsck(home / "bench-git", report.entries)
    peer = "git fsck, objects" if fsck else "read and SHA-256 only"
    theirs = fsck or _read_and_hash(opened.paths.log_db)
    yield Line("verify, entries a second of CPU", "/s", speed, peer, theirs, "≥ 100,000/s", note)


def _read_and_hash(path: Path) -> float:
    begun, count = time.process_time(), 0
    with sqlite3.connect(path) as db:
        for name in [row[0] for row in db.execute("select name from sqlite_master where type = 'table'")]:
            for row in db.execute(f'select * from "{name}"'):  # noqa: S608 - names from the file we just made
                hashlib.sha256(repr(row).encode()).digest()
                count += 1
    return count / (time.process_time() - begun)


def _git_fsck(folder: Path, commits: int) -> float:
    """Give the objects a second of CPU that git re-hashes in a history of this many commits; 0 without git."""
    git = shutil.which("git")
    if git is None:
        return 0.0
    shutil.rmtree(folder, ignore_errors=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([git, "init", "-q", str(folder)], check=True, env=env)
    stream = []
    for number in range(commits):
        text = f"entry {number}"
        stream.append(
            f"commit refs/heads/main\ncommitter bench <b@invalid> {1_700_000_000 + number} +0000\n"
            f"data 1\nx\nM 644 inline file\ndata {len(text)}\n{text}\n"
        )
    told = "".join(stream).encode()
    subprocess.run([git, "-C", str(folder), "fast-import", "--quiet"], input=told, check=True, env=env)
    before = os.times()
    subprocess.run([git, "-C", str(folder), "fsck", "--full"], check=True, env=env, capture_output=True)
    after = os.times()
    shutil.rmtree(folder)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return 3 * commits / cpu  # a commit, a tree and a blob each
