"""Carrying out orders: look, act, look again, and say what Ozone says."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape

from modconsole.core.actions import Action, ActionOrder, Outcome, OutcomeKind, TargetState
from modconsole.core.errors import Forbidden, ForumError, NotFound
from modconsole.core.model import MemberState, Target, TargetKind, Visibility
from modconsole_ozone.reading import HIDE_LABEL, Event, Status, Subject, View, did_of
from modconsole_ozone.service import Service
from modconsole_ozone.session import reason_of, server_says

__all__ = ["Actor", "key_of", "state_from"]

_ON_MEMBERS = (Action.MESSAGE_MEMBER, Action.SUSPEND, Action.CLOSE_ACCOUNT)
_ALREADY_SAID = ("already taken down", "not taken down")


def key_of(target: Target, member: str = "") -> str:
    """Give the DID or AT-URI of a target; a direct message counts for its author's account."""
    return member if target.kind is TargetKind.MESSAGE else target.id


def state_from(target: Target, view: View) -> TargetState:
    """Say what a view tells about a target."""
    return TargetState(
        target=target,
        exists=view.exists,
        visibility=view.visibility if target.kind is TargetKind.POST else Visibility.UNKNOWN,
        version=view.record.cid if view.record else "",
        member_state=_member_state(target, view.status),
        until=view.status.suspended_until if view.status else None,
        flags_open=view.status.is_open if view.status else False,
        text=view.record.text if view.record else None,
    )


def _member_state(target: Target, status: Status | None) -> MemberState:
    if target.kind is not TargetKind.MEMBER:
        return MemberState.UNKNOWN
    return status.member_state if status else MemberState.ACTIVE


