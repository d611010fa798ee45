"""An adapter on a thread of its own, so that whatever it does costs its forum a banner and nothing else.

It may raise anything, hang, block its event loop, stop it, or give us the wrong types. Calls go to its loop and answers
come back as checked copies; neither side ever runs the other's code. A thread that does not answer is left behind: it
is told to stop, nobody waits for it, and the next call gets a fresh one with a fresh instance of the adapter.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from modconsole.adapters.checking import checked, storable
from modconsole.core.actions import ActionOrder, Outcome, TargetState
from modconsole.core.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    ForumError,
    ModconsoleError,
    NotAuthorised,
    NotFound,
    RateLimited,
    Unavailable,
)
from modconsole.core.model import Member, Post, Target, Thread
from modconsole.ports.forum import Cursor, FlagPage, Forum, ForumContext, ForumInfo, Identity

__all__ = ["Deadlines", "IsolatedForum"]

T = TypeVar("T")

MOST_PAGES = 1_000
"""Pages in one go. Where the adapter left off is kept, so the next poll goes on from there."""

MOST_LEFT_BEHIND = 3
"""Threads that hang at the same time, per forum. After that the forum stays off until one of them lets go."""

_LONGEST_MESSAGE = 2_000
_TELL = "Tell whoever wrote the adapter; the forum itself may be fine, so look there if it is urgent."
_END = object()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds each kind of call may take."""

    connect: float = 20.0
    read: float = 30.0
    ask: float = 60.0
    close: float = 5.0
    grace: float = 1.0
    """How long a call that was told to stop may take to do so before its thread is left behind."""


@dataclass(frozen=True, slots=True)
class _Given:
    """An answer, checked."""

    value: Any


class _Job:
    """One call on its way to the adapter's loop and back."""

    def __init__(self, method: str, kind: Any, work: Callable[[Forum], Awaitable[object]]) -> None:
        self.method = method
        self.kind = kind
        self.work = work
        self.begun = False
        """Whether the adapter's method was called; from then on the forum may have been asked."""
        self.given_up = False
        self.task: asyncio.Task[None] | None = None
        self._home = asyncio.get_running_loop()
        self.answer: asyncio.Future[_Given | ForumError] = self._home.create_future()

    @property
    def maybe_done(self) -> bool:
        return self.method == "ask" and self.begun

    def settle(self, answer: _Given | ForumError) -> None:
        """Bring the answer home, from any thread. Nobody may be there any more."""
        with contextlib.suppress(RuntimeError):  # the caller's loop is closed
            self._home.call_soon_threadsafe(self._deliver, answer)

    def _deliver(self, answer: _Given | ForumError) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


