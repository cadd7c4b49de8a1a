from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.errors import BadInput
from volano.maths.interval import difference_of_shares
from volano.plan.sample_size import days_needed, people_per_arm, planned

DATA = Path(__file__).parents[1] / "data" / "statistics_cases.json"


@pytest.mark.parametrize(
    ("baseline", "lift", "control", "people"),
    [  # statsmodels 0.15.0, samplesize_proportions_2indep_onetail(two-sided, α 0.05, power 0.8), rounded up
        (0.1, 0.2, 0.5, 3841),
        (0.378, 0.1, 0.5, 2629),
        (0.05, 0.1, 0.5, 31234),
    ],
)
def test_people_are_those_of_statsmodels(baseline: float, lift: float, control: float, people: int) -> None:
    assert people_per_arm(baseline, lift, control=control) == people


@pytest.mark.parametrize(
    ("name", "lift", "alpha", "power"),
    [("sp-n-bin-large", 0.1 / 0.34, 0.05, 0.85), ("sp-n-bin-alpha14-pow67", 0.003 / 0.34, 0.14, 0.67)],
)
def test_people_are_near_those_of_gpower(name: str, lift: float, alpha: float, power: float) -> None:
    """G*Power, as published in the tests of spotify/confidence; it takes the control's variance for both."""
    (wanted,) = [case for case in json.loads(DATA.read_text(encoding="utf-8")) if case["id"] == name]
    total = 2 * people_per_arm(0.34, lift, alpha=alpha, power=power)
    assert total == pytest.approx(wanted["expected"]["n_total"], rel=0.08 if lift > 0.1 else 0.01)


@pytest.mark.parametrize(
    ("baseline", "lift", "control"), [(0.1, 0.2, 0.5), (0.378, 0.1, 0.5), (0.3, 0.15, 0.2), (0.05, 0.5, 0.5)]
)
def test_the_rule_that_decides_has_the_power_it_was_planned_for(
    baseline: float, lift: float, control: float
) -> None:
    people = people_per_arm(baseline, lift, control=control)
    scale = people / min(control, 1 - control)
    people0, people1 = round(scale * control), round(scale * (1 - control))
    draw = np.random.default_rng(3)
    pairs = zip(
        draw.binomial(people0, baseline, 4_000),
        draw.binomial(people1, baseline * (1 + lift), 4_000),
        strict=True,
    )
    shipped = [rejects((int(hits0), people0), (int(hits1), people1)) for hits0, hits1 in pairs]
    assert np.mean(shipped) >= 0.8 - 2 * 0.0063  # two standard errors of 4,000 draws


def rejects(control: tuple[int, int], variant: tuple[int, int]) -> bool:
    """The score test of no difference in the variant's favour, without the interval (which takes longer)."""
    pooled = (control[0] + variant[0]) / (control[1] + variant[1])
    people = control[1] + variant[1]
    error = np.sqrt(pooled * (1 - pooled) * (1 / control[1] + 1 / variant[1]) * people / (people - 1))
    return bool(variant[0] / variant[1] - control[0] / control[1] > 1.959964 * error)


def test_the_shortened_test_is_the_test() -> None:
    for hits in range(360, 460, 5):
        whole = difference_of_shares((378, 1000), (hits, 1000))
        assert rejects((378, 1000), (hits, 1000)) == (whole.low > 0)


@given(st.floats(0.01, 0.6), st.floats(0.05, 0.5), st.floats(0.1, 0.9))
def test_smaller_effects_and_more_variants_need_more_people(
    baseline: float, lift: float, control: float
) -> None:
    people = people_per_arm(baseline, lift, control=control)
    assert people_per_arm(baseline, lift / 2, control=control) > people
    assert people_per_arm(baseline, lift, control=0.25, variants=3) > people_per_arm(baseline, lift)


def test_a_fall_can_be_planned_for_too() -> None:
    assert people_per_arm(0.3, -0.1) < people_per_arm(0.3, -0.05)


@pytest.mark.parametrize(
    ("baseline", "lift", "control", "named"),
    [
        (0, 0.1, 0.5, "baseline == 0"),
        (1.2, 0.1, 0.5, "baseline == 1.2"),
        (0.9, 0.5, 0.5, "lift == 0.5 over"),
        (0.3, 0, 0.5, "lift == 0 over"),
        (0.3, 0.1, 1, "control == 1"),
    ],
)
def test_a_test_that_cannot_be_is_refused(baseline: float, lift: float, control: float, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        people_per_arm(baseline, lift, control=control)


def test_days_follow_from_traffic_and_shares() -> None:
    assert days_needed(1_000, 1_000) == 14
    assert days_needed(1_000, 1_000, control=0.2) == 35
    assert days_needed(1_000, 3_000, control=0.4, variants=3) == pytest.approx(7 * 5_000 / 3_000)
    assert days_needed(1_000, 0) == 400


@given(st.floats(-1, 2), st.floats(-1, 3), st.floats(0, 1e6))
def test_a_plan_is_made_of_any_belief(baseline: float, lift: float, people_per_week: float) -> None:
    plan = planned(baseline=baseline, lift=lift, people_per_week=people_per_week)
    assert 0.05 <= plan.lift <= 0.5
    assert 0 < plan.baseline * (1 + plan.lift) < 1
    assert plan.people_per_arm > 1
    assert 0 < plan.days <= 400
