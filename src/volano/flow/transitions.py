"""The RFM types and who moved where since a date, from the lake."""

from __future__ import annotations

from functools import partial

import msgspec

from volano.domain.rfm import TYPES
from volano.errors import BadInput
from volano.flow.shop import PEOPLE, Lens
from volano.observe.transitions import NO_ORDER, VIEW, Movers, Transitions, movers, transitions
from volano.ports import Lake

BEFORE = (*TYPES, NO_ORDER)


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
    people = tuple(tuple(found.of(before, after) for after in TYPES) for before in BEFORE)
    return TransitionView(since=since, now=now, rows=BEFORE, columns=TYPES, people=people)


def who_moved(
    lake: Lake, move: tuple[str, str], *, since: int, now: int, lens: Lens = PEOPLE
) -> tuple[int, ...]:
    """The people (ascending) who were of one type at `since` and are of another now, or stayed."""
    before, after = move
    if before not in BEFORE or after not in TYPES:
        raise BadInput(f"nobody goes from {before!r} to {after!r}; the types are {', '.join(BEFORE)}")
    bounds, currency = lens.shop.rfm, lens.shop.currency
    look = partial(movers, move=move, since=since, now=now, currency=currency, bounds=bounds)
    return tuple(sorted((lake.tally(lens.on(VIEW), look) or Movers()).people))
