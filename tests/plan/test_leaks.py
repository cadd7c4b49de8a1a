"""Leaks on small tallies whose answer can be worked out by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from volano.domain.durations import DAY
from volano.plan.expected import Ground, estimate, steps_of
from volano.plan.leaks import LeakRun, find, leak_key, search
from volano.plan.reached import JourneyTally

SOURCES, DEVICES = ("direct", "google", "instagram"), ("desktop", "iphone", "low-end")
Cell = tuple[int, int]


def tally(shares: dict[Cell, float], people: int = 1000, paid: float = 0.5, days: int = 14) -> JourneyTally:
    """Exactly `people` in every cell, the given share of them (0.5 unless told) going on from the first
    step, and of those the share `paid` to the end."""
    cells, counts = [], []
    for cell in product(range(3), range(3)):
        on = round(people * shares.get(cell, 0.5))
        end = round(on * paid)
        cells.append([*cell, 0])
        counts.append([people - on, on - end, end])
    orders = sum(row[2] for row in counts)
    return JourneyTally(
        names=("cart", "checkout", "order"),
        by=("source", "device"),
        values=(SOURCES, DEVICES),
        cells=np.array(cells),
        people=np.array(counts),
        orders={"EUR": orders},
        revenue={"EUR": 4000 * orders},
        first=0,
        last=days * DAY,
    )


def test_a_pair_is_reported_without_its_parents_and_with_its_cost() -> None:
    (leak,) = find(tally({(2, 2): 0.3}), now=5)
    assert (leak.step, leak.next_step) == ("cart", "checkout")
    assert leak.slice == {"source": "instagram", "device": "low-end"}
    assert (leak.people, leak.went_on, leak.observed) == (1000, 300, 0.3)
    assert leak.gap == pytest.approx(0.2, abs=0.001)
    assert leak.gap_low < 0.2 < leak.gap_high
    assert leak.people_per_week == 500
    assert leak.reach == 6500
    assert leak.lost_orders_per_week == pytest.approx(0.2 * 500 * 0.5, rel=0.01)
    assert leak.lost_orders_low < leak.lost_orders_per_week < leak.lost_orders_high
    assert leak.lost_money_per_week == pytest.approx(leak.lost_orders_per_week * 4000)
    assert leak.currency == "EUR"
    assert leak.order_share == 0.15
    assert leak.p_value <= leak.q_value < 0.001
    assert (leak.found_at, leak.review_by) == (5, 5 + 90 * DAY)
    assert leak.key == leak_key("cart", {"device": "low-end", "source": "instagram"})


def test_a_bad_device_is_reported_and_none_of_its_children() -> None:
    found = find(tally({(s, 2): 0.3 for s in range(3)}), now=0)
    assert [leak.slice for leak in found] == [{"device": "low-end"}]
    assert found[0].people == 3000


def test_a_child_that_is_worse_than_its_parent_is_reported_beside_it() -> None:
    shares = {(0, 2): 0.4, (1, 2): 0.4, (2, 2): 0.1}
    found = find(tally(shares), now=0)
    assert [leak.slice for leak in found] == [
        {"source": "instagram", "device": "low-end"},
        {"device": "low-end"},
    ]
    assert found[1].people == 2000  # the child's people are told of by the child
    assert found[1].gap == pytest.approx(0.1, abs=0.01)


def test_one_good_slice_makes_no_leak_of_the_others() -> None:
    assert find(tally({(s, 0): 0.7 for s in range(3)}), now=0) == []


def test_where_all_go_on_alike_there_is_no_leak_but_a_family_of_tests() -> None:
    run = search(tally({}), now=0)
    assert run.leaks == ()
    assert run.tested == 2 * (3 + 3 + 9)
    assert run.steps == (
        {"name": "cart", "people": 9000, "share": 1.0},
        {"name": "checkout", "people": 4500, "share": 0.5},
        {"name": "order", "people": 2250, "share": 0.5},
    )


def test_fewer_than_a_hundred_people_are_not_tested() -> None:
    run = search(tally({(2, 2): 0.0}, people=90), now=0)
    assert run.tested == (3 + 3) + (2 + 2)  # at checkout instagram and low-end are 90 people
    assert {len(leak.slice) for leak in run.leaks} <= {1}


def test_what_is_not_known_is_never_blamed() -> None:
    whole = tally({(s, 2): 0.2 for s in range(3)})
    unknown = JourneyTally(
        **{
            name: getattr(whole, name)
            for name in ("names", "by", "cells", "people", "orders", "revenue", "first", "last")
        },
        values=(SOURCES, ("desktop", "iphone", "(unknown)")),
    )
    assert find(unknown, now=0) == []


def test_nobody_at_all_is_no_leak() -> None:
    nobody = JourneyTally(
        names=("a", "b"),
        by=("source",),
        values=((),),
        cells=np.zeros((0, 2), dtype=np.int64),
        people=np.zeros((0, 2), dtype=np.int64),
        orders={},
        revenue={},
        first=1 << 62,
        last=-(1 << 62),
    )
    assert search(nobody, now=0) == LeakRun(
        leaks=(),
        tested=0,
        steps=({"name": "a", "people": 0, "share": 1.0}, {"name": "b", "people": 0, "share": 0.0}),
    )


def test_the_error_of_a_gap_is_that_of_two_shares() -> None:
    """One dimension, nothing to adjust for: the textbook standard error of a difference."""
    whole = tally({(2, d): 0.4 for d in range(3)}).fold("source")
    ground, step = Ground.of(whole), steps_of(whole)[0]
    seen = estimate(ground, step, ground.groups[0], 2, [])
    assert seen.gap == pytest.approx(0.1, abs=1e-4)
    assert seen.gap_se == pytest.approx((0.5 * 0.5 / 6000 + 0.4 * 0.6 / 3000) ** 0.5, rel=0.01)
    assert seen.worth == pytest.approx(0.5, abs=1e-3)
