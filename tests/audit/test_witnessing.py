"""A witness answers as C2SP tlog-witness says, and what it countersigned never contradicts itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modconsole.audit.cosigning import is_cosigned
from modconsole.audit.heads import signed_head
from modconsole.audit.witnessing import FileWitness
from modconsole.core.cosignature import WitnessAnswer, parse_add_checkpoint, parse_cosignatures
from modconsole.core.errors import LogError, VaultLocked, WrongUsage
from modconsole.core.merkle import EMPTY_ROOT, ProofError, verify_consistency
from modconsole.core.note import Checkpoint, VerifierKey, parse_note, parse_verifier_key
from modconsole.vault import DemoSecrets, KeyVault
from tests.audit.foreign import ForeignLog
from tests.audit.homes import Home, behind_its_back

NAME = "modconsole.quiet-harbour/lead/witness"


def witness_of(home: Home, name: str = NAME) -> FileWitness:
    return FileWitness(
        home.folder / "witness.db", home.vault, kept=home.vault, name=name, now=lambda: home.time
    )


@pytest.fixture
def witness(home: Home) -> Iterator[FileWitness]:
    made = witness_of(home)
    yield made
    made.close()


@pytest.fixture
def log(witness: FileWitness) -> ForeignLog:
    """A log that the witness knows."""
    made = ForeignLog()
    witness.enrol(made.key)
    return made


def cosigned(witness: FileWitness, request: bytes, answer: WitnessAnswer) -> Checkpoint:
    """Check an answer of 200 as the asker would, and give the head it is for."""
    assert answer.status == 200, answer
    note = parse_note(parse_add_checkpoint(request.decode()).checkpoint)
    (found,) = parse_cosignatures(answer.signatures(), [witness.key])
    assert is_cosigned(found, note.text)
    origin, size, root = note.text.splitlines()
    return Checkpoint(origin, int(size), root.encode())


# As other witnesses are tested: the script of torchwood's litewitness, whose public vectors these are.

SIGSUM = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
SIGSUM_KEY = bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
SIZE_1 = (
    f"{SIGSUM}\n1\nKgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— {SIGSUM} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQ"
    "ilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=\n"
)
SIZE_3 = (
    f"{SIGSUM}\n3\nRcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=\n\n— {SIGSUM} UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2"
    "ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=\n"
)
SIZE_5 = (
    f"{SIGSUM}\n5\nQrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=\n\n— {SIGSUM} UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6w"
    "zRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=\n"
)
LEAF_1, LEAF_2, LEAF_4 = (f"{start}{'A' * 40}=\n" for start in ("KgE", "KgI", "KgQ"))
LITEWITNESS = [
    (f"old 0\n\n{SIZE_1}", 200, "— "),
    (f"old 1\n{LEAF_1}{LEAF_2}\n{SIZE_3.replace('6go=', '6gx=')}", 403, "signature"),
    (f"old 1\n{LEAF_1}{LEAF_2}\n{SIZE_3.replace('ORV39d75', 'ORV39d76')}", 403, "signature"),
    (f"old 1\n{LEAF_1}{LEAF_2}\n{SIZE_3.replace('e562', 'e563')}", 404, "unknown log"),
    (f"old 1\n\n{SIZE_3}", 422, "consistency proof"),
    (f"old 1\n{LEAF_1}{LEAF_2.replace('AAA=', 'ABA=')}\n{SIZE_3}", 422, "consistency proof"),
    (f"old 0\n\n{SIZE_3}", 409, "1\n"),
    (f"old 1\n{LEAF_1}{LEAF_2}\n{SIZE_3}", 200, "— "),
    (f"old 1\n{LEAF_1}+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=\n{LEAF_4}\n{SIZE_5}", 409, "3\n"),
    (f"old 3\n\n{SIZE_1}", 400, "larger"),
]


def test_it_answers_the_script_that_other_witnesses_answer(witness: FileWitness) -> None:
    witness.enrol(VerifierKey(SIGSUM, SIGSUM_KEY))
    for number, (request, status, said) in enumerate(LITEWITNESS):
        answer = witness.answer(request.encode())

        assert (number, answer.status) == (number, status), answer.body
        assert said in answer.body
    assert [(known.size, known.frozen) for known in witness.logs()] == [(3, "")]


def test_a_log_may_call_itself_otherwise_than_its_key(witness: FileWitness) -> None:
    witness.enrol(
        parse_verifier_key("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
        "go.sum database tree",
    )
    request = (
        "old 0\n\ngo.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n\n"
        "— sum.golang.org "
        "Az3grpukl5AXaVfYkLiDGORx/DN2nlcS5kZHR5uYOBV2KA2HgXpD+gu9HHONebHLAyaKbbTM75QTtPydhKCExixSfwQ=\n"
    ).encode()

    assert cosigned(witness, request, witness.answer(request)).size == 35225469


# Status by status


def test_what_is_no_request_is_malformed(witness: FileWitness, log: ForeignLog) -> None:
    good = log.request(0, 3).decode()
    head = log.head(3)
    wrong = [
        b"",
        b"\xff" + good.encode(),
        good.replace("old 0", "old x").encode(),
        good.replace("\n", "\r\n").encode(),
        good.removesuffix("\n").encode(),
        f"old 0\n\n{log.key.name}\n3\n".encode(),
        log.asking(0, (), head.replace("\n3\n", "\n03\n")),
        log.asking(0, (), head.replace("\n3\n", "\n99999999999999999999\n")),
        log.asking(0, (), f"x\n\n{head}"),
        log.asking(0, (), head + "trailing"),
        log.asking(0, (), head + "\n"),
    ]

    assert [witness.answer(request).status for request in wrong] == [400] * len(wrong)
    assert witness.logs()[0].size == 0


def test_an_unknown_log_is_404_even_if_its_head_is_well_signed(witness: FileWitness, log: ForeignLog) -> None:
    stranger = ForeignLog("log.example/other")

    assert witness.answer(stranger.request(0, 3)).status == 404


def test_a_head_that_no_known_key_signed_is_403(witness: FileWitness, log: ForeignLog) -> None:
    impostor = ForeignLog(log.key.name)
    both = log.head(3) + impostor.head(3).splitlines(keepends=True)[-1]

    assert witness.answer(impostor.request(0, 3)).status == 403
    request = log.asking(0, (), both)
    assert cosigned(witness, request, witness.answer(request)).size == 3


def test_a_known_keys_signature_that_is_wrong_is_403_whatever_else_stands_there(
    witness: FileWitness, log: ForeignLog
) -> None:
    wrong = log.head(4).splitlines(keepends=True)[-1]

    assert witness.answer(log.asking(0, (), log.head(3) + wrong)).status == 403


def test_the_old_size_must_be_the_one_last_countersigned(witness: FileWitness, log: ForeignLog) -> None:
    assert witness.answer(log.request(3, 5)) == WitnessAnswer(409, "0\n")
    assert witness.answer(log.request(0, 3)).status == 200
    for old in (0, 1, 2, 4, 5):
        assert witness.answer(log.request(old, 5)) == WitnessAnswer(409, "3\n")
    assert witness.answer(log.request(3, 5)).status == 200


def test_an_old_size_beyond_the_head_is_malformed(witness: FileWitness, log: ForeignLog) -> None:
    witness.answer(log.request(0, 5))

    assert witness.answer(log.request(5, 3)).status == 400


def test_the_same_head_again_is_countersigned_again_with_the_time_of_now(
    home: Home, witness: FileWitness, log: ForeignLog
) -> None:
    first = witness.answer(log.request(0, 3))
    home.later(hours=1)
    again = witness.answer(log.request(3, 3))

    times = [parse_cosignatures(answer.signatures(), [witness.key])[0].time for answer in (first, again)]
    assert times[1] - times[0] == 3600
    assert witness.logs()[0].frozen == ""


def test_a_log_without_entries_has_the_empty_root(witness: FileWitness, log: ForeignLog) -> None:
    assert witness.answer(log.asking(0, (), log.head(0, root=bytes(32)))).status == 422
    assert witness.answer(log.asking(0, (bytes(32),), log.head(3))).status == 422
    assert witness.answer(log.asking(0, (), log.head(0, root=EMPTY_ROOT))).status == 200
    assert witness.answer(log.request(0, 3)).status == 200


def test_a_proof_where_none_belongs_is_422_and_no_suspicion(witness: FileWitness, log: ForeignLog) -> None:
    witness.answer(log.request(0, 3))

    assert witness.answer(log.asking(3, (bytes(32),), log.head(3))).status == 422
    assert witness.suspicions() == []


# Suspicion


def test_two_heads_of_one_size_freeze_the_log_for_good_and_both_are_kept(
    witness: FileWitness, log: ForeignLog
) -> None:
    witness.answer(log.request(0, 8))

    answer = witness.answer(log.request(8, 8, history=1))
    assert answer.status == 422
    assert "two different heads of 8 entries" in answer.body
    assert "for good" in answer.body
    (kept,) = witness.suspicions()
    heads = [signed_head(head.encode(), [log.key]).point for head in (kept.held, kept.offered)]
    assert heads[0].size == heads[1].size == 8
    assert [head.root for head in heads] == [log.root(8), log.root(8, 1)]
    assert kept.state == "proven"
    for old, size in ((8, 8), (8, 9)):
        assert witness.answer(log.request(old, size)).status == 422
    assert witness.logs()[0].size == 8


def test_a_head_that_is_not_proved_freezes_the_log_until_that_very_head_is(
    witness: FileWitness, log: ForeignLog
) -> None:
    witness.answer(log.request(0, 3))

    assert witness.answer(log.asking(3, log.proof(3, 7)[:-1], log.head(7))).status == 422
    assert "--size 7" in witness.logs()[0].frozen
    assert witness.answer(log.request(3, 9)).status == 422
    assert witness.answer(log.request(3, 3)).status == 422
    assert witness.answer(log.request(3, 7)).status == 200
    assert witness.logs()[0].frozen == ""
    assert [kept.state for kept in witness.suspicions()] == ["cleared"]
    assert witness.answer(log.request(7, 9)).status == 200


def test_a_head_that_contradicts_one_not_proved_before_is_a_fork(
    witness: FileWitness, log: ForeignLog
) -> None:
    witness.answer(log.request(0, 7))
    witness.answer(log.request(7, 9, history=1))

    answer = witness.answer(log.request(7, 9))
    assert (answer.status, "for good" in answer.body) == (422, True)
    assert [kept.state for kept in witness.suspicions()] == ["open", "proven"]


def test_several_heads_not_proved_are_proved_one_after_the_other(
    witness: FileWitness, log: ForeignLog
) -> None:
    witness.answer(log.request(0, 3))
    for size in (8, 6):
        witness.answer(log.asking(3, (), log.head(size)))

    assert witness.answer(log.request(3, 8)).status == 422
    assert witness.answer(log.request(3, 6)).status == 200
    assert witness.answer(log.request(6, 7)).status == 422
    assert witness.answer(log.request(6, 8)).status == 200
    assert witness.logs()[0].frozen == ""


def test_one_logs_fork_is_nothing_to_another(witness: FileWitness, log: ForeignLog) -> None:
    other = ForeignLog("log.example/other")
    witness.enrol(other.key)
    witness.answer(log.request(0, 8))
    witness.answer(log.request(8, 8, history=1))

    assert witness.answer(other.request(0, 8)).status == 200


# Never two heads that contradict each other

ASKED = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.integers(0, 12),
        st.integers(0, 1),
        st.sampled_from(["right", "right", "latest", "latest", "latest", "short", "other", "none"]),
    ),
    max_size=14,
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileWitness]:
    home = Home(tmp_path_factory.mktemp("lasting"))
    made = witness_of(home)
    yield made
    made.close()
    home.close()


NUMBERS = count()


@settings(max_examples=60, deadline=None, database=None)
@given(asked=ASKED)
def test_whatever_is_asked_in_any_order_the_heads_countersigned_are_one_history(
    lasting: FileWitness, asked: list[tuple[int, int, int, str]]
) -> None:
    log = ForeignLog(f"log.example/{next(NUMBERS)}")
    lasting.enrol(log.key)
    heads, latest = [(0, EMPTY_ROOT)], 0
    for old, size, history, how in asked:
        old = latest if how == "latest" else old
        proof = log.proof(old, size, history if how != "other" else 1 - history)
        proof = {"short": proof[:-1], "none": ()}.get(how, proof)
        if lasting.answer(log.asking(old, proof, log.head(size, history))).status == 200:
            heads.append((size, log.root(size, history)))
            latest = size

    for (older, old_root), (newer, new_root) in pairwise(heads):
        assert older <= newer
        assert any(
            (log.root(older, number), log.root(newer, number)) == (old_root, new_root) for number in (0, 1)
        )
        if 0 < older < newer:
            verify_consistency(
                older, newer, log.proof(older, newer, new_root == log.root(newer, 1)), old_root, new_root
            )


def test_the_check_above_would_notice_a_contradiction() -> None:
    log = ForeignLog()

    with pytest.raises(ProofError):
        verify_consistency(6, 9, log.proof(6, 9, 1), log.root(6), log.root(9, 1))


def test_many_at_once_get_one_history_between_them(home: Home) -> None:
    log = ForeignLog()
    witness_of(home).enrol(log.key)
    home.vault.verify_key(NAME)

    def ask(number: int) -> tuple[int, int, int]:
        one = witness_of(home)
        try:
            size, history = 6 + number % 3, number % 2
            return one.answer(log.request(0, size, history)).status, size, history
        finally:
            one.close()

    with ThreadPoolExecutor(6) as many:
        answered = list(many.map(ask, range(12)))

    given = [(size, history) for status, size, history in answered if status == 200]
    assert len(given) == 1
    assert {status for status, _, _ in answered} == {200, 409}


class Interrupted(KeyVault):
    """Does something else in the moment between the check and the signature."""

    meanwhile: Callable[[], object]

    def sign(self, origin: str, message: bytes) -> bytes:
        self.meanwhile()
        return super().sign(origin, message)


def test_nobody_gets_in_between_the_check_and_the_answer(home: Home, log: ForeignLog) -> None:
    other = FileWitness(
        home.folder / "witness.db",
        home.vault,
        kept=home.vault,
        name=NAME,
        now=lambda: home.time,
        busy_seconds=0.0,
    )
    vault = Interrupted(home.folder / "keys.db", DemoSecrets(home.folder / "demo.json"))
    vault.unlock()
    refused: list[str] = []

    def meanwhile() -> None:
        with pytest.raises(LogError) as caught:
            other.answer(log.request(0, 8, history=1))
        refused.append(caught.value.kept)

    vault.meanwhile = meanwhile
    slow = FileWitness(home.folder / "witness.db", vault, kept=vault, name=NAME, now=lambda: home.time)

    assert slow.answer(log.request(0, 6)).status == 200
    assert refused == ["Nothing was countersigned."]
    assert other.answer(log.request(0, 8, history=1)) == WitnessAnswer(409, "6\n")
    for one in (slow, other, vault):
        one.close()


@pytest.mark.parametrize("bit", [0, 5])
def test_no_byte_of_a_request_can_be_changed(
    home: Home, witness: FileWitness, log: ForeignLog, bit: int
) -> None:
    witness.answer(log.request(0, 3))
    request = log.request(3, 7)
    for at in range(len(request)):
        changed = bytearray(request)
        changed[at] ^= 1 << bit
        answer = witness.answer(bytes(changed))
        assert answer.status in (400, 403, 404, 409, 422), (at, answer)
        with behind_its_back(home.folder / "witness.db") as db:
            db.execute("DELETE FROM suspicions")

    assert witness.answer(request).status == 200


# What lasts


def test_a_countersigned_head_is_durable_before_it_is_answered(home: Home, witness: FileWitness) -> None:
    log = ForeignLog()
    witness.enrol(log.key)
    (home.folder / "asked").write_bytes(log.request(0, 3))
    stopped = subprocess.run(
        [sys.executable, "-c", KILLED, home.folder, NAME],
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=60,
    )
    assert stopped.returncode == 9

    assert witness.logs()[0].size == 3
    assert witness.answer(log.request(0, 3)) == WitnessAnswer(409, "3\n")
    assert witness.answer(log.request(3, 3)).status == 200


KILLED = """
import os, sys
from pathlib import Path
from tests.audit.homes import Home
from tests.audit.test_witnessing import witness_of
home = Home(Path(sys.argv[1]))
answer = witness_of(home).answer(Path(sys.argv[1], "asked").read_bytes())
os._exit(9 if answer.status == 200 else 1)
"""


def test_locked_keys_countersign_nothing_and_remember_nothing(home: Home, witness: FileWitness) -> None:
    log = ForeignLog()
    witness.enrol(log.key)
    assert str(witness.key)
    locked = KeyVault(home.folder / "keys.db", DemoSecrets(home.folder / "demo.json"))
    shut = FileWitness(home.folder / "witness.db", locked, kept=locked, name=NAME, now=lambda: home.time)

    with pytest.raises(VaultLocked):
        shut.answer(log.request(0, 3))
    assert witness.logs()[0].size == 0
    shut.close()
    locked.close()


def test_the_head_and_both_signatures_are_kept_for_whoever_asks(
    witness: FileWitness, log: ForeignLog
) -> None:
    witness.answer(log.request(0, 3))

    head = signed_head(witness.logs()[0].checkpoint.encode(), [log.key])
    assert (head.point.size, head.others) == (3, (NAME,))


def test_a_file_of_a_newer_version_is_refused_politely(home: Home, witness: FileWitness) -> None:
    witness.logs()
    with behind_its_back(home.folder / "witness.db") as db:
        db.execute("PRAGMA user_version=99")

    with pytest.raises(LogError, match="newer modconsole"):
        witness_of(home).logs()


def test_a_damaged_file_countersigns_nothing(home: Home) -> None:
    (home.folder / "witness.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)

    with pytest.raises(LogError) as caught:
        witness_of(home).answer(ForeignLog().request(0, 3))
    assert caught.value.kept == "Nothing was countersigned."


# Which logs


def test_another_key_for_a_known_log_is_refused(witness: FileWitness, log: ForeignLog) -> None:
    with pytest.raises(WrongUsage, match="another key"):
        witness.enrol(ForeignLog(log.key.name).key)
    assert witness.enrol(log.key) == witness.logs()[0]


def test_a_device_does_not_countersign_its_own_log(home: Home, witness: FileWitness) -> None:
    home.fill(1)
    own = parse_verifier_key(home.log.heads()[0].vkey)

    for origin in ("", "another name"):
        with pytest.raises(WrongUsage, match="this very device"):
            witness.enrol(own, origin)


def test_a_witness_key_is_no_log_key(home: Home, witness: FileWitness) -> None:
    home.fill(1)

    assert witness.key.public != parse_verifier_key(home.log.heads()[0].vkey).public
    assert witness.key == witness_of(home).key


# Folders


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def answers(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.answer"))}


def test_every_request_of_a_folder_is_answered_once(
    witness: FileWitness, log: ForeignLog, shared: Path
) -> None:
    (shared / "monday.request").write_bytes(log.request(0, 3))
    (shared / "notes.txt").write_text("not for us")

    assert [(one.request.name, one.status) for one in witness.answer_folder(shared)] == [
        ("monday.request", 200)
    ]
    (name,) = answers(shared)
    assert name == f"monday.{witness.key.id.hex()}.answer"
    assert witness.answer_folder(shared) == []
    (shared / "tuesday.request").write_bytes(log.request(3, 5))
    assert [one.status for one in witness.answer_folder(shared)] == [200]
    assert list(shared.glob(".*")) == []


def test_a_name_used_again_for_another_head_is_answered_again(
    witness: FileWitness, log: ForeignLog, shared: Path
) -> None:
    for old, size in ((0, 3), (3, 5)):
        (shared / "desk.request").write_bytes(log.request(old, size))
        assert [one.status for one in witness.answer_folder(shared)] == [200]


def test_an_answer_that_was_lost_on_its_way_is_given_again(
    witness: FileWitness, log: ForeignLog, shared: Path
) -> None:
    request = log.request(0, 3)
    (shared / "desk.request").write_bytes(request)
    first = witness.answer(request)  # and then the power failed

    assert [one.status for one in witness.answer_folder(shared)] == [200]
    assert list(answers(shared).values()) == [first.text()]


def test_a_refusal_is_looked_at_again(witness: FileWitness, shared: Path) -> None:
    log = ForeignLog("log.example/late")
    (shared / "late.request").write_bytes(log.request(0, 3)[:100])  # half copied
    assert [one.status for one in witness.answer_folder(shared)] == [400]
    (shared / "late.request").write_bytes(log.request(0, 3))
    assert [one.status for one in witness.answer_folder(shared)] == [404]
    witness.enrol(log.key)

    assert [one.status for one in witness.answer_folder(shared)] == [200]


def test_two_witnesses_of_one_folder_do_not_write_over_each_other(
    home: Home, witness: FileWitness, log: ForeignLog, shared: Path, tmp_path: Path
) -> None:
    (shared / "desk.request").write_bytes(log.request(0, 3))
    (tmp_path / "other").mkdir()
    other_home = Home(tmp_path / "other")
    other = witness_of(other_home, "modconsole.quiet-harbour/deputy/witness")
    other.enrol(log.key)

    for one in (witness, other):
        assert [answered.status for answered in one.answer_folder(shared)] == [200]
    assert len(answers(shared)) == 2
    other.close()
    other_home.close()


def test_what_is_no_plain_file_is_left_alone(witness: FileWitness, log: ForeignLog, shared: Path) -> None:
    elsewhere = shared.parent / "elsewhere"
    elsewhere.write_bytes(log.request(0, 3))
    (shared / "link.request").symlink_to(elsewhere)
    os.mkfifo(shared / "pipe.request")
    (shared / "folder.request").mkdir()
    (shared / "long.request").write_bytes(b"old 0\n" * 300_000)

    answered = witness.answer_folder(shared)
    assert [(one.request.name, one.status) for one in answered] == [
        ("folder.request", 0), ("link.request", 0), ("long.request", 0), ("pipe.request", 0),
    ]  # fmt: skip
    assert all(one.why for one in answered)
    assert answers(shared) == {}


def test_an_answer_does_not_follow_a_link(witness: FileWitness, log: ForeignLog, shared: Path) -> None:
    victim = shared.parent / "victim"
    victim.write_text("mine")
    (shared / "desk.request").write_bytes(log.request(0, 3))
    (shared / f"desk.{witness.key.id.hex()}.answer").symlink_to(victim)

    assert [one.status for one in witness.answer_folder(shared)] == [200]
    assert victim.read_text() == "mine"


def test_hostile_names_do_not_reach_the_answer_as_they_are(witness: FileWitness) -> None:
    log = ForeignLog("log.example/\u202e\u2066evil")

    answer = witness.answer(log.request(0, 3))
    assert answer.status == 404
    assert "\u202e" not in answer.body


def test_a_folder_that_is_not_there_is_named(witness: FileWitness, shared: Path) -> None:
    with pytest.raises(WrongUsage, match="no folder"):
        witness.answer_folder(shared / "gone")
    with pytest.raises(WrongUsage, match="is not there"):
        witness.answer_file(shared / "gone.request")