class Actor:
    """Asks Ozone to do things.

    Args:
        now: The clock, for turning an end date into the hours that Ozone wants.
        mail_subject: The subject line of e-mails to members.
        service_did: Whose hide labels are ours to take back.
    """

    def __init__(
        self, service: Service, now: Callable[[], datetime], *, mail_subject: str, service_did: str
    ) -> None:
        self._service = service
        self._now = now
        self._mail_subject = mail_subject
        self._service_did = service_did
        self._closed: dict[str, datetime | None] = {}

    def closed_it(self, status: Status) -> bool:
        """Say whether what this status shows last is our own doing."""
        return self._closed.get(status.subject.key, _NEVER) == status.reviewed_at

    async def ask(self, order: ActionOrder) -> Outcome:
        """Carry out one order (see `Forum.ask`)."""
        step = self._steps().get(order.action)
        if step is None:
            return _refused("This adapter cannot do that; do it by hand.")
        target = self._target_of(order)
        if target is None:
            return _refused("The order does not say whose account it is about.")
        if order.action is Action.MESSAGE_MEMBER and order.attempt > 1:
            return await self._look_for_mail(order, target.id)
        try:
            view = await self._service.view(key_of(target, order.member))
        except NotFound:
            return self._gone(order, target)
        state = state_from(target, view)
        if order.attempt > 1:
            done = await self._traced(order, view, state)
            if done is not None:
                return done
        if await self._has_changed(order, view):
            return Outcome(OutcomeKind.CONFLICT, "The post was edited since you read it.", state)
        return await step(order, target, view, state)

    async def _has_changed(self, order: ActionOrder, view: View) -> bool:
        """Say whether the moderator read another version. Escalating and undoing are right for any version."""
        if order.action in (Action.ESCALATE_LEAD, Action.RESTORE) or not order.seen_version:
            return False
        if order.target.kind is not TargetKind.POST:
            return False
        if view.key != order.target.id:  # an action on the author, because of this post
            view = (await self._service.views([order.target.id])).get(order.target.id, view)
        return view.record is not None and view.record.cid != order.seen_version

    def _steps(
        self,
    ) -> dict[Action, Callable[[ActionOrder, Target, View, TargetState], Awaitable[Outcome]]]:
        return {
            Action.KEEP: self._acknowledge,
            Action.NO_ACTION: self._acknowledge,
            Action.HIDE: self._hide,
            Action.REMOVE: self._remove,
            Action.SUSPEND: self._suspend,
            Action.CLOSE_ACCOUNT: self._close_account,
            Action.ESCALATE_LEAD: self._escalate,
            Action.RESTORE: self._restore,
            Action.MESSAGE_MEMBER: self._write_to_member,
        }

    def _target_of(self, order: ActionOrder) -> Target | None:
        """Give what Ozone has to act on: the account for actions on a member, and for what undoes them."""
        about_member = order.action in _ON_MEMBERS or order.undoes in _ON_MEMBERS
        if about_member and order.target.kind is not TargetKind.MEMBER:
            did = order.member or (did_of(order.target.id) if order.target.kind is TargetKind.POST else "")
            return Target(TargetKind.MEMBER, did) if did else None
        if order.target.kind is TargetKind.MESSAGE and not order.member:
            return None
        return order.target

    def _gone(self, order: ActionOrder, target: Target) -> Outcome:
        nothing = TargetState(target, exists=False)
        if order.action is Action.REMOVE:
            return Outcome(OutcomeKind.ALREADY, "The post is not there any more.", nothing)
        return Outcome(OutcomeKind.REFUSED, "It is not there any more, so nothing was done.", nothing)

    async def _traced(self, order: ActionOrder, view: View, state: TargetState) -> Outcome | None:
        """Find an earlier attempt. The last of an action's events counts: before it, the action is half done."""
        for event in await self._service.traces(view.key, self._service.session.did, order.id):
            if event.kind == _LAST_EVENT.get(order.action, _LAST_RESTORE.get(order.undoes or order.action)):
                when = f"{event.at:%Y-%m-%d %H:%M} UTC"
                return Outcome(
                    OutcomeKind.ALREADY, f"An earlier attempt arrived at {when}.", state, str(event.id)
                )
        return None

    # What each action does. Each has read `view` just before, and looks again after it acted.

    async def _acknowledge(
        self, order: ActionOrder, target: Target, view: View, state: TargetState
    ) -> Outcome:
        if view.status is None or not view.status.is_open:
            return Outcome(OutcomeKind.ALREADY, "Its flags are already answered.", state)
        return await self._done(
            order,
            target,
            view,
            "modEventAcknowledge",
            lambda status: not status.is_open,
        )

    async def _escalate(self, order: ActionOrder, target: Target, view: View, state: TargetState) -> Outcome:
        if view.status and view.status.state == "reviewEscalated":
            return Outcome(OutcomeKind.ALREADY, "It is already escalated.", state)
        return await self._done(
            order,
            target,
            view,
            "modEventEscalate",
            lambda status: status.state == "reviewEscalated",
        )

    async def _remove(self, order: ActionOrder, target: Target, view: View, state: TargetState) -> Outcome:
        if target.kind is not TargetKind.POST:
            return _refused("Only posts can be taken down this way.", state)
        if view.status and view.status.taken_down:
            return Outcome(OutcomeKind.ALREADY, "The post is already taken down.", state)
        if view.record is None:
            return Outcome(OutcomeKind.ALREADY, "Its author has deleted the post.", state)
        # Without its files, the pictures of a post stay where they are.
        subject = replace(self._subject(order, target, view), files=view.record.files)
        return await self._done(
            order, target, view, "modEventTakedown", lambda status: status.taken_down, subject=subject
        )

    async def _hide(self, order: ActionOrder, target: Target, view: View, state: TargetState) -> Outcome:
        """Label the post, then answer its flags: two events, and the first one counts if the second fails."""
        if target.kind is not TargetKind.POST or view.record is None:
            return _refused("Only a post that is still there can be hidden.", state)
        subject = self._subject(order, target, view)
        answered = view.status is None or not view.status.is_open
        if view.record.hidden_by and answered:
            return Outcome(OutcomeKind.ALREADY, "The post already has the hide label.", state)
        if not view.record.hidden_by:
            sent = await self._emit(order, "modEventLabel", subject, _label(create=[HIDE_LABEL]))
            if sent.kind is OutcomeKind.REFUSED:
                return sent
        if not answered:
            # The label is there: whatever happens to this one, what is read afterwards is the answer.
            with suppress(ForumError):
                await self._emit(order, "modEventAcknowledge", subject, {})
        now = await self._read_again(target, view.key)
        if now is None:
            return _unread()
        hidden = now.visibility in (Visibility.HIDDEN, Visibility.REMOVED)
        if hidden and now.flags_open:
            return Outcome(OutcomeKind.APPLIED, "The label is set, but its flags are still open.", now)
        return _as_found(hidden, now, "the label is not on the post")

    async def _suspend(self, order: ActionOrder, target: Target, view: View, state: TargetState) -> Outcome:
        if order.until is None or order.until <= self._now():
            return _refused("A suspension needs an end date in the future.", state)
        status = view.status
        if status and status.taken_down:
            if status.suspended_until is None:
                return Outcome(
                    OutcomeKind.ALREADY, "The account is already taken down without an end.", state
                )
            if status.suspended_until >= order.until - timedelta(hours=1):
                return Outcome(OutcomeKind.ALREADY, "The account is already suspended until then.", state)
            return _refused("It is suspended for a shorter time; Ozone wants that lifted first.", state)
        hours = max(1, math.ceil((order.until - self._now()) / timedelta(hours=1)))
        return await self._done(
            order,
            target,
            view,
            "modEventTakedown",
            lambda status: status.taken_down and status.suspended_until is not None,
            durationInHours=hours,
        )

    async def _close_account(
        self, order: ActionOrder, target: Target, view: View, state: TargetState
    ) -> Outcome:
        if view.status and view.status.taken_down:
            if view.status.suspended_until:
                return _refused("It is suspended for a time; Ozone wants that lifted first.", state)
            return Outcome(OutcomeKind.ALREADY, "The account is already taken down.", state)
        return await self._done(
            order,
            target,
            view,
            "modEventTakedown",
            lambda status: status.taken_down and status.suspended_until is None,
        )

    async def _restore(self, order: ActionOrder, target: Target, view: View, state: TargetState) -> Outcome:
        if order.undoes is Action.HIDE:
            return await self._unhide(order, target, view, state)
        if order.undoes not in (Action.REMOVE, Action.SUSPEND, Action.CLOSE_ACCOUNT):
            return _refused("Ozone cannot undo that.", state)
        if view.status is None or not view.status.taken_down:
            return Outcome(OutcomeKind.ALREADY, "It is not taken down.", state)
        subject = self._subject(order, target, view)
        if target.kind is TargetKind.POST:
            # The takedown label sits on one version of the record: take back the one that was set.
            async for event in self._service.events(view.key, "modEventTakedown"):
                subject = event.subject or subject
                break
        return await self._done(
            order,
            target,
            view,
            "modEventReverseTakedown",
            lambda status: not status.taken_down,
            subject=subject,
        )

    async def _unhide(self, order: ActionOrder, target: Target, view: View, state: TargetState) -> Outcome:
        if view.record is None:
            return _refused("The post is not there any more.", state)
        if view.record.hidden_by is None:
            return Outcome(OutcomeKind.ALREADY, "The post has no hide label.", state)
        source, version = view.record.hidden_by
        if source != self._service_did:
            return _refused("Another labeler hid it; only that one can take the label back.", state)
        # A label is taken back on the version it was set on.
        subject = Subject(TargetKind.POST, did_of(view.key), uri=view.key, cid=version or view.record.cid)
        sent = await self._emit(order, "modEventLabel", subject, _label(negate=[HIDE_LABEL]))
        if sent.kind is OutcomeKind.REFUSED:
            return sent
        now = await self._read_again(target, view.key)
        if now is None:
            return _unread()
        return _as_found(now.visibility is not Visibility.HIDDEN, now, "the label is still on the post")

    async def _write_to_member(
        self, order: ActionOrder, target: Target, view: View, state: TargetState
    ) -> Outcome:
        """Send one e-mail through the member's server; never a second one.

        Ozone sends first and records afterwards, so a missing record proves nothing: whatever cannot be
        proved stays unknown, and a person decides.
        """
        if not order.text.strip():
            return _refused("There is no text to send.", state)
        fields = {"subjectLine": self._mail_subject, "content": _as_html(order.text)}
        try:
            event = await self._service.emit(
                "modEventEmail",
                Subject(TargetKind.MEMBER, target.id),
                external_id=order.id,
                comment=_comment(order),
                fields=fields,
            )
        except ForumError as error:
            sent = _after_error(error)
            if sent.kind is OutcomeKind.REFUSED:
                return sent
            return await self._look_for_mail(order, target.id)
        return _of_mail(event)

    async def _look_for_mail(self, order: ActionOrder, did: str) -> Outcome:
        unknown = Outcome(
            OutcomeKind.UNKNOWN,
            "Nobody can say whether the e-mail went out; it is not sent again. Ask the member's server, or write.",
        )
        try:
            traces = await self._service.traces(did, self._service.session.did, order.id)
        except ForumError:
            return unknown
        mails = [event for event in traces if event.kind == "modEventEmail"]
        if not mails:
            return unknown
        found = _of_mail(mails[-1])
        if order.attempt > 1 and found.kind is OutcomeKind.APPLIED:
            return Outcome(OutcomeKind.ALREADY, "An earlier attempt sent it.", reference=found.reference)
        return found

    # Asking and looking again.

    def _subject(self, order: ActionOrder, target: Target, view: View) -> Subject:
        if target.kind is TargetKind.MEMBER:
            return Subject(TargetKind.MEMBER, target.id)
        if target.kind is TargetKind.MESSAGE:
            return Subject(TargetKind.MESSAGE, order.member, conversation=target.thread, message=target.id)
        known = view.status.subject.cid if view.status else order.seen_version
        cid = view.record.cid if view.record else known
        return Subject(TargetKind.POST, did_of(target.id), uri=target.id, cid=cid)

    async def _done(
        self,
        order: ActionOrder,
        target: Target,
        view: View,
        kind: str,
        holds: Callable[[Status], bool],
        *,
        subject: Subject | None = None,
        **fields: object,
    ) -> Outcome:
        """Send one event, then say what the status says."""
        subject = subject or self._subject(order, target, view)
        sent = await self._emit(order, kind, subject, fields)
        if sent.kind is OutcomeKind.REFUSED:
            return sent
        try:
            status = await self._service.status(subject.key)
        except ForumError:
            return _unread()
        self._note(status)
        state = state_from(target, replace(view, status=status))
        if status is None or not holds(status):
            detail = sent.detail or "Ozone accepted it, but its status does not show it."
            return Outcome(OutcomeKind.UNKNOWN, detail, state)
        if sent.kind is OutcomeKind.ALREADY:
            return Outcome(OutcomeKind.ALREADY, sent.detail, state)
        return Outcome(OutcomeKind.APPLIED, state=state, reference=sent.reference)

    async def _emit(
        self, order: ActionOrder, kind: str, subject: Subject, fields: Mapping[str, object]
    ) -> Outcome:
        """Send one event and say what is known about it before looking again.

        Ozone tells a repeat by the kind of event, the external id and the account, so the order's id does for
        every step of the order.
        """
        try:
            event = await self._service.emit(
                kind, subject, external_id=order.id, comment=_comment(order), fields=fields
            )
        except ForumError as error:
            return _after_error(error)
        return Outcome(OutcomeKind.APPLIED, reference=str(event.id))

    async def _read_again(self, target: Target, key: str) -> TargetState | None:
        try:
            view = await self._service.view(key)
        except ForumError:
            return None
        self._note(view.status)
        return state_from(target, view)

    def _note(self, status: Status | None) -> None:
        if status is not None:
            self._closed[status.subject.key] = status.reviewed_at


