"""Pictures: where things stand on them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from volano.web import charts

SHARES = st.floats(0, 1)
NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=40))
def test_a_sparkline_stays_in_its_frame(values: list[float]) -> None:
    spots = [float(part) for part in charts.sparkline(values)[1:].split()]
    assert all(0 <= x <= 100.5 for x in spots[::2])
    assert all(0 <= y <= 28 for y in spots[1::2])


def test_no_values_make_no_line() -> None:
    assert charts.sparkline([]) == ""


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted), min_size=1, max_size=4))
def test_a_plot_keeps_all_intervals_and_no_change_in_view(rows: list[list[float]]) -> None:
    seen = charts.plot([(low, mid, high) for low, mid, high in rows])
    for span in seen.spans:
        assert 0 <= span.low <= span.mid <= span.high <= 100
    assert 0 <= seen.zero <= 100


def test_an_interval_that_covers_no_change_is_open_and_others_are_good_or_bad() -> None:
    rows = [(-1.0, 0.5, 2.0), (0.5, 1.0, 2.0), (-3.0, -2.0, -1.0)]
    assert [span.tone for span in charts.plot(rows).spans] == ["open", "good", "bad"]
    assert [span.tone for span in charts.plot(rows, less_is_better=True).spans] == ["open", "bad", "good"]


@given(SHARES, SHARES, SHARES, SHARES)
def test_the_bars_of_a_leak_leave_room_for_their_words(
    expected: float, observed: float, one: float, other: float
) -> None:
    seen = charts.pair(expected, observed, min(one, other), max(one, other))
    assert max(seen.expected, seen.observed, seen.high) <= 70
    assert min(seen.expected, seen.observed, seen.low) >= 0


def test_a_journey_nobody_set_out_on_has_empty_bars() -> None:
    assert [bar.width for bar in charts.journey(["a", "b"], [0, 0])] == [0, 0]
    assert [bar.lost for bar in charts.journey(["a", "b"], [0, 0])] == [None, 0]


def test_the_worst_step_of_a_journey_is_marked() -> None:
    assert [bar.worst for bar in charts.journey(["a", "b", "c"], [4, 2, 1], "b")] == [False, True, False]


def test_the_wheel_shows_what_is_done_now_and_to_come() -> None:
    assert [arc.tone for arc in charts.wheel((0, 0, 0))] == ["rest"] * 3
    assert [arc.tone for arc in charts.wheel((1, 1, 1))] == ["done"] * 3
    assert charts.wheel((1, 0.5, 0))[2].path.startswith("M")


def test_a_tile_compares_with_before_and_says_nothing_when_there_was_nothing() -> None:
    assert charts.tile("Orders", 90, 100, [1, 2]).tone == "down"
    assert charts.tile("Orders", 90, 0, [1, 2]).change == ""
