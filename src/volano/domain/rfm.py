"""Types of customers by recency, frequency and money, and where one begins."""

from __future__ import annotations

from dataclasses import dataclass

TYPES = (
    "champions",
    "loyal",
    "potential loyal",
    "new",
    "promising",
    "need attention",
    "about to sleep",
    "at risk",
    "cannot lose",
    "hibernating",
)
Four = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RfmBounds:
    """Four ascending limits of each score; `days` since the last order, `orders`, `money` in minor units.

    Recency is 5 up to the first limit of `days`, and 1 beyond the last; frequency and money are 1 below
    the first limit, and 5 from the last on.
    """

    days: Four = (30, 90, 180, 365)
    orders: Four = (2, 3, 5, 10)
    money: Four = (5_000, 10_000, 25_000, 50_000)

    def wrong(self) -> str:
        """What is wrong with the limits, in a sentence; nothing where each four ascend.

        >>> RfmBounds(orders=(1, 2, 2, 3)).wrong()
        'the limits of orders are 1, 2, 2, 3: give four, each larger than the one before'
        """
        for name in ("days", "orders", "money"):
            limits = getattr(self, name)
            if len(limits) != 4 or list(limits) != sorted(set(limits)):
                told = ", ".join(f"{limit:g}" for limit in limits)
                return f"the limits of {name} are {told}: give four, each larger than the one before"
        return ""
