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
    aging: dict[str, set[int]] = {}  # by anchor: how long after it (µs) a test turns
    past: dict[str, Callable[[Done, int], int | None]] = {}
    for leaf in (leaf for tree in trees for leaf in leaves(tree)):
        match leaf:
            case At(field, test) if field in timed:
                unit, anchor = timed[field]
                aging.setdefault(anchor, set()).update(bound * unit for bound in _turning(test))
            case Did():
                past[repr(leaf)] = _did(leaf)
            case Chain():
                past[repr(leaf)] = _chain(leaf)
    ages = [(anchor, sorted(turning)) for anchor, turning in aging.items() if turning]
    watched = list(past.values())

    def first(facts: Facts, now: int) -> int | None:
        found: int | None = None
        for anchor, turning in ages:
            since = facts.get(anchor)
            if since and (place := bisect_right(turning, now - since)) < len(turning):
                at = since + turning[place]
                if found is None or at < found:
                    found = at
        if watched:
            done = facts.get(DONE) or {}
            for turns in watched:
                told = turns(done, now)
                if told is not None and (found is None or told < found):
                    found = told
        return found

    return first


def _turning(test: Test) -> list[int]:
    """The ages, ascending, at which a test on a fact that grows by one each unit turns.

    It can do so only at its constants and right after them.
    """
    holds = check(test)
    bounds = {floor(number) + more for number in _numbers(test) for more in (0, 1)}
    return [bound for bound in sorted(bounds) if holds(bound) != holds(bound - 1)]


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
