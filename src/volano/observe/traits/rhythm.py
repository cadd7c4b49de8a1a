"""The days between orders; they follow from the days with one."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import Any

from volano.domain.profile import Profile
from volano.observe.traits.trait import Field, Trait


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """Nothing: it follows from the orders."""
    return {}


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """What is told of who has ordered on more than one day."""
    days = profile.order_days
    if len(days) > 1:
        found["days_between_orders"] = round((days[-1] - days[0]) / (len(days) - 1), 1)
        found["median_days_between_orders"] = float(median(later - day for day, later in pairwise(days)))


RHYTHM = Trait(
    name="rhythm",
    joined=joined,
    facts=facts,
    fields={
        "days_between_orders": Field(
            "Days between orders", "number", "Mean days from one day with an order to the next.", broken=True
        ),
        "median_days_between_orders": Field(
            "Days between orders, median",
            "number",
            "Median days from one day with an order to the next.",
            broken=True,
        ),
    },
)
