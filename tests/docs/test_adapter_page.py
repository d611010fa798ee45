"""docs/adapters.md is true: its adapter works, in its own tests and behind the console's own isolation."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from modconsole.adapters.catalogue import GROUP, Catalogue
from modconsole.core import errors
from modconsole.core.actions import ACTIONS, Action, ActionOrder, Outcome, OutcomeKind
from modconsole.core.errors import BadAnswer, Forbidden, ForumError, NotFound, Unavailable
from modconsole.core.model import FlagSource, MemberState, Target, TargetKind, Visibility
from modconsole.core.topics import TOPICS
from modconsole.ports import API_VERSION, Feature, FlagPage, Forum, ForumSettings, Support, Web, setting
from modconsole.ports.vault import Secrets
from tests.docs.pages import DOCS, fenced, file_in

PAGE = (DOCS / "adapters.md").read_text("utf-8")
MODULES = ("modconsole_kettle", "test_kettle")
POST = Target(TargetKind.POST, "21", "4")
WREN = Target(TargetKind.MEMBER, "7")
NOW = datetime(2026, 3, 1, 18, 10, tzinfo=UTC)


class Drawers(Secrets):
    where = "memory"
    needs_passphrase = False
    is_unlocked = True

    def __init__(self) -> None:
        self.kept = {"forum/evening/token": b"the token"}

    def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def set(self, name: str, value: bytes) -> None:
        self.kept[name] = value

    def delete(self, name: str) -> None:
        self.kept.pop(name, None)

    def names(self) -> Sequence[str]:
        return tuple(self.kept)

    def unlock(self, passphrase: str = "") -> None:
        pass


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put the page's files into a folder that Python imports from."""
    for name in ("modconsole_kettle.py", "test_kettle.py", "pyproject.toml"):
        (tmp_path / name).write_text(file_in(PAGE, name), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def kettle(package: Path) -> Any:
    """The make-believe server of the page."""
    return importlib.import_module("test_kettle").FakeKettle()


@pytest.fixture
def forum(package: Path, kettle: Web, tmp_path: Path) -> Forum:
    """The page's adapter as the console opens it: found by entry point, checked, on a thread of its own."""
    point = EntryPoint("kettle", "modconsole_kettle:Kettle", GROUP)
    catalogue = Catalogue(
        demo=False,
        folder=tmp_path / "forums",
        secrets=Drawers(),
        now=lambda: NOW,
        found=lambda: [point],
        web=lambda address, allow_http: kettle,
    )
    return catalogue.open(ForumSettings("evening", "kettle", {"address": "https://kettle.invalid"}))


def order(action: Action, target: Target = POST, **more: Any) -> ActionOrder:
    return ActionOrder("o-" + "b" * 26, action, target, member="7", **more)


async def closing(forum: Forum, *work: Any) -> list[Any]:
    try:
        return [await one for one in work]
    finally:
        await forum.close()


def test_the_tests_on_the_page_pass(package: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", "test_kettle.py"],
        cwd=package,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_its_package_file_names_the_class_and_the_kind(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))

    points = project["project"]["entry-points"][GROUP]
    built = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    module: ModuleType = importlib.import_module("modconsole_kettle")
    assert points == {"kettle": "modconsole_kettle:Kettle"}
    assert built == ["modconsole_kettle.py"]
    assert module.Kettle.kind == "kettle"
    assert module.Kettle.api == API_VERSION


def test_it_reads_what_the_console_asks_for(forum: Forum) -> None:
    async def pages() -> list[FlagPage]:
        return [page async for page in forum.flags("")]

    info, found, post, thread, member, history, identity = asyncio.run(
        closing(
            forum,
            forum.connect(),
            pages(),
            forum.post(POST),
            forum.thread(POST, 5, 5),
            forum.member("7"),
            forum.history("7", 10),
            forum.identity("7"),
        )
    )

    assert (info.name, info.me, info.clock_skew, info.missing) == ("Evening forum", "1", 0.0, ())
    assert [page.cursor for page in found] == ["1", "2"]
    assert found[0].flags[0].topic in TOPICS
    assert found[0].flags[0].source is FlagSource.MEMBER
    assert found[1].resolved[0].by == "Alder"
    assert post.text == "Sundays are long.\n"
    assert thread.posts == history == (post,)
    assert (member.name, member.state) == ("Wren", MemberState.ACTIVE)
    assert identity.fields == {"e-mail": "wren@kettle.invalid"}


def test_what_we_closed_ourselves_is_not_resolved_elsewhere(forum: Forum, kettle: Any) -> None:
    answer = kettle.answer

    def as_alder(path: str, query: Any, body: Any) -> Any:
        found = answer(path, query, body)
        return found | {"id": 2} if path == "/api/me" else found

    kettle.answer = as_alder

    async def pages() -> list[FlagPage]:
        return [page async for page in forum.flags("")]

    _, found = asyncio.run(closing(forum, forum.connect(), pages()))

    assert [page.resolved for page in found] == [(), ()]


def test_a_token_without_a_right_says_what_is_then_done_by_hand(forum: Forum, kettle: Any) -> None:
    answer = kettle.answer
    kettle.answer = lambda path, query, body: answer(path, query, body) | {"may": ["write"]}

    (info,) = asyncio.run(closing(forum, forum.connect()))

    assert not info.capabilities.of(Action.HIDE).works
    assert info.capabilities.of(Action.MESSAGE_MEMBER).works
    assert len(info.missing) == 1


@pytest.mark.parametrize(
    ("action", "before", "expected"),
    [
        (Action.HIDE, {}, OutcomeKind.APPLIED),
        (Action.REMOVE, {}, OutcomeKind.APPLIED),
        (Action.KEEP, {}, OutcomeKind.APPLIED),
        (Action.RESTORE, {"hidden": True}, OutcomeKind.APPLIED),
        (Action.HIDE, {"hidden": True}, OutcomeKind.ALREADY),
        (Action.NO_ACTION, {"open_flags": 0}, OutcomeKind.ALREADY),
        (Action.HIDE, {"revision": 2}, OutcomeKind.CONFLICT),
        (Action.RESTORE, {"hidden": True, "revision": 2}, OutcomeKind.APPLIED),
        (Action.SUSPEND, {}, OutcomeKind.REFUSED),
    ],
)
def test_it_says_what_the_forum_says_afterwards(
    forum: Forum, kettle: Any, action: Action, before: dict[str, object], expected: OutcomeKind
) -> None:
    kettle.post |= before

    (outcome,) = asyncio.run(closing(forum, forum.ask(order(action, seen_version="1"))))

    assert outcome.kind is expected
    if action in (Action.HIDE, Action.REMOVE) and expected is OutcomeKind.APPLIED:
        assert outcome.state.visibility is Visibility.HIDDEN


def test_a_yes_that_the_post_does_not_show_is_unknown(forum: Forum, kettle: Any) -> None:
    answer = kettle.answer
    kettle.answer = lambda path, query, body: {} if path.endswith("/hide") else answer(path, query, body)

    (outcome,) = asyncio.run(closing(forum, forum.ask(order(Action.HIDE, seen_version="1"))))

    assert outcome.kind is OutcomeKind.UNKNOWN


def test_a_message_is_sent_once_whatever_happens(forum: Forum, kettle: Any) -> None:
    message = order(Action.MESSAGE_MEMBER, WREN, text="Hello Wren")
    again = order(Action.MESSAGE_MEMBER, WREN, text="Hello Wren", attempt=2)
    astray = order(Action.MESSAGE_MEMBER, POST, text="Hello Wren")

    first, second, third = asyncio.run(
        closing(forum, forum.ask(message), forum.ask(again), forum.ask(astray))
    )

    assert (first.kind, second.kind) == (OutcomeKind.APPLIED, OutcomeKind.ALREADY)
    assert third.kind is OutcomeKind.REFUSED
    assert len(kettle.outbox) == 1


def test_a_lost_answer_leaves_the_adapter_as_an_error_that_says_maybe(forum: Forum, kettle: Any) -> None:
    kettle.fails["messages"] = Unavailable("No answer in time.", maybe_done=True)

    with pytest.raises(Unavailable) as caught:
        asyncio.run(closing(forum, forum.ask(order(Action.MESSAGE_MEMBER, WREN, text="Hello"))))

    assert caught.value.maybe_done


def test_a_deliberate_no_is_refused_and_a_missing_post_too(forum: Forum, kettle: Any) -> None:
    kettle.fails["hide"] = Forbidden("Only hosts hide posts.", status=403)

    async def both() -> tuple[Outcome, Outcome, Outcome]:
        refused = await forum.ask(order(Action.HIDE))
        kettle.fails["21"] = NotFound("Gone.", status=404)
        return refused, await forum.ask(order(Action.HIDE)), await forum.ask(order(Action.REMOVE))

    ((refused, gone, removed),) = asyncio.run(closing(forum, both()))

    assert (refused.kind, refused.detail) == (OutcomeKind.REFUSED, "Only hosts hide posts.")
    assert gone.kind is OutcomeKind.REFUSED
    assert removed.kind is OutcomeKind.ALREADY


def test_json_of_another_shape_is_a_bad_answer_without_a_value(forum: Forum, kettle: Any) -> None:
    kettle.post["at"] = "Wren's secret"

    with pytest.raises(BadAnswer) as caught:
        asyncio.run(closing(forum, forum.post(POST)))

    assert "secret" not in str(caught.value)
    assert "Kettle sent a post" in caught.value.what


def test_the_page_names_every_word_of_the_contract() -> None:
    words = {
        *(name for name, value in vars(Forum).items() if inspect.isfunction(value) and name[0] != "_"),
        *inspect.signature(setting).parameters,
        *inspect.signature(Web.call).parameters,
        *(support.name for support in Support),
        *(kind.name for kind in OutcomeKind),
        *(feature.value for feature in Feature),
        *(source.value for source in FlagSource),
        *(action.value for action in ACTIONS),
        *(kind.value for kind in TargetKind),
        *(name for name, kind in vars(errors).items() if _is_forum_error(kind)),
        *("maybe_done", "retry_after", "attempt", "seen_version", "undoes", "unreadable", "attachments"),
    } - {"self"}

    assert sorted(word for word in words if f"{word}" not in PAGE) == []


def _is_forum_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, ForumError)


