"""Counts by day: exact, and the same however the people are split into blocks."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from volano.domain.durations import DAY
from volano.domain.tables import EVENTS, QUARANTINE
from volano.observe.daily import count_between, count_lately, count_refused

SINCE, DAYS = 100 * DAY, 14
EDGES = tuple(SINCE + day * DAY for day in range(DAYS + 1))
HALVES = (EDGES[0], EDGES[7], EDGES[-1])
ROW = st.tuples(
    st.integers(0, 5),
    st.integers(-2, 16),
    st.sampled_from(["Page Viewed", "Order Completed"]),
    st.sampled_from([None, 250, -100]),
    st.sampled_from(["EUR", "USD"]),
)


def block(rows: list[tuple[int, int, str, int | None, str]]) -> pa.Table:
    """Events of people, in the order of the lake."""
    made = [
        {
            "person_id": person,
            "time": SINCE + day * DAY + 7,
            "event": event,
            "revenue": paid,
            "currency": money,
        }
        for person, day, event, paid, money in sorted(rows, key=lambda row: row[:2])
    ]
    whole = pa.Table.from_pylist(made, EVENTS)
    return whole.set_column(
        whole.column_names.index("event"), "event", whole["event"].dictionary_encode()
    ).set_column(whole.column_names.index("currency"), "currency", whole["currency"].dictionary_encode())


@given(st.lists(ROW, max_size=40))
def test_days_are_counted_as_one_would_by_hand(rows: list[tuple[int, int, str, int | None, str]]) -> None:
    seen = count_between(block(rows), edges=EDGES)
    inside = [row for row in rows if 0 <= row[1] < DAYS]
    for day in range(DAYS):
        today = [row for row in inside if row[1] == day]
        assert seen.events[day] == len(today)
        assert seen.people[day] == len({row[0] for row in today})
        assert seen.orders[day] == sum(row[2] == "Order Completed" for row in today)
    halves = [{row[0] for row in inside if row[1] // 7 == half} for half in (0, 1)]
    both = count_lately(block(rows), days=EDGES, halves=HALVES, weeks=HALVES).halves
    assert both.people.tolist() == [len(half) for half in halves]
    assert both.events.tolist() == [sum(row[1] // 7 == half for row in inside) for half in (0, 1)]
    for currency in ("EUR", "USD"):
        paid = sum(row[3] or 0 for row in inside if row[4] == currency)
        assert int(seen.revenue.get(currency, seen.events * 0).sum()) == paid


@given(st.lists(ROW, max_size=30), st.integers(0, 5))
def test_tallies_of_disjoint_people_add_up(
    rows: list[tuple[int, int, str, int | None, str]], split: int
) -> None:
    one = count_lately(
        block([row for row in rows if row[0] < split]), days=EDGES, halves=HALVES, weeks=HALVES
    )
    other = count_lately(
        block([row for row in rows if row[0] >= split]), days=EDGES, halves=HALVES, weeks=HALVES
    )
    whole = count_lately(block(rows), days=EDGES, halves=HALVES, weeks=HALVES)
    both = one + other
    for kind in ("days", "halves", "weeks"):
        summed, counted = getattr(both, kind), getattr(whole, kind)
        for name in ("events", "people", "orders"):
            assert getattr(summed, name).tolist() == getattr(counted, name).tolist()
        assert {name: days.tolist() for name, days in summed.revenue.items()} == {
            name: days.tolist() for name, days in counted.revenue.items()
        }


def test_edges_need_not_be_alike() -> None:
    seen = count_between(
        block([(1, 0, "Page Viewed", None, "EUR")]), edges=(SINCE, SINCE + 7, SINCE + 8, SINCE + 9)
    )
    assert seen.events.tolist() == [0, 1, 0]


def test_only_the_newest_refusals_are_kept_and_all_are_counted() -> None:
    rows = [{"person_id": 0, "time": at, "id": at, "code": "c", "message": str(at)} for at in range(1, 9)]
    one, other = (count_refused(pa.Table.from_pylist(part, QUARANTINE)) for part in (rows[::2], rows[1::2]))
    both = one + other
    assert both.count == 8
    assert [time for time, *_ in both.newest] == [8, 7, 6, 5, 4]
    assert count_refused(QUARANTINE.empty_table()).count == 0
