"""The one settings file, `config.toml`: read with every mistake in its place, written without losing a comment.

Reading takes the standard library only, for every start waits for it; tomlkit is imported to write.
"""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modconsole.config.checking import Mistake
from modconsole.config.lines import with_contact, with_value
from modconsole.config.paths import Paths, private_folder
from modconsole.config.places import Key, Place, locate
from modconsole.config.reading import plain_forum, settings_from
from modconsole.config.starter import starter
from modconsole.core.errors import SettingsError, WrongUsage
from modconsole.ports.settings import Contact, ForumSettings, Settings, SettingsFile, SettingValue

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["TomlSettingsFile"]

SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class _Read:
    settings: Settings
    values: Mapping[str, Any]


class TomlSettingsFile(SettingsFile):
    """`config.toml` of one home."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    @property
    def path(self) -> Path:
        return self._paths.config_file

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    def read(self) -> Settings:
        return self._parsed(self._text()).settings

    def write_new(
        self,
        *,
        demo: bool = False,
        org: str = "",
        pseudonym: str = "",
        role: str = "moderator",
        time_zone: str = "UTC",
        device: str = "",
    ) -> Settings:
        """Write the first, commented file of a home. Names not given are made up, to be changed in the file.

        Raises:
            WrongUsage: There is one already.
            SettingsError: A value given is not one we could read back.
            DataError: The folder cannot be written to.
        """
        if os.path.lexists(self.path):
            raise WrongUsage(f"There is a {self.path} already.", next_step="Change it in an editor.")
        text = starter(
            demo=demo,
            org=org or ("Demo service" if demo else "My service"),
            time_zone=time_zone,
            pseudonym=pseudonym or ("demo-moderator" if demo else f"moderator-{_made_up()}"),
            role=role,
            device=device or ("demo" if demo else f"device-{_made_up()}"),
        )
        settings = self._parsed(text).settings
        self._replace(text)
        return settings

    def add_forum(self, forum: ForumSettings) -> None:
        """Write one more `[[forum]]`, keeping everything else as it is; begins the file where there is none.

        Raises:
            WrongUsage: There is a forum of this id already, or it does not belong into this home.
            SettingsError: The file, or the forum, cannot be followed. Nothing was changed.
        """
        if not self.exists:
            self.write_new()
        text = self._text()
        before = self._parsed(text)
        if any(known.id == forum.id for known in before.settings.forums):
            raise WrongUsage(
                f"There is a forum “{forum.id}” already.",
                next_step=f"Choose another id, or `modconsole forum remove {forum.id}` first.",
            )
        if (forum.kind == SIMULATED) is not before.settings.demo:
            raise WrongUsage(
                "A demo home takes simulated forums only, and no other home takes one.",
                next_step="Use another home: MODCONSOLE_HOME names it.",
            )
        import tomlkit
        from tomlkit.items import AoT

        document = tomlkit.parse(text)
        found = document.get("forum")
        if found is None:
            found = tomlkit.aot()
            document.append("forum", found)
        table = tomlkit.table() if isinstance(found, AoT) else tomlkit.inline_table()
        for name, value in {"id": forum.id, "kind": forum.kind, **forum.values}.items():
            if value is not None:
                table.add(name, list(value) if isinstance(value, tuple) else value)
        table.trivia.indent = "\n" if isinstance(found, AoT) else ""  # an empty line before the section
        found.append(table)
        self._write(document, before, (*before.settings.forums, forum))

    def remove_forum(self, id: str) -> None:
        text = self._text()
        before = self._parsed(text)
        ids = [known.id for known in before.settings.forums]
        if id not in ids:
            raise WrongUsage(
                f"There is no forum “{id}” in the settings.",
                next_step=f"There are: {', '.join(ids) or 'none'}.",
            )
        import tomlkit

        document = tomlkit.parse(text)
        forums: Any = document["forum"]
        if len(ids) > 1:
            del forums[ids.index(id)]
        else:
            document.remove("forum")
        self._write(document, before, tuple(known for known in before.settings.forums if known.id != id))

    def change(self, section: str, values: Mapping[str, SettingValue]) -> None:
        text = self._text()
        before = self._parsed(text)
        plain = {
            name: value if isinstance(value, str | bool) else list(value) for name, value in values.items()
        }
        for name, value in plain.items():
            text = with_value(text, section, name, value)
        self._write_as(text, {**before.values, section: {**before.values.get(section, {}), **plain}}, section)

    def add_contact(self, contact: Contact) -> None:
        text = self._text()
        before = self._parsed(text)
        plain = {"role": contact.role, "name": contact.name, "reach": contact.reach, "hours": contact.hours}
        said = {name: value for name, value in plain.items() if value}
        service = before.values["service"]
        wanted = {**service, "contacts": [*service.get("contacts", []), said]}
        self._write_as(with_contact(text, said), {**before.values, "service": wanted}, "service.contacts")

    def explain(self) -> Sequence[tuple[str, str, str]]:
        text = self._text()
        settings, places = self._parsed(text).settings, locate(text)
        service = settings.service
        by = self._paths.named_by or "your user folders"
        rows = [("home", str(settings.home), by), ("config", str(self.path), by)]

        def row(*key: str | int, value: object, name: str = "") -> None:
            place = places.get(key)
            where = f"{self.path.name} line {place.line}" if place is not None else "default"
            rows.append((name or ".".join(map(str, key)), _words(value), where))

        for name in ("org", "time_zone", "jurisdictions", "age_bands", "forum_types", "allow_drafts"):
            row("service", name, value=getattr(service, name))
        row("service", "staffed_hours", value=service.staffed_lines)
        row("service", "undo_seconds", value=service.undo_seconds)
        row("service", "demo", value=settings.demo)
        row("service", "contacts", value=f"{len(service.contacts)} to reach in an emergency")
        row("service", "approvers", value=f"{len(service.approvers)} whose approvals can be taken over")
        row("service", "witnesses", value=f"{len(service.witnesses)} whose countersignatures count")
        row("service", "witness_policy", value=service.witness_policy)
        for topic, ids in service.protocols.items():
            row("service", "protocols", topic, value=ids)
        for reason, topic in service.reasons.items():
            row("reasons", reason, value=topic)
        row("me", "pseudonym", value=settings.me)
        row("me", "role", value=settings.role)
        row("device", "id", value=settings.device)
        for number, forum in enumerate(settings.forums):
            row("forum", number, "kind", value=forum.kind, name=f"forum.{forum.id}.kind")
            for name, value in forum.values.items():
                row("forum", number, name, value=value, name=f"forum.{forum.id}.{name}")
        row("look", "theme", value=settings.look.theme)
        row("look", "unfold", value=settings.look.unfold)
        for command, keys in settings.look.keys.items():
            key = ("keys", command) if ("keys", command) in places else ("keys", *command.split("."))
            row(*key, value=keys, name=f"keys.{command}")
        return rows

    # Inside

    def _text(self) -> str:
        try:
            return self.path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise SettingsError(
                f"There is no {self.path} yet, so this home is new.",
                next_step="`modconsole demo` lets you try everything on invented posts; "
                "`modconsole forum add` begins with a real forum.",
            ) from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise self._error([f"{self.path}:{line}:1: is not UTF-8 text."]) from None
        except OSError as error:
            raise SettingsError(
                f"{self.path} cannot be read: {error.strerror}.", next_step="Make it readable for you."
            ) from None

    def _parsed(self, text: str) -> _Read:
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._error([self._not_toml(str(error), text)]) from None
        mistakes: list[Mistake] = []
        settings = settings_from(values, self._paths.data, mistakes)
        if mistakes:
            places = locate(text)
            placed = sorted(((_place(places, m.key), m) for m in mistakes), key=lambda pair: pair[0])
            raise self._error(
                [f"{self.path}:{line}:{column}: {_dotted(m.key)}: {m.said}" for (line, column), m in placed]
            )
        return _Read(settings, values)

    def _not_toml(self, said: str, text: str) -> str:
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", said, re.DOTALL)
        if found is None:
            return f"{self.path}:{text.count(chr(10)) + 1}:1: {said.partition(' (at ')[0]}: the file ends too early."
        return f"{self.path}:{found[2]}:{found[3]}: is not TOML: {found[1]}."

    def _error(self, lines: Sequence[str]) -> SettingsError:
        count = "is a mistake" if len(lines) == 1 else f"are {len(lines)} mistakes"
        what = "\n".join((f"There {count} in the settings.", *lines))
        return SettingsError(f"{what}\n", next_step="Correct the file, then start again.")

    def _write(self, document: TOMLDocument, before: _Read, forums: tuple[ForumSettings, ...]) -> None:
        """Replace the file, but only by one that says the same as before with exactly these forums."""
        text = document.as_string()
        after = self._parsed(text)
        rest = [{k: v for k, v in read.values.items() if k != "forum"} for read in (before, after)]
        if rest[0] != rest[1] or [plain_forum(f) for f in after.settings.forums] != [
            plain_forum(f) for f in forums
        ]:
            raise SettingsError(
                f"{self.path} is written in a way that we cannot change safely.",
                next_step="Change its [[forum]] sections in an editor.",
            )
        self._replace(text)

    def _write_as(self, text: str, wanted: Mapping[str, Any], section: str) -> None:
        """Replace the file, but only by one that says exactly this, and that we can follow."""
        unsafe = SettingsError(
            f"{self.path} is written in a way that we cannot change safely.",
            next_step=f"Change its [{section}] section in an editor.",
        )
        try:
            says = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            raise unsafe from None
        if says != wanted:
            raise unsafe
        try:
            self._parsed(text)
        except SettingsError as error:
            raise SettingsError(
                error.what, kept="The settings are as they were.", next_step="Give another answer."
            ) from None
        self._replace(text)

    def _replace(self, text: str) -> None:
        """Put a new file in the place of the old one in one step, so that a crash leaves one of them whole."""
        path = self.path.resolve()  # a link (as people who keep their settings in git have) stays a link
        private_folder(path.parent)
        part = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise SettingsError(
                f"{path} could not be written: {error.strerror}.",
                kept="The settings are as they were.",
                next_step="Make room or make the folder writable, then try again.",
            ) from None


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there, and renaming is durable enough
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _made_up() -> str:
    return b32encode(os.urandom(3)).decode("ascii").rstrip("=").lower()


def _place(places: Mapping[Key, Place], key: Key) -> tuple[int, int]:
    """Give the line and column of a setting, or of the nearest thing around it that is in the file."""
    for length in range(len(key), 0, -1):
        if key[:length] in places:
            return places[key[:length]].line, places[key[:length]].column
    return 1, 1


def _dotted(key: Key) -> str:
    words = ""
    for part in key:
        words += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if words else str(part)
    return words


def _words(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
