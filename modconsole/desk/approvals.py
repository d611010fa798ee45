"""Approving a protocol, withdrawing it, extending it: signed, sealed in the log, and handed from console to console.

Nothing here changes a protocol’s file. Each device has a log of its own, so what a lead signs travels as a small signed
text, and every console seals it again after checking who signed it, and that its own text is the one that was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from modconsole.core.approval import (
    ApprovalText,
    Verdict,
    file_name,
    parse_approval,
    ref_of,
    sealed_detail,
)
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.errors import NotAllowed
from modconsole.core.note import VerifierKey, parse_note, parse_verifier_key, signed_note
from modconsole.core.protocol import ProtocolStatus, ReviewProtocol
from modconsole.desk.standing import LEADS, day_words
from modconsole.desk.verdicts import Verdicts
from modconsole.ports.audit import AuditLog, Receipt
from modconsole.ports.library import ProtocolLibrary
from modconsole.ports.settings import Settings
from modconsole.ports.vault import Vault

__all__ = ["LONGEST_EXTENSION", "Approvals", "Given"]

LONGEST_EXTENSION = 90
"""Days. Longer, and the review is not late but given up."""

_CLOCKS_APART = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict that counts here from now on."""

    said: ApprovalText
    note: str
    """As signed: what goes into a file for the other consoles."""
    receipt: Receipt | None
    """Where it is sealed here; None when it was here already."""

    @property
    def file_name(self) -> str:
        return file_name(self.said)


