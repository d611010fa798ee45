"""The tree against RFC 9162's definition and the published vectors of its older edition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.merkle import EMPTY_ROOT, Frontier, leaf_hash, tree_root

# The leaves and roots that Certificate Transparency's implementations test with.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_published_roots_come_out(size: int) -> None:
    root = tree_root(leaf_hash(leaf) for leaf in LEAVES[:size])

    assert root.hex() == ROOTS[size]


def test_every_size_up_to_three_hundred_agrees_with_the_definition() -> None:
    leaves = [str(number).encode() for number in range(300)]
    frontier = Frontier()
    for size, leaf in enumerate(leaves):
        assert frontier.root() == by_definition(leaves[:size])
        frontier.append(leaf_hash(leaf))


@given(st.lists(st.binary(max_size=8), max_size=70), st.integers(0, 70))
def test_a_frontier_that_was_put_away_goes_on_where_it_stopped(leaves: list[bytes], at: int) -> None:
    frontier = Frontier()
    for number, leaf in enumerate(leaves):
        if number == at:
            frontier = Frontier.from_bytes(frontier.to_bytes())
        frontier.append(leaf_hash(leaf))

    assert frontier.size == len(leaves)
    assert frontier.root() == by_definition(leaves)


def test_an_empty_frontier_can_be_put_away() -> None:
    frontier = Frontier.from_bytes(Frontier().to_bytes())

    assert (frontier.size, frontier.root()) == (0, EMPTY_ROOT)


@pytest.mark.parametrize("change", [b"", b"\x00" * 7, b"\x00" * 7 + b"\x03" + b"x" * 32, b"\x00" * 8 + b"x"])
def test_bytes_that_are_no_frontier_are_refused(change: bytes) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(change)
