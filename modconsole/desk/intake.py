"""A flag's way in: adapter page, case made or updated, urgency and clock with their reasons, row in the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from modconsole.core import ids
from modconsole.core.clocks import clock
from modconsole.core.errors import VaultLocked
from modconsole.core.model import Case, CaseFile, CaseState, Flag, Post, Target
from modconsole.core.triage import judge
from modconsole.core.urgency import Reason, Urgency, faster
from modconsole.desk.forums import Forums
from modconsole.ports.forum import FlagPage
from modconsole.ports.library import ProtocolLibrary
from modconsole.ports.notify import CasesChanged, Notifier
from modconsole.ports.settings import ServiceSettings
from modconsole.ports.store import CaseStore
from modconsole.ports.vault import Vault

__all__ = ["Intake"]

_CHUNK = 40
"""Flags stored between two breaths of the event loop: with the screen running, none of its frames waits for more."""


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

    async def poll(self, forum: str) -> CasesChanged:
        """Take in everything that is new on one forum, and tell who listens.

        Where we left off is kept only after its cases are stored, so a crash repeats a page and never skips one.

        Raises:
            ForumError: The forum failed; what had arrived by then is stored.
            VaultLocked: Nothing can be stored safely before the vault is open.
        """
        if self._vault.is_locked:
            raise VaultLocked(f"New flags of “{forum}” are not taken in while the keys are locked.")
        if self._forums.status(forum).info is None:
            await self._forums.connect(forum)
        total = CasesChanged(forum, 0, 0)
        pages = self._forums.opened(forum).flags(self._store.cursor(forum)).__aiter__()
        while (page := await self._forums.call(forum, lambda _: anext(pages, None))) is not None:
            total = _sum(total, await self._take_in_gently(forum, page))
        if total.new or total.changed:
            self._notifier.tell(total)
        return total

    async def _take_in_gently(self, forum: str, page: FlagPage) -> CasesChanged:
        by_target = _by_target(page.flags)
        posts = {_key(post.target): post for post in page.posts}
        targets = list(by_target)
        total = CasesChanged(forum, 0, 0)
        for start in range(0, len(targets), _CHUNK):
            some = {target: by_target[target] for target in targets[start : start + _CHUNK]}
            total = _sum(total, self._store_some(forum, some, posts))
            await asyncio.sleep(0)
        total = _sum(total, self._resolve_elsewhere(forum, page))
        self._store.save_cursor(forum, page.cursor)
        return total

    def take_in(self, forum: str, page: FlagPage) -> CasesChanged:
        """Take in one page at once (filling a demo, tests)."""
        posts = {_key(post.target): post for post in page.posts}
        total = _sum(
            self._store_some(forum, _by_target(page.flags), posts), self._resolve_elsewhere(forum, page)
        )
        self._store.save_cursor(forum, page.cursor)
        return total

    def _store_some(
        self, forum: str, by_target: dict[tuple[str, str], list[Flag]], posts: dict[tuple[str, str], Post]
    ) -> CasesChanged:
        ready: list[tuple[Case, CaseFile]] = []
        new = changed = 0
        most_urgent: Urgency | None = None
        for key, flags in by_target.items():
            known = self._store.case_at(forum, flags[0].target)
            post = posts.get(key)
            if known is None:
                made = self._new_case(forum, flags, post)
                new += 1
                most_urgent = made[0].urgency if most_urgent is None else faster(most_urgent, made[0].urgency)
            else:
                updated = self._updated(known, flags, post)
                if updated is None:
                    continue
                made = updated
                changed += 1
            ready.append(made)
        if ready:
            self._store.take_in(ready)
        return CasesChanged(forum, new, changed, most_urgent)

    def _new_case(self, forum: str, flags: list[Flag], post: Post | None) -> tuple[Case, CaseFile]:
        judged = judge(flags, self._service.reasons, self._knows)
        flagged_at = min(flag.at for flag in flags)
        due = clock(judged.urgency, flagged_at, self._service.staffed_hours)
        author = post.author if post else ""
        case = Case(
            id=ids.case_id(self._random),
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
            member_key=self._vault.pseudonym(forum, author) if author else "",
        )
        return case, CaseFile(post, tuple(flags))

    def _updated(self, case: Case, flags: list[Flag], post: Post | None) -> tuple[Case, CaseFile] | None:
        """Add what is new to a case we know; None when nothing is."""
        file = self._store.file(case)
        known = {flag.id for flag in file.flags}
        fresh = tuple(flag for flag in flags if flag.id not in known)
        newer = post is not None and _differs(post, file)
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
        )
        return (self._judged_again(case, all_flags) if fresh else case), file

    def _judged_again(self, case: Case, flags: tuple[Flag, ...]) -> Case:
        """Let new flags make a case more urgent, never less, and bring a closed one back."""
        judged = judge(flags, self._service.reasons, self._knows)
        urgency = faster(case.urgency, judged.urgency)
        due = clock(urgency, case.flagged_at, self._service.staffed_hours)
        reasons = tuple(dict.fromkeys((*judged.reasons, *case.reasons)))
        reopened = case.state is CaseState.CLOSED
        if reopened:
            latest = max(flag.at for flag in flags)
            due = clock(urgency, latest, self._service.staffed_hours)
            reasons = (Reason("reopened", "flagged again after it was closed"), *reasons)
        return replace(
            case,
            urgency=urgency,
            reasons=reasons,
            suggested=tuple(dict.fromkeys((*judged.suggested, *case.suggested))),
            look_due=due.look,
            act_due=due.act,
            state=CaseState.OPEN,
            first_opened_at=None if reopened else case.first_opened_at,
            last_decided_at=None if reopened else case.last_decided_at,
            resolved_elsewhere=False,
            passed_on_by=() if reopened else case.passed_on_by,
        )

    def _resolve_elsewhere(self, forum: str, page: FlagPage) -> CasesChanged:
        """Note what was answered on the forum itself. A case somebody here has begun stays, and says so."""
        changed = 0
        for resolved in page.resolved:
            case = self._store.case_at(forum, resolved.target)
            if case is None or case.state is CaseState.CLOSED or case.resolved_elsewhere:
                continue
            untouched = case.first_opened_at is None
            self._store.save_case(
                replace(
                    case,
                    resolved_elsewhere=True,
                    state=CaseState.CLOSED if untouched else case.state,
                    closed_at=self._now() if untouched else None,
                    reasons=(Reason("elsewhere", "answered on the forum itself"), *case.reasons),
                )
            )
            changed += 1
        return CasesChanged(forum, 0, changed)

    def wake(self) -> int:
        """Bring back the cases whose follow-up is due; gives how many."""
        due = self._store.follow_ups(self._now())
        for case in due:
            reason = Reason("follow_up", "the follow-up you set is due")
            self._store.save_case(
                replace(
                    case,
                    state=CaseState.OPEN,
                    closed_at=None,
                    urgency=faster(case.urgency, Urgency.SOON),
                    reasons=(reason, *(r for r in case.reasons if r.code != reason.code)),
                    look_due=case.follow_up_at,
                    first_opened_at=None,
                    last_decided_at=None,
                    follow_up_at=None,
                )
            )
        if due:
            self._notifier.tell(CasesChanged("", 0, len(due)))
        return len(due)

    def _knows(self, protocol: str) -> bool:
        return protocol in self._library.ids()


def _key(target: Target) -> tuple[str, str]:
    return target.kind.value, target.id


def _by_target(flags: Iterable[Flag]) -> dict[tuple[str, str], list[Flag]]:
    grouped: dict[tuple[str, str], list[Flag]] = {}
    for flag in flags:
        grouped.setdefault(_key(flag.target), []).append(flag)
    return grouped


def _differs(post: Post, file: CaseFile) -> bool:
    latest = file.latest
    if latest is None:
        return True
    return (post.version, post.text) != (latest.version, latest.text) and bool(post.text or post.version)


def _sum(first: CasesChanged, second: CasesChanged) -> CasesChanged:
    urgencies = [urgency for urgency in (first.most_urgent, second.most_urgent) if urgency is not None]
    fastest = min(urgencies, key=lambda urgency: urgency.rank, default=None)
    return CasesChanged(first.forum, first.new + second.new, first.changed + second.changed, fastest)
