"""Tile logs after C2SP tlog-tiles: where each file is, what is in it, and how tiles grow.

A tile is 256 hashes in a row: of leaves at level 0, and of whole tiles of the level below above that. The last of each
level is partial. Entry bundles hold the entries that a tile of level 0 has the hashes of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from modconsole.core.merkle import EMPTY_ROOT, HASH_SIZE, leaf_hash, tree_root

__all__ = [
    "ENTRIES",
    "LONGEST_ENTRY",
    "WIDTH",
    "BadTile",
    "Tower",
    "as_entries",
    "as_hashed",
    "as_tile",
    "bundle",
    "first_difference",
    "hashes",
    "tile_path",
]

WIDTH = 256
ENTRIES = "entries"
"""What stands in an entry bundle's path in place of a level."""
LONGEST_ENTRY = 2**16 - 1
"""An entry's length stands before it in two bytes."""

_FULL = WIDTH * HASH_SIZE


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """Give the path of a tile, or of an entry bundle, below the log's folder."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join(("tile", str(level), *(f"x{group}" for group in groups[:-1]), groups[-1]))
    return path if width == WIDTH else f"{path}.p/{width}"


def bundle(entries: Iterable[bytes]) -> bytes:
    """Give the bytes of an entry bundle."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


class BadTile(ValueError):
    """Bytes are not what their place says; ends a sentence that begins with the file's name."""


def as_tile(data: bytes, width: int) -> bytes:
    """Take a tile's bytes as its hashes.

    Raises:
        BadTile
    """
    if len(data) != width * HASH_SIZE:
        raise BadTile(f"holds {len(data):,} bytes, where {width * HASH_SIZE:,} belong")
    return data


def as_entries(data: bytes, width: int) -> list[bytes]:
    """Take an entry bundle apart.

    Raises:
        BadTile
    """
    entries, at = [], 0
    for number in range(width):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise BadTile(f"ends within entry {number} of the {width} that belong there")
        entries.append(data[at + 2 : end])
        at = end
    if at < len(data):
        raise BadTile(f"has {len(data) - at:,} bytes after the {width} entries that belong there")
    return entries


def as_hashed(data: bytes, width: int) -> bytes:
    """Hash each entry of a bundle: what its tile must hold.

    Raises:
        BadTile
    """
    return b"".join(map(leaf_hash, as_entries(data, width)))


def first_difference(row: bytes, other: bytes) -> int | None:
    """Say which hash of two tiles is the first that differs, as far as both go."""
    pairs = zip(hashes(row), hashes(other), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), None)


def hashes(row: bytes) -> list[bytes]:
    """Take a tile apart."""
    return [row[at : at + HASH_SIZE] for at in range(0, len(row), HASH_SIZE)]


@dataclass(slots=True)
class Tower:
    """All tiles of a growing tree, from its tiles of level 0: one open row for each level above it.

    Args:
        closed: Told of every tile above level 0 when it is complete, with its level and index.
    """

    closed: Callable[[int, int, bytes], object]
    _rows: list[tuple[int, bytes]] = field(default_factory=list)
    """For level 1 and up: the index of the open tile, and its hashes so far."""

    def add(self, tile: bytes) -> None:
        """Add a full tile of level 0."""
        level, hash = 0, _root_of_full(tile)
        while True:
            if level == len(self._rows):
                self._rows.append((0, b""))
            index, row = self._rows[level]
            row += hash
            self._rows[level] = (index, row)
            if len(row) < _FULL:
                return
            self.closed(level + 1, index, row)
            self._rows[level] = (index + 1, b"")
            level, hash = level + 1, _root_of_full(row)

    def partial(self) -> None:
        """Tell `closed` of the partial tiles that the tree ends with, above level 0."""
        for level, (index, row) in enumerate(self._rows, 1):
            if row:
                self.closed(level, index, row)

    def root(self, rest: bytes = b"") -> bytes:
        """Give the root of the tree so far, with these hashes of further leaves: a partial tile of level 0, or none.

        A subtree that is not whole is always the last, and stands where a whole one would: so each level is a tree of
        its own hashes with the one from below as the last leaf.
        """
        below = [tree_root(hashes(rest))] if rest else []
        for _, row in self._rows:
            leaves = hashes(row) + below
            below = [tree_root(leaves)] if leaves else []
        return below[0] if below else EMPTY_ROOT

    def fork(self, closed: Callable[[int, int, bytes], object]) -> Tower:
        return Tower(closed, list(self._rows))


def _root_of_full(row: bytes) -> bytes:
    """Hash a full tile into one hash. Over the bytes themselves: three times as fast as over a list."""
    pair = 2 * HASH_SIZE
    while len(row) > HASH_SIZE:
        row = b"".join([sha256(b"\x01" + row[at : at + pair]).digest() for at in range(0, len(row), pair)])
    return row
