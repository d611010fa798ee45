"""Whatever an adapter does costs its forum one error, and nothing else."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from modconsole.adapters.isolated import MOST_LEFT_BEHIND, Deadlines, IsolatedForum
from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind
from modconsole.core.errors import (
    BadAnswer,
    Conflict,
    ForumError,
    NotAuthorised,
    RateLimited,
    Unavailable,
    VaultLocked,
)
from modconsole.core.model import Post, Target, Visibility
from modconsole.ports.forum import FlagPage, Forum, ForumInfo
from tests.adapters.forums import FLAG, INFO, NOW, ORDER, POST, TARGET, Quiet, context

SHORT = Deadlines(read=0.05, close=0.05, grace=0.05)
SECRET = "the-token-and-a-members-words"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds adapters that block; opened at the end so that their threads go."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith("forum ") or thread.name == "adapter helper":
            thread.join(timeout=10)
            assert not thread.is_alive()


def with_post(behave: Callable[[Any], Any]) -> type[Quiet]:
    class Odd(Quiet):
        async def post(self, target: Target) -> Post:
            self.calls.append("post")
            return await behave(self)  # type: ignore[no-any-return]

    return Odd


async def failing(adapter: type[Forum]) -> ForumError:
    forum = IsolatedForum(adapter, context())
    with pytest.raises(ForumError) as caught:
        await forum.post(TARGET)
    await forum.close()
    return caught.value


async def test_a_well_behaved_adapter_is_passed_through_whole() -> None:
    forum = IsolatedForum(Quiet, context())

    assert (forum.kind, forum.title, forum.poll_seconds) == ("quiet", "Quiet forum", 30.0)
    assert await forum.connect() == INFO
    assert [page async for page in forum.flags("")] == [FlagPage((FLAG,), (POST,), cursor="1")]
    assert await forum.post(TARGET) == POST
    assert (await forum.thread(TARGET, 5, 5)).posts == (POST,)
    assert (await forum.member("m1")).name == "Wren"
    assert await forum.history("m1", 2) == (POST, POST)
    assert await forum.ask(ORDER) == Outcome(OutcomeKind.APPLIED)
    assert (await forum.read_state(TARGET)).exists
    assert (await forum.identity("m1")).fields == {}
    await forum.claim(TARGET)
    await forum.release(TARGET)
    await forum.close()


async def test_the_adapter_lives_on_another_thread() -> None:
    seen: list[str] = []

    async def look(self: Quiet) -> Post:
        seen.append(threading.current_thread().name)
        return POST

    forum = IsolatedForum(with_post(look), context())
    await forum.post(TARGET)
    await forum.close()

    assert seen == ["forum garden"]
    assert threading.current_thread().name != "forum garden"


async def test_connect_comes_first_even_when_the_desk_asks_something_else() -> None:
    class Fresh(Quiet):
        pass

    forum = IsolatedForum(Fresh, context())
    await forum.post(TARGET)
    await forum.post(TARGET)
    await forum.close()

    assert Fresh.made[0].calls == ["connect", "post", "post", "close"]


@pytest.mark.parametrize("failing_try", [1, 2])
async def test_after_a_failed_connect_the_next_call_connects_first(failing_try: int) -> None:
    class Moody(Quiet):
        tries = 0

        async def connect(self) -> ForumInfo:
            type(self).tries += 1
            if type(self).tries == failing_try:
                raise NotAuthorised("who are you?")
            return await super().connect()

    forum = IsolatedForum(Moody, context())
    for _ in range(failing_try - 1):
        await forum.connect()
    with pytest.raises(NotAuthorised):
        await forum.connect()

    assert await forum.post(TARGET) == POST
    assert Moody.tries == failing_try + 1
    await forum.close()


class Strange(BaseException):
    pass


@pytest.mark.parametrize(
    "raised",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        SystemExit(SECRET),
        KeyboardInterrupt(SECRET),
        GeneratorExit(SECRET),
        Strange(SECRET),
        StopIteration(SECRET),
        StopAsyncIteration(SECRET),
        RecursionError(SECRET),
        MemoryError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_anything_raised_becomes_an_error_that_names_its_type_and_not_its_words(
    raised: BaseException,
) -> None:
    async def behave(self: Quiet) -> Post:
        raise raised

    adapter = with_post(behave)
    forum = IsolatedForum(adapter, context())
    with pytest.raises(BadAnswer) as caught:
        await forum.post(TARGET)

    assert (type(raised).__name__ in caught.value.what) or isinstance(
        raised, StopIteration | StopAsyncIteration
    )
    assert "quiet" in caught.value.what
    assert "garden" in caught.value.what
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert (await forum.member("m1")).name == "Wren"  # the forum goes on, with the same instance
    assert len(adapter.made) == 1
    await forum.close()


@pytest.mark.parametrize("raised", [ConnectionResetError(SECRET), TimeoutError(SECRET), OSError(5, SECRET)])
async def test_trouble_with_the_network_counts_as_unavailable(raised: OSError) -> None:
    async def behave(self: Quiet) -> Post:
        raise raised

    error = await failing(with_post(behave))

    assert isinstance(error, Unavailable)
    assert SECRET not in str(error)


async def test_its_own_forum_errors_come_through_without_the_answer_they_carry() -> None:
    async def behave(self: Quiet) -> Post:
        raise Conflict("Somebody was quicker.", status=409, answer={"text": SECRET})

    error = await failing(with_post(behave))

    assert type(error) is Conflict
    assert (error.what, error.status, error.answer) == ("Somebody was quicker.", 409, None)


async def test_a_forum_error_of_its_own_making_becomes_one_of_ours() -> None:
    class Mine(NotAuthorised):
        def __str__(self) -> str:
            raise ValueError(SECRET)

    async def behave(self: Quiet) -> Post:
        raise Mine("No\ud800.")

    error = await failing(with_post(behave))

    assert type(error) is NotAuthorised
    assert error.what == "No\ufffd."


async def test_a_forum_error_that_lies_about_its_own_fields_is_still_one_error() -> None:
    async def behave(self: Quiet) -> Post:
        error = RateLimited("slow")
        error.retry_after = float("nan")
        error.what = 7  # type: ignore[assignment]
        raise error

    error = await failing(with_post(behave))

    assert isinstance(error, RateLimited)
    assert error.retry_after == 30.0
    assert "post()" in error.what


async def test_an_error_whose_attributes_raise_is_still_one_error() -> None:
    class Trap(ForumError):
        @property
        def kept(self) -> str:
            raise SystemExit(SECRET)

        @kept.setter
        def kept(self, value: str) -> None:
            pass

    async def behave(self: Quiet) -> Post:
        raise Trap("x")

    assert type(await failing(with_post(behave))) is BadAnswer


async def test_a_locked_keyring_says_what_to_do() -> None:
    async def behave(self: Quiet) -> Post:
        raise VaultLocked("The keyring is locked.")

    error = await failing(with_post(behave))

    assert isinstance(error, NotAuthorised)
    assert "unlock" in error.next_step


async def test_an_adapter_that_cannot_even_be_made() -> None:
    class Unborn(Quiet):
        def __init__(self, context: Any) -> None:
            raise SystemExit(SECRET)

    error = await failing(Unborn)

    assert "SystemExit" in error.what


async def test_a_method_that_is_not_async() -> None:
    class Sync(Quiet):
        def post(self, target: Target) -> Post:  # type: ignore[override]
            return POST

    assert "TypeError" in (await failing(Sync)).what


# Hanging and blocking


async def test_one_that_hangs_is_told_to_stop_and_keeps_its_instance() -> None:
    stopped: list[str] = []

    async def hang(self: Quiet) -> Post:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("yes")
        return POST

    adapter = with_post(hang)
    forum = IsolatedForum(adapter, context(), deadlines=SHORT)
    await forum.connect()
    with pytest.raises(Unavailable) as caught:
        await forum.post(TARGET)

    assert "0.05 seconds" in caught.value.what
    assert not caught.value.maybe_done
    assert stopped == ["yes"]
    await forum.connect()
    assert len(adapter.made) == 1
    await forum.close()


async def test_an_answer_at_the_last_moment_counts() -> None:
    async def late(self: Quiet) -> Post:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return POST
        raise AssertionError

    forum = IsolatedForum(with_post(late), context(), deadlines=Deadlines(read=0.05))
    await forum.connect()

    assert await forum.post(TARGET) == POST
    await forum.close()


async def test_one_that_will_not_stop_is_left_behind_and_replaced() -> None:
    async def stubborn(self: Quiet) -> Post:
        while not gone.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return POST

    gone = threading.Event()
    adapter = with_post(stubborn)
    forum = IsolatedForum(adapter, context(), deadlines=SHORT)
    await forum.connect()
    with pytest.raises(Unavailable, match="left behind"):
        await forum.post(TARGET)
    await forum.connect()

    assert len(adapter.made) == 2
    gone.set()
    await forum.close()


async def test_one_that_blocks_its_loop_is_left_behind_and_replaced(gate: threading.Event) -> None:
    async def block(self: Quiet) -> Post:
        gate.wait()
        return POST

    adapter = with_post(block)
    forum = IsolatedForum(adapter, context(), deadlines=SHORT)
    await forum.connect()
    with pytest.raises(Unavailable, match="left behind"):
        await forum.post(TARGET)

    assert await forum.connect() == INFO
    assert await forum.member("m1")
    assert len(adapter.made) == 2
    assert adapter.made[1].calls == ["connect"]
    await forum.close()


async def test_our_own_loop_runs_on_while_an_adapter_blocks(gate: threading.Event) -> None:
    async def block(self: Quiet) -> Post:
        gate.wait()
        return POST

    bad = IsolatedForum(with_post(block), context())
    good = IsolatedForum(Quiet, context())
    await bad.connect()
    asking = asyncio.create_task(bad.post(TARGET))

    assert await good.post(TARGET) == POST
    assert not asking.done()
    gate.set()
    assert await asking == POST
    await bad.close()
    await good.close()


async def test_other_calls_to_a_blocked_adapter_fail_with_it(gate: threading.Event) -> None:
    async def block(self: Quiet) -> Post:
        gate.wait()
        return POST

    adapter = with_post(block)
    forum = IsolatedForum(adapter, context(), deadlines=SHORT)
    await forum.connect()
    blocked = asyncio.create_task(forum.post(TARGET))
    asking = asyncio.create_task(forum.ask(ORDER))  # has a minute, and need not wait it out
    results = await asyncio.gather(blocked, asking, return_exceptions=True)

    assert all(isinstance(result, Unavailable) for result in results)
    assert not any(result.maybe_done for result in results if isinstance(result, Unavailable))
    assert "ask" not in adapter.made[0].calls
    await forum.close()


async def test_a_call_that_waited_for_a_blocked_loop_is_never_carried_out_later(
    gate: threading.Event,
) -> None:
    async def block(self: Quiet) -> Post:
        gate.wait()
        return POST

    adapter = with_post(block)
    forum = IsolatedForum(adapter, context(), deadlines=SHORT)
    await forum.connect()
    blocked = asyncio.create_task(forum.post(TARGET))
    asking = asyncio.create_task(forum.ask(ORDER))
    await asyncio.gather(blocked, asking, return_exceptions=True)
    gate.set()
    for thread in [thread for thread in threading.enumerate() if thread.name == "forum garden"]:
        await asyncio.to_thread(thread.join, 10)

    assert adapter.made[0].calls == ["connect", "post"]


async def test_after_a_few_hung_threads_the_forum_stays_off(gate: threading.Event) -> None:
    async def block(self: Quiet) -> Post:
        gate.wait()
        return POST

    adapter = with_post(block)
    forum = IsolatedForum(adapter, context(), deadlines=SHORT)
    for _ in range(MOST_LEFT_BEHIND):
        with pytest.raises(Unavailable):
            await forum.post(TARGET)
    with pytest.raises(Unavailable, match="has not come back"):
        await forum.post(TARGET)

    assert len(adapter.made) <= MOST_LEFT_BEHIND
    await forum.close()


async def test_one_that_stops_its_loop_fails_every_call_that_waits_and_is_replaced() -> None:
    async def stop(self: Quiet) -> Post:
        asyncio.get_running_loop().stop()
        await asyncio.Event().wait()
        return POST

    adapter = with_post(stop)
    forum = IsolatedForum(adapter, context())
    with pytest.raises(Unavailable, match="stopped its own event loop"):
        await forum.post(TARGET)

    assert await forum.connect() == INFO
    assert len(adapter.made) == 2
    await forum.close()


async def test_one_whose_own_task_exits_the_thread_is_replaced() -> None:
    async def leave() -> None:
        raise SystemExit(SECRET)

    async def exit_later(self: Quiet) -> Post:
        self.task = asyncio.create_task(leave())  # type: ignore[attr-defined]
        await asyncio.Event().wait()
        return POST

    forum = IsolatedForum(with_post(exit_later), context())
    with pytest.raises(Unavailable):
        await forum.post(TARGET)

    assert await forum.connect() == INFO
    await forum.close()


async def test_what_its_own_tasks_raise_reaches_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async def whine() -> None:
        raise ValueError(SECRET)

    async def litter(self: Quiet) -> Post:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        task = asyncio.create_task(whine())
        await asyncio.wait([task])
        del task
        return POST

    forum = IsolatedForum(with_post(litter), context())

    assert await forum.post(TARGET) == POST
    await forum.close()
    assert caplog.records == []


async def test_a_call_given_up_by_the_desk_is_given_up_by_the_adapter() -> None:
    begun, stopped = threading.Event(), threading.Event()

    async def hang(self: Quiet) -> Post:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return POST

    forum = IsolatedForum(with_post(hang), context())
    asking = asyncio.create_task(forum.post(TARGET))
    await asyncio.to_thread(begun.wait, 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert await asyncio.to_thread(stopped.wait, 10)
    await forum.close()


async def test_an_action_given_up_before_its_turn_is_never_carried_out(gate: threading.Event) -> None:
    first, begun = threading.Event(), threading.Event()
    holds = [first, gate]

    async def block(self: Quiet) -> Post:
        hold = holds.pop(0)
        if not holds:
            begun.set()
        hold.wait()
        return POST

    adapter = with_post(block)
    forum = IsolatedForum(adapter, context())
    await forum.connect()
    # While the first call blocks, two more queue up; they start in one turn of the loop, and the first of them blocks.
    posts = [asyncio.create_task(forum.post(TARGET)) for _ in range(2)]
    asking = asyncio.create_task(forum.ask(ORDER))
    await asyncio.sleep(0)
    first.set()
    await asyncio.to_thread(begun.wait, 10)
    asking.cancel()
    await asyncio.wait([asking])
    gate.set()
    await asyncio.gather(*posts)
    await forum.close()

    assert adapter.made[0].calls == ["connect", "post", "post", "close"]


# Closing


async def test_closing_lets_the_adapter_close_and_ends_its_thread() -> None:
    class Closing(Quiet):
        pass

    forum = IsolatedForum(Closing, context())
    await forum.connect()
    await forum.close()

    assert Closing.made[0].calls == ["connect", "close"]
    with pytest.raises(Unavailable, match="closed"):
        await forum.post(TARGET)


async def test_closing_what_was_never_used_makes_nothing() -> None:
    class Unused(Quiet):
        pass

    await IsolatedForum(Unused, context()).close()

    assert Unused.made == []


@pytest.mark.parametrize("how", ["raises", "exits", "hangs", "blocks"])
async def test_closing_never_hangs_and_never_raises(how: str, gate: threading.Event) -> None:
    class Clingy(Quiet):
        async def close(self) -> None:
            if how == "raises":
                raise ValueError(SECRET)
            if how == "exits":
                raise SystemExit
            if how == "hangs":
                await asyncio.Event().wait()
            gate.wait()

    forum = IsolatedForum(Clingy, context(), deadlines=SHORT)
    await forum.connect()

    await forum.close()


@pytest.mark.parametrize(
    "hang", ["threading.Event().wait()", "await asyncio.to_thread(threading.Event().wait)"]
)
def test_python_leaves_although_an_adapter_hangs(hang: str) -> None:
    program = f"""
