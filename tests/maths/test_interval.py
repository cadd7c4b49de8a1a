from __future__ import annotations

import json
from math import inf, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from volano.maths.interval import (
    difference_of_shares,
    fewest_expected,
    fisher,
    lift,
    newcombe,
    two_sided,
    welch,
    wilson,
)
from volano.maths.moments import Moments
from volano.maths.ratio import ratio_p

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads(
        (Path(__file__).parents[1] / "data" / "statistics_cases.json").read_text(encoding="utf-8")
    )
}
COUNTS = st.integers(1, 400).flatmap(lambda people: st.tuples(st.integers(0, people), st.just(people)))


def of_sums(found: dict[str, Any]) -> Moments:
    count, total = found["n"], found["sum"]
    return Moments(count, total / count, found["sum_squares"] - total**2 / count)


def test_welch_and_log_ratio_are_those_of_tea_tasting() -> None:
    case = CASES["tt-mean-welch"]
    control, variant = (
        Moments(part["n"], part["mean"], part["var"] * (part["n"] - 1))
        for part in (case["inputs"]["control"], case["inputs"]["variant"])
    )
    wanted, found, relative = case["expected"], welch(control, variant), lift(control, variant)
    assert (found.value, found.low, found.high, found.p_value) == pytest.approx(
        (wanted["effect"], *wanted["ci"], wanted["pvalue"]), rel=case["tol"]
    )
    assert relative == pytest.approx((wanted["rel"], *wanted["rel_ci"]), rel=case["tol"])


@pytest.mark.parametrize(("name", "end"), [("gb-t-greater-abs", 0), ("gb-t-less-abs", 1)])
def test_one_sided_bounds_are_those_of_growthbook(name: str, end: int) -> None:
    case = CASES[name]
    found = welch(of_sums(case["inputs"]["a"]), of_sums(case["inputs"]["b"]), alpha=2 * 0.05)
    wanted = case["expected"]
    assert found.value == pytest.approx(wanted["effect"], abs=case["tol"])
    assert (found.low, found.high)[end] == pytest.approx(wanted["ci"][end], abs=case["tol"])
    p_value = found.p_value / 2 if end == 0 else 1 - found.p_value / 2
    assert p_value == pytest.approx(wanted["pvalue"], abs=case["tol"])


@pytest.mark.parametrize("name", ["gb-reldiff-10-5", "gb-reldiff--10--15"])
def test_the_sign_of_a_relative_difference_holds_below_zero(name: str) -> None:
    case = CASES[name]["inputs"]
    found = lift(Moments.of([case["a"]]), Moments.of([case["b"]]))
    assert found is not None
    assert found == (CASES[name]["expected"]["effect"], None, None)


def test_the_exact_test_is_that_of_tea_tasting() -> None:
    case = CASES["tt-prop-fisher-less-corr1-pooled1"]
    (hits0, people0), (hits1, people1) = case["inputs"]["control"], case["inputs"]["treatment"]
    below = stats.hypergeom.cdf(hits1, people0 + people1, hits0 + hits1, people1)
    assert below == pytest.approx(case["expected"]["pvalue"], abs=case["tol"])
    point = stats.hypergeom.pmf(np.arange(hits0 + hits1 + 1), people0 + people1, hits0 + hits1, people1)
    both = point[point <= point[hits1] * (1 + 1e-7)].sum()
    assert fisher((hits0, people0), (hits1, people1)) == pytest.approx(both)


def test_the_sample_ratio_is_that_of_tea_tasting() -> None:
    case = CASES["tt-srm-norm-corr0"]
    found = ratio_p(case["inputs"]["counts"], case["inputs"]["weights"])
    assert found == pytest.approx(case["expected"]["pvalue"], rel=case["tol"])


def test_the_sample_ratio_of_many_arms_is_that_of_scipy() -> None:
    counts, weights = [480, 260, 260], [0.5, 0.25, 0.25]
    assert ratio_p(counts, weights) == pytest.approx(stats.chisquare(counts, [500, 250, 250]).pvalue)
    assert ratio_p(counts, [2, 1, 1]) == ratio_p(counts, weights)


@pytest.mark.parametrize(
    ("control", "variant", "score", "hybrid"),
    [  # Newcombe 1998, Statistics in Medicine 17:873, table II, methods 6 (Miettinen–Nurminen) and 10
        ((48, 80), (56, 70), (0.0528, 0.3382), (0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.1700, 0.8406), (0.1705, 0.8090)),
    ],
)
def test_differences_of_shares_are_those_published(
    control: tuple[int, int],
    variant: tuple[int, int],
    score: tuple[float, float],
    hybrid: tuple[float, float],
) -> None:
    found = difference_of_shares(control, variant)
    assert (found.low, found.high) == pytest.approx(score, abs=6e-5)
    assert newcombe(control, variant) == pytest.approx(hybrid, abs=6e-5)


@pytest.mark.parametrize(("control", "variant"), [((118, 300), (41, 120)), ((250, 5100), (300, 5000))])
def test_the_score_interval_ends_where_the_likeliest_shares_say_so(
    control: tuple[int, int], variant: tuple[int, int]
) -> None:
    """Against a search for the likeliest shares instead of their closed form."""
    found = difference_of_shares(control, variant)
    for end in (found.low, found.high):
        assert abs(searched_score(control, variant, end)) == pytest.approx(1.959964, abs=2e-3)


