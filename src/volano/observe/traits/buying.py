"""Orders, refunds and the days between orders; an order is one row, whoever told of it."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from volano.domain.event import ORDER_REFUNDED
from volano.domain.profile import Profile
from volano.maths.columns import changes
from volano.observe.traits.history import DAY as DAY_SECONDS
from volano.observe.traits.history import History, bounds, slices
from volano.observe.traits.seen import earlier, later
from volano.observe.traits.trait import DAY, Columns, Field, Trait, days_since

KEPT = 512  # the latest days with an order


def tally(history: History) -> Columns:
    """Counts, sums, first and last order, and the days with an order in the shop's time zone."""
    ordered = history.orders
    refunds = np.flatnonzero(history.among(ORDER_REFUNDED))
    columns: dict[str, Any] = {}
    if len(ordered) or len(refunds):
        money = history.numbers("revenue")
        brought, taken = history.sums(ordered, money[ordered]), history.sums(refunds, money[refunds])
        columns["revenue"] = (brought + taken).tolist()
        columns["refunds"] = history.sums(refunds).tolist()
        columns["refunded"] = (-taken).tolist()
    if len(ordered):
        owner = history.owner[ordered]
        day = history.local_seconds(ordered, own=False) // DAY_SECONDS
        distinct = changes(owner, day)
        days = slices(day[distinct].tolist(), bounds(owner[distinct], len(history)))
        columns["orders"] = history.sums(ordered).tolist()
        columns["first_order"] = history.moments(history.first(ordered)).tolist()
        columns["last_order"] = history.moments(history.last(ordered)).tolist()
        columns["order_days"] = [some[-KEPT:] for some in days]
    return columns


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """Sums, the earlier, the later, all days."""
    days = one.order_days or other.order_days
    if one.order_days and other.order_days:
        days = sorted({*one.order_days, *other.order_days})[-KEPT:]
    return {
        "orders": one.orders + other.orders,
        "revenue": one.revenue + other.revenue,
        "first_order": earlier(one.first_order, other.first_order),
        "last_order": later(one.last_order, other.last_order),
        "order_days": days,
        "refunds": one.refunds + other.refunds,
        "refunded": one.refunded + other.refunded,
    }


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """What is told of everybody, and more of who has ordered."""
    found["orders"], found["revenue"] = profile.orders, profile.revenue
    found["order_days"] = len(profile.order_days)
    found["refunds"], found["refunded"] = profile.refunds, profile.refunded
    if profile.orders:
        found["average_order"] = round((profile.revenue + profile.refunded) / profile.orders)
        found["first_order"], found["last_order"] = profile.first_order, profile.last_order
        found["days_since_order"] = (now - profile.last_order) // DAY
        found["days_since_first_order"] = (now - profile.first_order) // DAY
    days = profile.order_days
    if len(days) > 1:
        found["days_between_orders"] = round((days[-1] - days[0]) / (len(days) - 1), 1)
        found["median_days_between_orders"] = float(median(later - day for day, later in pairwise(days)))


BUYING = Trait(
    name="buying",
    columns=("event", "revenue"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "orders": Field("Orders", "number", "Orders in all."),
        "revenue": Field("Revenue", "number", "Money of all orders less refunds, in minor units."),
        "average_order": Field(
            "Average order", "number", "Money of an order before refunds, in minor units."
        ),
        "order_days": Field("Days with an order", "number", "Distinct days with an order, at most 512."),
        "first_order": Field("First order", "time", "When the person first ordered."),
        "last_order": Field("Last order", "time", "When the person last ordered."),
        "days_since_order": days_since("Days since order", "last_order", "Whole days since the last order."),
        "days_since_first_order": days_since(
            "Days since first order", "first_order", "Whole days since the first order."
        ),
        "days_between_orders": Field(
            "Days between orders", "number", "Mean days from one day with an order to the next.", broken=True
        ),
        "median_days_between_orders": Field(
            "Days between orders, median",
            "number",
            "Median days from one day with an order to the next.",
            broken=True,
        ),
        "refunds": Field("Refunds", "number", "Refunds in all."),
        "refunded": Field("Refunded", "number", "Money paid back, in minor units."),
    },
)
