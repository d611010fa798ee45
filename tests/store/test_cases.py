"""Cases, their files, and what moderators add to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from modconsole.core.errors import NoSuchCase, StoreError, VaultError, VaultLocked
from modconsole.core.model import Case, CaseFile, CaseState, Claim, Note, Target, TargetKind
from modconsole.core.run import Run, RunEvent, RunEventKind
from modconsole.core.urgency import Reason, Urgency
from modconsole.ports.store import Draft
from modconsole.store import DeskStore
from tests.store.fakes import MORNING, WORDS, FakeVault, a_case, a_file, with_file

SOON, LATER = MORNING + timedelta(minutes=15), MORNING + timedelta(hours=1)
FULL = a_case(
    1,
    reasons=(Reason("flag:x", "one"), Reason("flag:x", "another"), Reason("reporters", "three said so")),
    first_opened_at=MORNING + timedelta(microseconds=1),
    last_decided_at=MORNING,
    closed_at=MORNING,
    claim=Claim("anna", SOON),
    passed_on_by=("ben", 'c"é'),
    resolved_elsewhere=True,
    changed_since_flagged=True,
    follow_up_at=LATER,
    updated_at=MORNING,
    member_key="k1",
)
BARE = Case("c-bare", "t-bare", "f", Target(TargetKind.MEMBER, "m"), Urgency.NOW, (), MORNING)
ANSWER = RunEvent(RunEventKind.ANSWERED, "step", MORNING, "anna", "imminent", ("no",))
RUN = Run("r-1", "self-harm", "hash", MORNING, "chosen")


@pytest.mark.parametrize("case", [FULL, BARE, a_case(2)])
def test_a_case_and_its_file_come_back_as_they_went_in(store: DeskStore, case: Case) -> None:
    store.take_in([with_file(case)])

    assert case == store.case(case.id)
    assert case == store.case_by_token(case.token)
    assert case == store.case_at(case.forum, replace(case.target, thread="elsewhere"))
    assert a_file(case) == store.file(case)


def test_what_is_not_here_is_none(store: DeskStore) -> None:
    assert store.case("c-none") is None
    assert store.case_by_token("none") is None
    assert store.case_at("greenhouse", Target(TargetKind.POST, "none")) is None


def test_a_post_and_a_member_with_the_same_id_are_two_targets(store: DeskStore) -> None:
    post = a_case(1, target=Target(TargetKind.POST, "7"))
    member = a_case(2, target=Target(TargetKind.MEMBER, "7"))
    elsewhere = a_case(3, target=Target(TargetKind.POST, "7"), forum="orchard")
    store.take_in([with_file(case) for case in (post, member, elsewhere)])

    assert [post, member, elsewhere] == [
        store.case_at(case.forum, case.target) for case in (post, member, elsewhere)
    ]


def test_many_targets_are_looked_up_at_once_in_the_order_asked(store: DeskStore) -> None:
    here, twin = a_case(1), a_case(2)
    store.take_in([with_file(here), with_file(twin)])
    unknown = Target(TargetKind.POST, "none")

    assert [twin, None, here, here] == store.cases_at(
        "greenhouse", [twin.target, unknown, here.target, replace(here.target, thread="elsewhere")]
    )
    assert store.cases_at("orchard", [here.target]) == [None]
    assert store.cases_at("greenhouse", []) == []


def test_ids_in_use_are_told_from_free_ones(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1)), with_file(a_case(2))])

    assert {a_case(1).id} == store.used([a_case(1).id, "c-free", 'c-"'])


def test_text_that_is_not_valid_unicode_is_kept_as_received(store: DeskStore) -> None:
    case = a_case(1, target=Target(TargetKind.POST, "\ud83d", "\udfff"))
    file = a_file(case, "broken \ud83d, \x00 and \x1b[2J")
    store.take_in([(case, file)])
    store.save_cursor("greenhouse", "page \udc00")

    assert file == store.file(case)
    assert case == store.case_at("greenhouse", case.target)
    assert store.cursor("greenhouse") == "page \udc00"


def test_taking_in_again_replaces_the_case_and_its_file(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1)), with_file(a_case(2))])
    changed = a_case(1, flags=2, urgency=Urgency.NOW)
    store.take_in([(changed, a_file(changed, "A later word."))])

    assert changed == store.case(changed.id)
    assert a_file(changed, "A later word.") == store.file(changed)
    assert a_case(2) == store.case(a_case(2).id)


def test_two_consoles_never_make_two_cases_of_one_post(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1))])
    twin = replace(a_case(2), target=a_case(1).target)

    with pytest.raises(StoreError, match="Another console"):
        store.take_in([with_file(a_case(3)), with_file(twin)])

    assert store.case(a_case(3).id) is None
    assert a_case(1) == store.case_at("greenhouse", twin.target)


def test_a_batch_is_taken_in_whole_or_not_at_all(store: DeskStore, vault: FakeVault) -> None:
    vault.locked = True

    with pytest.raises(VaultLocked):
        store.take_in([with_file(a_case(1))])

    assert store.case(a_case(1).id) is None


def test_nothing_to_take_in_is_no_change(store: DeskStore) -> None:
    before = store.version()
    store.take_in([])

    assert before == store.version()


def test_a_saved_case_comes_back_changed(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1))])
    changed = a_case(1, urgency=Urgency.NOW, first_opened_at=MORNING, reasons=(Reason("raised", "by anna"),))
    store.save_case(changed)

    assert changed == store.case(changed.id)


def test_a_saved_file_comes_back_changed(store: DeskStore) -> None:
    case = a_case(1)
    store.take_in([with_file(case)])
    post = a_file(case).post
    file = CaseFile(post, (), (post,) if post else (), "v2")
    store.save_file(case, file)

    assert file == store.file(case)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.save_case(BARE),
        lambda store: store.save_file(BARE, CaseFile(None, ())),
        lambda store: store.file(BARE),
        lambda store: store.claim(BARE.id, "anna", SOON, MORNING),
        lambda store: store.add_event(BARE, "r-none", ANSWER),
    ],
)
def test_a_case_that_is_not_here_is_said_to_be_missing(
    store: DeskStore, use: Callable[[DeskStore], object]
) -> None:
    with pytest.raises(NoSuchCase):
        use(store)


# While the vault is locked


def test_a_locked_vault_hides_the_target_and_the_words_of_reasons_and_nothing_else(
    store: DeskStore, vault: FakeVault
) -> None:
    store.take_in([with_file(FULL)])
    vault.locked = True
    shown = store.case(FULL.id)

    assert shown is not None
    assert Target(TargetKind.POST, "") == shown.target
    assert [reason.text for reason in shown.reasons] == ["flag:x", "flag:x", "reporters"]
    assert replace(shown, target=FULL.target, reasons=FULL.reasons) == FULL


def test_a_case_saved_while_locked_keeps_its_target_and_its_known_reasons(
    store: DeskStore, vault: FakeVault
) -> None:
    store.take_in([with_file(FULL)])
    vault.locked = True
    shown = store.case(FULL.id)
    assert shown is not None
    store.save_case(replace(shown, reasons=(Reason("raised", "by anna"), *shown.reasons), flags=9))
    vault.locked = False

    expected = (Reason("raised", "raised"), *FULL.reasons)
    assert replace(FULL, reasons=expected, flags=9) == store.case(FULL.id)


def test_a_case_read_while_locked_and_saved_after_keeps_its_target(
    store: DeskStore, vault: FakeVault
) -> None:
    store.take_in([with_file(a_case(1))])
    vault.locked = True
    shown = store.case(a_case(1).id)
    vault.locked = False
    assert shown is not None
    store.save_case(replace(shown, flags=2))

    assert a_case(1, flags=2) == store.case(a_case(1).id)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.file(FULL),
        lambda store: store.case_at(FULL.forum, FULL.target),
        lambda store: store.runs(FULL),
        lambda store: store.notes(FULL),
        lambda store: store.drafts(FULL),
        lambda store: store.add_note(FULL, Note(MORNING, "anna", "hello")),
        lambda store: store.save_draft(FULL, Draft("message", "hello", MORNING)),
        lambda store: store.add_event(FULL, RUN.id, ANSWER),
    ],
)
def test_what_members_and_moderators_wrote_needs_the_vault(
    store: DeskStore, vault: FakeVault, use: Callable[[DeskStore], object]
) -> None:
    store.take_in([with_file(FULL)])
    store.start_run(FULL, replace(RUN, events=(ANSWER,)))
    store.add_note(FULL, Note(MORNING, "anna", "hello"))
    store.save_draft(FULL, Draft("message", "hello", MORNING))
    vault.locked = True

    with pytest.raises(VaultLocked):
        use(store)


def test_an_erased_case_stays_in_the_queue_without_its_words(store: DeskStore, vault: FakeVault) -> None:
    store.take_in([with_file(a_case(1)), with_file(a_case(2))])
    vault.erased.add(a_case(1).token)
    shown = store.case(a_case(1).id)

    assert shown is not None
    assert shown.target.id == ""
    with pytest.raises(VaultError):
        store.file(shown)


# Secrecy


def test_no_word_of_anyone_is_readable_in_the_files(store: DeskStore, path: Path) -> None:
    secrets = [
        "Robin",
        "allotment",
        WORDS,
        "all right?",
        "post-1",
        "Whisper",
        "Murmur",
        "imminent",
        "samphire",
    ]
    case = a_case(1, member_key="k")
    store.take_in([with_file(case)])
    store.start_run(case, replace(RUN, events=(replace(ANSWER, values=("Whisper",)),)))
    store.add_event(case, RUN.id, replace(ANSWER, values=("Murmur",)))
    store.add_note(case, Note(MORNING, "anna", "Whisper to Robin"))
    store.save_draft(case, Draft("message", "Murmur to Robin", MORNING))
    store.save_case(replace(case, reasons=(Reason("raised", "Murmur of Robin"),)))
    while_open = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    store.close()
    closed = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    assert {"desk.db", "desk.db-wal", "desk.db-shm"} == set(while_open)
    for content in (*while_open.values(), *closed.values()):
        assert [secret for secret in secrets if secret.encode() in content] == []


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("files", "UPDATE files SET sealed = (SELECT names FROM cases WHERE cases.n = files.n)"),
        ("events", "UPDATE events SET sealed = (SELECT sealed FROM events WHERE n = 1) WHERE n = 0"),
        ("notes", "UPDATE notes SET sealed = (SELECT sealed FROM notes WHERE n = 1) WHERE n = 0"),
        ("drafts", "UPDATE drafts SET name = 'other'"),
        ("runs", "UPDATE runs SET sealed = (SELECT sealed FROM runs WHERE n = 1) WHERE n = 0"),
    ],
)
def test_a_ciphertext_moved_to_another_place_does_not_open(
    store: DeskStore, path: Path, table: str, change: str
) -> None:
    case = a_case(1)
    store.take_in([with_file(case)])
    for number in range(2):
        store.start_run(case, replace(RUN, id=f"r-{number}", events=(ANSWER, ANSWER)))
        store.add_note(case, Note(MORNING, "anna", f"note {number}"))
    store.save_draft(case, Draft("message", "hello", MORNING))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(change)
    read = {"files": store.file, "events": store.runs, "runs": store.runs, "notes": store.notes}

    with pytest.raises(VaultError):
        read.get(table, store.drafts)(case)


# Claims


def test_a_free_case_is_claimed(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1))])

    assert Claim("anna", SOON) == store.claim(a_case(1).id, "anna", SOON, MORNING).claim
    assert a_case(1, claim=Claim("anna", SOON)) == store.case(a_case(1).id)


def test_somebody_elses_claim_is_respected_until_it_expires(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1, claim=Claim("anna", SOON)))])
    before, at = SOON - timedelta(microseconds=1), SOON

    assert Claim("anna", SOON) == store.claim(a_case(1).id, "ben", LATER, before).claim
    assert Claim("ben", LATER) == store.claim(a_case(1).id, "ben", LATER, at).claim


def test_a_claim_can_be_taken_over_and_renewed(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1, claim=Claim("anna", SOON)))])

    assert Claim("ben", SOON) == store.claim(a_case(1).id, "ben", SOON, MORNING, take_over=True).claim
    assert Claim("ben", LATER) == store.claim(a_case(1).id, "ben", LATER, MORNING).claim
    assert Claim("ben", LATER) == store.claim(a_case(1).id, "anna", LATER, MORNING).claim


def test_only_ones_own_claim_is_released(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1, claim=Claim("anna", SOON)))])
    store.release(a_case(1).id, "ben")
    assert a_case(1, claim=Claim("anna", SOON)) == store.case(a_case(1).id)

    store.release(a_case(1).id, "anna")
    assert a_case(1) == store.case(a_case(1).id)


def test_saving_or_taking_in_a_case_read_earlier_leaves_its_claim_alone(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1))])
    store.claim(a_case(1).id, "anna", SOON, MORNING)
    store.save_case(a_case(1, flags=2, claim=Claim("ben", LATER)))
    store.take_in([with_file(a_case(1, flags=3))])

    assert a_case(1, flags=3, claim=Claim("anna", SOON)) == store.case(a_case(1).id)


@pytest.mark.parametrize(
    "close",
    [DeskStore.save_case, lambda store, case: store.take_in([with_file(case)])],
    ids=["save", "take_in"],
)
def test_closing_a_case_ends_its_claim(store: DeskStore, close: Callable[[DeskStore, Case], None]) -> None:
    store.take_in([with_file(a_case(1, claim=Claim("anna", SOON)))])
    close(store, a_case(1, state=CaseState.CLOSED, closed_at=MORNING))

    assert a_case(1, state=CaseState.CLOSED, closed_at=MORNING) == store.case(a_case(1).id)


# Finding cases


def test_other_cases_of_the_same_member_come_newest_first(store: DeskStore) -> None:
    cases = [a_case(number, member_key="k") for number in range(5)]
    others = [a_case(6, member_key="other"), a_case(7, member_key="k", forum="orchard"), a_case(8)]
    store.take_in([with_file(case) for case in (*cases, *others)])

    assert [cases[4], cases[3], cases[1]] == store.earlier_cases(cases[2], limit=3)
    assert store.earlier_cases(a_case(8)) == []


def test_follow_ups_are_closed_cases_that_are_due_earliest_first(store: DeskStore) -> None:
    def closed(number: int, minutes: int | None) -> Case:
        at = None if minutes is None else MORNING + timedelta(minutes=minutes)
        return a_case(number, state=CaseState.CLOSED, follow_up_at=at)

    store.take_in(
        [with_file(case) for case in (closed(1, 5), closed(2, 1), closed(3, 6), closed(4, None))]
        + [with_file(a_case(5, follow_up_at=MORNING))]
    )

    assert [closed(2, 1), closed(1, 5)] == store.follow_ups(MORNING + timedelta(minutes=5))


# Runs, notes, drafts, memory


def test_runs_come_back_in_order_with_all_their_events(store: DeskStore) -> None:
    case = a_case(1)
    store.take_in([with_file(case), with_file(a_case(2))])
    first, second = replace(RUN, id="r-z", events=(ANSWER,)), replace(RUN, id="r-a", because="switch:r-z")
    store.start_run(case, first)
    store.start_run(case, second)
    store.start_run(a_case(2), replace(RUN, id="r-other"))
    skip = RunEvent(RunEventKind.SKIPPED, "two", LATER, "ben", values=("no_time", "the bus came"))
    store.add_event(case, "r-z", skip)
    store.add_event(case, "r-a", ANSWER)
    store.add_event(case, "r-z", ANSWER)

    expected = [replace(first, events=(ANSWER, skip, ANSWER)), replace(second, events=(ANSWER,))]
    assert expected == store.runs(case)


def test_an_event_of_another_cases_run_is_refused(store: DeskStore) -> None:
    store.take_in([with_file(a_case(1)), with_file(a_case(2))])
    store.start_run(a_case(1), RUN)

    with pytest.raises(NoSuchCase):
        store.add_event(a_case(2), RUN.id, ANSWER)


def test_notes_stay_in_order(store: DeskStore) -> None:
    case = a_case(1)
    store.take_in([with_file(case)])
    notes = [Note(MORNING, "anna", "first"), Note(MORNING, "ben", "second"), Note(SOON, "anna", "third")]
    for note in notes:
        store.add_note(case, note)

    assert notes == store.notes(case)


def test_a_draft_is_kept_by_name_and_an_empty_one_is_gone(store: DeskStore) -> None:
    case = a_case(1)
    store.take_in([with_file(case)])
    store.save_draft(case, Draft("message:b", "hel", LATER))
    store.save_draft(case, Draft("message:b", "hello", LATER))
    store.save_draft(case, Draft("reason", "because", MORNING))
    assert [Draft("reason", "because", MORNING), Draft("message:b", "hello", LATER)] == store.drafts(case)

    store.save_draft(case, Draft("reason", "", LATER))
    assert [Draft("message:b", "hello", LATER)] == store.drafts(case)


def test_cursors_and_the_screens_memory_are_kept_apart(store: DeskStore) -> None:
    store.save_cursor("greenhouse", "page 1")
    store.save_cursor("greenhouse", "page 2")
    store.remember("greenhouse", "row 7")

    assert store.cursor("greenhouse") == "page 2"
    assert store.remembered("greenhouse") == "row 7"
    assert store.cursor("orchard") == ""
    assert store.remembered("orchard") == ""


def test_everything_is_still_there_after_a_restart(store: DeskStore, path: Path, vault: FakeVault) -> None:
    store.take_in([with_file(FULL)])
    store.start_run(FULL, RUN)
    store.add_event(FULL, RUN.id, ANSWER)
    store.add_note(FULL, Note(MORNING, "anna", "hello"))
    store.save_cursor("greenhouse", "page 2")
    store.close()
    with closing(DeskStore(path, vault)) as again:
        assert again.case(FULL.id) == FULL
        assert [replace(RUN, events=(ANSWER,))] == again.runs(FULL)
        assert [Note(MORNING, "anna", "hello")] == again.notes(FULL)
        assert again.cursor("greenhouse") == "page 2"
