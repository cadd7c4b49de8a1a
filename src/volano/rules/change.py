"""When time alone may change what a rule says of a person."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from math import floor
from typing import Any, NamedTuple

from volano.rules.check import check
from volano.rules.compile import DONE, Facts
from volano.rules.nodes import FOREVER, At, Chain, Did, Test, Window, compares, leaves
from volano.rules.past import Done, Moment, chains
from volano.rules.tree import parse

NEVER = 2**62  # UTC µs after everything

Change = Callable[[Facts, int], int | None]


class Timed(NamedTuple):
    """A fact that grows with time: the whole units (µs) since a moment.

    The fact `anchor` holds that moment (UTC µs); where it is missing or 0, the fact is missing, too.
    """

    unit: int
    anchor: str


def next_change(rule: Any, facts: Facts, now: int, timed: Mapping[str, Timed]) -> int | None:
    """The first moment after `now` (UTC µs) at which a test of the rule turns round without an event.

    The rule itself says the same until then, and perhaps longer. None where time changes nothing.

    >>> day = 86_400_000_000
    >>> lapsing = {"days_since_order": {"$gte": 14, "$lt": 60}}
    >>> timed = {"days_since_order": Timed(day, "last_order")}
    >>> next_change(lapsing, {"last_order": 5}, 5 + 2 * day, timed) == 5 + 14 * day
    True
    """
    return compile_changes([parse(rule)], timed)(facts, now)


def compile_changes(trees: Iterable[Test], timed: Mapping[str, Timed]) -> Change:
    """The same for many rules at once; what they have in common is looked at once."""
    found: dict[str, Change] = {}
    for tree in trees:
        for leaf in leaves(tree):
            change = _change(leaf, timed)
            if change is not None:
                found[repr(leaf)] = change
    changes = list(found.values())

    def first(facts: Facts, now: int) -> int | None:
        return min((at for change in changes if (at := change(facts, now)) is not None), default=None)

    return first


def _change(leaf: At | Did | Chain, timed: Mapping[str, Timed]) -> Change | None:
    match leaf:
        case At(field, test) if field in timed:
            return _aging(test, timed[field])
        case Did():
            turns = _did(leaf)
            return lambda facts, now: turns(facts.get(DONE) or {}, now)
        case Chain():
            chained = _chain(leaf)
            return lambda facts, now: chained(facts.get(DONE) or {}, now)
    return None


def _aging(test: Test, how: Timed) -> Change:
    """A test on a fact that grows by one each unit can turn only at its constants and right after them."""
    holds = check(test)
    bounds = {floor(number) + more for number in _numbers(test) for more in (0, 1)}
    steps = [(bound, holds(bound)) for bound in sorted(bounds)]
    unit, anchor = how

    def turns(facts: Facts, now: int) -> int | None:
        since = facts.get(anchor)
        if not since:
            return None
        age = (now - since) // unit
        before = holds(age)
        for bound, after in steps:
            if bound > age and after != before:
                return int(since + bound * unit)
        return None

    return turns


def _numbers(test: Test) -> list[float]:
    found: list[float] = []
    for one in compares(test):
        constants: Sequence[Any] = one.constant if isinstance(one.constant, tuple) else [one.constant]
        found += [each for each in constants if isinstance(each, int | float) and not isinstance(each, bool)]
    return found


def _did(test: Did) -> Callable[[Done, int], int | None]:
    key, window = test.condition.key, test.condition.window
    count = None if test.count is None else check(test.count)
    total = None if test.total is None else check(test.total)

    def turns(done: Done, now: int) -> int | None:
        moments = done.get(key)
        if not moments:
            return None
        times = [time for time, _, _ in moments]
        sums = [0, *accumulate(amount for _, _, amount in moments)]

        def holds(then: int) -> bool:
            low, high = bisect_left(times, window.start(then)), bisect_right(times, then)
            often = count is None or count(max(high - low, 0))
            return often and (total is None or total(sums[max(high, low)] - sums[low]))

        before = holds(now)
        return next((at for at in _edges(moments, window, now) if holds(at) != before), None)

    return turns


def _edges(moments: Sequence[Moment], window: Window, now: int) -> list[int]:
    """The moments at which something begins or ceases to count, ascending."""
    found = {time for time, _, _ in moments if time > now}
    if window.within is not None:
        found |= {time + window.within for time, _, _ in moments if time + window.within > now}
    return sorted(found)


def _chain(test: Chain) -> Callable[[Done, int], int | None]:
    keys, window = [step.key for step in test.steps], test.steps[0].window
    low = FOREVER if window.since is None else window.since

    def turns(done: Done, now: int) -> int | None:
        lists = [[one for one in done.get(key, ()) if one[0] >= low] for key in keys]
        until = None  # the end of the time, beginning now, in which the sequence holds
        for end, start in chains(lists, test.span) if all(lists) else []:
            stop = NEVER if window.within is None else start + window.within
            if stop <= max(end, now):
                continue
            if until is None and end > now:
                return end
            if until is not None and end > until:
                break
            until = max(until or stop, stop)
        return None if until == NEVER else until

    return turns