import asyncio, threading
from modconsole.adapters.isolated import Deadlines, IsolatedForum
from tests.adapters.forums import TARGET, Quiet, context

class Hanging(Quiet):
    async def post(self, target):
        {hang}

async def main():
    forum = IsolatedForum(Hanging, context(), deadlines=Deadlines(read=0.2, grace=0.1))
    try:
        await forum.post(TARGET)
    except Exception as error:
        print(type(error).__name__)
    await forum.close()

asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert (run.stdout.strip(), run.stderr, run.returncode) == ("Unavailable", "", 0)


# Acting


async def test_an_action_that_hangs_may_have_been_done() -> None:
    class Slow(Quiet):
        async def ask(self, order: ActionOrder) -> Outcome:
            await asyncio.Event().wait()
            raise AssertionError

    forum = IsolatedForum(Slow, context(), deadlines=Deadlines(ask=0.25))
    await forum.connect()
    with pytest.raises(Unavailable) as caught:
        await forum.ask(ORDER)

    assert caught.value.maybe_done
    await forum.close()


@pytest.mark.parametrize("answer", [None, Outcome("applied!"), {"kind": "applied"}])  # type: ignore[arg-type]
async def test_an_action_whose_outcome_cannot_be_read_may_have_been_done(answer: object) -> None:
    class Vague(Quiet):
        async def ask(self, order: ActionOrder) -> Outcome:
            return answer  # type: ignore[return-value]

    forum = IsolatedForum(Vague, context())
    with pytest.raises(BadAnswer) as caught:
        await forum.ask(ORDER)

    assert caught.value.maybe_done
    await forum.close()


