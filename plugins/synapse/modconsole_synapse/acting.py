"""Carrying out orders: look, act, look again, and say what Synapse says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.errors import Forbidden, ForumError, NotFound, RateLimited
from modconsole.core.model import Target, TargetKind, Visibility
from modconsole_synapse.reading import EVENTS, USERS, Account, Report, RoomEvent
from modconsole_synapse.server import PAGE, Server, server_says

__all__ = ["Actor", "state_of_account", "state_of_event"]

_REASON = "Removed by a moderator"
"""Everybody in the room can read it: never a word about the member or the matter."""

_MOST_PAGES = 20
_ON_MEMBERS = (Action.MESSAGE_MEMBER, Action.SUSPEND)


def state_of_event(target: Target, event: RoomEvent, flags_open: bool | None = None) -> TargetState:
    return TargetState(
        target=target,
        exists=True,
        visibility=Visibility.REMOVED if event.removal else Visibility.VISIBLE,
        version=event.version,
        flags_open=flags_open,
        text=event.text,
    )


def state_of_account(target: Target, account: Account) -> TargetState:
    return TargetState(target=target, exists=True, member_state=account.state)


class Actor:
    """Asks Synapse to do things.

    Args:
        deletes_reports: Whether answering a flag deletes its report, as the settings say.
        sends_notices: Whether members are written to by server notice.
        notices_user: The account that server notices come from, `@notices:example.org`.
        forget: Told of each report we delete, so that it is not taken for somebody else's doing.
    """

    def __init__(
        self,
        server: Server,
        *,
        deletes_reports: bool,
        sends_notices: bool,
        notices_user: Callable[[str], str],
        forget: Callable[[str, int], None],
    ) -> None:
        self._server = server
        self._deletes_reports = deletes_reports
        self._sends_notices = sends_notices
        self._notices_user = notices_user
        self._forget = forget

    async def ask(self, order: ActionOrder) -> Outcome:
        """Carry out one order (see `Forum.ask`)."""
        step = self._steps().get(order.action)
        if step is None:
            return _refused("This adapter cannot do that; do it by hand.")
        event = await self._event_of(order)
        if event is not None and _has_changed(order, event):
            state = state_of_event(order.target, event)
            return Outcome(OutcomeKind.CONFLICT, "The post was edited since you read it.", state)
        return await step(order, event)

    def _steps(
        self,
    ) -> dict[Action, Callable[[ActionOrder, RoomEvent | None], Awaitable[Outcome]]]:
        return {
            Action.KEEP: self._answer,
            Action.NO_ACTION: self._answer,
            Action.REMOVE: self._remove,
            Action.SUSPEND: self._suspend,
            Action.RESTORE: self._restore,
            Action.MESSAGE_MEMBER: self._write_to_member,
        }

    async def _event_of(self, order: ActionOrder) -> RoomEvent | None:
        """Read the post that the order is about; None when it is about no post, or the post is gone."""
        if order.target.kind is not TargetKind.POST:
            return None
        try:
            return (await self._server.around(order.target.thread, order.target.id)).event
        except NotFound:
            return None

    # Reports.

    async def _answer(self, order: ActionOrder, event: RoomEvent | None) -> Outcome:
        """Answer the flags. The server knows reports only as there or deleted, and a setting says which."""
        state = state_of_event(order.target, event) if event else None
        if not self._deletes_reports:
            detail = "Nothing changes on the server; the report stays there."
            return Outcome(OutcomeKind.APPLIED, detail, state)
        kind = USERS if order.target.kind is TargetKind.MEMBER else EVENTS
        reports = await self.reports_of(order.target, event)
        if not reports:
            return Outcome(OutcomeKind.ALREADY, "Its reports are already gone.", state)
        for report in reports:
            try:
                await self._server.delete_report(kind, report.id)
            except Forbidden as error:
                return _refused(server_says(error))
            except ForumError as error:
                if not error.maybe_done:
                    raise
            self._forget(kind, report.id)
        try:
            left = await self.reports_of(order.target, event)
        except ForumError:
            return _unread()
        if left:
            detail = f"{len(left)} of its reports are still there."
            return Outcome(OutcomeKind.UNKNOWN, detail, state)
        if event is not None:
            state = state_of_event(order.target, event, flags_open=False)
        return Outcome(OutcomeKind.APPLIED, f"Deleted {len(reports)} report(s).", state)

    async def reports_of(self, target: Target, event: RoomEvent | None) -> list[Report]:
        """Find the reports that are there about a target, those about its latest edit too."""
        found: list[Report] = []
        if target.kind is TargetKind.MEMBER:
            async for report in self._reports(USERS, target_user_id=target.id):
                if report.user == target.id:
                    found.append(report)
            return found
        filters = {"room_id": target.thread}
        if event is not None:
            filters["event_sender_user_id"] = event.sender
        ids = {target.id, event.version if event else target.id}
        async for report in self._reports(EVENTS, **filters):
            if report.event in ids:
                found.append(report)
        return found

    async def _reports(self, kind: str, **filters: str) -> AsyncIterator[Report]:
        start: int | None = 0
        for _ in range(_MOST_PAGES):
            rows, _total, start = await self._server.reports(kind, start or 0, PAGE, **filters)
            for row in rows:
                yield row
            if start is None:
                return

    # Posts.

    async def _remove(self, order: ActionOrder, event: RoomEvent | None) -> Outcome:
        """Redact the post and then its edits, each of which holds a wording of its own."""
        if order.target.kind is not TargetKind.POST:
            return _refused("Only posts can be removed.")
        if event is None:
            gone = TargetState(order.target, exists=False)
            return Outcome(OutcomeKind.ALREADY, "The post is not there any more.", gone)
        room, edits = order.target.thread, await self._edits(order)
        if event.removal and not edits:
            state = state_of_event(order.target, event)
            return Outcome(OutcomeKind.ALREADY, "The post is already removed.", state, event.removal)
        if not event.removal:
            try:
                await self._server.redact(room, event.id, order.id, _REASON)
            except Forbidden as error:
                said = server_says(error)
                return _refused(
                    f"You need to be in the room, with the right to redact. The server says: {said}"
                )
            except ForumError as error:
                if not error.maybe_done:
                    raise
        left = 0
        for edit in edits:
            try:
                await self._server.redact(room, edit, _transaction(order.id, edit), _REASON)
            except ForumError:  # the post itself is what was asked for; the rest is said below
                left += 1
        try:
            now = (await self._server.around(room, event.id)).event
        except ForumError:
            return _unread()
        state = state_of_event(order.target, now)
        if not now.removal:
            return Outcome(OutcomeKind.UNKNOWN, "The server took it, but the post is still there.", state)
        detail = f"{left} edit(s) of it could not be removed." if left else ""
        return Outcome(OutcomeKind.APPLIED, detail, state, now.removal)

    async def _edits(self, order: ActionOrder) -> list[str]:
        try:
            return await self._server.edits(order.target.thread, order.target.id)
        except (Forbidden, NotFound):  # not in the room, or an old server: the removal itself will tell
            return []

    # Members.

    async def _suspend(self, order: ActionOrder, event: RoomEvent | None) -> Outcome:
        done = await self._set_suspended(order, event, True)
        if done.kind is not OutcomeKind.APPLIED or order.until is None:
            return done
        detail = f"The server keeps no end date: lift it yourself on {order.until:%Y-%m-%d %H:%M} UTC."
        return Outcome(done.kind, detail, done.state)

    async def _restore(self, order: ActionOrder, event: RoomEvent | None) -> Outcome:
        if order.undoes is Action.SUSPEND:
            return await self._set_suspended(order, event, False)
        if order.undoes is Action.REMOVE:
            return _refused("On Matrix a removal cannot be undone.")
        return _refused("This adapter cannot undo that; do it by hand.")

    async def _set_suspended(self, order: ActionOrder, event: RoomEvent | None, wanted: bool) -> Outcome:
        user = _member_of(order, event)
        if not user:
            return _refused("The order does not say whose account it is about.")
        target = Target(TargetKind.MEMBER, user)
        try:
            account = await self._server.account(user)
        except NotFound:
            return Outcome(
                OutcomeKind.REFUSED, "No such member on this server.", TargetState(target, exists=False)
            )
        except ForumError as error:
            if error.status != 400:
                raise
            return _refused(f"The server says: {server_says(error)}")
        state = state_of_account(target, account)
        if account.suspended is None:
            return _refused("This server is too old to suspend accounts.", state)
        if account.suspended is wanted:
            already = "The account is already suspended." if wanted else "The account is not suspended."
            return Outcome(OutcomeKind.ALREADY, already, state)
        try:
            await self._server.suspend(user, wanted)
        except Forbidden as error:
            return _refused(server_says(error), state)
        except ForumError as error:
            if error.status in (400, 404, 405):
                return _refused(f"The server says: {server_says(error)}", state)
            if not error.maybe_done:
                raise
        try:
            now = await self._server.account(user)
        except ForumError:
            return _unread()
        state = state_of_account(target, now)
        if now.suspended is not wanted:
            return Outcome(
                OutcomeKind.UNKNOWN, "The server took it, but the account does not show it.", state
            )
        return Outcome(OutcomeKind.APPLIED, state=state)

    async def _write_to_member(self, order: ActionOrder, event: RoomEvent | None) -> Outcome:
        """Send one server notice; never a second one.

        The server knows a repeated transaction only for a while and not across its restarts, so an earlier
        attempt is looked for in the member's notices, and only a proof of absence lets it be sent.
        """
        if not self._sends_notices:
            return _refused("Writing to members is switched off in the settings; do it by hand.")
        user = _member_of(order, event)
        if not user:
            return _refused("The order does not say whose account it is about.")
        if not order.text.strip():
            return _refused("There is no text to send.")
        if order.attempt > 1:
            try:
                found = await self._find(user, order.id)
            except ForumError as error:
                return _not_known(error)
            if found is not None:
                return Outcome(OutcomeKind.ALREADY, "An earlier attempt sent it.", reference=found.id)
        try:
            notice = await self._server.send_notice(user, order.text, order.id)
        except Forbidden as error:
            return _refused(f"The server says: {server_says(error)}")
        except RateLimited:
            raise
        except ForumError as error:
            if error.maybe_done:
                return await self._look_for_notice(user, order.id)
            if error.status in (400, 404, 405):
                return _refused(f"The server says: {server_says(error)}")
            raise
        return Outcome(OutcomeKind.APPLIED, reference=notice)

    async def _look_for_notice(self, user: str, order: str) -> Outcome:
        """Say what became of a notice whose answer was lost. Not found is no proof: it may still be on its way."""
        try:
            found = await self._find(user, order)
        except ForumError as error:
            return _not_known(error)
        if found is None:
            return Outcome(OutcomeKind.UNKNOWN, "The answer was lost, and the notice is not there (yet).")
        return Outcome(OutcomeKind.APPLIED, reference=found.id)

    async def _find(self, user: str, order: str) -> RoomEvent | None:
        return await self._server.find_notice(user, self._notices_user(user), order)


def _member_of(order: ActionOrder, event: RoomEvent | None) -> str:
    if order.target.kind is TargetKind.MEMBER:
        return order.target.id
    return order.member or (event.sender if event else "")


def _has_changed(order: ActionOrder, event: RoomEvent) -> bool:
    """Say whether the moderator read another version. What is removed has no words left to have changed."""
    if order.action is Action.RESTORE or event.removal or not order.seen_version:
        return False
    return event.version != order.seen_version


def _transaction(order: str, event: str) -> str:
    """Give each removal of an order its own transaction: one used twice in a room gives the first removal again."""
    return f"{order}-{sha256(event.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _not_known(error: ForumError) -> Outcome:
    detail = f"Nobody can say whether the notice was sent; it is not sent again. {error.what}"
    return Outcome(OutcomeKind.UNKNOWN, detail)


def _unread() -> Outcome:
    return Outcome(OutcomeKind.UNKNOWN, "It was sent, but the server could not be read afterwards.")


def _refused(detail: str, state: TargetState | None = None) -> Outcome:
    return Outcome(OutcomeKind.REFUSED, detail, state)
