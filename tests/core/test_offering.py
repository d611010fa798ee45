"""What may be offered to a member."""

from __future__ import annotations

import pytest

from modconsole.core.offering import suits_age, unsuited
from modconsole.core.protocol import Channel, Resource, Template

REPLY = Template(
    "reply", "1.0.0", "Always.", "private", "Hi.", (), age_bands=("adult",), never_with=("domestic-abuse",)
)


def line(low: int | None, high: int | None) -> Resource:
    return Resource(
        "line",
        "A line",
        "listening",
        ("distress",),
        (Channel("phone", "1"),),
        ("GB",),
        age_min=low,
        age_max=high,
    )


def test_a_message_is_kept_from_the_protocols_its_author_named() -> None:
    assert "never with domestic abuse" in unsuited(REPLY, {"self-harm", "domestic-abuse"})
    assert unsuited(REPLY, {"self-harm"}) == ""


def test_a_message_for_adults_is_kept_from_a_child_and_from_somebody_of_unknown_age() -> None:
    assert "another age" in unsuited(REPLY, (), age="13_15")
    assert "another age" in unsuited(REPLY, (), age="unknown")
    assert unsuited(REPLY, (), age="adult") == ""
    assert unsuited(REPLY, ()) == ""


@pytest.mark.parametrize(
    ("low", "high", "age", "suits"),
    [
        (None, 18, "16_17", True),
        (None, 18, "adult", True),  # somebody of eighteen
        (None, 15, "adult", False),
        (18, None, "16_17", False),
        (16, None, "16_17", True),
        (16, None, "13_15", False),
        (18, None, "unknown", True),
        (18, None, "", True),
    ],
)
def test_a_service_is_offered_to_whom_it_may_be_for(
    low: int | None, high: int | None, age: str, suits: bool
) -> None:
    assert suits_age(line(low, high), age) is suits
