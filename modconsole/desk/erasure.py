"""Erasing what is held about a case or a member (UK GDPR Art. 17), refusing to, and restricting (Art. 18).

The log says what was asked for before anything goes, and what went when all of it has. What is between the two is
unfinished, and can be finished by anybody who may erase, however often it is stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from modconsole.core.decision import OUTLIVES_ITS_CASE, Entry, EntryKind, Record
from modconsole.core.errors import (
    DataError,
    LogError,
    NoSuchCase,
    NotAllowed,
    VaultError,
    VaultLocked,
    WrongUsage,
)
from modconsole.core.model import Case, Target, TargetKind
from modconsole.desk.casework import Casework
from modconsole.ports.audit import AuditLog, LogQuery
from modconsole.ports.store import QueueFilter
from modconsole.ports.vault import Vault

__all__ = [
    "ERASERS",
    "ERASE_BASES",
    "REFUSE_BASES",
    "RESTRICT_BASES",
    "Done",
    "Erasure",
    "Request",
    "Story",
    "is_private_to_case",
    "restriction",
    "story",
    "unfinished",
]

ERASERS = ("safeguarding_lead", "data_lead", "service_manager")
"""Who may erase, refuse to, restrict, and read what is restricted."""

ERASE_BASES = {
    "no_longer_needed": "Art. 17(1)(a)",
    "consent_withdrawn": "Art. 17(1)(b)",
    "objection": "Art. 17(1)(c)",
    "unlawful": "Art. 17(1)(d)",
    "legal_obligation": "Art. 17(1)(e)",
    "child_service": "Art. 17(1)(f)",
}
REFUSE_BASES = {
    "expression": "Art. 17(3)(a)",
    "legal_obligation": "Art. 17(3)(b)",
    "public_health": "Art. 17(3)(c)",
    "archiving": "Art. 17(3)(d)",
    "legal_claims": "Art. 17(3)(e)",
}
RESTRICT_BASES = {
    "accuracy_contested": "Art. 18(1)(a)",
    "unlawful": "Art. 18(1)(b)",
    "needed_for_claims": "Art. 18(1)(c)",
    "objection_pending": "Art. 18(1)(d)",
}
"""Codes that may stand in the readable part of the log. A basis in other words goes into the encrypted part only."""

_KNOWN = frozenset((*ERASE_BASES, *REFUSE_BASES, *RESTRICT_BASES))
_REFERENCE = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_LIFTED = "lifted"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """Why something is erased or refused, and who asked for it."""

    basis: str
    """One of the codes, or free text."""
    requester: str
    ref: str
    """The service's own reference. Readable in the log if it looks like one: one word, with a digit in it."""

    @property
    def code(self) -> str:
        """What of it may be read by anybody: `basis:ref`, either of them empty when it is no code."""
        basis = self.basis if self.basis in _KNOWN else ""
        ref = self.ref if _REFERENCE.fullmatch(self.ref) else ""
        return f"{basis}:{ref}" if basis or ref else ""


@dataclass(frozen=True, slots=True)
class Done:
    """One case that was erased."""

    case: str
    """Its id, as people knew it; empty when nobody remembers it."""
    token: str
    bodies: int
    """How many private parts of log entries are gone."""


@dataclass(frozen=True, slots=True)
class Story:
    """What the log says became of a case's private parts."""

    erased_at: datetime | None = None
    erased_by: str = ""
    requested_at: datetime | None = None
    basis: str = ""
    ref: str = ""
    restricted_at: datetime | None = None

    @property
    def words(self) -> str:
        """Say it in one line; empty when there is nothing to say."""
        ref = f", ref {self.ref}" if self.ref else ""
        if self.erased_at is not None:
            return f"erased on {self.erased_at:%Y-%m-%d} by {self.erased_by}{ref}"
        if self.requested_at is not None:
            return f"erasure asked for on {self.requested_at:%Y-%m-%d} and not finished{ref}"
        return f"restricted since {self.restricted_at:%Y-%m-%d}" if self.restricted_at is not None else ""


def story(log: AuditLog, token: str) -> Story:
    """Read what became of a case's private parts. Works while the vault is locked."""
    done, asked = _last(log, token, EntryKind.ERASED), _last(log, token, EntryKind.ERASE_REQUESTED)
    frozen = restriction(log, token)
    basis, _, ref = asked.entry.detail.partition(":") if asked else ("", "", "")
    return Story(
        done.entry.at if done else None,
        done.entry.actor if done else "",
        asked.entry.at if asked else None,
        basis,
        ref,
        frozen.entry.at if frozen else None,
    )


def restriction(log: AuditLog, token: str) -> Record | None:
    """Give the entry that restricts a case now; None when nothing does."""
    last = _last(log, token, EntryKind.RESTRICTED)
    return last if last is not None and last.entry.detail != _LIFTED else None


