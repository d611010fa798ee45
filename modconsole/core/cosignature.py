"""Countersignatures of heads, and how a witness is asked for one: C2SP tlog-cosignature and tlog-witness, as text.

Signing, and checking a signature, happen elsewhere. A request is the size that the witness last countersigned, a proof
that the log only grew since then, and the head::

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grl…
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

from modconsole.core.merkle import HASH_SIZE
from modconsole.core.note import (
    NoteSignature,
    base64_of,
    from_base64,
    is_key_name,
    is_weak_key,
    parse_signature_line,
    signature_line,
)

__all__ = [
    "LONGEST_PROOF",
    "AddCheckpoint",
    "Cosignature",
    "WitnessAnswer",
    "WitnessKey",
    "WitnessPolicy",
    "cosigned_text",
    "parse_add_checkpoint",
    "parse_answer",
    "parse_cosignatures",
    "parse_witness_key",
]

LONGEST_PROOF = 63
"""In hashes, as tlog-witness says."""

_COSIGNATURE_V1 = b"\x04"
_KEY_SIZE = 32
_ID_SIZE = 4
_TIME_SIZE = 8
_SIGNATURE_SIZE = 64
_LARGEST = 2**63 - 1
_OLD = re.compile("old (0|[1-9][0-9]{0,18})")
_SIZE = re.compile("(0|[1-9][0-9]{0,18})\n")
_STATUS = re.compile("[1-5][0-9]{2}")
_OTHER_KINDS = {
    b"\x01": "This is a log's key, not a witness's",
    b"\x06": "This key is of a kind (ML-DSA-44) we lack",
}


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's name and the Ed25519 public key that countersigns under it."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name) or len(self.public) != _KEY_SIZE:
            raise ValueError("A witness's key has a name without spaces or plus signs, and 32 bytes of key.")

    @property
    def id(self) -> bytes:
        """Four bytes that say which key made a countersignature; no proof of anything."""
        return sha256(self.name.encode() + b"\n" + _COSIGNATURE_V1 + self.public).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64_of(_COSIGNATURE_V1 + self.public)}"


def parse_witness_key(text: str) -> WitnessKey:
    """Read `name+id+key`.

    Raises:
        ValueError: It is not the key of an Ed25519 witness, its id does not belong to it, or it is a weak one.
    """
    name, _, rest = text.partition("+")
    id, _, encoded = rest.partition("+")
    decoded = from_base64(encoded)
    if decoded[:1] != _COSIGNATURE_V1:
        raise ValueError(f"{_OTHER_KINDS.get(decoded[:1], 'This is not the key of a witness')}.")
    key = WitnessKey(name, decoded[1:])
    if key.id.hex() != id:
        raise ValueError("The id of this witness's key does not belong to it: it was mistyped or cut short.")
    if is_weak_key(key.public):
        raise ValueError("This witness's key is a weak one: anybody could sign under it.")
    return key


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's word that at a time this head was the largest of its log it had seen, and continued all others."""

    key: WitnessKey
    time: int
    """In seconds since 1970, by the witness's clock."""
    signature: bytes

    def line(self) -> str:
        stamped = self.time.to_bytes(_TIME_SIZE, "big") + self.signature
        return signature_line(self.key.name, self.key.id + stamped)


def cosigned_text(time: int, text: str) -> str:
    """Give what is signed: `text` is the whole of the head, any extension lines included."""
    return f"cosignature/v1\ntime {time}\n{text}"


