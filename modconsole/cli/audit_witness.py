"""`audit checkpoint` and `audit witness`: having our log countersigned, and countersigning others'."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modconsole.cli.output import complain, say, say_exactly, show_json, when, write_new
from modconsole.cli.parts import Parts
from modconsole.core.cosignature import WitnessAnswer
from modconsole.core.errors import WrongUsage
from modconsole.core.note import VerifierKey, fingerprint, parse_verifier_key
from modconsole.ports.witnessing import KnownLog, Taken, WitnessRequest

__all__ = ["add_to"]

_LONGEST_INPUT = 2_000_000


def add_to(verbs: Any) -> None:
    checkpoint = verbs.add_parser(
        "checkpoint", help="write what a witness is asked: our newest head, with a proof"
    )
    checkpoint.add_argument("--out", type=Path, metavar="FILE", help="a new file; without it, stdout")
    _add_what(checkpoint)
    checkpoint.add_argument(
        "--old", type=int, metavar="N", help="how far the witness is, when its answer said so (409)"
    )
    checkpoint.add_argument("--size", type=int, default=0, metavar="N", help="an earlier head, of N entries")
    checkpoint.add_argument("--json", action="store_true")
    checkpoint.set_defaults(command=_checkpoint)

    witness = verbs.add_parser("witness", help="countersign others' logs, and take countersignatures of ours")
    sides = witness.add_subparsers(title="what to do", metavar="WHAT", required=True)

    key = sides.add_parser("key", help="print the key this home countersigns with, for others' settings")
    key.set_defaults(command=_key)

    add = sides.add_parser(
        "add", help="countersign a log from now on; compare its fingerprint by telephone first"
    )
    add.add_argument("vkey", metavar="VKEY", help="the log's verifier key, NAME+1a2b3c4d+AbCd…=")
    add.add_argument(
        "--origin", default="", metavar="NAME", help="what the log calls itself, if not like its key"
    )
    add.set_defaults(command=_add)

    listing = sides.add_parser("list", help="list the logs this home countersigns, and what did not fit")
    listing.set_defaults(command=_list)

    serve = sides.add_parser(
        "serve-file", help="answer one request; exits with 1 unless it was countersigned"
    )
    serve.add_argument("request", metavar="REQUEST", help="a file, or - for stdin")
    serve.add_argument("--out", type=Path, metavar="ANSWER", help="a new file; without it, stdout")
    serve.set_defaults(command=_serve_file)

    folder = sides.add_parser(
        "serve-folder", help="answer every *.request in a folder, each in a file beside it"
    )
    folder.add_argument("folder", type=Path, metavar="DIR")
    folder.set_defaults(command=_serve_folder)

    take = sides.add_parser(
        "take", help="check a witness's answer and keep its countersignature beside our head"
    )
    take.add_argument("answer", metavar="ANSWER", help="a file, a folder of them, or - for stdin")
    take.add_argument(
        "--request", type=Path, metavar="FILE", help="what it answers, if not the file beside it"
    )
    take.set_defaults(command=_take)

    send = sides.add_parser("send", help="ask a witness on the network, and take its answer")
    send.add_argument("url", metavar="URL", help="its address, without /add-checkpoint")
    _add_what(send)
    send.set_defaults(command=_send)
    for verb in (key, add, listing, serve, folder, take, send):
        verb.add_argument("--json", action="store_true")


def _add_what(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--origin", default="", metavar="NAME", help="which log; default the one written to last"
    )
    verb.add_argument(
        "--witness", default="", metavar="NAME", help="for whom, by name or part of it; default the only one"
    )


# Our own log


def _checkpoint(parts: Parts, args: argparse.Namespace) -> int:
    asked = parts.witnessed().request(args.origin, witness=args.witness, old_size=args.old, size=args.size)
    if args.out is not None:
        write_new(args.out, asked.text)
    if args.json:
        show_json(
            {
                "origin": asked.origin,
                "size": asked.size,
                "old_size": asked.old_size,
                "vkey": asked.vkey,
                "fingerprint": _fingerprint(asked.vkey),
                "request": asked.text,
            }
        )
    elif args.out is None:
        say_exactly(asked.text)
    else:
        _tell_of(asked, args.out)
        _tell_of_tails(parts, asked.origin)
    return 0


def _tell_of(asked: WitnessRequest, out: Path) -> None:
    say(
        f"{out} asks for {asked.origin} at {asked.size} entries, from {asked.old_size} on.",
        "A witness that does not know this log yet needs its key, by another way than this file:",
        f"  {asked.vkey}",
        f"  fingerprint, to compare by telephone: {_fingerprint(asked.vkey)}",
        "Its answer is taken with: modconsole audit witness take ANSWER",
    )


def _tell_of_tails(parts: Parts, asked: str = "") -> None:
    for tail in parts.witnessed().tails():
        if tail.witnessed < tail.size and tail.origin != asked:
            say(
                f"Not witnessed: {tail.size - tail.witnessed} entries of {tail.origin}, the oldest from "
                f"{when(tail.oldest)}."
            )


def _take(parts: Parts, args: argparse.Namespace) -> int:
    witnessed = parts.witnessed()
    if args.answer == "-":
        from modconsole.core.cosignature import parse_answer

        try:
            answer = parse_answer(_from_stdin().decode())
        except ValueError as error:
            raise WrongUsage(f"This is no answer of a witness: {error}") from None
        return _tell_of_taken(parts, witnessed.take(answer), as_json=args.json)
    path = Path(args.answer)
    if not path.is_dir():
        return _tell_of_taken(parts, witnessed.take_file(path, args.request), as_json=args.json)
    taken, refused = witnessed.take_folder(path)
    _tell_of_taken(parts, taken, as_json=args.json)
    for _, trouble in refused:
        complain(trouble)
    return 1 if refused else 0


def _tell_of_taken(parts: Parts, taken: Sequence[Taken], *, as_json: bool) -> int:
    if as_json:
        show_json(
            [
                {
                    "witness": t.witness,
                    "origin": t.origin,
                    "size": t.size,
                    "at": t.at.isoformat(),
                    "new": t.is_new,
                }
                for t in taken
            ]
        )
        return 0
    for one in taken:
        said = "countersigned" if one.is_new else "was known to have countersigned"
        say(f"{one.witness} {said} {one.origin} at {one.size} entries, {when(one.at)} by their clock.")
    if not taken:
        say("Nothing was taken.")
    _tell_of_tails(parts)
    return 0


def _send(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.witnessing import ask_witness

    witnessed = parts.witnessed()
    asked = witnessed.request(args.origin, witness=args.witness)
    taken = ask_witness(witnessed, lambda request: parts.post_to_witness(args.url, request), asked)
    return _tell_of_taken(parts, taken, as_json=args.json)


# Others' logs


def _key(parts: Parts, args: argparse.Namespace) -> int:
    parts.unlock(parts.desk())
    key = parts.witness().key
    if args.json:
        show_json({"name": key.name, "vkey": str(key), "fingerprint": fingerprint(key.public)})
        return 0
    say(
        str(key),
        f"Fingerprint, to compare by telephone: {fingerprint(key.public)}",
        "The other device's settings name it: [service] witnesses in its config.toml.",
    )
    return 0


def _add(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.witnessing import enrol_log

    key = _vkey(args.vkey)
    desk = parts.desk()
    parts.unlock(desk)
    known = enrol_log(parts.witness(), desk.log, key, args.origin, me=desk.settings.me, now=desk.now)
    if args.json:
        show_json({**_log_plain(known), "fingerprint": fingerprint(key.public)})
        return 0
    say(
        f"{known.origin} is countersigned here from now on.",
        f"Fingerprint: {fingerprint(key.public)}",
        "Compare it with what `modconsole audit checkpoint --out FILE` says on that device, by telephone or in person.",
    )
    return 0


def _vkey(text: str) -> VerifierKey:
    try:
        return parse_verifier_key(text.strip())
    except ValueError as error:
        raise WrongUsage(
            f"“{text}” cannot be used as a log's key. {error}",
            next_step="It is one line, such as NAME+1a2b3c4d+AbCd…=, as `modconsole audit checkpoint` gives it.",
        ) from None


def _list(parts: Parts, args: argparse.Namespace) -> int:
    witness = parts.witness()
    logs, suspicions = witness.logs(), witness.suspicions()
    if args.json:
        show_json(
            {
                "logs": [_log_plain(log) for log in logs],
                "suspicions": [
                    {
                        "origin": s.origin,
                        "at": s.at.isoformat(),
                        "why": s.why,
                        "held": s.held,
                        "offered": s.offered,
                        "state": s.state,
                    }
                    for s in suspicions
                ],
            }
        )
        return 0
    for log in logs:
        last = f"{log.size} entries, {when(log.at)}" if log.at else "not countersigned yet"
        say(f"{log.origin}: {last}", f"  {log.vkey}", f"  fingerprint: {_fingerprint(log.vkey)}")
        say(*([f"  FROZEN: {log.frozen}"] if log.frozen else []))
    for one in suspicions:
        say(f"Did not fit ({one.state}), {one.origin}, {when(one.at)}: {one.why}")
    if not logs:
        say("No log is countersigned here. `modconsole audit witness add VKEY` begins with one.")
    return 0


def _log_plain(log: KnownLog) -> dict[str, Any]:
    return {
        "origin": log.origin,
        "vkey": log.vkey,
        "size": log.size,
        "root": log.root,
        "at": log.at.isoformat() if log.at else None,
        "frozen": log.frozen,
        "checkpoint": log.checkpoint,
    }


def _serve_file(parts: Parts, args: argparse.Namespace) -> int:
    parts.unlock(parts.desk())
    witness = parts.witness()
    if args.out is not None and os.path.lexists(args.out):  # before anything is countersigned
        raise WrongUsage(
            f"{args.out} is there already, and is not written over.", next_step="Name another file."
        )
    from_stdin = args.request == "-"
    answer = witness.answer(_from_stdin()) if from_stdin else witness.answer_file(Path(args.request))
    if args.out is not None:
        write_new(args.out, answer.text())
    if args.json:
        show_json({"status": answer.status, "content_type": answer.content_type, "body": answer.body})
    elif args.out is None:
        say_exactly(answer.text())
    else:
        say(_said(answer, args.out))
    return 0 if answer.is_given else 1


def _said(answer: WitnessAnswer, out: Path) -> str:
    return (
        f"Countersigned: {out}" if answer.is_given else f"Not countersigned ({answer.status}): {answer.body}"
    )


def _serve_folder(parts: Parts, args: argparse.Namespace) -> int:
    parts.unlock(parts.desk())
    answered = parts.witness().answer_folder(args.folder)
    if args.json:
        show_json(
            [
                {"request": str(one.request), "answer": str(one.answer), "status": one.status, "why": one.why}
                for one in answered
            ]
        )
    for one in [] if args.json else answered:
        say(f"{one.request.name}: {'countersigned' if not one.why else f'not countersigned ({one.why})'}")
    if not answered and not args.json:
        say("There is nothing new to answer.")
    return 1 if any(one.why for one in answered) else 0


def _from_stdin() -> bytes:
    return sys.stdin.buffer.read(_LONGEST_INPUT)


def _fingerprint(vkey: str) -> str:
    try:
        return fingerprint(parse_verifier_key(vkey).public)
    except ValueError:
        return "the key is damaged"
