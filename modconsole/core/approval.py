"""What an approver signs: one exact text of a protocol, and what was decided about it. As text, so anyone can read it.

Eight lines, each ended by a newline; signing it makes a note (`core.note`) that can be handed from console to console::

    modconsole-approval/1
    suicide-thoughts
    1.0.0
    sha256:0f3c…
    approved
    safeguarding_lead
    2026-11-23T09:12:00Z
    2027-05-01

The last line is the day up to which the words above it hold: the review date, or what an extension grants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from modconsole.core.decision import ProtocolRef
from modconsole.core.roles import ROLES

__all__ = [
    "ApprovalText",
    "Verdict",
    "file_name",
    "parse_approval",
    "ref_of",
    "sealed_detail",
    "verdict_sealed",
]

_HEAD = "modconsole-approval/1"
_PROTOCOL = re.compile(r"[a-z][a-z0-9-]{0,79}")
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_DETAIL = re.compile(r"([a-z_]+)@([^/]+)/(.+)")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Verdict(StrEnum):
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    """Not safe to be used. Holds for every text of this protocol known by then, until one is approved anew."""
    EXTENDED = "extended"
    """May be used past its review date, up to a day that is named."""


_ENDINGS = {Verdict.APPROVED: "approval", Verdict.WITHDRAWN: "withdrawal", Verdict.EXTENDED: "extension"}


@dataclass(frozen=True, slots=True)
class ApprovalText:
    """One verdict on one text of a protocol. `str` gives what is signed."""

    protocol: str
    version: str
    hash: str
    """Of the resolved bundle, in hex."""
    verdict: Verdict
    role: str
    at: datetime
    """To the second, in UTC. Says which of two verdicts is the later one."""
    until: date

    def __str__(self) -> str:
        lines = (
            _HEAD,
            self.protocol,
            self.version,
            f"sha256:{self.hash}",
            self.verdict,
            self.role,
            _time(self.at),
            self.until.isoformat(),
        )
        return "".join(f"{line}\n" for line in lines)


def parse_approval(text: str) -> ApprovalText:
    """Read what `str` wrote.

    Raises:
        ValueError: It is not an approval in its one proper form.
    """
    lines = text.split("\n")
    if len(lines) != 9 or lines[0] != _HEAD or lines[-1]:
        raise ValueError(f"An approval begins with “{_HEAD}” and has eight lines.")
    _, protocol, version, hash, verdict, role, at, until, _ = lines
    found = _HASH.fullmatch(hash)
    if not _PROTOCOL.fullmatch(protocol) or not _VERSION.fullmatch(version) or found is None:
        raise ValueError("An approval names a protocol, its version and its hash, each on a line.")
    if role not in ROLES:
        raise ValueError("An approval names the role of who gave it.")
    read = ApprovalText(
        protocol, version, found[1], Verdict(verdict), role, _read_time(at), date.fromisoformat(until)
    )
    if str(read) != text:
        raise ValueError("An approval has one proper form, and this is not it.")
    return read


def file_name(approval: ApprovalText) -> str:
    """Name the file that a verdict travels in: the protocol, the beginning of its hash, and what it is."""
    return f"{approval.protocol}-{approval.hash[:12]}.{_ENDINGS[approval.verdict]}"


def ref_of(approval: ApprovalText) -> ProtocolRef:
    """Give the readable part of a sealed verdict: which text, and what was decided about it."""
    return ProtocolRef(approval.protocol, approval.version, approval.hash, approval.verdict)


def sealed_detail(approval: ApprovalText) -> str:
    """Give what else of a verdict stays readable in the log, as a code: role, time, last day."""
    return f"{approval.role}@{_time(approval.at)}/{approval.until.isoformat()}"


def verdict_sealed(used: ProtocolRef, detail: str, at: datetime) -> ApprovalText | None:
    """Read a verdict back from a log entry's readable part; None for one that a later version wrote.

    Args:
        at: When the entry was sealed. An approval that came from another console was given earlier.
    """
    try:
        verdict = Verdict(used.status)
        found = _DETAIL.fullmatch(detail)
        role, given, until = found.groups() if found else (detail, _time(at), date.max.isoformat())
        return ApprovalText(
            used.id, used.version, used.hash, verdict, role, _read_time(given), date.fromisoformat(until)
        )
    except ValueError:
        return None


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime(_TIME)


def _read_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