@dataclass(frozen=True, slots=True)
class Approvals:
    """Gives verdicts on protocols, and takes over those of approvers this home knows."""

    log: AuditLog
    library: ProtocolLibrary
    vault: Vault
    settings: Settings
    now: Callable[[], datetime]
    signs_as: str
    """The name this home's approvals are signed under; its key is of this use only."""
    is_signed: Callable[[bytes, bytes, bytes], bool]
    """Whether a public Ed25519 key (first) signed a message (second) with this signature (third)."""

    def key(self) -> VerifierKey:
        """Give the key that other homes name among their approvers; made on first use.

        Raises:
            VaultLocked
        """
        return VerifierKey(self.signs_as, self.vault.verify_key(self.signs_as))

    # Giving

    def approve(self, protocol: ReviewProtocol, role: str, name: str, note: str = "") -> Given:
        """Approve exactly this text. Whoever calls has seen to it that `protocol check` finds no error in it.

        Args:
            role: The approver's, who approves as themselves: it is the role of these settings.
            name: The approver's; goes into the encrypted part.
            note: Anything the approver wants kept beside it; encrypted too.

        Raises:
            NotAllowed: It may not be approved, or not by this role; says why.
            LogError, VaultLocked: It is not in the log, so it is not approved.
        """
        self._may(protocol, role, name)
        if protocol.status in (ProtocolStatus.RETIRED, ProtocolStatus.WITHDRAWN):
            raise NotAllowed(
                f"The file of “{protocol.title}” says that it is {protocol.status}.",
                next_step="Give the file another status first, or leave it as it is.",
            )
        overdue = (self.now().date() - protocol.governance.review_by).days
        if overdue > 0:
            raise NotAllowed(
                f"“{protocol.title}” was to be reviewed by {day_words(protocol.governance.review_by)}.",
                next_step="Review it and write a new review_by into its file; or extend it with --extend.",
            )
        self.library.keep(protocol)
        said = self._said(protocol, Verdict.APPROVED, role, protocol.governance.review_by)
        return self._sealed(said, {"name": name, "remark": note})

    def withdraw(self, protocol: ReviewProtocol, role: str, name: str, reason: str) -> Given:
        """Let a protocol not be begun any more, at once. Runs that are already going may be finished.

        Raises:
            NotAllowed: Not by this role, or without a reason.
        """
        self._may(protocol, role, name)
        _needs(reason, "Withdrawing a protocol")
        said = self._said(protocol, Verdict.WITHDRAWN, role, self.now().date())
        return self._sealed(said, {"name": name, "reason": reason})

    def extend(self, protocol: ReviewProtocol, days: int, role: str, name: str, reason: str) -> Given:
        """Let an approved protocol be used past its review date, for so many days from today.

        Raises:
            NotAllowed: Not by this role, not that long, without a reason, or it was never approved.
        """
        self._may(protocol, role, name)
        _needs(reason, "Extending a protocol")
        if not 1 <= days <= LONGEST_EXTENSION:
            raise NotAllowed(f"It can be extended by 1 to {LONGEST_EXTENSION} days, not by {days}.")
        verdicts = Verdicts(self.log).of(protocol.id)
        if not any(v.verdict is Verdict.APPROVED and v.hash == protocol.hash for v in verdicts):
            raise NotAllowed(
                f"“{protocol.title}” is not approved as it is now, so there is nothing to extend.",
                next_step=f"`modconsole protocol approve {protocol.id}` approves it.",
            )
        until = self.now().date() + timedelta(days=days)
        return self._sealed(
            self._said(protocol, Verdict.EXTENDED, role, until), {"name": name, "reason": reason}
        )

    def _may(self, protocol: ReviewProtocol, role: str, name: str) -> None:
        if role != self.settings.role:
            raise NotAllowed(
                f"The settings say that you are a {_words(self.settings.role)}, not a {_words(role)}.",
                next_step="Everyone approves as themselves: on their own console, with their own role.",
            )
        if role not in _may_rule(protocol):
            listed = ", ".join(_words(known) for known in _may_rule(protocol))
            raise NotAllowed(
                f"A {_words(role)} does not rule on “{protocol.title}”. Who does: {listed}.",
                next_step="Ask one of them to do it on their own console.",
            )
        if not name.strip():
            raise NotAllowed("An approval needs the name of who gives it.", next_step="Give it with --name.")

    def _said(self, protocol: ReviewProtocol, verdict: Verdict, role: str, until: date) -> ApprovalText:
        at = self.now().astimezone(UTC).replace(microsecond=0)
        latest = max((known.at for known in Verdicts(self.log).of(protocol.id)), default=at)
        if verdict is Verdict.WITHDRAWN:
            at = max(at, latest)  # no clock keeps anybody from taking something out of use
        elif latest > at:
            raise NotAllowed(
                f"Something was decided about “{protocol.title}” at {latest:%Y-%m-%d %H:%M} UTC, which is yet to come.",
                next_step="Look at the clock of this computer, and of the one it was decided on.",
            )
        return ApprovalText(protocol.id, protocol.version, protocol.hash, verdict, role, at, until)

    def _sealed(self, said: ApprovalText, body: Mapping[str, object]) -> Given:
        key = self.key()
        note = signed_note(str(said), (key, self.vault.sign(key.name, str(said).encode())))
        return self._kept(said, note, key, body)

    def _kept(self, said: ApprovalText, note: str, key: VerifierKey, body: Mapping[str, object]) -> Given:
        receipt = self.log.seal(
            Entry(
                EntryKind.PROTOCOL_APPROVED,
                self.settings.me,
                self.now(),
                outcome=said.verdict,  # so that a list of entries tells a withdrawal from an approval
                detail=sealed_detail(said),
                protocols=(ref_of(said),),
                body={**body, "note": note, "key": str(key)},
            )
        )
        return Given(said, note, receipt)

    # Taking over

    def take_over(self, note: str) -> Given:
        """Let count here what an approver signed on another console.

        An approval or extension counts for one text, so this library must have that very text. A withdrawal counts
        whatever the text: it is about safety.

        Raises:
            NotAllowed: It is no such note, nobody we know signed it, or it does not fit what is here; says which.
            LogError, VaultLocked: It is not in the log, so it does not count.
        """
        said, key = self._checked(note)
        protocol = self.library.get(said.protocol)
        if protocol is None:
            raise NotAllowed(
                f"There is no protocol “{said.protocol}” here.",
                next_step="Put its file into this home’s own protocols first; `modconsole config path` says where.",
            )
        if said.role not in _may_rule(protocol):
            raise NotAllowed(
                f"It was given by a {_words(said.role)}, who does not rule on “{protocol.title}”."
            )
        if said.at > self.now() + _CLOCKS_APART:
            raise NotAllowed(
                f"It says that it was given at {said.at:%Y-%m-%d %H:%M} UTC, and that is yet to come.",
                next_step="Look at the clock of this computer, and of the one it was given on.",
            )
        verdicts = Verdicts(self.log).of(said.protocol)
        if said in verdicts:
            return Given(said, note, None)
        if said.verdict is not Verdict.WITHDRAWN:
            self._must_fit(said, protocol, verdicts)
            self.library.keep(protocol)
        return self._kept(said, note, key, {})

    def _checked(self, note: str) -> tuple[ApprovalText, VerifierKey]:
        try:
            parsed = parse_note(note)
            said = parse_approval(parsed.text)
        except ValueError as error:
            raise NotAllowed(
                f"This is not an approval as it was signed: {error}",
                next_step="Ask for the file again, as a file and not as text in a message.",
            ) from None
        known = [parse_verifier_key(text) for text in self.settings.service.approvers]
        fitting = [
            (key, signature.signature)
            for key in known
            for signature in parsed.signatures
            if (key.name, key.id) == (signature.name, signature.key_id)
        ]
        if not fitting:
            names = ", ".join(signature.name for signature in parsed.signatures)
            raise NotAllowed(
                f"Nobody among this home’s approvers signed it. It names {names}.",
                next_step="If you trust them, put what `modconsole protocol approve --key` prints on their console, "
                "given to you in person, into `approvers` under [service] in the settings.",
            )
        for key, signature in fitting:
            if self.is_signed(key.public, parsed.text.encode(), signature):
                return said, key
        raise NotAllowed(
            f"The signature of {fitting[0][0].name} is not right: this text is not what was signed.",
            next_step="Do not use it. Ask who gave it to you for the file again, and tell your safeguarding lead.",
        )

    def _must_fit(
        self, said: ApprovalText, protocol: ReviewProtocol, verdicts: Sequence[ApprovalText]
    ) -> None:
        if said.hash != protocol.hash:
            raise NotAllowed(
                f"It is about another text of “{protocol.title}”: {said.hash[:12]}…, version {said.version}. "
                f"Here is {protocol.hash[:12]}…, version {protocol.version}.",
                next_step="Bring the protocol, its includes, templates and resources to the state that was approved, "
                "or ask for an approval of what is here. Both consoles need the same version of modconsole too.",
            )
        if protocol.status in (ProtocolStatus.RETIRED, ProtocolStatus.WITHDRAWN):
            raise NotAllowed(f"The file of “{protocol.title}” says that it is {protocol.status}.")
        for withdrawal in (v for v in verdicts if v.verdict is Verdict.WITHDRAWN):
            if withdrawal.at >= said.at:
                raise NotAllowed(
                    f"“{protocol.title}” was withdrawn on {day_words(withdrawal.at.date())}, after this was given.",
                    next_step="It takes a new approval to use it again.",
                )


def _may_rule(protocol: ReviewProtocol) -> tuple[str, ...]:
    return tuple(dict.fromkeys((protocol.governance.owner_role, *LEADS)))


def _needs(reason: str, what: str) -> None:
    if not reason.strip():
        raise NotAllowed(f"{what} needs a reason.", next_step="Give it with --reason, in a few words.")


def _words(role: str) -> str:
    return role.replace("_", " ")
