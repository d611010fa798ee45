"""`protocol export`: protocols for other systems."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from modconsole.cli.output import say, show_json, write_new
from modconsole.cli.parts import Parts
from modconsole.core.errors import WrongUsage
from modconsole.core.protocol import ReviewProtocol
from modconsole.core.text import ascii_json

__all__ = ["add_to"]


def add_to(verbs: Any) -> None:
    export = verbs.add_parser(
        "export", help="a FHIR-shaped export of one protocol, as a Questionnaire; see docs/fhir.md"
    )
    export.add_argument("what", metavar="ID|FILE", help="a protocol of the library, or a .yaml file")
    export.add_argument("--fhir", choices=("R4", "R5"), default="R4", help="which release (default: R4)")
    export.add_argument("--out", type=Path, metavar="FILE", help="a new file to write (default: the screen)")
    export.set_defaults(command=_export)


def _export(parts: Parts, args: argparse.Namespace) -> int:
    protocol = _protocol(parts, args.what)
    made = parts.tools().questionnaire(protocol, args.fhir)
    if args.out is None:
        show_json(made)
        return 0
    write_new(args.out, ascii_json(made, indent=2) + "\n")
    say(f"A FHIR-shaped export ({args.fhir}) of “{protocol.title}” is in {args.out}.")
    return 0


def _protocol(parts: Parts, what: str) -> ReviewProtocol:
    if what.endswith((".yaml", ".yml")) or Path(what).name != what:
        return parts.tools().read(Path(what))
    protocol = parts.library().get(what)
    if protocol is None:
        raise WrongUsage(
            f"There is no protocol “{what}” here that can be used.",
            next_step="`modconsole protocol list` names them; a file’s name ends in .yaml.",
        )
    if not parts.settings_file().path.exists():
        return protocol  # no service here yet, so nobody who could have approved it
    from modconsole.desk.handing_on import as_it_stands

    return as_it_stands(protocol, parts.desk().cases.standing(protocol))
