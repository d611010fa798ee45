"""`protocol check`, `paths`: what is wrong with protocols, and every way through them."""

from __future__ import annotations

import argparse
import difflib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modconsole.cli.output import say, show_json
from modconsole.cli.parts import Parts
from modconsole.core.errors import ProtocolFileError, WrongUsage
from modconsole.core.text import cell_width, plain
from modconsole.ports.library import LibraryProblem

__all__ = ["add_to"]

_WIDEST = 110
"""A longer line is shown around the place that is meant."""


def add_to(verbs: Any) -> None:
    check = verbs.add_parser(
        "check",
        help="name every mistake and every path that goes wrong; exit 1 if there are any",
        description="Checks protocols, includes, templates and resources. docs/protocol-check.md explains every rule.",
    )
    check.add_argument(
        "what",
        nargs="*",
        metavar="ID|FILE",
        help="a protocol, a .yaml file or a folder of them (default: all)",
    )
    check.add_argument("--json", action="store_true", help="one JSON object, stable field names")
    check.add_argument("--strict", action="store_true", help="exit 1 for advice too")
    check.set_defaults(command=_check)

    paths = verbs.add_parser("paths", help="print every way through a protocol, as sentences")
    paths.add_argument("what", metavar="ID|FILE", help="a protocol, or a .yaml file")
    paths.add_argument("--json", action="store_true", help="one JSON object, stable field names")
    paths.set_defaults(command=_paths)


def _check(parts: Parts, args: argparse.Namespace) -> int:
    ids, files = _named(parts, args.what)
    found = parts.tools().check(ids, files)
    if args.json:
        show_json({"checked": found.files, "findings": [_plain(problem) for problem in found]})
    else:
        for problem in found:
            say(*_lines(problem), "")
        say(_summary(found, found.files))
    counted = found if args.strict else [problem for problem in found if not problem.advice]
    return 1 if counted else 0


def _paths(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.cli.protocol.routes import plain_walk, sentences
    from modconsole.core.paths import walk

    ids, files = _named(parts, [args.what])
    library = parts.library()
    protocol = parts.tools().read(files[0]) if files else library.get(ids[0])
    if protocol is None:
        raise ProtocolFileError(
            f"The file of “{ids[0]}” has mistakes, and no good version of it is kept.",
            kept="Nothing was changed.",
            next_step=f"`modconsole protocol check {ids[0]}` names them.",
        )
    walked = walk(protocol)
    if args.json:
        show_json(plain_walk(walked))
        return 0
    led_to = {c.switch_to or c.add_protocol for s in protocol.steps for q in s.questions for c in q.on_answer}
    titles = {id: other.title for id in led_to if id and (other := library.get(id)) is not None}
    say(*sentences(walked, titles))
    return 0


def _named(parts: Parts, words: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Tell ids from files: a word with a slash or an ending is a file, and so is one that is there.

    Raises:
        WrongUsage: There is nothing of that name; says what is nearest.
    """
    ids: list[str] = []
    files: list[Path] = []
    known = parts.library().ids() if words else ()
    for word in words:
        path = Path(word)
        if word in known:
            ids.append(word)
        elif os.path.lexists(path):
            _usable_file(path)
            files.append(path)
        elif "/" in word or os.sep in word or path.suffix in (".yaml", ".yml"):
            folder = path.parent
            there = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
            raise WrongUsage(f"There is no file “{word}”.{_near(path.name, there)}")
        else:
            raise WrongUsage(
                f"There is no protocol “{word}”.{_near(word, known)}",
                next_step="`modconsole protocol list` names those that are here; a file is named with its .yaml.",
            )
    return ids, files


def _usable_file(path: Path) -> None:
    if path.suffix in (".yaml", ".yml"):
        return
    if not path.is_dir():
        raise WrongUsage(f"“{path}” is no .yaml file.", next_step="Name a file that ends in .yaml.")
    if not any(entry.suffix in (".yaml", ".yml") for entry in path.rglob("*.y*ml")):
        raise WrongUsage(
            f"There are no .yaml files in “{path}”.", next_step="Name a folder of protocol files."
        )


def _near(word: str, among: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, among, n=1)
    return f" Did you mean “{near[0]}”?" if near else ""


def _level(problem: LibraryProblem) -> str:
    if problem.advice:
        return "advice"
    return "warning" if problem.warning else "error"


def _shown(file: str) -> str:
    """Give a file's name as seen from here, where that is shorter."""
    path = Path(file)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else file


def _lines(problem: LibraryProblem) -> Iterator[str]:
    where = f"{_shown(problem.file)}:{problem.line}:{problem.column}"
    rule = f" [{problem.rule}]" if problem.rule else ""
    yield plain(f"{where}: {_level(problem)}: {problem.found}{rule}", lines=False)
    yield from _marked(problem)
    yield plain(f"    expected: {problem.expected}", lines=False)
    if problem.nearest:
        yield plain(f"    Did you mean “{problem.nearest}”?", lines=False)


def _marked(problem: LibraryProblem) -> Iterator[str]:
    """Give the line with ^^^^ under what is meant; of a long line the part around it."""
    if not problem.source.strip():
        return
    start = problem.column - 1
    end = start + max(1, problem.length)
    first = 0 if end <= _WIDEST else max(0, min(start - 20, len(problem.source) - _WIDEST))
    last = first + _WIDEST
    # Each part made plain by itself, so that the mark stands under what is shown, whatever was taken out.
    before, meant, after = (
        plain(part, lines=False)
        for part in (
            problem.source[first:start],
            problem.source[start : min(end, last)],
            problem.source[end:last],
        )
    )
    cut = ("…" if first else "", "…" if last < len(problem.source) else "")
    number = f"{problem.line:>6} | "
    yield f"{number}{cut[0]}{before}{meant}{after}{cut[1]}"
    width = max(1, cell_width(meant.rstrip()))
    yield f"{'':>6} | {' ' * cell_width(cut[0] + before)}{'^' * width}"


def _summary(found: Sequence[LibraryProblem], files: int) -> str:
    counts = Counter(_level(problem) for problem in found)
    checked = f"{files} file{'' if files == 1 else 's'} checked"
    if not counts:
        return f"{checked}: nothing found."
    words = {
        "error": _counted(counts["error"], "error", "errors"),
        "warning": _counted(counts["warning"], "warning", "warnings"),
        "advice": _counted(counts["advice"], "piece of advice", "pieces of advice"),
    }
    said = ", ".join(words[level] for level in words if counts[level])
    return f"{checked}: {said}. docs/protocol-check.md explains every rule by the name in [ ]."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _plain(problem: LibraryProblem) -> dict[str, Any]:
    return {
        "level": _level(problem),
        "rule": problem.rule,
        "file": _shown(problem.file),
        "line": problem.line,
        "column": problem.column,
        "length": problem.length,
        "found": problem.found,
        "expected": problem.expected,
        "nearest": problem.nearest,
        "source": problem.source,
        "protocol": problem.protocol,
    }
