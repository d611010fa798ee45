"""A sample of decisions to read again: the same for everybody who has the same log and the same seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from modconsole.core.decision import EntryKind, Record
from modconsole.core.sampling import Stratum, draw

__all__ = ["STRATA", "sampled"]

STRATA = ("protocol", "actor", "urgency", "forum")
_NONE = "(none)"


def sampled(
    records: Iterable[Record],
    *,
    by: str,
    seed: str,
    per: int,
    sizes: Mapping[str, int],
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Stratum[Record], ...]:
    """Choose up to `per` decisions of each stratum.

    Args:
        by: One of `STRATA`. A decision under several protocols belongs to the one that was begun first.
        sizes: By log, how many entries it had when this was first drawn. Later entries, and other logs, do not count.
    """

    def chosen() -> Iterator[tuple[str, bytes, Record]]:
        for record in records:
            if (
                record.entry.kind is EntryKind.DECIDED
                and record.seq < sizes.get(record.origin, 0)
                and (since is None or record.entry.at >= since)
                and (until is None or record.entry.at < until)
            ):
                yield _stratum(record, by), bytes.fromhex(record.leaf_hash), record

    return draw(chosen(), seed, per)


def _stratum(record: Record, by: str) -> str:
    entry = record.entry
    if by == "protocol":
        return entry.protocols[0].id if entry.protocols else _NONE
    return str(getattr(entry, by)) or _NONE
