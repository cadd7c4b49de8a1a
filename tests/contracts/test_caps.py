"""What every counter of caps promises."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from threading import Thread

import pytest

from volano.adapters.caps_lmdb import LmdbCaps
from volano.domain.campaign import Cap
from volano.domain.durations import DAY, MINUTE
from volano.ports import CapCounter
from volano.testing.caps_memory import MemoryCaps

ANN, BOB, PHONE = 7, -8, 9
ONCE, TWICE = Cap(times=1, days=7), Cap(times=2, days=7)


@pytest.fixture(params=["lmdb", "memory"])
def caps(request: pytest.FixtureRequest, tmp_path: Path) -> CapCounter:
    """A counter that was told that there was nothing."""
    made: CapCounter = LmdbCaps(tmp_path / "caps") if request.param == "lmdb" else MemoryCaps()
    assert made.missing
    made.fill(())
    return made


@pytest.fixture(params=["lmdb", "memory"])
def new(request: pytest.FixtureRequest, tmp_path: Path) -> CapCounter:
    """A counter that was told nothing."""
    return LmdbCaps(tmp_path / "caps") if request.param == "lmdb" else MemoryCaps()


def test_nothing_that_has_a_cap_is_given_before_what_there_was_is_known(new: CapCounter) -> None:
    assert (new.missing, new.take([ANN], [("c.1", TWICE)], now=DAY)) == (True, frozenset())
    new.fill([("c.1", ANN, (DAY,)), ("c.1", BOB, (DAY, 2 * DAY))])
    assert not new.missing
    assert new.take([ANN], [("c.1", TWICE)], now=3 * DAY) == {"c.1"}
    assert new.take([ANN], [("c.1", TWICE)], now=4 * DAY) == frozenset()
    assert new.take([BOB], [("c.1", TWICE)], now=3 * DAY) == frozenset()
    assert new.take([BOB], [("c.1", TWICE)], now=8 * DAY) == {"c.1"}


def test_a_visit_counts_once_and_then_no_more_until_its_days_are_over(caps: CapCounter) -> None:
    asked = [DAY, DAY + 20 * MINUTE, DAY + 40 * MINUTE, 2 * DAY, 9 * DAY]
    given = [bool(caps.take([ANN], [("c.1", ONCE)], now=now)) for now in asked]
    assert given == [True, True, True, False, True]


def test_people_campaigns_and_rounds_are_counted_apart(caps: CapCounter) -> None:
    assert caps.take([ANN], [("c.1", ONCE), ("d.1", ONCE)], now=DAY) == {"c.1", "d.1"}
    assert caps.take([BOB], [("c.1", ONCE)], now=2 * DAY) == {"c.1"}
    assert caps.take([ANN], [("c.1", ONCE), ("c.2", ONCE), ("d.1", TWICE)], now=2 * DAY) == {"c.2", "d.1"}


def test_whoever_turns_out_to_be_one_shares_one_count(caps: CapCounter) -> None:
    caps.take([PHONE], [("c.1", TWICE)], now=DAY)
    caps.take([ANN], [("c.1", TWICE)], now=2 * DAY)
    assert caps.take([ANN, PHONE], [("c.1", TWICE)], now=3 * DAY) == frozenset()
    assert caps.take([ANN], [("c.1", TWICE)], now=3 * DAY) == frozenset()
    assert caps.take([PHONE], [("c.1", ONCE)], now=3 * DAY) == {"c.1"}  # all of it is Ann's now


def test_a_clock_set_back_locks_nobody_out_for_ever(caps: CapCounter) -> None:
    caps.take([ANN], [("c.1", ONCE)], now=40_000 * DAY)
    assert caps.take([ANN], [("c.1", ONCE)], now=DAY) == frozenset()
    assert caps.take([ANN], [("c.1", ONCE)], now=7 * DAY) == frozenset()
    assert caps.take([ANN], [("c.1", ONCE)], now=8 * DAY) == {"c.1"}


def test_who_is_dropped_is_counted_anew_and_nobody_else(caps: CapCounter) -> None:
    for who in (ANN, BOB, PHONE):
        caps.take([who], [("c.1", ONCE), ("d.1", ONCE)], now=DAY)
    assert caps.drop([ANN, PHONE, 77]) == 4
    assert caps.drop([ANN]) == 0
    assert caps.take([ANN], [("c.1", ONCE), ("d.1", ONCE)], now=2 * DAY) == {"c.1", "d.1"}
    assert caps.take([BOB], [("c.1", ONCE), ("d.1", ONCE)], now=2 * DAY) == frozenset()


def test_filling_forgets_what_was_counted(caps: CapCounter) -> None:
    caps.take([ANN], [("c.1", ONCE)], now=DAY)
    caps.sync()
    caps.fill([("c.1", BOB, (DAY,))])
    assert caps.take([ANN], [("c.1", ONCE)], now=2 * DAY) == {"c.1"}
    assert caps.take([BOB], [("c.1", ONCE)], now=2 * DAY) == frozenset()


def test_however_many_threads_ask_nobody_is_given_more(caps: CapCounter) -> None:
    given: list[int] = []

    def ask(number: int) -> None:
        for day in range(number, 70, 7):  # each in a visit of its own, within 70 days
            given.extend([day] if caps.take([ANN], [("c.1", Cap(times=3, days=100))], now=day * DAY) else [])

    threads = [Thread(target=ask, args=(number,)) for number in range(1, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 3


def hammered(path: Path, number: int, gate: object, told: object) -> None:
    """One of several processes that ask at once, each in visits of its own; how often it was given."""
    caps = LmdbCaps(path)
    gate.wait()  # type: ignore[attr-defined]
    moments = [(number + 4 * turn) * DAY for turn in range(50)]
    given = [caps.take([ANN], [("c.1", Cap(times=5, days=1_000))], now=now) for now in moments]
    told.put(sum(map(len, given)))  # type: ignore[attr-defined]


def test_however_many_processes_ask_nobody_is_given_more(tmp_path: Path) -> None:
    LmdbCaps(tmp_path).fill(())
    context = multiprocessing.get_context("spawn")
    gate, told = context.Barrier(4), context.Queue()
    crew = [context.Process(target=hammered, args=(tmp_path, number, gate, told)) for number in range(1, 5)]
    for one in crew:
        one.start()
    given = [told.get(timeout=60) for _ in crew]
    for one in crew:
        one.join()
    assert sum(given) == 5
    assert LmdbCaps(tmp_path).take([ANN], [("c.1", Cap(times=5, days=1_000))], now=300 * DAY) == frozenset()
