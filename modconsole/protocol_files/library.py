"""The protocol library on disk: YAML files in, `ReviewProtocol`s out, each known by the hash of its resolved text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modconsole import __version__
from modconsole.core.codec import from_plain, to_plain
from modconsole.core.errors import StoreError
from modconsole.core.protocol import Resource, ReviewProtocol, Template
from modconsole.ports.library import LibraryProblem, ProtocolLibrary
from modconsole.protocol_files import schema
from modconsole.protocol_files.folders import Snapshot, read_text, scan
from modconsole.protocol_files.kept import Kept, canonical, hash_of, read_json, write_json
from modconsole.protocol_files.kinds import Group, read
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

_Text = dict[str, Any]
"""A kept text: `bundle`, and for a protocol its `status` and `approvals`."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What became of one file: the text in use, if any, and what is wrong."""

    hash: str = ""
    text: _Text | None = None
    problems: tuple[LibraryProblem, ...] = ()


class FileLibrary(ProtocolLibrary):
    """Protocols, templates and resources from folders of YAML files.

    Nothing is opened before it is asked for. A broken or vanished file never raises: its last good version, by hash,
    stays in use and `problems` says so. Files are looked at again when they change.

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
        self._snapshot: Snapshot | None = None
        self._looked_at = 0.0
        self._loaded: dict[tuple[str, str], _Loaded] = {}
        self._includes: dict[str, tuple[Record | None, tuple[LibraryProblem, ...]]] = {}
        self._protocols: dict[str, ReviewProtocol] = {}
        self._all_resources: tuple[list[Resource], list[LibraryProblem]] | None = None
        self._trouble: dict[str, LibraryProblem] = {}
        self._makers: Mapping[str, Callable[[Path, Report], _Text | None]] = {
            "protocol": self._make_protocol,
            "template": self._make_template,
            "resources": self._make_resources,
        }

    # The port

    def ids(self) -> Sequence[str]:
        return self._ids("protocol")

    def get(self, id: str) -> ReviewProtocol | None:
        loaded = self._load("protocol", id)
        return None if loaded.text is None else self._protocol(loaded.hash, loaded.text)

    def by_hash(self, hash: str) -> ReviewProtocol | None:
        if hash in self._protocols:
            return self._protocols[hash]
        text = self._kept.read(hash)
        if text is not None:
            return self._protocol(hash, text)
        if self._kept.path(hash).exists():
            self._note(self._kept.path(hash), "a kept text that is not what it was when kept", "it as it was")
        return None

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

    def template(self, id: str) -> Template | None:
        text = self._load("template", id).text
        return None if text is None else from_plain(Template, text["bundle"]["template"])

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

    def emergency(self, places: Sequence[str]) -> list[Resource]:
        lines = [resource for resource in self._resources() if resource.kind == "emergency"]
        ranked = [
            (closeness, number, line)
            for number, line in enumerate(lines)
            if (closeness := _closeness(line, places)) is not None
        ]
        ranked.sort(key=lambda row: row[:2])
        return [line for *_, line in ranked] if places and ranked else lines

    def problems(self) -> Sequence[LibraryProblem]:
        found = list(self._look().problems)
        for kind in self._makers:
            for id in self._ids(kind):
                found += self._load(kind, id).problems
        for id in self._look().ids("include"):
            found += self._problems_of_include(id)
        self._resources()
        found += (self._all_resources or ([], []))[1]
        return tuple(dict.fromkeys((*found, *self._trouble.values())))

    # Looking and loading

    def _look(self) -> Snapshot:
        now = self._monotonic()
        if self._snapshot is None or now - self._looked_at >= RESCAN_AFTER:
            seen = scan(self._folders)
            self._looked_at = now
            if self._snapshot is None or seen.stamp != self._snapshot.stamp:
                self._loaded.clear()
                self._includes.clear()
                self._all_resources = None
            self._snapshot = seen
        return self._snapshot

    def _ids(self, kind: str) -> tuple[str, ...]:
        gone = (
            name.removeprefix(f"{kind}/") for name in self._kept.last_good() if name.startswith(f"{kind}/")
        )
        return tuple(sorted({*self._look().ids(kind), *gone}))

    def _load(self, kind: str, id: str) -> _Loaded:
        snapshot = self._look()
        if (kind, id) not in self._loaded:
            loaded = self._from_cache(kind, id, snapshot.stamp)
            if loaded is None:
                loaded = self._from_files(kind, id, snapshot)
                self._to_cache(kind, id, snapshot.stamp, loaded)
            self._loaded[kind, id] = loaded
            self._protocols.pop(loaded.hash, None)  # same text, perhaps another status
        return self._loaded[kind, id]

    def _from_files(self, kind: str, id: str, snapshot: Snapshot) -> _Loaded:
        problems: list[LibraryProblem] = []
        paths = snapshot.files.get((kind, id), ())
        for path in paths:
            report = Report()
            text = self._makers[kind](path, report)
            problems += report.problems
            if text is not None:
                hash = hash_of(text["bundle"])
                self._remember(f"{kind}/{id}", hash, text)
                return _Loaded(hash, text, tuple(problems))
            last = self._last_good(kind, id)
            if last is not None:
                still = (replace(p, still_used=last.hash) if not p.warning else p for p in problems)
                return replace(last, problems=tuple(still))
        last = None if paths else self._last_good(kind, id)
        if last is None:
            return _Loaded(problems=tuple(problems))
        gone = LibraryProblem(
            f"{id}.yaml", 1, 1, f"a {kind} file that is gone", "the file where it was", still_used=last.hash
        )
        return replace(last, problems=(gone,))

    def _last_good(self, kind: str, id: str) -> _Loaded | None:
        hash = self._kept.last_good().get(f"{kind}/{id}", "")
        text = self._kept.read(hash)
        return None if text is None or not _is_readable(kind, hash, text) else _Loaded(hash, text)

    def _remember(self, name: str, hash: str, text: _Text) -> None:
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
            str(path), 1, 1, found, expected, warning=True
        )

    def _from_cache(self, kind: str, id: str, stamp: str) -> _Loaded | None:
        held = None if self._cache is None else read_json(self._cache / f"{kind}-{id}.json")
        if not isinstance(held, dict) or held.get("stamp") != stamp or held.get("by") != __version__:
            return None
        try:
            problems = tuple(from_plain(LibraryProblem, plain) for plain in held["problems"])
            text, hash = held["text"], held["hash"]
            # Checked, or an edited cache could slip a changed text under an approved hash.
            if text is not None and (hash_of(text["bundle"]) != hash or not _is_readable(kind, hash, text)):
                return None
        except (KeyError, TypeError, ValueError):
            return None
        return _Loaded(hash, text, problems)

    def _to_cache(self, kind: str, id: str, stamp: str, loaded: _Loaded) -> None:
        if self._cache is None or (kind, id) not in self._look().files:
            return
        held = {
            "by": __version__,
            "stamp": stamp,
            "hash": loaded.hash,
            "text": loaded.text,
            "problems": [to_plain(problem) for problem in loaded.problems],
        }
        try:
            write_json(self._cache / f"{kind}-{id}.json", held, durable=False)
        except OSError:
            return  # a cache that cannot be written costs time, nothing else

    def _protocol(self, hash: str, text: _Text) -> ReviewProtocol | None:
        if hash not in self._protocols:
            made = _protocol_from(hash, text)
            if made is None:
                return None
            self._protocols[hash] = made
        return self._protocols[hash]

    def _resources(self) -> list[Resource]:
        self._look()
        if self._all_resources is None:
            by_id: dict[str, Resource] = {}
            twice: list[LibraryProblem] = []
            for file in self._ids("resources"):
                text = self._load("resources", file).text
                for plain in () if text is None else text["bundle"]["resources"]:
                    resource = from_plain(Resource, plain)
                    if resource.id in by_id:
                        found = f"the resource {quote(resource.id)}, which another file has too"
                        twice.append(LibraryProblem(f"{file}.yaml", 1, 1, found, "a different id"))
                    by_id.setdefault(resource.id, resource)
            self._all_resources = list(by_id.values()), twice
        return self._all_resources[0]

    # From a file to a text

    def _read(self, path: Path, kind: Group, report: Report) -> Record | None:
        text = read_text(path, report)
        tree = None if text is None else parse(text, str(path), report)
        if tree is None:
            return None
        refuse_gated_emergency(tree, report)
        return read(tree, kind, report)

    def _make_protocol(self, path: Path, report: Report) -> _Text | None:
        record = self._read(path, schema.PROTOCOL, report)
        if record is None:
            return None
        _check_name(record.get("id"), path, report)
        templates = self._ids("template")
        known = Known(
            self.ids(),
            {id: self._include(id)[0] for id in self._look().ids("include")},
            templates,
            {topic for resource in self._resources() for topic in resource.topics},
        )
        steps = resolve(record, known, report)
        check(record, steps, known, report)
        messages = self._templates_of(steps, templates, report)
        if not report.is_good:
            return None
        bundle = {
            "bundle": "modconsole-protocol/1",
            "protocol": plain_protocol(record, steps),
            "more": more(record),
            "templates": messages,
            "resources": self._resources_of(record, steps),
        }
        return _plain({"bundle": bundle, "status": record["status"], "approvals": plain_approvals(record)})

    def _templates_of(self, steps: Sequence[Record], known: Sequence[str], report: Report) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for id in _templates_named(steps):
            text = self._load("template", id).text if id in known else None
            if text is not None:
                found[str(id)] = text["bundle"]["template"]
            elif id in known:
                report.add(
                    id.at,
                    f"the template {quote(id)}, which has mistakes of its own",
                    "a file without mistakes",
                )
        return found

    def _resources_of(self, record: Record, steps: Sequence[Record]) -> dict[str, Any]:
        topics = topics_wished(steps)
        places = record["applies_to"]["jurisdictions"]
        found = {}
        for resource in self._resources():
            if topics & set(resource.topics) and (not places or _closeness(resource, places) is not None):
                plain = to_plain(resource)
                # Who last rang the number is no part of what was approved, or every check would undo the approval.
                plain.pop("verified_on", None)
                found[resource.id] = plain
        return found

    def _include(self, id: str) -> tuple[Record | None, tuple[LibraryProblem, ...]]:
        if id not in self._includes:
            report = Report()
            record = None
            for path in self._look().files.get(("include", id), ())[:1]:
                record = self._read(path, schema.INCLUDE, report)
                if record is not None:
                    _check_name(record.get("id"), path, report)
            self._includes[id] = (record if report.is_good else None), tuple(report.problems)
        return self._includes[id]

    def _problems_of_include(self, id: str) -> tuple[LibraryProblem, ...]:
        stamp = self._look().stamp
        held = None if id in self._includes else self._from_cache("include", id, stamp)
        if held is None:
            held = _Loaded(problems=self._include(id)[1])
            self._to_cache("include", id, stamp, held)
        return held.problems

    def _make_template(self, path: Path, report: Report) -> _Text | None:
        record = self._read(path, schema.TEMPLATE, report)
        if record is None:
            return None
        _check_name(record.get("id"), path, report)
        check_template(record, report)
        if not report.is_good:
            return None
        return _plain({"bundle": {"bundle": "modconsole-template/1", "template": plain_template(record)}})

    def _make_resources(self, path: Path, report: Report) -> _Text | None:
        record = self._read(path, schema.RESOURCES, report)
        if record is None:
            return None
        _check_name(record.get("subdivision") or record.get("country"), path, report)
        check_resources(record, report)
        if not report.is_good:
            return None
        return _plain({"bundle": {"bundle": "modconsole-resources/1", "resources": plain_resources(record)}})


def _plain(text: _Text) -> _Text:
    """Give the text in values that remember no places, as a kept file would give it back."""
    made: _Text = json.loads(canonical(text))
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
        )


def _templates_named(steps: Sequence[Record]) -> Iterator[Marked]:
    for step in steps:
        yield from step.get("templates", ())
        for question in step.get("questions", ()):
            for consequence in question.get("on_answer", ()):
                if "offer_template" in consequence:
                    yield consequence["offer_template"]


def _protocol_from(hash: str, text: _Text) -> ReviewProtocol | None:
    try:
        plain = text["bundle"]["protocol"]
        governance = {**plain["governance"], "approvals": text["approvals"]}
        return from_plain(
            ReviewProtocol, {**plain, "governance": governance, "status": text["status"], "hash": hash}
        )
    except (KeyError, TypeError, ValueError):
        return None


def _is_readable(kind: str, hash: str, text: _Text) -> bool:
    try:
        if kind == "protocol":
            return _protocol_from(hash, text) is not None
        if kind == "template":
            from_plain(Template, text["bundle"]["template"])
        else:
            for plain in text["bundle"]["resources"]:
                from_plain(Resource, plain)
    except (KeyError, TypeError, ValueError):
        return False
    return True


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
