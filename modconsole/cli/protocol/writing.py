"""`protocol new`, `schema`: writing a protocol, with an editor's help."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modconsole.cli.output import complain, say, show_json
from modconsole.cli.parts import Parts
from modconsole.core.errors import ModconsoleError, SettingsError, WrongUsage
from modconsole.core.text import ascii_json
from modconsole.ports.protocol_tools import ProtocolTools, Sketch

__all__ = ["add_to"]

KINDS = ("protocol", "include", "template", "resources")
SCHEMAS = ".schema"
"""The folder, beside an author's files, in which editors look for the schemas: a file's first line names it."""


def add_to(verbs: Any) -> None:
    new = verbs.add_parser(
        "new",
        help="write a first file for a protocol of your own: asks a few questions, or takes them as options",
    )
    new.add_argument(
        "id", nargs="?", default="", metavar="ID", help="the file's name, such as off-topic-adverts"
    )
    new.add_argument("--title", default="", metavar="TEXT", help="what it is about, in twelve words at most")
    new.add_argument("--trigger", default="", metavar="TEXT", help="a sentence: when it is used")
    new.add_argument(
        "--look-for", action="append", default=[], metavar="TEXT", help="a sign to look for; again for more"
    )
    new.add_argument(
        "--urgency", default="", metavar="WORD", help="now, soon, today or routine (default: today)"
    )
    new.add_argument(
        "--style", default="", metavar="WORD", help="read_do or do_confirm (default: read_do for now)"
    )
    new.add_argument(
        "--owner", default="", metavar="ROLE", help="who answers for it (default: safeguarding_lead)"
    )
    new.add_argument(
        "--place", action="append", default=[], metavar="CODE", help="where it applies, such as GB-ENG"
    )
    new.add_argument(
        "--age", action="append", default=[], metavar="BAND", help="for which ages, such as adult"
    )
    new.add_argument(
        "--forum-type", action="append", default=[], metavar="WORD", help="for which kind of forum"
    )
    new.add_argument(
        "--step",
        action="append",
        default=[],
        metavar="TEXT",
        help="a step, as “TEXT” or “TEXT | WHY”; again for more",
    )
    new.add_argument("--out", type=Path, metavar="FILE", help="write this file, not one in your own folder")
    new.add_argument(
        "--yes", action="store_true", help="ask nothing; take the defaults for what is not given"
    )
    new.add_argument("--json", action="store_true", help="ask nothing, and say in JSON what was written")
    new.set_defaults(command=_new)

    schema = verbs.add_parser("schema", help="the JSON Schema of protocol files, so that an editor can help")
    schema.add_argument(
        "kind", nargs="?", choices=KINDS, default="protocol", metavar="KIND", help=", ".join(KINDS)
    )
    schema.add_argument(
        "--reference", action="store_true", help="the whole language as a page to read (Markdown)"
    )
    schema.add_argument("--editor", action="store_true", help="put all four where editors look for them")
    schema.add_argument("--out", type=Path, metavar="FILE", help="into this file, not onto the screen")
    schema.set_defaults(command=_schema)


# schema


def _schema(parts: Parts, args: argparse.Namespace) -> int:
    tools = parts.tools()
    if args.editor:
        folder = _write_schemas(tools, parts.places()["own protocols"])
        say(f"The schemas are in {folder}.", *_EDITORS)
        return 0
    text = tools.reference() if args.reference else _as_text(tools.schema(args.kind))
    if args.out is None:
        say(text.rstrip("\n"))
        return 0
    _write_made(args.out, text)
    say(f"Written: {args.out}")
    return 0


_EDITORS = (
    "Put this in the first line of a protocol in the folder above it, and your editor helps with every word:",
    f"  # yaml-language-server: $schema={SCHEMAS}/protocol.json",
    f"In includes/, templates/ and resources/ it is ../{SCHEMAS}/include.json, template.json and resources.json.",
)


def _as_text(schema: Mapping[str, Any]) -> str:
    return ascii_json(schema, indent=2) + "\n"


def _write_schemas(tools: ProtocolTools, beside: Path) -> Path:
    folder = beside / SCHEMAS
    _make(folder)
    for kind in KINDS:
        _write_made(folder / f"{kind}.json", _as_text(tools.schema(kind)))
    return folder


def _make(folder: Path) -> None:
    """Make a folder with what is missing above it, for nobody else to read: it may be the first of a home."""
    try:
        for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            missing.mkdir(mode=0o700)
    except OSError as error:
        raise WrongUsage(
            f"{folder} cannot be made: {error.strerror}.", next_step="Choose another place with --out."
        ) from error


def _write_made(file: Path, text: str) -> None:
    """Write what we made ourselves over an older one of the same making; over nothing else."""
    begins = text.partition("modconsole")[0]
    try:
        if file.exists() and not file.read_text("utf-8", "replace").startswith(begins):
            raise WrongUsage(
                f"{file} holds something else.", kept="Nothing was written.", next_step="Choose another name."
            )
        file.write_text(text, "utf-8")
    except OSError as error:
        raise WrongUsage(
            f"{file} cannot be written: {error.strerror}.", next_step="Choose another place."
        ) from error


# new


def _new(parts: Parts, args: argparse.Namespace) -> int:
    tools = parts.tools()
    talks = not (args.yes or args.json) and sys.stdin.isatty()
    sketch = _asked(parts, args, tools) if talks else _given(parts, args)
    file: Path = args.out or parts.places()["own protocols"] / f"{sketch.id}.yaml"
    if file.stem != sketch.id or file.suffix != ".yaml":
        raise WrongUsage(
            f"A protocol “{sketch.id}” cannot stand in {file.name}: the file's name is the id.",
            next_step=f"Name the file {sketch.id}.yaml.",
        )
    text = tools.starter(sketch)
    if args.out is None:
        _refuse_taken(parts, sketch.id)
        _make(file.parent)
    _write_new(file, text)
    schemas = _write_schemas(tools, file.parent)
    if args.json:
        show_json({"id": sketch.id, "file": str(file), "schemas": str(schemas)})
    else:
        say(f"Written: {file}", *_next(sketch.id, file if args.out else None))
    return 0


def _next(id: str, file: Path | None) -> Iterable[str]:
    named = f'"{file}"' if file else id
    yield "Next:"
    yield "  1. Open it in an editor. The notes in it say what each line is for."
    yield f"  2. modconsole protocol check {named}    says what is wrong, and where"
    if file:
        yield "  3. Move it into your own folder (modconsole config path says where) when it is right."
        return
    yield f"  3. modconsole protocol paths {id}    every way through it, as sentences"
    yield f"  4. modconsole protocol show {id}    as moderators will see it"
    yield f"  5. modconsole protocol approve {id}    by your safeguarding lead; until then it is a draft"


def _refuse_taken(parts: Parts, id: str) -> None:
    """A new file of a shipped protocol's name would stand before it, half-written as it is."""
    pack = parts.library().pack(id)
    if pack:
        whose = "your own folder" if pack == "own" else f"the shipped ones ({pack})"
        raise WrongUsage(
            f"There is a protocol “{id}” already, among {whose}.",
            kept="Nothing was written.",
            next_step="Choose another id. To change a shipped one, copy its file into your own folder first.",
        )


