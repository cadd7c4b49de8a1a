"""How sure a number or a difference is: intervals and the p-values that match them.

In every function the first sample is the control and the difference is second − first. `alpha` is
two-sided; a one-sided bound at level a is the bound of the two-sided interval at 2a.
"""

from __future__ import annotations

from math import acos, cos, exp, inf, log, pi, sqrt
from typing import NamedTuple

from volano.maths.moments import Moments

FEW = 5  # below this many expected in a cell, normal approximations are not trusted (Cochran 1954)


class Difference(NamedTuple):
    """A difference, its interval, and the two-sided p-value of "no difference"."""

    value: float
    low: float
    high: float
    p_value: float


class Lift(NamedTuple):
    """A relative difference with its interval; the ends are None where a ratio has no logarithm."""

    value: float
    low: float | None
    high: float | None


def normal_quantile(share: float) -> float:
    """The z below which a share of the standard normal lies."""
    from scipy.special import ndtri

    return float(ndtri(share))


def wilson(hits: int, people: int, alpha: float = 0.05) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927); [0, 1] when nobody was asked.

    >>> [round(end, 4) for end in wilson(15, 148)]
    [0.0624, 0.1605]
    """
    if not people:
        return 0.0, 1.0
    z2, share = normal_quantile(1 - alpha / 2) ** 2, hits / people
    middle = share + z2 / (2 * people)
    half = sqrt(z2 * (share * (1 - share) + z2 / (4 * people)) / people)
    scale = 1 + z2 / people
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def newcombe(control: tuple[int, int], variant: tuple[int, int], alpha: float = 0.05) -> tuple[float, float]:
    """The hybrid score interval of a difference of shares (Newcombe 1998, method 10).

    A pair is (hits, people).

    >>> [round(end, 4) for end in newcombe((48, 80), (56, 70))]
    [0.0524, 0.3339]
    """
    share0, share1 = (hits / people if people else 0.5 for hits, people in (control, variant))
    (low0, high0), (low1, high1) = wilson(*control, alpha), wilson(*variant, alpha)
    gap = share1 - share0
    low = gap - sqrt((share1 - low1) ** 2 + (high0 - share0) ** 2)
    return low, gap + sqrt((high1 - share1) ** 2 + (share0 - low0) ** 2)


def difference_of_shares(
    control: tuple[int, int], variant: tuple[int, int], alpha: float = 0.05
) -> Difference:
    """The score interval and test of a difference of shares (Miettinen & Nurminen 1985).

    A pair is (hits, people). With fewer than 5 expected in a cell the p-value is the larger of the score
    test's and Fisher's exact one, and the interval reaches to 0 where that p-value allows no difference.

    >>> [round(number, 4) for number in difference_of_shares((48, 80), (56, 70))]
    [0.2, 0.0528, 0.3382, 0.0083]
    """
    (hits0, people0), (hits1, people1) = control, variant
    if not people0 or not people1:
        return Difference(0.0, -1.0, 1.0, 1.0)
    gap = hits1 / people1 - hits0 / people0
    low, high = _score_interval(control, variant, alpha)
    p_value = two_sided(_score(control, variant, 0.0))
    if fewest_expected(control, variant) < FEW:
        p_value = max(p_value, fisher(control, variant))
        if p_value >= alpha:
            low, high = min(low, 0.0), max(high, 0.0)
    return Difference(gap, low, high, p_value)


def fewest_expected(control: tuple[int, int], variant: tuple[int, int]) -> float:
    """The smallest expected cell of the two-by-two table."""
    hits, people = control[0] + variant[0], control[1] + variant[1]
    return min(hits, people - hits) * min(control[1], variant[1]) / people


def fisher(control: tuple[int, int], variant: tuple[int, int]) -> float:
    """The two-sided p-value of Fisher's exact test."""
    from scipy.stats import fisher_exact

    table = [[hits, people - hits] for hits, people in (control, variant)]
    return float(fisher_exact(table).pvalue)


def two_sided(z: float) -> float:
    """The chance of a standard normal at least this far from zero."""
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))


