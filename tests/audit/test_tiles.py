"""A tile log of anybody's is checked whole, and whatever is wrong with its files is said in plain words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modconsole.audit.tiles import tile_path
from modconsole.audit.tools import FileLogTools
from modconsole.core.errors import WrongUsage
from modconsole.core.note import parse_verifier_key
from modconsole.ports.log_tools import TilesReport
from tests.audit.stranger import NAME, Stranger, bundled, path, put

SIZE = 515
"""Two full tiles and one of three."""


def verify(folder: Path, log: Stranger | None = None, **more: Any) -> TilesReport:
    tools = FileLogTools(lambda: folder / "no log of ours is needed")
    key = parse_verifier_key((log or Stranger(0)).vkey)
    return tools.verify_tiles(folder, key, **more)


def said(report: TilesReport) -> str:
    """Give all that is said to be wrong; there must be something."""
    assert not report.is_sound
    return "\n".join(f"{finding.seq}: {finding.what} {finding.means}" for finding in report.findings)


@pytest.fixture(scope="module")
def log() -> Stranger:
    return Stranger(SIZE)


@pytest.fixture(scope="module")
def written(log: Stranger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return log.write(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "copy")


# What is sound


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 70000])
def test_a_strangers_log_is_sound_at_every_size(size: int, tmp_path: Path) -> None:
    log = Stranger(size)

    report = verify(log.write(tmp_path), log)
    assert report.findings == ()
    assert (report.origin, report.size, report.contents) == (NAME, size, size)
    assert report.root == log.mth(0, size).hex()


def test_paths_are_those_of_the_specifications_examples() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 999, 7) == "tile/entries/999.p/7"
    names = Stranger(70000).files()
    assert sum(name.startswith("tile/0/") for name in names) == 274
    assert {"tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} < set(names)


def test_an_index_of_a_thousand_tiles_and_more_is_found(tmp_path: Path) -> None:
    log = Stranger(256_001)
    folder = log.write(tmp_path)

    assert verify(folder, log).is_sound
    flip(folder / "tile" / "entries" / "x001" / "000.p" / "1", 5)
    assert "256000: Entry 256000 in tile/entries/x001/000.p/1" in said(verify(folder, log))


def test_without_entries_it_says_that_their_contents_were_not_seen(copy: Path) -> None:
    (copy / "tile" / "entries" / "001").unlink()

    report = verify(copy)
    assert (report.is_sound, report.contents) == (True, SIZE - 256)
    assert "256 of 515 entries were not seen, from entry 256 on" in report.notes[0]

    shutil.rmtree(copy / "tile" / "entries")
    assert verify(copy).contents == 0
    assert "515 of 515" in verify(copy).notes[0]


@pytest.mark.parametrize("wider", [5, 256])
def test_a_wider_tile_does_where_a_partial_one_is_missing(wider: int, tmp_path: Path) -> None:
    log = Stranger(512 + wider)
    folder = log.write(tmp_path)
    put(folder, "checkpoint", log.checkpoint(SIZE).encode())
    put(folder, "tile/1/000.p/2", log.files(SIZE)["tile/1/000.p/2"])

    report = verify(folder, log)
    assert (report.findings, report.size, report.contents) == ((), SIZE, SIZE)
    assert any("holds more than the 515 entries" in note for note in report.notes)


def test_what_is_left_of_a_shorter_log_is_checked_too(copy: Path, log: Stranger) -> None:
    for width in (1, 100, 255):
        put(copy, f"tile/0/000.p/{width}", log.files(width)[f"tile/0/000.p/{width}"])
        put(copy, f"tile/entries/000.p/{width}", log.files(width)[f"tile/entries/000.p/{width}"])
    assert verify(copy).is_sound

    flip(copy / "tile" / "0" / "000.p" / "100", 32 * 99)
    assert "99: tile/0/000.p/100 does not fit tile/0/000." in said(verify(copy))


def test_other_signatures_and_extension_lines_are_passed_over(copy: Path, log: Stranger) -> None:
    other = Stranger(3, name="witness.example", seed=2)
    line = other.checkpoint().splitlines()[-1] + "\n"
    text = log.checkpoint(extension="an extension\nand one more\n").partition("\n\n")[0] + "\n"
    put(copy, "checkpoint", log.note(text, line, line.replace("witness.example", NAME)).encode())

    report = verify(copy)
    assert report.findings == ()
    assert f"witness.example, {NAME}" in report.notes[0]


def test_an_origin_that_is_not_the_keys_name_must_be_named(copy: Path, log: Stranger) -> None:
    put(copy, "checkpoint", log.checkpoint(origin="go.sum database tree").encode())

    assert "is of the log “go.sum database tree”, not of “log.example/harbour”" in said(verify(copy))
    assert verify(copy, origin="go.sum database tree").is_sound
    assert "not of “another”" in said(verify(copy, origin="another"))


def test_a_link_within_the_folder_is_followed(copy: Path) -> None:
    (copy / "tile" / "0" / "000").rename(copy / "moved")
    (copy / "tile" / "0" / "000").symlink_to("../../moved")

    assert verify(copy).is_sound


# Changed, one byte at a time


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def places(folder: Path) -> list[tuple[Path, int]]:
    return [
        (file, at)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for at in range(file.stat().st_size)
    ]


@pytest.mark.parametrize("size", [1, 3])
def test_every_changed_byte_of_a_small_log_is_reported(size: int, tmp_path: Path) -> None:
    log = Stranger(size)
    folder = log.write(tmp_path)
    unnoticed = []
    for file, at in places(folder):
        flip(file, at)
        if verify(folder, log).is_sound:
            unnoticed.append((file.name, at))
        flip(file, at)

    assert verify(folder, log).is_sound
    assert unnoticed == []


def test_a_change_to_any_hash_or_entry_names_the_entry_or_its_tile(copy: Path) -> None:
    for at in range(0, SIZE, 11):
        tile = copy / path("0", at // 256, 256 if at < 512 else 3)
        flip(tile, at % 256 * 32 + at % 32)
        assert f"{at}: Entry {at} in tile/entries/" in said(verify(copy))
        assert "the tile was changed" in said(verify(copy))
        flip(tile, at % 256 * 32 + at % 32)

    for at in (0, 1):
        flip(copy / "tile" / "1" / "000.p" / "2", at * 32 + 7)
        assert f"does not fit the tiles below it. It covers entries {at * 256} to" in said(verify(copy))
        assert "The entries themselves are as they were signed." in said(verify(copy))
        flip(copy / "tile" / "1" / "000.p" / "2", at * 32 + 7)


def test_a_changed_entry_is_named(copy: Path, log: Stranger) -> None:
    entries = list(log.entries[256:512])
    entries[44] = b"something else"
    put(copy, "tile/entries/001", bundled(entries))

    told = said(verify(copy))
    assert told.startswith("300: Entry 300 in tile/entries/001 does not give its hash in tile/0/001.")
    assert "this is not the entry that was logged" in told


def test_an_entry_changed_together_with_its_tile_is_found_by_the_tile_above(
    copy: Path, log: Stranger
) -> None:
    log.entries[300], kept = b"something else", log.entries[300]
    other = Stranger(0)
    other.entries = log.entries
    files = other.files()
    log.entries[300] = kept
    for name in ("tile/entries/001", "tile/0/001"):
        put(copy, name, files[name])

    told = said(verify(copy))
    assert told.startswith(
        "256: tile/1/000.p/2 does not fit the tiles below it. It covers entries 256 to 511."
    )
    assert "do not give the root that checkpoint states" in told


def test_everything_changed_together_is_found_by_the_head(copy: Path, log: Stranger) -> None:
    other = Stranger(SIZE, text="forged")
    other.write(copy)
    put(copy, "checkpoint", log.checkpoint().encode())

    told = said(verify(copy))
    assert "None: The 515 entries do not give the root that checkpoint states." in told
    assert "entries and tiles were changed together, or are another log's" in told


# Files that are not what their place says


def remove(folder: Path, name: str) -> None:
    (folder / name).unlink()


def truncate(folder: Path, name: str) -> None:
    put(folder, name, (folder / name).read_bytes()[:-1])


def extend(folder: Path, name: str) -> None:
    put(folder, name, (folder / name).read_bytes() + b"\0")


def empty(folder: Path, name: str) -> None:
    put(folder, name, b"")


def swap(folder: Path, name: str) -> None:
    one, other = folder / name, folder / name.replace("000", "001")
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def double(folder: Path, name: str) -> None:
    put(folder, name.replace("000", "001"), (folder / name).read_bytes())


def make_foreign(folder: Path, name: str) -> None:
    put(folder, name, Stranger(SIZE, text="foreign").files()[name])


def make_folder(folder: Path, name: str) -> None:
    remove(folder, name)
    (folder / name).mkdir()


def make_pipe(folder: Path, name: str) -> None:
    remove(folder, name)
    os.mkfifo(folder / name)


def make_huge(folder: Path, name: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate(10**12)


def make_link_out(folder: Path, name: str) -> None:
    (folder / name).rename(folder.parent / "outside")
    (folder / name).symlink_to(folder.parent / "outside")


def make_link_round(folder: Path, name: str) -> None:
    remove(folder, name)
    (folder / name).symlink_to((folder / name).name)


@pytest.mark.parametrize(
    ("change", "name", "told"),
    [
        (
            remove,
            "tile/0/000",
            "0: tile/0/000 is not there. It is where the hashes of entries 0 to 255 belong",
        ),
        (remove, "tile/0/002.p/3", "512: tile/0/002.p/3 is not there."),
        (remove, "tile/1/000.p/2", "0: tile/1/000.p/2 is not there. It covers entries 0 to 511."),
        (truncate, "tile/0/001", "256: tile/0/001 holds 8,191 bytes, where 8,192 belong."),
        (truncate, "tile/1/000.p/2", "0: tile/1/000.p/2 holds 63 bytes, where 64 belong."),
        (truncate, "tile/entries/000", "0: tile/entries/000 ends within entry 255 of the 256"),
        (truncate, "tile/entries/002.p/3", "512: tile/entries/002.p/3 ends within entry 2 of the 3"),
        (extend, "tile/0/000", "0: tile/0/000 is too long: 8,193 bytes, where at most 8,192 belong."),
        (extend, "tile/entries/000", "0: tile/entries/000 has 1 bytes after the 256 entries"),
        (empty, "tile/0/000", "0: tile/0/000 holds 0 bytes"),
        (empty, "tile/entries/000", "0: tile/entries/000 ends within entry 0"),
        (swap, "tile/0/000", "0: Entry 0 in tile/entries/000 does not give its hash in tile/0/000."),
        (swap, "tile/entries/000", "0: Entry 0 in tile/entries/000 does not give its hash in tile/0/000."),
        (double, "tile/0/000", "256: Entry 256 in tile/entries/001 does not give its hash"),
        (double, "tile/entries/000", "256: Entry 256 in tile/entries/001 does not give its hash"),
        (make_foreign, "tile/0/001", "256: Entry 256 in tile/entries/001"),
        (make_foreign, "tile/entries/001", "256: Entry 256 in tile/entries/001"),
        (make_foreign, "tile/1/000.p/2", "0: tile/1/000.p/2 does not fit the tiles below it."),
        (make_folder, "tile/0/000", "0: tile/0/000 is no file, but a folder, a pipe or a device."),
        (make_pipe, "tile/0/000", "0: tile/0/000 is no file, but a folder, a pipe or a device."),
        (make_pipe, "tile/entries/000", "0: tile/entries/000 is no file"),
        (make_huge, "tile/0/000", "0: tile/0/000 is too long: 1,000,000,000,000 bytes"),
        (make_huge, "tile/entries/001", "256: tile/entries/001 is too long: 1,000,000,000,000 bytes"),
        (make_link_out, "tile/0/000", "0: tile/0/000 is a link that leads out of the folder."),
        (make_link_out, "tile/entries/000", "0: tile/entries/000 is a link that leads out of the folder."),
        (make_link_round, "tile/0/000", "0: tile/0/000 is a link that leads out of the folder."),
        (remove, "checkpoint", "None: checkpoint is not there. Without a signed head nothing is proved."),
        (empty, "checkpoint", "None: checkpoint is no signed note:"),
        (extend, "checkpoint", "None: checkpoint is no signed note:"),
        (make_folder, "checkpoint", "None: checkpoint is no file"),
        (make_pipe, "checkpoint", "None: checkpoint is no file"),
        (make_huge, "checkpoint", "None: checkpoint is too long"),
        (make_link_out, "checkpoint", "None: checkpoint is a link that leads out of the folder."),
    ],
)
def test_a_file_that_is_not_what_its_place_says_is_named(
    change: Callable[[Path, str], None], name: str, told: str, copy: Path
) -> None:
    change(copy, name)

    assert told in said(verify(copy))


def test_without_entries_swapped_tiles_are_found_by_the_tile_above(copy: Path) -> None:
    shutil.rmtree(copy / "tile" / "entries")
    swap(copy, "tile/0/000")

    assert said(verify(copy)).startswith(
        "0: tile/1/000.p/2 does not fit the tiles below it. It covers entries 0 to 255."
    )


def test_a_folder_that_is_a_link_out_is_not_followed(copy: Path) -> None:
    (copy / "tile").rename(copy.parent / "outside")
    (copy / "tile").symlink_to(copy.parent / "outside")

    assert "tile/0/000 is a link that leads out of the folder" in said(verify(copy))


def test_many_things_that_are_wrong_are_counted(tmp_path: Path) -> None:
    log = Stranger(256 * 30)
    folder = log.write(tmp_path)
    for index in range(30):
        flip(folder / f"tile/entries/{index:03}", 10)

    report = verify(folder, log)
    assert len(report.findings) == 21
    assert report.findings[-1].what == "10 more things are wrong."


# Heads


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (f"{2**63}", "No log is as large as this checkpoint says."),
        ("9" * 5000, "No log is as large as this checkpoint says."),
        (f"{2**63 - 1}", "tile/0/000 is not there."),
        ("007", "a line for its size"),
        ("-1", "a line for its size"),
        ("٣", "a line for its size"),
    ],
)
def test_a_size_that_cannot_be_is_named_even_if_it_is_signed(size: str, told: str, tmp_path: Path) -> None:
    log = Stranger(3)
    root = log.checkpoint().split("\n")[2]
    put(tmp_path, "checkpoint", log.note(f"{NAME}\n{size}\n{root}\n").encode())

    assert told in said(verify(tmp_path))


def test_a_head_that_is_no_utf_8_is_named(copy: Path, log: Stranger) -> None:
    put(copy, "checkpoint", log.checkpoint().encode() + b"\xff\n")

    assert "checkpoint is not UTF-8 text: byte" in said(verify(copy))


def test_a_head_by_another_key_is_named(copy: Path) -> None:
    assert f"is not signed by other.example. It bears signatures of: {NAME}." in said(
        verify(copy, Stranger(0, name="other.example"))
    )
    assert "is signed under the right name by another key" in said(verify(copy, Stranger(0, seed=2)))


def test_two_heads_in_one_file_are_no_head(copy: Path, log: Stranger) -> None:
    put(copy, "checkpoint", (log.checkpoint(3) + log.checkpoint()).encode())
    assert "is not what log.example/harbour signed" in said(verify(copy))

    put(
        copy,
        "checkpoint",
        log.note(log.checkpoint(3) + log.checkpoint().partition("\n\n")[0] + "\n").encode(),
    )
    assert "holds more than one text under its signature" in said(verify(copy))


def test_a_signature_of_this_key_that_is_wrong_spoils_one_that_is_right(copy: Path, log: Stranger) -> None:
    wrong = log.checkpoint(7).splitlines()[-1] + "\n"
    put(copy, "checkpoint", log.note(log.checkpoint().partition("\n\n")[0] + "\n", wrong).encode())

    assert "the signature does not fit the text" in said(verify(copy))


def test_the_folder_above_several_logs_says_where_they_are(copy: Path) -> None:
    assert "There are logs in the folders below it; name one of them: copy." in said(verify(copy.parent))


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no folder"):
        verify(tmp_path / "nowhere")


# A head that was kept elsewhere


def kept(folder: Path, text: str) -> Path:
    file = folder.parent / "kept"
    file.write_text(text)
    return file


@pytest.mark.parametrize("size", [0, 1, 256, 300, 512, 514, SIZE])
def test_a_head_kept_from_earlier_is_one_this_log_continues(size: int, copy: Path, log: Stranger) -> None:
    assert verify(copy, checkpoint=kept(copy, log.checkpoint(size))).findings == ()


def test_a_kept_head_does_where_the_folder_has_none(copy: Path, log: Stranger) -> None:
    (copy / "checkpoint").unlink()

    assert verify(copy, checkpoint=kept(copy, log.checkpoint())).findings == ()


@pytest.mark.parametrize("size", [512, 514])
def test_a_log_that_was_cut_off_is_found_by_a_kept_head(size: int, log: Stranger, tmp_path: Path) -> None:
    folder = log.write(tmp_path / "cut", size)
    assert verify(folder).is_sound

    report = verify(folder, checkpoint=kept(folder, log.checkpoint()))
    assert (report.findings[0].seq, len(report.findings), report.size) == (size, 1, size)
    assert f"is of 515 entries, and the tiles for that are not all here: {path('0', 2, 3)}" in said(report)
    assert f"The entries from {size} on were cut off, or this is an older copy" in said(report)


@pytest.mark.parametrize("size", [3, 256, 400])
def test_a_kept_head_of_another_history_is_found(size: int, copy: Path) -> None:
    other = Stranger(size, text="another history")

    report = verify(copy, checkpoint=kept(copy, other.checkpoint()))
    assert f"At {size} entries these tiles do not give the root that the kept head" in said(report)
    assert "two histories were signed under one name: keep both files" in said(report)


def test_two_heads_of_one_size_are_a_fork(copy: Path) -> None:
    report = verify(copy, checkpoint=kept(copy, Stranger(SIZE, text="another history").checkpoint()))

    assert "are both signed, for 515 entries, and have different roots" in said(report)


def test_a_kept_head_that_is_bad_is_named(copy: Path, log: Stranger) -> None:
    file = kept(copy, "")
    assert f"the kept head {file} is no signed note" in said(verify(copy, checkpoint=file))

    file.unlink()
    assert f"the kept head {file} is not there" in said(verify(copy, checkpoint=file))

    os.mkfifo(file)
    assert f"the kept head {file} is no file" in said(verify(copy, checkpoint=file))
