"""The sum behind a cap: never more than allowed, never locked out for ever, the same for a block."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.act.caps import Given, Visits, as_one, one_more, visits_of
from volano.domain.campaign import Cap
from volano.domain.durations import DAY, MINUTE
from volano.domain.visit import GAP

caps = st.builds(Cap, times=st.integers(1, 4), days=st.integers(1, 5))
moments = st.lists(st.integers(0, 20 * 24 * 6).map(lambda tens: tens * 10 * MINUTE), max_size=60)


def given_at(cap: Cap, asked: list[int]) -> tuple[list[int], Visits]:
    """Of the moments at which somebody asks, those at which it is given, and what is counted in the end."""
    found: list[int] = []
    visits: Visits = ()
    for now in asked:
        may, visits = one_more(cap, visits, now=now)
        found += [now] if may else []
    return found, visits


def visits_in(moments: list[int]) -> list[tuple[int, int]]:
    """First and last moment of each visit: gaps of more than thirty minutes part them."""
    found: list[tuple[int, int]] = []
    for at in moments:
        if found and at - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


@given(caps, moments.map(sorted))
def test_no_days_hold_more_visits_than_the_cap_says(cap: Cap, asked: list[int]) -> None:
    visits = visits_in(given_at(cap, asked)[0])
    for _, end in visits:
        within = [one for one in visits if one[0] < end + cap.days * DAY and one[1] >= end]
        assert len(within) <= cap.times


@given(caps, moments.map(sorted))
def test_who_is_refused_was_given_it_as_often_as_the_cap_says_within_its_days(
    cap: Cap, asked: list[int]
) -> None:
    found: list[int] = []
    visits: Visits = ()
    for now in asked:
        may, visits = one_more(cap, visits, now=now)
        if not may:
            since = [one for one in visits_in(found) if one[1] > now - cap.days * DAY]
            assert len(since) == cap.times
        found += [now] if may else []


@given(caps, moments, st.integers(0, 30 * DAY))
def test_whatever_clocks_do_nobody_is_locked_out_for_longer_than_the_days(
    cap: Cap, asked: list[int], now: int
) -> None:
    _, visits = given_at(cap, asked)
    _, visits = one_more(cap, visits, now=now)
    assert one_more(cap, visits, now=now + cap.days * DAY + GAP)[0]
    assert len(visits) <= cap.times


@given(caps, moments.map(sorted), st.integers(0, 20 * DAY), st.integers(GAP + 1, 20 * DAY))
def test_a_clock_set_back_frees_nobody(cap: Cap, asked: list[int], later: int, back: int) -> None:
    _, visits = given_at(cap, asked)
    now = max(asked, default=0) + later
    may, left = one_more(cap, visits, now=now)
    if not may and abs(now - back - visits[-1]) > GAP:  # within it the visit goes on
        assert not one_more(cap, visits, now=now - back)[0]
        assert not one_more(cap, left, now=now - back)[0]


def test_a_visit_goes_on_until_thirty_minutes_without_a_question() -> None:
    cap = Cap(times=1, days=7)
    asked = [DAY, DAY + GAP, DAY + 2 * GAP, DAY + 3 * GAP + 1, DAY + 2 * GAP + 7 * DAY]
    assert given_at(cap, asked)[0] == [*asked[:3], asked[4]]


@given(st.lists(moments.map(sorted), max_size=4))
def test_what_several_were_given_is_what_one_would_have_been_given(crowd: list[list[int]]) -> None:
    often = Cap(times=10_000, days=10_000)
    parts = [given_at(often, asked)[1] for asked in crowd]
    assert as_one(parts) == given_at(often, sorted(at for asked in crowd for at in asked))[1]


def decisions(rows: list[tuple[int, str, int, int]]) -> pa.Table:
    """A block of decisions: person, campaign, round, moment."""
    person, campaign, number, time = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {
        "person_id": pa.array(person, pa.int64()),
        "time": pa.array(time, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        "campaign": pa.array(campaign, pa.string()).dictionary_encode(),
        "round": pa.array(number, pa.int64()),
    }
    return pa.table(columns).sort_by([("person_id", "ascending"), ("time", "ascending")])


keys = st.tuples(st.integers(1, 3), st.sampled_from("ab"), st.integers(1, 2))


@settings(deadline=None)
@given(st.lists(st.tuples(keys, st.integers(0, 100)), max_size=50), st.integers(0, 3))
def test_the_visits_of_a_block_are_those_counted_one_by_one(
    asked: list[tuple[tuple[int, str, int], int]], cut: int
) -> None:
    often = Cap(times=1_000, days=1_000)
    rows = [(*key, tens * 10 * MINUTE) for key, tens in asked]
    expected = []
    for key in {row[:3] for row in rows}:
        counted = given_at(often, sorted(row[3] for row in rows if row[:3] == key))[1]
        expected += [(*key, at) for at in counted]
    parts = [[row for row in rows if row[0] <= cut], [row for row in rows if row[0] > cut]]
    sums = [pickle.loads(pickle.dumps(visits_of))(decisions(part)) for part in parts]
    found = (sums[0] + sums[1]).rows
    named = [found[name].to_pylist() for name in ("person_id", "campaign", "round")]
    told = zip(*named, found["time"].cast(pa.int64()).to_pylist(), strict=True)
    assert sorted(told) == sorted(expected)
    assert isinstance(sums[0], Given)


@pytest.mark.parametrize("times", [1, 2])
def test_two_who_are_one_share_what_is_left(times: int) -> None:
    cap = Cap(times=times, days=7)
    phone, laptop = one_more(cap, (), now=DAY)[1], one_more(cap, (), now=2 * DAY)[1]
    assert not one_more(cap, as_one([phone, laptop]), now=3 * DAY)[0]
