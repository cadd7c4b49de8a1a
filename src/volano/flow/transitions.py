"""The RFM types and who moved where since a date, from the lake."""

from __future__ import annotations

from functools import partial

import msgspec

from volano.domain.rfm import TYPES
from volano.flow.shop import PEOPLE, Lens
from volano.observe.transitions import NO_ORDER, VIEW, Transitions, transitions
from volano.ports import Lake


class TransitionView(msgspec.Struct, frozen=True, kw_only=True):
    """People by type at `since` (a row each, who had not ordered last) and now (a column each)."""

    since: int
    now: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    people: tuple[tuple[int, ...], ...]


def transition_view(lake: Lake, *, since: int, now: int, lens: Lens = PEOPLE) -> TransitionView:
    """Who moved where from `since` to `now` (UTC µs)."""
    count = partial(transitions, since=since, now=now, currency=lens.shop.currency, bounds=lens.shop.rfm)
    found = lake.tally(lens.on(VIEW), count) or Transitions()
    rows = (*TYPES, NO_ORDER)
    people = tuple(tuple(found.of(before, after) for after in TYPES) for before in rows)
    return TransitionView(since=since, now=now, rows=rows, columns=TYPES, people=people)
