"""`protocol list`, `show`, `diff`, `print`: protocols as people read them."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modconsole.cli.output import say, show_json
from modconsole.cli.parts import Parts
from modconsole.core.errors import DataError, ModconsoleError, ProtocolFileError, StoreError, WrongUsage
from modconsole.core.protocol import Resource, ReviewProtocol, Step, Template
from modconsole.core.text import plain

if TYPE_CHECKING:
    from modconsole.core.differences import Bundled, Difference
    from modconsole.desk.desk import Desk
    from modconsole.desk.standing import Standing
    from modconsole.ports.library import Bundle, ProtocolLibrary

__all__ = ["add_to"]

_HASH = re.compile(r"[0-9a-f]{64}")
_ENDINGS = (".yaml", ".yml")
_NOT_PROTOCOLS = ("includes", "templates", "resources")


def add_to(verbs: Any) -> None:
    listing = verbs.add_parser("list", help="list the protocols, by pack, with how each stands")
    listing.add_argument(
        "--pack", default="", metavar="P", help="one pack only, such as core; own for your own"
    )
    listing.add_argument("--json", action="store_true", help="one JSON array, stable field names")
    listing.set_defaults(command=_list)

    show = verbs.add_parser("show", help="show a protocol as the moderator will see it")
    show.add_argument("what", metavar="ID|FILE|HASH", help="by hash: the exact text kept for a past run")
    show.add_argument("--json", action="store_true")
    show.set_defaults(command=_show)

    diff = verbs.add_parser(
        "diff",
        help="say in words what changed between two versions; exit 1 if anything did",
        description="With one id: what changed since the last approved version; where none was ever approved, what "
        "your own file changes in the shipped one.",
    )
    diff.add_argument("old", metavar="OLD", help="an id, a .yaml file, or a hash")
    diff.add_argument("new", metavar="NEW", nargs="?", default="", help="the same")
    diff.add_argument("--json", action="store_true")
    diff.set_defaults(command=_diff)

    printing = verbs.add_parser("print", help="make one page for the wall of each protocol")
    printing.add_argument("ids", metavar="ID", nargs="*", help="default: every protocol of urgency now")
    printing.add_argument(
        "--out", type=Path, default=Path(), metavar="FOLDER", help="where to (default: here)"
    )
    printing.add_argument("--form", choices=("html", "markdown"), default="html", help="default: html")
    printing.add_argument("--force", action="store_true", help="write over pages that are there already")
    printing.set_defaults(command=_print)


# Which protocol is meant, and how it stands


def _meant(parts: Parts, word: str) -> ReviewProtocol:
    """Give the protocol that a word names: by its hash, its file, or its id.

    Raises:
        ProtocolFileError: It is there and cannot be read.
        WrongUsage: There is none; says what is nearest.
    """
    library = parts.library()
    if _HASH.fullmatch(word):
        kept = library.by_hash(word) or _present(library, word)
        if kept is None:
            raise WrongUsage(
                "No text with this hash is kept here.",
                next_step="Texts are kept by hash from the moment they are read; `audit show` names those of a case.",
            )
        return kept
    known = library.ids()
    if word not in known and (word.endswith(_ENDINGS) or os.sep in word):
        return parts.tools().read(Path(word))
    if word not in known:
        near = difflib.get_close_matches(word, known, n=1)
        raise WrongUsage(
            f"There is no protocol “{word}”.{f' Did you mean “{near[0]}”?' if near else ''}",
            next_step="`modconsole protocol list` names them; a file is named with its .yaml.",
        )
    return _of_id(library, word)


def _present(library: ProtocolLibrary, hash: str) -> ReviewProtocol | None:
    return next((p for id in library.ids() if (p := library.get(id)) is not None and p.hash == hash), None)


def _of_id(library: ProtocolLibrary, id: str) -> ReviewProtocol:
    protocol = library.get(id)
    if protocol is None:
        raise ProtocolFileError(
            f"The file of “{id}” has mistakes, and no good version of it is kept.",
            kept="Nothing was changed.",
            next_step=f"`modconsole protocol check {id}` names them.",
        )
    return protocol


class _Standings:
    """Says how protocols stand, as far as the log can be read: a damaged log hides the standing, never the protocol."""

    def __init__(self, parts: Parts) -> None:
        self._desk: Desk | None = None
        self.unknown = ""
        try:
            self._desk = parts.desk()
        except ModconsoleError as error:
            self.unknown = error.what

    def of(self, protocol: ReviewProtocol) -> Standing | None:
        if self._desk is None or self.unknown:
            return None
        try:
            return self._desk.cases.standing(protocol)
        except DataError as error:
            self.unknown = error.what
            return None

    def words(self, protocol: ReviewProtocol) -> str:
        held = self.of(protocol)
        if held is None:
            return f"not known: {self.unknown}"
        return held.banner or held.kind.replace("_", " ")

    def code(self, protocol: ReviewProtocol) -> str:
        held = self.of(protocol)
        return "unknown" if held is None else held.kind.value

    def approved(self, id: str) -> str:
        """Give the hash of the text of a protocol that was approved last; empty where none was.

        Raises:
            DataError: The log cannot be read.
        """
        from modconsole.core.approval import Verdict

        if self._desk is None:
            raise StoreError(self.unknown, kept="The protocols are untouched.")
        verdicts = self._desk.cases.verdicts.of(id)
        return next((one.hash for one in reversed(verdicts) if one.verdict is Verdict.APPROVED), "")


def _naming(library: ProtocolLibrary) -> Callable[[str], str]:
    def title(id: str) -> str:
        protocol = library.get(id)
        return protocol.title if protocol else id

    return title


def _today() -> date:
    return datetime.now(UTC).date()


# list


def _list(parts: Parts, args: argparse.Namespace) -> int:
    library = parts.library()
    packs: dict[str, list[str]] = {}
    for id in library.ids():
        packs.setdefault(library.pack(id), []).append(id)
    if args.pack and args.pack not in packs:
        raise WrongUsage(
            f"There is no pack “{args.pack}”.", next_step=f"There are: {', '.join(sorted(packs))}."
        )
    if args.pack:
        packs = {args.pack: packs[args.pack]}
    standings, found = _Standings(parts), _problem_counts(library)
    rows = [_row(library, id, pack, standings, found) for pack, ids in sorted(packs.items()) for id in ids]
    if args.json:
        show_json(rows)
        return 0
    pack = None
    for row in rows:
        if row["pack"] != pack:
            say(*([""] if pack is not None else []), f"Pack: {row['pack'] or 'files that are gone'}")
            pack = row["pack"]
        say(*_row_lines(row, _width()))
    others = sum(found.values()) - sum(row["problems"] for row in rows)
    if others and not args.pack:
        say("", f"{_count(others, 'problem')} in other files; `modconsole protocol check` names them.")
    return 0


def _problem_counts(library: ProtocolLibrary) -> Counter[str]:
    """Count what is wrong, by the protocol whose file it is in; by the file's name with its folder elsewhere."""
    counts: Counter[str] = Counter()
    for problem in library.problems():
        if not problem.advice:
            path = Path(problem.file)
            other = path.parent.name in _NOT_PROTOCOLS
            counts[f"{path.parent.name}/{path.stem}" if other else path.stem] += 1
    return counts


