"""The thread that turns the wheel: it moves, thinks, and survives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pyarrow as pa
import pytest

from tests.web.shop import NOW, full_house
from tests.web.visitor import Clock, Visitor
from volano.domain.change import Change
from volano.domain.durations import DAY
from volano.domain.event import Event, Intake
from volano.domain.leak import Leak
from volano.domain.profile import Profile
from volano.domain.segment import Due
from volano.domain.view import Offset, View
from volano.flow.segments import DUE_AT_ONCE
from volano.ports import Journal
from volano.settings import Settings
from volano.testing.journal_memory import MemoryJournal
from volano.testing.lake_memory import MemoryLake
from volano.web.app import create_app
from volano.web.turning import Turning
from volano.wiring import House


@pytest.fixture
def house() -> House:
    """A full shop of its own."""
    return full_house()


class Broken:
    """A journal on a disk that died."""

    def __init__(self, name: str = "j0") -> None:
        self.name = name

    end = 0

    def read(self, since: int, limit: int) -> object:
        """Nothing can be read."""
        raise OSError("the disk is gone")


def test_the_thread_survives_a_broken_disk_and_today_says_so(house: House) -> None:
    damaged = replace(house, journal=cast(Journal, Broken()))
    app = create_app(damaged, now=Clock())
    assert app.turning.drain() == 0
    visitor = Visitor(app)
    visitor.sign_in()
    text = visitor.see("/").text
    assert "Trouble while bringing events in" in text
    assert "OSError: the disk is gone" in text


class Pondering(MemoryLake):
    """A lake that is asked something which takes long."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answered, self.filled = threading.Event(), threading.Event(), threading.Event()

    def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, int]:
        """Tells that something was brought in."""
        added = super().append(rows, upto)
        self.filled.set()
        return added

    def tally(self, view: View, of: Callable[[pa.Table], Any]) -> Any:
        """The first time waits until it may answer."""
        if not self.asked.is_set():
            self.asked.set()
            self.answered.wait(30)
        return super().tally(view, of)


class Untidy(MemoryLake):
    """A lake that is in order once it was put in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tidied = 0
        self.expired: list[int] = []

    def needs_compaction(self) -> bool:
        """Until it was done."""
        return not self.tidied

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Counts how often."""
        self.tidied += 1
        return 0

    def expire(self, before: int) -> dict[int, int]:
        """Remembers what is too old."""
        self.expired.append(before)
        return {1: 1}


class Rotten(Untidy):
    """A lake that can be put in order, but not be read."""

    def tally(self, view: View, of: Callable[[pa.Table], Any]) -> Any:
        """Nothing can be read."""
        raise OSError("the disk is gone")


def sent(house: House, message: str = "m1") -> None:
    """An event comes in."""
    event = Event(
        kind="track", event="Product Viewed", message_id=message, time=NOW, user_id="u", context=b"{}"
    )
    frame = msgspec.msgpack.encode(Intake(source="web", received_at=NOW, events=[event]))
    asyncio.run(house.journal.append(frame))


def test_events_are_brought_in_while_a_plan_is_being_made(house: House) -> None:
    lake = Pondering()
    busy = replace(house, lake=lake, upkeep=lake)
    house.profiles.put(Change(upto=Offset("j0", 0)))  # it is where the lake is
    turning = Turning(busy, Clock())
    turning.start()
    try:
        assert lake.asked.wait(30)
        sent(busy)
        assert lake.filled.wait(10)
    finally:
        lake.answered.set()
        turning.stop()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("volano-")] == []


def test_a_lake_that_needs_it_is_put_in_order_once(house: House) -> None:
    lake = Untidy()
    turning = Turning(replace(house, lake=lake, upkeep=lake), Clock())
    turning.tidy()
    turning.tidy()
    assert (lake.tidied, lake.expired, turning.troubles) == (1, [], {})


