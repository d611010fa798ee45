"""Names of logs: one per device and quarter, `modconsole.<org>/<device>/<yyyyQn>`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count

__all__ = ["origins_for", "slug"]

_DEMO = "demo"


@lru_cache(maxsize=16)
def slug(name: str) -> str:
    """Give a name as lower-case letters, digits and hyphens."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "unnamed"


def origins_for(org: str, device: str, *, demo: bool, at: datetime) -> Iterator[str]:
    """Give the names a log of this time may have, the usual one first.

    The others, with `-2` and so on, are for a log that cannot be continued: shortened, forked, or its key lost.
    """
    at = at.astimezone(UTC)
    service = _DEMO if demo else slug(org)
    if service == _DEMO and not demo:
        service = "demo-service"  # nobody's real log may pass for a demo's
    usual = f"modconsole.{service}/{slug(device)}/{at.year}Q{(at.month + 2) // 3}"
    yield usual
    for number in count(2):
        yield f"{usual}-{number}"
