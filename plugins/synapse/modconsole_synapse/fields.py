"""Reading a server's JSON without trusting it: every field is checked, and a wrong one is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from modconsole.core.errors import BadAnswer

__all__ = ["Fields", "aware"]

_T = TypeVar("_T")


def aware(milliseconds: int) -> datetime | None:
    """Read milliseconds since 1970 as aware UTC; None when no calendar has them."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


class Fields:
    """One JSON object of an answer.

    Args:
        data: What should be an object.
        where: How an error calls it, such as `events[3].subject`.

    Raises:
        BadAnswer: It is not an object; so do the methods for a field of the wrong type.
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise BadAnswer(f"The server's answer has {_kind(data)} where {where} should be an object.")
        self._data: dict[str, Any] = data
        self._where = where

    def text(self, name: str) -> str:
        return self._as(name, str, "text")

    def maybe_text(self, name: str) -> str:
        """Give the text, or an empty one when the field is missing or null."""
        return "" if self._data.get(name) is None else self.text(name)

    def whole(self, name: str) -> int:
        return self._as(name, int, "a whole number")

    def maybe_whole(self, name: str) -> int | None:
        return None if self._data.get(name) is None else self.whole(name)

    def maybe_bool(self, name: str) -> bool | None:
        return None if self._data.get(name) is None else self._as(name, bool, "true or false")

    def time(self, name: str) -> datetime:
        """Give a time in milliseconds since 1970, which is how Matrix writes them."""
        moment = aware(self.whole(name))
        if moment is None:
            raise self._bad(name, "a time in milliseconds")
        return moment

    def within(self, name: str) -> Fields:
        return Fields(self._data.get(name), f"{self._where}.{name}")

    def maybe_within(self, name: str) -> Fields | None:
        return None if self._data.get(name) is None else self.within(name)

    def each(self, name: str) -> Iterator[Fields]:
        """Give the objects of a list; a missing list is an empty one."""
        for number, item in enumerate(self.list_of(name)):
            yield Fields(item, f"{self._where}.{name}[{number}]")

    def list_of(self, name: str) -> list[Any]:
        return [] if self._data.get(name) is None else self._as(name, list, "a list")

    def names(self) -> list[str]:
        """Give the names of the object's fields, where they are data themselves."""
        return list(self._data)

    def loose(self, name: str) -> Any:
        """Give the field unchecked: for what a member wrote, where odd types must not stop the queue."""
        return self._data.get(name)

    def _as(self, name: str, kind: type[_T], called: str) -> _T:
        value = self._data.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._bad(name, called)
        return value

    def _bad(self, name: str, called: str) -> BadAnswer:
        found = _kind(self._data.get(name))
        return BadAnswer(f"The server's answer has {found} in {self._where}.{name} where {called} should be.")


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
