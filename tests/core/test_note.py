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


def test_a_name_that_would_break_the_line_is_refused() -> None:
    for name in ("", "a b", "a+b", "a\nb"):
        with pytest.raises(ValueError, match="name"):
            VerifierKey(name, bytes(32))
