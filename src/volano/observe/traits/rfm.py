"""Recency, frequency and money: scores from 1 to 5, and the ten usual types of customers.

The types are those of the common two-way table of recency against frequency and money (the mean of both
scores, halves up); the boundaries are the shop's own, see `RfmBounds` and `proposed`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.money import shown
from volano.domain.profile import Profile
from volano.domain.rfm import TYPES, Four, RfmBounds
from volano.maths.columns import integers
from volano.observe.traits.buying import paid
from volano.observe.traits.trait import DAY, Field, Trait

# by recency (rows, 5 first) and the mean of frequency and money (columns, 1 first)
_TABLE = (
    ("new", "potential loyal", "potential loyal", "champions", "champions"),
    ("promising", "potential loyal", "potential loyal", "loyal", "champions"),
    ("about to sleep", "about to sleep", "need attention", "loyal", "loyal"),
    ("hibernating", "hibernating", "at risk", "at risk", "at risk"),
    ("hibernating", "hibernating", "at risk", "cannot lose", "cannot lose"),
)

USUAL = RfmBounds()


class Rfm(NamedTuple):
    """The scores of a customer."""

    recency: int
    frequency: int
    money: int

    @property
    def type(self) -> str:
        """One of TYPES.

        >>> Rfm(5, 5, 5).type, Rfm(1, 5, 5).type, Rfm(5, 1, 1).type
        ('champions', 'cannot lose', 'new')
        """
        return _TABLE[5 - self.recency][(self.frequency + self.money + 1) // 2 - 1]


def rfm(profile: Profile, *, now: int, bounds: RfmBounds = USUAL) -> Rfm | None:
    """The scores at `now` (UTC µs); None for who has not ordered.

    >>> rfm(Profile(person_id=1, orders=2, revenue=12_000, last_order=1), now=1 + 40 * DAY)
    Rfm(recency=4, frequency=2, money=3)
    """
    if not profile.orders:
        return None
    return Rfm(
        5 - bisect_left(bounds.days, (now - profile.last_order) // DAY),
        1 + bisect_right(bounds.orders, profile.orders),
        1 + bisect_right(bounds.money, paid(profile)[0]),
    )


def told(profile: Profile, *, now: int, bounds: RfmBounds = USUAL, currency: str = "USD") -> str:
    """The scores at `now` (UTC µs) in words, each with the limit that gives it; "" for who has not ordered.

    >>> told(Profile(person_id=1, orders=1, revenue=12_000, last_order=1), now=1 + 40 * DAY)
    'ordered 40 days ago (4 of 5: at most 90), 1 order (1 of 5: fewer than 2), \
120.00 USD (3 of 5: at least 100.00 USD)'
    """
    scores = rfm(profile, now=now, bounds=bounds)
    if scores is None:
        return ""
    days = (now - profile.last_order) // DAY
    ago = "today" if days < 1 else f"{_many(days, 'day')} ago"
    first = scores.recency == 1
    late = f"more than {bounds.days[3]:g}" if first else f"at most {bounds.days[5 - scores.recency]:g}"
    often = _reached(scores.frequency, bounds.orders, "fewer than", lambda limit: f"{limit:g}")
    much = _reached(scores.money, bounds.money, "less than", lambda limit: shown(limit, currency))
    return (
        f"ordered {ago} ({scores.recency} of 5: {late}), "
        f"{_many(profile.orders, 'order')} ({scores.frequency} of 5: {often}), "
        f"{shown(paid(profile)[0], currency)} ({scores.money} of 5: {much})"
    )


def _reached(score: int, limits: Four, below: str, say: Callable[[float], str]) -> str:
    return f"at least {say(limits[score - 2])}" if score > 1 else f"{below} {say(limits[0])}"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def proposed(people: pa.Table) -> RfmBounds:
    """Limits that split the customers of a table of people (`observe.traits.people`) in fifths.

    They do so as far as the numbers differ; for fewer than five customers they are the usual ones.

    >>> proposed(pa.table({"days_since_order": [1], "orders": [1], "revenue": [1]})) == USUAL
    True
    """
    names = ("days_since_order", "orders", "revenue")
    buyers = people.select(names).filter(pc.is_valid(people["days_since_order"]))
    if buyers.num_rows < 5:
        return USUAL
    fifths = (0.2, 0.4, 0.6, 0.8)
    days, orders, money = (
        np.quantile(integers(buyers[name]), fifths, method="lower" if name == names[0] else "higher")
        for name in names
    )
    return RfmBounds(days=_ascending(days), orders=_ascending(np.maximum(orders, 2)), money=_ascending(money))


def _ascending(limits: Any) -> Four:
    """The limits as whole numbers, each at least one more than the one before."""
    found: list[float] = []
    for limit in limits:
        found.append(max(int(limit), int(found[-1]) + 1) if found else int(limit))
    first, second, third, fourth = found
    return first, second, third, fourth


def turns(profile: Profile, now: int, bounds: RfmBounds = USUAL) -> int | None:
    """The next moment (UTC µs) at which time alone changes the recency."""
    if not profile.orders:
        return None
    age = now - profile.last_order
    for limit in bounds.days:
        if (int(limit) + 1) * DAY > age:
            return profile.last_order + (int(limit) + 1) * DAY
    return None


def facts(profile: Profile, now: int, found: dict[str, Any], bounds: RfmBounds = USUAL) -> None:
    """Scores and type of who has ordered."""
    scores = rfm(profile, now=now, bounds=bounds)
    if scores is not None:
        found["rfm"] = scores.type
        found["rfm_recency"], found["rfm_frequency"] = scores.recency, scores.frequency
        found["rfm_money"] = scores.money


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """Nothing: it follows from the orders."""
    return {}


RFM = Trait(
    name="rfm",
    joined=joined,
    fields={
        "rfm": Field("RFM type", "text", f"Type of customer: {', '.join(TYPES)}."),
        "rfm_recency": Field("Recency", "number", "Score 1 to 5 of the days since the last order."),
        "rfm_frequency": Field("Frequency", "number", "Score 1 to 5 of the number of orders."),
        "rfm_money": Field("Money", "number", "Score 1 to 5 of the revenue."),
    },
)
