"""Frozen dataclasses to plain JSON values and back, by their type hints.

For what we store ourselves; never for a stranger's JSON.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """Give `value` as dicts, lists, strings, numbers, booleans and None. Fields at their default are left out."""
    kind: Any = value.__class__
    return _writer(kind)(value)


def from_plain(kind: type[T], plain: Any) -> T:
    """Give the `kind` that `to_plain` turned into `plain`.

    Raises:
        ValueError, TypeError, KeyError: It is not of that form.
    """
    wanted: Any = kind
    made: T = _reader(wanted)(plain)
    return made


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    if issubclass(kind, datetime | date):
        written: Callable[[Any], Any] = kind.isoformat
        return written
    if issubclass(kind, StrEnum):
        return str.__str__
    if issubclass(kind, str | int | float | bool | types.NoneType):
        return lambda value: value
    if issubclass(kind, tuple | list):
        return lambda value: [_writer(item.__class__)(item) for item in value]
    if issubclass(kind, Mapping):
        return lambda value: {str(key): _writer(item.__class__)(item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass_writer(kind)
    raise TypeError(f"{kind.__name__} has no plain form")


def _dataclass_writer(kind: Any) -> Callable[[Any], Any]:
    fields = tuple((field.name, field.default) for field in dataclasses.fields(kind))

    def write(value: Any) -> Any:
        plain = {}
        for name, default in fields:
            item = getattr(value, name)
            if item is not default and item != default:  # nothing equals the default of a field without one
                plain[name] = _writer(item.__class__)(item)
        return plain

    return write


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = [arg for arg in args if arg is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"cannot read {kind}")
        read = _reader(inner[0])
        return lambda plain: None if plain is None else read(plain)
    if origin is tuple:
        read = _reader(args[0])
        return lambda plain: tuple(read(item) for item in plain)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        read = _reader(args[1])
        return lambda plain: {key: read(item) for key, item in plain.items()}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}
        made: Any = kind
        return lambda plain: made(
            **{name: readers[name](item) for name, item in plain.items() if name in readers}
        )
    if kind is datetime or kind is date:
        read_time: Callable[[Any], Any] = kind.fromisoformat
        return read_time
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return lambda plain: plain
