"""Evidence of single entries: C2SP tlog-proof, as text, and checking a folder of such proofs with their entries."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modconsole.audit.heads import LONGEST_NOTE, NotAHead, SignedHead, signed_head
from modconsole.audit.outside import OutsideFolder, Unreadable
from modconsole.audit.tiles import LONGEST_ENTRY
from modconsole.audit.tiles_checking import NO_KNOWING, at_most
from modconsole.core.merkle import HASH_SIZE, ProofError, leaf_hash, verify_inclusion
from modconsole.core.note import VerifierKey
from modconsole.ports.audit import Finding
from modconsole.ports.log_tools import EvidenceReport, ProvedEntry

__all__ = ["LEAF", "PROOF", "TlogProof", "parse_proof", "proof_text", "verify_evidence"]

LEAF, PROOF = ".leaf", ".tlog-proof"
"""What the names of an entry's two files end in, after its index."""

_FIRST = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile("0|[1-9][0-9]{0,18}")
_HIGHEST = 64
_SHOWN = 20
_INCOMPLETE = (
    "That these are all entries about a case, no proof can say: only the whole log shows what is left out."
)


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That one entry is in a log, in a form that needs nothing else but the log's key."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str


def proof_text(proof: TlogProof) -> str:
    """Write a proof as C2SP tlog-proof says."""
    lines = (_FIRST, f"index {proof.index}", *(b64encode(hash).decode() for hash in proof.hashes))
    return "".join(f"{line}\n" for line in lines) + "\n" + proof.checkpoint


def parse_proof(text: str) -> TlogProof:
    """Read a proof. Its extra data is passed over: nothing authenticates it.

    Raises:
        ValueError: It is none.
    """
    head, gap, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    if not gap or first != _FIRST:
        raise ValueError(
            f"A proof begins with the line {_FIRST} and has an empty line before its checkpoint."
        )
    if lines and lines[0].startswith("extra "):
        del lines[0]
    if not lines or not lines[0].startswith("index ") or not _INDEX.fullmatch(lines[0][6:]):
        raise ValueError("A proof says the entry's index in its second line.")
    if len(lines) - 1 > _HIGHEST:
        raise ValueError(f"No tree is so high that a proof needs {len(lines) - 1:,} hashes.")
    return TlogProof(int(lines[0][6:]), tuple(_hash(line) for line in lines[1:]), checkpoint)


def _hash(line: str) -> bytes:
    try:
        hash = b64decode(line, validate=True)
    except (Base64Error, ValueError):
        hash = b""
    if len(hash) != HASH_SIZE or b64encode(hash).decode() != line:
        raise ValueError("After the index a proof has only hashes of 32 bytes in base64.")
    return hash


def verify_evidence(folder: Path, keys: Sequence[VerifierKey]) -> EvidenceReport:
    """Check every entry of an evidence folder against the signed head in its own proof."""
    outside, found = OutsideFolder(folder), list[Finding]()
    proved: list[ProvedEntry] = []
    # `checkpoint` marks a log's folder; without it, what has entries in it is looked at all the same.
    logs = (
        [""]
        if outside.names("entries")
        else [name for name in outside.names() if outside.names(f"{name}/entries")]
    )
    for log in logs:
        proved += _Checked(outside, f"{log}/" if log else "", keys, found)
    if not proved and not found:
        what = "There is no entry with a proof in this folder."
        found.append(
            Finding("", None, what, "It holds no evidence, or is not the folder of an evidence export.")
        )
    return EvidenceReport(tuple(proved), tuple(at_most(found, _SHOWN)), (_INCOMPLETE, NO_KNOWING))


class _Checked:
    """The entries of one log's folder that are proved; what is wrong goes to `found`."""

    def __init__(
        self, outside: OutsideFolder, place: str, keys: Sequence[VerifierKey], found: list[Finding]
    ) -> None:
        self._outside = outside
        self._place = place
        self._keys = keys
        self._found = found
        self._heads: dict[str, SignedHead | NotAHead] = {}

    def __iter__(self) -> Iterator[ProvedEntry]:
        own = self._own_head()
        names = self._outside.names(f"{self._place}entries")
        stems = dict.fromkeys(name.removesuffix(LEAF).removesuffix(PROOF) for name in names)
        for stem in sorted(stems, key=lambda stem: (len(stem), stem)):
            proved = self._entry(stem)
            if proved is not None:
                yield proved
                if own is not None and (own.point.origin, own.point.size) != (proved.origin, proved.size):
                    what = f"{self._name(stem, PROOF)} is of another head than the folder's."
                    self._say(
                        proved.index, what, "The entry is proved; but the folder was put together from two."
                    )

    def _own_head(self) -> SignedHead | None:
        """Check the head that stands beside the entries, too."""
        name = f"{self._place}checkpoint"
        try:
            return self._head(self._outside.read(name, LONGEST_NOTE).decode("utf-8", "surrogateescape"))
        except Unreadable as error:
            self._say(None, f"{name} {error}.")
        except NotAHead as error:
            self._say(None, f"{name} {error.what}", error.means)
        return None

    def _entry(self, stem: str) -> ProvedEntry | None:
        index = int(stem) if _INDEX.fullmatch(stem) else None
        if index is None:
            what = f"{self._place}entries/{stem} is not named after an entry's index."
            self._say(None, what, "It belongs to no entry, and was not looked at.")
            return None
        try:
            name = self._name(stem, LEAF)
            leaf = self._outside.read(name, LONGEST_ENTRY)
            name = self._name(stem, PROOF)
            proof = parse_proof(self._outside.read(name, LONGEST_NOTE).decode())
            head = self._head(proof.checkpoint)
            if proof.index != index:
                raise ProofError(f"It is of entry {proof.index}.")
            hash, point = leaf_hash(leaf), head.point
            verify_inclusion(hash, index, point.size, proof.hashes, point.root)
        except Unreadable as error:
            self._say(index, f"{name} {error}.")
        except NotAHead as error:
            self._say(index, f"The head in {name} {error.what}", error.means)
        except ProofError as error:
            what = f"Entry {index} is not proved by {name}: {error}"
            self._say(
                index, what, "The entry, its index or its proof was changed, or belongs to another log."
            )
        except ValueError as error:  # not UTF-8 either
            self._say(index, f"{name} is no proof: {error}")
        else:
            return ProvedEntry(point.origin, index, hash.hex(), point.size)
        return None

    def _head(self, text: str) -> SignedHead:
        """Check a head once, however many proofs it stands in."""
        if text not in self._heads:
            try:
                self._heads[text] = signed_head(text.encode("utf-8", "surrogateescape"), self._keys)
            except NotAHead as error:
                self._heads[text] = error
        known = self._heads[text]
        if isinstance(known, NotAHead):
            raise known
        return known

    def _name(self, stem: str, end: str) -> str:
        return f"{self._place}entries/{stem}{end}"

    def _say(self, index: int | None, what: str, means: str = "") -> None:
        origin = self._place.removesuffix("/")
        self._found.append(Finding(origin, index, what, means or "Without it this entry is not proved."))
