"""`audit`: look at what happened, and check that the record is what was sealed."""

from __future__ import annotations

import argparse
from datetime import UTC
from pathlib import Path
from typing import Any

from modconsole.cli import audit_erase, audit_gather, audit_measure, audit_witness
from modconsole.cli.audit_erase import PrivateParts, Stories, token_of
from modconsole.cli.audit_reread import before_opening, reread_plain, tell_reread
from modconsole.cli.case_names import CaseNames
from modconsole.cli.log_entries import entry_plain, moment, said
from modconsole.cli.log_files import (
    add_verify_options,
    export,
    findings_lines,
    is_about_files,
    verify_files,
)
from modconsole.cli.output import complain, say, show_json, table, when
from modconsole.cli.parts import Parts
from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import NoSuchCase, WrongUsage
from modconsole.desk.desk import Desk
from modconsole.ports.audit import LogQuery, VerifyReport

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    audit = commands.add_parser("audit", help="the sealed log: list, show, verify")
    verbs = audit.add_subparsers(title="what to do", metavar="VERB", required=True)

    listing = verbs.add_parser("list", help="list entries, newest first")
    _add_filters(listing)
    listing.add_argument("--gathered", action="store_true", help="in the logs that were imported here")
    listing.add_argument("--limit", type=int, default=100, metavar="N")
    listing.add_argument("--json", action="store_true", help="one JSON array, stable field names")
    listing.set_defaults(command=_list)

    show = verbs.add_parser(
        "show", help="show one case or decision from the log, with what its private parts say"
    )
    show.add_argument("what", metavar="CASE|DECISION", help="c-… or d-…")
    show.add_argument(
        "--reason", default="", metavar="TEXT", help="why you read a restricted case; it is sealed"
    )
    show.add_argument("--gathered", action="store_true", help="from the logs that were imported here")
    show.add_argument("--json", action="store_true")
    show.set_defaults(command=_show)

    audit_witness.add_to(verbs)

    verify = verbs.add_parser(
        "verify",
        help="re-hash every stored byte, check every head, say what was found; also of somebody's files",
    )
    add_verify_options(verify)
    verify.add_argument("--gathered", action="store_true", help="the logs that were imported here")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(command=_verify)

    handing_on = verbs.add_parser(
        "export", help="hand the log on, without private parts, so that others can check it; the log says so"
    )
    handing_on.add_argument(
        "--form",
        required=True,
        choices=("tiles", "evidence", "jsonl", "csv"),
        help="whole logs to check; one case with proofs; or entries, a line each",
    )
    handing_on.add_argument(
        "--out", required=True, type=Path, metavar="PATH", help="a new folder, or a new file"
    )
    handing_on.add_argument("--origin", default="", metavar="NAME", help="only the log of this name")
    _add_filters(handing_on)
    handing_on.add_argument("--json", action="store_true")
    handing_on.set_defaults(command=_export)

    audit_erase.add_to(verbs)
    audit_gather.add_to(verbs)
    audit_measure.add_to(verbs)


