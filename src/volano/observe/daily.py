"""What came in, day by day: counts that add up over blocks of people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import ORDER_COMPLETED
from volano.domain.leak import DAY

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """Per day: events, distinct people, orders, and revenue (minor units) by currency.

    `halves` are distinct people in the first and the second half of the days.
    """

    events: Counts
    people: Counts
    orders: Counts
    halves: Counts
    revenue: dict[str, Counts] = field(default_factory=dict)

    def __add__(self, other: Daily) -> Daily:
        nothing = np.zeros_like(self.events)
        both = self.revenue.keys() | other.revenue.keys()
        return Daily(
            events=self.events + other.events,
            people=self.people + other.people,
            orders=self.orders + other.orders,
            halves=self.halves + other.halves,
            revenue={
                name: self.revenue.get(name, nothing) + other.revenue.get(name, nothing) for name in both
            },
        )


def count_days(block: pa.Table, *, since: int, days: int) -> Daily:
    """Count a block from `since` (UTC µs) on in days of 24 hours; rows outside are not counted."""
    time = block.column("time").cast(pa.int64()).to_numpy()
    day = (time - since) // DAY
    inside = (day >= 0) & (day < days)
    rows = block.filter(pa.array(inside))
    day, person = day[inside], rows.column("person_id").to_numpy()
    ordered = pc.equal(rows.column("event"), ORDER_COMPLETED).fill_null(False).to_numpy(zero_copy_only=False)
    return Daily(
        events=_per(day, days),
        people=_per(_distinct(person, day), days),
        orders=_per(day[ordered], days),
        halves=_per(_distinct(person, day * 2 // days), 2),
        revenue=_revenue(rows, day, days),
    )


def _per(slot: Any, slots: int) -> Counts:
    return np.bincount(slot, minlength=slots).astype(np.int64)


def _distinct(person: Any, slot: Any) -> Any:
    """The slot of each distinct (person, slot)."""
    order = np.lexsort((slot, person))
    person, slot = person[order], slot[order]
    first = np.ones(len(person), bool)
    first[1:] = (person[1:] != person[:-1]) | (slot[1:] != slot[:-1])
    return slot[first]


def _revenue(rows: pa.Table, day: Any, days: int) -> dict[str, Counts]:
    known = rows.column("revenue").is_valid().to_numpy(zero_copy_only=False)
    if not known.any():
        return {}
    paid = rows.filter(pa.array(known))
    amount, when = paid.column("revenue").to_numpy(), day[known]
    currency = np.array([name or "" for name in paid.column("currency").to_pylist()])
    found: dict[str, Counts] = {}
    for name in sorted(set(currency.tolist())):
        of = currency == name
        sums = np.zeros(days, np.int64)
        np.add.at(sums, when[of], amount[of])
        found[name] = sums
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """How many events were quarantined, and the newest of them as (time, code, message, sample)."""

    count: int
    newest: tuple[tuple[int, str, str, str], ...]

    KEEP = 5

    def __add__(self, other: Refused) -> Refused:
        newest = sorted(self.newest + other.newest, reverse=True)
        return Refused(count=self.count + other.count, newest=tuple(newest[: self.KEEP]))


def count_refused(block: pa.Table) -> Refused:
    """Count a block of the quarantine."""
    last = block.take(
        pc.select_k_unstable(block, Refused.KEEP, [("time", "descending")])
        if block.num_rows
        else pa.array([], pa.int64())
    )
    times = last.column("time").cast(pa.int64()).to_pylist()
    texts = [[text or "" for text in last.column(name).to_pylist()] for name in ("code", "message", "sample")]
    newest = sorted(zip(times, *texts, strict=True), reverse=True)
    return Refused(count=block.num_rows, newest=tuple(newest))
