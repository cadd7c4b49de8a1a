"""Logistic regression on counted cells whose columns are categories, and the score test of one more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RIDGE = 0.01  # a normal prior of sd 10 on every effect: keeps separation finite, moves nothing else
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Design:
    """One row per cell: an intercept and one effect for each level of each factor.

    `places[i]` are the columns that are 1 in row i, the intercept first. Every level has its own column;
    the ridge makes that solvable, and gives a level that was never seen the effect 0.
    """

    places: Ints
    width: int

    @staticmethod
    def of(rows: int, *factors: Ints) -> Design:
        """A design of factors given as codes 0, 1, 2, … per row.

        >>> Design.of(2, np.array([0, 1])).places.tolist()
        [[0, 1], [0, 2]]
        """
        places, width = [np.zeros(rows, dtype=np.int64)], 1
        for codes in factors:
            places.append(codes + width)
            width += int(codes.max(initial=-1)) + 1
        return Design(np.column_stack(places), width)

    def total(self, weights: Floats) -> Floats:
        """Sum of the rows' weights in each column (Xᵀw)."""
        return _sums(self.places.ravel(), np.repeat(weights, self.places.shape[1]), self.width)

    def crossed(self, weights: Floats, groups: Ints, levels: int) -> Floats:
        """Sum of the rows' weights for each group and column: levels × width."""
        cross = np.zeros((levels, self.width))
        for column in self.places.T:
            flat = groups * self.width + column
            cross += _sums(flat, weights, levels * self.width).reshape(levels, self.width)
        return cross

    def products(self) -> Ints:
        """Where each row adds to XᵀWX: flat places of its upper triangle, one column per pair of factors."""
        first, second = np.triu_indices(self.places.shape[1])
        return np.asarray(self.places[:, first] * self.width + self.places[:, second])

    def information(self, weights: Floats, products: Ints) -> Floats:
        """XᵀWX, given `products()`."""
        repeated = np.repeat(weights, products.shape[1])
        upper = _sums(products.ravel(), repeated, self.width**2).reshape(self.width, self.width)
        whole = upper + upper.T
        whole[np.diag_indices(self.width)] /= 2
        return whole

    def logits(self, effects: Floats) -> Floats:
        """Xβ."""
        return np.asarray(effects[self.places].sum(axis=1))


@dataclass(frozen=True, slots=True)
class Fit:
    """Effects on the logit scale with their covariance."""

    effects: Floats
    covariance: Floats

    def shares(self, design: Design) -> Floats:
        """The share expected in each row."""
        return _logistic(design.logits(self.effects))


@dataclass(frozen=True, slots=True)
class Scores:
    """For each level of a group: z of its score test (negative: less than expected), the information
    left for it (expected successes × failures, what the other columns explain taken off), and the
    expected number of successes."""

    z: Floats
    information: Floats
    expected: Floats


def fit(design: Design, trials: Floats, successes: Floats, ridge: float = RIDGE) -> Fit:
    """Penalised maximum likelihood by Newton's steps (IRLS; McCullagh & Nelder 1989 §4.4).

    >>> one = fit(Design.of(2, np.array([0, 1])), np.array([50.0, 50.0]), np.array([10.0, 20.0]))
    >>> one.shares(Design.of(2, np.array([0, 1]))).round(3).tolist()
    [0.2, 0.4]
    """
    penalty = np.full(design.width, ridge)
    penalty[0] = 0.0
    effects = np.zeros(design.width)
    overall = (successes.sum() + 0.5) / (trials.sum() + 1.0)
    effects[0] = np.log(overall / (1 - overall))
    products, diagonal = design.products(), np.diag_indices(design.width)
    for _ in range(_STEPS):
        share = _logistic(design.logits(effects))
        weights = trials * share * (1 - share) + 1e-12
        curvature = design.information(weights, products)
        curvature[diagonal] += penalty
        step = np.linalg.solve(curvature, design.total(successes - trials * share) - penalty * effects)
        effects = effects + step / max(1.0, float(np.abs(step).max()) / 4)  # no leap on separated data
        if np.abs(step).max() < 1e-4:  # the next step would be of the order of its square
            break
    return Fit(effects, np.asarray(np.linalg.inv(curvature), dtype=np.float64))


def score(
    fitted: Fit, design: Design, trials: Floats, successes: Floats, groups: Ints, levels: int
) -> Scores:
    """Rao's score test (1948) of adding to the fitted model the indicator of each level of `groups`.

    All levels are tested at once; each test is of that one column added alone. z is corrected for the
    lattice (half a success) and for skewness, without which rare failures look far too significant.
    """
    share = fitted.shares(design)
    weights = trials * share * (1 - share)
    surprise = _sums(groups, successes - trials * share, levels)
    cross = design.crossed(weights, groups, levels)
    explained = ((cross @ fitted.covariance) * cross).sum(axis=1)
    whole = _sums(groups, weights, levels)
    left = np.clip(1 - explained / np.maximum(whole, 1e-12), 0.0, 1.0)
    information = whole * left
    spread = np.sqrt(np.maximum(information, 1e-9))
    nearer = np.sign(surprise) * np.maximum(np.abs(surprise) - 0.5, 0.0)
    # Third cumulant: exact for a slice against one rest of equal share, where `left` is the rest's part.
    skew = _sums(groups, weights * (1 - 2 * share), levels) * left * (2 * left - 1) / spread**3
    z = np.where(information > 1e-6, unskewed(nearer / spread, skew), 0.0)
    return Scores(z, information, _sums(groups, trials * share, levels))


def unskewed(z: Floats, skew: Floats) -> Floats:
    """z of a sum with that skewness as a normal z (Wilson & Hilferty 1931, for a shifted gamma).

    >>> unskewed(np.array([-3.0, -3.0, -3.0]), np.array([-0.5, 0.0, 0.5])).round(2).tolist()
    [-2.54, -3.0, -4.36]
    """
    bend = np.where(np.abs(skew) < 1e-3, 1e-3, skew)
    return np.asarray(6 / bend * (np.cbrt(np.maximum(1 + bend * z / 2, 0.0)) - 1) + bend / 6)


def _logistic(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -35, 35))))


def _sums(groups: Ints, weights: Floats, levels: int) -> Floats:
    return np.asarray(np.bincount(groups, weights, levels), dtype=np.float64)
