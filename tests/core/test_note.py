"""Signed notes, against the worked example that Go's note package documents."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modconsole.core.note import (
    Checkpoint,
    VerifierKey,
    checkpoint_text,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
    signed_note,
)

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
POINT = Checkpoint("modconsole.example/front-desk/2026Q4", 3, bytes(range(32)))


def test_the_worked_example_is_read_and_its_signature_is_right() -> None:
    key, note = parse_verifier_key(VKEY), parse_note(NOTE)

    assert note.text == TEXT
    assert [(signature.name, signature.key_id) for signature in note.signatures] == [(key.name, key.id)]
    Ed25519PublicKey.from_public_bytes(key.public).verify(note.signatures[0].signature, note.text.encode())


def test_the_worked_example_is_written_as_it_was_read() -> None:
    key, note = parse_verifier_key(VKEY), parse_note(NOTE)

    assert signed_note(note.text, (key, note.signatures[0].signature)) == NOTE
    assert str(key) == VKEY


def test_a_checkpoint_is_three_lines_and_reads_back() -> None:
    text = checkpoint_text(POINT)

    assert text.split("\n")[:2] == ["modconsole.example/front-desk/2026Q4", "3"]
    assert parse_checkpoint(text) == POINT
    assert parse_checkpoint(text + "an extension\n") == POINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n3\nAAAA\n",
        "o\n03\n" + "A" * 43 + "=\n",
        "o\n-1\n" + "A" * 43 + "=\n",
        "o\n٣\n" + "A" * 43 + "=\n",
        "o\n3\nAAAA\n",
        "o\n3\n" + "A" * 42 + "B=\n",
        "o\n3\n" + "A" * 43 + "=",
        "o\n3\n" + "A" * 43 + "=\n\nmore\n",
        "o\n3\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|base64"):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        NOTE.removesuffix("\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("— P", "— +P"),
        NOTE.replace("x08go", "x08g"),
        NOTE.replace("If", "\tIf"),
        NOTE + "\n",
    ],
)
def test_what_is_no_signed_note_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"note|signature|base64"):
        parse_note(note)


@pytest.mark.parametrize(
    "text", ["", VKEY[:-4], VKEY.replace("c74f", "c74e"), VKEY.replace("+AR", "+BR"), "a b+00+AA=="]
)
def test_a_mistyped_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|base64"):
        parse_verifier_key(text)


def test_an_origin_may_be_any_line_of_text() -> None:
    assert parse_checkpoint(f"go.sum database tree\n3\n{'A' * 43}=\n").origin == "go.sum database tree"


@pytest.mark.parametrize("size", [str(2**63), "9" * 5000])
def test_a_size_that_no_log_has_is_refused(size: str) -> None:
    assert parse_checkpoint(f"o\n{2**63 - 1}\n{'A' * 43}=\n").size == 2**63 - 1
    with pytest.raises(ValueError, match="No log is as large"):
        parse_checkpoint(f"o\n{size}\n{'A' * 43}=\n")


P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
"""The curve of RFC 8032, section 5.1: -x^2 + y^2 = 1 + D x^2 y^2."""


def order_divides_8(y: int) -> bool:
    """Double a point three times by its y alone, and see whether it is the neutral one (y = 1)."""
    for _ in range(3):
        x2 = (y * y - 1) * pow(D * y * y + 1, -1, P)
        y = (y * y + x2) * pow(1 - D * x2 * y * y, -1, P) % P
    return y == 1


def test_a_weak_key_under_which_anybody_could_sign_is_refused() -> None:
    """Every encoding of a low-order point, canonical or not, with either sign bit."""
    eighth = int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    )
    ys = [0, 1, P - 1, P, P + 1, eighth, P - eighth]
    assert all(order_divides_8(y) for y in ys)
    assert not order_divides_8(4 * pow(5, -1, P))  # the base point

    for y in ys:
        for sign in (0, 1 << 255):
            key = VerifierKey("log.example", (y | sign).to_bytes(32, "little"))
            with pytest.raises(ValueError, match="weak"):
                parse_verifier_key(str(key))


def test_a_name_that_would_break_the_line_is_refused() -> None:
    for name in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(ValueError, match="name"):
            VerifierKey(name, bytes(32))
