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
        total = np.zeros(self.width)
        for column in self.places.T:
            total += _sums(column, weights, self.width)
        return total

    def crossed(self, weights: Floats, groups: Ints, levels: int) -> Floats:
        """Sum of the rows' weights for each group and column: levels × width."""
        cross = np.zeros((levels, self.width))
        for column in self.places.T:
            flat = groups * self.width + column
            cross += _sums(flat, weights, levels * self.width).reshape(levels, self.width)
        return cross

    def information(self, weights: Floats) -> Floats:
        """XᵀWX."""
        square = np.zeros((self.width, self.width))
        for first in range(self.places.shape[1]):
            for second in range(first, self.places.shape[1]):
                flat = self.places[:, first] * self.width + self.places[:, second]
                part = _sums(flat, weights, self.width**2).reshape(self.width, self.width)
                square += part if first == second else part + part.T
        return square

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
    for _ in range(_STEPS):
        share = _logistic(design.logits(effects))
        weights = trials * share * (1 - share) + 1e-12
        curvature = design.information(weights) + np.diag(penalty)
        step = np.linalg.solve(curvature, design.total(successes - trials * share) - penalty * effects)
        effects = effects + step / max(1.0, float(np.abs(step).max()) / 4)  # no leap on separated data
        if np.abs(step).max() < 1e-7:
            break
    return Fit(effects, np.asarray(np.linalg.inv(curvature), dtype=np.float64))


def score(
    fitted: Fit, design: Design, trials: Floats, successes: Floats, groups: Ints, levels: int
) -> Scores:
    """Rao's score test (1948) of adding to the fitted model the indicator of each level of `groups`.

    All levels are tested at once; each test is of that one column added alone.
    """
    share = fitted.shares(design)
    weights = trials * share * (1 - share)
    surprise = _sums(groups, successes - trials * share, levels)
    cross = design.crossed(weights, groups, levels)
    explained = np.einsum("gi,ij,gj->g", cross, fitted.covariance, cross, optimize=True)
    information = np.maximum(_sums(groups, weights, levels) - explained, 0.0)
    z = np.divide(surprise, np.sqrt(information), out=np.zeros(levels), where=information > 1e-9)
    return Scores(z, information, _sums(groups, trials * share, levels))


def _logistic(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -35, 35))))


def _sums(groups: Ints, weights: Floats, levels: int) -> Floats:
    return np.asarray(np.bincount(groups, weights, levels), dtype=np.float64)
