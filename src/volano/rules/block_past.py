"""What a table of people did: the tests on the past, on columns of moments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from volano.maths.columns import integers
from volano.rules.nodes import Chain, Condition, Did

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Pasts:
    """The moments of the conditions beside a table of people.

    `done` holds by the key of a condition a table of `person_id time id amount`; people who are not in the
    table do not count.
    """

    def __init__(self, people: pa.Table, done: Mapping[str, pa.Table], now: int) -> None:
        self.size = people.num_rows
        self.now = now
        self._people = people
        self._done = done

    def inside(self, condition: Condition) -> tuple[Ints, Ints, Ints]:
        """Row of the person, time and amount of what lies in the condition's window."""
        moments = self._done.get(condition.key)
        if moments is None or not moments.num_rows:
            nothing = np.zeros(0, np.int64)
            return nothing, nothing, nothing
        time = integers(moments["time"])
        here = np.flatnonzero((time >= condition.window.start(self.now)) & (time <= self.now))
        rows = self._rows(integers(moments["person_id"])[here])
        known = rows >= 0
        here = here[known]
        return rows[known], time[here], integers(moments["amount"])[here]

    def _rows(self, people: Ints) -> Ints:
        """The row of each person; −1 for strangers."""
        order, known = self._order
        if not len(known):
            return np.full(len(people), -1)
        at = np.minimum(np.searchsorted(known, people), len(known) - 1)
        return np.where(known[at] == people, order[at], -1)

    @cached_property
    def _order(self) -> tuple[Ints, Ints]:
        known = integers(self._people["person_id"])
        order = np.argsort(known, kind="stable")
        return order, known[order]


def totals(test: Did, pasts: Pasts) -> tuple[Ints, Ints]:
    """How often each person did it, and the sum of the amounts."""
    rows, _, amount = pasts.inside(test.condition)
    sums = np.zeros(pasts.size, np.int64)
    if test.total is not None:
        np.add.at(sums, rows, amount)
    return np.bincount(rows, minlength=pasts.size), sums


def chain_mask(test: Chain, pasts: Pasts) -> Mask:
    """Who did the steps one after the other.

    Person and time become one number that ascends by person, then time, so that the latest start of a chain
    that ended before a moment is one binary search.
    """
    found = np.zeros(pasts.size, np.bool_)
    steps = [pasts.inside(step)[:2] for step in test.steps]
    if not all(len(rows) for rows, _ in steps):
        return found
    steps, moments = _ranked(steps, pasts.size)
    wide = len(moments) if len(moments) else 1 + max(int(time.max()) for _, time in steps)
    first, *later = [_ascending(rows * wide + time) for rows, time in steps]
    end, start = first, first
    for step in later:
        before = np.searchsorted(end, step) - 1  # the last chain that ended before: the latest start, too
        kept = (before >= 0) & (end[before] // wide == step // wide)
        end, start = step[kept], start[before[kept]]
        if not len(end):
            return found
    if test.span is not None:
        first, last = start % wide, end % wide
        took = moments[last] - moments[first] if len(moments) else last - first
        end = end[took <= test.span]
    found[end // wide] = True
    return found


def _ranked(steps: list[tuple[Ints, Ints]], size: int) -> tuple[list[tuple[Ints, Ints]], Ints]:
    """The steps with times counted from the first one, or with places in the sorted times, which come beside.

    The latter where person and time would not fit into one number.
    """
    low = min(int(time.min()) for _, time in steps)
    high = max(int(time.max()) for _, time in steps)
    if size * (high - low + 1) < 2**62:
        return [(rows, time - low) for rows, time in steps], np.zeros(0, np.int64)
    moments, places = np.unique(np.concatenate([time for _, time in steps]), return_inverse=True)
    cuts = np.cumsum([len(time) for _, time in steps])[:-1]
    parts = np.split(places, cuts)
    return [(rows, place) for (rows, _), place in zip(steps, parts, strict=True)], moments


def _ascending(values: Ints) -> Ints:
    """The values in order; they mostly come so."""
    return values if np.all(values[1:] >= values[:-1]) else np.sort(values)
