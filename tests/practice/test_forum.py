"""The simulated forum keeps the contract it shows to others, and its actions really change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modconsole.core.actions import ACTIONS, Action, ActionOrder, OutcomeKind, Where
from modconsole.core.errors import NotFound
from modconsole.core.model import MemberState, Target, TargetKind, Visibility
from modconsole.core.topics import TOPICS
from modconsole.ports.forum import ForumContext, ForumSecrets, Support
from modconsole.practice import SimulatedForum, build
from modconsole.practice.content import THREADS
from modconsole.practice.forum import FILE_NAME, SimulatedSettings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class NoSecrets(ForumSecrets):
    def get(self, name):
        return ""

    def set(self, name, value):
        raise AssertionError("the simulated forum has no secrets")


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def forum(tmp_path, clock):
    build(tmp_path / FILE_NAME, now=NOW)
    made = SimulatedForum(
        ForumContext(
            "lantern", SimulatedSettings(), NoSecrets(), lambda _: pytest.fail("no web"), clock, tmp_path
        )
    )
    yield made
    await made.close()


async def taken(forum, since=""):
    return [page async for page in forum.flags(since)]


HEAVY = Target(TargetKind.POST, "t03-1", "t03")
AUTHOR = Target(TargetKind.MEMBER, "m20")


def order(action, target=HEAVY, **more):
    return ActionOrder(f"o-{action}", action, target, **more)


def test_flags_cover_every_topic_and_posts_are_about_sixty():
    posts = [post for thread in THREADS for post in thread.posts]

    assert {flag.topic for post in posts for flag in post.flags} == set(TOPICS)
    assert len(THREADS) == 20
    assert 50 <= len(posts) <= 70


async def test_flags_come_once_and_the_cursor_goes_on_from_there(forum):
    pages = await taken(forum)

    assert sum(len(page.flags) for page in pages) > 35
    assert await taken(forum, pages[-1].cursor) == []


async def test_more_flags_arrive_while_somebody_works(forum, clock):
    await forum.connect()
    cursor = (await taken(forum))[-1].cursor
    clock.now += timedelta(minutes=5)

    later = await taken(forum, cursor)

    assert len(later[0].flags) >= 4


async def test_every_flag_comes_with_its_post(forum):
    page = (await taken(forum))[0]

    assert {flag.target.id for flag in page.flags} == {post.target.id for post in page.posts}


@pytest.mark.parametrize(
    ("action", "seen"), [(Action.HIDE, "hidden"), (Action.HOLD, "held"), (Action.REMOVE, "removed")]
)
async def test_what_members_can_see_really_changes_and_comes_back(forum, action, seen):
    outcome = await forum.ask(order(action))
    assert outcome.kind is OutcomeKind.APPLIED
    assert outcome.state.visibility == seen

    restored = await forum.ask(order(Action.RESTORE, undoes=action))
    assert restored.kind is OutcomeKind.APPLIED
    assert (await forum.post(HEAVY)).visibility is Visibility.VISIBLE


async def test_the_same_order_twice_is_done_once(forum):
    reply = order(Action.KEEP_REPLY, text="Thank you for telling us.")
    before = len((await forum.thread(HEAVY, 50, 50)).posts)

    first, second = await forum.ask(reply), await forum.ask(replace(reply, attempt=2))

    assert (first.kind, second.kind) == (OutcomeKind.APPLIED, OutcomeKind.ALREADY)
    assert len((await forum.thread(HEAVY, 50, 50)).posts) == before + 1


async def test_another_order_for_what_is_so_already_says_already(forum):
    await forum.ask(order(Action.HIDE))

    again = await forum.ask(replace(order(Action.HIDE), id="o-other"))

    assert again.kind is OutcomeKind.ALREADY


async def test_a_post_that_changed_since_it_was_read_is_a_conflict(forum):
    read = await forum.post(HEAVY)
    await forum.ask(order(Action.EDIT, text="[taken out by a moderator]"))

    outcome = await forum.ask(order(Action.HIDE, seen_version=read.version))

    assert outcome.kind is OutcomeKind.CONFLICT
    assert (await forum.post(HEAVY)).visibility is Visibility.VISIBLE


async def test_a_message_is_in_the_members_inbox(forum):
    await forum.ask(order(Action.MESSAGE_MEMBER, AUTHOR, text="Hello"))

    assert [row["text"] for row in forum.world.all("select text from messages where member = 'm20'")] == [
        "Hello"
    ]


async def test_a_suspension_has_its_end_and_can_be_lifted(forum):
    until = NOW + timedelta(days=7)
    await forum.ask(order(Action.SUSPEND, AUTHOR, until=until))
    member = await forum.member("m20")
    assert (member.state, member.state_until) == (MemberState.SUSPENDED, until)

    await forum.ask(order(Action.RESTORE, AUTHOR, undoes=Action.SUSPEND))
    assert (await forum.member("m20")).state is MemberState.ACTIVE


async def test_every_action_a_forum_can_do_changes_this_one(forum):
    for action, ability in forum.capabilities.actions.items():
        if ability.support is not Support.NATIVE or action is Action.RESTORE:
            continue
        on = AUTHOR if ACTIONS[action].acts_on_member else Target(TargetKind.POST, "t12-2", "t12")
        outcome = await forum.ask(order(action, on, text="Some words", until=NOW + timedelta(days=1)))
        assert outcome.kind in (OutcomeKind.APPLIED, OutcomeKind.ALREADY), action


async def test_only_what_people_do_is_left_to_people(forum):
    left = [action for action in Action if not forum.capabilities.of(action).works]

    assert all(ACTIONS[action].where in (Where.PERSON, Where.DESK) for action in left)


async def test_answering_a_post_answers_its_flags(forum):
    await forum.ask(order(Action.NO_ACTION))

    assert (await forum.read_state(HEAVY)).flags_open is False


async def test_what_is_not_there_is_not_found(forum):
    with pytest.raises(NotFound):
        await forum.post(Target(TargetKind.POST, "nothing"))
    assert (await forum.read_state(Target(TargetKind.POST, "nothing"))).exists is False


async def test_members_have_histories_and_the_forum_shows_no_address(forum):
    member = await forum.member("m01")

    assert await forum.history("m01", 10)
    assert "@" not in repr(member)


async def test_many_cases_can_be_asked_for(tmp_path, clock):
    build(tmp_path / FILE_NAME, now=NOW, cases=500)
    made = SimulatedForum(
        ForumContext("l", SimulatedSettings(), NoSecrets(), lambda _: None, clock, tmp_path)
    )
    flagged = {flag.target.id for page in await taken(made) for flag in page.flags}
    await made.close()

    assert len(flagged) == 500


def test_the_same_seed_makes_the_same_world(tmp_path):
    for name in ("a.db", "b.db"):
        build(tmp_path / name, now=NOW, seed=3, cases=60)

    import sqlite3

    def dump(name):
        db = sqlite3.connect(tmp_path / name)
        rows = db.execute("select id, author, at from posts order by n").fetchall()
        db.close()
        return rows

    assert dump("a.db") == dump("b.db")
