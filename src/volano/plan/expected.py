"""How many would go on if a slice were like comparable people: the models of one step of a journey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from volano.domain.visit import NONE, UNKNOWN
from volano.maths.columns import Bools, Ints
from volano.maths.logistic import Design, Fit, Floats, Scores, fit, score
from volano.plan.reached import OTHER, VISITS, JourneyTally, reached

VISITOR = "visitor"  # adjusted for, and blamed only together with another dimension
PLACEHOLDERS = frozenset({OTHER, NONE, UNKNOWN})  # adjusted for, never blamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All slices of one dimension, or of a pair: each cell's slice as a code."""

    names: tuple[str, ...]
    codes: Ints
    labels: tuple[tuple[str, ...], ...]  # the values of each slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The cells of a journey as factors: what is blamed and what is only adjusted for.

    `strata` are visits × visitor: who comes more often has more chances to go on, and a returning person
    is another kind of person; neither is anything that a shop could mend.
    """

    factors: dict[str, Ints]
    strata: Ints
    groups: tuple[Group, ...]

    @staticmethod
    def of(tally: JourneyTally) -> Ground:
        """The ground of a (capped) tally."""
        codes = {name: tally.cells[:, d] for d, name in enumerate(tally.by)}
        visits = tally.cells[:, -1]
        strata = codes[VISITOR] * len(VISITS) + visits if VISITOR in codes else visits
        values = dict(zip(tally.by, tally.values, strict=True))
        singles = [name for name in tally.by if name != VISITOR]
        groups = [_group((name,), codes, values) for name in singles]
        groups += [_group(pair, codes, values) for pair in combinations(tally.by, 2)]
        factors = {name: codes[name] for name in singles}
        return Ground(factors=factors, strata=np.unique(strata, return_inverse=True)[1], groups=tuple(groups))


def _group(names: tuple[str, ...], codes: dict[str, Ints], values: dict[str, tuple[str, ...]]) -> Group:
    if len(names) == 1:
        return Group(names=names, codes=codes[names[0]], labels=tuple((v,) for v in values[names[0]]))
    first, second = names
    joint = codes[first] * len(values[second]) + codes[second]
    labels = tuple((a, b) for a in values[first] for b in values[second])
    return Group(names=names, codes=joint, labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step by cell: people at it, those who went on, and those who came to the end."""

    number: int
    people: Floats
    went_on: Floats
    arrived: Floats
    is_last: bool  # the next step is the end


def steps_of(tally: JourneyTally) -> list[Step]:
    """Every step from which people can go on."""
    counts = reached(tally.people).astype(float)
    end = counts.shape[1] - 1
    return [
        Step(
            number=s,
            people=counts[:, s],
            went_on=counts[:, s + 1],
            arrived=counts[:, end],
            is_last=s + 1 == end,
        )
        for s in range(end)
    ]


def design(ground: Ground, without: Sequence[str], known: Sequence[Bools], rows: Bools) -> Design:
    """What people are compared within: strata and every dimension but those named.

    `known` are slices that are already found to differ at this step.
    """
    factors = [codes[rows] for name, codes in ground.factors.items() if name not in without]
    masks = [mask[rows].astype(np.int64) for mask in known]
    return Design.of(int(rows.sum()), ground.strata[rows], *factors, *masks)


def surprises(ground: Ground, step: Step, known: Sequence[Bools], groups: Sequence[int]) -> list[Scores]:
    """The score tests of all slices of these groups: against the rest of the step, with the same mix of
    the dimensions that the slice does not name."""
    rows = step.people > 0
    people, went_on = step.people[rows], step.went_on[rows]
    models: dict[tuple[str, ...], tuple[Design, Fit]] = {}
    found = []
    for g in groups:
        group = ground.groups[g]
        model = tuple(name for name in group.names if name != VISITOR)
        if model not in models:
            columns = design(ground, model, known, rows)
            models[model] = (columns, fit(columns, people, went_on))
        columns, fitted = models[model]
        found.append(score(fitted, columns, people, went_on, group.codes[rows], len(group.labels)))
    return found


def beyond_parents(ground: Ground, step: Step, known: Sequence[Bools], slice_: tuple[Group, int]) -> float:
    """z of a pair within the main effects of all dimensions: does it explain more than its parents?"""
    group, level = slice_
    rows = step.people > 0
    columns = design(ground, (), known, rows)
    fitted = fit(columns, step.people[rows], step.went_on[rows])
    inside = (group.codes[rows] == level).astype(np.int64)
    return float(score(fitted, columns, step.people[rows], step.went_on[rows], inside, 2).z[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Of `people` in a slice `went_on` did; comparable people would with probability `expected`.

    `worth` is the chance that a comparable person who goes on comes to the end. `gap_se` and `worth_se`
    are standard errors by the delta method; that of the gap adds the slice's own binomial variance.
    """

    people: float
    went_on: float
    arrived: float
    expected: float
    gap_se: float
    worth: float
    worth_se: float

    @property
    def observed(self) -> float:
        """The share that went on."""
        return self.went_on / self.people

    @property
    def gap(self) -> float:
        """Expected minus observed share."""
        return self.expected - self.observed


def estimate(
    ground: Ground, step: Step, group: Group, level: int, known: Sequence[tuple[Bools, bool]]
) -> Estimate:
    """The gap of one slice to a model of the rest of its step, predicted on the slice's own mix.

    `known` are the other slices found at this step, and whether each lies within this one; those that do
    are left out of it: their people are told of there.
    """
    inside = group.codes == level
    members = inside & (step.people > 0)
    for mask, within in known:
        if within:
            members &= ~mask
    masks = [mask for mask, within in known if not within]
    rest = ~inside & (step.people > 0)
    both = rest | members
    own = group.names if len(group.names) == 1 else ()  # a pair is compared within its parents
    columns = design(ground, own, masks, both)
    weights = step.people[members]
    total = weights.sum()
    expected, variance = _predicted(columns, both, rest, members, (step.people, step.went_on, weights))
    went_on, arrived = step.went_on[members].sum(), step.arrived[members].sum()
    smoothed = (went_on + 1) / (total + 2)  # keeps the variance of none or all above zero
    worth, worth_variance = 1.0, 0.0
    if not step.is_last:
        counts = (step.went_on, step.arrived, weights)
        worth, worth_variance = _predicted(columns, both, rest, members, counts)
    return Estimate(
        people=float(total),
        went_on=float(went_on),
        arrived=float(arrived),
        expected=expected,
        gap_se=float(np.sqrt(variance + smoothed * (1 - smoothed) / total)),
        worth=worth,
        worth_se=float(np.sqrt(worth_variance)),
    )


def _predicted(
    columns: Design, both: Bools, rest: Bools, members: Bools, counts: tuple[Floats, Floats, Floats]
) -> tuple[float, float]:
    """Mean share predicted for the members by a model of the rest, and its variance."""
    trials, successes, weights = counts
    in_rest, in_members = rest[both], members[both]
    fitted = fit(
        Design(columns.places[in_rest], columns.width), trials[both][in_rest], successes[both][in_rest]
    )
    theirs = Design(columns.places[in_members], columns.width)
    shares = fitted.shares(theirs)
    slope = theirs.total(weights * shares * (1 - shares)) / weights.sum()
    return float(weights @ shares / weights.sum()), float(slope @ fitted.covariance @ slope)
