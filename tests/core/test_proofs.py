"""Proofs about the tree: every true one is accepted, and nothing that differs from it by anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.merkle import (
    HASH_SIZE,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.core.test_merkle import LEAVES as PUBLISHED
from tests.core.test_merkle import ROOTS

MOST = 300
LEAVES = [leaf_hash(str(number).encode()) for number in range(MOST)]
ALL_ROOTS = [tree_root(LEAVES[:size]) for size in range(MOST + 1)]


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    split = largest_power_below(len(leaves))
    if index < split:
        return [*path(index, leaves[:split]), tree_root(leaves[split:])]
    return [*path(index - split, leaves[split:]), tree_root(leaves[:split])]


def subproof(old: int, leaves: list[bytes], known: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162, section 2.1.4.1, word for word."""
    if old == len(leaves):
        return [] if known else [tree_root(leaves)]
    split = largest_power_below(len(leaves))
    if old <= split:
        return [*subproof(old, leaves[:split], known), tree_root(leaves[split:])]
    return [*subproof(old - split, leaves[split:], False), tree_root(leaves[:split])]


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def test_the_published_proofs_come_out() -> None:
    """The paths that Certificate Transparency's implementations test with, for trees of their eight leaves."""
    hashes = [leaf_hash(leaf) for leaf in PUBLISHED]

    assert [hash.hex() for hash in inclusion_proof(hashes, 0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [hash.hex() for hash in inclusion_proof(hashes, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [hash.hex() for hash in consistency_proof(hashes[:8], 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    verify_inclusion(hashes[5], 5, 8, inclusion_proof(hashes, 5), bytes.fromhex(ROOTS[8]))


@pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 127, 128, 129, 255, 256, 257, MOST])
def test_every_proof_is_the_one_of_the_definition(size: int) -> None:
    leaves = LEAVES[:size]
    for at in range(size):
        assert inclusion_proof(leaves, at) == path(at, leaves)
        assert consistency_proof(leaves, at + 1) == subproof(at + 1, leaves, True)


def test_every_proof_up_to_three_hundred_leaves_verifies() -> None:
    for size in range(1, MOST + 1):
        leaves, root = LEAVES[:size], ALL_ROOTS[size]
        for at in {0, 1, 2, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
            verify_inclusion(leaves[at], at, size, inclusion_proof(leaves, at), root)
        for old in {1, 2, 3, size // 3, size // 2, size - 1, size} & set(range(1, size + 1)):
            verify_consistency(old, size, consistency_proof(leaves, old), ALL_ROOTS[old], root)


def spoiled(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Give a proof with each single bit flipped, cut, lengthened, doubled and swapped."""
    for at, hash in enumerate(proof):
        for bit in range(8 * HASH_SIZE):
            flipped = bytearray(hash)
            flipped[bit // 8] ^= 1 << bit % 8
            yield [*proof[:at], bytes(flipped), *proof[at + 1 :]]
        yield proof[:at] + proof[at + 1 :]
        yield [*proof[:at], hash, *proof[at:]]
        for other in range(at):
            swapped = list(proof)
            swapped[at], swapped[other] = swapped[other], swapped[at]
            yield swapped
        yield [*proof[:at], hash[:-1], *proof[at + 1 :]]
        yield [*proof[:at], hash + b"\0", *proof[at + 1 :]]
    for extra in (bytes(HASH_SIZE), LEAVES[0], *proof):
        yield [*proof, extra]
        yield [extra, *proof]


def refused(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProofError:
        return True
    return False


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 11, 64, 65])
def test_a_spoiled_proof_of_inclusion_is_refused(size: int) -> None:
    leaves, root = LEAVES[:size], ALL_ROOTS[size]
    for at in {0, size // 2, size - 1}:
        proof = inclusion_proof(leaves, at)
        for wrong in spoiled(proof):
            assert refused(lambda: verify_inclusion(leaves[at], at, size, wrong, root)), (size, at)  # noqa: B023
        for other in range(size):
            assert other == at or refused(lambda: verify_inclusion(leaves[at], other, size, proof, root))  # noqa: B023
        assert refused(lambda: verify_inclusion(LEAVES[-1], at, size, proof, root))  # noqa: B023
        assert refused(lambda: verify_inclusion(leaves[at], at, size, proof, ALL_ROOTS[size - 1]))  # noqa: B023


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 11, 64, 65])
def test_a_spoiled_proof_of_consistency_is_refused(size: int) -> None:
    leaves, root = LEAVES[:size], ALL_ROOTS[size]
    for old in {1, size // 2 or 1, size - 1 or 1, size}:
        proof = consistency_proof(leaves, old)
        for wrong in spoiled(proof):
            assert refused(lambda: verify_consistency(old, size, wrong, ALL_ROOTS[old], root)), (size, old)  # noqa: B023
        assert refused(lambda: verify_consistency(old, size, proof, ALL_ROOTS[old - 1], root))  # noqa: B023
        assert refused(lambda: verify_consistency(old, size, proof, ALL_ROOTS[old], ALL_ROOTS[size - 1]))  # noqa: B023


@given(st.integers(1, 80), st.data())
def test_a_proof_proves_one_size_only_where_its_shape_differs(size: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(1, 80).filter(lambda other: other != size))
    proof = inclusion_proof(LEAVES[:size], at)

    assert refused(lambda: verify_inclusion(LEAVES[at], at, other, proof, ALL_ROOTS[other]))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (4, 3), (0, -1)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    leaves = LEAVES[: max(size, 0)]

    with pytest.raises(ProofError):
        inclusion_proof(leaves, index)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3), (-1, 3), (0, 0), (1, 0)])
def test_only_an_older_tree_of_at_least_one_leaf_is_continued(old: int, size: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(LEAVES[:size], old)
    with pytest.raises(ProofError):
        verify_consistency(old, size, [], ALL_ROOTS[0], ALL_ROOTS[0])


def test_a_proof_of_absurd_length_is_refused_at_once() -> None:
    with pytest.raises(ProofError, match="longer"):
        verify_inclusion(LEAVES[0], 0, 2**62, [LEAVES[0]] * 10_000, LEAVES[0])
    with pytest.raises(ProofError, match="longer"):
        verify_consistency(1, 2**62, [LEAVES[0]] * 10_000, LEAVES[0], LEAVES[0])


def test_a_leaf_is_never_taken_for_a_node() -> None:
    left, right = LEAVES[0], LEAVES[1]

    assert node_hash(left, right) != leaf_hash(left + right)
    assert node_hash(left, right) == sha256(b"\x01" + left + right).digest()
