"""`protocol approve`: what counts as approved here, and how it gets to the other consoles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from modconsole.cli.output import complain, say, show_json, table
from modconsole.cli.parts import Parts
from modconsole.cli.protocol import adopting
from modconsole.core.errors import DataError, NotAllowed, ProtocolFileError, WrongUsage
from modconsole.core.protocol import ReviewProtocol
from modconsole.desk.approvals import Given
from modconsole.desk.desk import Desk

__all__ = ["add_to"]

_LONGEST_FILE = 64 * 1024
_SHOWN = 10


def add_to(verbs: Any) -> None:
    approve = verbs.add_parser(
        "approve", help="approve a protocol, withdraw or extend one; without an id, list how each stands"
    )
    approve.add_argument("id", nargs="?", default="", metavar="ID", help="the protocol")
    approve.add_argument("--name", default="", help="who approves it; stays in the encrypted part of the log")
    approve.add_argument("--note", default="", metavar="TEXT", help="anything to keep beside the approval")
    approve.add_argument(
        "--out", type=Path, default=None, metavar="FOLDER", help="where the file for other consoles goes"
    )
    what = approve.add_mutually_exclusive_group()
    what.add_argument(
        "--from",
        dest="files",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="take over what an approver signed on another console",
    )
    what.add_argument("--key", action="store_true", help="print the key that other consoles know you by")
    what.add_argument("--withdraw", action="store_true", help="take it out of use at once; needs --reason")
    what.add_argument(
        "--extend", type=int, default=0, metavar="DAYS", help="allow it past its review date; needs --reason"
    )
    approve.add_argument("--reason", default="", metavar="TEXT")
    approve.add_argument("--json", action="store_true")
    approve.set_defaults(command=_approve)
    adopting.add_to(verbs)


def _approve(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    if args.key:
        parts.unlock(desk)
        return _key(desk, args)
    if args.files:
        if args.id:
            raise WrongUsage(
                "A file says by itself which protocol it is about.", next_step="Leave the id out."
            )
        parts.unlock(desk)
        return _take_over(desk, args)
    if not args.id:
        if args.withdraw or args.extend:
            raise WrongUsage(
                "Which protocol?", next_step="Give its id; `modconsole protocol approve` lists them."
            )
        return _list(desk, args)
    protocol = desk.library.get(args.id)
    if protocol is None:
        raise NotAllowed(
            f"There is no protocol “{args.id}” here that can be used.",
            next_step=_near(args.id, desk.library.ids()),
        )
    if not (args.withdraw or args.extend):
        _must_pass(parts, protocol)
    parts.unlock(desk)
    name = args.name or _asked_name()
    role = desk.settings.role
    if args.withdraw:
        given = desk.approvals.withdraw(protocol, role, name, args.reason)
    elif args.extend:
        given = desk.approvals.extend(protocol, args.extend, role, name, args.reason)
    else:
        given = desk.approvals.approve(protocol, role, name, args.note)
    file = _written(args.out or parts.places()["approvals"], given)
    if args.json:
        show_json({**_plain(given), "file": str(file)})
    else:
        _told(protocol, given, file)
    return 0


def _must_pass(parts: Parts, protocol: ReviewProtocol) -> None:
    """Refuse what `protocol check` finds an error in. Warnings are the approver's to weigh."""
    found = [
        problem for problem in parts.tools().check([protocol.id]) if not (problem.warning or problem.advice)
    ]
    if found:
        lines = "\n".join(str(problem) for problem in found[:_SHOWN])
        more = f"\n… and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ProtocolFileError(
            f"`protocol check` finds errors in “{protocol.title}”, so it cannot be approved.\n{lines}{more}",
            kept="Nothing was approved.",
            next_step=f"Mend them; `modconsole protocol check {protocol.id}` says more.",
        )


def _near(word: str, known: Any) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"Did you mean “{near[0]}”?" if near else "`modconsole protocol list` names those that are here."


