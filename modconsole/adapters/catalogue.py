"""Finds adapters by their entry points, checks them and their settings, and opens forums on threads of their own.

Listing imports none of them; loading one by name says what is wrong with it. asyncio and httpx are imported when a
forum is opened.
"""

from __future__ import annotations

import dataclasses
import threading
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modconsole.core.errors import BadAnswer, ForumError, SettingsError, WrongUsage
from modconsole.ports.forum import API_VERSION, Capabilities, Forum, ForumContext, ForumSecrets, Web
from modconsole.ports.settings import AdapterCatalogue, AdapterInfo, ForumSettings
from modconsole.ports.vault import Secrets

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "SIMULATED", "Catalogue"]

GROUP = "modconsole.adapters"
SIMULATED = "simulated"
_ENDED = "Tell whoever wrote it; the other forums are not touched by this."


class Catalogue(AdapterCatalogue):
    """The adapters installed beside us.

    Args:
        demo: Whether this home is a demo: it takes simulated forums only, and any other home takes none.
        folder: Where each forum gets a folder of its own (`<data>/forums`).
        secrets: Each forum sees `forum/<id>/...` of it and nothing else.
        found: Gives the entry points; the installed packages' unless a test says otherwise.
        web: Makes the HTTP client for a base address; the second argument is whether plain http is allowed.
    """

    def __init__(
        self,
        *,
        demo: bool,
        folder: Path,
        secrets: Secrets,
        now: Callable[[], datetime],
        found: Callable[[], Iterable[EntryPoint]] | None = None,
        web: Callable[[str, bool], Web] | None = None,
    ) -> None:
        self._demo = demo
        self._folder = folder
        self._secrets = secrets
        self._now = now
        self._find = found or _installed
        self._web = web or self._make_web
        self._one_at_a_time = threading.Lock()

    def list(self) -> Sequence[AdapterInfo]:
        by_kind = _by_kind(self._find())
        return [
            AdapterInfo(kind, *_distribution(points[0]), self._problem(kind, points))
            for kind, points in sorted(by_kind.items())
        ]

    def load(self, kind: str) -> type[Forum]:
        points = _by_kind(self._find())
        if kind not in points:
            raise WrongUsage(
                f"There is no adapter for “{kind}”.{_nearest(kind, points)}",
                next_step=f"Here are: {', '.join(sorted(points)) or 'none'}. "
                f"Install the package that brings it (such as modconsole-{kind}), then try again.",
            )
        if len(points[kind]) > 1:
            raise WrongUsage(f"{_twice(kind, points[kind])}.", next_step="Uninstall all but one of them.")
        return _checked_class(kind, _loaded(kind, points[kind][0]))

    def open(self, forum: ForumSettings) -> Forum:
        """Make a forum ready to be used. Nothing is asked of it yet.

        Raises:
            WrongUsage: Its adapter cannot be used; says why.
            SettingsError: Its settings do not fit its adapter, or it does not belong into this home.
        """
        adapter, settings, problems = self._checked(forum)
        if problems or adapter is None:
            raise SettingsError(
                f"The settings of the forum “{forum.id}” ({forum.kind}) cannot be followed. {' '.join(problems)}",
                next_step=f'Correct the [[forum]] with id = "{forum.id}" in config.toml.',
            )
        context = ForumContext(
            id=forum.id,
            settings=settings,
            secrets=_Drawer(self._secrets, forum.id, self._one_at_a_time),
            web=lambda base: self._web(base, bool(getattr(settings, "allow_http", False))),
            now=self._now,
            folder=_own_folder(self._folder / forum.id),
        )
        from modconsole.adapters.isolated import IsolatedForum

        return IsolatedForum(adapter, context)

    def settings_problems(self, forum: ForumSettings) -> Sequence[str]:
        return self._checked(forum)[2]

    def _checked(self, forum: ForumSettings) -> tuple[type[Forum] | None, Any, Sequence[str]]:
        misplaced = self._misplaced(forum.kind)
        if misplaced:
            return None, None, (misplaced,)
        adapter = self.load(forum.kind)
        settings, problems = _filled(adapter.Settings, forum.values)
        return adapter, settings, problems

    def _misplaced(self, kind: str) -> str:
        """Say why a forum of this kind cannot be in this home: what is a demo was decided when it was made."""
        if self._demo and kind != SIMULATED:
            return f"This home is a demo: it takes simulated forums only, and “{kind}” is a real one."
        if not self._demo and kind == SIMULATED:
            return "A simulated forum belongs into a demo home: `modconsole demo` makes one."
        return ""

    def _problem(self, kind: str, points: Sequence[EntryPoint]) -> str:
        return f"{_twice(kind, points)}." if len(points) > 1 else self._misplaced(kind)

    def _make_web(self, base: str, allow_http: bool) -> Web:
        from modconsole.adapters.web import make_web

        return make_web(base, allow_http=allow_http, now=self._now)


def _installed() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _by_kind(found: Iterable[EntryPoint]) -> dict[str, list[EntryPoint]]:
    by_kind: dict[str, list[EntryPoint]] = {}
    for point in found:
        points = by_kind.setdefault(point.name, [])
        if all(_distribution(point) != _distribution(other) for other in points):
            points.append(point)
    return by_kind


