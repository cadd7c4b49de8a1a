"""The thread that turns the wheel: it moves, thinks, and survives."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import msgspec
import pytest

from tests.web.shop import NOW, full_house
from tests.web.visitor import Clock, Visitor
from volano.domain.event import Event, Intake
from volano.domain.leak import Leak
from volano.ports import Journal
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


def test_the_thread_moves_events_and_plans(house: House) -> None:
    event = Event(kind="track", event="Product Viewed", message_id="m1", time=NOW, user_id="u", context=b"{}")
    frame = msgspec.msgpack.encode(Intake(source="web", received_at=NOW, events=[event]))
    asyncio.run(house.journal.append(frame))
    turning = Turning(house, Clock())
    assert turning.drain() == 1
    turning.think()
    assert turning.troubles == {}
    assert {leak.key for leak in house.state.find(Leak)} >= {"l1a2b3"}
