"""Nouns that tests begin with."""

from __future__ import annotations

from msgspec.structs import replace

from volano.domain.leak import Leak

NOW = 1_790_000_000_000_000

LEAK = Leak(
    key="l1",
    step="Checkout Started",
    next_step="Order Completed",
    slice={"source": "instagram / social", "device": "low-end android"},
    people=400,
    went_on=164,
    expected=0.58,
    observed=0.41,
    gap=0.17,
    gap_low=0.12,
    gap_high=0.22,
    reach=1300,
    lost_orders_per_week=17,
    lost_orders_low=12,
    lost_orders_high=22,
    lost_money_per_week=90_000,
    currency="USD",
    p_value=1e-9,
    q_value=1e-7,
    order_share=0.41,
    people_per_week=100,
    found_at=NOW,
    review_by=NOW + 90 * 86_400_000_000,
)


def leak(**changes: object) -> Leak:
    """The leak, changed."""
    return replace(LEAK, **changes)