def _after_error(error: ForumError) -> Outcome:
    """Say what a failed event means.

    Raises:
        ForumError: The same one, when it was certainly turned down for another reason than the order itself.
    """
    said = server_says(error)
    if isinstance(error, Forbidden) or error.status == 501:
        return _refused(said)
    if reason_of(error)[0] == "DuplicateExternalId":
        return Outcome(OutcomeKind.ALREADY, "An earlier attempt arrived.")
    if error.status == 400 and said.lower().endswith(_ALREADY_SAID):
        return Outcome(OutcomeKind.ALREADY, f"Somebody was faster: {said}")
    if error.status in (400, 413):
        return _refused(said)
    if not error.maybe_done:
        raise error
    return Outcome(OutcomeKind.UNKNOWN, "The answer was lost, and Ozone does not show that it was done.")


_NEVER = datetime.max.replace(tzinfo=UTC)

_LAST_EVENT = {
    Action.KEEP: "modEventAcknowledge",
    Action.NO_ACTION: "modEventAcknowledge",
    Action.HIDE: "modEventAcknowledge",
    Action.REMOVE: "modEventTakedown",
    Action.SUSPEND: "modEventTakedown",
    Action.CLOSE_ACCOUNT: "modEventTakedown",
    Action.ESCALATE_LEAD: "modEventEscalate",
}
_LAST_RESTORE = {
    Action.HIDE: "modEventLabel",
    Action.REMOVE: "modEventReverseTakedown",
    Action.SUSPEND: "modEventReverseTakedown",
    Action.CLOSE_ACCOUNT: "modEventReverseTakedown",
}


