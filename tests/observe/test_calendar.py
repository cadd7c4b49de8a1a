"""Days and weeks by the clock of a shop."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.observe.calendar import day_edges, week_edges

DAY = 86_400_000_000
HOUR = DAY // 24
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo"]


def local(moment: int, zone: str) -> datetime:
    return datetime.fromtimestamp(moment // 1_000_000, UTC).astimezone(ZoneInfo(zone))


@given(st.integers(0, 20_000 * DAY), st.integers(1, 40 * DAY), st.sampled_from(ZONES), st.integers(0, 6))
def test_edges_ascend_and_lie_on_midnights(since: int, length: int, zone: str, week_start: int) -> None:
    days = day_edges(since, since + length, zone)
    weeks = week_edges(since, since + length, zone, week_start)
    assert (days[0], days[-1]) == (weeks[0], weeks[-1]) == (since, since + length)
    assert list(days) == sorted(set(days))
    assert set(weeks) <= set(days)
    for edge in days[1:-1]:
        assert local(edge, zone).hour in (0, 1)  # 1: where a clock is put forward at midnight
    assert all(local(edge, zone).weekday() == week_start for edge in weeks[1:-1])
    assert all(22 * HOUR <= later - edge <= 26 * HOUR for edge, later in pairwise(days[1:-1]))


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (6, 1, 24)])
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is(month: int, day: int, hours: int) -> None:
    start = datetime(2026, month, day, tzinfo=ZoneInfo("Europe/Berlin")).timestamp() * 1e6
    edges = day_edges(int(start) - HOUR, int(start) + 30 * HOUR, "Europe/Berlin")
    assert edges[2] - edges[1] == hours * HOUR
