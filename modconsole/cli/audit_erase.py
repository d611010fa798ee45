"""`audit erase`, `audit refuse-erasure`, `audit restrict`: what a data lead does for a member who asks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modconsole.cli.output import say, show_json
from modconsole.cli.parts import Parts
from modconsole.core.decision import EntryKind, Record
from modconsole.core.errors import LogError, NoSuchCase, VaultError, WrongUsage
from modconsole.core.model import Case
from modconsole.ports.audit import AuditLog, LogQuery

if TYPE_CHECKING:
    from modconsole.desk.desk import Desk
    from modconsole.desk.erasure import Done, Erasure

__all__ = ["PrivateParts", "Stories", "add_to", "token_of"]

_GOES = (
    "These go, from every file of this home: the posts and flags as they were kept, notes, drafts and answers, the",
    "private parts of the log's entries about them, and the keys to all of it. Then the key that wraps all others is",
    "replaced. This cannot be undone, by anybody.",
)
_STAYS = (
    "These stay: that, when, by whom and under which protocol something was decided; every proof of the log; and that",
    "this was erased, for whom and why. Posts on the forum itself are not touched, nor is anything that was handed on.",
)


def add_to(verbs: Any) -> None:
    erase = verbs.add_parser(
        "erase",
        help="destroy what is held about a case or a member (UK GDPR Art. 17); the log stays provable",
    )
    erase.add_argument("--case", default="", metavar="ID")
    erase.add_argument(
        "--member", nargs=2, default=None, metavar=("FORUM", "MEMBER"), help="by the forum's own ids"
    )
    _add_why(erase, "consent_withdrawn, objection, no_longer_needed, unlawful, … or in your own words")
    erase.add_argument("--yes", action="store_true", help="do not ask once more")
    erase.add_argument("--resume", action="store_true", help="only finish what was begun and stopped")
    erase.add_argument("--json", action="store_true")
    erase.set_defaults(command=_erase)

    refuse = verbs.add_parser("refuse-erasure", help="record that an erasure was refused, and why")
    refuse.add_argument("--case", required=True, metavar="ID")
    _add_why(refuse, "legal_claims, legal_obligation, public_health, … or in your own words")
    refuse.add_argument("--reason", required=True, metavar="TEXT", help="kept encrypted")
    refuse.set_defaults(command=_refuse)

    restrict = verbs.add_parser("restrict", help="freeze a case: keep its text and do not show it (Art. 18)")
    restrict.add_argument("--case", required=True, metavar="ID")
    restrict.add_argument(
        "--basis",
        default="",
        metavar="TEXT",
        help="accuracy_contested, needed_for_claims, objection_pending, … or in your own words",
    )
    restrict.add_argument("--lift", action="store_true", help="end the restriction")
    restrict.set_defaults(command=_restrict)


def _add_why(verb: argparse.ArgumentParser, bases: str) -> None:
    verb.add_argument("--basis", default="", metavar="TEXT", help=bases)
    verb.add_argument("--requester", default="", metavar="TEXT", help="who asked; kept encrypted")
    verb.add_argument("--ref", default="", metavar="TEXT", help="your reference, such as SAR-2026-014")


def _made(parts: Parts) -> tuple[Desk, Erasure]:
    from modconsole.desk.erasure import Erasure

    desk = parts.desk()
    parts.unlock(desk)
    return desk, Erasure(desk.cases, desk.vault)


def _erase(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.erasure import Request

    desk, erasure = _made(parts)
    earlier = erasure.resume()
    if args.resume:
        _tell(args, earlier, [], [], "" if earlier else "Nothing was left to finish.")
        return 0
    cases, others = _meant(desk, erasure, args)
    if not (args.basis.strip() and args.requester.strip()):
        raise WrongUsage("The log must be able to say why, and for whom: give --basis and --requester.")
    erasure.check(cases)
    _confirm(cases, args)
    done = erasure.erase(cases, Request(args.basis, args.requester, args.ref))
    _tell(args, earlier, done, others, _handed_on(desk.log))
    return 0


def _meant(desk: Desk, erasure: Erasure, args: argparse.Namespace) -> tuple[list[Case], list[Case]]:
    """Give the cases to erase, and those about others that name the member."""
    if bool(args.case) == bool(args.member):
        raise WrongUsage("Name one thing to erase: --case ID, or --member FORUM MEMBER.")
    if args.case:
        return [desk.cases.case(args.case)], []
    forum, member = args.member
    cases, others = erasure.about(forum, member), erasure.reported_by(forum, member)
    if not cases:
        named = f" It names them as who reported: {_ids(others)}." if others else ""
        raise WrongUsage(
            f"Nothing here is about a member “{member}” of “{forum}”.{named}",
            next_step="It takes the forum's own id of the member, not the name that is shown.",
        )
    return cases, others


def _confirm(cases: Sequence[Case], args: argparse.Namespace) -> None:
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(
            "Erasing cannot be undone, and nobody is here to be asked once more.",
            next_step="Give --yes if that is meant.",
        )
    word = cases[0].id if args.case else str(len(cases))
    say(f"To be erased: {_ids(cases)}", *_GOES, *_STAYS)
    sys.stdout.write(f"Type {word} to erase {'it' if len(cases) == 1 else 'them'}; anything else stops: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != word:
        raise WrongUsage("Stopped: that was not what was asked for.")


def _tell(
    args: argparse.Namespace, earlier: Sequence[Done], done: Sequence[Done], others: Sequence[Case], more: str
) -> None:
    if args.json:
        named = [case.id for case in others]
        show_json(
            {"finished": _plain(earlier), "erased": _plain(done), "reported_by_them": named, "note": more}
        )
        return
    for each in earlier:
        say(f"Finished what was begun before: {_line(each)}")
    for each in done:
        say(f"Erased: {_line(each)}")
    if others:
        say(
            f"Not erased: cases about others, which the member reported, name them: {_ids(others)}.",
            "Whether those go, too, has to be weighed for each; `modconsole audit erase --case` erases one.",
        )
    if more:
        say(more)


def _line(done: Done) -> str:
    return f"{done.case or done.token}, with {done.bodies} private parts of log entries."


def _plain(done: Sequence[Done]) -> list[dict[str, Any]]:
    return [{"case": each.case, "case_token": each.token, "bodies": each.bodies} for each in done]


def _ids(cases: Sequence[Case]) -> str:
    return ", ".join(case.id for case in cases)


def _handed_on(log: AuditLog) -> str:
    if not log.records(LogQuery(kind=EntryKind.EXPORTED), limit=1):
        return ""
    return (
        "Parts of this log were handed on before, and nobody can erase those from here: "
        "`modconsole audit list --kind exported` lists them. Tell everyone who holds texts of it."
    )


def _refuse(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.erasure import Request

    desk, erasure = _made(parts)
    case = desk.cases.case(args.case)
    erasure.refuse(case, Request(args.basis, args.requester, args.ref), args.reason)
    say(f"It is in the log that {case.id} was not erased, and why. Nothing else was changed.")
    return 0


def _restrict(parts: Parts, args: argparse.Namespace) -> int:
    desk, erasure = _made(parts)
    case = desk.cases.case(args.case)
    if args.lift:
        erasure.lift(case, args.basis)
        say(f"{case.id} is no longer restricted.")
        return 0
    erasure.restrict(case, args.basis)
    say(
        f"{case.id} is restricted: its text is kept, not shown, not exported and not erased, until it is lifted.",
        "Whoever may read it all the same gives a reason: `modconsole audit show --reason`; the log says so.",
    )
    return 0


# For `audit list` and `audit show`


class Stories:
    """What became of the private parts of entries, in a line each."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._known: dict[str, str] = {}

    def of(self, record: Record) -> str:
        token, kind = record.entry.case, record.entry.kind
        if kind is EntryKind.RESTRICTED:
            return record.entry.detail.replace("_", " ")
        if not token or not (record.erased or kind is EntryKind.ERASE_REQUESTED):
            return ""
        if token not in self._known:
            from modconsole.desk.erasure import story

            self._known[token] = story(self._log, token).words
        return self._known[token]


