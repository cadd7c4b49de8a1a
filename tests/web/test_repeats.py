"""A client that repeats itself is known at the door, once what it said is on the disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.door import Door
from volano.domain.event import Event
from volano.domain.view import Offset
from volano.errors import Behind
from volano.observe.rows import Rows
from volano.settings import Settings
from volano.testing.journal_memory import MemoryJournal
from volano.web.repeats import Repeats


def said(number: int, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "userId": "u", "messageId": f"m{number}", **more}


def body(*events: dict[str, Any]) -> bytes:
    return json.dumps({"batch": events}).encode()


def kept(door: Door) -> list[str]:
    return [event.message_id for intake in door.intakes() for event in intake.events]


def test_what_is_sent_again_is_acknowledged_counted_and_not_written_again() -> None:
    door = Door()
    assert door.post(body(said(1), said(2))).status_code == 200
    assert door.post(body(said(2), said(3))).json() == {"success": True}
    assert door.post(body(said(1), said(2), said(3))).json() == {"success": True}
    assert kept(door) == ["m1", "m2", "m3"]
    rows = Rows({}, "EUR")
    for position, intake in enumerate(door.intakes()):
        rows.add(intake, "j0", position)
    (whole,) = [seen for seen in rows.seen().values() if not seen.event]
    assert (whole.count, whole.doubles) == (7, 4)


def test_the_moment_of_sending_makes_no_other_event() -> None:
    door = Door()
    for later in ("2026-11-21T19:27:00Z", "2026-11-21T19:27:30Z"):
        told = {"batch": [said(1, timestamp="2026-11-21T19:20:00Z")], "sentAt": later}
        assert door.post(json.dumps(told).encode()).status_code == 200
    assert kept(door) == ["m1"]


@pytest.mark.parametrize(
    "other",
    [
        said(1, event="Bought"),
        said(1, userId="v"),
        said(1, properties={"a": 1}),
        said(1, context={"library": {}}),
        said(2),
    ],
)
def test_another_event_under_the_same_id_is_for_the_drain_to_judge(other: dict[str, Any]) -> None:
    door = Door()
    assert door.post(body(said(1))).status_code == 200
    assert door.post(body(other)).status_code == 200
    assert kept(door) == ["m1", other["messageId"]]


class Full(MemoryJournal):
    """Takes nothing at first."""

    tries = 0

    async def append(self, payload: bytes) -> Offset:
        self.tries += 1
        if self.tries == 1:
            raise Behind("the journal is behind")
        return await super().append(payload)


def test_what_never_reached_the_disk_may_come_again() -> None:
    door = Door(journal=Full())
    assert door.post(body(said(1))).status_code == 429
    assert door.post(body(said(1))).status_code == 200
    assert kept(door) == ["m1"]


def test_without_room_everything_goes_to_the_drain() -> None:
    door = Door(settings=Settings(repeats_known=0))
    for _ in range(2):
        assert door.post(body(said(1))).status_code == 200
    assert kept(door) == ["m1", "m1"]


def events(numbers: Sequence[int]) -> list[Event]:
    return [Event(kind="track", event="Seen", message_id=str(one), time=1, user_id="u") for one in numbers]


@given(st.lists(st.lists(st.integers(0, 60), max_size=8), max_size=40), st.integers(1, 64))
def test_only_what_was_kept_is_known_and_the_last_always(batches: list[list[int]], room: int) -> None:
    repeats, told = Repeats(room), set[int]()
    for batch in batches:
        fresh, marks = repeats.fresh("web", events(batch))
        new = [int(one.message_id) for one in fresh]
        assert set(batch) - set(new) <= told
        assert len(marks) == len(new)
        repeats.keep(marks)
        told |= {*new}
        if new:
            assert repeats.fresh("web", events(new[-1:])) == ([], [])
            assert repeats.fresh("app", events(new[-1:]))[0]


def test_most_of_the_latest_are_known_and_what_is_long_ago_is_not() -> None:
    repeats = Repeats(4_096)
    for low in range(0, 40_000, 50):
        repeats.keep(repeats.fresh("web", events(range(low, low + 50)))[1])
    latest, first = (repeats.fresh("web", events(some))[0] for some in (range(39_000, 40_000), range(1_000)))
    assert len(latest) < 250
    assert len(first) > 900
