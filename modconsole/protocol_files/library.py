"""The protocol library on disk: YAML files in, `ReviewProtocol`s out, each known by the hash of its resolved text."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar

from modconsole.core.codec import from_plain, to_plain
from modconsole.core.errors import StoreError
from modconsole.core.protocol import Resource, ReviewProtocol, Template
from modconsole.ports.library import Bundle, LibraryProblem, ProtocolLibrary
from modconsole.protocol_files import schema
from modconsole.protocol_files.folders import Snapshot, decoded, read_bytes, scan
from modconsole.protocol_files.kept import Kept, canonical, hash_of, read_json, write_json
from modconsole.protocol_files.kinds import Group, read
from modconsole.protocol_files.made import (
    Asked,
    Includes,
    Made,
    Names,
    Question,
    Text,
    made_from_plain,
    plain_of,
)
from modconsole.protocol_files.messages import (
    check_resources,
    check_template,
    plain_resources,
    plain_template,
)
from modconsole.protocol_files.problems import Marked, Record, Report, quote
from modconsole.protocol_files.protocols import (
    Known,
    check,
    more,
    plain_approvals,
    plain_protocol,
    refuse_gated_emergency,
    resolve,
    topics_wished,
)
from modconsole.protocol_files.schema import ANYWHERE
from modconsole.protocol_files.tree import parse

__all__ = ["RESCAN_AFTER", "FileLibrary"]

RESCAN_AFTER = 0.5
"""Seconds between two looks at the folders: an edit shows within a second, ten thousand questions cost one look."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What is in use under one name: the text, if any, and what is wrong with its files."""

    hash: str = ""
    text: Text | None = None
    problems: tuple[LibraryProblem, ...] = ()


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _one_at_a_time(
    method: Callable[Concatenate[FileLibrary, _P], _T],
) -> Callable[Concatenate[FileLibrary, _P], _T]:
    """Let one thread in at a time: files are watched beside the screen that reads them."""

    @wraps(method)
    def guarded(self: FileLibrary, /, *args: _P.args, **more: _P.kwargs) -> _T:
        with self._turn:
            return method(self, *args, **more)

    return guarded


