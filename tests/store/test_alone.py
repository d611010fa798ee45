"""`alone()`: read, change and save with nobody in between, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from modconsole.core.errors import NoSuchCase, StoreError
from modconsole.core.urgency import Urgency
from modconsole.store import DeskStore
from tests.store.fakes import FakeVault, a_case, with_file

HERE, ELSEWHERE = a_case(1), a_case(2)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[DeskStore, DeskStore]]:
    """Two consoles on one file; the second does not wait long."""
    vault = FakeVault()
    one = DeskStore(tmp_path / "desk.db", vault)
    two = DeskStore(tmp_path / "desk.db", vault, patience=0.01)
    one.take_in([with_file(HERE), with_file(ELSEWHERE)])
    yield one, two
    one.close()
    two.close()


def urgency(store: DeskStore, id: str) -> Urgency:
    case = store.case(id)
    assert case is not None
    return case.urgency


def test_what_is_written_inside_is_read_inside_and_seen_outside_only_afterwards(
    stores: tuple[DeskStore, DeskStore],
) -> None:
    one, two = stores
    with one.alone():
        one.save_case(replace(HERE, urgency=Urgency.NOW))
        assert urgency(one, HERE.id) is Urgency.NOW
        assert urgency(two, HERE.id) is Urgency.SOON

    assert urgency(two, HERE.id) is Urgency.NOW


def test_all_of_it_is_saved_or_nothing(stores: tuple[DeskStore, DeskStore]) -> None:
    one, _ = stores

    def half_way() -> None:
        with one.alone():
            one.save_case(replace(HERE, urgency=Urgency.NOW))
            with one.alone():
                one.save_case(replace(ELSEWHERE, urgency=Urgency.NOW))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_way()
    assert [urgency(one, case.id) for case in (HERE, ELSEWHERE)] == [Urgency.SOON, Urgency.SOON]
    one.save_case(replace(HERE, urgency=Urgency.TODAY))
    assert urgency(one, HERE.id) is Urgency.TODAY


def test_a_part_that_fails_leaves_nothing_of_the_whole_and_catching_it_does_not_hide_that(
    stores: tuple[DeskStore, DeskStore],
) -> None:
    one, two = stores

    def caught() -> None:
        with one.alone():
            one.save_case(replace(HERE, urgency=Urgency.NOW))
            with pytest.raises(NoSuchCase):
                one.save_case(a_case(99))

    with pytest.raises(StoreError, match="Nothing of it was"):
        caught()
    assert urgency(two, HERE.id) is Urgency.SOON
    with one.alone():
        one.save_case(replace(HERE, urgency=Urgency.NOW))
    assert urgency(two, HERE.id) is Urgency.NOW


def test_another_console_waits_its_turn(stores: tuple[DeskStore, DeskStore]) -> None:
    one, two = stores
    with one.alone(), pytest.raises(StoreError):
        two.save_case(replace(HERE, urgency=Urgency.NOW))

    two.save_case(replace(HERE, urgency=Urgency.NOW))
    assert urgency(one, HERE.id) is Urgency.NOW


def test_another_thread_of_this_console_waits_too_and_reads_meanwhile(
    stores: tuple[DeskStore, DeskStore],
) -> None:
    one, _ = stores
    seen: list[Urgency] = []
    writing = Thread(target=lambda: one.save_case(replace(ELSEWHERE, urgency=Urgency.NOW)))
    reading = Thread(target=lambda: seen.append(urgency(one, HERE.id)))
    with one.alone():
        one.save_case(replace(HERE, urgency=Urgency.NOW))
        writing.start()
        reading.start()
        reading.join()
        assert seen == [Urgency.SOON]
        assert urgency(one, ELSEWHERE.id) is Urgency.SOON
    writing.join()

    assert urgency(one, ELSEWHERE.id) is Urgency.NOW
