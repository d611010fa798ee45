"""Countersignatures and requests as text, against the worked examples of C2SP and a head of the real world."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modconsole.core.cosignature import (
    AddCheckpoint,
    Cosignature,
    WitnessAnswer,
    WitnessKey,
    WitnessPolicy,
    cosigned_text,
    parse_add_checkpoint,
    parse_answer,
    parse_cosignatures,
    parse_witness_key,
)
from modconsole.core.note import VerifierKey, base64_of, fingerprint, parse_note

# A head of a certificate transparency log of 2026, and one of the witnesses that countersigned it.
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
HEAD = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""  # noqa: E501

# The request of C2SP tlog-witness, with one of its two signatures.
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""  # noqa: E501
KEY = parse_witness_key(REMORA)


def the_cosignature() -> Cosignature:
    (found,) = parse_cosignatures(parse_note(HEAD).signatures, [KEY])
    return found


def test_a_countersignature_of_the_real_world_is_right() -> None:
    given, text = the_cosignature(), parse_note(HEAD).text

    public = Ed25519PublicKey.from_public_bytes(KEY.public)
    public.verify(given.signature, cosigned_text(given.time, text).encode())
    assert given.line() == HEAD.splitlines(keepends=True)[-1]
    with pytest.raises(InvalidSignature):
        public.verify(given.signature, cosigned_text(given.time + 1, text).encode())


def test_what_is_signed_is_as_the_specification_shows() -> None:
    text = EXAMPLE.partition("\n\n")[2].partition("\n\n")[0] + "\n"

    assert cosigned_text(1679315147, text) == (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_a_witness_key_is_written_as_it_was_read() -> None:
    assert str(KEY) == REMORA
    assert (KEY.name, KEY.id.hex()) == ("remora.n621.de", "da77ade7")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (REMORA.replace("da77", "da78"), "mistyped"),
        (REMORA.replace("remora", "remorA"), "mistyped"),
        (REMORA[:-4], "base64|mistyped|32 bytes"),
        (str(VerifierKey("a.log", KEY.public)), "a log's key"),
        (str(WitnessKey("weak", bytes(32))), "weak"),
        (f"w+00000000+{base64_of(bytes([6]) + bytes(1312))}", "ML-DSA"),
        ("", "base64"),
    ],
)
def test_another_key_is_refused_and_it_is_said_why(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_witness_key(text)


def test_a_log_and_a_witness_of_one_name_and_key_have_different_ids() -> None:
    assert WitnessKey("n", KEY.public).id != VerifierKey("n", KEY.public).id


def test_a_countersignature_without_its_time_or_of_another_length_is_refused() -> None:
    signed = parse_note(HEAD).signatures[1]
    for wrong in (signed.signature[:-1], signed.signature + b"\x00", bytes(8) + signed.signature[8:]):
        with pytest.raises(ValueError, match="not a time and 64 bytes"):
            parse_cosignatures([type(signed)(signed.name, signed.key_id, wrong)], [KEY])


def test_other_peoples_signatures_are_passed_over() -> None:
    assert parse_cosignatures(parse_note(HEAD).signatures, [WitnessKey("other", KEY.public)]) == []


def test_the_request_of_the_specification_is_read_and_written_again() -> None:
    request = parse_add_checkpoint(EXAMPLE)

    assert (request.old_size, len(request.proof)) == (20852014, 4)
    assert parse_note(request.checkpoint).signatures[0].name == "example.com/behind-the-sofa"
    assert request.text() == EXAMPLE


LINE = base64_of(bytes(32)) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 1",
        "old 1\n",
        "\nold 1\n\nnote",
        "old  1\n\nnote",
        "old 01\n\nnote",
        "old -1\n\nnote",
        "old +1\n\nnote",
        "old 1 \n\nnote",
        "old ٣\n\nnote",
        "OLD 1\n\nnote",
        "old 9223372036854775808\n\nnote",
        "old 99999999999999999999999999\n\nnote",
        "old 1\n" + LINE * 64 + "\nnote",
        "old 1\n" + LINE[:-2] + "\n\nnote",
        "old 1\n" + base64_of(bytes(31)) + "\n\nnote",
        "old 1\n" + base64_of(bytes(33)) + "\n\nnote",
        "old 1\n" + LINE.replace("\n", " \n") + "\nnote",
        EXAMPLE.replace("\n", "\r\n"),
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_add_checkpoint(text)


def test_a_proof_of_63_lines_is_read() -> None:
    assert len(parse_add_checkpoint("old 1\n" + LINE * 63 + "\nnote").proof) == 63
    assert parse_add_checkpoint("old 0\n\nnote") == AddCheckpoint(0, (), "note")


def test_an_answer_is_read_with_its_status_or_as_it_comes_over_http() -> None:
    line = HEAD.splitlines(keepends=True)[-1]

    assert parse_answer(f"200\n{line}") == parse_answer(line) == WitnessAnswer(200, line)
    assert parse_answer(line).signatures()[0].name == KEY.name
    assert parse_answer("409\n12\n").size == 12
    assert parse_answer("409\n12\n").content_type == "text/x.tlog.size"
    assert parse_answer("422\nno\n").text() == "422\nno\n"


@pytest.mark.parametrize("text", ["", "hello", "20\nx", "-200\n", "99999\n"])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="status"):
        parse_answer(text)


@pytest.mark.parametrize("body", ["", "12", "012\n", "-1\n", "1\n2\n", "99999999999999999999999\n"])
def test_a_409_without_a_size_names_none(body: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        _ = WitnessAnswer(409, body).size


def test_an_answer_cut_short_is_refused() -> None:
    line = HEAD.splitlines(keepends=True)[-1]
    for end in range(len(line)):
        with pytest.raises(ValueError, match=r"."):
            WitnessAnswer(200, line[:end]).signatures()


A, B, C = (WitnessKey(name, bytes([number]) * 32) for number, name in enumerate("abc", 1))


@pytest.mark.parametrize(
    ("needed", "cosigned", "size"),
    [
        (1, [], 0),
        (1, [(A, 3), (B, 7), (A, 5)], 7),
        (2, [(A, 3), (A, 9)], 0),
        (2, [(A, 9), (B, 4)], 4),
        (2, [(A, 9), (B, 4), (C, 6)], 6),
        (3, [(A, 9), (B, 4), (C, 6)], 4),
        (1, [(WitnessKey("z", bytes([9]) * 32), 8)], 0),
        (2, [(A, 9), (WitnessKey("a-again", A.public), 9)], 0),
    ],
)
def test_an_entry_is_witnessed_by_as_many_different_keys_as_are_needed(
    needed: int, cosigned: list[tuple[WitnessKey, int]], size: int
) -> None:
    assert WitnessPolicy((A, B, C), needed).size(cosigned) == size


def test_a_witness_is_found_by_a_part_of_its_name() -> None:
    keys = [
        WitnessKey(f"modconsole.x/{name}/witness", bytes([9]) * 32) for name in ("lead", "lead-2", "deputy")
    ]
    policy = WitnessPolicy(tuple(keys))

    assert policy.find("deputy") == keys[2]
    assert policy.find("modconsole.x/lead/witness") == keys[0]
    for name in ("lead", "nobody", ""):
        with pytest.raises(ValueError, match="of the witnesses"):
            policy.find(name)


def test_a_fingerprint_can_be_read_out() -> None:
    said = fingerprint(KEY.public)

    assert [len(group) for group in said.split(" ")] == [4] * 8
    assert said != fingerprint(A.public)
