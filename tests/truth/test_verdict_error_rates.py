"""How often the read-out is wrong when the truth is known, with a look every day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.evaluate.campaigns import NOW, ORDERS, REFUNDS, campaign, shares_tally
from volano.domain.campaign import Campaign, Plan
from volano.domain.verdict import Verdict
from volano.evaluate.comparison import difference
from volano.evaluate.offsets import ArmTally, GoalTally
from volano.evaluate.soundness import BROKEN, sample_ratio
from volano.evaluate.verdict import verdict
from volano.maths.interval import difference_of_shares, welch
from volano.maths.moments import Moments
from volano.plan.sample_size import planned

Ints = npt.NDArray[np.int64]
BASELINE, LIFT = 0.3, 0.15
DAYS = 7  # until the planned size; looks go on for a few days more
PLAN = planned(baseline=BASELINE, lift=LIFT, people_per_week=1_000)
CAMPAIGN = campaign(plan=PLAN, goals=(ORDERS, REFUNDS))


def rounds(repetitions: int, lift: float, seed: int, refunds: float = 0.02) -> list[Verdict]:
    """The first final verdict of each of many rounds that are looked at every day."""
    draw = np.random.default_rng(seed)
    return [first_final(days_of(draw, lift, refunds)) for _ in range(repetitions)]


def days_of(draw: np.random.Generator, lift: float, refunds: float) -> list[ArmTally]:
    """The tallies of a round, day by day: people come at random to two arms and order by their share."""
    people = draw.poisson(PLAN.people_per_arm / DAYS, (DAYS + 4, 2))
    orders = draw.binomial(people, [BASELINE, BASELINE * (1 + lift)])
    backs = draw.binomial(people, refunds)
    return [
        shares_tally(*(pairs(hits[day], sums[day]) for hits in (np.cumsum(orders, 0), np.cumsum(backs, 0))))
        for sums in (np.cumsum(people, 0),)
        for day in range(len(people))
    ]


def pairs(hits: Ints, people: Ints) -> tuple[tuple[int, int], ...]:
    return tuple(zip(hits.tolist(), people.tolist(), strict=True))


def first_final(days: list[ArmTally], made: Campaign = CAMPAIGN) -> Verdict:
    found = (verdict(made, tally, as_of=NOW, now=NOW) for tally in days)
    return next(each for each in found if each.final)


def test_an_idea_without_effect_is_shipped_in_at_most_one_round_of_forty() -> None:
    calls = [found.call for found in rounds(2_000, lift=0.0, seed=1)]
    assert calls.count("ship") / 2_000 <= 0.025 + 2 * 0.0035  # two standard errors
    assert calls.count("broken") / 2_000 <= 0.01  # at most 11 looks at one in a thousand


def test_an_effect_of_the_planned_size_is_shipped() -> None:
    calls = [found.call for found in rounds(600, lift=LIFT, seed=2)]
    assert calls.count("ship") / 600 >= 0.78


def test_a_harmful_idea_is_never_shipped() -> None:
    calls = [found.call for found in rounds(300, lift=-LIFT, seed=3)]
    assert calls.count("ship") == 0


def test_a_guardrail_that_is_not_harmed_stops_nearly_no_round() -> None:
    found = rounds(400, lift=LIFT, seed=4, refunds=0.05)
    assert sum("does harm" in each.sentence for each in found) / 400 <= 0.02


@pytest.mark.parametrize(
    ("people", "baseline", "lift"), [(2_000, 0.3, 0.1), (1_500, 0.05, 0.3), (400, 0.5, 0.0), (800, 0.02, 0.0)]
)
def test_intervals_of_shares_hold_the_truth(people: int, baseline: float, lift: float) -> None:
    draw = np.random.default_rng(5)
    raised = baseline * (1 + lift)
    hits = draw.binomial(people, [baseline, raised], (1_500, 2)).tolist()
    held = [
        found.low <= raised - baseline <= found.high
        for found in (difference_of_shares((control, people), (variant, people)) for control, variant in hits)
    ]
    assert np.mean(held) >= 0.94


def test_intervals_of_revenue_hold_the_truth() -> None:
    draw = np.random.default_rng(6)
    held = []
    for _ in range(1_500):
        found = welch(revenue(draw, 0.10), revenue(draw, 0.12))
        held.append(found.low <= 0.02 * 5_000 <= found.high)
    assert np.mean(held) >= 0.94


def revenue(draw: np.random.Generator, share: float) -> Moments:
    """A thousand people, few of whom buy: skewed as revenue is (mean of an order 50.00)."""
    return Moments.of((draw.random(1_000) < share) * draw.gamma(2, 2_500, 1_000))


def test_fair_arms_are_called_broken_less_than_once_in_five_hundred() -> None:
    draw = np.random.default_rng(7)
    variant = draw.binomial(20_000, 0.5, 20_000).tolist()
    alarms = [sample_ratio(CAMPAIGN, arms(20_000 - each, each)) < BROKEN for each in variant]
    assert np.mean(alarms) <= 0.002


def test_arms_of_53_to_47_are_found() -> None:
    draw = np.random.default_rng(8)
    variant = draw.binomial(10_000, 0.47, 500).tolist()
    found = [sample_ratio(CAMPAIGN, arms(10_000 - each, each)) < BROKEN for each in variant]
    assert np.mean(found) >= 0.99


def arms(control: int, variant: int) -> ArmTally:
    return ArmTally(exposed=(control, variant), mixed=0, goals=())


def test_two_variants_without_effect_are_shipped_no_oftener_than_one() -> None:
    plan = Plan(baseline=BASELINE, lift=LIFT, people_per_arm=1_000, days=14)
    made = campaign({"control": 1 / 3, "a": 1 / 3, "b": 1 / 3}, plan=plan)
    draw = np.random.default_rng(9)
    hits = draw.binomial(1_000, BASELINE, (1_500, 3)).tolist()
    calls = [first_final([shares_tally(tuple((each, 1_000) for each in row))], made).call for row in hits]
    assert calls.count("ship") / 1_500 <= 0.025 + 2 * 0.004


def test_the_decision_is_made_on_the_interval_that_is_shown() -> None:
    for found in rounds(50, lift=LIFT / 2, seed=10):
        orders = found.results[0]
        control = GoalTally(values=Moments.of_share(orders.control_converters, orders.control_people))
        assert control.values.mean == pytest.approx(orders.control_value)
        assert (found.call == "ship") == (orders.low > 0)
        assert difference(ORDERS, control, control).value == 0
