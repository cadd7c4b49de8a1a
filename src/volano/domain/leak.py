"""Where people are lost: journey, slice, leak."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from volano.domain.durations import DAY

WEEKS_PER_QUARTER = 13


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """An ordered path of event names; later steps are strictly later and within `within` µs of the start."""

    steps: tuple[str, ...] = (
        "Page Viewed",
        "Product Viewed",
        "Product Added",
        "Checkout Started",
        "Order Completed",
    )
    within: int = 7 * DAY


class HomeJourney(msgspec.Struct, frozen=True, kw_only=True):
    """The journey that a home looks at unless told otherwise."""

    key: str = "home"
    journey: Journey = Journey()


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """Of `people` at `step` in `slice`, `went_on` reached `next_step`; comparable people do so more often.

    Shares are in [0, 1]; `gap` = expected − observed share with a 95 % interval; `reach` is people per
    quarter (13 weeks); orders and money (minor units of `currency`) are per week; times are UTC µs.
    """

    key: str
    step: str
    next_step: str
    slice: dict[str, str]  # dimension → value; one or two entries
    people: int
    went_on: int
    expected: float
    observed: float
    gap: float
    gap_low: float
    gap_high: float
    reach: float
    lost_orders_per_week: float
    lost_orders_low: float
    lost_orders_high: float
    lost_money_per_week: float
    currency: str
    p_value: float
    q_value: float
    order_share: float  # share of people at `step` in the slice who order within the journey's window
    people_per_week: float
    found_at: int
    review_by: int


def slice_name(slice_: Mapping[str, str]) -> str:
    """The slice in words.

    >>> slice_name({"source": "instagram / social", "device": "low-end android"})
    'instagram / social · low-end android'
    """
    return " · ".join(slice_.values()) or "everyone"
