"""Entries of a log as lines and as JSON, whichever database they were read from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import WrongUsage

__all__ = ["entry_plain", "moment", "said", "utc"]


def entry_plain(record: Record) -> dict[str, Any]:
    """Give what every entry says of itself, with stable names."""
    entry = record.entry
    return {
        "origin": record.origin,
        "seq": record.seq,
        "leaf_hash": record.leaf_hash,
        "kind": entry.kind,
        "at": utc(entry.at),
        "actor": entry.actor,
        "demo": bool(record.header.get("demo")),
        "case_token": entry.case,
        "forum": entry.forum,
        "decision": entry.decision,
        "orders": list(entry.orders),
        "actions": list(entry.actions),
        "outcome": entry.outcome,
        "detail": entry.detail,
        "urgency": entry.urgency,
        "reverses": entry.reverses,
        "protocols": [
            {"id": p.id, "version": p.version, "sha256": p.hash, "status": p.status} for p in entry.protocols
        ],
        "has_private_part": record.has_body,
    }


def utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def said(record: Record) -> str:
    """Give in a line what an entry is about."""
    entry = record.entry
    about = entry.protocols if entry.kind is EntryKind.PROTOCOL_APPROVED else ()
    named = ", ".join(f"{used.id} {used.version}" for used in about)
    words = (entry.kind.replace("_", " "), named, ", ".join(entry.actions), entry.outcome, entry.urgency)
    return " · ".join(word for word in words if word)


def moment(text: str) -> datetime | None:
    """Read a date or time; None when there is none.

    Raises:
        WrongUsage
    """
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(
            f"“{text}” is not a date.", next_step="For example 2026-11-22 or 2026-11-22T08:00+00:00."
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