class FileLibrary(ProtocolLibrary):
    """Protocols, templates and resources from folders of YAML files. Safe to use from several threads.

    Nothing is opened before it is asked for. A broken or vanished file never raises: its last good version, by hash,
    stays in use and `problems` says so. Files are looked at again when they change, and an edit makes only that anew
    which depends on it.

    Args:
        folders: The shipped folder first, then the service's own; a file in a later one stands before an earlier one
            of the same name.
        kept: Where the texts in use are kept by their hash, for good.
        cache: Where parsed files are remembered; may be deleted at any time. None to do without.
        monotonic: Seconds from any start.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        kept: Path,
        cache: Path | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = tuple(folders)
        self._kept = Kept(kept)
        self._cache = cache
        self._monotonic = monotonic
        self._turn = RLock()
        self._snapshot: Snapshot | None = None
        self._looked_at = 0.0
        self._looks_held = 0
        self._names: dict[str, tuple[str, ...]] = {}
        self._digests: dict[Path, tuple[object, str]] = {}
        self._made: dict[Path, Made] = {}
        self._loaded: dict[tuple[str, str], _Loaded] = {}
        self._includes: dict[str, tuple[str, Record | None, tuple[LibraryProblem, ...]]] = {}
        self._protocols: dict[str, tuple[Text, ReviewProtocol]] = {}
        self._all_resources: tuple[str, list[Resource], list[LibraryProblem]] | None = None
        self._offers: dict[tuple[str, ...], str] = {}
        self._trouble: dict[str, LibraryProblem] = {}
        self._makers: Mapping[str, Callable[[Path, Report, Asked], Text | None]] = {
            "protocol": self._make_protocol,
            "template": self._make_template,
            "resources": self._make_resources,
            "include": self._make_include,
        }

    @property
    def folders(self) -> Sequence[Path]:
        """The folders it reads, the shipped one first."""
        return self._folders

    # The port

    @_one_at_a_time
    def stamp(self) -> str:
        return self._look().stamp

    @_one_at_a_time
    def ids(self) -> Sequence[str]:
        return self._ids("protocol")

    @_one_at_a_time
    def pack(self, id: str) -> str:
        paths = self._look().files.get(("protocol", id), ())
        if not paths:
            return ""
        shipped = self._folders[0]
        return paths[0].parent.name if paths[0].is_relative_to(shipped) else "own"

    @_one_at_a_time
    def get(self, id: str) -> ReviewProtocol | None:
        loaded = self._load("protocol", id)
        return None if loaded.text is None else self._protocol(loaded.hash, loaded.text)

    @_one_at_a_time
    def by_hash(self, hash: str) -> ReviewProtocol | None:
        if hash in self._protocols:
            return self._protocols[hash][1]
        text = self._kept.read(hash)
        if text is not None:
            return self._protocol(hash, text)
        if self._kept.path(hash).exists():
            self._note(self._kept.path(hash), "a kept text that is not what it was when kept", "it as it was")
        return None

    @_one_at_a_time
    def shipped(self, id: str) -> ReviewProtocol | None:
        paths = self._look().files.get(("protocol", id), ())
        if not paths or not paths[-1].is_relative_to(self._folders[0]):
            return None
        with self._one_look():
            made = self._make("protocol", id, paths[-1], len(paths) - 1)
            return None if made.text is None else _protocol_from(made.hash, made.text)

    @_one_at_a_time
    def bundle(self, hash: str) -> Bundle | None:
        held = self._protocols.get(hash)
        text = self._kept.read(hash) if held is None else held[0]
        return None if text is None else _bundle_from(text["bundle"])

    @_one_at_a_time
    def keep(self, protocol: ReviewProtocol) -> None:
        """Keep the resolved text of this version by its hash. Durable when this returns.

        Raises:
            StoreError: It could not be written, or is not from this library.
        """
        held = [loaded for loaded in self._loaded.values() if loaded.hash == protocol.hash]
        text = held[0].text if held else self._kept.read(protocol.hash)
        if text is None:
            raise StoreError(
                f"“{protocol.title}” cannot be kept: this library has no text with its hash.",
                kept="The run has not begun; nothing was changed.",
            )
        try:
            self._kept.write(protocol.hash, text, durable=True)
        except OSError as error:
            raise StoreError(
                f"The text of “{protocol.title}” cannot be kept: {error.strerror}.",
                kept="The run has not begun; nothing was changed. The emergency panel (!) works.",
            ) from error

    @_one_at_a_time
    def template(self, id: str) -> Template | None:
        text = self._load("template", id).text
        return None if text is None else from_plain(Template, text["bundle"]["template"])

    @_one_at_a_time
    def resources(self, topics: Sequence[str], places: Sequence[str], limit: int) -> list[Resource]:
        wanted = list(topics)
        ranked = [
            (
                closeness,
                min(wanted.index(topic) for topic in resource.topics if topic in wanted),
                number,
                resource,
            )
            for number, resource in enumerate(self._resources())
            if (closeness := _closeness(resource, places)) is not None and set(resource.topics) & set(wanted)
        ]
        ranked.sort(key=lambda row: row[:3])
        return [resource for *_, resource in ranked[: max(0, limit)]]

    @_one_at_a_time
    def emergency(self, places: Sequence[str]) -> list[Resource]:
        lines = [resource for resource in self._resources() if resource.kind == "emergency"]
        ranked = [
            (closeness, number, line)
            for number, line in enumerate(lines)
            if (closeness := _closeness(line, places)) is not None
        ]
        ranked.sort(key=lambda row: row[:2])
        return [line for *_, line in ranked] if places and ranked else lines

    @_one_at_a_time
    def all_resources(self) -> Sequence[Resource]:
        return tuple(self._resources())

    def problems(self) -> Sequence[LibraryProblem]:
        # One file at a time, so that whoever presses `!` meanwhile waits for one file at most.
        found = list(self._problems_of_folders())
        for kind in ("protocol", "template", "resources", "include"):
            for id in self._names_of(kind):
                found += self._problems_of(kind, id)
        return tuple(dict.fromkeys((*found, *self._problems_among_files())))

    @_one_at_a_time
    def _problems_of_folders(self) -> Sequence[LibraryProblem]:
        return self._look().problems

    @_one_at_a_time
    def _names_of(self, kind: str) -> Sequence[str]:
        return self._ids(kind)

    @_one_at_a_time
    def _problems_of(self, kind: str, id: str) -> Sequence[LibraryProblem]:
        return self._problems_of_include(id) if kind == "include" else self._load(kind, id).problems

    @_one_at_a_time
    def _problems_among_files(self) -> Sequence[LibraryProblem]:
        self._resources()
        twice = self._all_resources[2] if self._all_resources else []
        return (*twice, *self._trouble.values())

    # Looking

    def _look(self) -> Snapshot:
        now = self._monotonic()
        if self._snapshot is None or (not self._looks_held and now - self._looked_at >= RESCAN_AFTER):
            seen = scan(self._folders)
            self._looked_at = now
            if self._snapshot is None or seen.stamp != self._snapshot.stamp:
                self._loaded.clear()
                self._names.clear()
            self._snapshot = seen
        return self._snapshot

    @contextmanager
    def _one_look(self) -> Iterator[Snapshot]:
        """Hold to one look at the folders, so that what is made of many files is made of files of one moment."""
        snapshot = self._look()
        self._looks_held += 1
        try:
            yield snapshot
        finally:
            self._looks_held -= 1

    def _ids(self, kind: str) -> tuple[str, ...]:
        snapshot = self._look()
        if kind not in self._names:
            gone = (
                name.removeprefix(f"{kind}/")
                for name in self._kept.last_good()
                if name.startswith(f"{kind}/")
            )
            self._names[kind] = tuple(sorted({*snapshot.ids(kind), *gone}))
        return self._names[kind]

    def _version(self, kind: str, id: str) -> str:
        """Name what stands under one name now: its files, by what is in them, and the last good text."""
        files = (self._file_version(path) for path in self._look().files.get((kind, id), ()))
        return " ".join((*files, self._kept.last_good().get(f"{kind}/{id}", "")))

    def _file_version(self, path: Path) -> str:
        state = self._look().states.get(path)
        held = self._digests.get(path)
        if held is None or held[0] != state:
            data = read_bytes(path, Report())
            held = state, f"unreadable {state}" if data is None else hashlib.sha256(data).hexdigest()
            self._digests[path] = held
        return f"{path} {held[1]}"

    def _answer(self, question: Question) -> str:
        """Answer what a file asked of the library while it was made into a text."""
        match question:
            case ("version", kind, id):
                return self._version(kind, id)
            case ("has", "topic", topic):
                return str(any(topic in resource.topics for resource in self._resources()))
            case ("has", kind, name):
                return str(name in self._ids(kind))
            case ("names", "topic"):
                return " ".join(sorted({topic for line in self._resources() for topic in line.topics}))
            case ("names", kind):
                return " ".join(self._ids(kind))
            case ("offers", topics, places):
                resources = self._resources()
                if question not in self._offers:
                    found = _offered(resources, topics.split(), places.split())
                    self._offers[question] = hash_of(found)
                return self._offers[question]
        return ""

    def _still(self, made: Made, path: Path) -> bool:
        """Say whether a file would be made into the same again."""
        if made.file != self._file_version(path):
            return False
        same_resources = not made.resources or made.resources == self._resources_version()
        return all(
            self._answer(question) == answer
            for question, answer in made.asked.items()
            if not (same_resources and _is_about_resources(question))
        )

    # Loading

    def _load(self, kind: str, id: str) -> _Loaded:
        with self._one_look() as snapshot:
            if (kind, id) not in self._loaded:
                self._loaded[kind, id] = self._from_files(kind, id, snapshot.files.get((kind, id), ()))
            return self._loaded[kind, id]

    def _from_files(self, kind: str, id: str, paths: Sequence[Path]) -> _Loaded:
        problems: list[LibraryProblem] = []
        for number, path in enumerate(paths):
            made = self._make(kind, id, path, number)
            problems += made.problems
            if made.text is not None:
                return _Loaded(made.hash, made.text, tuple(problems))
            last = self._last_good(kind, id)
            if last is not None:
                still = (replace(p, still_used=last.hash) if not p.warning else p for p in problems)
                return replace(last, problems=tuple(still))
        last = None if paths else self._last_good(kind, id)
        if last is None:
            return _Loaded(problems=tuple(problems))
        gone = LibraryProblem(
            f"{id}.yaml",
            1,
            1,
            f"a {kind} file that is gone",
            "the file where it was",
            still_used=last.hash,
            rule="file-gone",
        )
        return replace(last, problems=(gone,))

    def _make(self, kind: str, id: str, path: Path, number: int) -> Made:
        """Make a file into its text, unless memory or the cache hold what would be made.

        Args:
            number: Its place among the files of its name.
        """
        held = self._made.get(path)
        if held is None or not self._still(held, path):
            held = self._from_cache(kind, id, path, number)
        if held is None:
            report, asked = Report(), Asked(self._answer)
            text = self._makers[kind](path, report, asked)
            hash = "" if text is None else hash_of(text["bundle"])
            about_resources = any(_is_about_resources(question) for question in asked.noted)
            held = Made(
                self._file_version(path),
                hash,
                text,
                tuple(report.problems),
                asked.noted,
                self._resources_version() if about_resources else "",
            )
            if text is not None:
                self._remember(f"{kind}/{id}", hash, text)
            self._to_cache(kind, id, number, held)
        self._made[path] = held
        return held

    def _from_cache(self, kind: str, id: str, path: Path, number: int) -> Made | None:
        made = made_from_plain(read_json(self._cache_file(kind, id, number)) if self._cache else None)
        if made is None or not self._still(made, path):
            return None
        return None if made.text is not None and not self._is_readable(kind, made.hash, made.text) else made

    def _to_cache(self, kind: str, id: str, number: int, made: Made) -> None:
        if self._cache is None:
            return
        try:
            write_json(self._cache_file(kind, id, number), plain_of(made), durable=False)
        except OSError:
            return  # a cache that cannot be written costs time, nothing else

    def _cache_file(self, kind: str, id: str, number: int) -> Path:
        return (self._cache or Path()) / (f"{kind}-{id}.{number}.json" if number else f"{kind}-{id}.json")

    def _last_good(self, kind: str, id: str) -> _Loaded | None:
        hash = self._kept.last_good().get(f"{kind}/{id}", "")
        text = self._kept.read(hash)
        return None if text is None or not self._is_readable(kind, hash, text) else _Loaded(hash, text)

    def _remember(self, name: str, hash: str, text: Text) -> None:
        try:
            self._kept.write(hash, text, durable=False)
            self._kept.set_last_good(name, hash)
        except OSError as error:
            # The protocol works; only its safety net does not. `keep` will say so, loudly, when a run begins.
            self._note(
                self._kept.path(hash), f"a text that cannot be kept ({error.strerror})", "room to write"
            )

    def _note(self, path: Path, found: str, expected: str) -> None:
        self._trouble[f"{path.parent}: {found}"] = LibraryProblem(
            str(path), 1, 1, found, expected, warning=True, rule="kept-text"
        )

    def _protocol(self, hash: str, text: Text) -> ReviewProtocol | None:
        held = self._protocols.get(hash)
        if held is None or (held[0] is not text and held[0] != text):  # the same text, perhaps another status
            made = _protocol_from(hash, text)
            if made is None:
                return None
            held = self._protocols[hash] = text, made
        return held[1]

    def _is_readable(self, kind: str, hash: str, text: Text) -> bool:
        try:
            if kind == "protocol":
                return self._protocol(hash, text) is not None
            if kind == "template":
                from_plain(Template, text["bundle"]["template"])
            else:
                for plain in text["bundle"]["resources"]:
                    from_plain(Resource, plain)
        except (KeyError, TypeError, ValueError):
            return False
        return True

    def _resources_version(self) -> str:
        versions = (self._version("resources", file) for file in self._ids("resources"))
        return hashlib.sha256("\n".join(versions).encode("utf-8", "surrogateescape")).hexdigest()

    def _resources(self) -> list[Resource]:
        with self._one_look():
            if self._all_resources is None or self._all_resources[0] != self._resources_version():
                self._offers.clear()
                by_id, twice = self._read_resources()
                # What they are now: reading a file for the first time also notes what is in it.
                self._all_resources = self._resources_version(), list(by_id.values()), twice
            return self._all_resources[1]

    def _read_resources(self) -> tuple[dict[str, Resource], list[LibraryProblem]]:
        by_id: dict[str, Resource] = {}
        twice: list[LibraryProblem] = []
        for file in self._ids("resources"):
            text = self._load("resources", file).text
            for plain in () if text is None else text["bundle"]["resources"]:
                resource = from_plain(Resource, plain)
                if resource.id in by_id:
                    found = f"the resource {quote(resource.id)}, which another file has too"
                    twice.append(
                        LibraryProblem(f"{file}.yaml", 1, 1, found, "a different id", rule="duplicate-id")
                    )
                by_id.setdefault(resource.id, resource)
        return by_id, twice

    # From a file to a text

    def _read(self, path: Path, kind: Group, report: Report) -> Record | None:
        data = read_bytes(path, report)
        if data is not None:
            # What is made is made of these bytes, whatever the file has become since the look.
            self._digests[path] = self._look().states.get(path), hashlib.sha256(data).hexdigest()
        text = None if data is None else decoded(data, path, report)
        tree = None if text is None else parse(text, str(path), report)
        if tree is None:
            return None
        refuse_gated_emergency(tree, report)
        return read(tree, kind, report)

    def _make_protocol(self, path: Path, report: Report, asked: Asked) -> Text | None:
        record = self._read(path, schema.PROTOCOL, report)
        if record is None:
            return None
        _check_name(record.get("id"), path, report)
        known = self._known(asked)
        steps = resolve(record, known, report)
        check(record, steps, known, report)
        messages = self._templates_of(steps, known, asked, report)
        if not report.is_good:
            return None
        bundle = {
            "bundle": "modconsole-protocol/1",
            "protocol": plain_protocol(record, steps),
            "more": more(record),
            "templates": messages,
            "resources": self._resources_of(record, steps, asked),
        }
        return _plain({"bundle": bundle, "status": record["status"], "approvals": plain_approvals(record)})

    def _known(self, asked: Asked) -> Known:
        """Give what a protocol may name. What it does name is noted, with what it found."""
        return Known(
            Names("protocol", self._ids("protocol"), asked),
            Includes(self._ids("include"), lambda id: self._include(id)[0], asked),
            Names("template", self._ids("template"), asked),
            Names("topic", {topic for line in self._resources() for topic in line.topics}, asked),
        )

    def _templates_of(
        self, steps: Sequence[Record], known: Known, asked: Asked, report: Report
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for id in _templates_named(steps):
            if id not in known.templates:
                continue
            text = self._load("template", id).text
            asked.note("version", "template", str(id))
            if text is not None:
                found[str(id)] = text["bundle"]["template"]
            else:
                report.add(
                    id.at,
                    f"the template {quote(id)}, which has mistakes of its own",
                    "a file without mistakes",
                    rule="broken-template",
                )
        return found

    def _resources_of(self, record: Record, steps: Sequence[Record], asked: Asked) -> dict[str, Any]:
        topics, places = sorted(topics_wished(steps)), [str(p) for p in record["applies_to"]["jurisdictions"]]
        if not topics:
            return {}
        asked.note("offers", " ".join(topics), " ".join(places))
        return _offered(self._resources(), topics, places)

    def _include(self, id: str) -> tuple[Record | None, tuple[LibraryProblem, ...]]:
        with self._one_look() as snapshot:
            for path in snapshot.files.get(("include", id), ())[:1]:
                if id not in self._includes or self._includes[id][0] != self._file_version(path):
                    self._includes[id] = self._read_include(path)
                return self._includes[id][1:]
        return None, ()

    def _read_include(self, path: Path) -> tuple[str, Record | None, tuple[LibraryProblem, ...]]:
        report = Report()
        record = self._read(path, schema.INCLUDE, report)
        if record is not None:
            _check_name(record.get("id"), path, report)
        return self._file_version(path), (record if report.is_good else None), tuple(report.problems)

    def _problems_of_include(self, id: str) -> tuple[LibraryProblem, ...]:
        with self._one_look() as snapshot:
            paths = snapshot.files.get(("include", id), ())[:1]
            return self._make("include", id, paths[0], 0).problems if paths else ()

    def _make_include(self, path: Path, report: Report, asked: Asked) -> None:
        """Find what is wrong with an include. There is no text of it: it becomes part of those that name it."""
        del asked
        report.problems += self._include(path.stem)[1]

    def _make_template(self, path: Path, report: Report, asked: Asked) -> Text | None:
        del asked
        record = self._read(path, schema.TEMPLATE, report)
        if record is None:
            return None
        _check_name(record.get("id"), path, report)
        check_template(record, report)
        if not report.is_good:
            return None
        return _plain({"bundle": {"bundle": "modconsole-template/1", "template": plain_template(record)}})

    def _make_resources(self, path: Path, report: Report, asked: Asked) -> Text | None:
        del asked
        record = self._read(path, schema.RESOURCES, report)
        if record is None:
            return None
        _check_name(record.get("subdivision") or record.get("country"), path, report)
        check_resources(record, report)
        if not report.is_good:
            return None
        return _plain({"bundle": {"bundle": "modconsole-resources/1", "resources": plain_resources(record)}})


def _plain(text: Text) -> Text:
    """Give the text in values that remember no places, as a kept file would give it back."""
    made: Text = json.loads(canonical(text))
    return made


def _check_name(id: Marked | None, path: Path, report: Report) -> None:
    """The name of a file is its id, so that no two files can have the same and nothing is opened to know the ids."""
    if id is not None and id != path.stem:
        other = path.with_name(f"{id}{path.suffix}")
        taken = f"; {other.name} has it already" if other.exists() else ""
        report.add(
            id.at,
            f"the id {quote(id)} in a file named {path.name}{taken}",
            f"{quote(path.stem)}, as the file is named",
            rule="id-not-file-name",
        )


def _templates_named(steps: Sequence[Record]) -> Iterator[Marked]:
    for step in steps:
        yield from step.get("templates", ())
        for question in step.get("questions", ()):
            for consequence in question.get("on_answer", ()):
                if "offer_template" in consequence:
                    yield consequence["offer_template"]


def _is_about_resources(question: Question) -> bool:
    return question[0] == "offers" or question[1] == "topic"


def _offered(resources: Sequence[Resource], topics: Sequence[str], places: Sequence[str]) -> dict[str, Any]:
    """Give the resources of these topics and places, as they are part of a protocol's bundle."""
    found = {}
    for resource in resources:
        if set(topics) & set(resource.topics) and (not places or _closeness(resource, places) is not None):
            plain = to_plain(resource)
            # Who last rang the number is no part of what was approved, or every check would undo the approval.
            plain.pop("verified_on", None)
            found[resource.id] = plain
    return found


def _bundle_from(plain: Mapping[str, Any]) -> Bundle | None:
    try:
        return Bundle(
            {id: from_plain(Template, template) for id, template in plain["templates"].items()},
            tuple(from_plain(Resource, resource) for resource in plain["resources"].values()),
            dict(plain["more"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _protocol_from(hash: str, text: Text) -> ReviewProtocol | None:
    try:
        plain = text["bundle"]["protocol"]
        governance = {**plain["governance"], "approvals": text["approvals"]}
        return from_plain(
            ReviewProtocol, {**plain, "governance": governance, "status": text["status"], "hash": hash}
        )
    except (KeyError, TypeError, ValueError):
        return None


def _closeness(resource: Resource, places: Sequence[str]) -> int | None:
    """Say how close a resource is to the places: 0 exactly there, 1 the whole country, 2 a part of it, 3 anywhere."""
    found = [
        distance
        for place in places
        for area in resource.areas
        if (distance := _distance(area, place)) is not None
    ]
    if ANYWHERE in resource.areas:
        found.append(3)
    return min(found, default=None)


def _distance(area: str, place: str) -> int | None:
    if area == place:
        return 0
    if place.startswith(f"{area}-"):
        return 1
    return 2 if area.startswith(f"{place}-") else None
