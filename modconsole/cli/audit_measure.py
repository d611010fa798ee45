"""`audit sample` and `audit report`: choosing decisions to read again, and counting."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modconsole.cli.log_entries import entry_plain, moment, said, utc
from modconsole.cli.output import say, show_json, table
from modconsole.cli.parts import Parts
from modconsole.core.errors import WrongUsage
from modconsole.ports.audit import LogHead, LogQuery

if TYPE_CHECKING:
    from modconsole.core.decision import Record
    from modconsole.core.measures import Rate, Spread
    from modconsole.core.sampling import Stratum
    from modconsole.desk.measuring import Measure, Report, Row
    from modconsole.ports.gathered import EnrolledLog

__all__ = ["add_to"]

_BY = ("protocol", "actor", "urgency", "forum")


def add_to(verbs: Any) -> None:
    sample = verbs.add_parser(
        "sample",
        help="choose decisions to read again, the same ones for everybody with this log and this seed",
    )
    sample.add_argument("--seed", required=True, metavar="TEXT", help="any text; settle on it before drawing")
    sample.add_argument(
        "--per", required=True, type=_positive, metavar="N", help="how many of each stratum, at most"
    )
    sample.add_argument("--by", choices=_BY, default="protocol", help="what makes a stratum (protocol)")
    _add_span(sample)
    sample.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="NAME=SIZE",
        help="as the log of this name was when it had so many entries; repeatable, and then no other log counts",
    )
    sample.set_defaults(command=_sample)

    report = verbs.add_parser("report", help="count what the log can answer, and say what it cannot")
    _add_span(report)
    report.set_defaults(command=_report)


def _add_span(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--since", default="", metavar="DATE", help="ISO date or time, UTC when it names no zone"
    )
    verb.add_argument("--until", default="", metavar="DATE", help="and before then")
    verb.add_argument("--gathered", action="store_true", help="over the logs that were imported here")
    verb.add_argument("--json", action="store_true")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a number of at least 1")
    return number


# Sampling


def _sample(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.sampling import sampled

    since, until = moment(args.since), moment(args.until)
    settings, log = parts.log()
    heads: Sequence[LogHead | EnrolledLog]
    if args.gathered:
        gathered = parts.gathered()
        heads, records = [one for one in gathered.enrolled() if one.size], gathered.everything()
    else:
        heads, records = log.heads(), log.in_order(LogQuery(since=since, until=until))
    sizes = _sizes(args.at, {head.origin: head.size for head in heads})
    strata = sampled(records, by=args.by, seed=args.seed, per=args.per, sizes=sizes, since=since, until=until)
    again = _again(args, sizes)
    if args.json:
        show_json(_sample_plain(args, sizes, {head.origin: head.root for head in heads}, strata, again))
        return 0
    if settings.demo:
        say("DEMO: this log is about an invented forum.")
    say(f"To draw it again: {again}")
    for stratum in strata:
        say("", f"{args.by} {stratum.name}: {len(stratum.chosen)} of {stratum.size}")
        table(("decision", "log", "no.", "when (UTC)", "what"), [_line(record) for record in stratum.chosen])
    if not strata:
        say("There are no decisions to choose from.")
    return 0


def _sizes(wanted: Sequence[str], there: Mapping[str, int]) -> dict[str, int]:
    """Say how far each log counts.

    Raises:
        WrongUsage: A log is not here, or shorter.
    """
    if not wanted:
        return dict(there)
    sizes = {}
    for text in wanted:
        origin, _, size = text.rpartition("=")
        if not origin or not (size.isascii() and size.isdecimal()):
            raise WrongUsage(f"“{text}” is not of the form NAME=SIZE.")
        if there.get(origin, -1) < int(size):
            raise WrongUsage(
                f"Of “{origin}” there are {there[origin]} entries here."
                if origin in there
                else f"There is no log “{origin}” here.",
                next_step="The sample can only be drawn again where all of that log is.",
            )
        sizes[origin] = int(size)
    return sizes


def _again(args: argparse.Namespace, sizes: Mapping[str, int]) -> str:
    words = ["modconsole", "audit", "sample", "--seed", args.seed, "--per", str(args.per), "--by", args.by]
    words += [
        word
        for name in ("since", "until")
        if getattr(args, name)
        for word in (f"--{name}", getattr(args, name))
    ]
    words += ["--gathered"] if args.gathered else []
    words += [word for origin, size in sorted(sizes.items()) for word in ("--at", f"{origin}={size}")]
    return shlex.join(words)


def _line(record: Record) -> tuple[str, str, str, str, str]:
    at = record.entry.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    return record.entry.decision, record.origin, str(record.seq), at, said(record)


def _sample_plain(
    args: argparse.Namespace,
    sizes: Mapping[str, int],
    roots: Mapping[str, str],
    strata: Sequence[Stratum[Record]],
    again: str,
) -> dict[str, Any]:
    return {
        "seed": args.seed,
        "by": args.by,
        "per": args.per,
        "again": again,
        "logs": [
            {"origin": origin, "size": size, "root_now": roots.get(origin, "")}
            for origin, size in sorted(sizes.items())
        ],
        "strata": [
            {
                "name": stratum.name,
                "size": stratum.size,
                "chosen": [entry_plain(record) for record in stratum.chosen],
            }
            for stratum in strata
        ],
    }


# Counting


def _report(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.desk.measuring import report, report_gathered

    since, until = moment(args.since), moment(args.until)
    settings, _ = parts.log()
    if args.gathered:
        made = report_gathered(parts.gathered(), since, until)
    else:
        desk = parts.desk()
        parts.unlock(desk)
        made = report(desk.cases, since, until)
    if args.json:
        show_json(_report_plain(made, gathered=args.gathered, demo=settings.demo))
    else:
        _tell(made, gathered=args.gathered, demo=settings.demo)
    return 0


def _report_plain(made: Report, *, gathered: bool, demo: bool) -> dict[str, Any]:
    from modconsole.core.measures import SMALLEST_CELL

    return {
        "demo": demo,
        "of": "gathered" if gathered else "this_device",
        "since": utc(made.since) if made.since else None,
        "until": utc(made.until) if made.until else None,
        "entries": made.entries,
        "hidden_below": SMALLEST_CELL,
        "measures": [
            {
                "code": measure.code,
                "title": measure.title,
                "caution": measure.caution,
                "rows": [
                    {"name": row.name, "hours": row.hours or "all", **_value_plain(row)}
                    for row in measure.rows
                ],
            }
            for measure in made.measures
        ],
        "unanswered": dict(made.unanswered),
        "notes": list(made.notes),
    }


def _value_plain(row: Row) -> dict[str, Any]:
    from modconsole.core.measures import Rate, Spread

    match row.value:
        case Spread(count, median, p90):
            return {"count": count, "median_seconds": median, "p90_seconds": p90}
        case Rate(part, whole):
            percent = row.value.percent
            return {"part": part, "whole": whole, "percent": None if percent is None else round(percent, 1)}
        case count:
            return {"count": count}


def _tell(made: Report, *, gathered: bool, demo: bool) -> None:
    if demo:
        say("DEMO: these numbers are about an invented forum.")
    span = " ".join(
        part
        for part in (
            f"since {_day(made.since)}" if made.since else "",
            f"until {_day(made.until)}" if made.until else "",
        )
        if part
    )
    say(
        f"{'The gathered logs' if gathered else 'This device’s log'}{', ' + span if span else ''}:"
        f" {made.entries:,} entries read."
    )
    say("Numbers under 5 are hidden. Look at them with the moderators before acting on them.")
    for measure in made.measures:
        _tell_one(measure)
    say("", "Not answered:", *(f"  {code}: {why}" for code, why in made.unanswered.items()))
    say(*(f"Note: {note}" for note in made.notes))


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _tell_one(measure: Measure) -> None:
    say("", f"{measure.title} [{measure.code}]")
    for row in measure.rows:
        name = f"{row.name}, {row.hours} hours" if row.hours else row.name
        say(f"  {name}: {_words(row)}")
    if not measure.rows:
        say("  none")
    if measure.caution:
        say(f"  ({measure.caution})")


def _words(row: Row) -> str:
    from modconsole.core.measures import Rate, Spread

    if isinstance(row.value, Spread):
        return _spread_words(row.value)
    if isinstance(row.value, Rate):
        return _rate_words(row.value)
    return "under 5, or hidden beside one" if row.value is None else f"{row.value:,}"


def _spread_words(value: Spread) -> str:
    if value.median is None or value.p90 is None:
        return "none" if value.count == 0 else "under 5"
    return f"median {_took(value.median)}, 9 in 10 within {_took(value.p90)} ({value.count:,})"


def _rate_words(value: Rate) -> str:
    if value.whole == 0:
        return "none to count"
    if value.whole is None:
        return "under 5"
    if value.part is None or value.percent is None:
        return f"hidden, of {value.whole:,}"
    return f"{value.part:,} of {value.whole:,} ({value.percent:.0f} %)"


def _took(seconds: float) -> str:
    """Give a duration as people say it, rounded down."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60:02} min" if days < 2 else f"{days} days {hours % 24} h"