def parse_cosignatures(signed: Iterable[NoteSignature], keys: Sequence[WitnessKey]) -> list[Cosignature]:
    """Take out the countersignatures that say they are by these keys; whether they are right is another question.

    Raises:
        ValueError: One of them is not of the form.
    """
    by = {(key.name, key.id): key for key in keys}
    found = []
    for one in signed:
        key = by.get((one.name, one.key_id))
        if key is None:
            continue
        time = int.from_bytes(one.signature[:_TIME_SIZE], "big")
        if len(one.signature) != _TIME_SIZE + _SIGNATURE_SIZE or not 0 < time <= _LARGEST:
            raise ValueError(f"The countersignature of {one.name} is not a time and 64 bytes.")
        found.append(Cosignature(key, time, one.signature[_TIME_SIZE:]))
    return found


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Whose countersignatures count, and how many of them make an entry witnessed."""

    witnesses: tuple[WitnessKey, ...] = ()
    needed: int = 1

    def size(self, cosigned: Iterable[tuple[WitnessKey, int]]) -> int:
        """Give how many entries as many different witnesses as are needed have each countersigned.

        A head covers every entry before it, so it is the size that the last witness needed has come to.

        Args:
            cosigned: Which key countersigned which size: all of them right, and of one log.
        """
        furthest: dict[bytes, int] = {}
        counted = {key.public for key in self.witnesses}
        for key, size in cosigned:
            if key.public in counted:  # what is signed does not say the name: one key is one witness
                furthest[key.public] = max(size, furthest.get(key.public, 0))
        sizes = sorted(furthest.values(), reverse=True)
        return sizes[self.needed - 1] if len(sizes) >= self.needed else 0

    def find(self, name: str) -> WitnessKey:
        """Find a witness by name, or by a part of it that fits one only.

        Raises:
            ValueError: It fits none, or several.
        """
        exact = [key for key in self.witnesses if key.name == name]
        found = exact or [key for key in self.witnesses if name in key.name]
        if len(found) != 1:
            known = ", ".join(key.name for key in self.witnesses) or "none"
            raise ValueError(
                f"“{name}” names {len(found) or 'none'} of the witnesses in the settings: {known}."
            )
        return found[0]


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a witness is asked."""

    old_size: int
    """What the witness last countersigned of this log, as far as the asker knows."""
    proof: tuple[bytes, ...]
    checkpoint: str
    """The signed note."""

    def text(self) -> str:
        lines = (f"old {self.old_size}\n", *(f"{base64_of(hash)}\n" for hash in self.proof))
        return "".join(lines) + "\n" + self.checkpoint


def parse_add_checkpoint(text: str) -> AddCheckpoint:
    """Read a request. What is after its empty line is not looked at.

    Raises:
        ValueError: It is none; says why.
    """
    if "\r" in text:
        raise ValueError(
            "Its lines end in CR LF: something on its way changed them. Send it as an attachment."
        )
    head, gap, checkpoint = text.partition("\n\n")
    first, *hashes = head.split("\n")
    old = _OLD.fullmatch(first)
    if not gap or old is None:
        raise ValueError(
            "A request begins with a line “old” and a size, and has an empty line before the head."
        )
    if int(old[1]) > _LARGEST:
        raise ValueError("No log is as large as its first line says.")
    if len(hashes) > LONGEST_PROOF:
        raise ValueError(f"A proof has at most {LONGEST_PROOF} lines, and this one {len(hashes)}.")
    proof = tuple(from_base64(hash) for hash in hashes)
    if any(len(hash) != HASH_SIZE for hash in proof):
        raise ValueError(f"A line of the proof is not {HASH_SIZE} bytes in base64.")
    return AddCheckpoint(int(old[1]), proof, checkpoint)


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answers: over HTTP the status and the body, in a file the status on a line before the body."""

    status: int
    body: str
    """For 200 signature lines, for 409 the size last countersigned, else a reason in words."""

    @property
    def is_given(self) -> bool:
        return self.status == HTTPStatus.OK

    @property
    def content_type(self) -> str:
        return "text/x.tlog.size" if self.status == HTTPStatus.CONFLICT else "text/plain; charset=utf-8"

    @property
    def size(self) -> int:
        """How far the witness had come, in an answer of 409.

        Raises:
            ValueError: It does not say.
        """
        found = _SIZE.fullmatch(self.body)
        if self.status != HTTPStatus.CONFLICT or found is None:
            raise ValueError("This answer names no size.")
        return int(found[1])

    def text(self) -> str:
        return f"{self.status}\n{self.body}"

    def signatures(self) -> list[NoteSignature]:
        """Read the signature lines of an answer of 200.

        Raises:
            ValueError: There are none, or something else is among them.
        """
        lines = self.body.removesuffix("\n").split("\n")
        if not self.body.endswith("\n"):
            raise ValueError("The answer ends in the middle of a line: it was cut short.")
        return [parse_signature_line(line) for line in lines]


def parse_answer(text: str) -> WitnessAnswer:
    """Read an answer from a file: with its status on the first line, or the mere signature lines of one of 200.

    Raises:
        ValueError: It is neither.
    """
    first, _, body = text.partition("\n")
    if _STATUS.fullmatch(first):
        return WitnessAnswer(int(first), body)
    if not text.startswith("— "):
        raise ValueError("An answer begins with its status, such as 200, or with a signature line.")
    return WitnessAnswer(HTTPStatus.OK, text)
