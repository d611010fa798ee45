"""`audit`: look at what happened, and check that the record is what was sealed."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from modconsole.cli.output import say, show_json, table, when
from modconsole.cli.parts import Parts
from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import LogError, VaultError, WrongUsage
from modconsole.desk.desk import Desk
from modconsole.ports.audit import LogQuery, VerifyReport

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    audit = commands.add_parser("audit", help="the sealed log: list, show, verify")
    verbs = audit.add_subparsers(title="what to do", metavar="VERB", required=True)

    listing = verbs.add_parser("list", help="list entries, newest first")
    listing.add_argument("--case", default="", metavar="ID")
    for name in ("decision", "actor", "forum", "action", "protocol", "outcome", "urgency"):
        listing.add_argument(f"--{name}", default="")
    listing.add_argument(
        "--kind", default="", choices=("", *(kind.value for kind in EntryKind)), metavar="KIND"
    )
    listing.add_argument(
        "--since", default="", metavar="DATE", help="ISO date or time, UTC when it names no zone"
    )
    listing.add_argument("--until", default="", metavar="DATE")
    listing.add_argument("--limit", type=int, default=100, metavar="N")
    listing.add_argument("--json", action="store_true", help="one JSON array, stable field names")
    listing.set_defaults(command=_list)

    show = verbs.add_parser(
        "show", help="show one case or decision from the log, with what its private parts say"
    )
    show.add_argument("what", metavar="CASE|DECISION", help="c-… or d-…")
    show.add_argument("--json", action="store_true")
    show.set_defaults(command=_show)

    verify = verbs.add_parser(
        "verify", help="re-hash every stored byte, check every head, say what was found"
    )
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(command=_verify)


def _list(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    query = LogQuery(
        case=desk.cases.case(args.case).token if args.case else "",
        decision=args.decision,
        actor=args.actor,
        forum=args.forum,
        action=args.action,
        kind=EntryKind(args.kind) if args.kind else None,
        protocol=args.protocol,
        outcome=args.outcome,
        urgency=args.urgency,
        since=_moment(args.since),
        until=_moment(args.until),
    )
    records = desk.log.records(query, limit=args.limit)
    if args.json:
        show_json([_plain(desk, record) for record in records])
        return 0
    _table(desk, records)
    return 0


def _table(desk: Desk, records: list[Record]) -> None:
    if desk.settings.demo:
        say("DEMO: this log is about an invented forum.")
    table(
        ("no.", "when (UTC)", "case", "decision", "who", "what"),
        [
            (
                str(record.seq),
                record.entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
                _case_id(desk, record),
                record.entry.decision,
                record.entry.actor,
                _what(record),
            )
            for record in records
        ],
    )


def _what(record: Record) -> str:
    entry = record.entry
    said = (entry.kind.replace("_", " "), ", ".join(entry.actions), entry.outcome, entry.urgency)
    return " · ".join(part for part in said if part)


def _plain(desk: Desk, record: Record) -> dict[str, Any]:
    entry = record.entry
    return {
        "origin": record.origin,
        "seq": record.seq,
        "leaf_hash": record.leaf_hash,
        "kind": entry.kind,
        "at": entry.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "actor": entry.actor,
        "demo": bool(record.header.get("demo")),
        "case": _case_id(desk, record),
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
        "erased": record.erased,
    }


def _case_id(desk: Desk, record: Record) -> str:
    case = desk.store.case_by_token(record.entry.case) if record.entry.case else None
    return case.id if case else ""


def _show(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    if args.what.startswith("d-"):
        query = LogQuery(decision=args.what)
    else:
        query = LogQuery(case=desk.cases.case(args.what).token)
    records = desk.log.records(query, newest_first=False, limit=10_000)
    if not records:
        raise WrongUsage(
            f"The log has nothing about “{args.what}”.", next_step="See `modconsole audit list`."
        )
    if args.json:
        show_json([{**_plain(desk, record), "private": _private(desk, record)} for record in records])
        return 0
    _table(desk, records)
    for record in records:
        for name, value in (_private(desk, record) or {}).items():
            say(f"no. {record.seq}, {name}: {value}")
    return 0


def _private(desk: Desk, record: Record) -> dict[str, Any] | None:
    try:
        body = desk.log.open_body(record)
    except (LogError, VaultError) as error:
        return {"unreadable": error.what}
    return dict(body) if body is not None else None


def _verify(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    report = desk.log.verify()
    if args.json:
        show_json(_report_plain(report))
    else:
        _report_lines(report)
    return 0 if report.is_sound else 1


def _report_plain(report: VerifyReport) -> dict[str, Any]:
    return {
        "sound": report.is_sound,
        "entries": report.entries,
        "logs": [
            {"origin": h.origin, "size": h.size, "root": h.root, "vkey": h.vkey, "checkpoint": h.checkpoint}
            for h in report.heads
        ],
        "findings": [
            {"origin": f.origin, "seq": f.seq, "what": f.what, "means": f.means} for f in report.findings
        ],
        "unwitnessed": report.unwitnessed,
        "oldest_unwitnessed": report.oldest_unwitnessed.isoformat() if report.oldest_unwitnessed else None,
        "notes": list(report.notes),
    }


def _report_lines(report: VerifyReport) -> None:
    for head in report.heads:
        say(f"{head.origin}: {head.size} entries, root {head.root[:16]}…")
    for finding in report.findings:
        where = f", entry {finding.seq}" if finding.seq is not None else ""
        say(f"WRONG in {finding.origin}{where}: {finding.what}", f"  It means: {finding.means}")
    if report.is_sound:
        say(
            f"Sound: {report.entries} entries re-hashed from the stored bytes, every head and signature checked."
        )
    if report.unwitnessed:
        say(
            f"Not yet witnessed: {report.unwitnessed} entries, the oldest from {when(report.oldest_unwitnessed)}."
        )
    say(*report.notes)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(
            f"“{text}” is not a date.", next_step="For example 2026-11-22 or 2026-11-22T08:00+00:00."
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
