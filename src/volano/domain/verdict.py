"""Did it work: what a read-out of a campaign says."""

from __future__ import annotations

from typing import Literal

import msgspec

Call = Literal["ship", "stop", "keep running", "broken"]


class GoalResult(msgspec.Struct, frozen=True, kw_only=True):
    """One goal, variant against control. Values: shares, or minor units a person; intervals are 95 %."""

    goal: str
    role: str
    event: str
    days: float
    measure: str
    variant: str
    control_people: int
    variant_people: int
    control_value: float
    variant_value: float
    control_converters: int
    variant_converters: int
    difference: float
    low: float
    high: float
    p_value: float
    relative: float | None  # null when the control has none
    relative_low: float | None
    relative_high: float | None
    maturity: float  # share of exposed people whose window has closed; only they are counted


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Ship, stop, keep running or broken, in plain words with the numbers it came from."""

    key: str  # campaign.round
    campaign: str
    round: int
    call: Call
    sentence: str
    results: list[GoalResult]
    exposed: dict[str, int]  # people per arm
    expected: dict[str, float]  # expected share per arm
    ratio_p: float  # χ² of the sample ratio
    mixed: int  # people seen in two arms, excluded
    missing: str  # what is missing for a decision, or ""
    as_of: int  # data cut-off
    made_at: int
    final: bool  # decides the campaign; the belief has been updated once


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What one round taught: the belief before and after the verdict."""

    key: str
    campaign: str
    recipe: str
    call: Call
    sentence: str
    before_mean: float
    before_sd: float
    after_mean: float
    after_sd: float
    learned_at: int
