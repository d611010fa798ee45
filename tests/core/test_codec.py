"""Values become plain JSON and come back equal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest

from modconsole.core.codec import from_plain, to_plain
from modconsole.core.model import CaseFile, Flag, FlagSource, Post, Target, TargetKind

AT = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)


@dataclass(frozen=True)
class Everything:
    name: str
    kind: TargetKind
    at: datetime
    day: date
    maybe: datetime | None = None
    numbers: tuple[int, ...] = ()
    inner: Target | None = None
    by_name: Mapping[str, Target] = field(default_factory=dict)
    share: float = 0.5
    is_so: bool = False


FULL = Everything(
    "Robin",
    TargetKind.MEMBER,
    AT,
    date(2026, 3, 2),
    AT,
    (1, 2),
    Target(TargetKind.POST, "7"),
    {"first": Target(TargetKind.MESSAGE, "8", "room")},
    0.25,
    True,
)


@pytest.mark.parametrize("value", [FULL, Everything("", TargetKind.POST, AT, date(2026, 3, 2))])
def test_what_was_written_is_read_back_equal(value: Everything) -> None:
    assert value == from_plain(Everything, json.loads(json.dumps(to_plain(value))))


def test_a_case_file_is_read_back_equal() -> None:
    target = Target(TargetKind.POST, "7", "room")
    post = Post(target, "robin", "Robin", "seedlings \ud83c ⟦‮⟧ \x1b[2J", AT, "v1", attachments=2)
    flag = Flag("f", target, "worry", AT, comment="all right?", source=FlagSource.FILTER)
    file = CaseFile(post, (flag, flag), (post,), "v1")

    assert file == from_plain(CaseFile, json.loads(json.dumps(to_plain(file))))


def test_fields_at_their_default_are_left_out_and_required_ones_never() -> None:
    assert to_plain(Target(TargetKind.POST, "")) == {"kind": "post", "id": ""}


def test_a_field_with_a_made_default_is_always_written() -> None:
    assert to_plain(Everything("", TargetKind.POST, AT, AT.date()))["by_name"] == {}


def test_words_of_a_list_become_exact_strings() -> None:
    plain = to_plain({TargetKind.POST: TargetKind.MEMBER})

    assert plain == {"post": "member"}
    assert {str} == {type(text) for pair in plain.items() for text in pair}


def test_a_field_this_version_does_not_know_is_passed_over() -> None:
    assert Target(TargetKind.POST, "7") == from_plain(Target, {"kind": "post", "id": "7", "colour": "red"})


@pytest.mark.parametrize("value", [{1, 2}, object(), [b"bytes"]])
def test_what_has_no_plain_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no plain form"):
        to_plain(value)


@pytest.mark.parametrize("plain", [{"id": "7"}, {"kind": "planet", "id": "7"}, None, ["post"]])
def test_plain_values_of_another_form_are_refused(plain: object) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        from_plain(Target, plain)
