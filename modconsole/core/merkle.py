"""The Merkle tree of RFC 9162 (section 2.1.1), as arithmetic over hashes. SHA-256 throughout."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

__all__ = ["EMPTY_ROOT", "HASH_SIZE", "Frontier", "leaf_hash", "node_hash", "tree_root"]

HASH_SIZE = 32
_SIZE_BYTES = 8

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash one leaf. The prefix keeps a leaf from ever being taken for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def tree_root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Compute the root of a tree from its leaves' hashes."""
    frontier = Frontier()
    for hash in leaf_hashes:
        frontier.append(hash)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: all that is needed to append a leaf and to give the root.

    Holds the roots of the perfect subtrees the leaves fall into, largest first: one per set bit of the size.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, hash: bytes) -> None:
        """Add a leaf's hash, in O(log n)."""
        rest = self.size
        while rest & 1:
            hash = node_hash(self._peaks.pop(), hash)
            rest >>= 1
        self._peaks.append(hash)
        self.size += 1

    def root(self) -> bytes:
        """Give the root of the tree as it is now."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """Give the size in eight bytes, most significant first, and the peaks, largest first."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read what `to_bytes` gave.

        Raises:
            ValueError: The number of peaks does not fit the size.
        """
        size, peaks = int.from_bytes(data[:_SIZE_BYTES], "big"), data[_SIZE_BYTES:]
        if len(data) < _SIZE_BYTES or len(peaks) != size.bit_count() * HASH_SIZE:
            raise ValueError(f"{len(data)} bytes are not the frontier of a tree of {size} leaves.")
        frontier = cls()
        frontier.size = size
        frontier._peaks = [peaks[at : at + HASH_SIZE] for at in range(0, len(peaks), HASH_SIZE)]
        return frontier