def searched_score(control: tuple[int, int], variant: tuple[int, int], at: float) -> float:
    (hits0, people0), (hits1, people1) = control, variant

    def unlikely(share: float) -> float:
        return -sum(
            hits * log(p) + (people - hits) * log(1 - p)
            for hits, people, p in ((hits0, people0, share), (hits1, people1, share + at))
        )

    bounds = (max(0, -at) + 1e-9, min(1, 1 - at) - 1e-9)
    p = float(optimize.minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x)
    variance = p * (1 - p) / people0 + (p + at) * (1 - p - at) / people1
    people = people0 + people1
    return (hits1 / people1 - hits0 / people0 - at) / sqrt(variance * people / (people - 1))


@given(COUNTS, COUNTS)
def test_interval_and_test_of_shares_agree(control: tuple[int, int], variant: tuple[int, int]) -> None:
    found = difference_of_shares(control, variant)
    assert -1 <= found.low <= found.value <= found.high <= 1
    if fewest_expected(control, variant) >= 5 and abs(found.p_value - 0.05) > 1e-6:
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
    if found.p_value >= 0.05:
        assert found.low <= 1e-9
        assert found.high >= -1e-9


@given(COUNTS, COUNTS)
def test_swapping_the_arms_turns_the_difference_round(
    control: tuple[int, int], variant: tuple[int, int]
) -> None:
    one, other = difference_of_shares(control, variant), difference_of_shares(variant, control)
    assert (one.value, one.low, one.high, one.p_value) == pytest.approx(
        (-other.value, -other.high, -other.low, other.p_value), abs=1e-7
    )


def test_score_and_hybrid_and_welch_agree_on_many_people() -> None:
    control, variant = (3_780, 10_000), (4_120, 10_050)
    score = difference_of_shares(control, variant)
    hybrid = newcombe(control, variant)
    means = welch(Moments.of_share(*control), Moments.of_share(*variant))
    assert hybrid == pytest.approx((score.low, score.high), abs=2e-5)
    assert means == pytest.approx(score, abs=2e-5)


def test_welch_is_that_of_scipy_and_near_permutation_and_bootstrap() -> None:
    draw = np.random.default_rng(11)
    control, variant = draw.exponential(30, 400), draw.exponential(36, 350)
    found = welch(Moments.of(control), Moments.of(variant))
    oracle = stats.ttest_ind(variant, control, equal_var=False)
    interval = oracle.confidence_interval()
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-9)

    both = np.concatenate([control, variant])
    shuffled = [np.subtract(*means_of(draw.permutation(both), 350)) for _ in range(2_000)]
    assert np.mean(np.abs(shuffled) >= abs(found.value)) == pytest.approx(found.p_value, abs=0.02)

    again = [draw.choice(variant, 350).mean() - draw.choice(control, 400).mean() for _ in range(2_000)]
    assert np.quantile(again, [0.025, 0.975]) == pytest.approx((found.low, found.high), abs=0.6)


def means_of(numbers: np.ndarray[Any, Any], size: int) -> tuple[float, float]:
    return numbers[:size].mean(), numbers[size:].mean()


def test_the_relative_interval_is_near_that_of_the_bootstrap() -> None:
    draw = np.random.default_rng(12)
    control, variant = draw.gamma(2, 10, 800), draw.gamma(2, 11, 900)
    found = lift(Moments.of(control), Moments.of(variant))
    again = [draw.choice(variant, 900).mean() / draw.choice(control, 800).mean() - 1 for _ in range(2_000)]
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert np.quantile(again, [0.025, 0.975]) == pytest.approx((found.low, found.high), abs=0.012)


def test_the_interval_of_a_share_is_that_of_scipy() -> None:
    for hits, people in ((0, 5), (15, 148), (7, 7), (3, 9)):
        oracle = stats.binomtest(hits, people).proportion_ci(method="wilson")
        assert wilson(hits, people) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_few_people_are_tested_exactly_and_the_interval_does_not_say_more() -> None:
    found = difference_of_shares((0, 50), (5, 55))
    assert found.p_value == pytest.approx(stats.fisher_exact([[0, 50], [5, 50]]).pvalue)
    assert found.p_value > 0.05
    assert found.low <= 0


def test_too_little_gives_the_widest_interval_and_never_fails() -> None:
    assert difference_of_shares((0, 0), (3, 9)) == (0, -1, 1, 1)
    assert welch(Moments.of([1]), Moments.of([1, 2])).high == inf
    assert welch(Moments.of([2, 2]), Moments.of([2, 2])) == (0, 0, 0, 1)
    assert welch(Moments.of([2, 2]), Moments.of([3, 3])).p_value == 0
    assert lift(Moments.of([0, 0]), Moments.of([1, 2])) is None
    assert lift(Moments.of([1, 2]), Moments.of([0, 0])) == (-1, None, None)
    assert lift(Moments.of([2, 2]), Moments.of([3, 3])) == pytest.approx((0.5, 0.5, 0.5))
    assert newcombe((0, 0), (1, 2))[0] >= -1
    assert two_sided(0) == 1


@pytest.mark.parametrize("pair", [((0, 3), (3, 3)), ((3, 3), (0, 3)), ((0, 9), (0, 9)), ((9, 9), (9, 9))])
def test_all_or_none_still_has_an_interval(pair: tuple[tuple[int, int], tuple[int, int]]) -> None:
    found = difference_of_shares(*pair)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