async def test_an_action_that_never_reached_the_adapter_was_not_done() -> None:
    class Shut(Quiet):
        async def connect(self) -> ForumInfo:
            raise ConnectionRefusedError

    forum = IsolatedForum(Shut, context())
    with pytest.raises(Unavailable) as caught:
        await forum.ask(ORDER)

    assert not caught.value.maybe_done
    await forum.close()


async def test_an_action_refused_for_a_reason_was_not_done() -> None:
    class Strict(Quiet):
        async def ask(self, order: ActionOrder) -> Outcome:
            raise RateLimited("slow down", retry_after=7)

    forum = IsolatedForum(Strict, context())
    with pytest.raises(RateLimited) as caught:
        await forum.ask(ORDER)

    assert (caught.value.retry_after, caught.value.maybe_done) == (7.0, False)
    await forum.close()


# Pages of flags


def with_flags(flags: Callable[[Any, str], Any]) -> type[Quiet]:
    return type("Paging", (Quiet,), {"flags": flags})


async def pages_of(forum: Forum) -> list[FlagPage]:
    return [page async for page in forum.flags("")]


async def test_pages_are_pulled_one_at_a_time() -> None:
    given: list[int] = []

    async def flags(self: Quiet, since: str) -> AsyncIterator[FlagPage]:
        for number in range(5):
            given.append(number)
            yield FlagPage((FLAG,), cursor=str(number))

    forum = IsolatedForum(with_flags(flags), context())
    pages = forum.flags("")

    assert (await anext(pages)).cursor == "0"
    assert given == [0]
    assert (await anext(pages)).cursor == "1"
    assert given == [0, 1]
    await pages.aclose()  # type: ignore[attr-defined]
    await forum.close()


