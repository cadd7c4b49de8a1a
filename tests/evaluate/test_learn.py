from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluate.campaigns import CLICKS, NOW, ORDERS, campaign, shares_tally
from volano.domain.campaign import Campaign
from volano.domain.idea import Belief
from volano.domain.verdict import Verdict
from volano.evaluate.learn import evidence, learn
from volano.evaluate.offsets import ArmTally
from volano.evaluate.verdict import verdict

PRIOR = Belief(recipe="free-delivery-bar", mean=0.08, sd=0.05)


def judged(tally: ArmTally, made: Campaign | None = None) -> Verdict:
    return verdict(made or campaign(), tally, as_of=NOW, now=NOW)


def test_the_error_of_the_lift_is_that_of_the_delta_method() -> None:
    found = evidence(judged(shares_tally(((378, 1_000), (450, 1_000)))))
    assert found is not None
    ratio = 450 / 378
    assert found.lift == pytest.approx(ratio - 1)
    assert found.error == pytest.approx(ratio * sqrt((1 - 0.378) / 378 + (1 - 0.45) / 450), rel=2e-3)


def test_the_error_of_the_lift_is_that_of_a_simulation() -> None:
    draw = np.random.default_rng(2)
    lifts = draw.binomial(1_000, 0.45, 20_000) / draw.binomial(1_000, 0.378, 20_000) - 1
    found = evidence(judged(shares_tally(((378, 1_000), (450, 1_000)))))
    assert found is not None
    assert found.error == pytest.approx(lifts.std(), rel=0.03)


def test_precisions_add_and_the_mean_lies_between() -> None:
    found = judged(shares_tally(((378, 1_000), (450, 1_000))))
    seen = evidence(found)
    assert seen is not None
    after = learn(PRIOR, found)
    assert after.sd**-2 == pytest.approx(PRIOR.sd**-2 + seen.error**-2)
    assert PRIOR.mean < after.mean < seen.lift
    assert (after.tests, after.recipe) == (1, PRIOR.recipe)
    assert after.note.startswith("ship in c1.1: +19.0 % ± ")


def test_an_effect_that_is_not_there_lowers_the_belief() -> None:
    assert learn(PRIOR, judged(shares_tally(((378, 1_000), (375, 1_000))))).mean < PRIOR.mean


def test_a_broken_read_out_teaches_nothing() -> None:
    assert learn(PRIOR, judged(shares_tally(((378, 1_000), (500, 1_300))))) == PRIOR


def test_without_converters_in_both_arms_there_is_nothing_to_learn() -> None:
    assert learn(PRIOR, judged(shares_tally(((0, 1_000), (9, 1_000))))) == PRIOR
    assert learn(PRIOR, judged(shares_tally(((9, 1_000), (0, 1_000))))) == PRIOR


def test_it_learns_from_the_goal_that_decides() -> None:
    made = campaign(goals=(CLICKS, ORDERS))
    tally = shares_tally(((5, 1_000), (80, 1_000)), ((378, 1_000), (450, 1_000)))
    alone = judged(shares_tally(((378, 1_000), (450, 1_000))))
    assert evidence(judged(tally, made)) == evidence(alone)


def test_several_variants_count_as_one_with_their_mean_lift() -> None:
    made = campaign({"control": 1 / 3, "a": 1 / 3, "b": 1 / 3})
    both = evidence(judged(shares_tally(((378, 1_000), (450, 1_000), (390, 1_000))), made))
    one = evidence(judged(shares_tally(((378, 1_000), (450, 1_000)))))
    other = evidence(judged(shares_tally(((378, 1_000), (390, 1_000)))))
    assert both is not None
    assert one is not None
    assert other is not None
    assert both.lift == pytest.approx((one.lift + other.lift) / 2)
    assert min(one.error, other.error) <= both.error <= max(one.error, other.error)


def test_learning_from_halves_is_learning_from_the_whole() -> None:
    whole = learn(PRIOR, judged(shares_tally(((3_780, 10_000), (4_500, 10_000)))))
    half = judged(shares_tally(((1_890, 5_000), (2_250, 5_000))))
    twice = learn(learn(PRIOR, half), half)
    assert twice.mean == pytest.approx(whole.mean, rel=1e-3)
    assert twice.sd == pytest.approx(whole.sd, rel=1e-3)
    assert replace(twice, mean=0, sd=1, note="") == Belief(recipe=PRIOR.recipe, mean=0, sd=1, tests=2)
