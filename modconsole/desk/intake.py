"""A flag's way in: adapter page, case made or updated, urgency and clock with their reasons, row in the queue."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from modconsole.core import ids
from modconsole.core.clocks import clock
from modconsole.core.errors import VaultLocked
from modconsole.core.model import Case, CaseFile, CaseState, Flag, Post, Target
from modconsole.core.triage import judge
from modconsole.core.urgency import Reason, Urgency, faster
from modconsole.desk.forums import Forums
from modconsole.ports.forum import FlagPage, Resolved
from modconsole.ports.library import ProtocolLibrary
from modconsole.ports.notify import CasesChanged, Notifier
from modconsole.ports.settings import ServiceSettings
from modconsole.ports.store import CaseStore
from modconsole.ports.vault import Vault

__all__ = ["Intake", "is_news"]

GENTLY = 40
"""Cases stored between two breaths of the event loop: with the screen running, none of its frames waits for more."""


class Intake:
    """Takes in what the forums flag. One direction: nothing in here asks a person, or a forum, anything back."""

    def __init__(
        self,
        store: CaseStore,
        vault: Vault,
        forums: Forums,
        library: ProtocolLibrary,
        service: ServiceSettings,
        notifier: Notifier,
        now: Callable[[], datetime],
        random: ids.Randomness,
    ) -> None:
        self._store = store
        self._vault = vault
        self._forums = forums
        self._library = library
        self._service = service
        self._notifier = notifier
        self._now = now
        self._random = random

    async def poll(self, forum: str, *, at_once: int = GENTLY) -> CasesChanged:
        """Take in everything that is new on one forum, and tell who listens.

        Where we left off is kept only after its cases are stored, so a crash repeats a page and never skips one.

        Args:
            at_once: Cases stored in one transaction. More is faster, and keeps a running screen waiting.

        Raises:
            ForumError: The forum failed; what had arrived by then is stored.
            VaultLocked: Nothing can be stored safely before the vault is open.
        """
        if self._vault.is_locked:
            raise VaultLocked(f"New flags of “{forum}” are not taken in while the keys are locked.")
        await self._forums.ready(forum)
        total = CasesChanged(forum, 0, 0)
        pages = self._forums.opened(forum).flags(self._store.cursor(forum)).__aiter__()
        try:
            while (page := await self._forums.call(forum, lambda _: anext(pages, None))) is not None:
                total = _sum(total, await self._take_in_gently(forum, page, at_once))
        finally:
            if total.new or total.changed:  # also what came before it broke off
                self._notifier.tell(total)
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()
        return total

    async def _take_in_gently(self, forum: str, page: FlagPage, at_once: int) -> CasesChanged:
        import asyncio  # here, because a command that reads the queue has no use for it

        by_target = list(_by_target(page.flags).items())
        posts = {_key(post.target): post for post in page.posts}
        total = CasesChanged(forum, 0, 0)
        for start in range(0, len(by_target), at_once):
            total = _sum(total, self._store_some(forum, dict(by_target[start : start + at_once]), posts))
            await asyncio.sleep(0)
        return _sum(total, self._finish(forum, page))

    def take_in(self, forum: str, page: FlagPage) -> CasesChanged:
        """Take in one page at once (filling a demo, tests)."""
        posts = {_key(post.target): post for post in page.posts}
        return _sum(self._store_some(forum, _by_target(page.flags), posts), self._finish(forum, page))

    def _finish(self, forum: str, page: FlagPage) -> CasesChanged:
        resolved = self._resolve_elsewhere(forum, page)
        # Without one, the next poll goes on from where this one did: twice is safe, never is not.
        if page.cursor:
            self._store.save_cursor(forum, page.cursor)
        return resolved

    def _store_some(
        self,
        forum: str,
        by_target: Mapping[tuple[str, str], list[Flag]],
        posts: Mapping[tuple[str, str], Post],
    ) -> CasesChanged:
        known_protocols = frozenset(self._library.ids())
        ready: list[tuple[Case, CaseFile]] = []
        new = changed = 0
        most_urgent: Urgency | None = None
        # Alone, or another console might take in the same post, or close the case, meanwhile.
        with self._store.alone():
            cases = self._store.cases_at(forum, [flags[0].target for flags in by_target.values()])
            free = self._free_ids(cases.count(None))
            for (key, flags), known in zip(by_target.items(), cases, strict=True):
                post = posts.get(key)
                if known is None:
                    made = self._new_case(free.pop(), forum, flags, post, known_protocols)
                    new += 1
                    urgency = made[0].urgency
                    most_urgent = urgency if most_urgent is None else faster(most_urgent, urgency)
                else:
                    updated = self._updated(known, flags, post, known_protocols)
                    if updated is None:
                        continue
                    made = updated
                    changed += 1
                ready.append(made)
            self._store.take_in(ready)
        return CasesChanged(forum, new, changed, most_urgent)

    def _new_case(
        self, id: str, forum: str, flags: list[Flag], post: Post | None, protocols: Collection[str]
    ) -> tuple[Case, CaseFile]:
        judged = judge(flags, self._service.reasons, protocols.__contains__, self._service.protocols)
        flagged_at = min(self._plausible(flag.at) for flag in flags)
        due = clock(judged.urgency, flagged_at, self._service.staffed_hours)
        case = Case(
            id=id,
            token=ids.case_token(self._random),
            forum=forum,
            target=flags[0].target,
            urgency=judged.urgency,
            reasons=judged.reasons,
            flagged_at=flagged_at,
            topic=judged.topic,
            suggested=judged.suggested,
            look_due=due.look,
            act_due=due.act,
            flags=len(flags),
            length=len(post.text) if post else 0,
            updated_at=self._now(),
            member_key=self._member_key(forum, post),
        )
        return case, CaseFile(post, tuple(flags))

    def _free_ids(self, count: int) -> list[str]:
        """Draw ids nobody has: among a million cases, two of this length would meet one time in three."""
        free: set[str] = set()
        while len(free) < count:
            drawn = {ids.case_id(self._random) for _ in range(count - len(free))}
            free |= drawn - self._store.used(drawn)
        return list(free)

    def _member_key(self, forum: str, post: Post | None) -> str:
        return self._vault.pseudonym(forum, post.author) if post is not None and post.author else ""

    def _plausible(self, at: datetime) -> datetime:
        """Keep a flag from the future, or from before there were forums, from hiding its case or breaking its clock."""
        return min(max(at, _LONG_AGO), self._now())

    def _updated(
        self, case: Case, flags: list[Flag], post: Post | None, protocols: Collection[str]
    ) -> tuple[Case, CaseFile] | None:
        """Add what is new to a case we know; None when nothing is."""
        file = self._store.file(case)
        known = {flag.id for flag in file.flags}
        fresh = tuple(flag for flag in flags if flag.id not in known)
        newer = post is not None and is_news(post, file)
        if not fresh and not newer:
            return None
        all_flags = file.flags + fresh
        later = (*file.later, post) if newer and post is not None and file.post is not None else file.later
        file = replace(file, post=file.post or post, flags=all_flags, later=later)
        case = replace(
            case,
            flags=len(all_flags),
            changed_since_flagged=case.changed_since_flagged or bool(later),
            length=case.length or len(post.text if post else ""),
            updated_at=self._now(),
            member_key=case.member_key or self._member_key(case.forum, post),
        )
        return (self._judged_again(case, all_flags, fresh, protocols) if fresh else case), file

    def _judged_again(
        self, case: Case, flags: tuple[Flag, ...], fresh: tuple[Flag, ...], protocols: Collection[str]
    ) -> Case:
        """Let new flags make a case more urgent, never less, and bring a closed one back."""
        judged = judge(flags, self._service.reasons, protocols.__contains__, self._service.protocols)
        urgency = faster(case.urgency, judged.urgency)
        reasons = (*judged.reasons, *(r for r in case.reasons if r.code != "elsewhere"))
        case = replace(
            case,
            urgency=urgency,
            topic=judged.topic or case.topic,
            suggested=tuple(dict.fromkeys((*judged.suggested, *case.suggested))),
            resolved_elsewhere=False,
        )
        if case.state is CaseState.CLOSED:
            again = Reason("reopened", "flagged again after it was closed")
            reasons = (again, *(r for r in reasons if r.code != again.code))
            # Its clock begins anew, with the flag that brought it back.
            case = replace(
                _open_again(case), flagged_at=min(self._plausible(flag.at) for flag in fresh), passed_on_by=()
            )
        due = clock(urgency, case.flagged_at, self._service.staffed_hours)
        by_code = {reason.code: reason for reason in reversed(reasons)}
        return replace(case, reasons=tuple(reversed(by_code.values())), look_due=due.look, act_due=due.act)

    def _resolve_elsewhere(self, forum: str, page: FlagPage) -> CasesChanged:
        """Note what was answered on the forum itself. A case somebody here has begun stays, and says so.

        What we answered ourselves comes back as news from some forums; it is none. And a flag that is younger than the
        answer was not answered by it.
        """
        info = self._forums.status(forum).info
        changed = 0
        for resolved in page.resolved:
            if info is not None and info.me and resolved.by == info.me:
                continue
            with self._store.alone():
                case = self._store.case_at(forum, resolved.target)
                if (
                    case is None
                    or case.state is CaseState.CLOSED
                    or case.resolved_elsewhere
                    or case.last_decided_at is not None
                    or self._flagged_since(case, resolved, page)
                ):
                    continue
                untouched = case.first_opened_at is None
                self._store.save_case(
                    replace(
                        case,
                        resolved_elsewhere=True,
                        state=CaseState.CLOSED if untouched else case.state,
                        closed_at=self._now() if untouched else case.closed_at,
                        reasons=(Reason("elsewhere", "answered on the forum itself"), *case.reasons),
                    )
                )
            changed += 1
        return CasesChanged(forum, 0, changed)

    def _flagged_since(self, case: Case, resolved: Resolved, page: FlagPage) -> bool:
        if resolved.at is None:
            return any(_key(flag.target) == _key(case.target) for flag in page.flags)
        return any(flag.at > resolved.at for flag in self._store.file(case).flags)

    def wake(self) -> int:
        """Bring back the cases whose follow-up is due; gives how many."""
        woken = 0
        with self._store.alone():
            for case in self._store.follow_ups(self._now()):
                self._store.save_case(self._woken(case))
                woken += 1
        if woken:
            self._notifier.tell(CasesChanged("", 0, woken))
        return woken

    def _woken(self, case: Case) -> Case:
        reason = Reason("follow_up", "the follow-up you set is due")
        urgency = faster(case.urgency, Urgency.SOON)
        since = case.follow_up_at or self._now()
        return replace(
            _open_again(case),
            urgency=urgency,
            reasons=(reason, *(r for r in case.reasons if r.code != reason.code)),
            flagged_at=since,
            look_due=since,
            act_due=clock(urgency, since, self._service.staffed_hours).act,
            follow_up_at=None,
        )


_LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)


def _open_again(case: Case) -> Case:
    """Put a case back into the queue. `closed_at` stays: what was answered up to then belongs to that sitting."""
    return replace(case, state=CaseState.OPEN, first_opened_at=None, last_decided_at=None)


def _key(target: Target) -> tuple[str, str]:
    return target.kind.value, target.id


def _by_target(flags: Iterable[Flag]) -> dict[tuple[str, str], list[Flag]]:
    """Put the flags of one target together, each once however often it came."""
    grouped: dict[tuple[str, str], dict[str, Flag]] = {}
    for flag in flags:
        grouped.setdefault(_key(flag.target), {}).setdefault(flag.id, flag)
    return {key: list(some.values()) for key, some in grouped.items()}


def is_news(post: Post, file: CaseFile) -> bool:
    """Say whether a post is another version than the latest we have; one without text and version says nothing."""
    latest = file.latest
    if latest is None:
        return True
    return (post.version, post.text) != (latest.version, latest.text) and bool(post.text or post.version)


def _sum(first: CasesChanged, second: CasesChanged) -> CasesChanged:
    urgencies = [urgency for urgency in (first.most_urgent, second.most_urgent) if urgency is not None]
    fastest = min(urgencies, key=lambda urgency: urgency.rank, default=None)
    return CasesChanged(first.forum, first.new + second.new, first.changed + second.changed, fastest)
