"""A journey counted by NumPy, by an independent SQL query and by brute force."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.leak import Journey
from volano.plan.journey import count, journey_json
from volano.plan.reached import JourneyTally

MINUTE = 60_000_000

# Chains by joins: every start with every later step within its window. No greedy choice, no order trick.
SQL = """
WITH RECURSIVE
path AS (SELECT unnest($steps) AS event, unnest(range(len($steps))) AS step),
starts AS (
    SELECT rows.person_id, rows.time AS started, rows.time AS reached, 0 AS step
    FROM rows JOIN path ON rows.event = path.event AND path.step = 0
    WHERE rows.time >= $since AND rows.time < $until
),
chains AS (
    SELECT DISTINCT person_id, started, reached, step FROM starts
    UNION
    SELECT chains.person_id, chains.started, rows.time, chains.step + 1
    FROM chains
    JOIN path ON path.step = chains.step + 1
    JOIN rows ON rows.person_id = chains.person_id AND rows.event = path.event
        AND rows.time > chains.reached AND rows.time <= chains.started + $within
),
depth AS (SELECT person_id, max(step) AS step FROM chains GROUP BY ALL),
first AS (
    SELECT person_id, arg_min(rows.device, rows.line) AS device
    FROM rows JOIN path ON rows.event = path.event AND path.step = 0
    WHERE rows.time >= $since AND rows.time < $until GROUP BY ALL
)
SELECT device, path.step, count(*) FILTER (WHERE depth.step >= path.step) AS people
FROM depth JOIN first USING (person_id), path GROUP BY ALL
"""


class Row(NamedTuple):
    person: int
    time: int
    event: str
    device: str | None


rows_ = st.lists(
    st.builds(
        Row,
        st.integers(1, 4),
        st.integers(0, 12).map(lambda k: k * MINUTE),
        st.sampled_from("abcx"),
        st.sampled_from(["phone", "desk", None]),
    ),
    max_size=25,
).map(lambda rows: sorted(rows, key=lambda row: row[:2]))
paths = st.lists(st.sampled_from("abc"), min_size=2, max_size=4).map(tuple)
windows = st.integers(0, 12).map(lambda k: k * MINUTE)
bounds = st.one_of(st.none(), st.integers(0, 12).map(lambda k: k * MINUTE))


def block_of(rows: list[Row], **columns: Any) -> pa.Table:
    return pa.table(
        {
            "person_id": pa.array([row.person for row in rows], pa.int64()),
            "time": pa.array([row.time for row in rows], pa.timestamp("us", tz="UTC")),
            "event": pa.array([row.event for row in rows], pa.string()).dictionary_encode(),
            "device": pa.array([row.device for row in rows], pa.string()),
            **columns,
        }
    )


def by_sql(
    rows: list[Row], journey: Journey, since: int | None, until: int | None
) -> dict[str, dict[int, int]]:
    """People by device and step, from DuckDB."""
    given_ = pa.table(
        {
            "person_id": pa.array([row.person for row in rows], pa.int64()),
            "time": pa.array([row.time for row in rows], pa.int64()),
            "event": pa.array([row.event for row in rows], pa.string()),
            "device": pa.array([row.device or "(none)" for row in rows], pa.string()),
            "line": pa.array(range(len(rows)), pa.int64()),
        }
    )
    bound = {
        "steps": list(journey.steps),
        "within": journey.within,
        "since": -1 if since is None else since,
        "until": 1 << 60 if until is None else until,
    }
    connection = database()
    connection.register("rows", given_)
    found: dict[str, dict[int, int]] = {}
    for device, step, people in connection.execute(SQL, bound).fetchall():
        found.setdefault(device, {})[step] = people
    return found


@cache
def database() -> Any:
    """One for all examples: opening one takes longer than the query."""
    return duckdb.connect(config={"threads": 1})


def by_tally(tally: JourneyTally) -> dict[str, dict[int, int]]:
    return {
        row["device"]: {i: step["people"] for i, step in enumerate(row["steps"])}
        for row in tally.rows("device")
    }


def deepest(rows: list[Row], journey: Journey) -> list[int]:
    """Every chain there is, followed to its end; people by step."""

    def follow(theirs: list[Row], start: int, at: int, step: int) -> int:
        if step == len(journey.steps):
            return step
        nexts = [
            r.time for r in theirs if r.event == journey.steps[step] and at < r.time <= start + journey.within
        ]
        return max((follow(theirs, start, time, step + 1) for time in nexts), default=step)

    depths = []
    for person in {row.person for row in rows}:
        theirs = [row for row in rows if row.person == person]
        starts = [row.time for row in theirs if row.event == journey.steps[0]]
        depths.append(max((follow(theirs, start, start, 1) for start in starts), default=0))
    return [sum(depth > step for depth in depths) for step in range(len(journey.steps))]


@settings(deadline=None, max_examples=60)
@given(rows_, paths, windows, bounds, bounds)
def test_a_journey_equals_an_independent_query(
    rows: list[Row], steps: tuple[str, ...], within: int, since: int | None, until: int | None
) -> None:
    journey = Journey(steps=steps, within=within)
    tally = count(block_of(rows), journey, ("device",), since=since, until=until)
    assert by_tally(tally) == by_sql(rows, journey, since, until)


@settings(deadline=None)
@given(rows_, paths, windows)
def test_a_journey_equals_all_chains_followed_one_by_one(
    rows: list[Row], steps: tuple[str, ...], within: int
) -> None:
    journey = Journey(steps=steps, within=within)
    assert [step["people"] for step in count(block_of(rows), journey).steps] == deepest(rows, journey)


@settings(deadline=None)
@given(rows_, paths, windows, st.integers(0, 4), st.integers(0, 4))
def test_tallies_of_blocks_add_up_to_the_tally_of_all(
    rows: list[Row], steps: tuple[str, ...], within: int, low: int, high: int
) -> None:
    journey, (low, high) = Journey(steps=steps, within=within), sorted((low, high))
    blocks = [
        [r for r in rows if r.person <= low],
        [r for r in rows if low < r.person <= high],
        [r for r in rows if r.person > high],
    ]
    a, b, c = (count(block_of(block), journey, ("device",)) for block in blocks)
    assert (a + b) + c == a + (c + b) == count(block_of(rows), journey, ("device",))


def test_any_start_may_begin_the_chain_that_counts_and_the_slice_is_that_of_the_first() -> None:
    rows = [Row(1, 0, "a", "desk"), Row(1, 50 * MINUTE, "a", "phone"), Row(1, 55 * MINUTE, "b", "phone")]
    tally = count(block_of(rows), Journey(steps=("a", "b"), within=10 * MINUTE), ("device",))
    assert journey_json(tally, ("device",)) == {
        "steps": [{"name": "a", "people": 1}, {"name": "b", "people": 1}],
        "by": [{"device": "desk", "steps": [{"name": "a", "people": 1}, {"name": "b", "people": 1}]}],
    }


@settings(deadline=None)
@given(rows_, paths, windows)
def test_first_tries_are_the_journey_of_everybodys_first_start(
    rows: list[Row], steps: tuple[str, ...], within: int
) -> None:
    journey = Journey(steps=steps, within=within)
    seen: set[int] = set()
    kept = []
    for row in rows:  # every other start is as if it had not been one
        again = row.event == steps[0] and row.person in seen and steps[0] not in steps[1:]
        if row.event == steps[0]:
            seen.add(row.person)
        if not again:
            kept.append(row)
    if steps[0] in steps[1:]:
        return
    tried = count(block_of(rows), journey, first_only=True)
    assert tried.steps == count(block_of(kept), journey).steps


def test_events_at_the_same_moment_are_not_later() -> None:
    rows = [Row(1, 0, "a", None), Row(1, 0, "b", None)]
    assert count(block_of(rows), Journey(steps=("a", "b"), within=MINUTE)).steps[1]["people"] == 0


def test_a_dimension_may_be_a_property() -> None:
    rows = [Row(1, 0, "a", None), Row(2, 0, "a", None), Row(3, 0, "a", None), Row(4, 0, "a", None)]
    properties = pa.array(['{"plan":"pro"}', '{"plan":3}', None, '{"plan":"pro"}'])
    tally = count(block_of(rows, properties=properties), Journey(steps=("a", "b")), ("plan",))
    assert [(row["plan"], row["steps"][0]["people"]) for row in tally.rows("plan")] == [
        ("pro", 2),
        ("(none)", 1),
        ("3", 1),
    ]


def test_money_is_that_of_each_persons_first_finished_chain_in_the_commonest_currency() -> None:
    rows = [Row(1, 0, "a", None), Row(1, 1, "b", None), Row(1, 2, "b", None), Row(2, 0, "a", None)]
    rows += [Row(2, 1, "b", None), Row(3, 0, "a", None), Row(3, 1, "b", None)]
    tally = count(
        block_of(
            rows,
            revenue=pa.array([None, 500, 900, None, 700, None, 9], pa.int64()),
            currency=pa.array([None, "EUR", "EUR", None, "EUR", None, "USD"]),
        ),
        Journey(steps=("a", "b"), within=MINUTE),
    )
    assert (dict(tally.orders), tally.order_value) == ({"EUR": 2, "USD": 1}, (600.0, "EUR"))


def test_values_beyond_the_cap_become_one_and_nobody_is_lost() -> None:
    rows = [Row(i, 0, "a", f"d{min(i, 4)}") for i in range(9)]
    capped = count(block_of(rows), Journey(steps=("a", "b")), ("device",)).capped(2)
    assert by_tally(capped) == {"d4": {0: 5, 1: 0}, "d0": {0: 1, 1: 0}, "(other)": {0: 3, 1: 0}}


def test_chances_are_counted_in_visits_when_they_are_known() -> None:
    rows = [Row(1, 0, "a", None), Row(1, 1, "a", None), Row(1, 2, "a", None)]
    journey = Journey(steps=("a", "b"))
    assert count(block_of(rows), journey).cells.tolist() == [[2]]
    assert count(block_of(rows, visit=pa.array([7, 7, 8])), journey).cells.tolist() == [[1]]