def unfinished(log: AuditLog) -> list[Record]:
    """Give the request of each erasure that was begun and is not finished. Works while the vault is locked."""
    done: dict[str, int] = {}
    for record in _all(log, EntryKind.ERASED):
        done[record.entry.case] = max(record.position, done.get(record.entry.case, 0))
    waiting = {
        record.entry.case: record
        for record in _all(log, EntryKind.ERASE_REQUESTED)
        if record.position > done.get(record.entry.case, 0)
    }
    return sorted(waiting.values(), key=lambda record: record.position)


def _last(log: AuditLog, token: str, kind: EntryKind) -> Record | None:
    return next(iter(log.records(LogQuery(case=token, kind=kind), limit=1)), None)


def _all(log: AuditLog, kind: EntryKind) -> Iterator[Record]:
    before = 0
    while page := log.records(LogQuery(kind=kind), limit=_PAGE, before=before):
        yield from page
        before = page[-1].position
        if len(page) < _PAGE:
            return


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a data lead does for a member who asks."""

    cases: Casework
    vault: Vault

    @property
    def _log(self) -> AuditLog:
        return self.cases.log

    # Finding

    def about(self, forum: str, member: str) -> list[Case]:
        """Give every case about a member of a forum: what they wrote, and what is about them as a member.

        Raises:
            VaultLocked: Members are found by a keyed hash.
        """
        store = self.cases.store
        found = store.of_member(forum, self.vault.pseudonym(forum, member))
        themselves = store.case_at(forum, Target(TargetKind.MEMBER, member))
        if themselves is not None and themselves.id not in {case.id for case in found}:
            found.append(themselves)
        return found

    def reported_by(self, forum: str, member: str) -> list[Case]:
        """Give the cases about others that name this member as who reported them. Opens every case of the forum."""
        store, named = self.cases.store, []
        own = {case.id for case in self.about(forum, member)}
        for closed in (False, True):
            wanted = QueueFilter(forum=forum, closed=closed)
            for first in range(0, store.count(wanted), _PAGE):
                for row in store.rows(wanted, first, _PAGE):
                    case = store.case(row.id) if row.id not in own else None
                    if case is not None and self._names(case, member):
                        named.append(case)
        return named

    def _names(self, case: Case, member: str) -> bool:
        try:
            return any(flag.reporter == member for flag in self.cases.store.file(case).flags)
        except VaultError:
            return False

    def token_of(self, id: str) -> str:
        """Give the token of a case that is here, or was erased here.

        Raises:
            NoSuchCase
        """
        case = self.cases.store.case(id)
        if case is not None:
            return case.token
        for record in _all(self._log, EntryKind.ERASE_REQUESTED):
            if self._id_in(record) == id:
                return record.entry.case
        raise NoSuchCase(f"There is no case “{id}” here.")

    def _id_in(self, record: Record) -> str:
        try:
            return str((self._log.open_body(record) or {}).get("case", ""))
        except (LogError, VaultError):
            return ""

    # Erasing

    def check(self, cases: Iterable[Case]) -> None:
        """Say beforehand whether these cases may be erased now.

        Raises:
            NotAllowed
        """
        self._allowed("erase")
        for case in cases:
            self.cases.not_others(case)
            if restriction(self._log, case.token) is not None:
                raise NotAllowed(
                    f"Case {case.id} is restricted: what is frozen is not erased.",
                    next_step=f"If that is right, lift it first: `modconsole audit restrict --case {case.id} --lift`.",
                )
            waiting = [state.id for state in self._log.decisions_of(case.token) if not state.is_settled]
            if waiting:
                raise NotAllowed(
                    f"Case {case.id} has a decision that nobody knows the outcome of: {', '.join(waiting)}.",
                    next_step="Finish or withdraw it first; without the case nobody could.",
                )

    def erase(self, cases: Sequence[Case], request: Request) -> list[Done]:
        """Erase these cases: their keys, their ciphertexts and their rows, in every file of this home.

        Each request is sealed before anything goes. Stopped half-way, `resume` finishes it.

        Raises:
            NotAllowed, VaultLocked: Nothing was erased.
            DataError: It is begun and not finished; says what is left to do.
        """
        self.check(cases)
        self._say_fully(request.basis, request.requester)
        for case in cases:
            self._seal(
                EntryKind.ERASE_REQUESTED, case.token, case.forum, request.code, _body(case.id, request)
            )
        return self.resume()

    def resume(self) -> list[Done]:
        """Finish every erasure that was begun; gives what was finished.

        Raises:
            NotAllowed, VaultLocked
            DataError: As for `erase`.
        """
        self._allowed("erase")
        waiting = unfinished(self._log)
        if not waiting:
            return []
        if self.vault.is_locked:
            raise VaultLocked("The keys are locked, so nothing can be erased.")
        try:
            return self._finish(waiting)
        except DataError as error:
            raise DataError(
                f"The erasure is begun and not finished. {error.what}",
                kept="It is in the log that it was asked for, and not yet that it is done. No other case is touched.",
                next_step=f"{error.next_step} Then run `modconsole audit erase --resume`.".strip(),
            ) from error

    def _finish(self, waiting: Sequence[Record]) -> list[Done]:
        """Carry erasures out. Each step does nothing where it was done before.

        The rows go first: from then on no part of any console knows the case and comes to write about it. The keys go
        before the log's ciphertexts: what another console was sealing in that moment is then among those.
        """
        tokens = [record.entry.case for record in waiting]
        store, log, vault = self.cases.store, self._log, self.vault
        store.erase(tokens)
        vault.erase(tokens)
        bodies = {token: log.erase(token) for token in tokens}
        self._cleared(("desk.db", store.clear_wal()), ("log.db", log.clear_wal()))
        vault.rotate()
        self._cleared(("keys.db", vault.clear_wal()))
        still = {record.entry.case for record in unfinished(log)}  # another console may have resumed it, too
        done = []
        for record in waiting:
            token = record.entry.case
            if token in still:
                done.append(Done(self._id_in(record), token, bodies[token]))
                self._seal(EntryKind.ERASED, token, record.entry.forum, "rotated", _receipt(done[-1], record))
        return done

    def _cleared(self, *files: tuple[str, bool]) -> None:
        held = [name for name, is_clear in files if not is_clear]
        if held:
            raise DataError(
                f"Another program is reading in {' and '.join(held)}, so old pages with ciphertext are still there.",
                next_step="Close the other consoles, or wait for a backup or a long check to end.",
            )

    # Refusing and restricting

    def refuse(self, case: Case, request: Request, reason: str) -> None:
        """Seal that an erasure was refused, and why.

        Raises:
            NotAllowed
        """
        self._allowed("refuse an erasure")
        self._say_fully(request.basis, reason)
        body = {**_body(case.id, request), "reason": reason}
        self._seal(EntryKind.ERASE_REFUSED, case.token, case.forum, request.code, body)

    def restrict(self, case: Case, basis: str) -> None:
        """Freeze a case: what was written stays and is not shown. A decision, and `!`, stay possible.

        Raises:
            NotAllowed
        """
        self._allowed("restrict a case")
        self._say_fully(basis)
        if restriction(self._log, case.token) is not None:
            raise NotAllowed(f"Case {case.id} is restricted already.")
        code = basis if basis in _KNOWN else "restricted"
        self._seal(EntryKind.RESTRICTED, case.token, case.forum, code, {"case": case.id, "basis": basis})

    def lift(self, case: Case, basis: str) -> None:
        """End a restriction.

        Raises:
            NotAllowed
        """
        self._allowed("lift a restriction")
        if restriction(self._log, case.token) is None:
            raise NotAllowed(f"Case {case.id} is not restricted.")
        self._seal(EntryKind.RESTRICTED, case.token, case.forum, _LIFTED, {"case": case.id, "basis": basis})

    def may_read(self, token: str, reason: str) -> bool:
        """Say whether the private parts of a case may be shown; for a restricted one that is sealed first.

        Args:
            reason: Why a restricted case is read; without one it is not.

        Raises:
            NotAllowed: Not with this role.
        """
        if restriction(self._log, token) is None:
            return True
        if not reason:
            return False
        self._allowed("read a restricted case")
        self._seal(EntryKind.TEXT_OPENED, token, "", "restricted", {"reason": reason})
        return True

    def _allowed(self, what: str) -> None:
        role = self.cases.settings.role
        if role not in ERASERS:
            raise NotAllowed(
                f"A {role.replace('_', ' ')} may not {what}.",
                next_step=f"Ask a {', '.join(other.replace('_', ' ') for other in ERASERS[:-1])} or "
                f"{ERASERS[-1].replace('_', ' ')}.",
            )

    def _say_fully(self, *said: str) -> None:
        if not all(words.strip() for words in said):
            raise WrongUsage(
                "The log must be able to say why, and for whom.", next_step="Give words, not blanks."
            )

    def _seal(self, kind: EntryKind, token: str, forum: str, code: str, body: dict[str, object]) -> None:
        cases = self.cases
        self._log.seal(
            Entry(kind, cases.settings.me, cases.now(), case=token, forum=forum, detail=code, body=body)
        )


def _body(id: str, request: Request) -> dict[str, object]:
    return {"case": id, "basis": request.basis, "requester": request.requester, "ref": request.ref}


def _receipt(done: Done, request: Record) -> dict[str, object]:
    return {
        "case": done.case,
        "bodies": done.bodies,
        "stores": ["desk.db", "keys.db", "log.db"],
        "request": f"{request.origin} {request.seq}",
    }


def is_private_to_case(record: Record) -> bool:
    """Say whether the private part of an entry belongs to its case, and is frozen and erased with it."""
    return bool(record.entry.case) and record.entry.kind not in OUTLIVES_ITS_CASE
