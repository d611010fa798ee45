"""The readable part of an entry: from `Entry` to the fields that are hashed, and back.

Integers, strings, and lists and objects of them; what is empty is left out. RFC 8785 decides the bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from modconsole.core.decision import Entry, EntryKind, ProtocolRef
from modconsole.core.errors import LogError

__all__ = ["about_body", "body_bytes", "canonical", "entry_of", "header_fields", "timestamp"]

_VERSION = 1
_LARGEST = 2**53 - 1
_CODE = re.compile(r"[!-~]{0,200}")
_TEXTS = ("actor", "case", "forum", "decision", "outcome", "detail", "urgency", "reverses")


def timestamp(at: datetime) -> str:
    """Give a time in UTC in a form that sorts as text.

    Raises:
        LogError: It does not say its zone.
    """
    if at.tzinfo is None:
        raise _unsealable("a time without its zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def header_fields(entry: Entry, *, demo: bool) -> dict[str, object]:
    """Give everything of an entry that stays readable, but for its number and its body's commitments.

    Raises:
        LogError: Something in it cannot be sealed.
    """
    if not _CODE.fullmatch(entry.detail):
        raise _unsealable("a detail that is not a code, because free text belongs in the encrypted part")
    fields: dict[str, object] = {
        "v": _VERSION,
        "kind": str(entry.kind),
        "ts": timestamp(entry.at),
        **{name: str(getattr(entry, name)) for name in _TEXTS},
        "orders": [str(order) for order in entry.orders],
        "actions": [str(action) for action in entry.actions],
        "protocols": [
            {"id": used.id, "ver": used.version, "sha256": used.hash, "status": used.status}
            for used in entry.protocols
        ],
    }
    if demo:
        fields["demo"] = 1
    return {name: value for name, value in fields.items() if value not in ("", [])}


def canonical(header: Mapping[str, object]) -> bytes:
    """Give the bytes of RFC 8785.

    For what `_check` lets through, these are the bytes `json` writes with sorted names: the two differ in floats and
    in the order of names beyond ASCII only. A test holds the two together.

    Raises:
        LogError: A number or a text has no safe form there.
    """
    _check(header)
    return json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _check(value: object) -> None:
    if isinstance(value, str):
        if not value.isascii():
            _check_characters(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise _unsealable("a field whose name is not plain ASCII")
            if item.__class__ is not str or not item.isascii():  # as nearly all of them are
                _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
    elif not isinstance(value, int) or isinstance(value, bool):
        raise _unsealable(
            f"something of type {type(value).__name__}, which is neither text nor a whole number"
        )
    elif abs(value) > _LARGEST:
        raise _unsealable("a number too large for JSON")


def _check_characters(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _unsealable("half a character (a lone surrogate)") from error


def about_body(origin: str, header: Mapping[str, object]) -> bytes:
    """Give what an encrypted body is bound to: its log and every other field, so that it cannot be moved."""
    return canonical({**{name: value for name, value in header.items() if name != "body"}, "origin": origin})


def body_bytes(body: Mapping[str, object]) -> bytes:
    """Give the bytes of a body to encrypt. A member's text is kept as received, half characters too."""
    try:
        return json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError) as error:
        raise _unsealable("a private part that has no JSON form") from error


def entry_of(header: Mapping[str, object]) -> Entry:
    """Read a stored header back.

    Raises:
        ValueError, KeyError, TypeError: It is not one of ours, or its kind is not known here.
    """
    entry = Entry(
        kind=EntryKind(_text(header["kind"])),
        actor=_text(header["actor"]),
        at=datetime.fromisoformat(_text(header["ts"])),
        orders=_texts(header.get("orders", [])),
        actions=_texts(header.get("actions", [])),
        protocols=tuple(
            ProtocolRef(used["id"], used["ver"], used["sha256"], used["status"])
            for used in _list(header.get("protocols", []))
        ),
    )
    texts: dict[str, Any] = {name: _text(header.get(name, "")) for name in _TEXTS}
    return replace(entry, **texts)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _list(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _unsealable(what: str) -> LogError:
    return LogError(
        f"This entry cannot be sealed: it holds {what}.",
        next_step="This is a mistake in modconsole; please report it. If somebody may be in danger, press ! now.",
    )
