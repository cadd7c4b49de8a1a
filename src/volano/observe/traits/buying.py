"""Orders and refunds; an order is one row, whoever told of it.

Money is that in the shop's currency, with what an import adds to an order it told before; that in others is
kept by currency, of the CURRENCIES with the smallest hashes. A row that names no currency is in the shop's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from volano.domain.event import ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED
from volano.domain.profile import Profile
from volano.maths.columns import Ints, changes, wrapped
from volano.observe.traits.bills import given_back
from volano.observe.traits.history import DAY as DAY_SECONDS
from volano.observe.traits.history import History, bounds, slices
from volano.observe.traits.seen import earlier, later
from volano.observe.traits.taste import smallest
from volano.observe.traits.trait import DAY, Columns, Field, Trait, days_since

KEPT = 512  # the latest days with an order
CURRENCIES = 16


def tally(history: History) -> Columns:
    """Counts, sums, first and last order, and the days with an order in the shop's time zone."""
    ordered = history.orders
    refunds = np.flatnonzero(history.among(ORDER_REFUNDED))
    paid = np.flatnonzero(history.among(ORDER_COMPLETED, ORDER_UPDATED, ORDER_REFUNDED))
    columns: dict[str, Any] = {}
    if len(paid):
        abroad = history.foreign
        home = paid[~abroad[paid]]
        taken = refunds[~abroad[refunds]]
        columns["revenue"] = history.sums(home, history.money[home]).tolist()
        columns["refunds"] = history.sums(refunds).tolist()
        columns["refunded"] = (-history.sums(taken, history.money[taken])).tolist()
        if len(home) < len(paid):
            columns["foreign"] = _foreign(history, paid[abroad[paid]])
            columns["foreign_orders"] = history.sums(ordered[abroad[ordered]]).tolist()
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


def _foreign(history: History, rows: Ints) -> list[dict[str, int]]:
    """By currency what the rows brought."""
    currency = history.texts("currency")
    names = currency.values.to_pylist()
    found: list[dict[str, int]] = [{} for _ in range(len(history))]
    columns = (history.owner[rows], currency.codes[rows], history.money[rows])
    for person, code, money in zip(*(column.tolist() for column in columns), strict=True):
        found[person][names[code]] = wrapped(found[person].get(names[code], 0) + money)
    return [_bounded(some) for some in found]


def _bounded(foreign: dict[str, int]) -> dict[str, int]:
    if len(foreign) <= CURRENCIES:
        return foreign
    return {name: foreign[name] for name in smallest([*foreign], CURRENCIES)}


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    if not one or not other:
        return one or other
    return _bounded({name: wrapped(one.get(name, 0) + other.get(name, 0)) for name in {**one, **other}})


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """Sums, the earlier, the later, all days."""
    days = one.order_days or other.order_days
    if one.order_days and other.order_days:
        days = sorted({*one.order_days, *other.order_days})[-KEPT:]
    return {
        "orders": one.orders + other.orders,
        "revenue": wrapped(one.revenue + other.revenue),
        "first_order": earlier(one.first_order, other.first_order),
        "last_order": later(one.last_order, other.last_order),
        "order_days": days,
        "refunds": one.refunds + other.refunds,
        "refunded": wrapped(one.refunded + other.refunded),
        "foreign": _added(one.foreign, other.foreign),
        "foreign_orders": one.foreign_orders + other.foreign_orders,
    }


def paid(profile: Profile) -> tuple[int, int]:
    """What orders brought less refunds, and what was paid back, in minor units of the shop's currency."""
    back = given_back(profile) if profile.undone else 0
    return wrapped(profile.revenue - back), wrapped(profile.refunded + back)


def average(profile: Profile) -> int | None:
    """What an order in the shop's currency brought before refunds; None without one."""
    orders = profile.orders - profile.foreign_orders
    if not orders:
        return None
    return (2 * wrapped(profile.revenue + profile.refunded) + orders) // (2 * orders)


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """What is told of everybody, and more of who has ordered."""
    found["orders"] = profile.orders
    found["revenue"], found["refunded"] = paid(profile)
    found["order_days"] = len(profile.order_days)
    found["refunds"] = profile.refunds
    mean = average(profile)
    if mean is not None:
        found["average_order"] = mean
    if profile.orders:
        found["first_order"], found["last_order"] = profile.first_order, profile.last_order
        found["days_since_order"] = (now - profile.last_order) // DAY
        found["days_since_first_order"] = (now - profile.first_order) // DAY


BUYING = Trait(
    name="buying",
    columns=("event", "revenue", "currency"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "orders": Field("Orders", "number", "Orders in all."),
        "revenue": Field(
            "Revenue", "money", "Money of all orders less refunds, in minor units of the shop's currency."
        ),
        "average_order": Field(
            "Average order",
            "money",
            "Money of an order in the shop's currency before refunds, in minor units.",
        ),
        "order_days": Field("Days with an order", "number", "Distinct days with an order, at most 512."),
        "first_order": Field("First order", "time", "When the person first ordered."),
        "last_order": Field("Last order", "time", "When the person last ordered."),
        "days_since_order": days_since("Days since order", "last_order", "Whole days since the last order."),
        "days_since_first_order": days_since(
            "Days since first order", "first_order", "Whole days since the first order."
        ),
        "refunds": Field("Refunds", "number", "Refunds in all."),
        "refunded": Field("Refunded", "money", "Money paid back, in minor units of the shop's currency."),
    },
)
