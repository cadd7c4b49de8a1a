"""Means and variances that add up, so that every block of people can be measured alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared distances to the mean: enough for a mean and its variance.

    Adding is associative up to rounding and `Moments()` is its zero (Chan, Golub & LeVeque 1979).

    >>> whole = Moments.of([1, 2]) + Moments.of([6])
    >>> whole.mean, whole.variance
    (3.0, 7.0)
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Moments:
        """The moments of some numbers."""
        (found,) = moments_by(np.zeros(np.size(values), np.int64), np.asarray(values, np.float64), 1)
        return found

    @classmethod
    def of_share(cls, hits: int, people: int) -> Moments:
        """The moments of `hits` ones among `people` zeros and ones.

        >>> Moments.of_share(1, 4) == Moments.of([1, 0, 0, 0])
        True
        """
        return cls(people, hits / people, hits * (people - hits) / people) if people else cls()

    def __add__(self, other: Moments) -> Moments:
        count = self.count + other.count
        if not count:
            return self
        gap, share = other.mean - self.mean, other.count / count
        spread = self.spread + other.spread + gap * gap * self.count * share
        return Moments(count, self.mean + gap * share, spread)

    @property
    def total(self) -> float:
        """The sum of the numbers."""
        return self.mean * self.count

    @property
    def variance(self) -> float:
        """Unbiased (n − 1); zero below two numbers."""
        return self.spread / (self.count - 1) if self.count > 1 else 0.0

    @property
    def mean_variance(self) -> float:
        """The variance of the mean; zero without numbers."""
        return self.variance / self.count if self.count else 0.0


def moments_by(group: Ints, values: Floats, size: int) -> tuple[Moments, ...]:
    """The moments of `values` in each of the groups 0 … size − 1, in two passes.

    >>> [found.mean for found in moments_by(np.array([1, 1, 0]), np.array([2.0, 4.0, 9.0]), 3)]
    [9.0, 3.0, 0.0]
    """
    count = np.bincount(group, minlength=size)
    mean = np.bincount(group, values, minlength=size) / np.maximum(count, 1)
    spread = np.bincount(group, (values - mean[group]) ** 2, minlength=size)
    return tuple(map(Moments, count.tolist(), mean.tolist(), spread.tolist()))
