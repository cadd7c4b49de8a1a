"""A campaign that tests begin with."""

from __future__ import annotations

from typing import Any

import msgspec

from volano.domain.campaign import CONTROL, Arm, Campaign, Plan, Trigger
from volano.domain.idea import Content

CONTENT = Content(headline="10 % off", body="Today only.", button="Use the code", coupon="TEN")


def campaign(**changes: Any) -> Campaign:
    """A live popup for everyone, half control, changed."""
    first = Campaign(
        key="ten-off",
        name="10 % off",
        idea="i1",
        recipe="cart-discount-10",
        format="popup",
        audience={},
        trigger=Trigger(on="Page Viewed"),
        arms=(Arm(key=CONTROL, weight=0.5), Arm(key="a", weight=0.5, content=CONTENT)),
        goals=(),
        plan=Plan(baseline=0.1, lift=0.1, people_per_arm=100, days=7),
        status="live",
    )
    return msgspec.structs.replace(first, **changes)


def always(arm: str, content: Content = CONTENT) -> tuple[Arm, ...]:
    """Arms of which that one is always drawn."""
    return (
        Arm(key=CONTROL, weight=float(arm == CONTROL)),
        Arm(key="a", weight=float(arm == "a"), content=content),
    )
