"""Drawing a sample that anybody can draw again: by hashes, not by chance.

Entries are put in the order of `sha256(seed || leaf hash)`. Whoever has the same entries and the same seed gets the
same order, on any machine and with any program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

__all__ = ["Stratum", "draw", "place_in_order"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stratum(Generic[T]):
    name: str
    size: int
    """How many there are to choose from."""
    chosen: tuple[T, ...]
    """In the order of their hashes."""


def place_in_order(seed: str, leaf_hash: bytes) -> bytes:
    """Give what an entry is ordered by. The hash is of fixed length, so no two pairs read the same."""
    return sha256(seed.encode("utf-8", "surrogatepass") + leaf_hash).digest()


def draw(items: Iterable[tuple[str, bytes, T]], seed: str, per: int) -> tuple[Stratum[T], ...]:
    """Choose up to `per` of each stratum, the strata by name.

    Args:
        items: Stratum, leaf hash and what is to be given back, in any order.
    """
    strata: dict[str, list[tuple[bytes, T]]] = {}
    for name, leaf_hash, item in items:
        strata.setdefault(name, []).append((place_in_order(seed, leaf_hash), item))
    return tuple(
        Stratum(name, len(some), tuple(item for _, item in sorted(some, key=lambda pair: pair[0])[:per]))
        for name, some in sorted(strata.items())
    )
