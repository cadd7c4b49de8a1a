"""Today's numbers, gathered."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.web.shop import NOW, empty_house, full_house
from volano.domain.durations import DAY
from volano.domain.shop import Shop
from volano.domain.view import View
from volano.flow.overview import overview
from volano.flow.shop import Lens


def test_an_empty_house_has_no_numbers() -> None:
    house = empty_house()
    seen = overview(house.lake, house.state, now=NOW)
    assert (seen.newest, seen.daily, seen.refused.count, seen.leaks) == (None, None, 0, [])


def test_the_last_fortnight_is_counted_up_to_now() -> None:
    house = full_house()
    seen = overview(house.lake, house.state, now=NOW)
    assert (seen.until, seen.until - seen.since) == (NOW, 14 * DAY)
    assert seen.daily is not None
    assert seen.daily.days.orders.sum() > 0
    assert set(seen.daily.halves.revenue) == {"EUR"}
    assert len(seen.days) == len(seen.daily.days.events) + 1 == 15
    assert seen.refused.count == 1
    assert [leak.key for leak in seen.leaks] == ["l1a2b3", "l9z"]
    assert {idea.status for idea in seen.ideas} <= {"proposed", "open"}


def test_old_data_is_shown_as_of_its_newest_event() -> None:
    house = full_house()
    seen = overview(house.lake, house.state, now=NOW + 400 * DAY)
    assert seen.newest is not None
    assert seen.until == seen.newest + 1
    assert seen.daily is not None
    assert seen.daily.halves.events.sum() > 0


def test_events_of_a_clock_that_is_ahead_are_counted() -> None:
    house = full_house()
    seen = overview(house.lake, house.state, now=NOW - 2 * DAY)
    assert seen.newest is not None
    assert seen.until == seen.newest + 1


def test_days_are_those_of_the_shop_and_staff_is_left_out() -> None:
    house = full_house()
    lens = Lens(shop=Shop(timezone="Asia/Kolkata"))
    seen = overview(house.lake, house.state, now=NOW, lens=lens)
    half_past = {(edge // 60_000_000) % 60 for edge in seen.days[1:-1]}
    assert half_past == {30}
    people = house.lake.read(View(columns=("event",)))["person_id"].unique().to_pylist()
    alone = overview(house.lake, house.state, now=NOW, lens=Lens(staff=tuple(people)))
    assert alone.daily is None or alone.daily.halves.events.sum() == 0


def test_the_last_four_weeks_begin_as_the_shop_begins_them() -> None:
    house = full_house()
    for start, weekday in ((0, 0), (6, 6)):
        lens = Lens(shop=Shop(timezone="Asia/Kolkata", week_start=start))
        seen = overview(house.lake, house.state, now=NOW, lens=lens)
        begins = [datetime.fromtimestamp(edge / 1e6, ZoneInfo("Asia/Kolkata")) for edge in seen.weeks]
        assert [(at.weekday(), at.hour) for at in begins[:-1]] == [(weekday, 0)] * 4
        assert seen.weeks[-1] == seen.until
        assert seen.weekly is not None
        rows = house.lake.read(View(since=seen.weeks[0], until=seen.until))
        assert seen.weekly.events.sum() == rows.num_rows
