"""`audit verify` of somebody's files, and `audit export`: the log outside its home."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modconsole.cli.output import say, show_json
from modconsole.cli.parts import Parts
from modconsole.core.errors import WrongUsage
from modconsole.core.note import VerifierKey, parse_verifier_key
from modconsole.desk.desk import Desk
from modconsole.ports.audit import Finding, LogQuery
from modconsole.ports.log_tools import EvidenceReport, TilesReport

__all__ = ["add_verify_options", "export", "findings_lines", "is_about_files", "verify_files"]


def add_verify_options(verify: argparse.ArgumentParser) -> None:
    verify.add_argument(
        "--tiles",
        type=Path,
        metavar="DIR",
        help="a C2SP tlog-tiles log in a folder, anybody's, instead of ours",
    )
    verify.add_argument("--evidence", type=Path, metavar="DIR", help="an evidence export, instead of our log")
    verify.add_argument(
        "--vkey",
        action="append",
        default=[],
        metavar="VKEY",
        help="who must have signed it; for evidence repeatable",
    )
    verify.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a head of that log that was kept elsewhere"
    )
    verify.add_argument(
        "--origin", default="", metavar="NAME", help="what that log calls itself, if not like its key"
    )


def is_about_files(args: argparse.Namespace) -> bool:
    """Say whether anything but our own log is meant."""
    return bool(args.tiles or args.evidence or args.vkey or args.checkpoint or args.origin)


def verify_files(parts: Parts, args: argparse.Namespace) -> int:
    """Check somebody's files. Needs no home, no settings and no keys."""
    if (args.tiles is None) == (args.evidence is None):
        raise WrongUsage(
            "Name one thing to check: --tiles DIR or --evidence DIR.",
            next_step="Without any of these options, `modconsole audit verify` checks the log of this device.",
        )
    keys = [_key(text) for text in args.vkey]
    if not keys:
        raise WrongUsage(
            "Without --vkey nobody can say who signed it.",
            next_step="Ask whoever runs the log for its verifier key, and not by the same way as the files.",
        )
    if args.evidence is not None:
        if args.checkpoint or args.origin:
            raise WrongUsage("--checkpoint and --origin are for --tiles; evidence carries its own heads.")
        return _evidence(parts.log_tools().verify_evidence(args.evidence, keys), as_json=args.json)
    if len(keys) > 1:
        raise WrongUsage("A log has one key: give --vkey once.")
    report = parts.log_tools().verify_tiles(
        args.tiles, keys[0], checkpoint=args.checkpoint, origin=args.origin
    )
    return _tiles(report, as_json=args.json)


def _key(text: str) -> VerifierKey:
    try:
        return parse_verifier_key(text.strip())
    except ValueError as error:
        raise WrongUsage(
            f"“{text}” cannot be used as a verifier key. {error}",
            next_step="It is one line, such as NAME+1a2b3c4d+AbCd…=, exactly as it was given to you.",
        ) from None


def _tiles(report: TilesReport, *, as_json: bool) -> int:
    if as_json:
        show_json(
            {
                "sound": report.is_sound,
                "origin": report.origin,
                "entries": report.size,
                "root": report.root,
                "contents_seen": report.contents,
                "findings": _findings(report.findings),
                "notes": list(report.notes),
            }
        )
        return 0 if report.is_sound else 1
    if report.root:
        say(f"{report.origin}: {report.size} entries, root {report.root[:16]}…")
    say(*findings_lines(report.findings))
    if report.is_sound:
        say(
            f"Sound: the signature is right, and {report.size} entries give the root that was signed. The contents of "
            f"{report.contents} of them were here and were hashed."
        )
    say(*report.notes)
    return 0 if report.is_sound else 1


def _evidence(report: EvidenceReport, *, as_json: bool) -> int:
    if as_json:
        show_json(
            {
                "sound": report.is_sound,
                "proved": [
                    {"origin": p.origin, "seq": p.index, "leaf_hash": p.leaf_hash, "size": p.size}
                    for p in report.proved
                ],
                "findings": _findings(report.findings),
                "notes": list(report.notes),
            }
        )
        return 0 if report.is_sound else 1
    for proved in report.proved:
        say(
            f"{proved.origin}, entry {proved.index}: in the log, which had {proved.size} entries when it was signed."
        )
    say(*findings_lines(report.findings))
    if report.is_sound:
        say(f"Sound: {len(report.proved)} entries, each with a proof that leads to a signed head.")
    say(*report.notes)
    return 0 if report.is_sound else 1


def _findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{"origin": f.origin, "seq": f.seq, "what": f.what, "means": f.means} for f in findings]


def findings_lines(findings: Sequence[Finding]) -> list[str]:
    """Say what is wrong, where, and what it means."""
    lines = []
    for finding in findings:
        places = (finding.origin, f"entry {finding.seq}" if finding.seq is not None else "")
        where = ", ".join(place for place in places if place)
        lines += [f"WRONG in {where}: {finding.what}" if where else f"WRONG: {finding.what}"]
        lines += [f"  It means: {finding.means}"] if finding.means else []
    return lines


def export(parts: Parts, desk: Desk, args: argparse.Namespace, query: LogQuery | None) -> int:
    """Hand the log on. `query` is None when nothing is filtered."""
    from modconsole.desk.log_export import LogExport, export_log

    if args.form == "tiles" and query is not None:
        raise WrongUsage("Tiles are a whole log.", next_step="Filters go with --form jsonl and --form csv.")
    if args.form == "evidence" and query is not None and query != LogQuery(case=query.case):
        raise WrongUsage("Evidence is all of one case.", next_step="Give --case and no other filter.")
    parts.unlock(desk)
    order = LogExport(args.form, args.out, args.origin, args.case, query)
    made = export_log(desk.cases, parts.log_tools(), order)
    if args.json:
        show_json(
            {
                "form": args.form,
                "path": str(made.path),
                "origins": list(made.origins),
                "entries": made.entries,
            }
        )
        return 0
    if desk.settings.demo:
        say("DEMO: this log is about an invented forum.")
    say(f"{made.entries} entries are in {made.path}. The log says so, too.")
    if args.form in ("tiles", "evidence"):
        say("README.md in each folder says how anybody can check it, with openssl, Go or modconsole.")
    return 0
