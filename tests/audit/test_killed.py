"""Consoles that are killed at any moment, many times over, lose nothing that they said was sealed.

The kernel keeps what a killed process has written, so this says nothing about power cuts (`test_power_loss.py` does).
It says that no moment is wrong to die in, of SQLite's as well as of ours, and that whoever comes next can go on.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from modconsole.ports.audit import LogQuery, Receipt
from tests.audit.homes import Home, an_entry

KILLS = int(os.environ.get("MODCONSOLE_KILLS", "150"))
HOMES = 10
AT_ONCE = 2

# A server that has everything imported forks each console in a few milliseconds.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.audit.test_killed", "modconsole.vault.ciphers", "sqlite_utils"])


def seal_until_killed(folder: Path, name: str, said: Connection) -> None:
    home = Home(folder)
    for number in count():
        body = {"n": number, "words": "a kind word " * (number % 50)} if number % 3 else None
        receipt = home.log.seal(an_entry(actor=name, case=f"{number % 5:032x}", body=body))
        said.send((receipt.origin, receipt.seq, receipt.leaf_hash))


class Console:
    """A console in a process of its own, and what it said so far."""

    def __init__(self, folder: Path, name: str) -> None:
        self.receipts: list[Receipt] = []
        self._said, says = SERVER.Pipe(duplex=False)
        self._process = SERVER.Process(target=seal_until_killed, args=(folder, name, says))
        self._process.start()
        says.close()

    def hear(self, entries: int) -> None:
        while len(self.receipts) < entries:
            self.receipts.append(Receipt(*self._said.recv()))

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        with suppress(EOFError):
            while True:
                self.receipts.append(Receipt(*self._said.recv()))
        self._said.close()


@dataclass
class Tally:
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    unsaid: int = 0
    """In the log, and the console was killed before it said so."""
    shut: int = 0
    """Private parts that cannot be opened."""
    unsound: list[str] = field(default_factory=list)


def kill_again_and_again(folder: Path, kills: int) -> Tally:
    """Let one console follow another, or two, and kill each somewhere in its work or its start."""
    folder.mkdir()
    dice, tally, receipts = random.Random(folder.name), Tally(), []  # noqa: S311 - for variety
    while tally.kills < kills:
        consoles = [
            Console(folder, f"console-{tally.kills}-{number}") for number in range(dice.choice((1, 1, 2)))
        ]
        heard = dice.randrange(8)
        consoles[0].hear(heard)
        give_it(seconds=dice.random() * (0.003 if heard else 0.1))
        for console in consoles:
            console.kill()
            receipts += console.receipts
            tally.kills += 1
    return compare(folder, receipts, tally)


def give_it(seconds: float) -> None:
    """Let it come to some moment between two of its steps."""
    until = perf_counter() + seconds
    while perf_counter() < until:
        pass


def compare(folder: Path, receipts: list[Receipt], tally: Tally) -> Tally:
    home = Home(folder)
    home.log.seal(an_entry())
    records = home.log.records(LogQuery(), newest_first=False, limit=1_000_000)[:-1]
    found = {(record.origin, record.seq, record.leaf_hash) for record in records}
    said = {(receipt.origin, receipt.seq, receipt.leaf_hash) for receipt in receipts}
    tally.acknowledged, tally.lost, tally.unsaid = len(said), len(said - found), len(found - said)
    tally.shut = sum(record.has_body and home.log.open_body(record) is None for record in records)
    tally.unsound = [finding.what for finding in home.log.verify().findings]
    home.close()
    return tally


def test_however_often_and_wherever_consoles_are_killed_nothing_they_said_is_lost(tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        folders = [tmp_path / str(number) for number in range(HOMES)]
        tallies = list(pool.map(lambda folder: kill_again_and_again(folder, KILLS // HOMES), folders))
    kills, acknowledged = sum(tally.kills for tally in tallies), sum(tally.acknowledged for tally in tallies)
    print(f"Killed: {kills} times, {acknowledged} acknowledged, {sum(tally.lost for tally in tallies)} lost")

    assert kills >= KILLS
    assert acknowledged > KILLS
    for tally in tallies:
        assert (tally.lost, tally.shut, tally.unsound) == (0, 0, [])
        assert tally.unsaid <= tally.kills
