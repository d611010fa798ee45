"""Signed notes and checkpoints as text, after C2SP signed-note and tlog-checkpoint. Signing itself happens elsewhere.

A note is a text, an empty line, and a line for each signature::

    modconsole.example/front-desk/2026Q4
    3
    c6kEmXxhFXmMa3JJ9VUGzLaMHQO5QlbCf2JxmBGOYmw=

    — modconsole.example/front-desk/2026Q4 x08go…
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256

from modconsole.core.merkle import HASH_SIZE

__all__ = [
    "Checkpoint",
    "Note",
    "NoteSignature",
    "VerifierKey",
    "base64_of",
    "checkpoint_text",
    "fingerprint",
    "from_base64",
    "is_key_name",
    "is_weak_key",
    "parse_checkpoint",
    "parse_note",
    "parse_signature_line",
    "parse_verifier_key",
    "signature_line",
    "signed_note",
]

_ED25519 = b"\x01"
_KEY_SIZE = 32
_ID_SIZE = 4
_DASH = "— "
_SIZE = re.compile("0|[1-9][0-9]*")
_LARGEST = 2**63 - 1
"""As in Go's `tlog.ParseTree`, which reads a signed number of 64 bits."""

_LOW_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Every encoding of a point whose order divides 8, sign bit aside: the list of libsodium's
`ge25519_has_small_order`. Under such a key anybody can make a signature that is right for many texts."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and the Ed25519 public key that signs under it."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.public) != _KEY_SIZE:
            raise ValueError("A verifier key has a name without spaces or plus signs, and 32 bytes of key.")

    @property
    def id(self) -> bytes:
        """Four bytes that say which key made a signature; no proof of anything."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64_of(_ED25519 + self.public)}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. `text` is what was signed, its last newline included."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many entries a log has, and the root over them."""

    origin: str
    size: int
    root: bytes


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Give the text of a checkpoint: the bytes to sign are its UTF-8."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64_of(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; extension lines are allowed and ignored.

    An origin is any line of text: that of Go's own log is `go.sum database tree`.

    Raises:
        ValueError: It is not a checkpoint.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or "" in lines:
        raise ValueError("A checkpoint is three lines or more, none empty, each ended by a newline.")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise ValueError("A checkpoint starts with a line for its origin and a line for its size.")
    if len(size) > len(str(_LARGEST)) or int(size) > _LARGEST:
        raise ValueError("No log is as large as this checkpoint says.")
    hash = from_base64(root)
    if len(hash) != HASH_SIZE:
        raise ValueError("The third line of a checkpoint is a root of 32 bytes in base64.")
    return Checkpoint(origin, int(size), hash)


def signed_note(text: str, *signatures: tuple[VerifierKey, bytes]) -> str:
    """Put a text and its signatures together."""
    return (
        text + "\n" + "".join(signature_line(key.name, key.id + signature) for key, signature in signatures)
    )


def signature_line(name: str, signature: bytes) -> str:
    """Give one signature's line; its bytes begin with the id of its key."""
    return f"{_DASH}{name} {base64_of(signature)}\n"


def parse_note(note: str) -> Note:
    """Take a signed note apart. Says nothing about whether its signatures are right.

    Raises:
        ValueError: It is not a signed note.
    """
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n") or any(char < " " and char != "\n" for char in note):
        raise ValueError(
            "A signed note is text, an empty line and signature lines, without control characters."
        )
    return Note(
        text + "\n", tuple(parse_signature_line(line) for line in lines.removesuffix("\n").split("\n"))
    )


def parse_signature_line(line: str) -> NoteSignature:
    """Read one signature's line, without its newline.

    Raises:
        ValueError: It is none.
    """
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = from_base64(encoded)
    if not line.startswith(_DASH) or not is_key_name(name) or len(decoded) <= _ID_SIZE:
        raise ValueError("A signature line is a dash, a name, and a key's id and signature in base64.")
    return NoteSignature(name, decoded[:_ID_SIZE], decoded[_ID_SIZE:])


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+id+key`.

    Raises:
        ValueError: It is not an Ed25519 verifier key, its id does not belong to it, or it is one of the weak keys that
            prove nothing.
    """
    name, _, rest = text.partition("+")
    id, _, encoded = rest.partition("+")
    decoded = from_base64(encoded)
    if decoded[:1] != _ED25519:
        raise ValueError("This is not an Ed25519 verifier key.")
    key = VerifierKey(name, decoded[1:])
    if key.id.hex() != id:
        raise ValueError("The id of this verifier key does not belong to it: it was mistyped or cut short.")
    if is_weak_key(key.public):
        raise ValueError("This verifier key is a weak one: anybody could sign under it.")
    return key


def is_weak_key(public: bytes) -> bool:
    """Say whether anybody could make signatures that are right under this Ed25519 key."""
    return public[:-1] + bytes([public[-1] & 0x7F]) in _LOW_ORDER


def fingerprint(public: bytes) -> str:
    """Give a public key in a form to be read out on the telephone: 128 bits, in eight groups of four."""
    digits = sha256(public).hexdigest()[:32]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def base64_of(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Read base64 in its one proper form, of one byte or more.

    Raises:
        ValueError
    """
    try:
        decoded = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        decoded = b""
    if not decoded or base64_of(decoded) != text:
        raise ValueError("This is not base64 in its one proper form.")
    return decoded
