"""A desk with nothing behind it but memory: the desk itself is real, what it speaks to is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import ClassVar, cast

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.decision import DecisionState, Entry, EntryKind, Record, fold
from modconsole.core.errors import VaultLocked
from modconsole.core.model import (
    Case,
    CaseFile,
    CaseState,
    Claim,
    Flag,
    Member,
    Note,
    Post,
    Target,
    TargetKind,
    Thread,
)
from modconsole.core.protocol import (
    Channel,
    Consequence,
    Governance,
    Operator,
    Option,
    ProtocolStatus,
    Question,
    QuestionType,
    Resource,
    ResourceWish,
    ReviewProtocol,
    Step,
    Style,
    Template,
    Test,
    When,
)
from modconsole.core.run import Run, RunEvent
from modconsole.core.urgency import Urgency
from modconsole.desk import Approvals, Casework, Decisions, Desk, Forums, Intake, SettingsFirst
from modconsole.ports import (
    Ability,
    AdapterCatalogue,
    AuditLog,
    Bundle,
    Capabilities,
    CaseRow,
    CaseStore,
    Cursor,
    Draft,
    Feature,
    Finding,
    FlagPage,
    Forum,
    ForumInfo,
    ForumSettings,
    LibraryProblem,
    LogHead,
    LogQuery,
    LookSettings,
    Notifier,
    ProtocolLibrary,
    QueueFilter,
    Receipt,
    ServiceSettings,
    Settings,
    Support,
    Vault,
    VerifyReport,
)
from modconsole.ports.settings import Contact
from modconsole.screens import ScreenNotifier

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

YES_UNCLEAR_NO = (Option("yes", "Yes"), Option("unclear", "Unclear"), Option("no", "No"))


class MemoryStore(CaseStore):
    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.files: dict[str, CaseFile] = {}
        self._runs: dict[str, dict[str, Run]] = {}
        self._notes: dict[str, list[Note]] = {}
        self._drafts: dict[str, dict[str, Draft]] = {}
        self._cursors: dict[str, str] = {}
        self._version = 0
        self.rows_asked = 0
        self.locked: Callable[[], bool] = lambda: False

    def _ordered(self, wanted: QueueFilter) -> list[Case]:
        state = CaseState.CLOSED if wanted.closed else CaseState.OPEN
        fitting = [
            case
            for case in self.cases.values()
            if case.state is state
            and (not wanted.forum or case.forum == wanted.forum)
            and (not wanted.urgency or case.urgency == wanted.urgency)
            and (not wanted.without or wanted.without not in case.passed_on_by)
            and wanted.text.lower() in f"{case.id} {case.forum} {case.topic}".lower()
        ]
        return sorted(fitting, key=lambda case: (case.urgency.rank, case.flagged_at, case.id))

    def count(self, wanted: QueueFilter) -> int:
        return len(self._ordered(wanted))

    def rows(self, wanted: QueueFilter, first: int, count: int) -> list[CaseRow]:
        self.rows_asked += 1
        return [row_of(case) for case in self._ordered(wanted)[first : first + count]]

    def position(self, wanted: QueueFilter, case: str) -> int | None:
        ids = [found.id for found in self._ordered(wanted)]
        return ids.index(case) if case in ids else None

    def version(self) -> int:
        return self._version

    def take_in(self, cases: Sequence[tuple[Case, CaseFile]]) -> None:
        for case, file in cases:
            self.cases[case.id] = case
            self.files[case.id] = file
        self._version += 1

    def case(self, id: str) -> Case | None:
        return self.cases.get(id)

    def case_by_token(self, token: str) -> Case | None:
        return next((case for case in self.cases.values() if case.token == token), None)

    def case_at(self, forum: str, target: Target) -> Case | None:
        key = (forum, target.kind, target.id)
        return next((c for c in self.cases.values() if (c.forum, c.target.kind, c.target.id) == key), None)

    def file(self, case: Case) -> CaseFile:
        if self.locked():
            raise VaultLocked("The keys are locked.")
        return self.files[case.id]

    def save_case(self, case: Case) -> None:
        self.cases[case.id] = case
        self._version += 1

    def save_file(self, case: Case, file: CaseFile) -> None:
        self.files[case.id] = file

    def claim(self, case: str, by: str, until: datetime, now: datetime, *, take_over: bool = False) -> Case:
        found = self.cases[case]
        held = found.claim is not None and found.claim.by != by and found.claim.until > now
        if not held or take_over:
            found = replace(found, claim=Claim(by, until))
            self.save_case(found)
        return found

    def release(self, case: str, by: str) -> None:
        found = self.cases[case]
        if found.claim is not None and found.claim.by == by:
            self.save_case(replace(found, claim=None))

    def follow_ups(self, until: datetime) -> list[Case]:
        due = [c for c in self.cases.values() if c.state is CaseState.CLOSED and c.follow_up_at]
        return [case for case in due if case.follow_up_at and case.follow_up_at <= until]

    def runs(self, case: Case) -> list[Run]:
        return list(self._runs.get(case.id, {}).values())

    def start_run(self, case: Case, run: Run) -> None:
        self._runs.setdefault(case.id, {})[run.id] = run

    def add_event(self, case: Case, run: str, event: RunEvent) -> None:
        known = self._runs[case.id][run]
        self._runs[case.id][run] = replace(known, events=(*known.events, event))

    def notes(self, case: Case) -> list[Note]:
        return self._notes.get(case.id, [])

    def add_note(self, case: Case, note: Note) -> None:
        self._notes.setdefault(case.id, []).append(note)

    def drafts(self, case: Case) -> list[Draft]:
        return list(self._drafts.get(case.id, {}).values())

    def save_draft(self, case: Case, draft: Draft) -> None:
        mine = self._drafts.setdefault(case.id, {})
        mine.pop(draft.name, None)
        if draft.text:
            mine[draft.name] = draft

    def cursor(self, forum: str) -> str:
        return self._cursors.get(forum, "")

    def save_cursor(self, forum: str, cursor: str) -> None:
        self._cursors[forum] = cursor

    def remembered(self, key: str) -> str:
        return ""

    def remember(self, key: str, value: str) -> None: ...

    def earlier_cases(self, case: Case, limit: int = 20) -> list[Case]:
        same = [c for c in self.cases.values() if c.member_key == case.member_key and c.id != case.id]
        return same[:limit] if case.member_key else []

    def of_member(self, forum: str, member_key: str) -> list[Case]:
        return [
            c for c in self.cases.values() if member_key and (c.forum, c.member_key) == (forum, member_key)
        ]

    def erase(self, tokens: Collection[str]) -> int:
        gone = [case.id for case in self.cases.values() if case.token in tokens]
        for kept in (self.cases, self.files, self._runs, self._notes, self._drafts):
            for id in gone:
                kept.pop(id, None)
        self._version += 1
        return len(gone)

    def clear_wal(self) -> bool:
        return True

    def close(self) -> None: ...


def row_of(case: Case) -> CaseRow:
    """Give the queue's row of a case."""

    def at(moment: datetime | None) -> int:
        return int(moment.timestamp()) if moment else 0

    return CaseRow(
        case.id,
        case.forum,
        case.urgency.value,
        case.topic,
        case.flags,
        case.length,
        at(case.flagged_at),
        at(case.due),
        case.claim.by if case.claim else "",
        at(case.claim.until) if case.claim else 0,
        case.first_opened_at is not None,
        case.last_decided_at is not None,
        case.state.value,
        case.target.kind.value,
        case.resolved_elsewhere,
        case.changed_since_flagged,
        at(case.follow_up_at),
    )


