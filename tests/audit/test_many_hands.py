"""Several consoles on one log, and consoles that die in the middle of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from modconsole.ports.audit import LogQuery, Receipt
from tests.audit.homes import Home, an_entry

ROOT = Path(__file__).parents[2]


def a_writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.audit.writer", str(folder), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_four_consoles_write_one_log_and_none_is_turned_away(tmp_path: Path) -> None:
    writers = [a_writer(tmp_path, f"console-{number}", 25) for number in range(4)]
    said = [writer.communicate(timeout=60) for writer in writers]
    home = Home(tmp_path)
    report, records = home.log.verify(), home.log.records(LogQuery(), newest_first=False, limit=1000)

    assert [errors for _, errors in said] == [""] * 4
    assert (report.findings, report.entries, len(report.heads)) == ((), 100, 1)
    assert [record.seq for record in records] == list(range(100))
    for number in range(4):
        mine = [record.entry.detail for record in records if record.entry.actor == f"console-{number}"]
        assert mine == [str(number) for number in range(25)]
    home.close()


@pytest.mark.parametrize("after", [1, 4, 15])
def test_a_console_that_is_killed_loses_nothing_it_said_was_sealed(tmp_path: Path, after: int) -> None:
    writer = a_writer(tmp_path, "console", 100_000)
    assert writer.stdout is not None
    said = [writer.stdout.readline().split() for _ in range(after)]
    writer.kill()
    rest, _ = writer.communicate(timeout=60)
    said += [line.split() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    home = Home(tmp_path)
    receipt = home.log.seal(an_entry())
    records = {record.seq: record for record in home.log.records(LogQuery(), limit=100_000)}

    assert all(records[int(seq)].leaf_hash == leaf_hash for seq, leaf_hash in said)
    assert receipt.seq - len(said) in (0, 1)  # at most one was sealed and not yet said
    assert home.log.verify().findings == ()
    assert all(home.log.open_body(record) for record in records.values() if record.has_body)
    home.close()


def test_threads_of_one_console_share_its_log(home: Home) -> None:
    receipts: list[Receipt] = []
    threads = [Thread(target=lambda: receipts.append(home.log.seal(an_entry()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(receipt.seq for receipt in receipts) == list(range(8))
    assert home.log.verify().is_sound