def test_its_commands_are_commands_of_ours() -> None:
    from modconsole.cli.main import _parser

    lines = [line.split()[1:] for block in fenced(PAGE, "sh") for line in block.splitlines()]
    ours = [line for line in lines if line and line[0] in ("forum", "queue", "case")]
    for line in ours:
        _parser().parse_args(line)

    assert len(ours) == 3


def test_its_numbers_are_the_consoles() -> None:
    from modconsole.adapters.checking import LONGEST_NAME, LONGEST_TEXT, MOST_ITEMS
    from modconsole.adapters.isolated import Deadlines
    from modconsole.adapters.web import WebLimits

    seconds, limits = Deadlines(), WebLimits()
    assert (seconds.connect, seconds.ask, seconds.read, seconds.close) == (20, 60, 30, 5)
    assert "20 seconds for `connect`, 60 for `ask`, 30 for the others" in PAGE
    assert (MOST_ITEMS, LONGEST_NAME, LONGEST_TEXT) == (5_000, 4_096, 1_000_000)
    assert (limits.per_second, limits.burst, limits.total, limits.retries) == (5, 10, 25, 2)
    assert limits.answer_bytes == 8 * 1024 * 1024
    assert timedelta(seconds=Forum.poll_seconds) == timedelta(seconds=30)