def _add_filters(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--case", default="", metavar="ID")
    for name in ("decision", "actor", "forum", "action", "protocol", "outcome", "urgency"):
        verb.add_argument(f"--{name}", default="")
    verb.add_argument("--protocol-version", default="", metavar="VERSION", help="of that --protocol")
    verb.add_argument("--kind", default="", choices=("", *(kind.value for kind in EntryKind)), metavar="KIND")
    verb.add_argument(
        "--since", default="", metavar="DATE", help="ISO date or time, UTC when it names no zone"
    )
    verb.add_argument("--until", default="", metavar="DATE")


def _list(parts: Parts, args: argparse.Namespace) -> int:
    if args.gathered:
        return audit_gather.list_gathered(parts, args, _query(CaseNames(parts.queue), args))
    settings, log = parts.log()
    names, stories = CaseNames(parts.queue), Stories(log)
    records = log.records(_query(names, args), limit=args.limit)
    if args.json:
        show_json([_plain(names, record, stories) for record in records])
    else:
        _table(names, records, stories, demo=settings.demo)
    _tell_of(names)
    return 0


def _tell_of(names: CaseNames) -> None:
    if names.trouble is not None:
        complain(names.trouble)


def _query(names: CaseNames, args: argparse.Namespace) -> LogQuery:
    if args.protocol_version and not args.protocol:
        raise WrongUsage("A version is of one protocol.", next_step="Name it with --protocol.")
    return LogQuery(
        case=_token(names, args.case),
        decision=args.decision,
        actor=args.actor,
        forum=args.forum,
        action=args.action,
        kind=EntryKind(args.kind) if args.kind else None,
        protocol=args.protocol,
        version=args.protocol_version,
        outcome=args.outcome,
        urgency=args.urgency,
        since=moment(args.since),
        until=moment(args.until),
    )


def _token(names: CaseNames, case: str) -> str:
    """Give a case's token, by its id here. A token is one already: other devices' cases have no id here."""
    return names.token_of(case) if case.startswith("c-") or len(case) not in (0, _TOKEN) else case


_TOKEN = 32


def _table(names: CaseNames, records: list[Record], stories: Stories, *, demo: bool) -> None:
    if demo:
        say("DEMO: this log is about an invented forum.")
    table(
        ("no.", "when (UTC)", "case", "decision", "who", "what"),
        [
            (
                str(record.seq),
                record.entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
                names.id_of(record.entry.case),
                record.entry.decision,
                record.entry.actor,
                _what(record, stories),
            )
            for record in records
        ],
    )


def _what(record: Record, stories: Stories) -> str:
    return " · ".join(part for part in (said(record), stories.of(record)) if part)


def _plain(names: CaseNames, record: Record, stories: Stories) -> dict[str, Any]:
    return {
        **entry_plain(record),
        "case": names.id_of(record.entry.case),
        "erased": record.erased,
        "became": stories.of(record),
    }


def _show(parts: Parts, args: argparse.Namespace) -> int:
    if args.gathered:
        return audit_gather.show_gathered(parts, args)
    desk = parts.desk()
    parts.unlock(desk)
    names = CaseNames(parts.queue)
    is_decision = args.what.startswith("d-")
    query = (
        LogQuery(decision=args.what) if is_decision else LogQuery(case=_token_ever(desk, names, args.what))
    )
    records = desk.log.records(query, newest_first=False, limit=10_000)
    if not records:
        raise WrongUsage(
            f"The log has nothing about “{args.what}”.", next_step="See `modconsole audit list`."
        )
    before_opening(desk, records)
    stories, private = Stories(desk.log), PrivateParts(desk, args.reason)
    bodies = [(record, private.of(record)) for record in records]
    if args.json:
        walked = reread_plain(desk, bodies)
        show_json(
            [
                {
                    **_plain(names, record, stories),
                    "private": body,
                    "reread": walked.get((record.origin, record.seq), []),
                }
                for record, body in bodies
            ]
        )
        return 0
    _table(names, records, stories, demo=desk.settings.demo)
    tell_reread(desk, bodies)
    return 0


def _token_ever(desk: Desk, names: CaseNames, id: str) -> str:
    """Give the token of a case that is here, or was."""
    try:
        return names.token_of(id)
    except NoSuchCase as error:
        return token_of(desk, id, error)


def _export(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    query = _query(CaseNames(parts.queue), args)
    return export(parts, desk, args, query if query != LogQuery() else None)


def _verify(parts: Parts, args: argparse.Namespace) -> int:
    if is_about_files(args):
        return verify_files(parts, args)
    if args.gathered:
        return audit_gather.verify_gathered(parts, as_json=args.json)
    _, log = parts.log()
    report = log.verify()
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
    say(*findings_lines(report.findings))
    if report.is_sound:
        say(
            f"Sound: {report.entries} entries re-hashed from the stored bytes, every head and signature checked."
        )
    if report.unwitnessed:
        say(
            f"Not yet witnessed: {report.unwitnessed} entries, the oldest from {when(report.oldest_unwitnessed)}."
        )
    say(*report.notes)
