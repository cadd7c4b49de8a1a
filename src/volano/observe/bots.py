"""Who goes from page to page faster than people can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.durations import SECOND
from volano.domain.event import PAGE_VIEWED, SCREEN_VIEWED
from volano.domain.view import View
from volano.maths.columns import Bools, Ints, integers, texts

VIEWS = 30  # pages seen by one identity …
WITHIN = 10 * SECOND  # … within so long are more than a person can, even one who restores many tabs
SPEED = "speed"
T = TypeVar("T")
_PAGES = (PAGE_VIEWED, SCREEN_VIEWED)


def too_fast(who: Ints, time: Ints, page: Bools, *, views: int = VIEWS, within: int = WITHIN) -> Bools:
    """Which rows belong to a run of more than `views` pages of one identity within `within` µs.

    Rows are sorted by (who, time); `page` says which are page views. Rows between the pages of a run belong
    to it as well. Pages that are all of one instant are no run: their times are those of a file by the day.
    """
    fast = np.zeros(len(who) + 1, dtype=np.int64)
    rows = np.flatnonzero(page)
    if len(rows) > views:
        first, last = rows[:-views], rows[views:]
        took = time[last] - time[first]
        runs = (who[first] == who[last]) & (took > 0) & (took <= within)
        np.add.at(fast, first[runs], 1)
        np.add.at(fast, last[runs] + 1, -1)
    return np.cumsum(fast)[:-1] > 0


def slow(block: pa.Table) -> pa.Table:
    """The block (whole people, by person and time) without the rows of runs that are too fast."""
    fast = too_fast(integers(block["person_id"]), integers(block["time"]), _pages(block["event"]))
    return block.filter(pa.array(~fast)) if fast.any() else block


@dataclass(frozen=True, slots=True)
class Slowly(Generic[T]):
    """Counts blocks of `view` by `count`, without the rows of runs that are too fast.

    A run that came in over several drains was not seen whole by any of them. `count` gets page views, too.
    """

    count: Callable[[pa.Table], T]

    def __call__(self, block: pa.Table) -> T:
        return self.count(slow(block))

    @staticmethod
    def view(view: View) -> View:
        """The view with the rows by which one can tell."""
        only = tuple(
            (name, tuple(sorted({*wanted, *_PAGES})) if name == "event" else wanted)
            for name, wanted in view.only
        )
        return changed(view, columns=tuple(dict.fromkeys((*view.columns, "event"))), only=only)


def with_speed(events: pa.Table) -> pa.Table:
    """Rows of `events`, in any order, with `bot` set where one identity is too fast for a person."""
    if events.num_rows <= VIEWS:
        return events
    who, time, page = integers(events["identity"]), integers(events["time"]), _pages(events["event"])
    if int(page.sum()) <= VIEWS:
        return events
    order = np.lexsort((time, who))
    fast = np.zeros(events.num_rows, dtype=bool)
    fast[order] = too_fast(who[order], time[order], page[order])
    if not fast.any():
        return events
    bot = events["bot"]
    told = pc.if_else(pc.and_(pa.array(fast), pc.is_null(bot)), pa.scalar(SPEED, bot.type), bot)
    return events.set_column(events.column_names.index("bot"), "bot", told)


def _pages(event: pa.ChunkedArray) -> Bools:
    return texts(event).among(_PAGES)
