"""Checking a whole tile log, of anybody's, from its files: entries into tiles, tiles into the root that is signed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modconsole.audit.heads import LONGEST_NOTE, NotAHead, SignedHead, signed_head
from modconsole.audit.outside import Missing, OutsideFolder, Unreadable, read_plain
from modconsole.audit.tiles import (
    ENTRIES,
    LONGEST_ENTRY,
    WIDTH,
    BadTile,
    Tower,
    as_hashed,
    as_tile,
    first_difference,
    tile_path,
)
from modconsole.core.merkle import HASH_SIZE
from modconsole.core.note import VerifierKey
from modconsole.ports.audit import Finding
from modconsole.ports.log_tools import TilesReport

__all__ = ["NO_KNOWING", "at_most", "verify_tiles"]

NO_KNOWING = (
    "Whether this head is the newest, and whether others were shown another, no folder can tell: compare it with "
    "heads that somebody else kept."
)
_PARTIAL = re.compile("[1-9][0-9]{0,2}")
_SHOWN = 20
"""How many findings are told one by one."""


def verify_tiles(
    folder: Path, key: VerifierKey, *, checkpoint: Path | None = None, origin: str = ""
) -> TilesReport:
    """Hash a log's files into the root that is signed. Holds a few tiles at a time, however large the log is."""
    outside, origin = OutsideFolder(folder), origin or key.name
    found = list[Finding]()
    heads = sorted(_heads(outside, key, checkpoint, origin, found), key=lambda head: head.signed.point.size)
    if not heads:
        return TilesReport(origin, 0, "", 0, tuple(found))
    walk = _Walk(outside, heads)
    if not walk.is_complete and heads[0].signed.point.size < heads[-1].signed.point.size:
        # The folder may still be all that its own, shorter head says.
        found.append(_cut_off(heads[0], heads[-1], walk))
        walk = _Walk(outside, heads[:1])
    found += walk.findings()
    point = walk.main.signed.point
    findings = tuple(at_most(found, _SHOWN))
    return TilesReport(
        point.origin, point.size, point.root.hex(), walk.contents, findings, tuple(walk.notes(heads))
    )


def at_most(found: Sequence[Finding], shown: int) -> Iterator[Finding]:
    """Give the first findings, and how many more there are."""
    yield from found[:shown]
    if len(found) > shown:
        what = f"{len(found) - shown:,} more things are wrong."
        yield Finding(found[0].origin, None, what, "The first ones are named above.")


@dataclass(frozen=True, slots=True)
class _Head:
    """A signed head, with the name of the file it was found in."""

    name: str
    signed: SignedHead


def _heads(
    outside: OutsideFolder, key: VerifierKey, checkpoint: Path | None, origin: str, found: list[Finding]
) -> Iterator[_Head]:
    """Give the heads that are really signed: the folder's own, and the one that was kept elsewhere."""
    readers: dict[str, Callable[[], bytes]] = {"checkpoint": lambda: outside.read("checkpoint", LONGEST_NOTE)}
    if checkpoint is not None:
        kept = checkpoint
        readers[f"the kept head {kept}"] = lambda: read_plain(kept, LONGEST_NOTE)
    for name, read in readers.items():
        try:
            yield _Head(name, signed_head(read(), [key], origin))
        except NotAHead as error:
            found.append(Finding(origin, None, f"{name} {error.what}", error.means))
        except Unreadable as error:
            if isinstance(error, Missing) and name == "checkpoint" and checkpoint is not None:
                continue
            found.append(Finding(origin, None, f"{name} {error}.", _without_head(outside)))


def _without_head(outside: OutsideFolder) -> str:
    logs = [inner for inner in outside.names() if outside.has(f"{inner}/checkpoint")][:5]
    hint = f" There are logs in the folders below it; name one of them: {', '.join(logs)}." if logs else ""
    return "Without a signed head nothing is proved." + hint


def _cut_off(own: _Head, later: _Head, walk: _Walk) -> Finding:
    size = own.signed.point.size
    return Finding(
        own.signed.point.origin,
        size,
        f"{later.name} is of {later.signed.point.size:,} entries, and the tiles for that are not all here: "
        f"{walk.stopped_at}.",
        f"The entries from {size} on were cut off, or this is an older copy of the log. The rest of what is said here "
        f"is about the {size:,} entries of {own.name}.",
    )


class _BadFile(Exception):
    """A file of the log is missing or not what its place says."""

    def __init__(self, name: str, why: Exception) -> None:
        super().__init__(f"{name} {why}")
        self.is_missing = isinstance(why, Missing)


@dataclass(frozen=True, slots=True)
class _Above:
    """A tile above level 0 that does not fit, with the entries that its first wrong hash covers."""

    what: str
    first: int
    after: int


