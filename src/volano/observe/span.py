"""From when to when the data reach, not led astray by a few clocks that run ahead."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from volano.domain.durations import HOUR
from volano.maths.columns import integers

STRAY = 0.001  # share of events, the very last ones, that do not count as "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The oldest and the last time of some events (UTC µs), and how many there were in each hour."""

    oldest: int
    last: int
    hours: Counter[int]

    def __add__(self, other: Span) -> Span:
        return Span(
            oldest=min(self.oldest, other.oldest),
            last=max(self.last, other.last),
            hours=self.hours + other.hours,
        )

    @staticmethod
    def of(block: pa.Table) -> Span:
        """The span of a block that is not empty."""
        time = integers(block["time"])
        hours = time // HOUR
        first = int(hours.min())
        counts = np.bincount(hours - first)
        there = np.flatnonzero(counts)
        found = dict(zip((there + first).tolist(), counts[there].tolist(), strict=True))
        return Span(oldest=int(time.min()), last=int(time.max()), hours=Counter(found))

    @property
    def newest(self) -> int:
        """Up to when the data reach: the last event, or the end of the hour in which the last 0.1 % begin.

        >>> Span(oldest=0, last=9 * HOUR + 5, hours=Counter({0: 5000, 1: 5000, 9: 3})).newest // HOUR
        2
        >>> Span(oldest=0, last=9 * HOUR + 5, hours=Counter({0: 50, 9: 3})).newest // HOUR
        9
        """
        allowed = int(sum(self.hours.values()) * STRAY)
        for hour in sorted(self.hours, reverse=True):
            if allowed < self.hours[hour]:
                return min(self.last, (hour + 1) * HOUR)
            allowed -= self.hours[hour]
        return self.last