class _DaemonThreads(ThreadPoolExecutor):
    """For `asyncio.to_thread` and name look-ups: Python waits at exit for the usual pool, and these may hang."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - a stranger's code; the adapter's loop gets it
                future.set_exception(error)

        threading.Thread(target=run, name="adapter helper", daemon=True).start()
        return future


class _Worker:
    """One thread, one loop, one instance of the adapter. Once it is over it is never used again."""

    def __init__(
        self,
        id: str,
        label: str,
        make: Callable[[], Forum],
        failed: Callable[[BaseException, _Job], ForumError],
    ) -> None:
        self._label = label
        self._make = make
        self._failed = failed
        self._lock = threading.Lock()
        self._jobs: set[_Job] = set()
        self._endings: list[_Job] = []
        self._forum: Forum | None = None
        self._connected = False
        self._getting_ready = asyncio.Lock()
        self.is_over = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(_DaemonThreads())
        self._loop.set_exception_handler(_say_nothing)
        self._thread = threading.Thread(target=self._live, name=f"forum {id}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def has_forum(self) -> bool:
        return self._forum is not None

    # Called from the desk's side

    def submit(self, job: _Job) -> None:
        with self._lock:
            if not self.is_over:
                self._jobs.add(job)
                self._loop.call_soon_threadsafe(self._start, job)
                return
        job.settle(Unavailable("The adapter stopped before this call."))

    def cancel(self, job: _Job) -> None:
        with self._lock:
            job.given_up = True
            if not self.is_over:
                self._loop.call_soon_threadsafe(lambda: job.task.cancel() if job.task is not None else None)

    def end(
        self, why: str = "The adapter was closed before it answered.", ending: _Job | None = None
    ) -> None:
        """Take no more calls, fail those that wait, and tell the loop to stop; it may never hear it."""
        with self._lock:
            if ending is not None:
                self._endings.append(ending)
            if not self.is_over:
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._give_up(why)

    def _give_up(self, why: str) -> None:
        with self._lock:
            self.is_over = True
            waiting, self._jobs = self._jobs, set()
        for job in waiting:
            job.settle(Unavailable(why, maybe_done=job.maybe_done))

    # Runs on the adapter's thread

    def _live(self) -> None:
        with contextlib.suppress(BaseException):  # whatever a task or callback of the adapter's own raises
            self._loop.run_forever()
        self._give_up("The adapter stopped its own event loop.")
        with contextlib.suppress(BaseException):
            self._loop.run_until_complete(self._tidy())
        with contextlib.suppress(BaseException):
            self._loop.close()
        for ending in self._endings:
            ending.settle(_Given(None))

    async def _tidy(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def _start(self, job: _Job) -> None:
        job.task = self._loop.create_task(self._run(job))

    async def _run(self, job: _Job) -> None:
        answer: _Given | ForumError
        try:
            answer = await self._answer(job)
        except BaseException as error:  # noqa: BLE001 - a stranger's code
            answer = self._failed(error, job)
        with self._lock:
            self._jobs.discard(job)
        job.settle(answer)

    async def _answer(self, job: _Job) -> _Given:
        if job.method == "close":
            if self._forum is not None:
                await job.work(self._forum)
            return _Given(None)
        async with self._getting_ready:
            if self._forum is None:
                self._forum = self._make()
            forum = self._forum
            if job.method == "connect":
                self._connected = False
                given = await self._ask(forum, job)
                self._connected = True
                return given
            if not self._connected:
                # A fresh instance, after the one before it was left behind or in a command that asks one thing only:
                # every adapter may rely on `connect` having been called first.
                checked(ForumInfo, await forum.connect(), f"{self._label}: connect()")
                self._connected = True
        return await self._ask(forum, job)

    async def _ask(self, forum: Forum, job: _Job) -> _Given:
        with self._lock:
            # A call that waited behind one that blocks is told to the desk as not done, so it must never happen later.
            if self.is_over or job.given_up:
                raise Unavailable("This call was given up before its turn came.")
            job.begun = True
        value = await job.work(forum)
        if job.kind is None or value is _END:
            return _Given(value if value is _END else None)
        return _Given(checked(job.kind, value, f"{self._label}: {job.method}()"))


def _say_nothing(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Keep asyncio from logging what an adapter's own tasks raise: it may quote a post or a token."""