async def test_a_generator_left_early_is_closed_on_its_own_thread() -> None:
    ended = threading.Event()
    where: list[str] = []

    async def flags(self: Quiet, since: str) -> AsyncIterator[FlagPage]:
        try:
            while True:
                yield FlagPage((FLAG,))
        finally:
            where.append(threading.current_thread().name)
            ended.set()

    forum = IsolatedForum(with_flags(flags), context())
    pages = forum.flags("")
    await anext(pages)
    await pages.aclose()  # type: ignore[attr-defined]

    assert await asyncio.to_thread(ended.wait, 10)
    assert where == ["forum garden"]
    await forum.close()


async def test_endless_pages_come_to_an_end_and_what_came_is_kept() -> None:
    async def flags(self: Quiet, since: str) -> AsyncIterator[FlagPage]:
        while True:
            yield FlagPage((FLAG,))

    forum = IsolatedForum(with_flags(flags), context(), most_pages=7)
    pages = forum.flags("")

    for _ in range(7):
        assert (await anext(pages)).flags == (FLAG,)
    with pytest.raises(BadAnswer, match="7 pages"):
        await anext(pages)
    await forum.close()


async def test_a_page_that_hangs_keeps_the_pages_before_it() -> None:
    async def flags(self: Quiet, since: str) -> AsyncIterator[FlagPage]:
        yield FlagPage((FLAG,))
        await asyncio.Event().wait()

    forum = IsolatedForum(with_flags(flags), context(), deadlines=Deadlines(read=0.25))
    await forum.connect()
    pages = forum.flags("")

    assert (await anext(pages)).flags == (FLAG,)
    with pytest.raises(Unavailable):
        await anext(pages)
    await forum.close()


