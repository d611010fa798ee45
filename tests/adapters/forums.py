"""A small forum that behaves, and the pieces from which the badly behaved ones of these tests are made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.model import Flag, Member, Post, Target, TargetKind, Thread
from modconsole.ports.forum import (
    Ability,
    Capabilities,
    Cursor,
    FlagPage,
    Forum,
    ForumContext,
    ForumInfo,
    ForumSecrets,
    Support,
    Web,
    setting,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TARGET = Target(TargetKind.POST, "p1", "t1")
POST = Post(TARGET, "m1", "Wren", "Nobody answered me yet, but the tea helped.", NOW)
FLAG = Flag("f1", TARGET, "spam", NOW)
ORDER = ActionOrder("o-1", Action.HIDE, TARGET)
CAN = Capabilities({Action.HIDE: Ability(Support.NATIVE)})
INFO = ForumInfo("Garden", "garden.example", "1.0", "mod1", "Robin", CAN)


@dataclass(frozen=True)
class QuietSettings:
    url: str = setting("Address", default="https://garden.example")


class Quiet(Forum):
    """Answers everything at once and correctly."""

    kind = "quiet"
    title = "Quiet forum"
    Settings: ClassVar[type[Any]] = QuietSettings
    capabilities = CAN
    made: ClassVar[list[Quiet]] = []

    def __init__(self, context: ForumContext) -> None:
        super().__init__(context)
        self.calls: list[str] = []
        type(self).made.append(self)

    def __init_subclass__(cls) -> None:
        cls.made = []

    async def connect(self) -> ForumInfo:
        self.calls.append("connect")
        return INFO

    async def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        yield FlagPage((FLAG,), (POST,), cursor="1")

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        return Thread("t1", "Evenings", (POST,))

    async def post(self, target: Target) -> Post:
        self.calls.append("post")
        return POST

    async def member(self, id: str) -> Member:
        return Member("m1", "Wren")

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        return (POST, POST, POST)

    async def ask(self, order: ActionOrder) -> Outcome:
        self.calls.append("ask")
        return Outcome(OutcomeKind.APPLIED)

    async def read_state(self, target: Target) -> TargetState:
        return TargetState(target, exists=True)

    async def close(self) -> None:
        self.calls.append("close")


class NoSecrets(ForumSecrets):
    def get(self, name: str) -> str:
        return ""

    def set(self, name: str, value: str) -> None:
        raise AssertionError("nothing is stored in these tests")


def no_web(base: str) -> Web:
    raise AssertionError("nothing is fetched in these tests")


def context(**more: Any) -> ForumContext:
    return ForumContext("garden", QuietSettings(), NoSecrets(), no_web, lambda: NOW, **more)
