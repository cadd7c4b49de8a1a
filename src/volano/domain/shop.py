"""What a shop is like: its clock, its money, and who works there."""

from __future__ import annotations

import msgspec

from volano.domain.rfm import RfmBounds

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMED_BY_MARKS = ("source", "medium", "campaign", "keyword")


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that every report honours.

    `week_start` is 0 for Monday to 6 for Sunday. `margin` is the share of revenue that is left as profit,
    None where nobody said. `staff` are user ids, e-mail addresses and, with a leading `@`, domains: their
    events are kept and left out of reports. `marks` are parameters of an address that name a campaign,
    beside the usual ones → `source`, `medium`, `campaign` or `keyword`. `rfm` says where types of customers
    begin. `changed_at` is UTC µs.
    """

    key: str = "shop"
    name: str = ""
    timezone: str = "UTC"
    week_start: int = 0
    currency: str = "USD"
    margin: float | None = None
    staff: tuple[str, ...] = ()
    marks: dict[str, str] = {}
    rfm: RfmBounds = RfmBounds()
    changed_at: int = 0

    def profit(self, revenue: float) -> float | None:
        """What is left of a revenue (same unit); None without a margin.

        >>> Shop(margin=0.25).profit(4000), Shop().profit(4000)
        (1000.0, None)
        """
        return None if self.margin is None else revenue * self.margin