def token_of(desk: Desk, id: str, known: NoSuchCase) -> str:
    """Give the token of a case that is not here any more, because it was erased.

    Raises:
        NoSuchCase: As `known`; it never was here.
    """
    from modconsole.desk.erasure import Erasure

    try:
        return Erasure(desk.cases, desk.vault).token_of(id)
    except NoSuchCase:
        raise known from None


class PrivateParts:
    """Opens private parts of entries; those of a restricted case only with a reason, which is sealed first."""

    def __init__(self, desk: Desk, reason: str) -> None:
        self._desk = desk
        self._reason = reason
        self._may_read: dict[str, bool] = {}

    def of(self, record: Record) -> dict[str, Any] | None:
        from modconsole.desk.erasure import is_private_to_case

        if record.has_body and not record.erased and is_private_to_case(record) and not self._may(record):
            return {"unreadable": "Restricted (UK GDPR Art. 18). Who may read it gives --reason."}
        try:
            body = self._desk.log.open_body(record)
        except (LogError, VaultError) as error:
            return {"unreadable": error.what}
        return dict(body) if body is not None else None

    def _may(self, record: Record) -> bool:
        from modconsole.desk.erasure import Erasure

        token = record.entry.case
        if token not in self._may_read:
            erasure = Erasure(self._desk.cases, self._desk.vault)
            self._may_read[token] = erasure.may_read(token, self._reason)
        return self._may_read[token]
