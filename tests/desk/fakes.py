"""A log in memory, a forum that does as it is told, a catalogue and a library of two short protocols."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.decision import OUTLIVES_ITS_CASE, DecisionState, Entry, EntryKind, Record, fold
from modconsole.core.errors import LogError, NotFound, SettingsError, VaultLocked
from modconsole.core.model import Flag, Member, Post, Target, TargetKind, Thread
from modconsole.core.protocol import (
    Channel,
    Consequence,
    Governance,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    Resource,
    ReviewProtocol,
    Step,
    Style,
    Template,
)
from modconsole.core.urgency import Urgency
from modconsole.ports import (
    Ability,
    AdapterCatalogue,
    AdapterInfo,
    AuditLog,
    Bundle,
    Capabilities,
    Event,
    Feature,
    Finding,
    FlagPage,
    Forum,
    ForumContext,
    ForumInfo,
    ForumSecrets,
    ForumSettings,
    LibraryProblem,
    LogHead,
    LogQuery,
    Notifier,
    ProtocolLibrary,
    Receipt,
    Support,
    Vault,
    VerifyReport,
)

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Clock:
    """Moves a millisecond at every look, so that nothing happens at the same time as anything else."""

    def __init__(self) -> None:
        self.at = MORNING

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def forward(self, **more: float) -> None:
        self.at += timedelta(**more)


class Told(Notifier):
    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class MemoryLog(AuditLog):
    """Keeps entries in a list; what it promises about decisions is computed by `fold`, as in the real one."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._records: list[Record] = []
        self._bodies: list[str | None] = []

    def seal(self, entry: Entry) -> Receipt:
        if self._vault.is_locked:
            raise VaultLocked("The keys are locked.")
        seq = len(self._records)
        body = None if entry.body is None else json.dumps(dict(entry.body))
        self._bodies.append(body)
        self._records.append(
            Record("memory", seq, "", replace(entry, body=None), {}, body is not None, position=seq + 1)
        )
        return Receipt("memory", seq, "")

    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, before: int = 0
    ) -> list[Record]:
        found = [
            record
            for record in self._records
            if _matches(record.entry, query) and (not before or record.position < before)
        ]
        return (found[::-1] if newest_first else found)[:limit]

    def erase(self, case: str) -> int:
        gone = 0
        for number, record in enumerate(self._records):
            entry = record.entry
            if entry.case == case and record.has_body and entry.kind not in OUTLIVES_ITS_CASE:
                self._records[number] = replace(record, erased=True)
                self._bodies[number] = None
                gone += 1
        return gone

    def clear_wal(self) -> bool:
        return True

    def open_body(self, record: Record) -> Mapping[str, object] | None:
        if self._vault.is_locked:
            raise VaultLocked("The keys are locked.")
        body = self._bodies[record.seq]
        opened: Mapping[str, object] | None = None if body is None else json.loads(body)
        return opened

    def decision(self, decision: str) -> DecisionState | None:
        return fold(self._records).get(decision)

    def decisions_of(self, case: str) -> list[DecisionState]:
        return [state for state in fold(self._records).values() if state.case == case]

    def unsettled(self) -> list[DecisionState]:
        return [state for state in fold(self._records).values() if not state.is_settled]

    def last_config_hash(self) -> str:
        found = self.records(LogQuery(kind=EntryKind.CONFIG_CHANGED), limit=1)
        return found[0].entry.detail if found else ""

    def heads(self) -> list[LogHead]:
        return []

    def verify(self) -> VerifyReport:
        return VerifyReport((), len(self._records), (), 0)

    def shortened(self) -> list[Finding]:
        return []

    def export_lines(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        return iter([])

    def close(self) -> None:
        pass


def _matches(entry: Entry, query: LogQuery) -> bool:
    return all(
        (
            not query.case or entry.case == query.case,
            not query.decision or entry.decision == query.decision,
            query.kind is None or entry.kind is query.kind,
            not query.protocol or any(used.id == query.protocol for used in entry.protocols),
        )
    )


# A forum

SAID = "The heron was on the bridge again this morning, and I said hello."
ADA = "m-ada"
HERON = Target(TargetKind.POST, "p-heron", "t-river")

NATIVE = Ability(Support.NATIVE)
BY_PEOPLE = (
    Action.EMERGENCY_CALL,
    Action.REPORT_EXTERNAL,
    Action.MESSAGE_THIRD_PARTY,
    Action.ESCALATE_LEAD,
    Action.ESCALATE_CLINICAL,
    Action.WATCH,
)
EVERYTHING = Capabilities(
    {action: NATIVE for action in Action if action not in BY_PEOPLE},
    dict.fromkeys(Feature, NATIVE),
)


def a_post(text: str = SAID, version: str = "v1", target: Target = HERON, **more: Any) -> Post:
    return Post(target, more.pop("author", ADA), "Ada", text, MORNING, version, "By the river", **more)


def a_flag(id: str = "f1", reason: str = "worried", target: Target = HERON, **more: Any) -> Flag:
    at = more.pop("at", MORNING - timedelta(minutes=5))
    return Flag(id, target, reason, at, topic=more.pop("topic", "suicide-thoughts"), **more)


def a_page(*flags: Flag, posts: Sequence[Post] | None = None, cursor: str = "1", **more: Any) -> FlagPage:
    posts = (a_post(),) if posts is None else posts
    return FlagPage(flags or (a_flag(),), tuple(posts), cursor=cursor, **more)


Step_ = Outcome | BaseException | Callable[[ActionOrder], Outcome]


class FakeForum(Forum):
    """Does what its script says, one entry for each order; without one, it does what it is asked."""

    kind = "fake"
    title = "A forum for tests"
    Settings = type(None)
    capabilities = EVERYTHING

    def __init__(self, capabilities: Capabilities = EVERYTHING) -> None:
        self.capabilities = capabilities  # type: ignore[misc]  # each test's own
        self.pages: list[FlagPage | BaseException] = []
        self.since: list[str] = []
        self.posts: dict[str, Post] = {HERON.id: a_post()}
        self.script: list[Step_] = []
        self.orders: list[ActionOrder] = []
        self.connected = 0
        self.connecting: BaseException | None = None
        self.reading: BaseException | None = None
        self.while_asked: Callable[[ActionOrder], object] = lambda order: None

    async def connect(self) -> ForumInfo:
        await asyncio.sleep(0)
        if self.connecting is not None:
            raise self.connecting
        self.connected += 1
        return ForumInfo("Fake", "test", "1", "m-me", "Me", self.capabilities)

    async def flags(self, since: str) -> AsyncIterator[FlagPage]:
        self.since.append(since)
        for page in list(self.pages):
            if isinstance(page, BaseException):
                raise page
            yield page

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        return Thread("t-river", "By the river", tuple(self.posts.values()))

    async def post(self, target: Target) -> Post:
        if self.reading is not None:
            raise self.reading
        if target.id not in self.posts:
            raise NotFound("There is no such post.")
        return self.posts[target.id]

    async def member(self, id: str) -> Member:
        return Member(id, "Ada")

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        return ()

    async def ask(self, order: ActionOrder) -> Outcome:
        self.orders.append(order)
        self.while_asked(order)
        await asyncio.sleep(0)  # a real forum never answers at once, and meanwhile others have their turn
        step: Step_ = self.script.pop(0) if self.script else Outcome(OutcomeKind.APPLIED)
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, Outcome) else step(order)

    async def read_state(self, target: Target) -> TargetState:
        if self.reading is not None:
            raise self.reading
        return TargetState(target, exists=True)


