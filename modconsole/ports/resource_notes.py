"""The service's own copies of the crisis resource files, as `protocol adopt` writes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date
from pathlib import Path

__all__ = ["CHECKED_BY", "ResourceNotes"]

CHECKED_BY = {
    "rang": "rang it",
    "website": "read its own website",
    "official_list": "found it in an official list",
}
"""How somebody made sure of a crisis service, by the word the file has for it."""


class ResourceNotes(ABC):
    """Notes who made sure of a crisis service, and when. Shipped files stay as they are."""

    @abstractmethod
    def own_copy(self, id: str) -> Path:
        """Give the service's own file that this resource is in, copied from the shipped one if there is none yet.

        Raises:
            WrongUsage: There is no such resource.
            DataError: The copy cannot be written.
        """

    @abstractmethod
    def checked(self, id: str, *, on: date, by_role: str, method: str) -> Path:
        """Write into the service's own file that the resource was checked; every other line stays as it is.

        Args:
            method: A word of `CHECKED_BY`.

        Raises:
            WrongUsage: There is no such resource, or its file is written in a way that cannot be changed safely.
            DataError: The file cannot be written.
        """
