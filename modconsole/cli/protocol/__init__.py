"""`protocol`: read, check, write, approve, print and hand on protocols."""

from __future__ import annotations

from typing import Any

from modconsole.cli.protocol import approving, checking, exporting, reading, writing

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    protocol = commands.add_parser("protocol", help="protocols: read, check, write, approve, print, hand on")
    verbs = protocol.add_subparsers(title="what to do", metavar="VERB", required=True)
    for part in (reading, checking, writing, approving, exporting):
        part.add_to(verbs)
