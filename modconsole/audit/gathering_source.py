"""Reading the log that somebody handed over: its head, and its entries in order. Nothing of it is trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from modconsole.audit.header import entry_of, timestamp
from modconsole.audit.heads import LONGEST_NOTE, NotAHead, SignedHead, signed_head
from modconsole.audit.outside import Missing, OutsideFolder, Unreadable
from modconsole.audit.tiles import ENTRIES, LONGEST_ENTRY, WIDTH, BadTile, as_entries, tile_path
from modconsole.core.decision import EntryKind
from modconsole.core.errors import LogError
from modconsole.core.note import VerifierKey, parse_checkpoint, parse_note, signed_note

__all__ = ["NotOurs", "OutsideLog", "Unfit", "check_entry", "logs_in"]


class Unfit(Exception):
    """An export cannot be used: what is wrong with it, from which entry on, and what that means."""

    def __init__(self, what: str, means: str, seq: int | None = None) -> None:
        super().__init__(what)
        self.what, self.means, self.seq = what, means, seq


class NotOurs(Unfit):
    """An entry was signed, and is none that modconsole writes."""


def logs_in(folder: Path) -> list[Path]:
    """Name the folders with a log in them: this one, or those right below it."""
    outside = OutsideFolder(folder)
    if "checkpoint" in outside.names():
        return [folder]
    return [folder / name for name in outside.names() if "checkpoint" in outside.names(name)]


class OutsideLog:
    """A tile log in a folder that somebody else filled."""

    def __init__(self, folder: Path) -> None:
        self._outside = OutsideFolder(folder)
        try:
            self._checkpoint = self._outside.read("checkpoint", LONGEST_NOTE)
        except Unreadable as error:
            raise Unfit(f"checkpoint {error}.", "Without a signed head nothing is proved.") from None

    def claimed_origin(self) -> str:
        """Say which log this is said to be. Nothing is proved by that.

        Raises:
            Unfit: It is not said in a form that can be read.
        """
        try:
            return parse_checkpoint(parse_note(self._checkpoint.decode()).text).origin
        except ValueError as error:
            means = "It was damaged, it holds more than one head, or it is another file."
            raise Unfit(f"checkpoint is no signed head: {error}", means) from None

    def head(self, key: VerifierKey) -> SignedHead:
        """Give the head, if this key signed it.

        Raises:
            Unfit
        """
        try:
            return signed_head(self._checkpoint, [key])
        except NotAHead as error:
            raise Unfit(f"checkpoint {error.what}", error.means) from None

    def note(self, key: VerifierKey) -> str:
        """Give the head with the log's own signature alone: however often it was countersigned, the text is the same.

        Call `head` first.
        """
        note = parse_note(self._checkpoint.decode())
        own = next(s for s in note.signatures if (s.name, s.key_id) == (key.name, key.id))
        return signed_note(note.text, (key, own.signature))

    def bundles(self, size: int) -> Iterator[list[bytes]]:
        """Give the first entries, up to 256 at a time.

        Raises:
            Unfit: Not all of them are there.
        """
        for index in range(-(-size // WIDTH)):
            first = index * WIDTH
            yield self._bundle(index, first, min(WIDTH, size - first))

    def _bundle(self, index: int, first: int, width: int) -> list[bytes]:
        """Read a bundle. Where a partial one is missing, a wider one does as well: the log has grown since."""
        for held in (width,) if width == WIDTH else (width, WIDTH, *range(width + 1, WIDTH)):
            name = tile_path(ENTRIES, index, held)
            try:
                return as_entries(self._outside.read(name, held * (2 + LONGEST_ENTRY)), held)[:width]
            except Missing:
                continue
            except (Unreadable, BadTile) as error:
                raise Unfit(f"{name} {error}.", _NOT_ALL.format(first), first) from None
        name = tile_path(ENTRIES, index, width)
        raise Unfit(f"{name} is not there.", _NOT_ALL.format(first), first)


_NOT_ALL = "The entries from {} on are not all here, so the export was cut short, or is still being copied."


def check_entry(leaf: bytes, seq: int) -> None:
    """See that an entry is one that can be listed and searched. Of kinds not known here, that is little.

    Raises:
        NotOurs
    """
    try:
        header = json.loads(leaf.decode(), object_pairs_hook=_once, parse_constant=_never)
        numbered, kind, ts = header["seq"], header["kind"], header["ts"]
        if numbered.__class__ is not int or numbered != seq:
            raise ValueError("it does not say that it is this entry")
        if not isinstance(kind, str) or timestamp(datetime.fromisoformat(ts)) != ts:
            raise ValueError("its time is not written as we write times")
        if kind in _KINDS:
            entry_of(header)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, LogError) as error:
        raise NotOurs(
            f"Entry {seq} is none that modconsole writes: {_why(error)}.",
            "Its log was written by something else. Nothing of it was taken in.",
            seq,
        ) from None


_KINDS = frozenset(kind.value for kind in EntryKind)


def _why(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that stands there twice: one program would read the first, another the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field stands in it twice")
    return found


def _never(word: str) -> object:
    raise ValueError(f"{word} is no number")
