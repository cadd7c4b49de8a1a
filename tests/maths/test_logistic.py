"""Logistic regression held against scipy's optimiser and exact tests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import binom, chi2_contingency, norm

from volano.maths.logistic import Design, fit, score, unskewed

Floats = NDArray[np.float64]


def dense(design: Design) -> Floats:
    matrix = np.zeros((len(design.places), design.width))
    np.put_along_axis(matrix, design.places, 1.0, axis=1)
    return matrix


def counted(seed: int, rows: int = 60) -> tuple[Design, Floats, Floats]:
    rng = default_rng(seed)
    factors = [rng.integers(0, levels, rows) for levels in (3, 4, 2)]
    trials = rng.integers(0, 80, rows).astype(float)
    successes = rng.binomial(trials.astype(int), 0.2 + 0.1 * factors[0]).astype(float)
    return Design.of(rows, *factors), trials, successes


def test_the_fit_is_the_maximum_that_an_optimiser_finds() -> None:
    design, trials, successes = counted(1)
    matrix = dense(design)

    def loss(effects: Floats) -> float:
        logits = matrix @ effects
        fitted = successes @ logits - trials @ np.logaddexp(0, logits)
        return float(-fitted + 0.01 / 2 * (effects[1:] ** 2).sum())

    best = minimize(loss, np.zeros(design.width), method="BFGS", options={"gtol": 1e-9}).x
    found = fit(design, trials, successes)
    assert found.shares(design) == pytest.approx(1 / (1 + np.exp(-matrix @ best)), abs=1e-5)
    assert loss(found.effects) <= loss(best) + 1e-9
    shares = found.shares(design)
    curvature = matrix.T @ (matrix * (trials * shares * (1 - shares))[:, None])
    curvature += np.diag([0.0, *[0.01] * (design.width - 1)])
    assert found.covariance == pytest.approx(np.linalg.inv(curvature), rel=1e-3)


def test_a_level_where_nobody_or_everybody_goes_on_stays_finite() -> None:
    design = Design.of(3, np.array([0, 1, 2]))
    found = fit(design, np.array([100.0, 100.0, 100.0]), np.array([0.0, 100.0, 50.0]))
    assert np.isfinite(found.effects).all()
    assert found.shares(design) == pytest.approx([0, 1, 0.5], abs=0.01)


def test_a_level_never_seen_is_expected_as_the_mean_of_all() -> None:
    design = Design.of(4, np.array([0, 1, 2, 3]))
    seen = Design(design.places[:3], design.width)
    found = fit(seen, np.array([1000.0] * 3), np.array([200.0, 300.0, 400.0]))
    assert 0.25 < found.shares(design)[3] < 0.35


def test_the_square_of_the_score_is_the_chi_square_of_a_two_by_two_table() -> None:
    trials, successes = np.array([4000.0, 6000.0]), np.array([1900.0, 3200.0])
    design = Design.of(2)
    found = score(fit(design, trials, successes), design, trials, successes, np.array([0, 1]), 2)
    table = [[1900, 2100], [3200, 2800]]
    assert found.z[0] ** 2 == pytest.approx(chi2_contingency(table, correction=True)[0], rel=0.01)
    assert found.z[0] < 0 < found.z[1]


def test_a_level_that_the_model_has_already_leaves_no_information() -> None:
    design, trials, successes = counted(2)
    group = design.places[:, 2] - design.places[:, 2].min()
    found = score(fit(design, trials, successes), design, trials, successes, group, 4)
    assert found.information == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
def test_the_tail_of_rare_successes_and_of_rare_failures_is_near_the_exact_one(share: float) -> None:
    n, rest = 400, 1_000_000
    for tail in (0.02, 0.001):
        k = float(binom.ppf(tail, n, share))
        trials, successes = np.array([n, rest], dtype=float), np.array([k, rest * share])
        design = Design.of(2)
        z = score(fit(design, trials, successes), design, trials, successes, np.array([0, 1]), 2).z[0]
        assert norm.cdf(z) == pytest.approx(binom.cdf(k, n, share), rel=0.25)


def test_without_skew_z_stays_as_it_is() -> None:
    z = np.array([-4.0, 0.0, 2.5])
    assert unskewed(z, np.zeros(3)) == pytest.approx(z, abs=0.01)
