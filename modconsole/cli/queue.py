"""`queue`: the cases, most urgent first. It loads no more than that needs, because scripts call it often."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from modconsole.cli.output import say, show_json, table
from modconsole.cli.parts import Parts
from modconsole.ports.store import CaseRow, QueueFilter

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    queue = commands.add_parser("queue", help="list the cases, most urgent first")
    queue.add_argument("--json", action="store_true", help="one JSON array, stable field names")
    queue.add_argument("--limit", type=int, default=100, metavar="N")
    queue.add_argument("--first", type=int, default=0, metavar="N", help="start at this position (from 0)")
    queue.add_argument("--forum", default="", metavar="ID")
    queue.add_argument("--urgency", default="", choices=("", "now", "soon", "today", "routine"))
    queue.add_argument("--closed", action="store_true", help="the closed cases instead")
    queue.add_argument("--refresh", action="store_true", help="ask the forums for new flags first")
    queue.set_defaults(command=_queue)


def _queue(parts: Parts, args: argparse.Namespace) -> int:
    code = 0
    if args.refresh:
        from modconsole.cli.refresh import refresh

        code = refresh(parts)
    settings, store = parts.queue()
    wanted = QueueFilter(forum=args.forum, urgency=args.urgency, closed=args.closed)
    rows = store.rows(wanted, args.first, args.limit)
    if args.json:
        show_json([_row_plain(row) for row in rows])
        return code
    if settings.demo:
        say("DEMO: an invented forum.")
    table(
        ("case", "urgency", "due (UTC)", "flags", "forum", "claimed by", "about"),
        [
            (
                row.id,
                row.urgency,
                _short(row.due_at),
                str(row.flags),
                row.forum,
                row.claimed_by,
                row.topic or "reason not known here",
            )
            for row in rows
        ],
    )
    total = store.count(wanted)
    if total > len(rows):
        say(f"{len(rows)} of {total}. More: --first {args.first + len(rows)}")
    return code


def _row_plain(row: CaseRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "forum": row.forum,
        "urgency": row.urgency,
        "topic": row.topic,
        "kind": row.kind,
        "state": row.state,
        "flags": row.flags,
        "length": row.length,
        "flagged_at": _time(row.flagged_at),
        "due_at": _time(row.due_at),
        "follow_up_at": _time(row.follow_up_at),
        "claimed_by": row.claimed_by,
        "claimed_until": _time(row.claimed_until),
        "opened": row.opened,
        "decided": row.decided,
        "changed_since_flagged": row.changed,
        "resolved_elsewhere": row.resolved_elsewhere,
    }


def _short(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %H:%M") if seconds else ""


def _time(seconds: int) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