def _asked_name() -> str:
    if not sys.stdin.isatty():
        return ""
    try:
        return input("Your name, as your service knows you: ").strip()
    except EOFError:
        return ""


def _written(folder: Path, given: Given) -> Path:
    file = folder / given.file_name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(given.note, encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(
            f"{file} cannot be written: {error.strerror}.",
            kept=f"It is sealed here: the protocol is {given.said.verdict} on this console.",
            next_step="Give the command again with --out and another folder, so that the other consoles get it too.",
        ) from error
    return file


def _told(protocol: ReviewProtocol, given: Given, file: Path) -> None:
    said, receipt = given.said, given.receipt
    where = f", entry {receipt.seq} of {receipt.origin}" if receipt else ""
    say(
        f"“{protocol.title}”, version {said.version}: {said.verdict} by the {said.role.replace('_', ' ')}{where}.",
        f"  text    {said.hash}",
        f"  until   {said.until}",
        f"  file    {file}",
        "Hand the file to every other console: `modconsole protocol approve --from FILE` takes it over there.",
    )


def _plain(given: Given) -> dict[str, Any]:
    said = given.said
    return {
        "protocol": said.protocol,
        "version": said.version,
        "sha256": said.hash,
        "verdict": said.verdict,
        "role": said.role,
        "at": said.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "until": said.until.isoformat(),
        "new": given.receipt is not None,
    }


def _key(desk: Desk, args: argparse.Namespace) -> int:
    key = str(desk.approvals.key())
    if args.json:
        show_json({"key": key})
    else:
        say(key)
    return 0


def _take_over(desk: Desk, args: argparse.Namespace) -> int:
    """Take over every file that can be; one that cannot keeps none of the others back."""
    code = 0
    rows: list[dict[str, Any]] = []
    for file in args.files:
        try:
            given = desk.approvals.take_over(_read(file))
        except NotAllowed as error:
            code = error.exit_code
            rows.append({"file": str(file), "taken": False, "problem": error.what})
            if not args.json:
                complain(NotAllowed(f"{file}: {error.what}", kept=error.kept, next_step=error.next_step))
            continue
        rows.append({"file": str(file), "taken": True, "problem": "", **_plain(given)})
        if not args.json:
            said = given.said
            when = "Sealed here" if given.receipt else "Here already"
            say(
                f"{when}: {said.protocol}, version {said.version}, {said.verdict} by the {said.role.replace('_', ' ')}."
            )
    if args.json:
        show_json(rows)
    return code


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise NotAllowed(f"It cannot be read: {error.strerror}.") from error
    try:
        if len(data) > _LONGEST_FILE:
            raise NotAllowed("It is far too long for an approval.")
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise NotAllowed("This is not an approval: it is not text.") from None


def _list(desk: Desk, args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for id in desk.library.ids():
        protocol = desk.library.get(id)
        if protocol is None:
            continue
        held = desk.cases.standing(protocol)
        rows.append(
            {
                "protocol": id,
                "version": protocol.version,
                "sha256": protocol.hash,
                "standing": held.kind,
                "status": held.status,
                "approved_by": held.approved_by,
                "approved_on": held.approved_on.isoformat() if held.approved_on else "",
                "review_by": protocol.governance.review_by.isoformat(),
                "said": held.banner,
                "warnings": list(held.warnings),
            }
        )
    if args.json:
        show_json(rows)
    else:
        table(
            ("protocol", "status", "what holds"),
            [(row["protocol"], row["status"], _holds(row)) for row in rows],
        )
    return 0


def _holds(row: Mapping[str, Any]) -> str:
    by = str(row["approved_by"]).replace("_", " ")
    approved = f"approved by the {by} on {row['approved_on']}, review by {row['review_by']}" if by else ""
    return ". ".join(part for part in (approved, row["said"].rstrip("."), *row["warnings"]) if part)