async def coroutine_flags(self: Quiet, since: str) -> list[FlagPage]:
    return []


def list_flags(self: Quiet, since: str) -> list[FlagPage]:
    return [FlagPage((FLAG,))]


async def page_of_words(self: Quiet, since: str) -> AsyncIterator[Any]:
    yield "page"


async def too_many_flags(self: Quiet, since: str) -> AsyncIterator[FlagPage]:
    yield FlagPage((FLAG,) * 5_001)


@pytest.mark.parametrize("flags", [coroutine_flags, list_flags, page_of_words, too_many_flags])
async def test_flags_that_are_no_pages(flags: Callable[..., Any]) -> None:
    forum = IsolatedForum(with_flags(flags), context())
    with pytest.raises(BadAnswer):
        await pages_of(forum)
    await forum.close()


# Types


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ("a post", "post() should be a Post"),
        (None, "post() should be a Post, and is nothing"),
        (Post(TARGET, "m1", "Wren", 7), "post().text should be text, and is a int"),  # type: ignore[arg-type]
        (Post(TARGET, "m1", "Wren", b"x"), "post().text should be text"),  # type: ignore[arg-type]
        (Post("p1", "m1", "Wren", ""), "post().target should be a Target"),  # type: ignore[arg-type]
        (Post(TARGET, "m1", "Wren", "", "noon"), "post().posted_at should be a time"),  # type: ignore[arg-type]
        (Post(TARGET, "m1", "Wren", "", datetime(2026, 1, 1)), "with its zone"),  # noqa: DTZ001
        (Post(TARGET, "m1", "Wren", "", attachments=True), "post().attachments should be a whole number"),
        (Post(TARGET, "m1", "Wren", "", attachments=2**70), "64 bits"),
        (Post(TARGET, "m1", "Wren", "", visibility="seen"), "post().visibility"),  # type: ignore[arg-type]
        (Post(TARGET, "m1", "Wren", "", by_staff=1), "post().by_staff"),  # type: ignore[arg-type]
        (Post(TARGET, "m" * 5_000, "Wren", ""), "post().author should be at most"),
        (object.__new__(Post), "AttributeError"),
    ],
)
async def test_a_wrong_type_is_named_by_its_field(answer: object, field: str) -> None:
    async def behave(self: Quiet) -> object:
        return answer

    error = await failing(with_post(behave))

    assert type(error) is BadAnswer
    assert field in error.what