class MemoryLog(AuditLog):
    def __init__(self) -> None:
        self.entries: list[Record] = []

    def seal(self, entry: Entry) -> Receipt:
        seq = len(self.entries)
        self.entries.append(Record("memory", seq, f"{seq:064x}", entry, {}, entry.body is not None))
        return Receipt("memory", seq, f"{seq:064x}")

    def kinds(self) -> list[str]:
        return [record.entry.kind.value for record in self.entries]

    def records(
        self, query: LogQuery, *, newest_first: bool = True, limit: int = 100, before: int = 0
    ) -> list[Record]:
        found = [
            record
            for record in self.entries
            if (not query.decision or record.entry.decision == query.decision)
            and (query.kind is None or record.entry.kind is query.kind)
        ]
        return (found[::-1] if newest_first else found)[:limit]

    def erase(self, case: str) -> int:
        return 0

    def clear_wal(self) -> bool:
        return True

    def open_body(self, record: Record) -> Mapping[str, object] | None:
        return record.entry.body

    def decision(self, decision: str) -> DecisionState | None:
        return fold(self.entries).get(decision)

    def decisions_of(self, case: str) -> list[DecisionState]:
        return [state for state in fold(self.entries).values() if state.case == case]

    def unsettled(self) -> list[DecisionState]:
        return [state for state in fold(self.entries).values() if not state.is_settled]

    def last_config_hash(self) -> str:
        return "same"

    def heads(self) -> list[LogHead]:
        return [LogHead("memory", len(self.entries), "", "", "")]

    def verify(self) -> VerifyReport:
        return VerifyReport((), len(self.entries), (), 0)

    def shortened(self) -> list[Finding]:
        return []

    def export_lines(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        return iter(())

    def close(self) -> None: ...


class MemoryVault(Vault):
    def __init__(self, passphrase: str = "") -> None:
        self._passphrase = passphrase
        self._locked = True

    @property
    def is_locked(self) -> bool:
        return self._locked

    @property
    def needs_passphrase(self) -> bool:
        return bool(self._passphrase)

    def unlock(self, passphrase: str = "") -> None:
        if passphrase != self._passphrase:
            raise VaultLocked("That is not the passphrase.")
        self._locked = False

    def seal(self, case: str, plain: bytes, about: bytes) -> bytes:
        return plain

    def seal_many(self, items: Iterable[tuple[str, bytes, bytes]]) -> list[bytes]:
        return [plain for _, plain, _ in items]

    def open(self, case: str, sealed: bytes, about: bytes) -> bytes:
        return sealed

    def seal_entry(self, case: str, plain: bytes, about: bytes) -> tuple[bytes, bytes, bytes]:
        return plain, b"", b""

    def open_entry(self, case: str, sealed: bytes, about: bytes, commitment: bytes) -> bytes | None:
        return sealed

    def pseudonym(self, forum: str, member: str) -> str:
        return f"{forum}:{member}"

    def sign(self, origin: str, message: bytes) -> bytes:
        return b""

    def verify_key(self, origin: str) -> bytes:
        return b""

    def erase(self, cases: Collection[str]) -> None: ...

    def rotate(self) -> None: ...

    def clear_wal(self) -> bool:
        return True

    def close(self) -> None: ...


def _choice(id: str, text: str, *on_answer: Consequence, required: bool = True) -> Question:
    return Question(
        id,
        text,
        QuestionType.CHOICE,
        required=required,
        options=YES_UNCLEAR_NO,
        safety=True,
        on_answer=on_answer,
    )


_GOVERNANCE = Governance("safeguarding_lead", date(2027, 5, 1), ("GUIDE",), ())

THOUGHTS = ReviewProtocol(
    id="suicide-thoughts",
    title="Talks of suicide, no sign of immediate danger",
    version="0.1.0",
    status=ProtocolStatus.DRAFT,
    style=Style.DO_CONFIRM,
    urgency=Urgency.SOON,
    trigger="A post mentions not wanting to go on, and nothing shows danger now.",
    look_for=("A change from how this member usually posts",),
    do_not=("Debate",),
    steps=(
        Step(
            "safety",
            "Check for immediate danger",
            why="Treating an emergency as a conversation is the most serious miss.",
            questions=(
                _choice(
                    "imminent",
                    "Does anything suggest danger now?",
                    Consequence(("yes", "unclear"), switch_to="suicide-immediate"),
                ),
            ),
        ),
        Step(
            "content",
            "Is the post safe for other people?",
            when=When((Test("imminent", Operator.EQUALS, ("no",)),)),
            questions=(
                _choice(
                    "unsafe", "Anything unsafe to read?", Consequence(("yes",), suggest_action=Action.HIDE)
                ),
            ),
            actions=(Action.HIDE,),
        ),
        Step(
            "change",
            "Is this different from how they usually post?",
            questions=(
                _choice("changed", "Worse, or new?", Consequence(("yes",), escalate="safeguarding_lead")),
            ),
        ),
        Step(
            "reply",
            "Reply and offer help",
            templates=("kind-reply",),
            resources=ResourceWish(("crisis",)),
            actions=(Action.KEEP_REPLY,),
        ),
        Step(
            "close",
            "Set the next look",
            questions=(
                Question("follow_up_at", "When will we look again?", QuestionType.DATETIME, required=True),
                Question(
                    "words", "Reason, in your words", QuestionType.TEXT, required=True, help="For the record."
                ),
            ),
        ),
    ),
    decisions=(Action.KEEP_REPLY, Action.HIDE, Action.NO_ACTION),
    close_requires=("follow_up_at",),
    governance=_GOVERNANCE,
    hash="a" * 64,
    finished_when="A reply was sent and the next look is set.",
    follow_up_after="24h",
)

IMMEDIATE = replace(
    THOUGHTS,
    id="suicide-immediate",
    title="May be about to act, or has acted",
    style=Style.READ_DO,
    urgency=Urgency.NOW,
    steps=(
        Step("ring", "Open the emergency panel", emergency=True),
        Step(
            "lead",
            "Tell the safeguarding lead",
            role="safeguarding_lead",
            within="15m",
            actions=(Action.ESCALATE_LEAD,),
        ),
        Step("write", "Write to the member now", templates=("kind-reply",), actions=(Action.MESSAGE_MEMBER,)),
    ),
    close_requires=(),
    hash="b" * 64,
)

KIND_REPLY = Template(
    "kind-reply",
    "1",
    "A member talks of not wanting to go on",
    "public",
    "Hello {member_name}, thank you for telling us. We look again at {next_look}. {resources}",
    ("member_name", "next_look", "resources"),
)

LISTENING = Resource(
    "listening-line",
    "A listening line",
    "listening",
    ("crisis",),
    (Channel("phone", "116 123", hours="day and night"),),
    ("GB",),
    verified_on=date(2026, 11, 1),
)
OLD_LINE = replace(LISTENING, id="old-line", name="An old line", verified_on=None)
EMERGENCY_LINE = replace(
    LISTENING, id="999", name="Emergency services", kind="emergency", channels=(Channel("phone", "999"),)
)


class MemoryLibrary(ProtocolLibrary):
    def __init__(self, *protocols: ReviewProtocol) -> None:
        self.protocols = {protocol.id: protocol for protocol in protocols or (THOUGHTS, IMMEDIATE)}
        self.templates = {KIND_REPLY.id: KIND_REPLY}
        self.earlier: dict[str, ReviewProtocol] = {}
        self.found_problems: list[LibraryProblem] = []
        self.crisis: list[Resource] = [LISTENING, OLD_LINE]

    def change(self, protocol: ReviewProtocol) -> None:
        """Do what somebody does who edits a protocol's file; the text before stays known by its hash."""
        before = self.protocols.get(protocol.id)
        if before is not None:
            self.earlier[before.hash] = before
        self.protocols[protocol.id] = protocol

    def stamp(self) -> str:
        return " ".join(protocol.hash for protocol in self.protocols.values())

    def ids(self) -> Sequence[str]:
        return tuple(self.protocols)

    def pack(self, id: str) -> str:
        return "core" if id in self.protocols else ""

    def get(self, id: str) -> ReviewProtocol | None:
        return self.protocols.get(id)

    def by_hash(self, hash: str) -> ReviewProtocol | None:
        known = [*self.protocols.values(), *self.earlier.values()]
        return next((protocol for protocol in known if protocol.hash == hash), None)

    def shipped(self, id: str) -> ReviewProtocol | None:
        return self.protocols.get(id)

    def bundle(self, hash: str) -> Bundle | None:
        return None

    def keep(self, protocol: ReviewProtocol) -> None: ...

    def template(self, id: str) -> Template | None:
        return self.templates.get(id)

    def resources(self, topics: Sequence[str], places: Sequence[str], limit: int) -> list[Resource]:
        return self.crisis[:limit]

    def emergency(self, places: Sequence[str]) -> list[Resource]:
        return [EMERGENCY_LINE]

    def all_resources(self) -> Sequence[Resource]:
        return (EMERGENCY_LINE, *self.crisis)

    def problems(self) -> Sequence[LibraryProblem]:
        return self.found_problems


FORUM_DOES = (
    Action.HIDE,
    Action.KEEP_REPLY,
    Action.MESSAGE_MEMBER,
    Action.RESTORE,
    Action.EDIT,
    Action.SUSPEND,
)


class MemoryForum(Forum):
    """A forum in memory: it does what it is asked, or what `becomes` says."""

    kind = "memory"
    title = "Memory"
    Settings = dict
    capabilities = Capabilities(
        {action: Ability(Support.NATIVE) for action in FORUM_DOES}
        | {Action.HIDE: Ability(Support.NATIVE, "Subscribers keep the e-mail they already got.")},
        {feature: Ability(Support.NATIVE) for feature in Feature},
    )
    poll_seconds: ClassVar[float] = 3600.0

    def __init__(self) -> None:
        self.posts: dict[str, Post] = {}
        self.pages: list[FlagPage] = []
        self.orders: list[ActionOrder] = []
        self.becomes: OutcomeKind | Exception = OutcomeKind.APPLIED
        self.fails: Exception | None = None
        self.names: dict[str, str] = {}

    async def connect(self) -> ForumInfo:
        self._fail()
        return ForumInfo("Memory", "memory", "1", "me", "Me", self.capabilities)

    async def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        self._fail()
        while self.pages:
            yield self.pages.pop(0)

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        self._fail()
        return Thread(target.thread, "Evenings", tuple(self.posts.values()))

    async def post(self, target: Target) -> Post:
        self._fail()
        return self.posts[target.id]

    async def member(self, id: str) -> Member:
        return Member(
            id, self.names.get(id, "Robin"), posts=12, flagged_before=1, staff_notes=("Likes gardens",)
        )

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        return tuple(post for post in self.posts.values() if post.author == id)

    async def ask(self, order: ActionOrder) -> Outcome:
        self.orders.append(order)
        if isinstance(self.becomes, Exception):
            raise self.becomes
        return Outcome(self.becomes)

    async def read_state(self, target: Target) -> TargetState:
        return TargetState(target, True)

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails


class OneForum(AdapterCatalogue):
    def __init__(self, forum: Forum) -> None:
        self._forum = forum

    def list(self) -> Sequence[object]:  # type: ignore[override]
        return ()

    def load(self, kind: str) -> type[Forum]:
        return type(self._forum)

    def open(self, forum: ForumSettings) -> Forum:
        return self._forum

    def settings_problems(self, forum: ForumSettings) -> Sequence[str]:
        return ()


@dataclass(frozen=True, slots=True)
class StandIn:
    """A desk, and what is behind it for a test to look at."""

    desk: Desk
    store: MemoryStore
    log: MemoryLog
    vault: MemoryVault
    forum: MemoryForum
    library: MemoryLibrary
    notifier: ScreenNotifier

    def add(self, number: int, **changes: object) -> Case:
        """Put one case into the store, and its post on the forum."""
        case, file = made_case(number, **changes)
        self.store.take_in([(case, file)])
        if file.post is not None:
            self.forum.posts[file.post.target.id] = file.post
        return case


_TOPICS = {
    Urgency.NOW: "suicide-immediate",
    Urgency.SOON: "suicide-thoughts",
    Urgency.TODAY: "identifying-information",
    Urgency.ROUTINE: "spam-fundraising-research-media",
}


def made_case(number: int, **changes: object) -> tuple[Case, CaseFile]:
    """Make a case with its file. `text`, `name`, `title`, `reason` and `comment` go into the file."""
    urgency = cast(Urgency, changes.pop("urgency", Urgency.SOON))
    target = Target(TargetKind.POST, f"p{number}", "t1")
    at = NOW - timedelta(minutes=60 - number)
    post = Post(
        target,
        f"m{number}",
        str(changes.pop("name", f"Robin{number}")),
        str(changes.pop("text", f"The evenings are long here, post {number}.")),
        at,
        "v1",
        str(changes.pop("title", "Evenings")),
    )
    flag = Flag(
        f"f{number}",
        target,
        str(changes.pop("reason", "worried")),
        at,
        comment=str(changes.pop("comment", "I am a little worried.")),
        reporter_name=str(changes.pop("reporter", "Kim")),
    )
    case = Case(
        id=f"c-aaaaaa{number:02}",
        token=f"{number:032x}",
        forum="memory",
        target=target,
        urgency=urgency,
        reasons=(),
        flagged_at=at,
        topic=_TOPICS[urgency],
        suggested=("suicide-thoughts",),
        length=len(post.text),
        member_key="robin",
    )
    return replace(case, **changes), CaseFile(post, (flag,))  # type: ignore[arg-type]


def stand_in(
    *,
    cases: int = 3,
    undo_seconds: int = 0,
    passphrase: str = "",
    look: LookSettings | None = None,
    demo: bool = True,
    allow_drafts: bool = True,
) -> StandIn:
    """Make a desk with some cases."""
    store, log, vault = MemoryStore(), MemoryLog(), MemoryVault(passphrase)
    store.locked = lambda: vault.is_locked
    forum, library, notifier = MemoryForum(), MemoryLibrary(), ScreenNotifier()
    service = ServiceSettings(
        "A service",
        "Europe/London",
        None,
        (),
        ("GB",),
        ("adult",),
        ("charity",),
        allow_drafts=allow_drafts,
        undo_seconds=undo_seconds,
        contacts=(Contact("safeguarding_lead", "Sam", "01632 960001", "9 to 5"),),
    )
    settings = Settings(
        Path("home"),
        demo,
        service,
        "alex",
        "moderator",
        "desk-1",
        (ForumSettings("memory", "memory", {}),),
        look or LookSettings(),
        "same",
    )
    numbers = count(1)

    def random(length: int) -> bytes:
        return next(numbers).to_bytes(length, "big")

    def now() -> datetime:
        return NOW

    told: Notifier = notifier
    forums = Forums(OneForum(forum), settings.forums, told, now)
    casework = Casework(store, log, library, forums, settings, now, random)
    decisions = Decisions(casework, log, told, now, random)
    intake = Intake(store, vault, forums, library, service, told, now, random)
    approvals = Approvals(log, library, vault, settings, now, "alex/approvals", lambda *signed: False)
    sealed = SettingsFirst(log, settings, now)
    desk = Desk(settings, vault, store, sealed, library, forums, intake, casework, decisions, now, approvals)
    made = StandIn(desk, store, log, vault, forum, library, notifier)
    for number in range(1, cases + 1):
        made.add(number)
    return made


def unsettled_entry(made: StandIn, case: Case, action: Action, *, asked: bool) -> str:
    """Leave a decision in the log as a crash would: sealed, perhaps asked, without an outcome."""
    from modconsole.desk import Choice

    made.vault.unlock()
    text = "A kind word." if action is Action.KEEP_REPLY else ""
    state = made.desk.decisions.decide(case.id, [Choice(action, text)], "because")
    if asked:
        order = state.orders[0]
        made.log.seal(
            Entry(
                EntryKind.ASKED,
                "alex",
                NOW,
                case=case.token,
                forum=case.forum,
                decision=state.id,
                orders=(order.id,),
                actions=(order.action.value,),
            )
        )
    return state.id
