"""`case`: the desk's work without the screen, with the same checks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from modconsole.cli.output import complain, say, show_json, when, write_new
from modconsole.cli.parts import Parts
from modconsole.core.actions import ACTIONS, Action, OutcomeKind
from modconsole.core.decision import DecisionState, OrderState
from modconsole.core.errors import DataError, ForumError, ModconsoleError, NotAllowed, WrongUsage
from modconsole.core.model import Case, Post
from modconsole.core.run import RunView, StepState
from modconsole.core.text import ascii_json
from modconsole.desk.decisions import Choice, Settlement
from modconsole.desk.desk import Desk
from modconsole.desk.views import CaseView

__all__ = ["add_to", "decision_plain"]

T = TypeVar("T")
_NOTHING_SAID: Mapping[str, str] = MappingProxyType({})


def add_to(commands: Any) -> None:
    case = commands.add_parser("case", help="show, decide and reverse, as the screen does")
    verbs = case.add_subparsers(title="what to do", metavar="VERB", required=True)

    show = verbs.add_parser("show", help="show a case with its post, protocol runs and decisions")
    show.add_argument("id")
    show.add_argument("--thread", action="store_true", help="fetch the thread around the post")
    show.add_argument("--json", action="store_true")
    show.set_defaults(command=_show)

    decide = verbs.add_parser(
        "decide", help="answer protocols, decide, and carry it out at once (no undo window)"
    )
    decide.add_argument("id")
    decide.add_argument(
        "--answers", type=Path, metavar="FILE.json", help="answers by protocol; see docs/commands.md"
    )
    decide.add_argument("--action", action="append", default=[], metavar="CODE", help="repeatable, in order")
    decide.add_argument("--reason", default="", metavar="TEXT")
    decide.add_argument("--message", type=Path, metavar="FILE", help="text for actions that need one")
    decide.add_argument(
        "--until", default="", metavar="TIME", help="ISO time with zone, for suspend and watch"
    )
    decide.add_argument("--undoes", default="", metavar="CODE", help="for restore: the action to undo")
    decide.add_argument("--by-hand", action="store_true", help="confirm that by-hand actions have been done")
    decide.add_argument(
        "--close", action="store_true", help="close the case afterwards, if nothing is missing"
    )
    decide.add_argument("--take-over", action="store_true", help="take the case from whoever holds it")
    decide.add_argument("--json", action="store_true")
    decide.set_defaults(command=_decide)

    for name, does, needs_reason in (
        ("reverse", "take back what a settled decision put in force, as a new decision", True),
        (
            "finish",
            "carry out what an unsettled decision still lacks; what was asked is read back first",
            False,
        ),
        ("withdraw", "give up what an unsettled decision still lacks", True),
    ):
        verb = verbs.add_parser(name, help=does)
        verb.add_argument("decision", metavar="DECISION", help="such as d-abcdefgh")
        if needs_reason:
            verb.add_argument("--reason", required=True, metavar="TEXT")
        verb.add_argument("--json", action="store_true")
        verb.set_defaults(command={"reverse": _reverse, "finish": _finish, "withdraw": _withdraw}[name])

    close = verbs.add_parser("close", help="close a case, if nothing is missing")
    close.add_argument("id")
    close.add_argument("--json", action="store_true")
    close.set_defaults(command=_close)

    export = verbs.add_parser(
        "export", help="a FHIR-shaped export of a case's protocol runs, recorded in the log; see docs/fhir.md"
    )
    export.add_argument("id", metavar="CASE")
    export.add_argument("--fhir", choices=("R4", "R5"), default="R4", help="which release (default: R4)")
    export.add_argument(
        "--include-text", action="store_true", help="with what moderators typed; only for some roles"
    )
    export.add_argument("--out", type=Path, metavar="FILE", help="a new file to write (default: the screen)")
    export.set_defaults(command=_export)

    unsettled = verbs.add_parser("unsettled", help="list decisions whose outcome is not certain")
    unsettled.add_argument("--json", action="store_true")
    unsettled.set_defaults(command=_unsettled)


def _run(work: Coroutine[Any, Any, T]) -> T:
    import asyncio  # here, because reading the queue has no use for it

    return asyncio.run(work)


async def _with_forums(desk: Desk, work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    finally:
        await desk.forums.close()


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


# case show


def _show(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    shown = desk.cases.view(args.id)
    posts: tuple[Post, ...] = ()
    code = DataError.exit_code if shown.log_problem else 0
    if args.thread:
        try:
            posts = _run(_with_forums(desk, desk.cases.thread(args.id))).posts
        except ForumError as error:
            complain(error)
            code = error.exit_code
    if args.json:
        show_json({**_case_plain(desk, shown), "thread": [_post_plain(post) for post in posts]})
        return code
    _show_lines(desk, shown, posts)
    return code


def _show_lines(desk: Desk, shown: CaseView, posts: Sequence[Post]) -> None:
    case = shown.case
    if desk.settings.demo:
        say("DEMO: an invented forum.")
    say(f"{case.id}  {case.urgency}  {case.state}  on {case.forum}")
    say(*(f"  because {reason.text}" for reason in case.reasons))
    say(
        *(f"  {name} {when(at)}" for name, at in (("look by", case.look_due), ("act by", case.act_due)) if at)
    )
    if shown.claimed_by_other and case.claim:
        say(f"  {case.claim.by} is working on it until {when(case.claim.until)}")
    if shown.unreadable:
        say(f"  {shown.unreadable}")
    if shown.log_problem:
        say(f"  {shown.log_problem} What was decided may be missing here.")
    if shown.file is not None:
        for flag in shown.file.flags:
            said = f": {flag.comment}" if flag.comment else ""
            say(f"  flag {when(flag.at)} by {flag.reporter_name or flag.source}: {flag.reason}{said}")
        post = shown.file.latest
        if post is not None:
            say(
                "",
                f"{post.author_name} wrote{f' in {post.title!r}' if post.title else ''}, {when(post.posted_at)}:",
            )
            say(post.unreadable or post.text)
    for post in posts:
        say("", f"[thread] {post.author_name}, {when(post.posted_at)}:", post.unreadable or post.text)
    for run in shown.runs:
        _show_run(run, shown.standings[run.run.id].banner)
    for decision in shown.decisions:
        say("", *_decision_lines(decision, _said(desk, decision)))
    for note in shown.notes:
        say("", f"note {when(note.at)} by {note.by}: {note.text}")
    if shown.blockers:
        say("", "Before it can be closed:", *(f"  {line}" for line in shown.blockers))


def _show_run(run: RunView, banner: str) -> None:
    marks = {StepState.DONE: "x", StepState.SKIPPED: "-", StepState.CURRENT: ">", StepState.TODO: " "}
    say(
        "",
        f"{run.protocol.title} ({run.protocol.id} {run.protocol.version})",
        *([f"  {banner}"] if banner else []),
    )
    for step in run.steps:
        because = f"  ({step.because})" if step.because else ""
        say(f"  [{marks[step.state]}] {step.number}. {step.step.text}{because}")
        for question in step.step.questions:
            answer = step.answers.get(question.id)
            say(f"        {question.id}: {question.text} {answer.text if answer else '…'}")
    if run.switched_to:
        say(f"  switched to {run.switched_to}")


def _said(desk: Desk, decision: DecisionState) -> Mapping[str, str]:
    """Give what a forum, or a person, said of each action; what cannot be opened is left out."""
    try:
        return desk.decisions.said_of(decision.id)
    except DataError:
        return _NOTHING_SAID


def _decision_lines(decision: DecisionState, said: Mapping[str, str] = _NOTHING_SAID) -> list[str]:
    withdrawn = " (withdrawn)" if decision.reversed else ""
    lines = [f"decision {decision.id} by {decision.actor}, {when(decision.at)}{withdrawn}"]
    for order in decision.orders:
        lines.append(f"  {ACTIONS[order.action].label}: {_outcome_words(order)}")
        lines += [f"    {said[order.id]}"] if said.get(order.id) else []
    return lines


def _outcome_words(order: OrderState) -> str:
    if order.outcome is None:
        return "asked, no answer yet" if order.asked else "not begun"
    if order.was_turned_away:
        return "not done yet: the forum turned us away"
    return {
        OutcomeKind.APPLIED: "done, the forum says so",
        OutcomeKind.ALREADY: "it was so already",
        OutcomeKind.CONFLICT: "not done: it is no longer what was read",
        OutcomeKind.REFUSED: "not done: the forum said no",
        OutcomeKind.UNKNOWN: "not known whether it was done",
        OutcomeKind.BY_HAND: "done by hand",
    }[order.outcome]


def decision_plain(decision: DecisionState, said: Mapping[str, str] = _NOTHING_SAID) -> dict[str, Any]:
    """Give a decision as plain values with stable names.

    Args:
        said: What was said of its actions, by order.
    """
    return {
        "decision": decision.id,
        "forum": decision.forum,
        "by": decision.actor,
        "at": _iso(decision.at),
        "urgency": decision.urgency,
        "settled": decision.is_settled,
        "withdrawn": decision.reversed,
        "reverses": decision.reverses,
        "actions": [
            {
                "order": order.id,
                "action": order.action,
                "asked": order.asked,
                "outcome": order.outcome,
                "outcome_words": _outcome_words(order),
                "said": said.get(order.id, ""),
                "detail": order.detail,
            }
            for order in decision.orders
        ],
        "protocols": [
            {"id": p.id, "version": p.version, "sha256": p.hash, "status": p.status}
            for p in decision.protocols
        ],
    }


def _case_plain(desk: Desk, shown: CaseView) -> dict[str, Any]:
    case, file = shown.case, shown.file
    return {
        "id": case.id,
        "demo": desk.settings.demo,
        "forum": case.forum,
        "state": case.state,
        "target": {"kind": case.target.kind, "id": case.target.id, "thread": case.target.thread},
        "urgency": case.urgency,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in case.reasons],
        "topic": case.topic,
        "suggested": list(case.suggested),
        "flagged_at": _iso(case.flagged_at),
        "look_due": _iso(case.look_due),
        "act_due": _iso(case.act_due),
        "follow_up_at": _iso(case.follow_up_at),
        "changed_since_flagged": case.changed_since_flagged,
        "resolved_elsewhere": case.resolved_elsewhere,
        "claimed_by": case.claim.by if case.claim else "",
        "unreadable": shown.unreadable,
        "post": _post_plain(file.post) if file and file.post else None,
        "later_versions": [_post_plain(post) for post in file.later] if file else [],
        "flags": [
            {
                "id": flag.id,
                "at": _iso(flag.at),
                "reason": flag.reason,
                "topic": flag.topic,
                "comment": flag.comment,
                "reporter": flag.reporter_name or flag.reporter,
                "source": flag.source,
            }
            for flag in (file.flags if file else ())
        ],
        "runs": [_run_plain(run, shown.standings[run.run.id].kind) for run in shown.runs],
        "decisions": [decision_plain(decision, _said(desk, decision)) for decision in shown.decisions],
        "log_problem": shown.log_problem,
        "notes": [{"at": _iso(note.at), "by": note.by, "text": note.text} for note in shown.notes],
        "actions": [
            {
                "action": offer.action,
                "carrier": offer.carrier,
                "note": offer.ability.note,
                "in_protocol": offer.in_protocol,
            }
            for offer in shown.offers
        ],
        "before_closing": list(shown.blockers),
    }


def _post_plain(post: Post) -> dict[str, Any]:
    return {
        "id": post.target.id,
        "author": post.author_name or post.author,
        "posted_at": _iso(post.posted_at),
        "title": post.title,
        "text": post.text,
        "visibility": post.visibility,
        "attachments": post.attachments,
        "unreadable": post.unreadable,
    }


def _run_plain(run: RunView, standing: str) -> dict[str, Any]:
    return {
        "run": run.run.id,
        "protocol": run.protocol.id,
        "version": run.protocol.version,
        "sha256": run.protocol.hash,
        "standing": standing,
        "switched_to": run.switched_to,
        "steps": [
            {
                "step": step.step.id,
                "text": step.step.text,
                "state": step.state,
                "because": step.because,
                "questions": [question.id for question in step.step.questions],
                "open": list(step.open_questions),
            }
            for step in run.steps
        ],
        "answers": {id: list(answer.values) for id, answer in run.answers.items()},
    }


# case decide and what comes after it


def _decide(parts: Parts, args: argparse.Namespace) -> int:
    choices = _choices(args)
    answers = _read_answers(args.answers) if args.answers else []
    desk = parts.desk()
    parts.unlock(desk)
    shown = desk.cases.open(args.id, take_over=args.take_over)
    if shown.claimed_by_other and shown.case.claim:
        raise NotAllowed(
            f"{shown.case.claim.by} is working on {args.id}.",
            next_step="Use --take-over if they cannot go on.",
        )
    if shown.file is not None and shown.file.latest is not None:
        desk.cases.saw(args.id, shown.file.latest.version)
    for item in answers:
        _give_answers(desk, args.id, item)
    problem: ModconsoleError | None = None
    state: DecisionState | None = None
    if choices:
        state = desk.decisions.decide(args.id, choices, args.reason)
        settlement = _run(_with_forums(desk, desk.decisions.settle(state.id)))
        state, problem = settlement.state, settlement.problem
        while args.by_hand and settlement.by_hand:  # what relied on them goes on once they are done
            for order in settlement.by_hand:
                state = desk.decisions.done_by_hand(state.id, order.id, args.reason)
            settlement = _run(_with_forums(desk, desk.decisions.settle(state.id)))
            state, problem = settlement.state, settlement.problem
    if args.close:
        try:
            desk.cases.close(args.id)
        except NotAllowed as error:
            problem = problem or error
    return _report(desk, args.id, state, problem, as_json=args.json)


def _report(
    desk: Desk, case_id: str, state: DecisionState | None, problem: ModconsoleError | None, *, as_json: bool
) -> int:
    case = desk.cases.view(case_id) if case_id else None
    said = _said(desk, state) if state is not None else _NOTHING_SAID
    if as_json:
        show_json(
            {
                "case": case_id,
                "demo": desk.settings.demo,
                "state": case.case.state if case else None,
                "urgency": case.case.urgency if case else None,
                "decision": decision_plain(state, said) if state else None,
                "before_closing": list(case.blockers) if case else [],
                "problem": {"what": problem.what, "kept": problem.kept, "next": problem.next_step}
                if problem
                else None,
            }
        )
    elif state is not None:
        say(*_decision_lines(state, said))
        waiting = [order for order in state.orders if not order.is_certain and not order.asked]
        if waiting and not state.reversed and problem is None:
            say("Waits to be done by hand: " + ", ".join(ACTIONS[order.action].label for order in waiting))
    if problem is not None:
        complain(problem)
        return problem.exit_code
    certain = {order.outcome for order in state.orders} if state else set()
    return 1 if certain & {OutcomeKind.CONFLICT, OutcomeKind.REFUSED} else 0


def _choices(args: argparse.Namespace) -> list[Choice]:
    text = ""
    if args.message:
        try:
            text = args.message.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUsage(f"The message file {args.message} cannot be read: {error}") from None
    until = _moment(args.until) if args.until else None
    undoes = _action(args.undoes) if args.undoes else None
    choices = []
    for code in args.action:
        action = _action(code)
        spec = ACTIONS[action]
        on_member = undoes is not None and ACTIONS[undoes].acts_on_member
        choices.append(
            Choice(
                action,
                text=text if spec.needs_text else "",
                until=until if spec.needs_until else None,
                undoes=undoes if action is Action.RESTORE else None,
                on_member=on_member and action is Action.RESTORE,
            )
        )
    return choices


def _action(code: str) -> Action:
    try:
        return Action(code)
    except ValueError:
        known = ", ".join(action.value for action in Action)
        raise WrongUsage(f"“{code}” is not an action.", next_step=f"The actions are: {known}.") from None


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise WrongUsage(
            f"“{text}” is not a time with its zone.", next_step="For example 2026-12-01T09:00+00:00."
        )
    return at.astimezone(UTC)


def _read_answers(path: Path) -> list[dict[str, Any]]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise WrongUsage(f"The answers file {path} cannot be read: {error}") from None
    items = read if isinstance(read, list) else [read]
    for item in items:
        good = isinstance(item, dict) and isinstance(item.get("protocol"), str)
        if (
            not good
            or not isinstance(item.get("answers", {}), dict)
            or not isinstance(item.get("skips", {}), dict)
        ):
            raise WrongUsage(
                f"The answers file {path} is not of the expected form.",
                next_step='It is {"protocol": ID, "answers": {QUESTION: VALUE}, "skips": {STEP: REASON}}, or a list.',
            )
    return items


def _give_answers(desk: Desk, case_id: str, item: dict[str, Any]) -> None:
    """Answer one protocol in the order its questions appear, so that conditions open up as they do on screen."""
    run_id = _run_of(desk, case_id, item["protocol"])
    left = {str(id): _values(value) for id, value in item.get("answers", {}).items()}
    skips = {str(step): str(reason) for step, reason in item.get("skips", {}).items()}
    while True:
        run = next(v for v in desk.cases.view(case_id).runs if v.run.id == run_id)
        visible = [
            question.id for step in run.steps for question in step.step.questions if question.id in left
        ]
        steps = [step.step.id for step in run.steps if step.step.id in skips]
        if visible:
            desk.cases.answer(case_id, run_id, visible[0], left.pop(visible[0]))
        elif steps:
            desk.cases.skip(case_id, run_id, steps[0], skips.pop(steps[0]))
        else:
            break
    for step in run.steps:  # a step with nothing to answer is ticked when the file answers the protocol
        if not step.step.questions and step.state in (StepState.CURRENT, StepState.TODO):
            desk.cases.tick(case_id, run_id, step.step.id)
    unused = [*left, *skips]
    if unused:
        raise NotAllowed(
            f"These were not asked in “{item['protocol']}”: {', '.join(unused)}.",
            kept="The answers that were asked are kept.",
            next_step="`modconsole case show` lists the visible steps and their questions.",
        )


def _run_of(desk: Desk, case_id: str, protocol: str) -> str:
    live = [v for v in desk.cases.view(case_id).runs if v.protocol.id == protocol and not v.switched_to]
    return live[-1].run.id if live else desk.cases.start_run(case_id, protocol).id


def _values(value: Any) -> tuple[str, ...]:
    items: Iterable[Any] = value if isinstance(value, list) else [value]
    return tuple("yes" if item is True else "no" if item is False else str(item) for item in items)


def _reverse(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    state = desk.decisions.reverse(args.decision, args.reason)
    settlement = _run(_with_forums(desk, desk.decisions.settle(state.id)))
    return _after(desk, settlement, as_json=args.json)


def _finish(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    settlement = _run(_with_forums(desk, desk.decisions.settle(args.decision)))
    return _after(desk, settlement, as_json=args.json)


def _withdraw(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    state = _run(_with_forums(desk, desk.decisions.withdraw(args.decision, args.reason)))
    return _after(desk, Settlement(state), as_json=args.json)


def _after(desk: Desk, settlement: Settlement, *, as_json: bool) -> int:
    case_id = desk.decisions.case_of(settlement.state.id)
    return _report(desk, case_id, settlement.state, settlement.problem, as_json=as_json)


def _close(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    parts.unlock(desk)
    desk.cases.close(args.id)
    return _report(desk, args.id, None, None, as_json=args.json)


def _export(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.handing_on import fhir_export

    if args.out is not None and args.out.exists():  # before the log says that something was handed on
        raise WrongUsage(
            f"{args.out} is there already, and is not written over.", next_step="Name another file."
        )
    desk = parts.desk()
    parts.unlock(desk)
    made = fhir_export(desk.cases, parts.tools(), args.id, release=args.fhir, include_text=args.include_text)
    if args.out is None:
        show_json(made.bundle)
    else:
        write_new(args.out, ascii_json(made.bundle, indent=2) + "\n")
        runs = "one protocol run" if made.responses == 1 else f"{made.responses} protocol runs"
        say(f"A FHIR-shaped export ({args.fhir}) of {runs} is in {args.out}. The log says so.")
    if made.left_out:
        complain(
            ModconsoleError(
                f"{made.left_out} of the case’s protocol runs had to be left out: the text they followed is missing.",
                kept="Their answers are in the log.",
                next_step="Look at `modconsole doctor`.",
            )
        )
        return 1
    return 0


def _unsettled(parts: Parts, args: argparse.Namespace) -> int:
    desk = parts.desk()
    found = desk.decisions.unsettled()
    if args.json:
        show_json([{**decision_plain(state), "case": _case_of(desk, state)} for state in found])
    else:
        for state in found:
            say(f"{_case_of(desk, state)}:", *_decision_lines(state))
        say(
            "Nothing is unsettled."
            if not found
            else "Finish with `case finish`, or give up with `case withdraw`."
        )
    return 1 if found else 0


def _case_of(desk: Desk, state: DecisionState) -> str:
    case: Case | None = desk.store.case_by_token(state.case)
    return case.id if case else ""