class NoSecrets(ForumSecrets):
    def get(self, name: str) -> str:
        return ""

    def set(self, name: str, value: str) -> None:
        raise AssertionError("nothing here has secrets")


class FakeCatalogue(AdapterCatalogue):
    def __init__(self, forums: Mapping[str, Callable[[], Forum]]) -> None:
        self._forums = forums

    def list(self) -> Sequence[AdapterInfo]:
        return []

    def load(self, kind: str) -> type[Forum]:
        return FakeForum

    def open(self, forum: ForumSettings) -> Forum:
        if forum.id not in self._forums:
            raise SettingsError(f"The settings of “{forum.id}” do not fit its adapter.")
        return self._forums[forum.id]()

    def settings_problems(self, forum: ForumSettings) -> Sequence[str]:
        return ()


# Protocols

YES, UNCLEAR, NO = Option("yes", "Yes"), Option("unclear", "Unclear"), Option("no", "No")
IMMINENT = Question(
    "imminent",
    "Is anyone in danger now?",
    QuestionType.CHOICE,
    required=True,
    options=(YES, UNCLEAR, NO),
    safety=True,
)
FOLLOW_UP = Question("follow_up_at", "When will we look again?", QuestionType.DATETIME, required=True)


def a_protocol(id: str, steps: tuple[Step, ...], **more: Any) -> ReviewProtocol:
    return ReviewProtocol(
        id,
        more.pop("title", id.capitalize()),
        "0.1.0",
        more.pop("status", ProtocolStatus.DRAFT),
        Style.DO_CONFIRM,
        more.pop("urgency", Urgency.SOON),
        "A post makes somebody worry.",
        steps,
        (Action.KEEP_REPLY,),
        more.pop("close_requires", ("follow_up_at",)),
        Governance("safeguarding_lead", date(2027, 5, 1), (), ()),
        more.pop("hash", f"{id}-hash"),
        **more,
    )