class IsolatedForum(Forum):
    """Any adapter, seen from the desk: raises `ForumError` only, answers with clean types only, within its time.

    Each instance of the adapter has had its `connect` called before anything else, and is used on one loop only.
    """

    def __init__(
        self,
        adapter: type[Forum],
        context: ForumContext,
        *,
        deadlines: Deadlines = Deadlines(),
        most_pages: int = MOST_PAGES,
    ) -> None:
        super().__init__(context)
        # The contract has these on the class; each of our instances stands for another class.
        vars(self).update(
            kind=adapter.kind,
            title=adapter.title,
            Settings=adapter.Settings,
            capabilities=adapter.capabilities,
            poll_seconds=_sane_seconds(adapter.poll_seconds),
        )
        self._adapter = adapter
        self._deadlines = deadlines
        self._most_pages = most_pages
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._left_behind: list[_Worker] = []
        self._closed = False

    async def connect(self) -> ForumInfo:
        work = _Job("connect", ForumInfo, lambda forum: forum.connect())
        return cast(ForumInfo, await self._call(work, self._deadlines.connect))

    async def flags(self, since: Cursor) -> AsyncIterator[FlagPage]:
        worker = self._ready_worker()
        pages = _Pages(since)
        try:
            for _ in range(self._most_pages):
                job = _Job("flags", FlagPage, pages.next)
                page = await self._call(job, self._deadlines.read, worker)
                if page is _END:
                    return
                yield cast(FlagPage, page)
        finally:
            worker.submit(_Job("close", None, pages.close))  # nobody waits for it
        raise BadAnswer(
            f"{self._name} gave {self._most_pages:,} pages of flags without coming to an end.",
            kept="What came is kept, and the next poll goes on from there.",
            next_step=_TELL,
        )

    async def thread(self, target: Target, before: int, after: int) -> Thread:
        job = _Job("thread", Thread, lambda forum: forum.thread(target, before, after))
        return cast(Thread, await self._call(job, self._deadlines.read))

    async def post(self, target: Target) -> Post:
        return cast(
            Post, await self._call(_Job("post", Post, lambda forum: forum.post(target)), self._deadlines.read)
        )

    async def member(self, id: str) -> Member:
        job = _Job("member", Member, lambda forum: forum.member(id))
        return cast(Member, await self._call(job, self._deadlines.read))

    async def history(self, id: str, limit: int) -> tuple[Post, ...]:
        job = _Job("history", tuple[Post, ...], lambda forum: forum.history(id, limit))
        posts = cast("tuple[Post, ...]", await self._call(job, self._deadlines.read))
        return posts[:limit]

    async def claim(self, target: Target) -> None:
        await self._call(_Job("claim", None, lambda forum: forum.claim(target)), self._deadlines.read)

    async def release(self, target: Target) -> None:
        await self._call(_Job("release", None, lambda forum: forum.release(target)), self._deadlines.read)

    async def ask(self, order: ActionOrder) -> Outcome:
        """Carry out one action.

        Raises:
            ForumError: With `maybe_done` set unless it is certain that the forum was not asked.
        """
        job = _Job("ask", Outcome, lambda forum: forum.ask(order))
        return cast(Outcome, await self._call(job, self._deadlines.ask))

    async def read_state(self, target: Target) -> TargetState:
        job = _Job("read_state", TargetState, lambda forum: forum.read_state(target))
        return cast(TargetState, await self._call(job, self._deadlines.read))

    async def identity(self, id: str) -> Identity:
        job = _Job("identity", Identity, lambda forum: forum.identity(id))
        return cast(Identity, await self._call(job, self._deadlines.read))

    async def close(self) -> None:
        """Let the adapter close, for a few seconds at most, and stop its thread or leave it behind. Never raises."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is None or worker.is_over:
            return
        if worker.has_forum:
            with contextlib.suppress(ForumError):
                await self._call(
                    _Job("close", None, lambda forum: forum.close()), self._deadlines.close, worker
                )
        ended = _Job("close", None, lambda forum: forum.close())
        worker.end(ending=ended)
        await asyncio.wait([ended.answer], timeout=self._deadlines.grace)

    # Inside

    @property
    def _name(self) -> str:
        return f"The {self.kind} adapter of “{self.context.id}”"

    def _ready_worker(self) -> _Worker:
        with self._lock:
            if self._closed:
                raise Unavailable(f"{self._name} is closed.")
            if self._worker is None or self._worker.is_over:
                self._left_behind = [worker for worker in self._left_behind if worker.is_alive]
                if len(self._left_behind) >= MOST_LEFT_BEHIND:
                    raise Unavailable(
                        f"{self._name} hung {MOST_LEFT_BEHIND} times and has not come back.",
                        next_step=f"Start the console again to give it another try. {_TELL}",
                    )
                self._worker = _Worker(
                    self.context.id, self._name, lambda: self._adapter(self.context), self._failure
                )
            return self._worker

    async def _call(self, job: _Job, seconds: float, worker: _Worker | None = None) -> object:
        worker = worker or self._ready_worker()
        worker.submit(job)
        try:
            answer = await self._answer(job, seconds, worker)
        except asyncio.CancelledError:
            worker.cancel(job)
            raise
        if isinstance(answer, ForumError):
            raise answer
        return answer.value

    async def _answer(self, job: _Job, seconds: float, worker: _Worker) -> _Given | ForumError:
        await asyncio.wait([job.answer], timeout=seconds)
        if job.answer.done():
            return job.answer.result()
        worker.cancel(job)
        await asyncio.wait([job.answer], timeout=self._deadlines.grace)
        what = f"{self._name} did not answer {job.method}() within {seconds:g} seconds"
        if not job.answer.done():
            what += " and does not let go; it was left behind"
            with self._lock:
                self._left_behind.append(worker)
            worker.end(f"{self._name} hung in {job.method}().")
        elif isinstance(answer := job.answer.result(), _Given):
            return answer  # it came at the last moment, and is as good as any
        return Unavailable(f"{what}.", maybe_done=job.maybe_done)

    def _failure(self, error: BaseException, job: _Job) -> ForumError:
        """Turn whatever the adapter raised into a clean error of ours: no traceback, no cause, no values."""
        where = f"{self._name} failed in {job.method}()"
        try:
            return self._told(error, where, job)
        except BaseException:  # noqa: BLE001 - an error whose own attributes raise
            return BadAnswer(f"{where}.", next_step=_TELL, maybe_done=job.maybe_done)

    def _told(self, error: BaseException, where: str, job: _Job) -> ForumError:
        named = type(error).__name__[:60]
        if isinstance(error, ForumError):
            return _copied(error, where, job)
        if isinstance(error, ModconsoleError):
            # Its keyring is locked, or the like: ours to say, and about who we are there.
            return NotAuthorised(error.what, kept=error.kept, next_step=error.next_step)
        if isinstance(error, asyncio.CancelledError):
            return Unavailable(f"{where}: it was stopped.", maybe_done=job.maybe_done)
        if isinstance(error, OSError):
            return Unavailable(f"{where} with a {named}.", maybe_done=job.maybe_done)
        return BadAnswer(f"{where} with a {named}.", next_step=_TELL, maybe_done=job.maybe_done)


class _Pages:
    """The adapter's own generator, pulled one page at a time on its own loop."""

    def __init__(self, since: Cursor) -> None:
        self._since = since
        self._pages: Any = None

    async def next(self, forum: Forum) -> object:
        if self._pages is None:
            self._pages = forum.flags(self._since)
            if asyncio.iscoroutine(self._pages):
                self._pages.close()
                raise BadAnswer("flags() has to be an async generator, and is a coroutine.", next_step=_TELL)
        return await anext(self._pages, _END)

    async def close(self, forum: Forum) -> None:
        if self._pages is not None and hasattr(self._pages, "aclose"):
            await self._pages.aclose()


