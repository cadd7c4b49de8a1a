"""Leaks: slices of a step where fewer go on than comparable people do, with few false alarms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from volano.domain.durations import DAY
from volano.domain.leak import WEEKS_PER_QUARTER, Leak
from volano.maths.columns import Bools, Ints
from volano.maths.hashing import hash63
from volano.maths.logistic import Floats
from volano.maths.multiplicity import benjamini_hochberg
from volano.plan.expected import (
    PLACEHOLDERS,
    Estimate,
    Ground,
    Step,
    beyond_parents,
    estimate,
    steps_of,
    surprises,
)
from volano.plan.reached import JourneyTally

ALPHA = 0.05  # false-discovery rate over everything tested in a run
LEAST_PEOPLE = 100
LEAST_EXPECTED = 10  # who go on, and who do not
LEAST_INFORMATION = 5.0  # what the other columns leave of a slice; below it has no say of its own
VALUES = 12  # per dimension; the rest is "(other)"
MOST_PER_STEP = 10
REVIEW_AFTER = 90 * DAY
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakRun:
    """What a search found: leaks (most orders lost first), how many slices × steps were tested, and for
    each step `name`, `people` and the `share` of the step before that came."""

    leaks: tuple[Leak, ...]
    tested: int
    steps: tuple[dict[str, Any], ...]


def find(tally: JourneyTally, *, now: int) -> list[Leak]:
    """The leaks of a journey, the one that loses most orders a week first."""
    return list(search(tally, now=now).leaks)


def search(tally: JourneyTally, *, now: int, alpha: float = ALPHA) -> LeakRun:
    """Test every slice (single values, pairs of values) at every step, and keep what explains the rest.

    One-sided score tests in a logistic model of the cells; Benjamini–Hochberg at `alpha` over all of
    them. The slice that stands out most becomes known to its step's model and the others are tested
    anew, until none stands out: a parent stays only if something is left after its child, and a child
    only if it explains more than its parents. What goes on unusually *often* is made known in the same
    way, so that nobody else is blamed for it, and is not reported.
    """
    capped = tally.capped(VALUES)
    ground, steps = Ground.of(capped), steps_of(capped)
    board = _Board.of(ground, steps)
    chosen = _selected(board, alpha)
    z = _given(board, chosen)
    q = benjamini_hochberg(ndtr(z))
    leaks = [
        _leak(board, capped, test, (z[test], q[test], now), [other for other in chosen if other != test])
        for test in chosen
        if q[test] <= alpha and z[test] < 0
    ]
    leaks.sort(key=lambda leak: -leak.lost_orders_per_week)
    return LeakRun(leaks=tuple(leaks), tested=len(z), steps=tuple(_arrivals(tally)))


def _arrivals(tally: JourneyTally) -> Iterable[dict[str, Any]]:
    before = None
    for step in tally.steps:
        share = 1.0 if before is None else step["people"] / before if before else 0.0
        yield {**step, "share": share}
        before = step["people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Board:
    """Every slice × step that is tested, as parallel arrays, with z before anything is known."""

    ground: Ground
    steps: list[Step]
    step: Ints
    group: Ints
    level: Ints
    z: Floats

    @staticmethod
    def of(ground: Ground, steps: list[Step]) -> _Board:
        """Test all slices that are large enough to be tested."""
        parts = []
        for s, step in enumerate(steps):
            if not step.people.any():
                continue
            for g, scores in enumerate(surprises(ground, step, [], range(len(ground.groups)))):
                group = ground.groups[g]
                people = np.bincount(group.codes, step.people, len(group.labels))
                enough = (people >= LEAST_PEOPLE) & (scores.information >= LEAST_INFORMATION)
                enough &= (scores.expected >= LEAST_EXPECTED) & (people - scores.expected >= LEAST_EXPECTED)
                enough &= [PLACEHOLDERS.isdisjoint(label) for label in group.labels]
                levels = np.flatnonzero(enough)
                head = np.full(len(levels), s), np.full(len(levels), g)
                parts.append((*head, levels, scores.z[levels]))
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return _Board(ground=ground, steps=steps, step=none, group=none, level=none, z=np.zeros(0))
        step_, group_, level_, z = (np.concatenate(column) for column in zip(*parts, strict=True))
        return _Board(ground=ground, steps=steps, step=step_, group=group_, level=level_, z=z)

    def mask(self, test: int) -> Bools:
        """The cells of the test's slice."""
        return np.asarray(self.ground.groups[self.group[test]].codes == self.level[test])

    def values(self, test: int) -> dict[str, str]:
        """The test's slice: dimension → value."""
        group = self.ground.groups[self.group[test]]
        return dict(zip(group.names, group.labels[self.level[test]], strict=True))


