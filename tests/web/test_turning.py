"""The thread that turns the wheel: it moves, thinks, and survives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import msgspec
import pyarrow as pa
import pytest

from tests.web.shop import NOW, full_house
from tests.web.visitor import Clock, Visitor
from volano.domain.event import Event, Intake
from volano.domain.leak import Leak
from volano.domain.view import Offset, View
from volano.ports import Journal
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

    name = "j0"

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

    def needs_compaction(self) -> bool:
        """Until it was done."""
        return not self.tidied

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Counts how often."""
        self.tidied += 1
        return 0


class Rotten(Untidy):
    """A lake that can be put in order, but not be read."""

    def tally(self, view: View, of: Callable[[pa.Table], Any]) -> Any:
        """Nothing can be read."""
        raise OSError("the disk is gone")


def sent(house: House) -> None:
    """An event comes in."""
    event = Event(kind="track", event="Product Viewed", message_id="m1", time=NOW, user_id="u", context=b"{}")
    frame = msgspec.msgpack.encode(Intake(source="web", received_at=NOW, events=[event]))
    asyncio.run(house.journal.append(frame))


def test_events_are_brought_in_while_a_plan_is_being_made(house: House) -> None:
    lake = Pondering()
    busy = replace(house, lake=lake, upkeep=lake)
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


def test_a_lake_that_needs_it_is_put_in_order_after_a_plan(house: House) -> None:
    lake = Untidy()
    turning = Turning(replace(house, lake=lake, upkeep=lake), Clock())
    turning.think()
    turning.think()
    assert (lake.tidied, turning.troubles) == (1, {})


def test_what_goes_wrong_with_one_thing_does_not_keep_the_others_from_being_done(house: House) -> None:
    lake = Rotten()
    turning = Turning(replace(house, lake=lake, upkeep=lake), Clock())
    turning.think()
    assert "looking for leaks" in turning.troubles
    assert lake.tidied == 1


def test_the_thread_moves_events_and_plans(house: House) -> None:
    sent(house)
    turning = Turning(house, Clock())
    assert turning.drain() == 1
    turning.think()
    assert turning.troubles == {}
    assert {leak.key for leak in house.state.find(Leak)} >= {"l1a2b3"}
