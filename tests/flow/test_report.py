"""From a lake to the numbers of a journey and its leaks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.random import default_rng

from volano.domain.durations import DAY, HOUR
from volano.domain.leak import Journey
from volano.domain.tables import EVENTS, TIME
from volano.flow.report import count_journey, find_leaks, leak_run, leak_window, newest, seen_through
from volano.observe.span import Span
from volano.testing.lake_memory import MemoryLake

JOURNEY = Journey(steps=("Page Viewed", "Product Added", "Order Completed"), within=DAY)


def lake_of(**columns: Any) -> MemoryLake:
    """A lake with these events; ids are numbers."""
    size = len(columns["person_id"])
    rows = {"id": list(range(size)), "identity": columns["person_id"], **columns}
    arrays = {name: pa.array(values, EVENTS.field(name).type) for name, values in rows.items()}
    lake = MemoryLake()
    lake.append({"events": pa.table(arrays)})
    return lake


def shop(people: int = 3000, leak: float = 0.5) -> MemoryLake:
    """Everybody lands within four weeks; low-end phones from Instagram add to the cart less by `leak`."""
    rng = default_rng(5)
    instagram, low_end = rng.random(people) < 0.4, rng.random(people) < 0.4
    adds = rng.random(people) < 0.6 * (1 - leak * (instagram & low_end))
    buys = adds & (rng.random(people) < 0.5)
    landed = np.sort(rng.integers(0, 28 * DAY, people))
    who, at, what, revenue = [], [], [], []
    for step, (name, reached) in enumerate(zip(JOURNEY.steps, (adds | True, adds, buys), strict=True)):
        rows = np.flatnonzero(reached)
        who.append(rows)
        at.append(landed[rows] + step * 1_000_000)
        what += [name] * len(rows)
        revenue += [5000 if step == 2 else None] * len(rows)
    person = np.concatenate(who)
    return lake_of(
        person_id=(person * 7919 + 1).tolist(),
        time=pa.array(np.concatenate(at), pa.int64()).cast(TIME).to_pylist(),
        event=what,
        source=[("instagram" if instagram[p] else "google") for p in person],
        medium=[("social" if instagram[p] else "organic") for p in person],
        device=[("low-end android" if low_end[p] else "desktop") for p in person],
        path=["/"] * len(person),
        revenue=revenue,
        currency=[None if r is None else "EUR" for r in revenue],
    )


def test_the_planted_leak_comes_out_of_the_lake_in_words() -> None:
    run = leak_run(shop(), JOURNEY, now=60 * DAY)
    assert run.leaks[0].slice == {"source": "instagram / social", "device": "low-end android"}
    assert run.leaks[0].step == "Page Viewed"
    assert run.leaks[0].gap_low < 0.3 < run.leaks[0].gap_high
    assert (run.leaks[0].currency, run.steps[0]["name"]) == ("EUR", "Page Viewed")
    assert find_leaks(shop(), JOURNEY, now=60 * DAY) == list(run.leaks)


def test_a_journey_counts_the_same_with_and_without_visits() -> None:
    lake = shop()
    plain, split = count_journey(lake, JOURNEY), count_journey(lake, JOURNEY, by=("device", "visitor"))
    assert plain is not None
    assert split is not None
    assert plain.steps == split.steps
    assert plain.steps[0]["people"] == 3000
    assert {row["visitor"] for row in split.rows("visitor")} == {"new"}


def test_a_visitor_who_came_before_the_window_is_returning() -> None:
    lake = lake_of(
        person_id=[1, 1, 2],
        time=[0, 10 * DAY, 10 * DAY],
        event=["Page Viewed"] * 3,
    )
    tally = count_journey(lake, JOURNEY, by=("visitor",), since=9 * DAY)
    assert tally is not None
    assert {row["visitor"]: row["steps"][0]["people"] for row in tally.rows("visitor")} == {
        "returning": 1,
        "new": 1,
    }


def test_a_property_and_a_plain_column_may_be_dimensions() -> None:
    lake = lake_of(
        person_id=[1, 2],
        time=[0, 1],
        event=["Page Viewed"] * 2,
        product=["shoe", None],
        properties=['{"plan":"pro"}', "{}"],
    )
    tally = count_journey(lake, JOURNEY, by=("product", "plan"))
    assert tally is not None
    assert [(row["product"], row["plan"]) for row in tally.rows("product", "plan")] == [
        ("(none)", "(none)"),
        ("shoe", "pro"),
    ]


def test_an_empty_lake_has_no_newest_event_and_no_leak() -> None:
    lake = MemoryLake()
    assert newest(lake) is None
    assert count_journey(lake, JOURNEY) is None
    assert leak_run(lake, JOURNEY, now=0).leaks == ()


def test_events_that_are_no_step_make_a_journey_of_nobody() -> None:
    lake = lake_of(person_id=[1], time=[7], event=["Identified"])
    tally = count_journey(lake, JOURNEY)
    assert tally is not None
    assert [step["people"] for step in tally.steps] == [0, 0, 0]
    assert newest(lake) == 7
    assert leak_run(lake, JOURNEY, now=0).leaks == ()


def span(last: int) -> Span:
    return Span(oldest=0, last=last, hours=Counter({last // HOUR: 1}))


def test_people_still_under_way_are_not_counted() -> None:
    week = Journey(within=7 * DAY)
    assert leak_window(span(40 * DAY), week)[1] == 33 * DAY + 1
    assert leak_window(span(40 * DAY), week, since=10 * DAY) == (10 * DAY, 33 * DAY + 1)


def test_in_young_data_the_window_is_shorter_for_everybody() -> None:
    week = Journey(within=7 * DAY)
    assert seen_through(week, span(9 * DAY)).within == 3 * DAY
    assert seen_through(week, span(30 * DAY)).within == 7 * DAY


def test_a_slice_that_has_only_begun_is_not_blamed_for_being_young() -> None:
    """All go on alike, about a day between steps; one source began two days before the end."""
    draw = default_rng(5)
    people, last = 6000, 12 * DAY
    late = np.arange(people) % 4 == 0
    start = np.where(late, draw.uniform(10 * DAY, last, people), draw.uniform(0, last, people))
    rows = []
    for person in range(people):
        moment = start[person]
        for step in Journey().steps:
            if moment < last:
                rows.append((person, int(moment), step, "late" if late[person] else "old"))
            if draw.random() > 0.7:
                break
            moment += draw.exponential(DAY)
    columns = list(zip(*rows, strict=True))
    lake = lake_of(person_id=columns[0], time=columns[1], event=columns[2], source=columns[3])
    assert find_leaks(lake, Journey(), now=0) == []
