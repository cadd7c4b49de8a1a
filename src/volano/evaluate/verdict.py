"""Ship, stop, keep running or broken: one decision per round, made once, at the planned size."""

from __future__ import annotations

from typing import NamedTuple

from volano.domain.campaign import Campaign, Goal
from volano.domain.durations import DAY
from volano.domain.verdict import Call, GoalResult, Verdict
from volano.evaluate import sentence
from volano.evaluate.comparison import ALPHA, control_at, difference, results, variants_at
from volano.evaluate.offsets import ArmTally, GoalTally
from volano.evaluate.soundness import BROKEN, expected_shares, sample_ratio

HARM_EARLY = 0.001  # one-sided, at looks before the planned size (Haybittle 1971, Peto 1976)
HARM_AT_PLAN = 0.01  # one-sided, at the planned size
ENOUGH_CONVERTERS = 100
FEWEST_CONVERTERS = 30
PLAN_SHARE = 0.75  # of the converters that the plan implies: chance alone must not hold up a decision
LAST_CALL = 2  # at that many times the planned size the decision is made with what is there


class _Decision(NamedTuple):
    """What the rules say of a tally."""

    call: Call
    sentence: str
    final: bool
    missing: str = ""


def verdict(campaign: Campaign, tally: ArmTally, *, as_of: int, now: int) -> Verdict:
    """The read-out of a tally with data up to `as_of`; both times in UTC µs.

    A final verdict is to be kept: judging again after more data would be a second test.
    """
    ratio = sample_ratio(campaign, tally)
    found = results(campaign, tally)
    decision = _decide(campaign, tally, found, ratio, as_of)
    return Verdict(
        key=campaign.salt,
        campaign=campaign.key,
        round=campaign.round,
        call=decision.call,
        sentence=decision.sentence,
        results=found,
        exposed={arm.key: count for arm, count in zip(campaign.arms, tally.exposed, strict=True)},
        expected=expected_shares(campaign),
        ratio_p=ratio,
        mixed=tally.mixed,
        missing=decision.missing,
        as_of=as_of,
        made_at=now,
        final=decision.final,
    )


def primary(campaign: Campaign) -> int:
    """The index of the goal that decides: the first lagging share of people, else the first lagging goal."""
    order = sorted(
        range(len(campaign.goals)),
        key=lambda at: (campaign.goals[at].role != "lagging", campaign.goals[at].measure != "people", at),
    )
    return order[0]


def _decide(
    campaign: Campaign, tally: ArmTally, found: list[GoalResult], ratio: float, as_of: int
) -> _Decision:
    """The rules in their order: soundness, harm, size, effect."""
    missing = _missing(campaign, tally, as_of)
    ended = campaign.status == "stopped" and _all_mature(campaign, tally)
    if ratio < BROKEN:
        return _Decision("broken", _broken(campaign, tally, ratio), not missing or ended)
    harm = _harm(campaign, tally, found, HARM_EARLY if missing else HARM_AT_PLAN)
    if harm:
        return _Decision("stop", harm, True)
    if not missing:
        return _at_plan(campaign, tally, found)
    if ended:
        return _Decision("stop", f"Stop: it was ended before its planned size ({missing}).", True)
    return _Decision("keep running", f"Keep running: {missing}.", False, missing)


def _at_plan(campaign: Campaign, tally: ArmTally, found: list[GoalResult]) -> _Decision:
    """Ship the best variant that is surely better, else stop; the level is split over the variants."""
    goal, row = campaign.goals[primary(campaign)], tally.goals[primary(campaign)]
    variants = variants_at(campaign)
    control = row[control_at(campaign)]
    gaps = {at: difference(goal, control, row[at], ALPHA / len(variants)) for at in variants}
    best = max(variants, key=lambda at: (gaps[at].low > 0, gaps[at].value))
    told = sentence.effect(_result(found, goal, campaign.arms[best].key))
    which = f" {campaign.arms[best].key}" if len(variants) > 1 else ""
    if gaps[best].low > 0:
        return _Decision("ship", f"Ship{which}: {told}.", True)
    if gaps[best].high < 0:
        return _Decision("stop", f"Stop: {told}.", True)
    size = sentence.share(abs(campaign.plan.lift))
    return _Decision("stop", f"Stop: no effect of {size} or more was seen: {told}; that may be chance.", True)


