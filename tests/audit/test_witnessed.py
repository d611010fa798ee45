"""What witnesses countersigned of our log is kept, counted honestly, and held against the log ever after."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modconsole.audit import SealedLog
from modconsole.audit.cosigning import is_cosigned
from modconsole.audit.database import open_log
from modconsole.audit.heads import signed_head
from modconsole.audit.schema import MIGRATIONS
from modconsole.audit.witnessed import LogWitnessed, cosigned_checkpoint
from modconsole.audit.witnessing import FileWitness
from modconsole.core.cosignature import (
    Cosignature,
    WitnessAnswer,
    WitnessPolicy,
    cosigned_text,
    parse_add_checkpoint,
    parse_cosignatures,
)
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError, ModconsoleError, WrongUsage
from modconsole.core.note import Checkpoint, checkpoint_text, parse_note, parse_verifier_key
from modconsole.ports.audit import LogQuery, VerifyReport
from modconsole.ports.witnessing import Taken
from tests.audit.homes import ORIGIN, START, Home, an_entry, tampered
from tests.audit.test_verifying import again, said_otherwise, truncated_properly


class Staff:
    """A device with its log, and seniors who countersign it, each in a home of their own."""

    def __init__(self, folder: Path, seniors: int = 1, needed: int = 1) -> None:
        self.device = Home(made(folder / "device"))
        self.homes = [Home(made(folder / f"senior-{number}")) for number in range(seniors)]
        self.seniors = [
            FileWitness(
                home.folder / "witness.db",
                home.vault,
                kept=home.vault,
                name=f"modconsole.quiet-harbour/senior-{number}/witness",
                now=lambda home=home: home.time,  # type: ignore[misc]
            )
            for number, home in enumerate(self.homes)
        ]
        self.policy = WitnessPolicy(tuple(senior.key for senior in self.seniors), needed)
        self.side = LogWitnessed(
            self.device.folder / "log.db", self.policy, kept=self.device.vault, now=lambda: self.device.time
        )

    def enrol(self) -> None:
        for head in self.device.log.heads():
            for senior in self.seniors:
                senior.enrol(parse_verifier_key(head.vkey))

    def witness(self, number: int = 0, **asked: int) -> list[Taken]:
        """Go the whole round once."""
        self.enrol()
        request = self.side.request(witness=f"senior-{number}", old_size=asked.get("old"))
        answer = self.seniors[number].answer(request.text.encode())
        return self.side.take(answer, request.text)

    def verify(self) -> VerifyReport:
        return self.reading().verify()

    def reading(self) -> SealedLog:
        return SealedLog(
            self.device.folder / "log.db",
            self.device.vault,
            kept=self.device.vault,
            org="Quiet Harbour",
            device="Front desk",
            demo=False,
            now=lambda: self.device.time,
            witnesses=self.policy,
        )

    def reopen(self) -> None:
        """Let go of every file, so that somebody else can change them."""
        self.device.close()
        self.device = Home(self.device.folder)
        self.side._kept = self.device.vault

    def close(self) -> None:
        self.device.close()
        for senior, home in zip(self.seniors, self.homes, strict=True):
            senior.close()
            home.close()


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def staff(tmp_path: Path) -> Iterator[Staff]:
    here = Staff(tmp_path)
    here.device.fill(2)
    yield here
    here.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Staff]:
    here = Staff(tmp_path, seniors=3, needed=2)
    here.device.fill(2)
    yield here
    here.close()


# Asking


def test_the_first_request_begins_at_0_and_the_next_where_the_witness_is(staff: Staff) -> None:
    first = staff.side.request()
    assert (first.old_size, first.size, first.origin) == (0, 6, ORIGIN)
    assert parse_add_checkpoint(first.text).proof == ()

    staff.witness()
    staff.device.fill(1)
    second = staff.side.request()

    assert (second.old_size, second.size) == (6, 9)
    assert staff.seniors[0].answer(second.text.encode()).status == 200


def test_every_growth_is_proved(staff: Staff) -> None:
    staff.enrol()
    for _ in range(12):
        staff.device.log.seal(an_entry())
        assert len(staff.witness()) == 1

    assert staff.verify().unwitnessed == 0


def test_an_earlier_head_can_be_asked_about(staff: Staff) -> None:
    request = staff.side.request(size=4, old_size=2)

    assert parse_note(parse_add_checkpoint(request.text).checkpoint).text.split("\n")[1] == "4"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"origin": "nobody's"}, "no log"),
        ({"witness": "nobody"}, "names none"),
        ({"size": 7}, "no head of 7"),
        ({"size": -1}, "no head of -1"),
        ({"old_size": 7}, "cannot continue"),
        ({"old_size": -1}, "cannot continue"),
    ],
)
def test_what_cannot_be_asked_is_named(staff: Staff, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        staff.side.request(**asked)


def test_an_empty_log_has_nothing_to_witness(tmp_path: Path) -> None:
    here = Staff(tmp_path)

    with pytest.raises(WrongUsage, match="nothing to witness"):
        here.side.request()
    here.close()


def test_a_log_that_does_not_prove_its_heads_sends_nothing(staff: Staff) -> None:
    staff.witness()
    staff.device.fill(1)
    staff.reopen()
    tampered(staff.device.folder, lambda db: db.execute("UPDATE leaves SET hash=x'00' WHERE seq=2"))

    with pytest.raises(LogError, match="do not give the heads"):
        staff.side.request()


# Taking


def test_a_countersignature_is_kept_and_taking_it_twice_does_nothing(staff: Staff) -> None:
    staff.enrol()
    answer = staff.seniors[0].answer(staff.side.request().text.encode())

    (first,), (again_,) = staff.side.take(answer), staff.side.take(answer)
    assert (first.size, first.origin, first.at, first.is_new) == (6, ORIGIN, START, True)
    assert again_.is_new is False
    assert [head.size for head in staff.device.vault.witnessed_heads()] == [6]


def test_an_answer_finds_its_head_without_its_request(staff: Staff) -> None:
    staff.enrol()
    answer = staff.seniors[0].answer(staff.side.request().text.encode())
    staff.device.fill(3)

    assert [taken.size for taken in staff.side.take(answer)] == [6]


@pytest.mark.parametrize("bit", [0, 6])
def test_no_byte_of_an_answer_can_be_changed(staff: Staff, bit: int) -> None:
    staff.enrol()
    request = staff.side.request().text
    answer = staff.seniors[0].answer(request.encode()).text().encode()
    from modconsole.core.cosignature import parse_answer

    for at in range(len(answer)):
        changed = bytearray(answer)
        changed[at] ^= 1 << bit
        with pytest.raises((ModconsoleError, ValueError)):
            staff.side.take(parse_answer(changed.decode()), request)

    assert staff.device.vault.witnessed_heads() == []
    assert len(staff.side.take(parse_answer(answer.decode()), request)) == 1


def test_somebody_elses_countersignature_does_not_count(staff: Staff) -> None:
    staff.enrol()
    answer = staff.seniors[0].answer(staff.side.request().text.encode())
    staff.side._policy = WitnessPolicy()

    with pytest.raises(WrongUsage, match="no witness in the settings"):
        staff.side.take(answer)


def test_an_answer_to_another_request_is_refused(staff: Staff) -> None:
    staff.enrol()
    answer = staff.seniors[0].answer(staff.side.request(size=3).text.encode())

    with pytest.raises(WrongUsage, match="does not fit"):
        staff.side.take(answer, staff.side.request().text)


def test_a_request_of_another_device_is_refused(staff: Staff, tmp_path: Path) -> None:
    other = Staff(made(tmp_path / "other"))
    other.device.fill(1)
    other.enrol()
    request = other.side.request().text
    answer = other.seniors[0].answer(request.encode())

    with pytest.raises(WrongUsage, match="no request of ours"):
        staff.side.take(answer, request)
    other.close()


def test_a_countersignature_of_the_day_after_tomorrow_is_refused(staff: Staff) -> None:
    staff.homes[0].later(days=2)

    with pytest.raises(WrongUsage, match="yet to come"):
        staff.witness()


def test_a_409_that_is_behind_says_how_to_go_on(staff: Staff) -> None:
    with pytest.raises(ModconsoleError) as caught:
        staff.side.take(WitnessAnswer(409, "2\n"), staff.side.request().text)
    assert "--old 2" in caught.value.next_step


def test_a_409_beyond_our_log_is_an_alarm(staff: Staff) -> None:
    with pytest.raises(ModconsoleError) as caught:
        staff.side.take(WitnessAnswer(409, "9\n"), staff.side.request().text)
    assert caught.value.what.startswith("WRONG")
    assert "9 entries" in caught.value.what
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
def test_a_refusal_says_what_it_means(staff: Staff, status: int) -> None:
    with pytest.raises(ModconsoleError) as caught:
        staff.side.take(WitnessAnswer(status, "because\n"), staff.side.request().text)
    assert caught.value.kept
    assert caught.value.next_step


# Counting


def test_unwitnessed_is_what_nobody_countersigned(staff: Staff) -> None:
    before = staff.verify()
    staff.witness()
    staff.device.later(hours=3)
    staff.device.log.seal(an_entry(at=staff.device.time))
    after = staff.verify()

    assert (before.unwitnessed, before.oldest_unwitnessed) == (6, START)
    assert (after.unwitnessed, after.oldest_unwitnessed) == (1, START + timedelta(hours=3))
    assert after.is_sound
    assert "1 of 1" in after.notes[-1]


def test_the_status_bar_is_told_the_same_and_nothing_without_witnesses(staff: Staff) -> None:
    staff.witness()
    staff.device.log.seal(an_entry())
    tail = staff.reading().unwitnessed()

    assert tail is not None
    assert (tail.entries, tail.oldest) == (1, START)
    assert staff.device.log.unwitnessed() is None
    staff.witness()
    tail = staff.reading().unwitnessed()
    assert tail is not None
    assert (tail.entries, tail.oldest) == (0, None)


def test_two_of_three_means_two_of_three(three: Staff) -> None:
    three.witness(0)
    assert three.verify().unwitnessed == 6
    three.device.fill(1)
    three.witness(1)
    assert three.verify().unwitnessed == 3
    three.witness(2)
    assert three.verify().unwitnessed == 0


def test_one_witness_twice_is_one_witness(three: Staff) -> None:
    three.witness(0)
    three.witness(0)

    assert three.verify().unwitnessed == 6


def test_a_witness_who_is_no_longer_named_is_checked_and_not_counted(staff: Staff) -> None:
    staff.witness()
    staff.policy = WitnessPolicy()

    report = staff.verify()
    assert (report.is_sound, report.unwitnessed) == (True, 6)
    assert "senior-0/witness" in report.notes[-1]


def test_an_old_log_with_a_tail_counts_beside_the_new_one(staff: Staff) -> None:
    staff.device.later(days=100)
    staff.device.log.seal(an_entry())
    staff.witness()

    assert [(tail.size, tail.witnessed) for tail in staff.side.tails()] == [(6, 0), (2, 2)]
    assert staff.verify().unwitnessed == 6


def test_the_last_countersigned_head_can_be_handed_out_with_every_signature_of_it(three: Staff) -> None:
    for number in (0, 2):
        three.witness(number)
    three.device.fill(1)
    with sqlite3.connect(three.device.folder / "log.db") as db:
        note = cosigned_checkpoint(db, ORIGIN)
        assert cosigned_checkpoint(db, "another") == ""
    db.close()

    head = signed_head(note.encode(), [parse_verifier_key(three.device.log.heads()[0].vkey)])
    assert head.point.size == 6
    given = parse_cosignatures(parse_note(note).signatures, three.policy.witnesses)
    assert [one.key for one in given] == [three.policy.witnesses[number] for number in (0, 2)]
    assert all(is_cosigned(one, parse_note(note).text) for one in given)


# Held against the log


def wrong(staff: Staff, change: Callable[[sqlite3.Connection], object]) -> list[tuple[int | None, str]]:
    staff.reopen()
    tampered(staff.device.folder, change)
    return [(finding.seq, finding.what) for finding in staff.verify().findings]


def test_a_log_cut_below_a_countersigned_head_is_found(staff: Staff) -> None:
    staff.witness()

    found = wrong(staff, lambda db: truncated_properly(db, 4))
    assert (4, "The log has 4 entries; keys.db remembers 6.") in found
    assert any(
        seq == 4 and "senior-0/witness countersigned 6 of it (2026-11-02 09:30 UTC)" in what
        for seq, what in found
    )


def test_an_older_copy_put_back_together_with_an_older_keys_db_is_found_by_the_countersignature_alone(
    staff: Staff, tmp_path: Path
) -> None:
    staff.device.close()
    shutil.copytree(staff.device.folder, tmp_path / "backup")
    staff.device = Home(staff.device.folder)
    staff.side._kept = staff.device.vault
    staff.device.fill(1)
    request = staff.side.request().text
    staff.enrol()
    answer = staff.seniors[0].answer(request.encode())
    staff.device.close()
    shutil.rmtree(staff.device.folder)
    shutil.copytree(tmp_path / "backup", staff.device.folder)
    staff.device = Home(staff.device.folder)
    staff.side._kept = staff.device.vault

    assert staff.verify().is_sound
    staff.side.take(answer, request)
    report = staff.verify()
    assert "countersigned 9 of it" in report.findings[0].what
    assert "Countersigned: 9 entries, root" in report.findings[0].means

    receipt = staff.device.log.seal(an_entry())
    assert receipt.origin == f"{ORIGIN}-2"
    (opening,) = staff.device.log.records(LogQuery(kind=EntryKind.KEY_EVENT))
    assert opening.entry.detail == "shortened"
    previous: Any = opening.header["prev"]
    assert previous["size"] == previous["witnessed"]["size"] == 9


def test_a_log_that_went_on_after_it_was_put_back_goes_on_no_further_once_its_witness_is_heard(
    staff: Staff, tmp_path: Path
) -> None:
    staff.device.close()
    shutil.copytree(staff.device.folder, tmp_path / "backup")
    staff.device = Home(staff.device.folder)
    staff.side._kept = staff.device.vault
    staff.device.log.seal(an_entry())
    staff.enrol()
    staff.seniors[0].answer(staff.side.request().text.encode())
    staff.device.close()
    shutil.rmtree(staff.device.folder)
    shutil.copytree(tmp_path / "backup", staff.device.folder)
    staff.device = Home(staff.device.folder)
    staff.side._kept = staff.device.vault
    staff.device.fill(2)  # nobody knows yet
    (tmp_path / "head").write_text(staff.seniors[0].logs()[0].checkpoint, "utf-8")

    assert [taken.size for taken in staff.side.take_file(tmp_path / "head")] == [7]
    assert "At 7 entries the log is not the one" in staff.verify().findings[0].what
    assert staff.device.log.seal(an_entry()).origin == f"{ORIGIN}-2"


def test_a_history_written_again_with_the_logs_own_key_is_found(staff: Staff) -> None:
    staff.witness()
    vault = staff.device.vault

    def rewritten(db: sqlite3.Connection) -> None:
        said_otherwise(db, 2)
        again(db)
        for id, seq, root in db.execute("SELECT id, seq, root FROM leaves").fetchall():
            text = checkpoint_text(Checkpoint(ORIGIN, seq + 1, root))
            db.execute("UPDATE leaves SET signature=? WHERE id=?", (vault.sign(ORIGIN, text.encode()), id))
        again(db)

    staff.device.log.close()
    tampered(staff.device.folder, rewritten)
    found = [finding.what for finding in staff.verify().findings]
    assert any(
        "At 6 entries the log is not the one that modconsole.quiet-harbour/senior-0/witness" in what
        for what in found
    )
    assert staff.verify().unwitnessed == 6


@pytest.mark.parametrize("column", ["size", "root", "vkey", "time", "signature"])
def test_a_changed_countersignature_is_found_and_does_not_count(staff: Staff, column: str) -> None:
    staff.witness()
    values = {
        "size": "size-1",
        "root": "zeroblob(32)",
        "vkey": "'x'||vkey",
        "time": "time+1",
        "signature": "zeroblob(64)",
    }

    found = wrong(staff, lambda db: db.execute(f"UPDATE cosignatures SET {column}={values[column]}"))  # noqa: S608
    assert any("is not what they signed" in what for _, what in found)
    assert any("is not in log.db; keys.db remembers it" in what for _, what in found)


@pytest.mark.parametrize("column", ["origin", "size", "root", "vkey", "time", "signature"])
@pytest.mark.parametrize("value", ["''", "x''", "-1", "9223372036854775807", "x'ff'", "'☃'"])
def test_nonsense_in_place_of_a_countersignature_is_found_and_breaks_nothing(
    staff: Staff, column: str, value: str
) -> None:
    staff.witness()

    assert wrong(staff, lambda db: db.execute(f"UPDATE cosignatures SET {column}={value}"))  # noqa: S608
    assert staff.reading().unwitnessed() is not None


def test_a_countersignature_made_up_for_a_right_head_does_not_count(staff: Staff) -> None:
    staff.witness()
    staff.device.fill(1)

    found = wrong(
        staff,
        lambda db: db.execute(
            "INSERT INTO cosignatures (origin, size, root, vkey, time, signature) SELECT origin, 9,"
            " (SELECT root FROM leaves WHERE seq=8), vkey, time, signature FROM cosignatures"
        ),
    )
    assert ["is not what they signed" in what for _, what in found] == [True]
    assert staff.verify().unwitnessed == 3
    tail = staff.reading().unwitnessed()
    assert tail is not None
    assert tail.entries == 3


def test_a_countersignature_taken_out_is_found_and_still_counts(staff: Staff) -> None:
    staff.witness()

    found = wrong(staff, lambda db: db.execute("DELETE FROM cosignatures"))
    assert [what for _, what in found] == [
        "The countersignature of modconsole.quiet-harbour/senior-0/witness at 6 entries (2026-11-02 09:30 UTC) is not "
        "in log.db; keys.db remembers it."
    ]
    assert staff.verify().unwitnessed == 0


def test_a_whole_log_that_is_gone_is_named_by_its_witness(staff: Staff) -> None:
    staff.witness()
    staff.device.close()
    for file in staff.device.folder.glob("log.db*"):
        file.unlink()
    staff.device = Home(staff.device.folder)

    assert any("senior-0/witness countersigned 6 entries of it" in f.what for f in staff.verify().findings)


def test_the_table_taken_out_is_found(staff: Staff) -> None:
    staff.witness()

    found = wrong(staff, lambda db: db.execute("DROP TABLE cosignatures"))
    assert any("“cosignatures” is not as modconsole made it" in what for _, what in found)


# A new log names what was witnessed of the old one


def test_a_new_log_names_the_last_witnessed_head_of_the_one_before(staff: Staff) -> None:
    staff.witness()
    staff.device.fill(1)
    staff.device.later(days=100)
    staff.device.log.seal(an_entry())

    (opening,) = staff.device.log.records(LogQuery(kind=EntryKind.KEY_EVENT))
    prev = json.loads(json.dumps(opening.header["prev"]))
    assert (prev["origin"], prev["size"]) == (ORIGIN, 9)
    (kept,) = staff.device.vault.witnessed_heads()
    assert prev["witnessed"] == {"size": 6, "root": kept.root.hex()}


def test_a_log_begun_after_a_loss_names_it_too(staff: Staff) -> None:
    staff.witness()
    staff.device.close()
    for file in staff.device.folder.glob("log.db*"):
        file.unlink()
    staff.device = Home(staff.device.folder)
    staff.device.log.seal(an_entry())

    (opening,) = staff.device.log.records(LogQuery(kind=EntryKind.KEY_EVENT))
    assert opening.origin == f"{ORIGIN}-2"
    previous: Any = opening.header["prev"]
    assert previous["witnessed"]["size"] == 6


def test_without_a_witness_nothing_is_named(staff: Staff) -> None:
    staff.device.later(days=100)
    staff.device.log.seal(an_entry())

    (opening,) = staff.device.log.records(LogQuery(kind=EntryKind.KEY_EVENT))
    assert sorted(opening.header["prev"]) == ["origin", "root", "size"]  # type: ignore[call-overload]


# Older and newer files


def test_a_log_of_the_first_version_is_taken_further(home: Home) -> None:
    open_log(home.folder / "log.db", 1.0, MIGRATIONS[:1]).close()
    home.fill(1)
    report = home.log.verify()

    assert report.is_sound
    assert report.entries == 3
    with sqlite3.connect(home.folder / "log.db") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("SELECT count(*) FROM cosignatures").fetchone() == (0,)
    db.close()


def test_a_log_of_a_newer_version_is_refused_politely(home: Home) -> None:
    home.fill(1)
    home.close()
    tampered(home.folder, lambda db: db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}"))
    later = Home(home.folder)

    with pytest.raises(LogError, match="newer modconsole") as caught:
        later.log.seal(an_entry())
    assert "Use the newer version" in caught.value.next_step
    later.close()


def test_a_keys_db_from_before_there_were_witnesses_is_taken_further(tmp_path: Path) -> None:
    from modconsole.vault.database import _MIGRATIONS, open_keys

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modconsole.vault.database._MIGRATIONS", _MIGRATIONS[:1])
        open_keys(tmp_path / "keys.db").close()
    home = Home(tmp_path)
    home.fill(1)

    assert home.vault.witnessed_heads() == []
    assert home.log.verify().is_sound
    home.close()


def test_the_largest_witnessed_head_is_the_one_that_is_remembered(staff: Staff) -> None:
    staff.enrol()
    requests = [staff.side.request(size=size, old_size=old).text for old, size in ((0, 2), (2, 5))]
    answers = [staff.seniors[0].answer(request.encode()) for request in requests]

    for request, answer in reversed(list(zip(requests, answers, strict=True))):
        staff.side.take(answer, request)
    (kept,) = staff.device.vault.witnessed_heads()
    assert kept.size == 5
    given = Cosignature(staff.seniors[0].key, kept.time, kept.signature)
    assert is_cosigned(given, checkpoint_text(Checkpoint(kept.origin, kept.size, kept.root)))
    assert cosigned_text(kept.time, "x\n").startswith("cosignature/v1\n")
