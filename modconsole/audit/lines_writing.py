"""Writing entries, a line each: JSONL for programs, which can hash it again; CSV for people, which proves nothing."""

from __future__ import annotations

import csv
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from modconsole.core.merkle import leaf_hash
from modconsole.core.text import ascii_json, plain

__all__ = ["FORMS", "Row", "csv_cell", "write_csv", "write_jsonl"]

FORMS = ("jsonl", "csv")
Row = tuple[str, int, bytes]
"""An entry's log, index and bytes."""

PROVES_NOTHING = (
    "This table proves nothing: anybody can change it. Check the log, or an export as tiles or evidence."
)


def write_jsonl(file: IO[str], rows: Iterable[Row]) -> int:
    """Write entries with their bytes as hashed, and say how many."""
    count = 0
    for origin, index, leaf in rows:
        line = {
            "origin": origin,
            "index": index,
            "leaf": b64encode(leaf).decode(),
            "leaf_hash": leaf_hash(leaf).hex(),
            "header": _header(leaf),
        }
        file.write(ascii_json(line) + "\n")
        count += 1
    return count


def write_csv(file: IO[str], rows: Iterable[Row], case_id: Callable[[str], str]) -> int:
    """Write entries as a table, and say how many. The heading of the last column says what it is worth."""
    table = csv.writer(file)
    table.writerow((*_COLUMNS, PROVES_NOTHING))
    count = 0
    for origin, index, leaf in rows:
        cells = _cells(_header(leaf) or {}, case_id)
        table.writerow([csv_cell(cell) for cell in (origin, str(index), *cells, leaf_hash(leaf).hex(), "")])
        count += 1
    return count


_COLUMNS = (
    "origin", "index", "time", "kind", "who", "case", "case_token", "forum", "decision", "actions", "outcome",
    "detail", "urgency", "reverses", "protocols", "demo", "leaf_hash",
)  # fmt: skip


def _cells(header: Mapping[str, Any], case_id: Callable[[str], str]) -> Iterator[str]:
    token = _said(header.get("case"))
    yield from (_said(header.get(name)) for name in ("ts", "kind", "actor"))
    yield case_id(token) if token else ""
    yield token
    yield from (_said(header.get(name)) for name in ("forum", "decision", "actions", "outcome", "detail"))
    yield from (_said(header.get(name)) for name in ("urgency", "reverses"))
    used = header.get("protocols")
    used = used if isinstance(used, list) else []
    yield ", ".join(f"{p.get('id')} {p.get('ver')}" for p in used if isinstance(p, dict))
    yield "demo" if header.get("demo") else ""


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def csv_cell(text: str) -> str:
    """Make a text safe for a spreadsheet: what it would take for a formula gets an apostrophe before it."""
    shown = plain(text, lines=False)
    # Looked at as received, too: a tab at the beginning is shown as a space, and was meant to hide what follows.
    is_formula = shown.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))
    return f"'{shown}" if is_formula else shown


_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # some spreadsheets take the wide forms as well


def _header(leaf: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(leaf)
    except ValueError:
        return None
    return header if isinstance(header, dict) else None
