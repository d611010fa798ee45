"""Messages to members: named placeholders, nothing else. An unfilled placeholder stops the sending."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["fill", "placeholders", "unfilled"]

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def placeholders(text: str) -> tuple[str, ...]:
    """Name the placeholders in `text`, each once, in order."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def fill(body: str, values: Mapping[str, str]) -> str:
    """Put the known values in, in one pass; a value is never read as a template again.

    An unknown or empty value leaves its placeholder standing, for the moderator to see and fill.
    """
    return _PLACEHOLDER.sub(lambda found: values.get(found[1]) or found[0], body)


def unfilled(text: str) -> tuple[str, ...]:
    """Name what still has to be filled before this text may be sent."""
    return placeholders(text)
