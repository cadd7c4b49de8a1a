"""What a test can promise with the traffic there is: the size of effect it is planned for."""

from __future__ import annotations

from volano.domain.campaign import Plan
from volano.plan.sample_size import LARGEST_LIFT, planned

FULL_WITHIN_DAYS = 21.0  # longer tests drift: cookies expire, seasons change, people lose patience
_HALVINGS = 30


def sized(*, baseline: float, lift: float, people_per_week: float, control: float) -> Plan:
    """A plan for `lift` (relative) if three weeks fill it, else for the smallest lift they can show.

    With too little traffic even for an effect of 50 % the plan takes as long as that needs.

    >>> small = sized(baseline=0.3, lift=0.08, people_per_week=300, control=0.5)
    >>> round(small.lift, 2), small.days <= 21
    (0.3, True)
    """

    def plan(size: float) -> Plan:
        return planned(baseline=baseline, lift=size, people_per_week=people_per_week, control=control)

    wanted = plan(lift)
    if wanted.days <= FULL_WITHIN_DAYS:
        return wanted
    low, high = wanted.lift, LARGEST_LIFT
    if plan(high).days > FULL_WITHIN_DAYS:
        return plan(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if plan(middle).days <= FULL_WITHIN_DAYS else (middle, high)
    return plan(high)
