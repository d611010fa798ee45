"""A sample is the same for everybody, whatever order the entries come in."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.sampling import draw, place_in_order

LEAVES = [sha256(bytes([number])).digest() for number in range(12)]
ITEMS = [("even" if number % 2 == 0 else "odd", leaf, number) for number, leaf in enumerate(LEAVES)]


def test_the_order_is_that_of_the_hash_of_seed_and_leaf() -> None:
    assert place_in_order("spring", LEAVES[0]) == sha256(b"spring" + LEAVES[0]).digest()

    (stratum,) = draw([("all", leaf, leaf) for leaf in LEAVES], "spring", 12)
    assert list(stratum.chosen) == sorted(LEAVES, key=lambda leaf: sha256(b"spring" + leaf).digest())


def test_a_sample_known_by_heart_never_changes() -> None:
    found = draw(ITEMS, "2026-11", 3)

    assert [(stratum.name, stratum.size, stratum.chosen) for stratum in found] == [
        ("even", 6, EVEN),
        ("odd", 6, ODD),
    ]


EVEN, ODD = (8, 6, 4), (5, 11, 1)
"""Worked out with `sha256sum` and `sort`."""


@given(st.permutations(ITEMS), st.text(), st.integers(1, 7))
def test_the_order_the_entries_come_in_changes_nothing(
    items: list[tuple[str, bytes, int]], seed: str, per: int
) -> None:
    found = draw(items, seed, per)

    assert found == draw(ITEMS, seed, per)
    assert [len(stratum.chosen) for stratum in found] == [min(6, per)] * 2


def test_a_larger_sample_keeps_the_smaller_one() -> None:
    small, large = draw(ITEMS, "s", 2), draw(ITEMS, "s", 4)

    assert [stratum.chosen for stratum in small] == [stratum.chosen[:2] for stratum in large]


def test_another_seed_draws_others() -> None:
    assert len({draw(ITEMS, str(seed), 2) for seed in range(20)}) > 10


def test_nothing_to_choose_from_gives_no_strata() -> None:
    assert draw([], "s", 3) == ()