def _distribution(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist is not None else ("", "")


def _twice(kind: str, points: Sequence[EntryPoint]) -> str:
    names = " and ".join(_distribution(point)[0] or point.value for point in points)
    return f"More than one package brings an adapter called “{kind}”: {names}"


def _nearest(word: str, words: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, list(words), n=1)
    return f" Did you mean “{close[0]}”?" if close else ""


def _loaded(kind: str, point: EntryPoint) -> object:
    name = _distribution(point)[0] or point.value
    try:
        return point.load()
    except ModuleNotFoundError as error:
        why = f"it needs the module “{error.name}”, which is not installed"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module
        why = f"importing it raised {type(error).__name__}"
    raise WrongUsage(
        f"The adapter “{kind}” of the package {name} cannot be loaded: {why}.",
        next_step=f"Install {name} again, or tell whoever wrote it. The other forums are not touched by this.",
    )


def _checked_class(kind: str, adapter: object) -> type[Forum]:
    def no(why: str, next_step: str = _ENDED) -> WrongUsage:
        return WrongUsage(f"The adapter “{kind}” cannot be used: {why}.", next_step=next_step)

    if not isinstance(adapter, type) or not issubclass(adapter, Forum):
        raise no("it is not a subclass of modconsole.ports.Forum")
    if adapter.api != API_VERSION:
        newer = isinstance(adapter.api, int) and adapter.api > API_VERSION
        raise no(
            f"it was written for version {adapter.api} of the adapter contract, and this is version {API_VERSION}",
            "Update modconsole." if newer else "Update the adapter.",
        )
    missing = sorted(getattr(adapter, "__abstractmethods__", ()))
    missing += [name for name in ("kind", "title", "Settings", "capabilities") if not hasattr(adapter, name)]
    if missing:
        raise no(f"it lacks {', '.join(missing)}")
    if adapter.kind != kind:
        raise no(f"it calls itself “{adapter.kind}” in its class")
    if not isinstance(adapter.title, str):
        raise no("its title is not text")
    if not isinstance(adapter.Settings, type) or not dataclasses.is_dataclass(adapter.Settings):
        raise no("its Settings is not a dataclass")
    try:
        from modconsole.adapters.checking import checked

        checked(Capabilities, adapter.capabilities, "capabilities")
    except BadAnswer as error:
        raise no(error.what.rstrip(".")) from None
    return adapter


def _own_folder(folder: Path) -> Path:
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            next_step="Make its parent folder writable, or free the name.",
        ) from None
    return folder


class _Drawer(ForumSecrets):
    """One forum's part of the secrets. Adapters call from threads of their own, so one at a time."""

    def __init__(self, secrets: Secrets, forum: str, lock: threading.Lock) -> None:
        self._secrets, self._forum, self._lock = secrets, forum, lock

    def get(self, name: str) -> str:
        with self._lock:
            value = self._secrets.get(self._full(name))
        return value.decode() if value is not None else ""

    def set(self, name: str, value: str) -> None:
        with self._lock:
            self._secrets.set(self._full(name), value.encode())

    def _full(self, name: str) -> str:
        if not name.isidentifier():
            raise ForumError(f"“{name[:60]}” is not a name for a secret.", next_step=_ENDED)
        return f"forum/{self._forum}/{name}"


# Settings


def _filled(kind: type[Any], values: Mapping[str, object]) -> tuple[Any, Sequence[str]]:
    """Fill an adapter's own Settings; gives None and every mistake when they do not fit."""
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    problems: list[str] = []
    try:
        hints = typing.get_type_hints(kind)
    except Exception as error:  # noqa: BLE001 - a stranger's annotations
        return None, (f"Its adapter's Settings cannot be read ({type(error).__name__}).",)
    for name in values:
        if name not in fields:
            problems.append(f"“{name}” is not one of its settings.{_nearest(name, fields)}")
    for name, field in fields.items():
        if name in values:
            problem = _misfit(hints[name], values[name], field.metadata)
            problems += [f"“{name}” {problem}"] if problem else []
        elif field.default is field.default_factory is dataclasses.MISSING:
            label = field.metadata.get("label", "")
            problems.append(f"“{name}” is missing{f' ({label})' if label else ''}.")
    if problems:
        return None, problems
    try:
        return kind(**{name: _tidied(value) for name, value in values.items()}), ()
    except ValueError as error:  # how an adapter adds checks of its own
        return None, (f"{error}"[:500],)
    except Exception as error:  # noqa: BLE001 - a stranger's code
        return None, (f"Its adapter refused them with a {type(error).__name__}.",)


def _tidied(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value


def _misfit(hint: Any, value: object, metadata: Mapping[str, Any]) -> str:
    """Say why `value` is not what a field of this type takes; empty when it is. Never quotes a secret."""
    if metadata.get("secret"):
        return "is a secret and belongs in the keyring: `modconsole forum add` asks for it."
    choices = metadata.get("choices", ())
    if choices and value not in choices:
        nearest = _nearest(value, choices) if isinstance(value, str) else ""
        return f"is {_shown(value)}, and can be {', '.join(choices)}.{nearest}"
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        wanted = [inner for inner in typing.get_args(hint) if inner is not types.NoneType]
    else:
        wanted = [hint]
    if any(_fits(inner, value) for inner in wanted):
        return ""
    words = " or ".join(_WORDS.get(_bare(inner), "something else") for inner in wanted)
    return f"should be {words}, and is {_shown(value)}."


def _bare(hint: Any) -> Any:
    return typing.get_origin(hint) or hint


def _fits(hint: Any, value: object) -> bool:
    bare = _bare(hint)
    if bare in (tuple, list):
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if bare is float:
        return type(value) in (int, float)
    return type(value) is bare


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


_WORDS: Mapping[Any, str] = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: 'a list of texts such as ["a", "b"]',
    list: 'a list of texts such as ["a", "b"]',
}