class _Walk:
    """One pass over a log's files, and what it showed. Two trees grow: of the tiles, and of the entries themselves.

    Args:
        heads: One or two, the smaller first.
    """

    def __init__(self, outside: OutsideFolder, heads: Sequence[_Head]) -> None:
        self._outside = outside
        self._heads = heads
        self.main = heads[-1]
        self._size = self.main.signed.point.size
        self._origin = self.main.signed.point.origin
        self.contents = 0
        """Entries that were there to read."""
        self.stopped_at = ""
        self._first_unseen = 0
        self._found: list[Finding] = []
        self._roots: dict[int, bytes] = {}
        """What the tiles give at the sizes of the heads."""
        self._differ: list[tuple[int, str, str]] = []
        """The first entry of each bundle that its tile does not fit, with both files."""
        self._above: list[_Above] = []
        self._above_entries: list[_Above] = []
        self._tiles = Tower(self._comparer(self._above, earlier=True))
        self._entries: Tower | None = None
        """None as long as entries and tiles are the same."""
        self._root_of_entries = b""
        try:
            self._go()
        except _BadFile as error:
            self.stopped_at = str(error)

    @property
    def is_complete(self) -> bool:
        return not self.stopped_at

    def _go(self) -> None:
        tile = entries = b""
        for index in range(-(-self._size // WIDTH)):
            width = min(WIDTH, self._size - index * WIDTH)
            tile, entries = self._level_0(index, width)
            for head in self._heads:
                size = head.signed.point.size
                if size // WIDTH == index:
                    self._roots[size] = self._tiles.root(tile[: size % WIDTH * HASH_SIZE])
            if entries != tile and self._entries is None:
                self._entries = self._tiles.fork(self._comparer(self._above_entries))
            if width == WIDTH:
                for tower, row in ((self._tiles, tile), (self._entries, entries)):
                    if tower is not None:
                        tower.add(row)
        if self._size % WIDTH == 0:
            tile = entries = b""
        self._roots[self._size] = self._tiles.root(tile)
        self._root_of_entries = (self._entries or self._tiles).root(entries)
        for tower in (self._tiles, self._entries):
            if tower is not None:
                tower.partial()

    def _level_0(self, index: int, width: int) -> tuple[bytes, bytes]:
        """Give the hashes of up to 256 entries, as the tile has them and as the entries themselves give them."""
        first = index * WIDTH
        try:
            name, tile = self._read(0, index, width)
        except _BadFile as error:
            entries = _range(first, first + width)
            self._found.append(
                Finding(
                    self._origin,
                    first,
                    f"{error}.",
                    f"It is where the hashes of {entries} belong, and without it {self.main.name} is not proved.",
                )
            )
            raise
        self._check_others(0, index, tile, name)
        try:
            bundle, row = self._read(ENTRIES, index, width)
        except _BadFile as error:
            if self.contents == first:
                self._first_unseen = first
            if not error.is_missing:
                means = f"Not all of {_range(first, first + width)} can be read from it. Their hashes were checked."
                self._found.append(Finding(self._origin, first, f"{error}.", means))
            return tile, tile
        self.contents += width
        self._check_others(ENTRIES, index, tile, bundle)
        at = first_difference(row, tile)
        if at is not None:
            self._differ.append((first + at, bundle, name))
        return tile, row

    def _read(self, level: int | str, index: int, width: int) -> tuple[str, bytes]:
        """Read a tile or bundle as hashes. Where a partial one is missing, a wider one does as well.

        Raises:
            _BadFile: None of them is there, or the first that is there is not right.
        """
        for held in (width,) if width == WIDTH else (width, WIDTH, *range(width + 1, WIDTH)):
            try:
                return tile_path(level, index, held), self._read_one(level, index, held)[: width * HASH_SIZE]
            except Missing:
                continue
            except (Unreadable, BadTile) as error:
                raise _BadFile(tile_path(level, index, held), error) from None
        raise _BadFile(tile_path(level, index, width), Missing())

    def _read_one(self, level: int | str, index: int, held: int) -> bytes:
        name = tile_path(level, index, held)
        if level == ENTRIES:
            return as_hashed(self._outside.read(name, held * (2 + LONGEST_ENTRY)), held)
        return as_tile(self._outside.read(name, held * HASH_SIZE), held)

    def _check_others(self, level: int | str, index: int, row: bytes, used: str) -> None:
        """Look at the files that are left of a tile or bundle from when the log was shorter, or that a longer has."""
        for held in self._widths(level, index):
            name = tile_path(level, index, held)
            if name == used:
                continue
            what = f"does not fit {used}"
            try:
                at = first_difference(self._read_one(level, index, held), row)
            except (Unreadable, BadTile) as error:
                at, what = 0, str(error)
            if at is not None:
                first = (index * WIDTH + at) * _step(level)
                means = "The head needs no such file; but it speaks of another history than the rest."
                self._found.append(Finding(self._origin, first, f"{name} {what}.", means))

    def _comparer(
        self, differing: list[_Above], *, earlier: bool = False
    ) -> Callable[[int, int, bytes], None]:
        """Compare tiles above level 0, as computed, with those in the folder."""

        def compare(level: int, index: int, row: bytes) -> None:
            step = _step(level)
            begin = index * WIDTH * step
            try:
                name, stored = self._read(level, index, len(row) // HASH_SIZE)
            except _BadFile as error:
                differing.append(_Above(f"{error}", begin, begin + len(row) // HASH_SIZE * step))
                return
            at = first_difference(stored, row)
            if at is not None:
                first = begin + at * step
                differing.append(_Above(f"{name} does not fit the tiles below it", first, first + step))
            elif earlier:
                self._check_others(level, index, row, name)

        return compare

    # What it means

    def findings(self) -> Iterator[Finding]:
        yield from self._of_heads()
        if self.is_complete:
            yield from self._of_root()
        else:
            yield from self._of_differing("Which of the two is right cannot be said while tiles are missing.")
        yield from self._found

    def _of_heads(self) -> Iterator[Finding]:
        """Compare the heads with each other: both are signed, so both must be of one history."""
        for head in self._heads[:-1]:
            point, main = head.signed.point, self.main.signed.point
            if point.size == main.size and point.root != main.root:
                yield Finding(
                    self._origin,
                    None,
                    f"{head.name} and {self.main.name} are both signed, for {point.size:,} entries, and have "
                    "different roots.",
                    "Two histories were written under one name. Keep both files: together they prove it.",
                )
            elif not self._fits(head) and point.size in self._roots:
                yield Finding(
                    self._origin,
                    None,
                    f"At {point.size:,} entries these tiles do not give the root that {head.name} states.",
                    "If they do give that of the other head, two histories were signed under one name: keep both "
                    "files. If not, the tiles were changed.",
                )

    def _of_root(self) -> Iterator[Finding]:
        signed = self.main.signed.point.root
        if self._fits(self.main):
            yield from self._of_differing(
                "The tile has what was signed: this is not the entry that was logged."
            )
            yield from self._of_above(self._above, "The entries themselves are as they were signed.")
        elif self._differ and self._root_of_entries == signed:
            yield from self._of_differing("The entry is the one that was signed: the tile was changed.")
            yield from self._of_above(self._above_entries, "The entries themselves are as they were signed.")
        else:
            yield from self._of_differing("At least one of the two was changed.")
            yield from self._of_above(self._above, "Something in this range, or this tile, was changed.")
            yield self._of_wrong_root()

    def _of_wrong_root(self) -> Finding:
        suspects = [at for at, _, _ in self._differ[:1]] + [above.first for above in self._above[:1]]
        means = (
            "Entries were changed, added, taken out or moved."
            if suspects
            else "The files fit each other, so entries and tiles were changed together, or are another log's."
        )
        known = [head for head in self._heads[:-1] if self._fits(head)]
        if known:
            means += f" The first {known[0].signed.point.size:,} are as {known[0].name} says."
        what = f"The {self._size:,} entries do not give the root that {self.main.name} states."
        return Finding(self._origin, min(suspects, default=None), what, means)

    def _fits(self, head: _Head) -> bool:
        return self._roots.get(head.signed.point.size) == head.signed.point.root

    def _of_differing(self, means: str) -> Iterator[Finding]:
        for at, bundle, tile in self._differ:
            what = f"Entry {at} in {bundle} does not give its hash in {tile}."
            yield Finding(self._origin, at, what, means)

    def _of_above(self, differing: Sequence[_Above], means: str) -> Iterator[Finding]:
        for above in sorted(differing, key=lambda above: above.after - above.first):
            what = f"{above.what}. It covers {_range(above.first, above.after)}."
            yield Finding(self._origin, above.first, what, means)

    def notes(self, heads: Sequence[_Head]) -> Iterator[str]:
        unseen = self._size - self.contents
        if unseen and self.is_complete:
            yield (
                f"The contents of {unseen:,} of {self._size:,} entries were not seen, from entry {self._first_unseen} "
                "on: their bundles are not here, or cannot be read. Their hashes were checked."
            )
        if self._holds_more():
            yield f"The folder holds more than the {self._size:,} entries that are signed; the rest was not checked."
        others = dict.fromkeys(name for head in heads for name in head.signed.others)
        if others:
            yield f"Signatures by others stand beside it and were not checked: {', '.join(list(others)[:10])}."
        yield NO_KNOWING

    def _holds_more(self) -> bool:
        index, width = divmod(self._size, WIDTH)
        return any(held > width for held in self._widths(0, index))

    def _widths(self, level: int | str, index: int) -> list[int]:
        """Say in which widths a tile or bundle is in the folder."""
        full = tile_path(level, index)
        partial = [int(name) for name in self._outside.names(f"{full}.p") if _PARTIAL.fullmatch(name)]
        return [
            *sorted(held for held in partial if held < WIDTH),
            *([WIDTH] if self._outside.has(full) else []),
        ]


def _step(level: int | str) -> int:
    """Say how many entries one hash of a tile covers."""
    return WIDTH**level if isinstance(level, int) else 1


def _range(first: int, after: int) -> str:
    return f"entries {first} to {after - 1}" if after - first > 1 else f"entry {first}"
