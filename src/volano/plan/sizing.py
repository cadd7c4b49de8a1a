"""What a test can promise with the traffic there is: the size of effect it is planned for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from volano.domain.campaign import Plan
from volano.plan.reached import JourneyTally
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
        found = planned(baseline=baseline, lift=size, people_per_week=people_per_week, control=control)
        return replace(found, people_per_week=people_per_week)

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


def traffic(tally: JourneyTally, slice_: Mapping[str, object]) -> tuple[float, float]:
    """People a week in the slice who come to the first step, and the share of them who reach the last.

    A value that is no text (a rule of its own) narrows nothing here.
    """
    slice_ = {name: value for name, value in slice_.items() if isinstance(value, str)}
    if slice_:
        rows = [row for row in tally.rows(*slice_) if all(row[name] == slice_[name] for name in slice_)]
        steps = rows[0]["steps"] if rows else tally.steps[:0]
    else:
        steps = tally.steps
    if not steps or not steps[0]["people"]:
        return 0.0, 0.0
    return steps[0]["people"] / tally.weeks, steps[-1]["people"] / steps[0]["people"]
