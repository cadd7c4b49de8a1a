"""How far people came on a journey: counts by slice that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from volano.domain.durations import DAY
from volano.maths.columns import Ints

WEEK = 7 * DAY
OTHER = "(other)"
VISITS = ("1", "2", "3", "4", "5–6", "7–9", "10–14", "15+")  # strata of how often a person set out
_EDGES = np.array([2, 3, 4, 5, 7, 10, 15])


def strata(visits: Ints) -> Ints:
    """The stratum of each number of visits.

    >>> [VISITS[i] for i in strata(np.array([1, 4, 6, 40]))]
    ['1', '4', '5–6', '15+']
    """
    return np.searchsorted(_EDGES, visits, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JourneyTally:
    """People by slice and depth. Tallies of disjoint people add; the sum does not depend on the order.

    `cells` has a row per combination that occurs: a code into `values` for each dimension of `by`, and
    last the stratum of visits. `people[c, d]` came exactly d + 1 steps far. `orders` and `revenue`
    (minor units) are of the people who reached the last step, by currency. `first` and `last` bound the
    times at which people set out (UTC µs).
    """

    names: tuple[str, ...]
    by: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    cells: Ints
    people: Ints
    orders: Mapping[str, int]
    revenue: Mapping[str, int]
    first: int
    last: int

    def __add__(self, other: JourneyTally) -> JourneyTally:
        values, codes = [], []
        for d, (mine, theirs) in enumerate(zip(self.values, other.values, strict=True)):
            union = sorted({*mine, *theirs})
            place = {value: i for i, value in enumerate(union)}
            joined = [_recoded(self.cells[:, d], mine, place), _recoded(other.cells[:, d], theirs, place)]
            values.append(tuple(union))
            codes.append(np.concatenate(joined))
        codes.append(np.concatenate([self.cells[:, -1], other.cells[:, -1]]))
        cells, people = _summed(np.column_stack(codes), np.vstack([self.people, other.people]))
        return replace(
            self,
            values=tuple(values),
            cells=cells,
            people=people,
            orders=Counter(self.orders) + Counter(other.orders),
            revenue=_added(self.revenue, other.revenue),
            first=min(self.first, other.first),
            last=max(self.last, other.last),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JourneyTally) and self._whole() == other._whole()

    __hash__ = None  # type: ignore[assignment]

    def _whole(self) -> tuple[Any, ...]:
        counted = (self.cells.tolist(), self.people.tolist(), dict(self.orders), dict(self.revenue))
        return (self.names, self.by, self.values, *counted, self.first, self.last)

    @property
    def weeks(self) -> float:
        """How long people set out for, at least a day."""
        return max(self.last - self.first, DAY) / WEEK

    @property
    def steps(self) -> list[dict[str, Any]]:
        """How many people reached each step: `[{"name": …, "people": …}, …]`."""
        return self._named(reached(self.people.sum(axis=0)))

    @property
    def order_value(self) -> tuple[float, str]:
        """Mean value of the last step in minor units, and its currency: the one most orders are in."""
        if not self.orders:
            return 0.0, ""
        currency = max(self.orders, key=lambda c: (self.orders[c], c))
        return self.revenue[currency] / self.orders[currency], currency

    def rows(self, *by: str) -> list[dict[str, Any]]:
        """A row for each slice, the largest first: its values by dimension, and `steps` as above."""
        part = self.fold(*by)
        cells, people = _summed(part.cells[:, :-1], part.people)
        arrived = reached(people)
        order = np.argsort(-arrived[:, 0], kind="stable")
        return [
            {
                **{name: part.values[d][cells[i, d]] for d, name in enumerate(by)},
                "steps": self._named(arrived[i]),
            }
            for i in order.tolist()
        ]

    def fold(self, *by: str) -> JourneyTally:
        """The same people by fewer dimensions."""
        kept = [self.by.index(name) for name in by]
        cells, people = _summed(self.cells[:, [*kept, len(self.by)]], self.people)
        return replace(self, by=by, values=tuple(self.values[d] for d in kept), cells=cells, people=people)

    def capped(self, limit: int) -> JourneyTally:
        """The same people with, in each dimension, only the `limit` largest values named; the rest is
        "(other)"."""
        total = self.people.sum(axis=1)
        codes, values = [], []
        for d, names in enumerate(self.values):
            size = np.bincount(self.cells[:, d], total, len(names))
            largest = set(np.argsort(-size, kind="stable")[:limit].tolist())
            shown = [name if i in largest else OTHER for i, name in enumerate(names)]
            union = sorted(set(shown))
            place = {value: i for i, value in enumerate(union)}
            codes.append(_recoded(self.cells[:, d], shown, place))
            values.append(tuple(union))
        cells, people = _summed(np.column_stack([*codes, self.cells[:, -1]]), self.people)
        return replace(self, values=tuple(values), cells=cells, people=people)

    def _named(self, arrived: Ints) -> list[dict[str, Any]]:
        return [{"name": n, "people": p} for n, p in zip(self.names, arrived.tolist(), strict=True)]


def reached(people: Ints) -> Ints:
    """From people by exact depth to people who came at least so far, along the last axis.

    >>> reached(np.array([5, 2, 1])).tolist()
    [8, 3, 1]
    """
    return np.asarray(people[..., ::-1].cumsum(axis=-1)[..., ::-1])


def compressed(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The distinct rows of code columns in order (one row each), and which of them each row is."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    room = 1
    for column in columns:
        size = int(column.max(initial=0)) + 1
        if room * size >= 1 << 62:  # the key is full: name what occurs anew
            key = np.unique(key, return_inverse=True)[1]
            room = int(key.max(initial=0)) + 1
        key, room = key * size + column, room * size
    _, row, which = np.unique(key, return_index=True, return_inverse=True)
    return np.column_stack([column[row] for column in columns]), which


def _summed(cells: Ints, people: Ints) -> tuple[Ints, Ints]:
    if not cells.shape[1]:
        return cells[:1], people.sum(axis=0, keepdims=True)[: len(cells)]
    distinct, which = compressed(list(cells.T))
    total = [np.bincount(which, column, len(distinct)) for column in people.T]  # exact below 2⁵³
    return distinct, np.column_stack(total).astype(np.int64)


def _recoded(codes: Ints, values: Sequence[str], place: Mapping[str, int]) -> Ints:
    return np.array([place[value] for value in values], dtype=np.int64)[codes]


def _added(mine: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    return {key: mine.get(key, 0) + theirs.get(key, 0) for key in {**mine, **theirs}}
