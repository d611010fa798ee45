"""Writing a log so that a stranger can check it: as tiles, and as evidence of single entries. Never with a body."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path

from modconsole.audit.evidence import LEAF, PROOF, TlogProof, proof_text
from modconsole.audit.export_readme import evidence_readme, tiles_readme
from modconsole.audit.heads import NotAHead, signed_head
from modconsole.audit.tiles import ENTRIES, LONGEST_ENTRY, WIDTH, Tower, bundle, tile_path
from modconsole.core.errors import LogError
from modconsole.core.merkle import HASH_SIZE, inclusion_proof, leaf_hash, tree_root
from modconsole.core.note import Checkpoint, parse_verifier_key
from modconsole.ports.audit import LogHead

__all__ = ["folder_names", "write_evidence_of", "write_tiles_of"]

_SAFE = re.compile("[^a-z0-9._-]+")
_LONGEST_NAME = 80


def folder_names(origins: Collection[str]) -> list[str]:
    """Give each origin a folder name that every file system takes, and that no two share."""
    names: list[str] = []
    for origin in origins:
        name = _SAFE.sub("_", origin.lower()).strip("._")[:_LONGEST_NAME]
        if not name or name in names:
            name = f"{name or 'log'}-{sha256(origin.encode()).hexdigest()[:12]}"
        names.append(name)
    return names


def write_tiles_of(db: sqlite3.Connection, head: LogHead, folder: Path) -> None:
    """Write one log as tiles, its checkpoint last. Holds 256 entries at a time.

    Raises:
        LogError: The entries do not give the head that is signed.
    """
    put = _Putting(folder)
    tower = Tower(lambda level, index, row: put(tile_path(level, index, len(row) // HASH_SIZE), row))
    rest = b""
    size = 0
    for index, entries in enumerate(_by_256(_leaves(db, head.origin))):
        row = b"".join(map(leaf_hash, entries))
        put(tile_path(ENTRIES, index, len(entries)), bundle(_fitting(head.origin, index, entries)))
        put(tile_path(0, index, len(entries)), row)
        size += len(entries)
        if len(entries) == WIDTH:
            tower.add(row)
        else:
            rest = row
    tower.partial()
    _check(head, size, tower.root(rest))
    put("README.md", tiles_readme(head).encode())
    put("vkey", f"{head.vkey}\n".encode())
    put("checkpoint", head.checkpoint.encode())


def write_evidence_of(
    db: sqlite3.Connection, head: LogHead, wanted: Collection[int], case: str, folder: Path
) -> None:
    """Write these entries of one log with their proofs, its checkpoint last.

    A log's tiles of level 0 are the leaves of a tree, whose last may be partial. So a proof is one within the entry's
    tile, and one of its tile among the others: a million hashes need not be held for it.

    Raises:
        LogError: The entries do not give the head that is signed.
    """
    put = _Putting(folder)
    tiles: dict[int, list[bytes]] = {}
    roots: list[bytes] = []
    size = 0
    wanted = set(wanted)
    for index, entries in enumerate(_by_256(_leaves(db, head.origin))):
        row = [leaf_hash(entry) for entry in entries]
        roots.append(tree_root(row))
        for at, entry in enumerate(entries, size):
            if at in wanted:
                put(f"entries/{at}{LEAF}", entry)
                tiles[index] = row
        size += len(entries)
    _check(head, size, tree_root(roots))
    for at in sorted(wanted):
        tile, place = divmod(at, WIDTH)
        proof = (*inclusion_proof(tiles[tile], place), *inclusion_proof(roots, tile))
        put(f"entries/{at}{PROOF}", proof_text(TlogProof(at, proof, head.checkpoint)).encode())
    put("README.md", evidence_readme(head, sorted(wanted), case).encode())
    put("vkey", f"{head.vkey}\n".encode())
    put("checkpoint", head.checkpoint.encode())


class _Putting:
    """Writes new files below a new folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._folder = folder

    def __call__(self, name: str, data: bytes) -> None:
        path = self._folder / name
        for parent in reversed(
            path.relative_to(self._folder).parents
        ):  # `parents=True` would leave these to others
            (self._folder / parent).mkdir(mode=0o700, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
        path.chmod(0o600)


def _leaves(db: sqlite3.Connection, origin: str) -> Iterator[bytes]:
    rows = db.execute(
        "SELECT CAST(leaf AS BLOB) FROM leaves JOIN logs ON logs.id = leaves.log WHERE origin=? ORDER BY seq",
        (origin,),
    )
    return (leaf for (leaf,) in rows)


def _by_256(leaves: Iterator[bytes]) -> Iterator[list[bytes]]:
    while entries := list(islice(leaves, WIDTH)):
        yield entries


def _fitting(origin: str, index: int, entries: list[bytes]) -> list[bytes]:
    for at, entry in enumerate(entries, index * WIDTH):
        if len(entry) > LONGEST_ENTRY:
            raise LogError(
                f"Entry {at} of {origin} is too long for an entry bundle: {len(entry):,} bytes.",
                kept="Nothing was written.",
                next_step="Export it as jsonl.",
            )
    return entries


def _check(head: LogHead, size: int, root: bytes) -> None:
    """Refuse to hand out what would not be proved by its own head."""
    try:
        point = signed_head(head.checkpoint.encode(), [parse_verifier_key(head.vkey)]).point
    except (NotAHead, ValueError):
        point = None
    if point != Checkpoint(head.origin, size, root):
        raise LogError(
            f"The entries of {head.origin} do not give the head that was signed, so an export would prove nothing.",
            kept="Nothing was written.",
            next_step="Run `modconsole audit verify`; it names the entry that differs.",
        )
