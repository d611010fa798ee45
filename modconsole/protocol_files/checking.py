"""Checking protocol files as their author wants it: every mistake and every path, each with its place in the file.

Nothing is written anywhere: neither the user's cache nor the index of last good versions sees a checked file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from modconsole.core.codec import from_plain
from modconsole.core.errors import ProtocolFileError
from modconsole.core.examine import circles, examine, leads_to, templates_named
from modconsole.core.findings import Finding, Level, Neighbour, Place
from modconsole.core.protocol import ReviewProtocol
from modconsole.core.wording import template_wording
from modconsole.ports.library import LibraryProblem
from modconsole.ports.protocol_tools import Checked
from modconsole.protocol_files.folders import Snapshot, read_text, scan, usable
from modconsole.protocol_files.kinds import Group
from modconsole.protocol_files.library import FileLibrary
from modconsole.protocol_files.problems import Mark, Marked, Record, Report
from modconsole.protocol_files.protocols import Known, plain_approvals, plain_protocol, resolve

__all__ = ["check", "read_file"]

_KINDS = ("protocol", "template", "resources", "include")

_LEAVES_IT_WHOLE = frozenset(
    """unknown-key unknown-template unknown-topic unknown-protocol broken-template id-not-file-name no-line-end
    safety-without-unclear imminent-form emergency-gated empty-consequence required-under-condition unfitting-key
    unknown-include broken-include circle jump-over-required jump-not-forwards unknown-question
    unknown-answer""".split()
)
"""Mistakes that leave a protocol whole enough to walk, so that an author hears of its paths in the same breath."""


def check(
    library: FileLibrary, ids: Sequence[str] = (), files: Sequence[Path] = (), today: date | None = None
) -> Checked:
    """Check protocols and what belongs to them.

    Args:
        library: Where they stand.
        ids: The protocols to check; all there is when neither these nor files are named.
        files: Files, and folders of files, each checked as if it stood in the library in place of one of its name.
        today: For what expires.
    """
    today = today or datetime.now(UTC).date()
    report = Report()
    stand_ins: dict[tuple[str, str], Path] = {}
    for file in files:
        stand_ins |= dict(_files_of(file, report))
    bench, texts = _Bench(library.folders, stand_ins), _Texts()
    if ids or files:
        targets = [*(("protocol", id) for id in ids), *stand_ins]
        found = [*report.problems, *_of_targets(bench, targets, today, texts)]
        count = len(targets) + len({problem.file for problem in report.problems})
    else:
        targets = [(kind, id) for kind in _KINDS for id in bench.names(kind)]
        found = [*bench.problems(), *_examined(bench, targets, today, texts)]
        count = len(targets)
    checked = Checked(_in_order(texts.shown(bench.of_its_protocol(problem)) for problem in found))
    checked.files = count
    return checked


def read_file(library: FileLibrary, file: Path) -> ReviewProtocol:
    """Read one protocol file as if it stood in the library.

    Raises:
        ProtocolFileError: It has mistakes; names them all.
    """
    report = Report()
    stand_ins = dict(_files_of(file, report))
    bench = _Bench(library.folders, stand_ins)
    read = [bench.get(id) for kind, id in stand_ins if kind == "protocol"]
    protocol = read[0] if read else None
    if protocol is not None:
        return protocol
    found = [*report.problems, *(p for kind, id in stand_ins for p in bench.problems_of(kind, id))]
    if not found and stand_ins:
        found = [_no_protocol(file)]
    listed = "\n".join(str(problem) for problem in _in_order(found))
    mistakes = "one mistake" if len(found) == 1 else f"{len(found)} mistakes"
    raise ProtocolFileError(
        f"{file} has {mistakes}:\n{listed}",
        kept="Nothing was changed.",
        next_step="Mend the file; `modconsole protocol check` marks each place.",
    )


def _no_protocol(file: Path) -> LibraryProblem:
    return LibraryProblem(str(file), 1, 1, "a file of another kind", "a protocol", rule="not-a-protocol")


class _Bench(FileLibrary):
    """The library as it would be with some files in the place of others, looked at once and leaving no trace."""

    def __init__(self, folders: Sequence[Path], stand_ins: Mapping[tuple[str, str], Path]) -> None:
        super().__init__(folders, Path(os.devnull) / "kept")
        seen = scan(folders)
        states = dict(seen.states)
        for path in stand_ins.values():
            state = path.stat()
            states[path] = (state.st_size, state.st_mtime_ns, state.st_ino)
        files = {**seen.files, **{key: (path,) for key, path in stand_ins.items()}}
        self._seen = Snapshot(seen.stamp, files, seen.problems, states)
        self.records: dict[Path, Record] = {}
        self._protocol_files: dict[str, str] = {}

    def _look(self) -> Snapshot:
        self._snapshot = self._seen
        return self._seen

    def _read(self, path: Path, kind: Group, report: Report) -> Record | None:
        record = super()._read(path, kind, report)
        if record is not None:
            self.records[path] = record
        return record

    def _remember(self, name: str, hash: str, text: dict[str, Any]) -> None:
        """Keep nothing: a file that is only checked is no version of anything."""

    def names(self, kind: str) -> tuple[str, ...]:
        return self._seen.ids(kind)

    def problems_of(self, kind: str, id: str) -> Sequence[LibraryProblem]:
        return self._problems_of_include(id) if kind == "include" else self._load(kind, id).problems

    def paths(self, kind: str, id: str) -> Sequence[Path]:
        return self._seen.files.get((kind, id), ())

    def record(self, kind: str, id: str) -> Record | None:
        """Give what was read of the file that stands first."""
        return next((self.records.get(path) for path in self.paths(kind, id)), None)

    def steps(self, record: Record) -> list[Record]:
        """Give a protocol's steps with their includes, every part with its place."""
        includes = {
            id: include
            for id in self.names("include")
            if not any(not p.warning for p in self.problems_of("include", id))
            and (include := self.record("include", id)) is not None
        }
        return resolve(record, Known((), includes, (), ()), Report())

    def protocol(self, id: str) -> ReviewProtocol | None:
        """Give a protocol as its first file has it, mistakes and all, as long as it can be walked."""
        good = self.get(id)
        paths = self.paths("protocol", id)
        first = self._made.get(paths[0]) if paths else None
        return good if first is not None and first.text is not None else self._as_far_as_it_goes(id)

    def of_its_protocol(self, problem: LibraryProblem) -> LibraryProblem:
        """Name the protocol of a problem that stands in a protocol's own file."""
        if not self._protocol_files:
            self._protocol_files |= {
                str(path): id
                for (kind, id), paths in self._seen.files.items()
                for path in paths
                if kind == "protocol"
            }
        named = self._protocol_files.get(problem.file, "")
        return replace(problem, protocol=named) if named and not problem.protocol else problem

    def _as_far_as_it_goes(self, id: str) -> ReviewProtocol | None:
        """Give a protocol whose mistakes leave it whole enough to walk."""
        record = self.record("protocol", id)
        wrong = {p.rule for p in self.problems_of("protocol", id) if not p.warning}
        if record is None or not wrong <= _LEAVES_IT_WHOLE:
            return None
        try:
            plain = plain_protocol(record, self.steps(record))
            governance = {**plain["governance"], "approvals": plain_approvals(record)}
            return from_plain(
                ReviewProtocol, {**plain, "governance": governance, "status": record["status"], "hash": ""}
            )
        except (KeyError, TypeError, ValueError):
            return None