def with_danger(**consequence: Any) -> Question:
    return replace(IMMINENT, on_answer=(Consequence(("yes", "unclear"), **consequence),))


CHECK = a_protocol(
    "suicide-thoughts",
    (
        Step("safety", "Check for danger.", questions=(with_danger(switch_to="suicide-immediate"),)),
        Step(
            "weather",
            "Say how the day is.",
            questions=(Question("mood", "How is the day?", QuestionType.TEXT),),
        ),
        Step("closing", "Set the next look.", questions=(FOLLOW_UP,)),
    ),
)
DANGER = a_protocol(
    "suicide-immediate",
    (
        Step("safety", "Check for danger.", questions=(with_danger(escalate="safeguarding_lead"),)),
        Step("ring", "Ring.", emergency=True, actions=(Action.EMERGENCY_CALL,)),
        Step("closing", "Set the next look.", questions=(FOLLOW_UP,)),
    ),
    urgency=Urgency.NOW,
)
HELLO = Template(
    "hello",
    "1",
    "A hello.",
    "private",
    "Hello {member_name}, we look again at {next_look}. {own_words}",
    ("member_name", "next_look", "own_words"),
)
LINE = Resource(
    "gb-999", "Emergency services", "emergency", ("emergency",), (Channel("phone", "999"),), ("GB",)
)


@dataclass
class FakeLibrary(ProtocolLibrary):
    protocols: dict[str, ReviewProtocol]
    broken: BaseException | None = None
    cannot_keep: BaseException | None = None

    def __post_init__(self) -> None:
        self.kept: dict[str, ReviewProtocol] = {}

    def stamp(self) -> str:
        return " ".join(protocol.hash for protocol in self.protocols.values())

    def ids(self) -> Sequence[str]:
        return tuple(self.protocols)

    def pack(self, id: str) -> str:
        return "core" if id in self.protocols else ""

    def get(self, id: str) -> ReviewProtocol | None:
        return self.protocols.get(id)

    def by_hash(self, hash: str) -> ReviewProtocol | None:
        return self.kept.get(hash)

    def shipped(self, id: str) -> ReviewProtocol | None:
        return self.protocols.get(id)

    def bundle(self, hash: str) -> Bundle | None:
        return None

    def keep(self, protocol: ReviewProtocol) -> None:
        if self.cannot_keep is not None:
            raise self.cannot_keep
        self.kept[protocol.hash] = protocol

    def template(self, id: str) -> Template | None:
        return HELLO if id == "hello" else None

    def resources(self, topics: Sequence[str], places: Sequence[str], limit: int) -> list[Resource]:
        return []

    def emergency(self, places: Sequence[str]) -> list[Resource]:
        if self.broken is not None:
            raise self.broken
        return [LINE]

    def all_resources(self) -> Sequence[Resource]:
        return (LINE,)

    def problems(self) -> Sequence[LibraryProblem]:
        return ()


def a_library() -> FakeLibrary:
    return FakeLibrary({protocol.id: protocol for protocol in (CHECK, DANGER)})


def a_context(folder: Any, now: Callable[[], datetime], settings: Any) -> ForumContext:
    def no_web(base: str) -> Any:
        raise LogError(f"no web for {base}")

    return ForumContext("lantern", settings, NoSecrets(), no_web, now, folder)
