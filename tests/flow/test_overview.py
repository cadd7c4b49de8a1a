"""Today's numbers, gathered."""

from __future__ import annotations

from tests.web.shop import NOW, empty_house, full_house
from volano.domain.leak import DAY
from volano.flow.overview import overview


def test_an_empty_house_has_no_numbers() -> None:
    house = empty_house()
    seen = overview(house.lake, house.state, now=NOW)
    assert (seen.newest, seen.daily, seen.refused.count, seen.leaks) == (None, None, 0, [])


def test_the_last_fortnight_is_counted_up_to_now() -> None:
    house = full_house()
    seen = overview(house.lake, house.state, now=NOW)
    assert (seen.until, seen.until - seen.since) == (NOW, 14 * DAY)
    assert seen.daily is not None
    assert seen.daily.orders.sum() > 0
    assert set(seen.daily.revenue) == {"EUR"}
    assert seen.refused.count == 1
    assert [leak.key for leak in seen.leaks] == ["l1a2b3", "l9z"]
    assert {idea.status for idea in seen.ideas} <= {"proposed", "open"}


def test_old_data_is_shown_as_of_its_newest_event() -> None:
    house = full_house()
    seen = overview(house.lake, house.state, now=NOW + 400 * DAY)
    assert seen.newest is not None
    assert seen.until == seen.newest + 1
    assert seen.daily is not None
    assert seen.daily.events.sum() > 0


def test_events_of_a_clock_that_is_ahead_are_counted() -> None:
    house = full_house()
    seen = overview(house.lake, house.state, now=NOW - 2 * DAY)
    assert seen.newest is not None
    assert seen.until == seen.newest + 1
