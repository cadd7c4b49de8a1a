"""Whether one person did it: the tests on the past, on lists of moments."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence

from volano.rules.check import check
from volano.rules.nodes import Chain, Did

Moment = tuple[int, int, int]  # UTC µs, id of the row, amount in millionths
Done = Mapping[str, Sequence[Moment]]  # by key of a condition, ascending


def past(test: Did | Chain) -> Callable[[Done, int], bool]:
    """The test as a function of what a person did and of now; what lies in the future does not count.

    >>> from volano.rules.tree import parse
    >>> viewed = parse({"$did": {"event": "Product Viewed", "count": {"$gte": 2}, "within": "1d"}})
    >>> key, day = viewed.condition.key, 86_400_000_000
    >>> [past(viewed)({key: [(day, 1, 0), (day + 5, 2, 0)]}, now) for now in (day + 4, day + 5, 2 * day)]
    [False, True, False]
    """
    return _did(test) if isinstance(test, Did) else _chain(test)


def chains(lists: Sequence[Sequence[Moment]], span: int | None) -> list[tuple[int, int]]:
    """How a sequence was done: (the moment of its last step, the latest moment its first step can have).

    >>> chains([[(1, 7, 0), (5, 8, 0)], [(3, 9, 0), (6, 1, 0)]], None)
    [(3, 1), (6, 5)]
    """
    found = [(time, time) for time, _, _ in lists[0]]
    for step in lists[1:]:
        found = [(time, start) for time, _, _ in step if (start := _latest(found, time)) is not None]
    return [(end, start) for end, start in found if span is None or end - start <= span]


def _latest(found: list[tuple[int, int]], before: int) -> int | None:
    """The start of the last of the chains that ended before; both ascend, so it is the latest start."""
    at = bisect_left(found, (before,))
    return found[at - 1][1] if at else None


def _did(test: Did) -> Callable[[Done, int], bool]:
    key, window = test.condition.key, test.condition.window
    count = None if test.count is None else check(test.count)
    total = None if test.total is None else check(test.total)
    never = (count is None or count(0)) and (total is None or total(0))

    def holds(done: Done, now: int) -> bool:
        moments = done.get(key)
        if not moments:
            return never
        low = window.start(now)
        inside = [amount for time, _, amount in moments if low <= time <= now]
        return (count is None or count(len(inside))) and (total is None or total(sum(inside)))

    return holds


def _chain(test: Chain) -> Callable[[Done, int], bool]:
    keys = [step.key for step in test.steps]
    window = test.steps[0].window

    def holds(done: Done, now: int) -> bool:
        low = window.start(now)
        lists = []
        for key in keys:
            every = done.get(key, ())
            inside = every[bisect_left(every, (low,)) : bisect_right(every, (now + 1,))]
            if not inside:
                return False
            lists.append(inside)
        return bool(chains(lists, test.span))

    return holds
