"""What authors and approvers do with protocol files. Running a protocol needs nothing of this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from modconsole.core.protocol import ReviewProtocol
from modconsole.core.run import RunView
from modconsole.ports.library import LibraryProblem

__all__ = ["Checked", "FhirRelease", "ProtocolTools", "Sketch"]

FhirRelease = str
"""`R4` (also R4B's shape) or `R5`."""


class Checked(tuple[LibraryProblem, ...]):
    """What a check found, by file and place. `files` says how many files it looked at."""

    files: int = 0


@dataclass(frozen=True, slots=True)
class Sketch:
    """What `protocol new` asks an author before it writes a first file."""

    id: str
    title: str
    trigger: str
    style: str = "do_confirm"
    urgency: str = "today"
    owner_role: str = "safeguarding_lead"
    jurisdictions: tuple[str, ...] = ("GB",)
    age_bands: tuple[str, ...] = ("adult",)
    forum_types: tuple[str, ...] = ("charity",)
    look_for: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    """What to do, a sentence each; may be empty."""
    whys: tuple[str, ...] = ()
    """Why each of `steps` matters, in the same order; an empty one is left for the author to write."""
    written_on: date | None = None
    """The day it is written; today when there is none."""


class ProtocolTools(ABC):
    """Checks, writes, prints and exports protocols."""

    @abstractmethod
    def check(self, ids: Sequence[str] = (), files: Sequence[Path] = ()) -> Checked:
        """Check protocols as their author wants it: every mistake, every path.

        Args:
            ids: The protocols of the library to check; none for all, with includes, templates and resources.
            files: Files outside the library, each checked as if it stood in it in place of one of its name; and
                folders of such files.
        """

    @abstractmethod
    def read(self, file: Path) -> ReviewProtocol:
        """Read one file outside the library, as if it stood in it.

        Raises:
            ProtocolFileError: It has mistakes; names them all.
        """

    @abstractmethod
    def schema(self, kind: str) -> Mapping[str, Any]:
        """Give the JSON Schema (2020-12) of `protocol`, `include`, `template` or `resources` files, for editors."""

    @abstractmethod
    def reference(self) -> str:
        """Give the reference of the language, in Markdown: every key of every kind of file."""

    @abstractmethod
    def starter(self, sketch: Sketch) -> str:
        """Write a commented protocol file that passes the check.

        Raises:
            WrongUsage: Something in the sketch cannot stand in a protocol; says what.
        """

    @abstractmethod
    def page(
        self,
        protocol: ReviewProtocol,
        form: str,
        *,
        standing: str = "DRAFT",
        printed_on: date | None = None,
    ) -> str:
        """Set one protocol as a page for the wall.

        Args:
            form: `html` or `markdown`.
            standing: What stands over it in big letters; empty only for one that is approved.
            printed_on: The day; without it the page has room to write it in.
        """

    @abstractmethod
    def questionnaire(self, protocol: ReviewProtocol, release: FhirRelease = "R4") -> Mapping[str, Any]:
        """Give a protocol as a FHIR `Questionnaire`."""

    @abstractmethod
    def response(
        self,
        shown: RunView,
        *,
        case: str,
        release: FhirRelease = "R4",
        closed: bool,
        include_text: bool = False,
    ) -> Mapping[str, Any]:
        """Give one run as a FHIR `QuestionnaireResponse`.

        Args:
            case: The case's id.
            closed: Whether the case was closed after the run: completed, or still in progress.
            include_text: Whether free text, which may identify people, goes with it.
        """
