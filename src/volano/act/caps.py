"""The cap of a campaign: from the visits in which somebody was given it, whether one more may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from volano.domain.campaign import Cap
from volano.domain.durations import DAY
from volano.domain.visit import GAP
from volano.maths.columns import integers, texts

Visits = tuple[int, ...]  # the last moment (UTC µs) of each visit in which it was given, ascending
COLUMNS = ("campaign", "round")  # of decisions, that `visits_of` needs


def one_more(cap: Cap, visits: Visits, *, now: int) -> tuple[bool, Visits]:
    """Whether the campaign may be given now, and the visits that count from then on.

    A visit goes on while it is given again within GAP, and counts until `days` after it was last given.
    Moments that a clock now set back has not reached yet count as if they were now: so nobody is free at
    once, and nobody is locked out for longer than those days.

    >>> cap = Cap(times=1, days=7)
    >>> one_more(cap, (), now=DAY)[0], one_more(cap, (DAY,), now=DAY + GAP)[0]
    (True, True)
    >>> one_more(cap, (DAY,), now=2 * DAY)[0], one_more(cap, (DAY,), now=8 * DAY)[0]
    (False, True)
    """
    if visits and abs(now - visits[-1]) <= GAP:
        return True, (*visits[:-1], max(visits[-1], now))
    left = tuple(min(one, now) for one in visits if one > now - cap.days * DAY)
    return (True, (*left, now)) if len(left) < cap.times else (False, left)


def as_one(parts: Iterable[Sequence[int]]) -> Visits:
    """What was counted of several who are one person: visits of two within GAP are one.

    >>> as_one([(0, DAY), (GAP, 2 * DAY)]) == (GAP, DAY, 2 * DAY)
    True
    """
    told = [tuple(part) for part in parts if part]
    if len(told) < 2:
        return told[0] if told else ()
    found: list[int] = []
    for at in sorted(chain.from_iterable(told)):
        if found and at - found[-1] <= GAP:
            found[-1] = at
        else:
            found.append(at)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Given:
    """Visits in which people were given campaigns: `person_id campaign round time`, a row each; it adds.

    Those of a person, a campaign and a round lie together, the earliest first.
    """

    rows: pa.Table

    def __add__(self, other: Given) -> Given:
        return Given(pa.concat_tables([self.rows, other.rows]))


def visits_of(decisions: pa.Table) -> Given:
    """The visits of a block of decisions, the last moment of each: what `one_more` would have counted."""
    person, time, number = (integers(decisions[name]) for name in ("person_id", "time", "round"))
    campaign = texts(decisions["campaign"]).codes
    order = np.lexsort((time, number, campaign, person))
    goes_on = np.diff(time[order]) <= GAP
    for key in (person, campaign, number):
        goes_on &= np.diff(key[order]) == 0
    ends = order[np.append(~goes_on, True)] if len(order) else order
    return Given(decisions.select(["person_id", "campaign", "round", "time"]).take(pa.array(ends)))