# Which files


_SCHEMA = re.compile(r"^schema:\s*[\"']?modconsole-(protocol|include|template|resources)/", re.MULTILINE)


def _files_of(file: Path, report: Report) -> Iterator[tuple[tuple[str, str], Path]]:
    """Give the files a path names, by kind and id: the file itself, or every one in a folder of them."""
    if file.is_dir() and file.suffix not in (".yaml", ".yml"):
        seen = scan([file])
        report.problems += seen.problems
        for (kind, _), paths in seen.files.items():
            yield _named(paths[0], kind), paths[0]
    elif usable(file, None, report) is not None:
        yield _named(file, "protocol"), file


def _named(path: Path, kind: str) -> tuple[str, str]:
    """Say what a file is by its first key; where that cannot be read, what its folder says it is."""
    text = read_text(path, Report()) or ""
    said = _SCHEMA.search(text)
    return (said[1] if said else kind), path.stem


# What is found


def _of_targets(
    bench: _Bench, targets: Sequence[tuple[str, str]], today: date, texts: _Texts
) -> Iterator[LibraryProblem]:
    """Give what is wrong with these files and with what they put in: their includes and templates."""
    for kind, id in targets:
        yield from bench.problems_of(kind, id)
        record = bench.record(kind, id)
        for include in () if record is None else record.get("includes", ()):
            yield from bench.problems_of("include", include)
        if kind == "protocol" and record is not None:
            for template in _templates_of(bench.steps(record)):
                yield from bench.problems_of("template", template)
    yield from _examined(bench, targets, today, texts)


def _templates_of(steps: Iterable[Record]) -> Iterator[str]:
    for step in steps:
        yield from step.get("templates", ())
        for question in step.get("questions", ()):
            yield from (c["offer_template"] for c in question.get("on_answer", ()) if "offer_template" in c)


def _examined(
    bench: _Bench, targets: Sequence[tuple[str, str]], today: date, texts: _Texts
) -> Iterator[LibraryProblem]:
    protocols = _within_reach(bench, [id for kind, id in targets if kind == "protocol"])
    neighbours = {id: Neighbour(p.title, p.urgency, p.used_for) for id, p in protocols.items()}
    named = {id for kind, id in targets if kind == "template"}
    named |= {id for protocol in protocols.values() for id in templates_named(protocol)}
    templates = {id: template for id in sorted(named) if (template := bench.template(id))}
    round_and_round = circles(protocols)
    for kind, id in targets:
        record = bench.record(kind, id)
        if record is None:
            continue
        if kind == "protocol" and id in protocols:
            steps = bench.steps(record)
            findings = [
                *examine(protocols[id], neighbours, templates, today),
                *round_and_round.get(id, ()),
            ]
            for finding in findings:
                yield texts.shown(_problem(finding, _mark(finding.place, record, steps), id), finding.words)
        elif kind == "template" and id in templates:
            for finding in template_wording(templates[id]):
                yield texts.shown(_problem(finding, _mark(finding.place, record, ()), ""), finding.words)


