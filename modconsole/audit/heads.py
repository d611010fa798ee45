"""Signed heads that come from outside: whose they are, and whether they are what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from modconsole.core.note import Checkpoint, Note, VerifierKey, parse_checkpoint, parse_note

__all__ = ["LONGEST_NOTE", "NotAHead", "SignedHead", "signed_head"]

LONGEST_NOTE = 1_000_000
"""In bytes, as in Go's `tlog.ParseTree`. Sixteen signatures that withstand quantum computers take 80,000."""


class NotAHead(Exception):
    """A text is no head this key signed. `what` begins after the file's name; `means` says what that may be."""

    def __init__(self, what: str, means: str) -> None:
        super().__init__(what)
        self.what = what
        self.means = means


@dataclass(frozen=True, slots=True)
class SignedHead:
    point: Checkpoint
    key: VerifierKey
    others: tuple[str, ...]
    """Whose other signatures stand under it; nothing is known of those."""


def signed_head(data: bytes, keys: Sequence[VerifierKey], origin: str = "") -> SignedHead:
    """Check a checkpoint's signature and read it (C2SP signed-note and tlog-checkpoint).

    Args:
        keys: Any one of them may have signed it; every signature that says it is by one of them must be.
        origin: What its first line must be; the name of the key that signed when empty.

    Raises:
        NotAHead
    """
    note = _note(data)
    key = _signer(note, keys)
    try:
        point = parse_checkpoint(note.text)
    except ValueError as error:
        if "\n\n" in note.text:
            raise NotAHead(
                "holds more than one text under its signature.",
                "A checkpoint is one text: two were put together here, or something was put before it.",
            ) from None
        raise NotAHead(
            f"is signed, and is no checkpoint: {error}", "The key was used for something else."
        ) from None
    if point.origin != (origin or key.name):
        raise NotAHead(
            f"is of the log “{point.origin}”, not of “{origin or key.name}”.",
            "Another log's head was put here, or this log calls itself differently from its key: then name it with "
            "--origin.",
        )
    others = (signed.name for signed in note.signatures if (signed.name, signed.key_id) != (key.name, key.id))
    return SignedHead(point, key, tuple(dict.fromkeys(others)))


def _note(data: bytes) -> Note:
    try:
        return parse_note(data.decode())
    except UnicodeDecodeError as error:
        raise NotAHead(
            f"is not UTF-8 text: byte {error.start} is wrong.", "It was damaged, or it is another file."
        ) from None
    except ValueError as error:
        raise NotAHead(f"is no signed note: {error}", "It was damaged, or it is another file.") from None


def _signer(note: Note, keys: Sequence[VerifierKey]) -> VerifierKey:
    by = {(key.name, key.id): key for key in keys}
    signer: VerifierKey | None = None
    for signed in note.signatures:
        key = by.get((signed.name, signed.key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signed.signature, note.text.encode())
        except (InvalidSignature, ValueError):
            raise NotAHead(
                f"is not what {key.name} signed: the signature does not fit the text.",
                "Its text or its signature was changed.",
            ) from None
        signer = signer or key
    if signer is not None:
        return signer
    names = {signed.name for signed in note.signatures}
    if any(key.name in names for key in keys):
        raise NotAHead(
            "is signed under the right name by another key.",
            "Either this is not the key you were given for this log, or somebody signed in the log's name.",
        )
    raise NotAHead(
        f"is not signed by {' or '.join(key.name for key in keys) or 'any key that was given'}.",
        f"It bears signatures of: {', '.join(sorted(names))}. That may be another log, or the wrong key was given.",
    )
