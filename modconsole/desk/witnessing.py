"""What staff do about witnesses: taking a log on to countersign, and asking a witness on the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from modconsole.core.cosignature import WitnessAnswer
from modconsole.core.decision import Entry, EntryKind
from modconsole.core.note import VerifierKey
from modconsole.ports.audit import AuditLog
from modconsole.ports.witnessing import KnownLog, Taken, Witness, Witnessed, WitnessRequest

__all__ = ["ask_witness", "enrol_log"]

_TRIES = 3


def enrol_log(
    witness: Witness, log: AuditLog, key: VerifierKey, origin: str, *, me: str, now: Callable[[], datetime]
) -> KnownLog:
    """Take a log on to countersign, and seal that. Each countersignature is the other log's to keep, and is not sealed.

    Raises:
        WrongUsage: The log is known under another key, or is this device's own. Nothing was sealed.
        LogError, VaultLocked
    """
    witness.check(key, origin)
    origin = origin or key.name
    if all(known.origin != origin for known in witness.logs()):
        body = {"origin": origin, "vkey": str(key)}
        log.seal(Entry(EntryKind.KEY_EVENT, me, now(), detail="witness_enrolled", body=body))
    return witness.enrol(key, origin)


def ask_witness(
    witnessed: Witnessed, post: Callable[[str], WitnessAnswer], asked: WitnessRequest
) -> Sequence[Taken]:
    """Ask until the witness answers the question itself: it may have seen more of the log than we know.

    Raises:
        ModconsoleError: As for `Witnessed.take`.
    """
    answer = post(asked.text)
    for _ in range(_TRIES - 1):
        size = _seen(answer)
        if size is None or not 0 <= size <= asked.size or size == asked.old_size:
            break
        asked = witnessed.request(asked.origin, old_size=size, size=asked.size)
        answer = post(asked.text)
    return witnessed.take(answer, asked.text)


def _seen(answer: WitnessAnswer) -> int | None:
    try:
        return answer.size
    except ValueError:
        return None
