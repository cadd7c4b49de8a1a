"""How far each person comes on a journey, counted exactly on a block of whole people."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from volano.domain.leak import Journey
from volano.domain.visit import NONE
from volano.maths.columns import Ints, changes, integers, texts, texts_or_null
from volano.plan.reached import JourneyTally, compressed, strata


def count(
    block: pa.Table,
    journey: Journey,
    by: tuple[str, ...] = (),
    *,
    since: int | None = None,
    until: int | None = None,
    first_only: bool = False,
) -> JourneyTally:
    """Each person at the deepest step reached by any chain that set out in [since, until).

    With `first_only` only the chain of a person's first start in that time counts.

    Any event of the first step may start a chain; each later step is strictly later than the one before
    and at most `journey.within` after the start. A person's slice is that of the first start. A
    dimension of `by` is a column of the block or a key of its JSON column `properties`. The block is
    sorted by (person_id, time); with a column `visit`, chances are counted in visits, else in starts.
    """
    walk = _walk(block, journey, since, until, first_only=first_only)
    lead = np.flatnonzero(changes(walk.person)) if len(walk.person) else walk.person
    first = walk.rows[lead]
    depth = np.maximum.reduceat(walk.depth, lead) if len(lead) else walk.depth
    codes, values = [], []
    for name in by:
        column, names = _dimension(block, name, first)
        codes.append(column)
        values.append(names)
    codes.append(strata(_visits(block, walk.rows, lead)))
    cells, which = compressed(codes)
    size = len(journey.steps)
    people = np.bincount(which * size + depth - 1, minlength=len(cells) * size).reshape(-1, size)
    orders, revenue = _money(block, walk)
    return JourneyTally(
        names=journey.steps,
        by=by,
        values=tuple(values),
        cells=cells,
        people=people,
        orders=orders,
        revenue=revenue,
        first=int(walk.time.min(initial=1 << 62)),
        last=int(walk.time.max(initial=-(1 << 62))),
    )


class _Walk(msgspec.Struct, frozen=True):
    """For each start in the order of the block: its row, person, time and depth, and the row where its
    chain ended if it came to the last step (else −1)."""

    rows: Ints
    person: Ints
    time: Ints
    depth: Ints
    end: Ints


def _walk(
    block: pa.Table, journey: Journey, since: int | None, until: int | None, *, first_only: bool
) -> _Walk:
    """Greedily the earliest next step is the best one for a given start, so one pass a step is exact."""
    event = texts(block["event"])
    rows = np.flatnonzero(event.among(journey.steps))
    person, time = integers(block["person_id"])[rows], integers(block["time"])[rows]
    steps, what = [event.code(name) for name in journey.steps], event.codes[rows]
    starts = _within(np.flatnonzero(what == steps[0]), time, since, until)
    if first_only and len(starts):
        starts = starts[changes(person[starts])]
    later = _later(person, time)
    depth = np.ones(len(starts), dtype=np.int64)
    chain, at = np.arange(len(starts)), starts
    for step in steps[1:]:
        where = np.append(np.flatnonzero(what == step), -1)  # −1: there is none any more
        found = where[np.searchsorted(where[:-1], later[at])]
        goes_on = (found >= 0) & (person[found] == person[at])
        goes_on &= time[found] - time[starts[chain]] <= journey.within
        chain, at = chain[goes_on], found[goes_on]
        depth[chain] += 1
    end = np.full(len(starts), -1, dtype=np.int64)
    end[chain] = rows[at]
    return _Walk(rows[starts], person[starts], time[starts], depth, end)


def _within(rows: Ints, time: Ints, since: int | None, until: int | None) -> Ints:
    if since is not None:
        rows = rows[time[rows] >= since]
    return rows if until is None else rows[time[rows] < until]


def _later(person: Ints, time: Ints) -> Ints:
    """For each row, the first row after it of another person or a later time."""
    if not len(person):
        return person
    fresh = changes(person, time)
    bounds = np.append(np.flatnonzero(fresh), len(person))
    return np.asarray(bounds[np.cumsum(fresh)])


def _visits(block: pa.Table, rows: Ints, lead: Ints) -> Ints:
    """How many visits of each person hold a start (starts, if visits are not known)."""
    if not len(lead):
        return lead
    once = np.ones(len(rows), dtype=np.int64)
    if "visit" in block.column_names:
        once = changes(integers(block["visit"])[rows]).astype(np.int64)
    return np.asarray(np.add.reduceat(once, lead))


def _money(block: pa.Table, walk: _Walk) -> tuple[dict[str, int], dict[str, int]]:
    """Orders and revenue by currency, of each person's first chain that reached the last step."""
    done = np.flatnonzero(walk.end >= 0)
    if not len(done) or "revenue" not in block.column_names:
        return {}, {}
    done = done[changes(walk.person[done])]
    rows = walk.end[done]
    revenue = block["revenue"].take(pa.array(rows))
    known = np.asarray(revenue.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    codes, names = texts_or_null(block, "currency").used(rows[known], "")
    amounts = integers(revenue)[known]
    orders = np.bincount(codes, minlength=len(names))
    total = np.zeros(len(names), dtype=np.int64)
    np.add.at(total, codes, amounts)
    return dict(zip(names, orders.tolist(), strict=True)), dict(zip(names, total.tolist(), strict=True))


def _dimension(block: pa.Table, name: str, rows: Ints) -> tuple[Ints, tuple[str, ...]]:
    """The values at `rows` as codes into their sorted names."""
    if name in block.column_names:
        codes, names = texts(block[name]).used(rows, NONE)
    else:
        codes, said = texts_or_null(block, "properties").used(rows, "{}")
        held = [_property(text, name) for text in said]
        return _sorted(codes, held)
    return _sorted(codes, names)


def _sorted(codes: Ints, names: list[str]) -> tuple[Ints, tuple[str, ...]]:
    union = sorted(set(names))
    place = {value: i for i, value in enumerate(union)}
    return np.array([place[value] for value in names], dtype=np.int64)[codes], tuple(union)


def _property(text: str, name: str) -> str:
    """A property in words: texts as they are, all else as JSON.

    >>> _property('{"a": "x", "b": 2.5, "c": null}', "a"), _property('{"b": 2.5}', "b"), _property("[", "b")
    ('x', '2.5', '(none)')
    """
    try:
        value: Any = msgspec.json.decode(text).get(name)
    except (msgspec.DecodeError, AttributeError):
        return NONE
    if value is None:
        return NONE
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def journey_json(tally: JourneyTally, by: tuple[str, ...] = ()) -> dict[str, Any]:
    """What `volano journey --json` says: `steps`, and with `by` a row for each slice, the largest first."""
    whole: dict[str, Any] = {"steps": tally.steps}
    return {**whole, "by": tally.rows(*by)} if by else whole