def _row(
    library: ProtocolLibrary, id: str, pack: str, standings: _Standings, found: Mapping[str, int]
) -> dict[str, Any]:
    protocol = library.get(id)
    row: dict[str, Any] = {
        "id": id,
        "pack": pack,
        "usable": protocol is not None,
        "problems": found.get(id, 0),
    }
    if protocol is not None:
        row |= {
            "title": protocol.title,
            "version": protocol.version,
            "urgency": protocol.urgency,
            "style": protocol.style,
            "used_for": protocol.used_for,
            "status": protocol.status,
            "standing": standings.code(protocol),
            "standing_words": standings.words(protocol),
            "sha256": protocol.hash,
        }
    return row


def _row_lines(row: Mapping[str, Any], width: int) -> Iterator[str]:
    from modconsole.cli.protocol.showing import folded

    problems = f" · {_count(row['problems'], 'problem')}" if row["problems"] else ""
    if not row["usable"]:
        yield f"  {row['id']}{problems}"
        yield from folded(
            f"cannot be used; see `modconsole protocol check {row['id']}`", width, "    ", "    "
        )
        return
    style = str(row["style"]).replace("_", "-")
    yield f"  {row['id']} · {row['urgency']} · {style} · version {row['version']}{problems}"
    yield from folded(row["title"], width, "    ", "    ")
    yield from folded(row["standing_words"], width, "      ", "    ▲ ")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _width() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, 100)


# show