async def test_a_wrong_type_deep_inside_is_named_by_its_path() -> None:
    class Deep(Quiet):
        async def history(self, id: str, limit: int) -> tuple[Post, ...]:
            return (POST, Post(TARGET, "m1", None, ""))  # type: ignore[arg-type]

    forum = IsolatedForum(Deep, context())
    with pytest.raises(BadAnswer, match=r"history\(\)\[1\]\.author_name should be text, and is nothing"):
        await forum.history("m1", 5)
    await forum.close()


async def test_what_has_one_meaning_only_is_put_right() -> None:
    class Loud(str):
        def __str__(self) -> str:
            raise ValueError(SECRET)

    there = NOW.astimezone(timezone(timedelta(hours=5)))

    async def behave(self: Quiet) -> Post:
        return Post(TARGET, "m1", Loud("Wren"), "a\ud83d\ude00b\ud800c", there, visibility="held")  # type: ignore[arg-type]

    forum = IsolatedForum(with_post(behave), context())
    post = await forum.post(TARGET)
    await forum.close()

    assert type(post.author_name) is str
    assert post.text == "a\N{GRINNING FACE}b\ufffdc"
    assert post.posted_at == NOW
    assert post.posted_at.utcoffset() == timedelta(0)
    assert post.visibility is Visibility.HELD


