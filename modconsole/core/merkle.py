"""The Merkle tree of RFC 9162 (section 2.1) and its proofs, as arithmetic over hashes. SHA-256 throughout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "Frontier",
    "ProofError",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]

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


class ProofError(ValueError):
    """A proof does not prove what it is said to, or one was asked for that cannot be."""


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


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Prove that a leaf is in the tree of these leaves (RFC 9162, section 2.1.3.1).

    Returns:
        The hashes beside the leaf's way up, from the bottom; at most one for each bit of the tree's size.

    Raises:
        ProofError: There is no leaf with this index, counted from 0.
    """
    size = len(leaf_hashes)
    if not 0 <= index < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {index}.")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(tree_root(leaf_hashes[middle:high]))
            high = middle
        else:
            proof.append(tree_root(leaf_hashes[low:middle]))
            low = middle
    return proof[::-1]


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Prove that the tree of these leaves continues the tree of its first `old_size` (RFC 9162, section 2.1.4.1).

    Raises:
        ProofError: Not 1 <= old_size <= the number of leaves.
    """
    size = len(leaf_hashes)
    if not 1 <= old_size <= size:
        raise ProofError(f"A tree of {size} leaves cannot be proved to continue one of {old_size}.")
    proof: list[bytes] = []
    low, high, is_whole_old_tree = 0, size, True
    while old_size < high:
        middle = low + _split(high - low)
        if old_size <= middle:
            proof.append(tree_root(leaf_hashes[middle:high]))
            high = middle
        else:
            proof.append(tree_root(leaf_hashes[low:middle]))
            low, is_whole_old_tree = middle, False
    if not is_whole_old_tree:
        proof.append(tree_root(leaf_hashes[low:high]))
    return proof[::-1]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at this index in the tree of this size and root (RFC 9162, section 2.1.3.2).

    Raises:
        ProofError: It is not proved; says why.
    """
    if not 0 <= index < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {index}.")
    _check_hashes((leaf_hash, root), proof, size)
    node, last, computed = index, size - 1, leaf_hash
    for hash in proof:
        if last == 0:
            raise ProofError("The proof is longer than the tree is high.")
        if node & 1 or node == last:
            computed = node_hash(hash, computed)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, hash)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("The proof ends before it reaches the root.")
    if computed != root:
        raise ProofError("The proof leads to another root.")


def verify_consistency(
    old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Check that the tree of this size and root continues the older one (RFC 9162, section 2.1.4.2).

    Raises:
        ProofError: It is not proved; says why.
    """
    if not 1 <= old_size <= size:
        raise ProofError(f"A tree of {size} leaves cannot continue one of {old_size}.")
    _check_hashes((old_root, root), proof, size)
    if old_size == size:
        if proof:
            raise ProofError("Two trees of the same size need no proof.")
        if old_root != root:
            raise ProofError("Two trees of the same size have different roots.")
        return
    hashes = iter(proof)
    node, last = old_size - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    # A whole old tree is a node of the new one, and its root is known already.
    old = new = next(hashes, b"") if node else old_root
    for hash in hashes:
        if last == 0:
            raise ProofError("The proof is longer than the tree is high.")
        if node & 1 or node == last:
            old, new = node_hash(hash, old), node_hash(hash, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, hash)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("The proof ends before it reaches the root.")
    if old != old_root:
        raise ProofError("The proof leads to another root of the older tree.")
    if new != root:
        raise ProofError("The proof leads to another root.")


def _split(size: int) -> int:
    """Give the largest power of two below a size of at least two: how many leaves the left half holds."""
    return 1 << (size - 1).bit_length() - 1


def _check_hashes(roots: Iterable[bytes], proof: Sequence[bytes], size: int) -> None:
    if len(proof) > size.bit_length() + 1:
        raise ProofError("The proof is longer than the tree is high.")
    if any(not isinstance(hash, bytes) or len(hash) != HASH_SIZE for hash in (*roots, *proof)):
        raise ProofError(f"A hash in the proof is not {HASH_SIZE} bytes long.")
