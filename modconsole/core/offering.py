"""What may be offered to a member: messages that fit what the case is about, and services that fit their age."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from modconsole.core.protocol import Resource, Template

__all__ = ["suits_age", "unsuited"]

_YEARS: Mapping[str, tuple[int, int]] = {
    "u13": (0, 12),
    "13_15": (13, 15),
    "16_17": (16, 17),
    "adult": (18, 200),
}
"""The years of each age band; `unknown` has none."""


def unsuited(template: Template, protocols: Collection[str], *, age: str = "") -> str:
    """Say why a template is not to be used on a case; empty when it may be.

    Args:
        protocols: What the case is about: the protocols that run, ran or are suggested.
        age: The member's age band as answered; empty when nobody said.
    """
    clash = next((id for id in template.never_with if id in protocols), "")
    if clash:
        return f"Its author says: never with {clash.replace('-', ' ')}."
    if age and template.age_bands and age not in template.age_bands:
        return "It was written for members of another age."
    return ""


def suits_age(resource: Resource, age: str) -> bool:
    """Say whether a crisis service may be for somebody of this age band; one we do not know rules nothing out."""
    if age not in _YEARS:
        return True
    youngest, oldest = _YEARS[age]
    too_old = resource.age_max is not None and youngest > resource.age_max
    too_young = resource.age_min is not None and oldest < resource.age_min
    return not (too_old or too_young)
