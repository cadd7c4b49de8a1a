"""Counts how often a number has come before, over many blocks."""

from __future__ import annotations

from typing import Any

import numpy as np


class Occurrences:
    """Remembers 64-bit numbers in 16 bytes each."""

    def __init__(self) -> None:
        self._numbers = np.empty(0, np.int64)  # sorted
        self._counts = np.empty(0, np.int64)

    def of(self, numbers: Any) -> Any:
        """For each number, how often it came before: earlier in this block or in a block before.

        >>> seen = Occurrences()
        >>> seen.of([7, 7, 5]).tolist(), seen.of([5, 7]).tolist()
        ([0, 1, 0], [1, 2])
        """
        distinct, place, counts = np.unique(
            np.asarray(numbers, np.int64), return_inverse=True, return_counts=True
        )
        order = np.argsort(place, kind="stable")
        here = np.empty(len(place), np.int64)
        here[order] = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        before = self._before(distinct)
        self._add(distinct, counts)
        return here + before[place]

    def _before(self, distinct: Any) -> Any:
        at = np.searchsorted(self._numbers, distinct)
        known = at < len(self._numbers)
        known[known] = self._numbers[at[known]] == distinct[known]
        before = np.zeros(len(distinct), np.int64)
        before[known] = self._counts[at[known]]
        return before

    def _add(self, distinct: Any, counts: Any) -> None:
        both = np.concatenate([self._numbers, distinct])
        self._numbers, place = np.unique(both, return_inverse=True)
        total = np.zeros(len(self._numbers), np.int64)
        np.add.at(total, place, np.concatenate([self._counts, counts]))
        self._counts = total
