"""`audit import`, and `audit list` and `show` of what was imported: many devices' logs in one place."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from modconsole.cli.case_names import CaseNames
from modconsole.cli.log_entries import entry_plain, said
from modconsole.cli.log_files import findings_lines
from modconsole.cli.output import say, show_json, table
from modconsole.cli.parts import Parts
from modconsole.core.decision import Record
from modconsole.core.errors import WrongUsage
from modconsole.core.note import VerifierKey, fingerprint, parse_verifier_key
from modconsole.ports.audit import LogQuery
from modconsole.ports.gathered import EnrolledLog, TakenIn

__all__ = ["add_to", "list_gathered", "show_gathered", "verify_gathered"]


def add_to(verbs: Any) -> None:
    take_in = verbs.add_parser(
        "import",
        help="take other devices' exports into this home's reviewing database; without a folder, say what is in it",
    )
    take_in.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="as `audit export --form tiles` makes them"
    )
    take_in.add_argument(
        "--enrol",
        action="append",
        default=[],
        metavar="VKEY",
        help="let the log in that this key signs; ask its device's owner for it, never take it from the export",
    )
    take_in.add_argument(
        "--fingerprint",
        default="",
        metavar="HEX",
        help="what the key's fingerprint must be, when one is enrolled",
    )
    take_in.add_argument(
        "--dismiss",
        action="append",
        default=[],
        metavar="NAME",
        help="take an enrolment back under which nothing came in yet",
    )
    take_in.add_argument("--json", action="store_true")
    take_in.set_defaults(command=_import)


def _import(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.gathering import Reviewing

    keys = [_key(text) for text in args.enrol]
    if args.fingerprint and [_hex(fingerprint(key.public)) for key in keys] != [_hex(args.fingerprint)]:
        raise WrongUsage(
            "The key's fingerprint is another one." if len(keys) == 1 else "A fingerprint is of one key.",
            next_step="Do not enrol it before you have spoken to the device's owner.",
        )
    desk, gathered = parts.desk(), parts.gathered()
    if not (keys or args.dismiss or args.folders):
        _tell_logs(gathered.enrolled(), as_json=args.json)
        return 0
    parts.unlock(desk)
    reviewing = Reviewing(gathered, desk.log, desk.settings, desk.now)
    dismissed = [reviewing.dismiss(origin) for origin in args.dismiss]
    new = [(key, reviewing.enrol(key)) for key in keys]
    taken = reviewing.take_in(args.folders)
    if args.json:
        show_json(
            {
                "dismissed": [key.name for key in dismissed],
                "enrolled": [{**_key_plain(key), "new": is_new} for key, is_new in new],
                "imported": [_taken_plain(one) for one in taken],
            }
        )
    else:
        for key in dismissed:
            say(f"No longer enrolled: {key.name}. Our log says so.")
        for key, is_new in new:
            _tell_enrolled(key, is_new=is_new)
        for one in taken:
            _tell_taken(one)
    return 0 if all(one.is_sound for one in taken) else 1


def _key(text: str) -> VerifierKey:
    try:
        return parse_verifier_key(text.strip())
    except ValueError as error:
        raise WrongUsage(
            f"“{text}” cannot be enrolled. {error}",
            next_step="It is one line, such as NAME+1a2b3c4d+AbCd…=, exactly as the device's owner gave it to you.",
        ) from None


def _hex(text: str) -> str:
    return "".join(text.split()).lower()


def _key_plain(key: VerifierKey) -> dict[str, Any]:
    return {"origin": key.name, "vkey": str(key), "fingerprint": fingerprint(key.public)}


def _tell_enrolled(key: VerifierKey, *, is_new: bool) -> None:
    say(
        f"{'Enrolled' if is_new else 'Enrolled before'}: {key.name}",
        f"  fingerprint {fingerprint(key.public)}",
    )
    if is_new:
        say(
            "  Compare it with the device's owner now, by telephone. If it is another one:",
            f"  modconsole audit import --dismiss {key.name}",
        )


def _tell_taken(one: TakenIn) -> None:
    name = one.origin or str(one.folder)
    if one.is_sound:
        new = one.size - one.before
        say(f"{name}: {one.size:,} entries, {f'{new:,} of them new' if new else 'none of them new'}.")
    else:
        say(*findings_lines(one.findings))
        say(f"  Nothing of {one.folder} was taken in. Of that log {one.size:,} entries are here, untouched.")
    say(*one.notes)


def _taken_plain(one: TakenIn) -> dict[str, Any]:
    return {
        "folder": str(one.folder),
        "origin": one.origin,
        "before": one.before,
        "entries": one.size,
        "new": one.size - one.before,
        "sound": one.is_sound,
        "findings": [
            {"origin": f.origin, "seq": f.seq, "what": f.what, "means": f.means} for f in one.findings
        ],
        "notes": list(one.notes),
        "fork": None
        if one.fork is None
        else {
            "seq": one.fork.seq,
            "held": one.fork.held,
            "other": one.fork.other,
            "held_proof": one.fork.held_proof,
            "held_leaf": one.fork.held_leaf.decode(errors="replace"),
            "other_proof": one.fork.other_proof,
            "other_leaf": one.fork.other_leaf.decode(errors="replace"),
        },
    }


def _tell_logs(logs: Sequence[EnrolledLog], *, as_json: bool) -> None:
    if as_json:
        show_json(
            [
                {
                    **_key_plain(log.key),
                    "entries": log.size,
                    "root": log.root,
                    "checkpoint": log.checkpoint,
                    "frozen": log.frozen,
                }
                for log in logs
            ]
        )
        return
    if not logs:
        say("No log is enrolled here yet: `modconsole audit import --enrol VKEY`.")
    for log in logs:
        state = "FROZEN: two histories were found under this name" if log.frozen else f"{log.size:,} entries"
        say(f"{log.origin}: {state}", f"  {log.key}")


# What was taken in


def list_gathered(parts: Parts, args: argparse.Namespace, query: LogQuery) -> int:
    records = parts.gathered().records(query, limit=args.limit)
    _tell(parts, records, as_json=args.json)
    return 0


def show_gathered(parts: Parts, args: argparse.Namespace) -> int:
    """Show every entry about a decision or a case, by its id here or its token. There is no private part to open."""
    if args.what.startswith("d-"):
        query = LogQuery(decision=args.what)
    elif args.what.startswith("c-"):
        query = LogQuery(case=CaseNames(parts.queue).token_of(args.what))
    else:
        query = LogQuery(case=args.what)
    records = parts.gathered().records(query, newest_first=False, limit=10_000)
    if not records:
        raise WrongUsage(
            f"The gathered logs have nothing about “{args.what}”.",
            next_step="Other devices' cases are known by their token: see `modconsole audit list --gathered --json`.",
        )
    _tell(parts, records, as_json=args.json)
    return 0


def verify_gathered(parts: Parts, *, as_json: bool) -> int:
    """Hash everything again that was taken in."""
    gathered = parts.gathered()
    findings, logs = gathered.verify(), gathered.enrolled()
    entries = sum(log.size for log in logs)
    if as_json:
        show_json(
            {
                "sound": not findings,
                "entries": entries,
                "findings": [
                    {"origin": f.origin, "seq": f.seq, "what": f.what, "means": f.means} for f in findings
                ],
                "frozen": [log.origin for log in logs if log.frozen],
            }
        )
    else:
        say(*findings_lines(findings))
        if not findings:
            say(f"Sound: {entries:,} entries of {len(logs)} logs, each up to a head its own key signed.")
    return 1 if findings else 0


def _tell(parts: Parts, records: Sequence[Record], *, as_json: bool) -> None:
    if as_json:
        show_json([entry_plain(record) for record in records])
        return
    settings, _ = parts.log()
    if settings.demo:
        say("DEMO: these logs are about an invented forum.")
    table(
        ("log", "no.", "its clock (UTC)", "decision", "who", "what"),
        [
            (
                _device(record.origin),
                str(record.seq),
                record.entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
                record.entry.decision,
                record.entry.actor,
                said(record),
            )
            for record in records
        ],
    )
    say("In the order of the devices' own clocks. Which of two devices was first, no log can say.")


def _device(origin: str) -> str:
    """Give a log's name without the part that all logs of a service share."""
    return origin.partition("/")[2] or origin
