"""Campaigns and tallies that tests of the read-out begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from volano.domain.campaign import CONTROL, Arm, Campaign, Goal, Plan, Trigger
from volano.domain.idea import Content
from volano.evaluate.offsets import ArmTally, GoalTally
from volano.maths.moments import Moments

NOW = 1_790_000_000_000_000
ORDERS = Goal(key="orders", role="lagging", event="Order Completed", days=7)
REVENUE = Goal(key="revenue", role="lagging", event="Order Completed", days=7, measure="revenue")
CLICKS = Goal(key="click", role="leading", event="Campaign Clicked", days=1)
REFUNDS = Goal(key="refunds", role="guardrail", event="Order Refunded", days=7, margin=0.01)


def campaign(shares: Mapping[str, float] | None = None, **changes: Any) -> Campaign:
    """A live campaign of half control and half variant `a`, planned for 1,000 people per arm."""
    shares = shares or {CONTROL: 0.5, "a": 0.5}
    content = Content(headline="Free delivery today")
    fields: dict[str, Any] = {
        "key": "c1",
        "name": "Free delivery",
        "idea": "i1",
        "recipe": "free-delivery-bar",
        "format": "bar",
        "audience": {},
        "trigger": Trigger(on="Checkout Started"),
        "arms": tuple(
            Arm(key=key, weight=weight, content=None if key == CONTROL else content)
            for key, weight in shares.items()
        ),
        "goals": (ORDERS,),
        "plan": Plan(baseline=0.378, lift=0.1, people_per_arm=1_000, days=14),
        "status": "live",
    }
    return Campaign(**{**fields, **changes})


def goal_tally(hits: int, people: int) -> GoalTally:
    """A share."""
    values = Moments.of_share(hits, people)
    return GoalTally(values=values, converters=hits)


def shares_tally(
    *goals: tuple[tuple[int, int], ...], exposed: tuple[int, ...] = (), mixed: int = 0
) -> ArmTally:
    """A tally of shares: (hits, people) per arm, goal by goal; all exposed are mature unless told."""
    return ArmTally(
        exposed=exposed or tuple(people for _, people in goals[0]),
        mixed=mixed,
        goals=tuple(tuple(goal_tally(*arm) for arm in goal) for goal in goals),
    )
