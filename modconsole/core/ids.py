"""Ids people can read out over the phone: a letter for the kind, then base32 without look-alikes being mixed."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable

__all__ = ["Randomness", "case_id", "case_token", "decision_id", "order_id", "run_id"]

Randomness = Callable[[int], bytes]
"""Gives that many random bytes (`os.urandom`, handed in)."""


def _base32(bits: bytes) -> str:
    return b32encode(bits).decode("ascii").rstrip("=").lower()


def case_id(random: Randomness) -> str:
    return "c-" + _base32(random(5))


def case_token(random: Randomness) -> str:
    """128 random bits in hex; the only name a case has in the log."""
    return random(16).hex()


def run_id(random: Randomness) -> str:
    return "r-" + _base32(random(5))


def decision_id(random: Randomness) -> str:
    return "d-" + _base32(random(5))


def order_id(random: Randomness) -> str:
    return "o-" + _base32(random(16))
