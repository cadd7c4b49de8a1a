"""Each goal of a campaign: every variant against the control."""

from __future__ import annotations

from volano.domain.campaign import CONTROL, Campaign, Goal
from volano.domain.verdict import GoalResult
from volano.evaluate.offsets import ArmTally, GoalTally
from volano.maths.interval import Difference, difference_of_shares, lift, welch
from volano.maths.moments import Moments

ALPHA = 0.05


def results(campaign: Campaign, tally: ArmTally) -> list[GoalResult]:
    """Goal by goal, variant by variant; revenue only once both sides have two people."""
    control = control_at(campaign)
    return [
        _result(campaign, tally, goal, at, control, variant)
        for at, goal in enumerate(campaign.goals)
        for variant in variants_at(campaign)
        if goal.measure == "people"
        or min(tally.goals[at][control].values.count, tally.goals[at][variant].values.count) > 1
    ]


def control_at(campaign: Campaign) -> int:
    """The index of the control; the first arm if none is called so."""
    return next((at for at, arm in enumerate(campaign.arms) if arm.key == CONTROL), 0)


def variants_at(campaign: Campaign) -> list[int]:
    """The indices of the arms that are compared with the control."""
    control = control_at(campaign)
    return [at for at, arm in enumerate(campaign.arms) if at != control and arm.weight > 0]


def difference(goal: Goal, control: GoalTally, variant: GoalTally, alpha: float = ALPHA) -> Difference:
    """The absolute difference, on which all decisions stand: score method for shares, Welch for revenue."""
    if goal.measure == "revenue":
        return welch(control.values, variant.values, alpha)
    return difference_of_shares(
        (control.converters, control.values.count), (variant.converters, variant.values.count), alpha
    )


def _result(
    campaign: Campaign, tally: ArmTally, goal: Goal, at: int, control_arm: int, variant_arm: int
) -> GoalResult:
    control, variant = tally.goals[at][control_arm], tally.goals[at][variant_arm]
    found = difference(goal, control, variant)
    of_control, of_variant = _moments(goal, control), _moments(goal, variant)
    relative = lift(of_control, of_variant, ALPHA)
    exposed = tally.exposed[control_arm] + tally.exposed[variant_arm]
    return GoalResult(
        goal=goal.key,
        role=goal.role,
        event=goal.event,
        days=goal.days,
        measure=goal.measure,
        variant=campaign.arms[variant_arm].key,
        control_people=control.values.count,
        variant_people=variant.values.count,
        control_value=of_control.mean,
        variant_value=of_variant.mean,
        control_converters=control.converters,
        variant_converters=variant.converters,
        difference=found.value,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        relative=relative.value if relative else None,
        relative_low=relative.low if relative else None,
        relative_high=relative.high if relative else None,
        maturity=(control.values.count + variant.values.count) / exposed if exposed else 0.0,
    )


def _moments(goal: Goal, arm: GoalTally) -> Moments:
    """Of a share from its counts, which are exact however many blocks were added up."""
    return arm.values if goal.measure == "revenue" else Moments.of_share(arm.converters, arm.values.count)