def _show(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.cli.protocol.showing import Shown, lines_of

    library, protocol = parts.library(), _meant(parts, args.what)
    standings = _Standings(parts)
    bundle = library.bundle(protocol.hash)
    templates = _templates(library, protocol, bundle)
    if args.json:
        show_json(_plain_protocol(library, protocol, standings, bundle, templates))
        return 0
    say(*_notices(library, protocol, args.what))
    offered = _offered(library, protocol, bundle)
    more = dict(bundle.more) if bundle else {}
    shown = Shown(protocol, standings.words(protocol), templates, offered, more, _naming(library), _today())
    say(*lines_of(shown, _width()))
    return 0


def _notices(library: ProtocolLibrary, protocol: ReviewProtocol, word: str) -> Iterator[str]:
    """Say what stands between this text and the file of its name."""
    if _HASH.fullmatch(word):
        present = library.get(protocol.id) if protocol.id in library.ids() else None
        if present is None or present.hash != protocol.hash:
            other = f"version {present.version}" if present else "no such protocol any more"
            yield f"This is a kept text; the library has {other}."
            yield ""
    elif any(problem.still_used == protocol.hash for problem in library.problems()):
        yield "Its file has mistakes; this is its last good version, which stays in use."
        yield f"`modconsole protocol check {protocol.id}` names them."
        yield ""


def _templates(
    library: ProtocolLibrary, protocol: ReviewProtocol, bundle: Bundle | None
) -> dict[str, Template]:
    """Give every message it may offer, in the order it names them: those of its own text, or else of the library."""
    if bundle is not None:
        return {id: bundle.templates[id] for id in _templates_named(protocol) if id in bundle.templates}
    found = ((id, library.template(id)) for id in _templates_named(protocol))
    return {id: template for id, template in found if template is not None}


def _templates_named(protocol: ReviewProtocol) -> Sequence[str]:
    named: list[str] = []
    for step in protocol.steps:
        named += step.templates
        for question in step.questions:
            named += [one.offer_template for one in question.on_answer if one.offer_template]
    return list(dict.fromkeys(named))


def _offered(
    library: ProtocolLibrary, protocol: ReviewProtocol, bundle: Bundle | None
) -> Callable[[Step], Sequence[Resource]]:
    """Give what a step offers. Of a kept text: its own wording of each, with when it was last checked as known now."""
    own = {one.id: one for one in bundle.resources} if bundle else {}

    def offered(step: Step) -> Sequence[Resource]:
        wish = step.resources
        if wish is None:
            return ()
        found = library.resources(wish.topics, protocol.jurisdictions, 1000)
        if bundle is not None:
            found = [one for one in found if _same(own.get(one.id), one)]
            gone = [
                one for id, one in own.items() if set(one.topics) & set(wish.topics) and id not in _ids(found)
            ]
            found = [*found, *gone]
        return found[: wish.max]

    return offered


def _ids(resources: Sequence[Resource]) -> set[str]:
    return {one.id for one in resources}


def _same(kept: Resource | None, present: Resource) -> bool:
    return kept is not None and replace(present, verified_on=None) == replace(kept, verified_on=None)


def _plain_protocol(
    library: ProtocolLibrary,
    protocol: ReviewProtocol,
    standings: _Standings,
    bundle: Bundle | None,
    templates: Mapping[str, Template],
) -> dict[str, Any]:
    from modconsole.core.codec import to_plain

    known = protocol.id in library.ids()
    return {
        "id": protocol.id,
        "pack": library.pack(protocol.id) if known else "",
        "sha256": protocol.hash,
        "standing": standings.code(protocol),
        "standing_words": standings.words(protocol),
        "protocol": to_plain(protocol),
        "templates": {id: to_plain(template) for id, template in templates.items()},
        "resources": [to_plain(one) for one in bundle.resources] if bundle else [],
        "for_people": dict(bundle.more) if bundle else {},
    }


# diff


def _diff(parts: Parts, args: argparse.Namespace) -> int:
    from modconsole.core.differences import differences

    library = parts.library()
    old, new, compared = _two(parts, args.old, args.new)
    before, after = library.bundle(old.hash), library.bundle(new.hash)
    both_known = before is not None and after is not None
    found = differences(
        old,
        new,
        _bundled(library, old, before, both_known),
        _bundled(library, new, after, both_known),
        naming=_naming(library),
    )
    if args.json:
        show_json(
            {
                "old": _version(old),
                "new": _version(new),
                "same": not found,
                "differences": [
                    {
                        "kind": one.kind,
                        "where": one.where,
                        "words": one.words,
                        "safety": one.is_safety,
                        "before": one.before,
                        "after": one.after,
                    }
                    for one in found
                ],
            }
        )
    elif not found:
        say(
            "The same text.", f"  {old.hash}  {old.id} {old.version}", f"  {new.hash}  {new.id} {new.version}"
        )
        if old.status is not new.status:
            say(f"  The status is {new.status}, was {old.status}; it is no part of the text.")
    else:
        say(*_difference_lines(compared, found, _width()))
    return 1 if found else 0


def _bundled(
    library: ProtocolLibrary, protocol: ReviewProtocol, bundle: Bundle | None, whole: bool
) -> Bundled:
    """Give what to compare beside the steps. Of a file outside the library only the messages are at hand."""
    from modconsole.core.differences import Bundled

    templates = _templates(library, protocol, bundle)
    if bundle is None or not whole:
        return Bundled(templates)
    return Bundled(templates, bundle.resources, bundle.more)


def _version(protocol: ReviewProtocol) -> dict[str, str]:
    return {
        "id": protocol.id,
        "version": protocol.version,
        "sha256": protocol.hash,
        "status": protocol.status,
    }


def _two(parts: Parts, old: str, new: str) -> tuple[ReviewProtocol, ReviewProtocol, str]:
    """Give the two versions to compare, and which they are in words."""
    if new:
        first, second = _meant(parts, old), _meant(parts, new)
        return first, second, f"From {_named(first)} to {_named(second)}"
    present = _meant(parts, old)
    library, id = parts.library(), present.id
    approved = _Standings(parts).approved(id)
    if approved:
        kept = library.by_hash(approved)
        if kept is None:
            raise StoreError(
                f"The approved text of “{id}” is not kept here (SHA-256 {approved}).",
                kept="The protocols are untouched.",
                next_step="Name the two versions to compare: files or hashes.",
            )
        return kept, present, f"Since it was approved: from {_named(kept)} to {_named(present)}"
    shipped = library.shipped(id)
    if shipped is not None and library.pack(id) == "own":
        return shipped, present, f"Your own file, beside the shipped {_named(shipped)}"
    raise WrongUsage(
        f"There is nothing to compare “{id}” with: no version of it was approved, and it is not a file of your own.",
        next_step="Name the two versions: `modconsole protocol diff OLD NEW`, each an id, a file or a hash.",
    )


def _named(protocol: ReviewProtocol) -> str:
    return f"{protocol.id} {protocol.version} ({protocol.hash[:12]}…)"


def _difference_lines(compared: str, found: Sequence[Difference], width: int) -> Iterator[str]:
    from modconsole.cli.protocol.showing import folded
    from modconsole.core.differences import marked

    yield from folded(compared, width)
    heading, where = "", ""
    for one in found:
        said = (
            "Look at these first: they may matter to safety"
            if one.is_safety
            else f"Other changes: {one.kind}"
        )
        if said != heading:
            yield from ("", said)
            heading, where = said, ""
        if one.where != where and one.where:
            yield from folded(one.where, width, "    ", "  ")
        where = one.where
        indent = "    " if where else "  "
        yield from folded(one.words, width, f"{indent}  ", f"{indent}- ")
        before, after = marked(one.before, one.after)
        if before:
            yield from folded(before, width, f"{indent}       ", f"{indent}  was: ")
        if after:
            yield from folded(after, width, f"{indent}       ", f"{indent}  now: ")


# print


def _print(parts: Parts, args: argparse.Namespace) -> int:
    library, tools, standings = parts.library(), parts.tools(), _Standings(parts)
    if args.ids:
        chosen = [_meant(parts, word) for word in args.ids]
    else:
        every = (library.get(id) for id in library.ids())
        chosen = [protocol for protocol in every if protocol is not None and protocol.urgency == "now"]
    ending = "html" if args.form == "html" else "md"
    pages = {args.out / f"{protocol.id}.{ending}": protocol for protocol in chosen}
    there = [path for path in pages if path.exists() or path.is_symlink()]
    if there and not args.force:
        raise WrongUsage(
            f"There already: {', '.join(str(path) for path in there)}.",
            next_step="Name another folder with --out, or write over them with --force.",
        )
    today = datetime.now(UTC).astimezone().date()
    for path, protocol in pages.items():
        text = tools.page(protocol, args.form, standing=_over_the_page(standings, protocol), printed_on=today)
        _write(path, text)
        say(str(path))
    if standings.unknown:
        say(f"The pages say APPROVAL NOT KNOWN: {standings.unknown}")
    return 0


def _over_the_page(standings: _Standings, protocol: ReviewProtocol) -> str:
    held = standings.of(protocol)
    if held is None:
        return "APPROVAL NOT KNOWN"
    if held.kind == "approved":
        return held.banner
    return held.banner if held.banner.startswith(("WITHDRAWN", "RETIRED")) else "DRAFT"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a link in its place is replaced, never written through
        path.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(
            f"{plain(str(path))} cannot be written: {error.strerror}.",
            kept="The pages named above are written; nothing else was changed.",
            next_step="Name a folder that can be written with --out.",
        ) from error
