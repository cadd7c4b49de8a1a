"""What came in, stretch by stretch of time: counts that add up over blocks of people."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import ORDER_COMPLETED, SEGMENT_ENTERED, SEGMENT_LEFT
from volano.maths.columns import integers
from volano.observe.bots import slow

Counts = npt.NDArray[np.int64]
_OURS = pa.array([SEGMENT_ENTERED, SEGMENT_LEFT])  # what the house tells itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """Per stretch of time: events, distinct people, orders, and revenue (minor units) by currency."""

    events: Counts
    people: Counts
    orders: Counts
    revenue: dict[str, Counts] = field(default_factory=dict)

    def __add__(self, other: Daily) -> Daily:
        nothing = np.zeros_like(self.events)
        both = self.revenue.keys() | other.revenue.keys()
        return Daily(
            events=self.events + other.events,
            people=self.people + other.people,
            orders=self.orders + other.orders,
            revenue={
                name: self.revenue.get(name, nothing) + other.revenue.get(name, nothing) for name in both
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """Time counted thrice: `days` and `weeks` of the shop's clock, and two equal `halves` to compare."""

    days: Daily
    halves: Daily
    weeks: Daily

    def __add__(self, other: Lately) -> Lately:
        return Lately(
            days=self.days + other.days, halves=self.halves + other.halves, weeks=self.weeks + other.weeks
        )


def count_lately(
    block: pa.Table, *, days: tuple[int, ...], halves: tuple[int, ...], weeks: tuple[int, ...]
) -> Lately:
    """Count a block between the edges (UTC µs) of `days`, `halves` and `weeks`.

    Bots give themselves away, and what the house tells itself has not come in.
    """
    block = slow(block)
    block = block.filter(pc.invert(pc.is_in(block["event"].cast(pa.string()), value_set=_OURS)))
    counted = partial(count_between, block)
    return Lately(days=counted(edges=days), halves=counted(edges=halves), weeks=counted(edges=weeks))


def count_between(block: pa.Table, *, edges: tuple[int, ...]) -> Daily:
    """Count a block in the n stretches between n + 1 ascending edges (UTC µs); rows outside do not count."""
    time = integers(block["time"])
    slot = np.searchsorted(np.asarray(edges, np.int64), time, side="right") - 1
    slots = len(edges) - 1
    inside = (slot >= 0) & (slot < slots)
    rows = block.filter(pa.array(inside))
    slot, person = slot[inside], rows.column("person_id").to_numpy()
    ordered = pc.equal(rows.column("event"), ORDER_COMPLETED).fill_null(False).to_numpy(zero_copy_only=False)
    return Daily(
        events=_per(slot, slots),
        people=_per(_distinct(person, slot), slots),
        orders=_per(slot[ordered], slots),
        revenue=_revenue(rows, slot, slots),
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
