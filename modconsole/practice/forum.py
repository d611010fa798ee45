"""The adapter of the simulated forum: the contract of `ports.Forum`, kept to the letter, over an invented world."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.errors import NotFound
from modconsole.core.model import (
    AgeBand,
    Flag,
    FlagSource,
    Member,
    MemberState,
    Post,
    Target,
    TargetKind,
    Thread,
    Visibility,
)
from modconsole.ports.forum import (
    Ability,
    Capabilities,
    Cursor,
    Feature,
    FlagPage,
    Forum,
    ForumContext,
    ForumInfo,
    Identity,
    Support,
    setting,
)
from modconsole.practice.world import ARRIVAL_SECONDS, World, moment

__all__ = ["SimulatedForum", "SimulatedSettings"]

PAGE = 2_000
FILE_NAME = "practice.db"

_NATIVE = Ability(Support.NATIVE)
_BY_HAND = (Action.EMERGENCY_CALL, Action.REPORT_EXTERNAL, Action.MESSAGE_THIRD_PARTY)
_ABILITIES: dict[Action, Ability] = {
    **{action: _NATIVE for action in Action if action not in (*_BY_HAND, Action.WATCH)},
    Action.ESCALATE_LEAD: Ability(Support.NATIVE, "a note in the invented forum's staff room"),
    Action.ESCALATE_CLINICAL: Ability(Support.NATIVE, "a note in the invented forum's staff room"),
}


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    name: str = setting("Name of the forum", default="Lantern")
    arrivals: bool = setting("More flags arrive while you work", default=True)


class SimulatedForum(Forum):
    """An invented forum in a file. Nothing on it is real and nothing leaves this machine."""

    kind: ClassVar[str] = "simulated"
    title: ClassVar[str] = "Simulated forum (demo)"
    Settings: ClassVar[type[SimulatedSettings]] = SimulatedSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        _ABILITIES,
        {feature: _NATIVE for feature in Feature if feature is not Feature.CLAIM},
    )
    poll_seconds: ClassVar[float] = 5.0

    def __init__(self, context: ForumContext) -> None:
        super().__init__(context)
        self._world: World | None = None

    @property
    def world(self) -> World:
        if self._world is None:
            folder = self.context.folder
            if folder is None:
                raise NotFound("The simulated forum has no folder to live in.")
            self._world = World(folder / FILE_NAME)
        return self._world

    @property
    def _now(self) -> int:
        return int(self.context.now().timestamp())

    async def connect(self) -> ForumInfo:
        if self.context.settings.arrivals:
            self._schedule_arrivals()
        return ForumInfo(
            name=self.context.settings.name,
            server="simulated",
            version="1",
            me="moderator",
            me_name="Moderator (demo)",
            capabilities=self.capabilities,
        )

    def _schedule_arrivals(self) -> None:
        """Let the flags that have not come yet come one by one from now on."""
        waiting = self.world.all(
            "select n, arrives from flags where seq is null and arrives > ? order by n", self._now
        )
        for place, row in enumerate(waiting, 1):
            self.world.db.execute(
                "update flags set arrives = ?, at = ? where n = ?",
                (self._now + place * ARRIVAL_SECONDS, self._now + place * ARRIVAL_SECONDS, row["n"]),
            )

    async def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        with self._writing() as db:
            last = db.execute("select coalesce(max(seq), 0) from flags").fetchone()[0]
            db.execute(
                "update flags set seq = n2.place from "
                "(select n, ? + row_number() over (order by arrives, n) as place from flags "
                " where seq is null and arrives <= ?) as n2 where flags.n = n2.n",
                (last, self._now),
            )
        seen = int(since or 0)
        while True:
            rows = self.world.all(
                "select f.*, p.thread, m.name as reporter_name from flags f join posts p on p.id = f.post "
                "left join members m on m.id = f.reporter where f.seq > ? and f.answered = 0 order by f.seq limit ?",
                seen,
                PAGE,
            )
            if not rows:
                return
            seen = rows[-1]["seq"]
            posts = {row["post"]: self._post(row["post"]) for row in rows}
            yield FlagPage(tuple(_flag(row) for row in rows), tuple(posts.values()), (), str(seen))

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        here = self._row(target)
        rows = self.world.all("select id from posts where thread = ? order by at, n", here["thread"])
        ids = [row["id"] for row in rows]
        place = ids.index(here["id"])
        chosen = ids[max(0, place - before) : place + after + 1]
        thread = self.world.one("select * from threads where id = ?", here["thread"])
        return Thread(
            here["thread"],
            thread["title"] if thread else "",
            tuple(self._post(id) for id in chosen),
            more_before=place > before,
            more_after=len(ids) > place + after + 1,
            locked=bool(thread and thread["locked"]),
        )

    async def post(self, target: Target) -> Post:
        return self._post(self._row(target)["id"])

    async def member(self, id: str) -> Member:
        row = self._member_row(id)
        posts = self.world.one("select count(*) as count from posts where author = ?", id)
        return Member(
            id,
            row["name"],
            joined_at=moment(row["joined_at"]),
            posts=posts["count"] if posts else 0,
            flagged_before=row["flagged_before"],
            state=MemberState(row["state"]),
            state_until=moment(row["state_until"]),
            age_band=AgeBand(row["age_band"]),
            place=row["place"],
            staff_notes=(row["note"],) if row["note"] else (),
        )

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        rows = self.world.all("select id from posts where author = ? order by at desc limit ?", id, limit)
        return tuple(self._post(row["id"]) for row in rows)

    async def identity(self, id: str) -> Identity:
        row = self._member_row(id)
        return Identity({"e-mail": f"{row['name'].lower()}@lantern.invalid"})

    async def read_state(self, target: Target) -> TargetState:
        return self._state(target)

    async def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None

    # Acting

    async def ask(self, order: ActionOrder) -> Outcome:
        done = self.world.one("select * from orders where id = ?", order.id)
        if done is not None:
            return Outcome(
                OutcomeKind.ALREADY, "This was done at an earlier try.", self._state(order.target), order.id
            )
        with self._writing() as db:
            outcome = self._apply(db, order)
            if outcome.kind is OutcomeKind.APPLIED:
                db.execute(
                    "insert into orders values (?, ?, ?, ?, ?, ?)",
                    (order.id, order.action, order.target.id, order.target.kind, outcome.detail, self._now),
                )
        return Outcome(outcome.kind, outcome.detail, self._state(order.target), order.id)

    def _apply(self, db: sqlite3.Connection, order: ActionOrder) -> Outcome:
        if order.target.kind is TargetKind.MEMBER:
            return self._apply_to_member(db, order)
        post = self._row(order.target)
        if order.seen_version and order.seen_version != str(post["version"]):
            return Outcome(OutcomeKind.CONFLICT, "The post was changed since you read it.")
        return self._apply_to_post(db, order, post)

    def _apply_to_post(self, db: sqlite3.Connection, order: ActionOrder, post: sqlite3.Row) -> Outcome:
        id, thread = post["id"], post["thread"]
        match order.action:
            case Action.KEEP | Action.NO_ACTION:
                return _said(
                    self._answer(db, id), "Its flags are answered.", "Its flags were answered already."
                )
            case Action.KEEP_REPLY:
                self._reply(db, order, thread)
                self._answer(db, id)
                return Outcome(OutcomeKind.APPLIED, "Your reply is under the post.")
            case Action.EDIT:
                if post["text"] == order.text:
                    return Outcome(OutcomeKind.ALREADY, "The post reads like that already.")
                db.execute(
                    "update posts set text = ?, version = version + 1, edited_by = 'a moderator' where id = ?",
                    (order.text, id),
                )
                return Outcome(OutcomeKind.APPLIED, "The post is marked as edited by a moderator.")
            case Action.HIDE | Action.HOLD | Action.REMOVE:
                wanted = _VISIBILITY[order.action]
                if post["visibility"] == wanted:
                    return Outcome(OutcomeKind.ALREADY, f"The post was {wanted} already.")
                db.execute("update posts set visibility = ? where id = ?", (wanted, id))
                self._answer(db, id)
                return Outcome(OutcomeKind.APPLIED, f"The post is {wanted}.")
            case Action.LOCK_THREAD:
                return self._set_thread(db, thread, "locked", 1, "The thread is locked.")
            case Action.SLOW_THREAD:
                return self._set_thread(db, thread, "slow", 1, "The thread is slow now.")
            case Action.SPLIT_THREAD:
                return self._split(db, post)
            case Action.MOVE:
                return self._set_thread(
                    db, thread, "area", "Quiet corner", "The thread is in the quiet corner."
                )
            case Action.ESCALATE_LEAD | Action.ESCALATE_CLINICAL:
                who = "safeguarding lead" if order.action is Action.ESCALATE_LEAD else "clinical lead"
                db.execute(
                    "insert into staff_room values (?, ?, ?)",
                    (order.id, f"For the {who}: post {id}.", self._now),
                )
                return Outcome(OutcomeKind.APPLIED, f"A note for the {who} is in the staff room.")
            case Action.RESTORE:
                return self._restore_post(db, order, post)
        return Outcome(OutcomeKind.REFUSED, f"The simulated forum cannot {order.action} a post.")

    def _apply_to_member(self, db: sqlite3.Connection, order: ActionOrder) -> Outcome:
        member = self._member_row(order.target.id)
        match order.action:
            case Action.MESSAGE_MEMBER:
                db.execute(
                    "insert into messages values (?, ?, ?, ?)",
                    (order.id, member["id"], order.text, self._now),
                )
                return Outcome(OutcomeKind.APPLIED, "The message is in the member's inbox.")
            case Action.RESTRICT_ACCOUNT | Action.SUSPEND | Action.CLOSE_ACCOUNT:
                wanted = _MEMBER_STATE[order.action]
                until = int(order.until.timestamp()) if order.until else None
                if member["state"] == wanted and member["state_until"] == until:
                    return Outcome(OutcomeKind.ALREADY, f"The account was {wanted} already.")
                db.execute(
                    "update members set state = ?, state_until = ? where id = ?",
                    (wanted, until, member["id"]),
                )
                return Outcome(OutcomeKind.APPLIED, f"The account is {wanted}.")
            case Action.RESTORE:
                if member["state"] == MemberState.ACTIVE:
                    return Outcome(OutcomeKind.ALREADY, "The account was active already.")
                db.execute(
                    "update members set state = 'active', state_until = null where id = ?", (member["id"],)
                )
                return Outcome(OutcomeKind.APPLIED, "The account is active again.")
        return Outcome(OutcomeKind.REFUSED, f"The simulated forum cannot {order.action} an account.")

    def _restore_post(self, db: sqlite3.Connection, order: ActionOrder, post: sqlite3.Row) -> Outcome:
        if order.undoes is Action.LOCK_THREAD:
            return self._set_thread(db, post["thread"], "locked", 0, "The thread is open again.")
        if post["visibility"] == Visibility.VISIBLE:
            return Outcome(OutcomeKind.ALREADY, "The post was visible already.")
        db.execute("update posts set visibility = 'visible' where id = ?", (post["id"],))
        return Outcome(OutcomeKind.APPLIED, "Members can see the post again.")

    def _set_thread(
        self, db: sqlite3.Connection, thread: str, column: str, value: object, said: str
    ) -> Outcome:
        row = db.execute("select * from threads where id = ?", (thread,)).fetchone()
        if row[column] == value:
            return Outcome(OutcomeKind.ALREADY, "It was so already.")
        # `column` is one of our own three words, never a stranger's.
        db.execute(f"update threads set {column} = ? where id = ?", (value, thread))  # noqa: S608
        return Outcome(OutcomeKind.APPLIED, said)

    def _split(self, db: sqlite3.Connection, post: sqlite3.Row) -> Outcome:
        new = f"{post['id']}-split"
        if post["thread"] == new:
            return Outcome(OutcomeKind.ALREADY, "It has a thread of its own already.")
        db.execute("insert into threads (id, title) values (?, 'Moved to its own thread')", (new,))
        db.execute(
            "update posts set thread = ? where thread = ? and (at, n) >= (?, ?)",
            (new, post["thread"], post["at"], post["n"]),
        )
        return Outcome(OutcomeKind.APPLIED, "The post and its replies have a thread of their own.")

    def _reply(self, db: sqlite3.Connection, order: ActionOrder, thread: str) -> None:
        db.execute(
            "insert into posts (id, thread, author, text, at, staff) values (?, ?, 'moderator', ?, ?, 1)",
            (f"reply-{order.id}", thread, order.text, self._now),
        )

    def _answer(self, db: sqlite3.Connection, post: str) -> bool:
        return (
            db.execute("update flags set answered = 1 where post = ? and answered = 0", (post,)).rowcount > 0
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        db = self.world.db
        db.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")

    # Reading

    def _row(self, target: Target) -> sqlite3.Row:
        row = self.world.one("select * from posts where id = ?", target.id)
        if row is None:
            raise NotFound(f"The forum has no post {target.id}.")
        return row

    def _member_row(self, id: str) -> sqlite3.Row:
        row = self.world.one("select * from members where id = ?", id)
        if row is None:
            raise NotFound(f"The forum has no member {id}.")
        return row

    def _post(self, id: str) -> Post:
        row = self.world.one(
            "select p.*, m.name, t.title from posts p left join members m on m.id = p.author "
            "join threads t on t.id = p.thread where p.id = ?",
            id,
        )
        if row is None:
            raise NotFound(f"The forum has no post {id}.")
        return Post(
            Target(TargetKind.POST, row["id"], row["thread"]),
            row["author"],
            row["name"] or "Moderator (demo)",
            row["text"],
            moment(row["at"]),
            str(row["version"]),
            row["title"],
            attachments=row["images"],
            visibility=Visibility(row["visibility"]),
            by_staff=bool(row["staff"]),
        )

    def _state(self, target: Target) -> TargetState:
        if target.kind is TargetKind.MEMBER:
            row = self.world.one("select * from members where id = ?", target.id)
            if row is None:
                return TargetState(target, exists=False)
            return TargetState(
                target, exists=True, member_state=MemberState(row["state"]), until=moment(row["state_until"])
            )
        row = self.world.one(
            "select p.*, t.locked from posts p join threads t on t.id = p.thread where p.id = ?", target.id
        )
        if row is None:
            return TargetState(target, exists=False)
        waiting = self.world.one(
            "select count(*) as count from flags where post = ? and answered = 0", target.id
        )
        return TargetState(
            target,
            exists=True,
            visibility=Visibility(row["visibility"]),
            version=str(row["version"]),
            locked=bool(row["locked"]),
            flags_open=bool(waiting and waiting["count"]),
            text=row["text"],
        )


_VISIBILITY = {
    Action.HIDE: Visibility.HIDDEN,
    Action.HOLD: Visibility.HELD,
    Action.REMOVE: Visibility.REMOVED,
}
_MEMBER_STATE = {
    Action.RESTRICT_ACCOUNT: MemberState.RESTRICTED,
    Action.SUSPEND: MemberState.SUSPENDED,
    Action.CLOSE_ACCOUNT: MemberState.CLOSED,
}


def _said(changed: bool, done: str, already: str) -> Outcome:
    return Outcome(OutcomeKind.APPLIED, done) if changed else Outcome(OutcomeKind.ALREADY, already)


def _flag(row: sqlite3.Row) -> Flag:
    return Flag(
        str(row["n"]),
        Target(TargetKind.POST, row["post"], row["thread"]),
        row["reason"],
        datetime.fromtimestamp(row["at"], UTC),
        topic=row["topic"],
        comment=row["comment"],
        reporter=row["reporter"],
        reporter_name=row["reporter_name"] or "",
        source=FlagSource(row["source"]),
    )
