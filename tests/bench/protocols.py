"""The protocol library: names, one protocol, all of them; new, from the cache, and after one edit."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from modconsole.protocol_files import FileLibrary, shipped_folder
from tests.bench.report import Line, median

__all__ = ["library"]

_PACKS = ("includes", "templates", "resources")
_URGENT = "suicide-immediate"


def library(folder: Path, runs: int) -> Iterator[Line]:
    """Time the library beside PyYAML's `safe_load` of the same files, and of the one file where one is asked for."""
    shipped = folder / "shipped"
    shutil.copytree(shipped_folder(), shipped)
    files = sorted(shipped.rglob("*.yaml"))
    one = next(path for path in files if path.stem == _URGENT)
    protocols = sum(path.parent.name not in _PACKS for path in files)
    load_all, load_one = _median(runs, lambda: _load(files)), _median(runs, lambda: _load([one]))
    all_of, peer = f"{protocols} protocols", "PyYAML safe_load, the same files"

    def opened(monotonic: Callable[[], float] = time.monotonic) -> FileLibrary:
        return FileLibrary([shipped], folder / "kept", folder / "cache", monotonic=monotonic)

    def forget() -> None:
        for made in ("kept", "cache"):
            shutil.rmtree(folder / made, ignore_errors=True)

    yield Line(
        "name the protocols, new process", "ms", _median(runs, lambda: opened().ids()), "", 0, "≈ 1 ms"
    )
    yield Line(
        f"{all_of}, nothing cached", "ms", _median(runs, lambda: _get_all(opened()), forget), peer, load_all
    )
    _get_all(opened())
    cached_one = _median(runs, lambda: opened().get(_URGENT))
    yield Line("one protocol, cached", "ms", cached_one, "PyYAML safe_load, its file", load_one)
    yield Line(f"{all_of}, cached", "ms", _median(runs, lambda: _get_all(opened())), peer, load_all)
    edit = _editor(one)
    yield Line(
        f"{all_of}, one edited, new process",
        "ms",
        _median(runs, lambda: _get_all(opened()), edit),
        peer,
        load_all,
    )
    moment = [0.0]
    console = opened(lambda: moment[0])
    _get_all(console)

    def edit_and_wait() -> None:
        edit()
        moment[0] += 1

    same = _median(runs, lambda: _get_all(console), edit_and_wait)
    yield Line(f"{all_of}, one edited, same console", "ms", same, peer, load_all)


def _load(files: list[Path]) -> None:
    for path in files:
        yaml.safe_load(path.read_bytes())


def _get_all(library: FileLibrary) -> None:
    for id in library.ids():
        library.get(id)


def _editor(path: Path) -> Callable[[], None]:
    """Give something that changes a file in earnest each time it is called."""
    text, count = path.read_text("utf-8"), iter(range(1_000_000))

    def edit() -> None:
        path.write_text(text.replace('title: "', f'title: "{next(count)} ', 1), "utf-8")

    return edit


def _median(runs: int, work: Callable[[], object], before: Callable[[], None] = lambda: None) -> float:
    """Give the median time of some work in milliseconds, each time after what has to be put right before it."""
    times = []
    for _ in range(runs):
        before()
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)
