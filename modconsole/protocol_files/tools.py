"""What authors and approvers do with protocol files, each part of it loaded only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from modconsole.core.protocol import ReviewProtocol
from modconsole.core.run import RunView
from modconsole.ports.protocol_tools import Checked, FhirRelease, ProtocolTools, Sketch
from modconsole.protocol_files.library import FileLibrary

__all__ = ["FileTools"]


class FileTools(ProtocolTools):
    def __init__(self, library: FileLibrary) -> None:
        self._library = library

    def check(self, ids: Sequence[str] = (), files: Sequence[Path] = ()) -> Checked:
        from modconsole.protocol_files.checking import check

        return check(self._library, ids, files)

    def read(self, file: Path) -> ReviewProtocol:
        from modconsole.protocol_files.checking import read_file

        return read_file(self._library, file)

    def schema(self, kind: str) -> Mapping[str, Any]:
        from modconsole.protocol_files.json_schema import json_schema

        return json_schema(kind)

    def reference(self) -> str:
        from modconsole.protocol_files.reference import reference

        return reference()

    def starter(self, sketch: Sketch) -> str:
        from modconsole.protocol_files.starter import starter

        return starter(sketch)

    def page(
        self,
        protocol: ReviewProtocol,
        form: str,
        *,
        standing: str = "DRAFT",
        printed_on: date | None = None,
    ) -> str:
        from modconsole.protocol_files.printing import page

        return page(protocol, form, self._library, standing=standing, printed_on=printed_on)

    def questionnaire(self, protocol: ReviewProtocol, release: FhirRelease = "R4") -> Mapping[str, Any]:
        from modconsole.protocol_files.fhir import questionnaire

        return questionnaire(protocol, release)

    def response(
        self,
        shown: RunView,
        *,
        case: str,
        release: FhirRelease = "R4",
        closed: bool,
        include_text: bool = False,
    ) -> Mapping[str, Any]:
        from modconsole.protocol_files.fhir import response

        return response(shown, case=case, release=release, closed=closed, include_text=include_text)
