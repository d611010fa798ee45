"""Erasing, refusing, restricting: what goes is in no file any more, what stays can be checked."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from modconsole.core.actions import Action
from modconsole.core.decision import EntryKind
from modconsole.core.errors import (
    DataError,
    LogError,
    NoSuchCase,
    NotAllowed,
    SecretsUnavailable,
    VaultLocked,
    WrongUsage,
)
from modconsole.core.model import Case, Target, TargetKind
from modconsole.desk import Choice
from modconsole.desk.erasure import Erasure, Request, restriction, story, unfinished
from modconsole.desk.handing_on import fhir_export
from modconsole.ports import LogQuery
from tests.desk.fakes import ADA, HERON, SAID, a_flag, a_page, a_post
from tests.desk.homes import Home

ASKED = Request("consent_withdrawn", "the member, by letter", "SAR-2026-014")
WHY = "She asks for company on her walk."
OTTER = Target(TargetKind.POST, "p-otter", "t-river")
ROBIN = Target(TargetKind.POST, "p-robin", "t-river")
BEE = "m-bee"


def erasure(home: Home, role: str = "data_lead") -> Erasure:
    settings = replace(home.settings, role=role)
    return Erasure(replace(home.desk.cases, settings=settings), home.vault)


def fill(home: Home) -> list[Case]:
    """Two cases about Ada and one about Bee, which Ada reported; each was worked on."""
    posts = [a_post(), a_post("I counted nine otters.", target=OTTER), a_post(target=ROBIN, author=BEE)]
    flags = [
        a_flag(),
        a_flag("f2", target=OTTER, comment="Is she all right out there?"),
        a_flag("f3", target=ROBIN, reporter=ADA),
    ]
    home.desk.intake.take_in("fake", a_page(*flags, posts=posts))
    cases = [home.store.case_at("fake", target) for target in (HERON, OTTER, ROBIN)]
    for case in cases:
        assert case is not None
        work_on(home, case)
    return [home.case(case.id) for case in cases if case is not None]


def work_on(home: Home, case: Case) -> None:
    run = home.desk.cases.start_run(case.id, "suicide-thoughts")
    home.desk.cases.answer(case.id, run.id, "imminent", ["no"])
    home.desk.cases.answer(case.id, run.id, "mood", ["Grey, with geese."])
    home.desk.cases.note(case.id, "Ask about the bridge.")
    home.desk.cases.save_draft(case.id, "message", "Hello, and thank you for the heron.")
    decided = home.desk.decisions.decide(case.id, [Choice(Action.HIDE)], WHY)
    asyncio.run(home.desk.decisions.settle(decided.id))


def traces(home: Home, *cases: Case) -> dict[str, bytes]:
    """Give every byte string that must be gone: ciphertexts, wrapped keys, and what joins a token to a member."""
    found: dict[str, bytes] = {}
    with closing(sqlite3.connect(home.folder / "desk.db")) as db:
        for case in cases:
            found[f"{case.id} id"] = case.id.encode()
            row = db.execute(
                "SELECT n, names, target_key, member_key FROM cases WHERE id=?", [case.id]
            ).fetchone()
            found |= {f"{case.id} names": row[1], f"{case.id} target": row[2].encode()}
            found[f"{case.id} member"] = row[3].encode()
            sealed = db.execute("SELECT sealed FROM files WHERE n=?", [row[0]]).fetchall()
            for table in ("runs", "notes", "drafts"):
                sealed += db.execute(f"SELECT sealed FROM {table} WHERE case_id=?", [case.id])  # noqa: S608
            of_runs = "SELECT sealed FROM events WHERE run_id IN (SELECT id FROM runs WHERE case_id=?)"
            sealed += db.execute(of_runs, [case.id])
            found |= {f"{case.id} desk {number}": blob for number, (blob,) in enumerate(sealed)}
    tokens = [case.token for case in cases]
    marks = ",".join("?" * len(tokens))
    with closing(sqlite3.connect(home.folder / "keys.db")) as db:
        for table in ("case_keys", "entry_keys"):
            rows = db.execute(f'SELECT wrapped FROM {table} WHERE "case" IN ({marks})', tokens)  # noqa: S608
            found |= {f"{table} {number}": blob for number, (blob,) in enumerate(rows)}
    with closing(sqlite3.connect(home.folder / "log.db")) as db:
        bodies = f'SELECT body FROM leaves WHERE "case" IN ({marks}) AND body IS NOT NULL'  # noqa: S608
        found |= {f"log {number}": body for number, (body,) in enumerate(db.execute(bodies, tokens))}
    return found


def still_there(folder: Path, wanted: dict[str, bytes]) -> set[str]:
    """Search every byte of every file, also for a part of what is wanted."""
    everything = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    return {
        name
        for name, what in wanted.items()
        if any(part in data for data in everything for part in (what, what[:20], what[-20:]))
    }


WORDS = {
    word: word.encode() for word in (SAID, WHY, "nine otters", "Grey, with geese", "thank you for the heron")
}


@pytest.fixture
def real(homes: Callable[..., Home]) -> Home:
    return homes(real_log=True)


@pytest.mark.parametrize("open_elsewhere", [False, True])
def test_after_an_erasure_nothing_of_the_case_is_in_any_file(
    real: Home, homes: Callable[..., Home], open_elsewhere: bool
) -> None:
    first, _, other = fill(real)
    elsewhere = homes(real_log=True) if open_elsewhere else None
    if elsewhere is not None:
        elsewhere.desk.cases.view(first.id)
    gone, wrapping = traces(real, first), real.vault._secrets.get("wrapping-key")
    assert wrapping is not None
    gone |= {"old wrapping key": wrapping.hex().encode()}
    shared = {name for name in gone if name.endswith(" member")}  # her other case has the same
    assert still_there(real.folder, gone) == set(gone)
    assert still_there(real.folder, WORDS) == set()  # only ever as ciphertext

    (done,) = erasure(real).erase([first], ASKED)

    assert (
        still_there(real.folder, {name: what for name, what in gone.items() if name not in shared}) == set()
    )
    assert (done.case, done.token, done.bodies) == (first.id, first.token, 2)
    assert real.log.verify().is_sound
    assert real.store.file(other).post is not None
    assert real.store.case(first.id) is None
    if elsewhere is not None:
        with pytest.raises(NoSuchCase):
            elsewhere.desk.cases.note(first.id, "One more word.")
        assert elsewhere.store.file(other).post is not None
        elsewhere.desk.cases.note(other.id, "Still here.")
        assert [note.text for note in real.store.notes(other)][-1] == "Still here."


def test_a_member_is_erased_in_every_case_and_the_pseudonym_with_them(real: Home) -> None:
    first, second, other = fill(real)
    office = erasure(real)
    assert {case.id for case in office.about("fake", ADA)} == {first.id, second.id}
    assert [case.id for case in office.reported_by("fake", ADA)] == [other.id]
    gone = traces(real, first, second)

    office.erase(office.about("fake", ADA), ASKED)

    assert still_there(real.folder, gone) == set()
    assert office.about("fake", ADA) == []
    assert real.kinds.count("erased") == 2
    real.start()
    assert real.store.file(other).post is not None
    assert real.log.verify().is_sound


def test_what_must_stay_readable_stays(real: Home) -> None:
    first, *_ = fill(real)
    erasure(real).erase([first], ASKED)

    records = real.log.records(LogQuery(case=first.token), newest_first=False)
    kinds = [record.entry.kind.value for record in records]
    assert kinds == ["decided", "asked", "outcome", "erase_requested", "erased"]
    assert [record.erased for record in records] == [True, False, True, False, False]
    assert [real.log.open_body(record) for record in records[:3]] == [None] * 3
    assert records[0].entry.actions == ("hide",)
    assert records[0].entry.protocols[0].id == "suicide-thoughts"
    assert records[3].entry.detail == "consent_withdrawn:SAR-2026-014"
    assert records[4].entry.detail == "rotated"
    assert real.body(EntryKind.ERASE_REQUESTED)["requester"] == "the member, by letter"
    assert real.body(EntryKind.ERASED)["bodies"] == 2
    told = story(real.log, first.token)
    assert told.words == f"erased on {told.erased_at:%Y-%m-%d} by moss, ref SAR-2026-014"
    assert erasure(real).token_of(first.id) == first.token


@pytest.mark.parametrize(
    ("basis", "ref", "code"),
    [
        ("objection", "SAR-7", "objection:SAR-7"),
        ("Because Ada asked", "SAR-7", ":SAR-7"),
        ("objection", "letter from Ada", "objection:"),
        ("objection", "ada-brook", "objection:"),
        ("Because Ada asked", "letter from Ada", ""),
    ],
)
def test_only_codes_are_readable_in_the_log(basis: str, ref: str, code: str) -> None:
    assert Request(basis, "the member", ref).code == code


def test_a_post_that_is_flagged_again_begins_a_new_case(home: Home, case: str) -> None:
    old = home.case(case)
    erasure(home).erase([old], ASKED)
    home.desk.intake.take_in("fake", a_page())

    new = home.store.case_at("fake", HERON)
    assert new is not None
    assert (new.id, new.token) != (old.id, old.token)
    assert home.store.file(new).post is not None


def test_what_still_comes_in_about_an_erased_case_is_recorded_without_words(real: Home) -> None:
    first, *_ = fill(real)
    outcome = real.log.records(LogQuery(case=first.token, kind=EntryKind.OUTCOME))[0]
    erasure(real).erase([first], ASKED)
    real.log.seal(replace(outcome.entry, body={"detail": "a word of hers"}))

    late = real.log.records(LogQuery(case=first.token), limit=1)[0]
    assert late.entry.kind is EntryKind.OUTCOME
    assert not late.has_body
    assert real.log.verify().is_sound


# Who, and when


@pytest.mark.parametrize("role", ["moderator", "senior_moderator", "clinical_lead", "buddy"])
def test_only_some_may_erase_refuse_or_restrict(home: Home, case: str, role: str) -> None:
    office, about = erasure(home, role), home.case(case)
    for attempt in (
        lambda: office.erase([about], ASKED),
        lambda: office.resume(),
        lambda: office.refuse(about, ASKED, "a claim is open"),
        lambda: office.restrict(about, "needed_for_claims"),
        lambda: office.lift(about, ""),
    ):
        with pytest.raises(NotAllowed, match=role.replace("_", " ")):
            attempt()
    assert home.kinds == []


@pytest.mark.parametrize("role", ["safeguarding_lead", "data_lead", "service_manager"])
def test_these_may(fast: Home, case: str, role: str) -> None:
    assert len(erasure(fast, role).erase([fast.case(case)], ASKED)) == 1


def test_a_locked_vault_or_empty_words_erase_nothing(home: Home, case: str) -> None:
    about, office = home.case(case), erasure(home)
    with pytest.raises(WrongUsage):
        office.erase([about], replace(ASKED, basis=" "))
    home.lock()
    with pytest.raises(VaultLocked):
        office.erase([about], ASKED)
    home.vault.unlock()

    assert home.kinds == []
    assert home.store.file(about).post is not None


def test_an_open_decision_or_a_colleague_at_work_comes_first(home: Home, case: str) -> None:
    decided = home.desk.decisions.decide(case, [Choice(Action.HIDE)], WHY)
    with pytest.raises(NotAllowed, match=decided.id):
        erasure(home).erase([home.case(case)], ASKED)
    asyncio.run(home.desk.decisions.settle(decided.id))
    home.store.claim(case, "reed", home.clock().replace(year=2030), home.clock())
    with pytest.raises(NotAllowed, match="reed"):
        erasure(home).erase([home.case(case)], ASKED)
    assert "erase_requested" not in home.kinds


# Stopped half-way


class Stopped(BaseException):
    """The power goes."""


@dataclass
class Moments:
    left: int

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stopped


class Stopping:
    """One of the parts, that stops everything before or after something it does."""

    def __init__(self, part: Any, moment: Moments) -> None:
        self._part, self._moment = part, moment

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        if name not in ("seal", "erase", "clear_wal", "rotate"):
            return method

        def stopping(*args: Any) -> Any:
            self._moment()
            done = method(*args)
            self._moment()
            return done

        return stopping


MOMENTS = 2 * (2 + 1 + 1 + 2 + 3 + 1 + 2)
"""Two requests; rows, keys, two ciphertexts, three files, the wrapping key, two receipts; before and after each."""


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_stopped_at_any_moment_it_is_finished_once_and_nothing_else_is_lost(real: Home, moment: int) -> None:
    *mine, other = fill(real)
    gone = traces(real, *mine)
    office, moments = erasure(real), Moments(moment)
    stopping: Any = replace(
        office.cases, store=Stopping(real.store, moments), log=Stopping(real.log, moments)
    )
    with pytest.raises(Stopped):
        Erasure(stopping, Stopping(real.vault, moments)).erase(mine, ASKED)  # type: ignore[arg-type]

    real.start()
    begun = [record.entry.case for record in unfinished(real.log)]
    asked = {record.entry.case for record in real.log.records(LogQuery(kind=EntryKind.ERASE_REQUESTED))}
    erasure(real).resume()

    assert unfinished(real.log) == []
    assert erasure(real).resume() == []
    for case in mine:
        erased = real.log.records(LogQuery(case=case.token, kind=EntryKind.ERASED))
        assert len(erased) == (case.token in asked)
        assert (real.store.case(case.id) is None) == (case.token in asked)
        for record in erased:
            assert (real.log.open_body(record) or {})["bodies"] == 2
    if len(asked) == 2:
        assert still_there(real.folder, gone) == set()
    assert set(begun) <= asked
    assert real.log.verify().is_sound
    assert real.store.file(other).post is not None
    assert len(real.store.notes(other)) == 1
    assert len(real.vault._secrets.names()) == 2  # the log's key, and one wrapping key


def test_every_moment_is_tried(real: Home) -> None:
    *mine, _ = fill(real)
    office, moments = erasure(real), Moments(MOMENTS)
    stopping: Any = replace(
        office.cases, store=Stopping(real.store, moments), log=Stopping(real.log, moments)
    )
    Erasure(stopping, Stopping(real.vault, moments)).erase(mine, ASKED)  # type: ignore[arg-type]

    assert moments.left == 0


def test_two_consoles_that_finish_the_same_erasure_say_so_once(
    real: Home, homes: Callable[..., Home]
) -> None:
    first, *_ = fill(real)
    second = erasure(homes(real_log=True))

    class BothAtOnce:
        def __getattr__(self, name: str) -> Any:
            return getattr(real.vault, name)

        def rotate(self) -> None:
            assert len(second.resume()) == 1
            real.vault.rotate()

    done = Erasure(erasure(real).cases, BothAtOnce()).erase([first], ASKED)  # type: ignore[arg-type]

    assert done == []
    assert real.kinds.count("erased") == 1
    assert real.log.verify().is_sound


def test_an_unfinished_erasure_is_told_by_verify_and_by_the_story(real: Home) -> None:
    first, *_ = fill(real)
    office = erasure(real)

    class NoRotation:
        def __getattr__(self, name: str) -> Any:
            return getattr(real.vault, name)

        def rotate(self) -> None:
            raise SecretsUnavailable("The keyring takes nothing.", next_step="Unlock it.")

    with pytest.raises(DataError, match=r"not finished\. The keyring takes nothing") as caught:
        Erasure(office.cases, NoRotation()).erase([first], ASKED)  # type: ignore[arg-type]
    assert "Unlock it. Then run `modconsole audit erase --resume`" in caught.value.next_step
    (finding,) = real.log.verify().findings
    assert "not finished" in finding.what
    assert "not finished" in story(real.log, first.token).words

    real.vault.close()
    with pytest.raises(VaultLocked):
        office.resume()
    real.vault.unlock()
    (done,) = office.resume()
    assert done.bodies == 2
    assert real.log.verify().is_sound


@pytest.mark.parametrize("file", ["desk.db", "log.db", "keys.db"])
def test_while_another_program_reads_old_pages_it_is_not_called_done(real: Home, file: str) -> None:
    first, *_ = fill(real)
    quick(real)
    with closing(sqlite3.connect(real.folder / file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with pytest.raises(DataError, match=file) as caught:
            erasure(real).erase([first], ASKED)
        assert "--resume" in caught.value.next_step
        assert "erased" not in real.kinds
        reader.execute("ROLLBACK")
    erasure(real).resume()

    assert real.kinds[-1] == "erased"


def quick(home: Home) -> None:
    """Let nobody wait long for a program that reads on purpose."""
    home.store._file._patience = 0.05
    home.log._busy_seconds = 0.05  # type: ignore[attr-defined]
    home.vault._busy_seconds = 0.05
    home.store.close()
    home.log.close()
    home.vault.close()
    home.vault.unlock()
    home.store._file._is_closed = False


# Refusing and restricting


def test_a_refusal_is_sealed_and_changes_nothing_else(home: Home, case: str) -> None:
    about = home.case(case)
    erasure(home).refuse(about, Request("legal_claims", "the member", "SAR-9"), "A claim is being heard.")

    assert home.kinds == ["erase_refused"]
    assert home.entries[0].detail == "legal_claims:SAR-9"
    assert home.body(EntryKind.ERASE_REFUSED)["reason"] == "A claim is being heard."
    assert home.store.file(about).post is not None
    assert unfinished(home.log) == []


def test_a_restricted_case_is_kept_and_not_shown_nor_erased(home: Home, case: str) -> None:
    about, office = home.case(case), erasure(home)
    home.desk.cases.note(case, "Ask about the bridge.")
    office.restrict(about, "accuracy_contested")
    shown = home.desk.cases.view(case)

    assert shown.unreadable.startswith("Restricted: ")
    assert shown.file is None
    assert shown.notes == ()
    with pytest.raises(NotAllowed, match="Restricted"):
        fhir_export(home.desk.cases, None, case)  # type: ignore[arg-type]  # it never gets as far as the tools
    with pytest.raises(NotAllowed, match="restricted"):
        office.erase([about], ASKED)
    with pytest.raises(NotAllowed, match="already"):
        office.restrict(about, "accuracy_contested")
    home.desk.decisions.decide(
        case, [Choice(Action.HIDE)], WHY
    )  # acting for a member's safety is never gated

    office.lift(about, "settled")
    assert home.desk.cases.view(case).unreadable == ""
    assert restriction(home.log, about.token) is None
    with pytest.raises(NotAllowed, match="not restricted"):
        office.lift(about, "again")
    assert [entry.detail for entry in home.entries if entry.kind is EntryKind.RESTRICTED] == [
        "accuracy_contested",
        "lifted",
    ]


def test_a_restricted_case_is_read_with_a_reason_that_is_sealed_first(home: Home, case: str) -> None:
    about = home.case(case)
    assert erasure(home).may_read(about.token, "")
    erasure(home).restrict(about, "in our own words")
    before = home.kinds

    assert not erasure(home).may_read(about.token, "")
    with pytest.raises(NotAllowed, match="moderator"):
        erasure(home, "moderator").may_read(about.token, "curious")
    assert home.kinds == before
    assert erasure(home).may_read(about.token, "The member's solicitor asked.")
    assert home.kinds == [*before, "text_opened"]


def test_a_log_that_cannot_be_read_hides_no_text(
    fast: Home, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure(fast).restrict(fast.case(case), "accuracy_contested")

    def cannot(*_: object, **__: object) -> None:
        raise LogError("The log cannot be read.")

    monkeypatch.setattr(fast.log, "records", cannot)
    assert fast.desk.cases.view(case).file is not None
    monkeypatch.setattr(fast.log, "decisions_of", cannot)
    assert fast.desk.cases.view(case).file is not None
