"""What a test can promise with the traffic there is."""

from __future__ import annotations

import pyarrow as pa
import pytest

from volano.domain.durations import DAY
from volano.domain.leak import Journey
from volano.plan.journey import count
from volano.plan.sample_size import people_per_arm
from volano.plan.sizing import sized, traffic


def test_a_belief_that_the_traffic_can_show_is_planned_for() -> None:
    plan = sized(baseline=0.4, lift=0.2, people_per_week=1000, control=0.5)
    assert plan.lift == 0.2
    assert plan.people_per_arm == people_per_arm(0.4, 0.2)


def test_with_little_traffic_the_smallest_lift_of_three_weeks_is_planned_for() -> None:
    plan = sized(baseline=0.4, lift=0.05, people_per_week=200, control=0.5)
    assert plan.lift > 0.05
    assert plan.days == pytest.approx(21, abs=0.1)
    assert people_per_arm(0.4, plan.lift) == plan.people_per_arm


def test_with_next_to_none_the_largest_lift_takes_as_long_as_it_takes() -> None:
    assert sized(baseline=0.4, lift=0.05, people_per_week=5, control=0.5).days > 21


def test_traffic_is_of_the_slice_and_of_first_tries() -> None:
    rows = [
        (1, 0, "cart", "mail"),
        (1, 1, "paid", "mail"),
        (2, 0, "cart", "mail"),
        (2, 20, "cart", "mail"),  # the order follows the second try, ten days late
        (2, 21, "paid", "mail"),
        (3, 14, "cart", "shop"),
        (3, 15, "paid", "shop"),
    ]
    block = pa.table(
        {
            "person_id": [row[0] for row in rows],
            "time": pa.array([row[1] * DAY for row in rows], pa.timestamp("us", tz="UTC")),
            "event": [row[2] for row in rows],
            "source": [row[3] for row in rows],
        }
    )
    tally = count(block, Journey(steps=("cart", "paid"), within=7 * DAY), ("source",), first_only=True)
    weekly, share = traffic(tally, {"source": "mail"})
    assert weekly == pytest.approx(2 / tally.weeks)
    assert share == 0.5
    weekly, share = traffic(tally, {})
    assert weekly == pytest.approx(3 / tally.weeks)
    assert share == pytest.approx(2 / 3)
    assert traffic(tally, {"source": "nowhere"}) == (0.0, 0.0)