def _selected(board: _Board, alpha: float) -> list[int]:
    """The tests that together explain a step, found forwards with a look back after each."""
    z, chosen = board.z, list[int]()
    barred = np.zeros(len(z), dtype=bool)  # made superfluous, or no more than the parents
    while True:
        stands_out = _significant(z, alpha) & ~barred
        stands_out[chosen] = False
        for s in range(len(board.steps)):
            if sum(board.step[test] == s for test in chosen) >= MOST_PER_STEP:
                stands_out &= board.step != s
        if not stands_out.any():
            return chosen
        size = np.where(z < 0, 1.01, 1.0) * np.abs(z)  # of two mirror images, the loss
        best = int(np.argmax(np.where(stands_out, size, 0)))
        if not _more_than_parents(board, best, chosen):
            barred[best] = True
            continue
        chosen.append(best)
        z = _retested(board, chosen, int(board.step[best]), z)
        while superfluous := [test for test in chosen if not _significant(z, alpha)[test]]:
            weakest = min(superfluous, key=lambda test: abs(z[test]))
            chosen.remove(weakest)
            barred[weakest] = True
            z = _retested(board, chosen, int(board.step[weakest]), z)


def _more_than_parents(board: _Board, test: int, chosen: list[int]) -> bool:
    """Whether a pair says something that its two values do not say; a single value always does."""
    group = board.ground.groups[board.group[test]]
    if len(group.names) == 1:
        return True
    s = int(board.step[test])
    known = [board.mask(other) for other in chosen if board.step[other] == s]
    z = beyond_parents(board.ground, board.steps[s], known, (group, int(board.level[test])))
    return bool(z * np.sign(board.z[test]) >= _Z95)


def _significant(z: Floats, alpha: float) -> Bools:
    """Which stand out, downwards or upwards; each direction is a family of its own."""
    return np.asarray((benjamini_hochberg(ndtr(z)) <= alpha) | (benjamini_hochberg(ndtr(-z)) <= alpha))


def _given(board: _Board, chosen: list[int]) -> Floats:
    z = board.z
    for s in sorted({int(board.step[test]) for test in chosen}):
        z = _retested(board, chosen, s, z)
    return z


def _retested(board: _Board, chosen: list[int], s: int, z: Floats) -> Floats:
    """z with the tests of step `s` made anew: each given all chosen there (but itself)."""
    here = [test for test in chosen if board.step[test] == s]
    tests = np.flatnonzero(board.step == s)
    after = z.copy()
    after[tests] = _tested(board, tests, here)
    for test in here:
        after[test] = _tested(board, np.array([test]), [other for other in here if other != test])[0]
    return after


def _tested(board: _Board, tests: Ints, known: list[int]) -> Floats:
    step = board.steps[int(board.step[tests[0]])]
    groups = np.unique(board.group[tests])
    found = surprises(board.ground, step, [board.mask(test) for test in known], groups.tolist())
    z = np.zeros(len(tests))
    for g, scores in zip(groups, found, strict=True):
        own = board.group[tests] == g
        levels = board.level[tests[own]]
        z[own] = np.where(scores.information[levels] >= LEAST_INFORMATION, scores.z[levels], 0.0)
    return z


def _leak(
    board: _Board, tally: JourneyTally, test: int, found: tuple[float, float, int], others: list[int]
) -> Leak:
    z, q, now = found
    s = int(board.step[test])
    inside, beside = board.mask(test), [board.mask(o) for o in others if board.step[o] == s]
    known = [(mask, not (mask & ~inside).any()) for mask in beside]
    group = board.ground.groups[board.group[test]]
    seen = estimate(board.ground, board.steps[s], group, int(board.level[test]), known)
    return _told(seen, tally, s, board.values(test), (z, q, now))


def _told(
    seen: Estimate, tally: JourneyTally, s: int, values: dict[str, str], found: tuple[float, float, int]
) -> Leak:
    z, q, now = found
    per_week = seen.people / tally.weeks
    value, currency = tally.order_value
    lost = seen.gap * per_week * seen.worth
    lost_se = per_week * float(np.hypot(seen.worth * seen.gap_se, seen.gap * seen.worth_se))
    return Leak(
        key=leak_key(tally.names[s], values),
        step=tally.names[s],
        next_step=tally.names[s + 1],
        slice=values,
        people=round(seen.people),
        went_on=round(seen.went_on),
        expected=seen.expected,
        observed=seen.observed,
        gap=seen.gap,
        gap_low=max(seen.gap - _Z95 * seen.gap_se, -1.0),
        gap_high=min(seen.gap + _Z95 * seen.gap_se, 1.0),
        reach=per_week * WEEKS_PER_QUARTER,
        lost_orders_per_week=lost,
        lost_orders_low=lost - _Z95 * lost_se,
        lost_orders_high=lost + _Z95 * lost_se,
        lost_money_per_week=lost * value,
        currency=currency,
        p_value=float(ndtr(z)),
        q_value=float(q),
        order_share=seen.arrived / seen.people,
        people_per_week=per_week,
        found_at=now,
        review_by=now + REVIEW_AFTER,
    )


def leak_key(step: str, values: dict[str, str]) -> str:
    """The name of a leak for ever: a short hash of its step and slice.

    >>> leak_key("Checkout Started", {"device": "iphone"})
    '261a3fbf37a0'
    """
    slice_ = "|".join(f"{name}={value}" for name, value in sorted(values.items()))
    return f"{hash63(f'{step}|{slice_}'):016x}"[:12]
