"""`doctor` and `config`: what is wrong here and how to mend it, and where everything is. Nothing personal in either."""

from __future__ import annotations

import argparse
from typing import Any

from modconsole.cli.output import say, show_json
from modconsole.cli.parts import Parts

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    doctor = commands.add_parser("doctor", help="say what is wrong here and how to mend it")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(command=_doctor)

    config = commands.add_parser("config", help="where the settings are and what they say")
    verbs = config.add_subparsers(title="what to do", metavar="VERB", required=True)
    path = verbs.add_parser("path", help="where config, data, log and keys are")
    path.add_argument("--json", action="store_true")
    path.set_defaults(command=_path)
    show = verbs.add_parser("show", help="every setting and where it comes from; never a secret")
    show.add_argument("--json", action="store_true")
    show.set_defaults(command=_show)


def _doctor(parts: Parts, args: argparse.Namespace) -> int:
    checks = parts.checks()
    if args.json:
        show_json([{"name": c.name, "ok": c.ok, "found": c.found, "mend": c.mend} for c in checks])
    else:
        for check in checks:
            say(f"{'ok   ' if check.ok else 'WRONG'} {check.name}: {check.found}")
            if not check.ok and check.mend:
                say(f"      {check.mend}")
    return 0 if all(check.ok for check in checks) else 1


def _path(parts: Parts, args: argparse.Namespace) -> int:
    if args.json:
        show_json({name: str(path) for name, path in parts.places().items()})
    else:
        say(*(f"{name}: {path}" for name, path in parts.places().items()))
    return 0


def _show(parts: Parts, args: argparse.Namespace) -> int:
    rows = parts.settings_file().explain()
    if args.json:
        show_json([{"name": name, "value": value, "from": source} for name, value, source in rows])
    else:
        say(*(f"{name} = {value}  ({source})" for name, value, source in rows))
    return 0