def _of_mail(event: Event) -> Outcome:
    reference = str(event.id)
    if event.is_delivered is None:
        return Outcome(
            OutcomeKind.UNKNOWN, "Ozone does not say whether the e-mail went out.", reference=reference
        )
    if event.is_delivered:
        return Outcome(OutcomeKind.APPLIED, reference=reference)
    detail = "Ozone recorded the e-mail, but says it was not delivered."
    return Outcome(OutcomeKind.REFUSED, detail, reference=reference)


def _as_found(holds: bool, state: TargetState, otherwise: str) -> Outcome:
    if holds:
        return Outcome(OutcomeKind.APPLIED, state=state)
    return Outcome(OutcomeKind.UNKNOWN, f"Ozone accepted it, but {otherwise}.", state)


def _unread() -> Outcome:
    return Outcome(OutcomeKind.UNKNOWN, "It was sent, but Ozone could not be read afterwards.")


def _refused(detail: str, state: TargetState | None = None) -> Outcome:
    return Outcome(OutcomeKind.REFUSED, detail, state)


def _comment(order: ActionOrder) -> str:
    """Give what goes into Ozone's log, which cannot be erased: never a word of the moderator's or a member's."""
    return f"{order.action} {order.id}"


def _label(create: list[str] | None = None, negate: list[str] | None = None) -> dict[str, object]:
    return {"createLabelVals": create or [], "negateLabelVals": negate or []}


def _as_html(text: str) -> str:
    paragraphs = (escape(part.strip()).replace("\n", "<br>") for part in text.split("\n\n"))
    return "".join(f"<p>{part}</p>" for part in paragraphs if part)
