"""Dates: every form people write, in any zone, the quick way and the thorough way alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.observe.dates import FIRST, DayOrder, day_orders, in_utc, instant, instants

ROME = ZoneInfo("Europe/Rome")
LATE = 2**62


def micros(year: int, month: int, day: int, *clock: int) -> int:
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "2020-03-04 15:06:07",
        "2020-03-04T15:06:07Z",
        "2020-03-04T16:06:07+01:00",
        "2020-03-04 16:06:07 +0100",
        "2020-03-04 15:06:07 UTC",
        "20200304T150607",
        "20200304150607",
        "2020/03/04 15:06:07",
        "2020-3-4 15:06:07",
        "04.03.2020 15:06:07",
        "4.3.2020, 15:06:07",
        "04/03/2020 15:06:07",
        "04-03-2020 3:06:07 PM",
        "1583334367",
        "1583334367000",
        "1583334367000000",
        "1583334367000000000",
        "1583334367.0",
    ],
)
def test_every_form_is_the_same_instant(text: str) -> None:
    assert instant(text, UTC, "dmy") == micros(2020, 3, 4, 15, 6, 7)


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert instant("2020-03-04T15:06:07.1234567Z", UTC) == micros(2020, 3, 4, 15, 6, 7) + 123_456
    assert instant("4/3/2020 15:06:07,5", UTC, "dmy") == micros(2020, 3, 4, 15, 6, 7) + 500_000


def test_a_bare_day_begins_in_its_zone() -> None:
    assert instant("20200704", ROME) == micros(2020, 7, 3, 22)


@pytest.mark.parametrize(
    "text", ["31.02.2020", "20201301", "yesterday", "12/1/10", "2020-01-01 25:00", "7", "CT"]
)
def test_what_is_no_date_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date or time"):
        instant(text, UTC, "dmy")


@pytest.mark.parametrize(("order", "month"), [("dmy", 2), ("mdy", 1)])
def test_the_order_of_day_and_month_is_heeded(order: DayOrder, month: int) -> None:
    assert instant("01/02/2020", UTC, order) == micros(2020, month, 3 - month)
    assert instant("01.02.2020", UTC, order) == micros(2020, 2, 1)


def test_a_column_tells_its_order() -> None:
    assert day_orders(["01/02/2020", "13/02/2020"]) == {"either", "dmy"}
    assert day_orders(["12/31/2020"]) == {"mdy"}
    assert day_orders(["2020-01-02", "01.02.2020"]) == set()


def test_a_bad_time_spoils_no_neighbour() -> None:
    column = pa.array(
        ["2020-03-04 10:00:00", "nonsense", None, "2020-03-04T10:00:00Z", "1969-05-05", "2200-01-01"]
    )
    values, whys = instants(column, UTC, None, micros(2100, 1, 1))
    assert values[0] == values[3]
    assert whys.to_pylist() == [
        None,
        "'nonsense' is not a date or time",
        None,
        None,
        "the time lies before 1970-01-02",
        "the time lies in the future",
    ]


def test_a_time_out_of_all_bounds_does_not_shift_its_neighbours() -> None:
    values, whys = instants(pa.array(["0000-01-01", "2020-07-04", "9999-12-31"]), ROME, None, LATE)
    assert values[1].as_py() == micros(2020, 7, 3, 22)
    assert whys[0].as_py() is not None


moments = st.integers(31_536_000_000_000, 2_114_380_800_000_000).map(
    lambda micro: datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(microseconds=micro)
)
zones = st.sampled_from([UTC, ROME, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/St_Johns")])


@given(st.lists(moments, min_size=1, max_size=20), zones)
def test_the_quick_way_equals_the_thorough_one(times: list[datetime], zone: ZoneInfo) -> None:
    texts = [time.isoformat(sep=" ", timespec="microseconds") for time in times]
    values, whys = instants(pa.array(texts), zone, None, LATE)
    assert values.to_pylist() == [instant(text, zone) for text in texts]
    assert whys.null_count == len(texts)


@given(moments, st.integers(-12 * 60, 14 * 60))
def test_an_offset_in_the_text_wins_over_the_zone(time: datetime, minutes: int) -> None:
    aware = time.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert instant(aware.isoformat(), ROME) == instant(aware.astimezone(UTC).isoformat(), UTC)


def test_hours_around_the_change_to_summer_time_are_exact() -> None:
    hours = [micros(2021, 3, 28, hour) for hour in range(24)]
    expected = [hour - (3600 if n < 3 else 7200) * 1_000_000 for n, hour in enumerate(hours) if n != 2]
    assert np.delete(in_utc(np.array(hours), ROME), 2).tolist() == expected
    assert micros(1970, 1, 2) == FIRST
