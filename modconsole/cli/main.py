"""From words on a command line to one command. Exit codes: 0 done, 1 a check found something, 2 wrong usage,
3 forum unavailable, 4 the local data is damaged or locked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from modconsole.cli.parts import Parts
from modconsole.core.errors import ModconsoleError

if TYPE_CHECKING:
    import argparse

    Command = Callable[[Parts, argparse.Namespace], int]

__all__ = ["run"]

NO_SCREEN = (
    "modconsole needs a terminal for its screens, and this is not one. Without a screen there are: "
    "queue, case show / decide / reverse, protocol, forum, audit list / show / verify, doctor, config path "
    "(see --help)."
)


def run(argv: Sequence[str], parts: Parts) -> int:
    """Carry out one command and give its exit code. Every error a person can meet ends here, without a traceback."""
    try:
        if not argv:  # the console is what must be there soonest, and it needs none of the commands
            return _console(parts)
        args = _parser(argv).parse_args(argv)
        command: Command | None = args.command
        return command(parts, args) if command else _console(parts)
    except ModconsoleError as error:
        from modconsole.cli.output import complain

        complain(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader went away (`| head`): nothing is wrong. Keep Python from complaining again on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write(
            "Stopped. What was sealed is in the log; `modconsole case unsettled` shows what is open.\n"
        )
        return 130


def _console(parts: Parts) -> int:
    return parts.open_console() if _has_terminal() else 2


def _has_terminal() -> bool:
    if sys.stdin.isatty() and sys.stdout.isatty():
        return True
    sys.stderr.write(NO_SCREEN + "\n")
    return False


def _demo(parts: Parts, args: argparse.Namespace) -> int:
    if not args.prepare and not _has_terminal():
        return 2
    home = parts.prepare_demo(None, args.cases, args.seed)
    if args.prepare:
        from modconsole.cli.output import say

        say(
            f"A demo home is ready in {home}. Every command works on it: MODCONSOLE_HOME={home} modconsole queue"
        )
        return 0
    return parts.open_console()


def _parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    import argparse

    parser = argparse.ArgumentParser(
        prog="modconsole",
        description="A console for people who moderate mental-health peer-support forums.",
        epilog="Without a command, the console opens. MODCONSOLE_HOME=DIR keeps everything under one folder.",
    )
    parser.add_argument("--version", action="version", version=f"modconsole {_version()}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    demo = commands.add_parser("demo", help="open the console on a simulated forum with invented posts")
    demo.add_argument("--prepare", action="store_true", help="build the demo home and stop")
    demo.add_argument(
        "--cases", type=_positive, default=0, metavar="N", help="how many cases (default: about 60)"
    )
    demo.add_argument("--seed", type=int, default=7, metavar="S", help="another seed, other names and times")
    demo.set_defaults(command=_demo)

    # Only the command that was asked for is loaded; all of them when none was, for the help.
    first = words[0] if words else ""
    for part in [_COMMANDS[first]] if first in _COMMANDS else dict.fromkeys(_COMMANDS.values()):
        import_module(f"modconsole.cli.{part}").add_to(commands)
    return parser


_COMMANDS = {
    "queue": "queue",
    "case": "cases",
    "forum": "forums",
    "audit": "audit",
    "protocol": "protocol",
    "doctor": "doctor",
    "config": "doctor",
}
"""Where each command is, by its word."""


def _positive(text: str) -> int:
    from argparse import ArgumentTypeError

    number = int(text)
    if number < 1:
        raise ArgumentTypeError("give a number of at least 1")
    return number


def _version() -> str:
    from modconsole import __version__

    return __version__
