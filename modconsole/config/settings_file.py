"""The one settings file, `config.toml`: read with every mistake in its place, written without losing a comment.

Reading takes the standard library only, for every start waits for it; tomlkit is imported to write.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tomllib
from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from modconsole.config.checking import Mistake, Table, is_secret, nearest, one_of, shown
from modconsole.config.paths import Paths, private_folder
from modconsole.config.places import Key, Place, locate
from modconsole.config.starter import starter
from modconsole.core.clocks import StaffedHours, parse_staffed_hours
from modconsole.core.errors import SettingsError, WrongUsage
from modconsole.core.model import AgeBand
from modconsole.core.protocol import ROLES
from modconsole.core.topics import TOPICS
from modconsole.ports.settings import (
    Contact,
    ForumSettings,
    LookSettings,
    ServiceSettings,
    Settings,
    SettingsFile,
)

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["THEMES", "TomlSettingsFile"]

THEMES = ("dark", "light", "contrast", "plain")
SIMULATED = "simulated"

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_COMMAND = re.compile(r"[a-z][a-z0-9_.-]*")
_LONGEST_UNDO = 120


@dataclass(frozen=True, slots=True)
class _Read:
    settings: Settings
    values: Mapping[str, Any]
    places: Mapping[Key, Place]


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
        before = self._parsed(self._text())
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

        document = tomlkit.parse(self._text())
        table = tomlkit.table()
        for name, value in {"id": forum.id, "kind": forum.kind, **forum.values}.items():
            if value is not None:
                table.add(name, _toml(value))
        found = document.get("forum")
        if found is None:
            several = tomlkit.aot()
            several.append(table)
            document.append("forum", several)
        else:
            found.append(table)
        self._write(document, before, (*before.settings.forums, forum))

    def remove_forum(self, id: str) -> None:
        before = self._parsed(self._text())
        ids = [known.id for known in before.settings.forums]
        if id not in ids:
            raise WrongUsage(
                f"There is no forum “{id}” in the settings.",
                next_step=f"There are: {', '.join(ids) or 'none'}.",
            )
        import tomlkit

        document = tomlkit.parse(self._text())
        forums: Any = document["forum"]
        if len(ids) > 1:
            del forums[ids.index(id)]
        else:
            document.remove("forum")
        self._write(document, before, tuple(known for known in before.settings.forums if known.id != id))

    def explain(self) -> Sequence[tuple[str, str, str]]:
        read = self._parsed(self._text())
        settings, service = read.settings, read.settings.service
        by = self._paths.named_by or "your user folders"
        rows = [("home", str(settings.home), by), ("config", str(self.path), by)]

        def row(*key: str | int, value: object, name: str = "") -> None:
            place = read.places.get(key)
            where = f"{self.path.name} line {place.line}" if place is not None else "default"
            rows.append((name or ".".join(map(str, key)), _words(value), where))

        for name in ("org", "time_zone", "jurisdictions", "age_bands", "forum_types", "allow_drafts"):
            row("service", name, value=getattr(service, name))
        row("service", "staffed_hours", value=service.staffed_lines)
        row("service", "undo_seconds", value=service.undo_seconds)
        row("service", "demo", value=settings.demo)
        row("service", "contacts", value=f"{len(service.contacts)} to reach in an emergency")
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
            row("keys", command, value=keys)
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
        settings = _settings(values, self._paths.data, mistakes)
        places = locate(text)
        if mistakes:
            placed = sorted((_place(places, mistake.key), mistake) for mistake in mistakes)
            raise self._error(
                [f"{self.path}:{line}:{column}: {_dotted(m.key)}: {m.said}" for (line, column), m in placed]
            )
        return _Read(settings, values, places)

    def _not_toml(self, said: str, text: str) -> str:
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", said, re.DOTALL)
        if found is None:
            return f"{self.path}:{text.count(chr(10)) + 1}:1: {said.partition(' (at ')[0]}: the file ends too early."
        return f"{self.path}:{found[2]}:{found[3]}: is not TOML: {found[1]}."

    def _error(self, lines: Sequence[str]) -> SettingsError:
        count = "a mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        return SettingsError(
            "\n".join(
                [
                    f"There is {count} in your settings."
                    if len(lines) == 1
                    else f"There are {count} in your settings.",
                    *lines,
                    "",
                ]
            ),
            next_step="Correct the file and start again.",
        )

    def _write(self, document: TOMLDocument, before: _Read, forums: tuple[ForumSettings, ...]) -> None:
        """Replace the file, but only by one that says the same as before with exactly these forums."""
        text = document.as_string()
        after = self._parsed(text)
        rest = [{k: v for k, v in read.values.items() if k != "forum"} for read in (before, after)]
        if rest[0] != rest[1] or [_plain(f) for f in after.settings.forums] != [_plain(f) for f in forums]:
            raise SettingsError(
                f"{self.path} is written in a way that we cannot change safely.",
                next_step="Change its [[forum]] sections in an editor.",
            )
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


# From values to settings


def _settings(values: Mapping[str, Any], home: Path, mistakes: list[Mistake]) -> Settings:
    _no_secrets(values, (), mistakes)
    root = Table(values, (), mistakes)
    service_table = root.table("service")
    demo = service_table.flag("demo", False)
    service = _service(service_table, _reasons(root.table("reasons")))
    me, role = _me(root.table("me"))
    device = _device(root.table("device"))
    forums = _forums(root.tables("forum"))
    look = _look(root.table("look"), _keys(root.table("keys")))
    root.done()
    meaning = {
        "demo": demo,
        "service": {
            "org": service.org,
            "time_zone": service.time_zone,
            "staffed_hours": service.staffed_lines,
            "jurisdictions": service.jurisdictions,
            "age_bands": service.age_bands,
            "forum_types": service.forum_types,
            "allow_drafts": service.allow_drafts,
            "undo_seconds": service.undo_seconds,
            "contacts": [[c.role, c.name, c.reach, c.hours] for c in service.contacts],
            "reasons": dict(service.reasons),
        },
        "me": [me, role],
        "device": device,
        "forums": sorted((_plain(forum) for forum in forums), key=lambda plain: str(plain[0])),
    }
    return Settings(home, demo, service, me, role, device, forums, look, _hash(meaning))


def _hash(meaning: object) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _plain(forum: ForumSettings) -> list[object]:
    values = {
        name: list(v) if isinstance(v, tuple) else v for name, v in forum.values.items() if v is not None
    }
    return [forum.id, forum.kind, values]


def _service(table: Table, reasons: Mapping[str, str]) -> ServiceSettings:
    zone = _zone(table)
    lines = table.texts("staffed_hours", lambda line: _hours_problem(line))
    hours: StaffedHours | None = None
    if lines and zone is not None:
        with contextlib.suppress(ValueError):  # already among the mistakes
            hours = parse_staffed_hours(lines, zone)
    if lines and not table.has("time_zone"):
        table.wrong("staffed_hours", 'needs a "time_zone" beside it, such as "Europe/London".')
    service = ServiceSettings(
        org=table.text("org", None),
        time_zone=zone.key if zone is not None else "UTC",
        staffed_hours=hours,
        staffed_lines=lines,
        jurisdictions=table.texts("jurisdictions", _jurisdiction_problem),
        age_bands=table.texts("age_bands", lambda band: one_of(band, [known.value for known in AgeBand])),
        forum_types=table.texts("forum_types", _word_problem),
        allow_drafts=table.flag("allow_drafts", False),
        undo_seconds=table.number("undo_seconds", 10, 0, _LONGEST_UNDO),
        contacts=tuple(_contact(contact) for contact in table.tables("contacts")),
        reasons=reasons,
    )
    table.done()
    return service


def _zone(table: Table) -> ZoneInfo | None:
    name = table.text("time_zone", "UTC")
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        from zoneinfo import available_timezones

        said = f'should be a time zone such as "Europe/London", and is {shown(name)}.'
        table.wrong("time_zone", said + nearest(name, available_timezones()))
        return None


def _hours_problem(line: str) -> str:
    try:
        parse_staffed_hours([line], ZoneInfo("UTC"))
    except ValueError as error:
        return str(error)
    return ""


def _jurisdiction_problem(found: str) -> str:
    if _JURISDICTION.fullmatch(found):
        return ""
    return f'should be a code such as "GB" or "GB-ENG", and is {shown(found)}.'


def _word_problem(found: str) -> str:
    if _WORD.fullmatch(found):
        return ""
    return f'should be one word in small letters such as "charity" or "peer_led", and is {shown(found)}.'


def _contact(table: Table) -> Contact:
    contact = Contact(
        table.text("role", None), table.text("name", None), table.text("reach", None), table.text("hours")
    )
    table.done()
    return contact


def _reasons(table: Table) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for reason, topic in table.rest().items():
        problem = (
            one_of_topics(topic) if isinstance(topic, str) else f"should be a topic, and is {shown(topic)}."
        )
        if problem:
            table.wrong(reason, problem)
        else:
            reasons[reason] = topic
    return reasons


def one_of_topics(found: str) -> str:
    if found in TOPICS:
        return ""
    return (
        f'should be one of our topics (such as "self-harm"), and is {shown(found)}.{nearest(found, TOPICS)}'
    )


def _me(table: Table) -> tuple[str, str]:
    me = table.text("pseudonym", None)
    if "@" in me.strip("@"):
        table.wrong(
            "pseudonym", "looks like an e-mail address; the log is kept for years, so use a pseudonym."
        )
    elif len(me) > 60:
        table.wrong("pseudonym", f"should have at most 60 characters, and has {len(me)}.")
    role = table.choice("role", ROLES, "moderator")
    table.done()
    return me, role


def _device(table: Table) -> str:
    device = table.text("id", None)
    if device and not _ID.fullmatch(device):
        table.wrong("id", f'should be small letters, digits and "-" (at most 32), and is {shown(device)}.')
    table.done()
    return device


def _forums(tables: Sequence[Table]) -> tuple[ForumSettings, ...]:
    forums: list[ForumSettings] = []
    for table in tables:
        id, kind = table.text("id", None), table.text("kind", None)
        if id and not _ID.fullmatch(id):
            table.wrong("id", f'should be small letters, digits and "-" (at most 32), and is {shown(id)}.')
        if id and any(id == other.id for other in forums):
            table.wrong("id", f"is {shown(id)}, and another forum has this id already.")
        forums.append(ForumSettings(id, kind, table.rest()))
    return tuple(forums)


def _look(table: Table, keys: Mapping[str, str]) -> LookSettings:
    look = LookSettings(table.choice("theme", THEMES, "dark"), table.flag("unfold", False), keys)
    table.done()
    return look


def _keys(table: Table) -> dict[str, str]:
    keys: dict[str, str] = {}
    for command, found in _flat(table.rest()).items():
        listed = [found] if isinstance(found, str) else found
        if not _COMMAND.fullmatch(command):
            table.wrong(command, 'should be the name of a command such as "queue.next".')
        elif not isinstance(listed, list) or not all(
            isinstance(key, str) and key.isprintable() for key in listed
        ):
            table.wrong(
                command, f'should be a key or a list of keys such as ["j", "down"], and is {shown(found)}.'
            )
        else:
            keys[command] = ",".join(listed)
    return keys


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Read `queue.next = "j"` the same with and without quotes around the name: TOML makes tables of the latter."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{above}{name}.")
        else:
            flat[above + name] = value
    return flat


def _no_secrets(values: Mapping[str, Any], key: Key, mistakes: list[Mistake]) -> None:
    for name, value in values.items():
        if not key and name in (
            "keys",
            "reasons",
        ):  # their names are other people's words, and their values none
            continue
        here = (*key, name)
        if isinstance(value, dict):
            _no_secrets(value, here, mistakes)
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    _no_secrets(item, (*here, number), mistakes)
        elif is_secret(name, value):
            said = "looks like a secret, and secrets belong in the keyring: take it out, and give it to `modconsole forum add` when it asks."
            mistakes.append(Mistake(here, said))


# Words


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


def _toml(value: object) -> Any:
    return list(value) if isinstance(value, tuple) else value