def _write_new(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except FileExistsError:
        raise WrongUsage(
            f"{file} is there already.",
            kept="It was not touched.",
            next_step="Choose another id, or move it away.",
        ) from None
    except OSError as error:
        raise WrongUsage(
            f"{file} cannot be written: {error.strerror}.", next_step="Choose another place with --out."
        ) from error


def _first(parts: Parts) -> Sketch:
    """Give what holds where nothing is said: the service's own places, ages and kinds of forum, if it has settings."""
    sketch = Sketch("new-protocol", "A title", "A trigger", written_on=datetime.now(UTC).date())
    with suppress(
        SettingsError
    ):  # settings with a mistake are for `doctor`; a file can be written all the same
        settings = parts.settings_file()
        service = settings.read().service if settings.path.exists() else None
        if service is not None:
            sketch = replace(
                sketch,
                jurisdictions=tuple(service.jurisdictions) or sketch.jurisdictions,
                age_bands=tuple(service.age_bands) or sketch.age_bands,
                forum_types=tuple(service.forum_types) or sketch.forum_types,
            )
    return sketch


def _given(parts: Parts, args: argparse.Namespace) -> Sketch:
    """Make the sketch of the options alone."""
    missing = [f"--{name}" for name in ("title", "trigger") if not getattr(args, name).strip()]
    if missing:
        raise WrongUsage(
            f"{' and '.join(missing)} must be given where nobody is asked.",
            kept="Nothing was written.",
            next_step="modconsole protocol new --title TEXT --trigger TEXT; or run it in a terminal, without --yes.",
        )
    sketch = _with_options(_first(parts), args)
    return replace(sketch, style=args.style or _usual_style(sketch.urgency))


def _with_options(sketch: Sketch, args: argparse.Namespace) -> Sketch:
    steps = [_step(step) for step in args.step]
    found: dict[str, Any] = {
        "id": args.id or (args.out.stem if args.out else "") or (_slug(args.title) if args.title else ""),
        "title": args.title,
        "trigger": args.trigger,
        "urgency": args.urgency,
        "style": args.style,
        "owner_role": args.owner,
        "look_for": tuple(args.look_for),
        "jurisdictions": tuple(args.place),
        "age_bands": tuple(args.age),
        "forum_types": tuple(args.forum_type),
        "steps": tuple(text for text, _ in steps),
        "whys": tuple(why for _, why in steps),
    }
    return replace(sketch, **{name: value for name, value in found.items() if value})


def _step(text: str) -> tuple[str, str]:
    step, _, why = text.partition("|")
    return step.strip(), why.strip()


def _usual_style(urgency: str) -> str:
    return "read_do" if urgency == "now" else "do_confirm"


def _slug(title: str) -> str:
    """Make an id of a title's first words; empty where it has none that an id can have."""
    words = re.findall(r"[a-z0-9]+", title.lower().replace("’", "").replace("'", ""))
    id = "-".join(words[:5])[:60].strip("-")
    return id if re.match(r"[a-z]", id) else ""


# Asking


@dataclass(frozen=True, slots=True)
class _Question:
    """One thing to ask. `field` is that of the sketch; `given` the option that answers it beforehand."""

    field: str
    given: str
    text: str
    help: str = ""
    words: bool = False
    """One of the words the schema has, each shown with its meaning."""
    many: bool = False
    """Several words, with commas."""
    lines: bool = False
    """Several texts, a line each."""
    needed: bool = False


_QUESTIONS = (
    _Question("title", "title", "What is it about?", "Its title, in twelve words at most.", needed=True),
    _Question("id", "id", "A short name for the file", "Small letters, digits and “-”. It stays for good."),
    _Question(
        "trigger",
        "trigger",
        "When is it used?",
        "One sentence, such as: A member advertises something.",
        needed=True,
    ),
    _Question(
        "look_for", "look_for", "What would a moderator see in the post?", "A sign on each line.", lines=True
    ),
    _Question("urgency", "urgency", "How soon does a person have to respond?", words=True),
    _Question("style", "style", "How should the screen show the steps?", words=True),
    _Question("owner_role", "owner", "Who answers for it?", words=True),
    _Question(
        "jurisdictions",
        "place",
        "For which places?",
        "Codes such as GB or GB-SCT; GB is all of the UK.",
        many=True,
    ),
    _Question("age_bands", "age", "For which ages?", "u13, 13_15, 16_17, adult, unknown.", many=True),
    _Question(
        "forum_types",
        "forum_type",
        "For which kinds of forum?",
        "Such as charity, peer_led, nhs, carers.",
        many=True,
    ),
    _Question(
        "steps",
        "step",
        "What should be done first, second, third?",
        "A step on each line, beginning with a verb; after a | why it matters. None to begin with an example.",
        lines=True,
    ),
)


def _asked(parts: Parts, args: argparse.Namespace, tools: ProtocolTools) -> Sketch:
    """Ask for what the options leave open. Every answer is checked at once, and asked for again until it will do."""
    say("A few questions. Enter alone takes what stands in [ ]; Ctrl-C stops, and nothing is written.", "")
    sketch = _with_options(_first(parts), args)
    tools.starter(sketch)  # what was given as options must do, before anybody is asked for more
    if args.id and not args.out:
        _refuse_taken(parts, sketch.id)
    for question in _QUESTIONS:
        if getattr(args, question.given) or (question.field == "id" and args.out):
            continue
        sketch = _answered(question, _prepared(question, sketch), parts, tools)
    return sketch


def _prepared(question: _Question, sketch: Sketch) -> Sketch:
    """Give the sketch with the default of this question, where that follows from earlier answers."""
    if question.field == "id":
        return replace(sketch, id=_slug(sketch.title) or sketch.id)
    if question.field == "style":
        return replace(sketch, style=_usual_style(sketch.urgency))
    return sketch


def _answered(question: _Question, sketch: Sketch, parts: Parts, tools: ProtocolTools) -> Sketch:
    while True:
        tried = _with_answer(question, sketch, tools)
        try:
            tools.starter(tried)
            if question.field == "id":
                _refuse_taken(parts, tried.id)
        except ModconsoleError as error:
            complain(error)
        else:
            say("")
            return tried


def _with_answer(question: _Question, sketch: Sketch, tools: ProtocolTools) -> Sketch:
    say(question.text, *([f"  {question.help}"] if question.help else []))
    if question.field == "steps":
        steps = [_step(line) for line in _lines()]
        return replace(sketch, steps=tuple(step for step, _ in steps), whys=tuple(why for _, why in steps))
    if question.lines:
        return _with(sketch, question.field, tuple(_lines()))
    default = getattr(sketch, question.field)
    if question.words:
        return _with(sketch, question.field, _choice(tools.schema("protocol"), question.field, default))
    if question.many:
        words = re.split(r"[,\s]+", _typed(", ".join(default)).strip(", "))
        return _with(sketch, question.field, tuple(words))
    return _with(sketch, question.field, _typed("" if question.needed else default))


def _with(sketch: Sketch, field: str, value: Any) -> Sketch:
    return replace(sketch, **{field: value})


def _choice(schema: Mapping[str, Any], field: str, default: str) -> str:
    known = schema["properties"]
    kind = known["governance"]["properties"][field] if field == "owner_role" else known[field]
    words: Sequence[str] = kind["enum"]
    for number, (word, means) in enumerate(zip(words, kind["enumDescriptions"], strict=True), 1):
        say(f"  {number}  {word}: {means}")
    typed = _typed(default)
    return words[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(words) else typed


def _lines() -> list[str]:
    found: list[str] = []
    while line := _typed("", prompt=f"  {len(found) + 1}> "):
        found.append(line)
    return found


def _typed(default: str, prompt: str = "> ") -> str:
    shown = f"[{default}] {prompt}" if default else prompt
    read: Callable[[str], str] = input
    try:
        return read(shown).strip() or default
    except EOFError:
        raise WrongUsage("The questions were not answered to the end.", kept="Nothing was written.") from None
