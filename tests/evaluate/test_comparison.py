from __future__ import annotations

import pytest

from tests.evaluate.campaigns import CLICKS, ORDERS, REVENUE, campaign, goal_tally, shares_tally
from volano.evaluate.comparison import results
from volano.evaluate.offsets import ArmTally, GoalTally
from volano.maths.interval import newcombe, welch
from volano.maths.moments import Moments


def test_each_goal_is_compared_for_each_variant() -> None:
    made = campaign({"control": 0.4, "a": 0.3, "b": 0.3}, goals=(CLICKS, ORDERS))
    tally = shares_tally(((0, 900), (80, 700), (70, 700)), ((340, 900), (300, 700), (250, 700)))
    found = results(made, tally)
    assert [(result.goal, result.variant) for result in found] == [
        ("click", "a"), ("click", "b"), ("orders", "a"), ("orders", "b"),
    ]  # fmt: skip
    orders = found[2]
    assert (orders.control_converters, orders.variant_converters) == (340, 300)
    assert orders.difference == pytest.approx(300 / 700 - 340 / 900)
    assert (orders.low, orders.high) == pytest.approx(newcombe((340, 900), (300, 700)), abs=2e-3)
    assert orders.relative == pytest.approx((300 / 700) / (340 / 900) - 1)
    assert orders.relative_low == pytest.approx(0.005, abs=2e-3)
    assert orders.relative_high == pytest.approx(0.28, abs=2e-2)


def test_a_control_without_any_has_no_relative_difference() -> None:
    (clicks,) = results(campaign(goals=(CLICKS,)), shares_tally(((0, 100), (12, 100))))
    assert (clicks.relative, clicks.relative_low, clicks.relative_high) == (None, None, None)
    assert clicks.low > 0


def test_maturity_is_the_share_of_exposed_people_whose_window_has_closed() -> None:
    tally = shares_tally(((10, 60), (12, 40)), exposed=(120, 80))
    assert results(campaign(), tally)[0].maturity == 0.5
    assert results(campaign(), ArmTally.empty(campaign()))[0].maturity == 0


def test_revenue_is_compared_by_welch_once_there_are_two_people_a_side() -> None:
    made = campaign(goals=(REVENUE,))
    control, variant = Moments.of([0, 0, 900, 1200]), Moments.of([0, 800, 1500])
    arms = (GoalTally(values=control, converters=2), GoalTally(values=variant, converters=2))
    (found,) = results(made, ArmTally(exposed=(4, 3), mixed=0, goals=(arms,)))
    assert (found.difference, found.low, found.high, found.p_value) == welch(control, variant)
    assert found.variant_value == pytest.approx(2300 / 3)
    lonely = (GoalTally(values=Moments.of([5]), converters=1), arms[1])
    assert results(made, ArmTally(exposed=(1, 3), mixed=0, goals=(lonely,))) == []


def test_an_arm_without_weight_is_not_compared() -> None:
    made = campaign({"control": 0.5, "a": 0.5, "old": 0.0})
    tally = ArmTally(exposed=(9, 9, 0), mixed=0, goals=((goal_tally(1, 9), goal_tally(2, 9), GoalTally()),))
    assert [result.variant for result in results(made, tally)] == ["a"]
