"""The segments that come with the house."""

from __future__ import annotations

from typing import Any

from volano.domain.rfm import TYPES
from volano.domain.segment import Segment

HABIT_ORDERS, HABIT_DAYS = 4, 120  # the habit point until the shop's own is measured: 4 orders in 4 months
_KINDS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "new",
        "New",
        "First seen in the last 7 days: a first impression is being made.",
        {"days_since_first_seen": {"$lt": 7}},
    ),
    (
        "returning",
        "Returning",
        "Came back after their first week, and lately: they know the shop.",
        {"days_since_first_seen": {"$gte": 7}, "days_since_seen": {"$lt": 30}, "sessions": {"$gte": 2}},
    ),
    (
        "cart-abandoners",
        "Cart abandoners",
        "Something has lain in the cart for an hour and for less than two weeks: a reminder may help.",
        {"cart_products": {"$gte": 1}, "hours_since_cart": {"$gte": 1}, "days_since_cart": {"$lt": 14}},
    ),
    (
        "one-time-buyers",
        "One-time buyers",
        "Ordered once, and not again for 30 days: the second order is the hardest.",
        {"orders": 1, "days_since_order": {"$gte": 30}},
    ),
    (
        "near-habit",
        "Near the habit point",
        f"One order short of {HABIT_ORDERS} in their first {HABIT_DAYS} days: one more may make it a habit.",
        {"orders": HABIT_ORDERS - 1, "days_since_first_order": {"$lt": HABIT_DAYS}},
    ),
    (
        "lapsing",
        "Lapsing",
        "Ordered more than once and not for 60 days: they may be about to go.",
        {"orders": {"$gte": 2}, "days_since_order": {"$gte": 60, "$lt": 180}},
    ),
)
_WHY = {
    "champions": "Ordered lately, often and for much: thank them, ask them.",
    "loyal": "Order often: show them what is new.",
    "potential loyal": "Ordered lately and more than once: help them to the habit.",
    "new": "Ordered lately for the first time: the second order is the next step.",
    "promising": "Ordered not long ago, little: give a reason to come back.",
    "need attention": "Average in everything and slipping: remind them.",
    "about to sleep": "Ordered little and not lately: a last easy chance.",
    "at risk": "Ordered often, long ago: win them back.",
    "cannot lose": "Were among the best and have not ordered for long: call.",
    "hibernating": "Ordered little, long ago: cost no money on them.",
}


def starters(*, now: int = 0) -> tuple[Segment, ...]:
    """All of them, made at `now` (UTC µs).

    >>> [segment.key for segment in starters()][:3], len(starters())
    (['new', 'returning', 'cart-abandoners'], 16)
    """
    kinds = [
        *_KINDS,
        *((f"rfm-{name.replace(' ', '-')}", f"RFM: {name}", _WHY[name], {"rfm": name}) for name in TYPES),
    ]
    return tuple(
        Segment(key=key, name=name, rule=rule, why=why, starter=True, made_at=now, changed_at=now)
        for key, name, why, rule in kinds
    )