async def test_hostile_text_is_kept_as_received() -> None:
    text = "\x1b]52;c;eA==\x07 \u202e[/b] \x00 \u200b"

    async def behave(self: Quiet) -> Post:
        return Post(TARGET, "m1", "Wren", text)

    forum = IsolatedForum(with_post(behave), context())

    assert (await forum.post(TARGET)).text == text
    await forum.close()


async def test_a_huge_text_is_cut_with_a_mark() -> None:
    async def behave(self: Quiet) -> Post:
        return Post(TARGET, "m1", "Wren", "a" * 3_000_000)

    forum = IsolatedForum(with_post(behave), context())
    post = await forum.post(TARGET)
    await forum.close()

    assert len(post.text) < 1_000_100
    assert post.text.endswith("⟦cut here: 2,000,000 more characters were sent⟧")


async def test_too_much_text_in_all_is_refused() -> None:
    class Flood(Quiet):
        async def history(self, id: str, limit: int) -> tuple[Post, ...]:
            return (Post(TARGET, "m1", "Wren", "a" * 1_000_000),) * 21

    forum = IsolatedForum(Flood, context())
    with pytest.raises(BadAnswer, match=r"history\(\)\[19\].*20,000,000"):
        await forum.history("m1", 50)
    await forum.close()


async def test_a_property_that_blocks_blocks_only_the_adapter(gate: threading.Event) -> None:
    class Lazy(Post):
        @property
        def target(self) -> Target:
            gate.wait()
            return TARGET

    async def behave(self: Quiet) -> Post:
        return object.__new__(Lazy)

    forum = IsolatedForum(with_post(behave), context(), deadlines=SHORT)
    await forum.connect()
    with pytest.raises(Unavailable, match="left behind"):
        await forum.post(TARGET)
    await forum.close()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "often", None, True])
def test_a_poll_interval_that_is_none_becomes_the_usual_one(seconds: object) -> None:
    odd = type("Odd", (Quiet,), {"poll_seconds": seconds})

    assert IsolatedForum(odd, context()).poll_seconds == 30.0


def test_two_loops_one_after_the_other_can_use_the_same_forum() -> None:
    forum = IsolatedForum(Quiet, context())

    assert asyncio.run(forum.post(TARGET)) == POST
    assert asyncio.run(forum.post(TARGET)) == POST
    asyncio.run(forum.close())


def test_an_answer_that_comes_after_our_loop_is_gone_goes_nowhere(gate: threading.Event) -> None:
    async def block(self: Quiet) -> Post:
        gate.wait()
        return POST

    forum = IsolatedForum(with_post(block), context(), deadlines=SHORT)

    async def ask_and_leave() -> None:
        with pytest.raises(Unavailable):
            await forum.post(TARGET)

    asyncio.run(ask_and_leave())


def test_the_order_is_one_the_adapter_was_given() -> None:
    seen: list[ActionOrder] = []

    class Noting(Quiet):
        async def ask(self, order: ActionOrder) -> Outcome:
            seen.append(order)
            return Outcome(OutcomeKind.ALREADY)

    async def both() -> None:
        forum = IsolatedForum(Noting, context())
        await forum.ask(ORDER)
        await forum.close()

    asyncio.run(both())

    assert seen == [ORDER]
    assert seen[0].action is Action.HIDE
