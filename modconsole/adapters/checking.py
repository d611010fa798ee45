"""Checks that what an adapter gave is what the contract says, and makes a copy that is safe to keep.

What has only one meaning is put right (a list for a tuple, another time zone for UTC, a word for its enum); everything
else is refused with the name of the field. Copies are made of our own types only, so that no method of a stranger's
subclass is ever called later. Text stays as received but for what could not be stored as UTF-8.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from modconsole.core.errors import BadAnswer

__all__ = ["MOST_TEXT", "checked", "storable"]

T = TypeVar("T")

LONGEST_TEXT = 1_000_000
"""Characters of one text that are kept. No forum we know allows a post of a tenth of that."""

LONGEST_NAME = 4_096
"""Characters of an id or version; one that is longer cannot be cut without becoming another."""

MOST_TEXT = 20_000_000
"""Characters in one answer, all texts together."""

MOST_ITEMS = 5_000
"""Posts, flags or whatever else in one list."""

_NAMES = frozenset(
    {"id", "thread", "version", "cursor", "author", "reporter", "in_reply_to", "reference", "me"}
)


class _Lie(Exception):
    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said
        self.path: list[str] = []


@dataclass(slots=True)
class _Room:
    """How many characters may still come."""

    left: int


_Read = Callable[[Any, _Room], Any]


def checked(kind: Any, value: object, name: str) -> Any:
    """Give `value` as a clean `kind`.

    Args:
        kind: A type of the contract, or a hint such as `tuple[Post, ...]`.
        name: What it is, for the message.

    Raises:
        BadAnswer: Names the field, what was expected and the type of what was found; never a value.
    """
    try:
        return _reader(kind)(value, _Room(MOST_TEXT))
    except _Lie as lie:
        where = ".".join((name, *reversed(lie.path))).replace(".[", "[")
        said = lie.said
    raise BadAnswer(f"{where} should be {said}.")


def storable(text: str) -> str:
    """Give `text` as it is, or with U+FFFD for each half of a surrogate pair that UTF-8 cannot hold."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _found(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__[:60]}"


@cache
def _reader(kind: Any) -> _Read:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = [_reader(arg) for arg in args if arg is not types.NoneType]
        return lambda value, room: None if value is None else inner(value, room)
    if origin is tuple:
        return _tuple_reader(_reader(args[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_reader(_reader(args[0]), _reader(args[1]))
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    if issubclass(kind, StrEnum):
        return _enum_reader(kind)
    return _PLAIN[kind]


def _tuple_reader(read: _Read) -> _Read:
    def read_all(value: Any, room: _Room) -> tuple[Any, ...]:
        if not isinstance(value, tuple | list):
            raise _Lie(f"a tuple, and is {_found(value)}")
        if len(value) > MOST_ITEMS:
            raise _Lie(f"at most {MOST_ITEMS:,} items, and has {len(value):,}")
        items: list[Any] = []
        for item in value:
            try:
                items.append(read(item, room))
            except _Lie as lie:
                lie.path.append(f"[{len(items)}]")
                raise
        return tuple(items)

    return read_all


def _mapping_reader(read_key: _Read, read_value: _Read) -> _Read:
    def read_all(value: Any, room: _Room) -> dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise _Lie(f"a mapping, and is {_found(value)}")
        if len(value) > MOST_ITEMS:
            raise _Lie(f"at most {MOST_ITEMS:,} items, and has {len(value):,}")
        return {read_key(key, room): read_value(item, room) for key, item in value.items()}

    return read_all


def _dataclass_reader(kind: Any) -> _Read:
    hints = typing.get_type_hints(kind)
    readers = [
        (
            field.name,
            _name if hints[field.name] is str and field.name in _NAMES else _reader(hints[field.name]),
        )
        for field in dataclasses.fields(kind)
    ]

    def read_all(value: Any, room: _Room) -> Any:
        if not isinstance(value, kind):
            raise _Lie(f"a {kind.__name__}, and is {_found(value)}")
        values: list[Any] = []
        for name, read in readers:
            try:
                values.append(read(getattr(value, name), room))
            except _Lie as lie:
                lie.path.append(name)
                raise
        return kind(*values)

    return read_all


def _enum_reader(kind: type[StrEnum]) -> _Read:
    words = {member.value: member for member in kind}

    def read(value: Any, room: _Room) -> StrEnum:
        member = value if type(value) is kind else words.get(value) if type(value) is str else None
        if member is None:
            raise _Lie(f"one of {', '.join(words)}, and is {_found(value)}")
        return member

    return read


def _text(value: Any, room: _Room) -> str:
    text = _plain_str(value)
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}\n⟦cut here: {len(text) - LONGEST_TEXT:,} more characters were sent⟧"
    room.left -= len(text)
    if room.left < 0:
        raise _Lie(f"part of an answer of at most {MOST_TEXT:,} characters, and there were more")
    return storable(text)


def _name(value: Any, room: _Room) -> str:
    text = _plain_str(value)
    if len(text) > LONGEST_NAME:
        raise _Lie(f"at most {LONGEST_NAME:,} characters long, and is {len(text):,}")
    return storable(text)


def _plain_str(value: Any) -> str:
    if not isinstance(value, str):
        raise _Lie(f"text, and is {_found(value)}")
    return value if type(value) is str else str.__str__(value)


def _bool(value: Any, room: _Room) -> bool:
    if type(value) is not bool:
        raise _Lie(f"true or false, and is {_found(value)}")
    return value


def _int(value: Any, room: _Room) -> int:
    if type(value) is not int:
        raise _Lie(f"a whole number, and is {_found(value)}")
    if not -(2**63) <= value < 2**63:
        raise _Lie("a whole number of at most 64 bits, and is larger")
    return value


def _float(value: Any, room: _Room) -> float:
    if type(value) not in (int, float):
        raise _Lie(f"a number, and is {_found(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Lie("a finite number, and is not")
    return number


def _time(value: Any, room: _Room) -> datetime:
    if not isinstance(value, datetime):
        raise _Lie(f"a time, and is {_found(value)}")
    if value.utcoffset() is None:
        raise _Lie("a time with its zone, and has none")
    try:
        there = value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise _Lie("a time between the years 1 and 9999, and is not") from None
    if type(there) is datetime:
        return there
    clock = (there.year, there.month, there.day, there.hour, there.minute, there.second, there.microsecond)
    return datetime(*clock, tzinfo=UTC)


_PLAIN: Mapping[Any, _Read] = {str: _text, bool: _bool, int: _int, float: _float, datetime: _time}
