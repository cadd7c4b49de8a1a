"""Ideas ranked by RICE: reach × impact × confidence ÷ effort, each number with its origin."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

import msgspec
import numpy as np
from scipy.special import ndtr, ndtri

from volano.domain.idea import Belief, Figure, Idea, Recipe
from volano.domain.leak import WEEKS_PER_QUARTER, Leak, slice_name
from volano.errors import BadInput

WORTH_HAVING = 0.01  # the smallest relative lift worth the work
FIELDS = ("reach", "impact", "confidence", "effort")
_DRAWS = 400


def idea(leak: Leak, recipe: Recipe, belief: Belief, *, now: int) -> Idea:
    """The recipe against the leak, scored with what we believe of it."""
    name = slice_name(leak.slice)
    reach = f"from the leak: {leak.people_per_week:,.0f} people a week × {WEEKS_PER_QUARTER} weeks"
    new = Idea(
        key=f"{leak.key}.{recipe.key}",
        leak=leak.key,
        recipe=recipe.key,
        title=recipe.title.format(slice=name),
        why=recipe.why,
        format=recipe.format,
        reach=Figure(value=leak.reach, origin=reach),
        impact=Figure(value=belief.mean, origin=impact_origin(belief)),
        confidence=confidence(leak, belief),
        effort=Figure(value=recipe.effort, origin="playbook, in person-days"),
        score=0,
        score_low=0,
        score_high=0,
        made_at=now,
    )
    return scored(new, leak, belief)


def impact_origin(belief: Belief) -> str:
    """Where the impact comes from, in words.

    >>> impact_origin(Belief(recipe="x", mean=0.08, sd=0.06))
    'relative lift: the playbook says +8 % ± 6'
    """
    said = f"{belief.mean:+.0%} ± {100 * belief.sd:.0f}".replace("%", " %")
    if not belief.tests:
        return f"relative lift: the playbook says {said}"
    tests = "1 earlier test" if belief.tests == 1 else f"{belief.tests} earlier tests"
    return f"relative lift: the playbook and {tests} say {said}"


def confidence(leak: Leak, belief: Belief) -> Figure:
    """P(lift > the smallest worth having) × (1 − relative half-width of the reach)."""
    likely = float(ndtr((belief.mean - WORTH_HAVING) / belief.sd))
    return Figure(
        value=likely * max(0.0, 1 - _reach_error(leak)),
        origin=f"chance that the lift is above {WORTH_HAVING:.0%}: {likely:.0%}; "
        f"reach known to ± {_reach_error(leak):.0%}".replace("%", " %"),
    )


def scored(idea: Idea, leak: Leak, belief: Belief) -> Idea:
    """The idea with its overrides applied, its score, and the 90 % interval that lift and reach leave it.

    The interval propagates a grid of normal quantiles, so it is the same on every machine.
    """
    figures = {name: _overridden(idea, name) for name in FIELDS}
    reach, impact, sure, effort = (figures[name].value for name in FIELDS)
    grid = ndtri((np.arange(_DRAWS) + 0.5) / _DRAWS)
    lift = impact + (0.0 if figures["impact"].overridden else belief.sd) * grid
    spread = 0.0 if figures["reach"].overridden else _reach_error(leak) / 1.96
    people = reach * (1 + spread * grid[(np.arange(_DRAWS) * 127) % _DRAWS])
    low, high = np.quantile(people * lift * sure / effort, [0.05, 0.95])
    return msgspec.structs.replace(
        idea,
        **figures,
        score=reach * impact * sure / effort,
        score_low=float(low),
        score_high=float(high),
    )


def override(idea: Idea, field: str, value: float | None) -> dict[str, float]:
    """The overrides with `field` set to `value` (taken back if None); BadInput if out of range."""
    if field not in FIELDS:
        raise BadInput(f"{field!r} cannot be overridden; it must be one of {', '.join(FIELDS)}")
    left = {name: set_ for name, set_ in idea.overrides.items() if name != field}
    if value is None:
        return left
    low, high = {"reach": (0, 1e10), "impact": (-1, 10), "confidence": (0, 1), "effort": (0.01, 1e4)}[field]
    if not low <= value <= high:
        raise BadInput(f"{field} is {value:g}; it must be between {low:g} and {high:g}")
    return left | {field: value}


def ranked(ideas: Iterable[Idea]) -> list[Idea]:
    """Best first; ideas that were dropped or are done last."""
    return sorted(ideas, key=lambda idea: (idea.status in ("dropped", "done"), -idea.score, idea.key))


def journey_position(leak: Leak, steps: tuple[str, ...]) -> int:
    """The index of the leak's step in the journey (0 if the journey has changed)."""
    return steps.index(leak.step) if leak.step in steps else 0


def _overridden(idea: Idea, name: str) -> Figure:
    figure: Figure = getattr(idea, name)
    if name in idea.overrides:
        return Figure(value=idea.overrides[name], origin="set by you", overridden=True)
    return figure


def _reach_error(leak: Leak) -> float:
    return 1.96 / sqrt(max(leak.people, 1))