_OURS: tuple[type[ForumError], ...] = (
    NotAuthorised,
    Forbidden,
    NotFound,
    Conflict,
    RateLimited,
    Unavailable,
    BadAnswer,
    ForumError,
)


def _copied(error: ForumError, where: str, job: _Job) -> ForumError:
    """Copy an adapter's error into one of our own classes, without the answer it may carry: that holds posts."""
    what = _said(error.what) or f"{where}."
    if isinstance(error, RateLimited):
        return RateLimited(what, retry_after=_sane_wait(error.retry_after))
    kind = next(kind for kind in _OURS if isinstance(error, kind))
    return kind(
        what,
        kept=_said(error.kept),
        next_step=_said(error.next_step),
        status=error.status if type(error.status) is int else None,
        # An answer to an action that cannot be read says nothing about the action.
        maybe_done=error.maybe_done is True or (kind is BadAnswer and job.maybe_done),
    )


def _said(text: object) -> str:
    return storable(str.__str__(text)[:_LONGEST_MESSAGE]) if isinstance(text, str) else ""


def _sane_wait(seconds: object) -> float:
    if type(seconds) not in (int, float) or not 0 <= cast(float, seconds) < math.inf:
        return 30.0
    return min(float(cast(float, seconds)), 24 * 3600.0)


def _sane_seconds(seconds: object) -> float:
    if type(seconds) not in (int, float) or not 1 <= cast(float, seconds) < math.inf:
        return Forum.poll_seconds
    return float(cast(float, seconds))