def test_what_is_too_old_is_dropped_once_a_day(house: House) -> None:
    lake = Untidy()
    kept = replace(house, lake=lake, upkeep=lake, settings=Settings(retention_days=30))
    turning = Turning(kept, Clock())
    for _ in range(2):
        turning.tidy()
        while turning.work():
            pass
    assert lake.expired == [NOW - 30 * DAY]
    assert turning.version == 1


def test_a_home_that_takes_too_much_of_the_disk_is_told_and_so_is_that_it_is_over(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "much").write_bytes(b"x" * 100_000)
    turning = Turning(replace(house, home=tmp_path, settings=Settings(disk_budget=50_000)), Clock())
    turning.tidy()
    assert "budget is used up" in turning.troubles["taking events"]
    (tmp_path / "much").unlink()
    again = Turning(replace(house, home=tmp_path, settings=Settings(disk_budget=50_000)), Clock())
    again.tidy()
    assert again.troubles == {}
    assert not (tmp_path / "journal" / "no-room").exists()


def test_what_other_processes_took_in_is_brought_in_too_and_a_broken_journal_stops_no_other(
    house: House,
) -> None:
    second, broken = MemoryJournal("j1"), cast(Journal, Broken("j2"))
    both = replace(house, others=lambda: [broken, second])
    sent(house, "m1")
    sent(replace(house, journal=second), "m2")
    turning = Turning(both, Clock())
    assert turning.drain() == 2
    assert turning.troubles == {"bringing events in from j2": "OSError: the disk is gone"}
    assert house.lake.offset("j1") == second.end


def test_what_goes_wrong_with_one_thing_does_not_keep_the_others_from_being_done(house: House) -> None:
    lake = Rotten()
    turning = Turning(replace(house, lake=lake, upkeep=lake), Clock())
    turning.think()
    turning.tidy()
    assert "looking for leaks" in turning.troubles
    assert lake.tidied == 1


def test_the_thread_moves_events_and_plans(house: House) -> None:
    sent(house)
    turning = Turning(house, Clock())
    assert turning.drain() == 1
    turning.think()
    assert turning.troubles == {}
    assert {leak.key for leak in house.state.find(Leak)} >= {"l1a2b3"}


def waiting(house: House, people: int) -> None:
    """So many people whose time came a day ago."""
    puts: list[tuple[Any, Any]] = [(one, Profile(person_id=one, due=NOW - DAY)) for one in range(people)]
    puts += [((NOW - DAY, one), Due(at=NOW - DAY, person_id=one)) for one in range(people)]
    house.profiles.put(Change(puts=tuple(puts), upto=Offset("j0", 0)))  # it is where the lake is


def test_people_whose_time_has_come_are_settled_while_events_keep_coming(house: House) -> None:
    waiting(house, 3)
    sent(house)
    assert Turning(house, Clock()).drain() == 1
    assert [*house.profiles.scan(Due, high=(NOW, 0))] == []


def test_many_people_whose_time_has_come_are_settled_in_one_go_but_not_without_end(house: House) -> None:
    waiting(house, 6 * DUE_AT_ONCE)
    turning = Turning(house, Clock())
    turning.drain()
    left = len([*house.profiles.scan(Due, high=(NOW, 0))])
    assert 0 < left < 5 * DUE_AT_ONCE
    turning.drain()
    assert [*house.profiles.scan(Due, high=(NOW, 0))] == []


def test_a_counter_of_caps_that_is_missing_is_filled_by_the_first_drain(house: House) -> None:
    assert house.caps.missing
    Turning(house, Clock()).drain()
    assert not house.caps.missing


def test_nobody_waits_for_a_server_that_has_nothing_to_do(house: House) -> None:
    house.profiles.put(Change(upto=Offset("j0", 0)))
    turning = Turning(house, Clock())
    turning.drain()
    with house.profiles.turn():  # somebody else has it
        turning.drain()
    assert turning.troubles == {}