def _within_reach(bench: _Bench, ids: Sequence[str]) -> dict[str, ReviewProtocol]:
    """Give these protocols and all that they lead to, over however many others; the rest need not be read."""
    found: dict[str, ReviewProtocol] = {}
    known, ahead = frozenset(bench.names("protocol")), [*ids]
    for id in ahead:
        protocol = bench.protocol(id) if id in known and id not in found else None
        if protocol is not None:
            found[id] = protocol
            ahead += leads_to(protocol)
    return found


def _problem(finding: Finding, at: Mark, protocol: str) -> LibraryProblem:
    return LibraryProblem(
        at.file,
        at.line,
        at.column,
        finding.found,
        finding.expected,
        warning=finding.level is not Level.ERROR,
        advice=finding.level is Level.ADVICE,
        rule=finding.rule,
        protocol=protocol,
    )


def _mark(place: Place, record: Record, steps: Iterable[Record]) -> Mark:
    """Give where something stands: in the protocol's file, or in the include that put it there."""
    there: Any = record
    if place.step:
        there = next(step for step in steps if step.get("id") == place.step)
    if place.question:
        there = next(q for q in there.get("questions", ()) if q.get("id") == place.question)
    at: Mark = there.at
    for key in place.keys:
        if isinstance(there, Record):
            at = there.place(str(key))
            there = there.get(str(key))
        elif isinstance(there, list) and isinstance(key, int) and key < len(there):
            there = there[key]
        if isinstance(there, (Record, Marked)):
            at = there.at
    return at


# The text at the place


class _Texts:
    """The lines of the files that something is said about."""

    def __init__(self) -> None:
        self._lines: dict[str, Sequence[str]] = {}

    def lines(self, file: str) -> Sequence[str]:
        if file not in self._lines:
            path = Path(file)
            text = read_text(path, Report()) if path.is_file() else None
            self._lines[file] = () if text is None else text.split("\n")
        return self._lines[file]

    def shown(self, problem: LibraryProblem, words: str = "") -> LibraryProblem:
        """Give a problem with the line it is about, and how much of that is meant.

        Args:
            words: The very words, somewhere at or after its place.
        """
        lines = self.lines(problem.file)
        at = self._find(problem, words) if words else None
        if at is not None:
            problem = replace(problem, line=at[0], column=at[1], length=len(words))
        if problem.line > len(lines):
            return problem
        source = lines[problem.line - 1]
        length = problem.length
        if not length and problem.rule not in _ABOUT_A_PLACE:
            length = _token(source, problem.column - 1)
        return replace(problem, source=source, length=length)

    def _find(self, problem: LibraryProblem, words: str) -> tuple[int, int] | None:
        first = problem.column - 1
        for number, line in enumerate(self.lines(problem.file)[problem.line - 1 :], problem.line):
            column = line.find(words, first)
            if column >= 0:
                return number, column + 1
            first = 0
        return None


_ABOUT_A_PLACE = frozenset({"missing-key", "no-line-end", "not-yaml", "tab", "too-deep", "too-many-values"})
"""What is told at a place where something is missing or begins, and not about the word that stands there."""


_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^']|'')*'?")
_KEY = re.compile(r"[\w-]+(?=:(?:\s|$))")
_WORD = re.compile(r"[^,\]}#]*[^,\]}#\s]")


def _token(line: str, start: int) -> int:
    """Give the length of what begins here: a quoted text, a list or group on this line, a key or a word."""
    if line[start : start + 1] in ("[", "{"):
        return _closing(line, start) - start
    found = _QUOTED.match(line, start) or _KEY.match(line, start) or _WORD.match(line, start)
    return len(found[0]) if found else 0


def _closing(line: str, start: int) -> int:
    depth, at = 0, start
    while at < len(line):
        quoted = _QUOTED.match(line, at) if line[at - 1] in " [{," else None
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(line[at], 0) if quoted is None else 0
        at = at + 1 if quoted is None else quoted.end()
        if not depth:
            return at
    return len(line.rstrip())


def _in_order(problems: Iterable[LibraryProblem]) -> list[LibraryProblem]:
    """Sort by place, and say each thing once: an include's mistake shows in every protocol that has it."""
    once: dict[tuple[object, ...], LibraryProblem] = {}
    for problem in problems:
        key = (problem.file, problem.line, problem.column, problem.rule, problem.found, problem.expected)
        once.setdefault(key, problem)
    return sorted(
        once.values(), key=lambda p: (p.file, p.line, p.column, p.warning, p.advice, p.rule, p.found)
    )