def _result(found: list[GoalResult], goal: Goal, variant: str) -> GoalResult:
    return next(result for result in found if (result.goal, result.variant) == (goal.key, variant))


def _harm(campaign: Campaign, tally: ArmTally, found: list[GoalResult], level: float) -> str:
    """A sentence if a guardrail is surely beyond its margin: a share that rose, revenue that fell."""
    variants = variants_at(campaign)
    for at, goal in enumerate(campaign.goals):
        for variant in variants if goal.role == "guardrail" else ():
            row = tally.goals[at]
            if _harmed(goal, row[control_at(campaign)], row[variant], level / len(variants)):
                told = sentence.effect(_result(found, goal, campaign.arms[variant].key))
                return f"Stop: it does harm: {told}."
    return ""


def _harmed(goal: Goal, control: GoalTally, variant: GoalTally, level: float) -> bool:
    worse = variant.values.mean - control.values.mean
    if goal.measure == "revenue":
        return -worse > goal.margin and difference(goal, control, variant, 2 * level).high < -goal.margin
    return worse > goal.margin and difference(goal, control, variant, 2 * level).low > goal.margin


def _broken(campaign: Campaign, tally: ArmTally, ratio: float) -> str:
    counts = {arm.key: f"{count:,}" for arm, count in zip(campaign.arms, tally.exposed, strict=True)}
    shares = {name: f"{100 * share:g} %" for name, share in expected_shares(campaign).items()}
    return (
        f"Broken: the arms have {sentence.listed(counts)} people where {sentence.listed(shares)} were to be "
        f"expected (p = {ratio:.1g}); mend assignment or capture before you believe any number."
    )


def _missing(campaign: Campaign, tally: ArmTally, as_of: int) -> str:
    """What is missing for a decision, or "": people whose window has closed, and converters, per arm."""
    goal = campaign.goals[primary(campaign)]
    arms = _compared(campaign, tally)
    planned, people = campaign.plan.people_per_arm, min(arm.values.count for arm in arms)
    if people < planned:
        pace = _pace(campaign, tally, as_of)
        waited = f"have had their {sentence.window(goal.days)}"
        return f"{people:,} of {planned:,} planned people in the smallest arm {waited}{pace}"
    needed, converters = converters_needed(campaign), min(arm.converters for arm in arms)
    if converters < needed and people < LAST_CALL * planned:
        return f"{converters:,} of {needed:,} people who {sentence.verb(goal.event)} in the smallest arm"
    return ""


def converters_needed(campaign: Campaign) -> int:
    """Converters that each arm must have: 100, or ¾ of what a smaller plan implies, at least 30."""
    implied = int(PLAN_SHARE * campaign.plan.people_per_arm * campaign.plan.baseline)
    return max(FEWEST_CONVERTERS, min(ENOUGH_CONVERTERS, implied))


def _pace(campaign: Campaign, tally: ArmTally, as_of: int) -> str:
    """How many days are left if people go on coming as they came."""
    arms = [control_at(campaign), *variants_at(campaign)]
    exposed, ran = min(tally.exposed[at] for at in arms), as_of - campaign.started_at
    if not exposed or not campaign.started_at or ran < DAY or campaign.status != "live":
        return ""
    to_come = max(0, campaign.plan.people_per_arm - exposed) * ran / exposed / DAY
    days = to_come + campaign.goals[primary(campaign)].days
    return f"; at this pace within {days:,.0f} days"


def _all_mature(campaign: Campaign, tally: ArmTally) -> bool:
    row = tally.goals[primary(campaign)]
    return all(arm.values.count == exposed for arm, exposed in zip(row, tally.exposed, strict=True))


def _compared(campaign: Campaign, tally: ArmTally) -> list[GoalTally]:
    row = tally.goals[primary(campaign)]
    return [row[at] for at in (control_at(campaign), *variants_at(campaign))]