def welch(control: Moments, variant: Moments, alpha: float = 0.05) -> Difference:
    """The difference of two means with unequal variances (Welch 1947); unbounded below two numbers a side.

    >>> [round(number, 3) for number in welch(Moments.of([1, 2, 3, 4]), Moments.of([3, 5, 7, 9]))]
    [3.5, -0.364, 7.364, 0.066]
    """
    from scipy.special import stdtr

    gap = variant.mean - control.mean
    if min(control.count, variant.count) < 2:
        return Difference(gap, -inf, inf, 1.0)
    error, freedom = _error(control, variant, 1.0, 1.0)
    if not error:
        return Difference(gap, gap, gap, 0.0 if gap else 1.0)
    half = _student(alpha, freedom) * error
    return Difference(gap, gap - half, gap + half, float(2 * stdtr(freedom, -abs(gap) / error)))


def lift(control: Moments, variant: Moments, alpha: float = 0.05) -> Lift | None:
    """The relative difference (b − a) ÷ |a|; None if a is 0.

    Its interval is by the delta method on the log ratio.

    >>> found = lift(Moments.of_share(378, 1000), Moments.of_share(412, 1000))
    >>> [round(number or 0, 3) for number in found]
    [0.09, -0.022, 0.215]
    """
    if not control.mean:
        return None
    value = (variant.mean - control.mean) / abs(control.mean)
    if min(control.mean, variant.mean) <= 0 or min(control.count, variant.count) < 2:
        return Lift(value, None, None)
    error, freedom = _error(control, variant, control.mean, variant.mean)
    half = _student(alpha, freedom) * error if error else 0.0
    middle = log(variant.mean / control.mean)
    return Lift(value, exp(middle - half) - 1, exp(middle + half) - 1)


def _student(alpha: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - alpha / 2))


def _error(control: Moments, variant: Moments, scale0: float, scale1: float) -> tuple[float, float]:
    """The standard error of the difference of scaled means, and Welch's degrees of freedom."""
    part0, part1 = control.mean_variance / scale0**2, variant.mean_variance / scale1**2
    whole = part0 + part1
    if not whole:
        return 0.0, inf
    weight = part0 / whole
    return sqrt(whole), 1 / (weight**2 / (control.count - 1) + (1 - weight) ** 2 / (variant.count - 1))


def _score_interval(control: tuple[int, int], variant: tuple[int, int], alpha: float) -> tuple[float, float]:
    """The differences that the score test does not reject."""
    from scipy.optimize import brentq

    limit = normal_quantile(1 - alpha / 2)
    gap = variant[0] / variant[1] - control[0] / control[1]

    def beyond(at: float, side: int) -> float:
        return max(-1e9, min(1e9, side * _score(control, variant, at) - limit))

    def end(near: float, side: int) -> float:
        outside = gap + 1.5 * (near - gap)  # the hybrid interval is close, and costs nothing
        if abs(outside) >= 1 or beyond(outside, side) <= 0:
            outside = -side
        return outside if gap == outside else float(brentq(beyond, outside, gap, (side,), xtol=1e-9))

    low, high = newcombe(control, variant, alpha)
    return end(low, 1), end(high, -1)


def _score(control: tuple[int, int], variant: tuple[int, int], at: float) -> float:
    """The score statistic of "the difference is `at`", with the factor N ÷ (N − 1) of the source."""
    (hits0, people0), (hits1, people1) = control, variant
    gap = hits1 / people1 - hits0 / people0 - at
    share0 = _constrained(control, variant, at)
    share1 = share0 + at
    variance = share1 * (1 - share1) / people1 + share0 * (1 - share0) / people0
    people = people0 + people1
    if variance <= 0:
        return 0.0 if abs(gap) < 1e-12 else inf if gap > 0 else -inf
    return gap / sqrt(variance * people / (people - 1))


def _constrained(control: tuple[int, int], variant: tuple[int, int], at: float) -> float:
    """The likeliest share of the control if the difference were `at` (closed form of the source)."""
    (hits0, people0), (hits1, people1) = control, variant
    people, hits = people0 + people1, hits0 + hits1
    if not at:
        return hits / people
    second = (people1 + 2 * people0) * at - people - hits
    first = (people0 * at - people - 2 * hits0) * at + hits
    zeroth = hits0 * at * (1 - at)
    third = second / (3 * people)
    turn = third**3 - first * second / (6 * people**2) + zeroth / (2 * people)
    size = sqrt(max(0.0, third**2 - first / (3 * people)))
    size = size if turn > 0 else -size
    angle = (pi + acos(max(-1.0, min(1.0, turn / size**3 if size else 0.0)))) / 3
    return float(max(0.0, -at, min(1.0, 1 - at, 2 * size * cos(angle) - third)))
