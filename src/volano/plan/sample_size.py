"""How many people a test needs to see the effect it is meant to see."""

from __future__ import annotations

from math import ceil, sqrt

from volano.domain.campaign import Plan
from volano.errors import BadInput
from volano.maths.interval import normal_quantile

ALPHA = 0.05  # two-sided
POWER = 0.8
SMALLEST_LIFT = 0.05  # smaller effects than this are not worth the weeks they take to see
LARGEST_LIFT = 0.5
LONGEST_DAYS = 400.0


def people_per_arm(
    baseline: float,
    lift: float,
    *,
    control: float = 0.5,
    variants: int = 1,
    alpha: float = ALPHA,
    power: float = POWER,
) -> int:
    """People needed in the *smallest* arm for the two-sided score test to see a relative `lift` of a share.

    The others grow with it by the shares of the arms. Fleiss, Levin & Paik 2003, eq. 4.14 (pooled variance
    under no effect), without continuity correction, which the score test does not have; α is split over the
    variants (Bonferroni).

    >>> people_per_arm(0.1, 0.2)
    3841
    """
    check(baseline, lift, control)
    raised = baseline * (1 + lift)
    ratio = (1 - control) / variants / control  # people in a variant for one in the control
    pooled = (baseline + ratio * raised) / (1 + ratio)
    null = normal_quantile(1 - alpha / variants / 2) * sqrt(pooled * (1 - pooled) * (1 + 1 / ratio))
    other = normal_quantile(power) * sqrt(baseline * (1 - baseline) + raised * (1 - raised) / ratio)
    in_control = ((null + other) / (raised - baseline)) ** 2
    return max(2, ceil(in_control * min(1.0, ratio)))


def check(baseline: float, lift: float, control: float) -> None:
    """BadInput if no test of that size exists."""
    if not 0 < baseline < 1:
        raise BadInput(f"baseline == {baseline:g}, must be in (0, 1)")
    if not lift or not 0 < baseline * (1 + lift) < 1:
        raise BadInput(
            f"lift == {lift:g} over a baseline of {baseline:g}; it must change the share, within (0, 1)"
        )
    if not 0 < control < 1:
        raise BadInput(f"control == {control:g}, must be in (0, 1)")


def days_needed(people: int, people_per_week: float, *, control: float = 0.5, variants: int = 1) -> float:
    """Days until the smallest arm holds `people`, at most 400; the goal's window comes on top.

    >>> days_needed(700, 1400)
    7.0
    """
    whole = people / min(control, (1 - control) / variants)
    return min(LONGEST_DAYS, 7 * whole / people_per_week) if people_per_week > 0 else LONGEST_DAYS


def planned(
    *, baseline: float, lift: float, people_per_week: float, control: float = 0.5, variants: int = 1
) -> Plan:
    """The plan of a test. A belief outside 5 … 50 % is sized as if it were at the nearer end.

    The share is kept away from its ends, where no people are enough.

    >>> planned(baseline=0.378, lift=0.1, people_per_week=2000).people_per_arm
    2629
    """
    lift = min(max(lift, SMALLEST_LIFT), LARGEST_LIFT)
    baseline = min(max(baseline, 0.005), 0.95 / (1 + lift))
    people = people_per_arm(baseline, lift, control=control, variants=variants)
    days = days_needed(people, people_per_week, control=control, variants=variants)
    return Plan(baseline=baseline, lift=lift, people_per_arm=people, days=days)
