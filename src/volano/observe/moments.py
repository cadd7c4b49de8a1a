"""What people did, as far as rules remember it: the moments of each condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.view import View
from volano.maths.columns import integers, texts_or_null
from volano.observe.event_facts import amounts, columns_of, fitting, names_of
from volano.rules.history import REMEMBERED
from volano.rules.nodes import Condition
from volano.rules.past import Moment

Ints = npt.NDArray[np.int64]
Done = Mapping[str, Sequence[Moment]]

FIRST = "1"  # how the key of a condition begins of which only the earliest moment is kept
_NOTHING = pa.table({name: pa.array([], pa.int64()) for name in ("person_id", "time", "id", "amount")})


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments (`person_id time id amount`) by the key of their condition; they add up.

    A block holds whole people, so the moments of two blocks are those of different people.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)

    def __add__(self, other: Moments) -> Moments:
        keys = {**self.tables, **other.tables}
        return Moments({key: pa.concat_tables([*_some(self, key), *_some(other, key)]) for key in keys})


def view_of(conditions: Sequence[Condition], **bounds: object) -> View:
    """The rows of the lake that can be moments of the conditions, people's doings only.

    >>> view_of([Condition(events=("B", "A"), of="revenue")]).columns
    ('currency', 'event', 'id', 'revenue')
    """
    columns = {"event", "id"}
    for one in conditions:
        columns |= columns_of([*names_of(one.where), *([one.of] if one.of else [])])
    events = {event for one in conditions for event in one.events}
    only = (("event", tuple(sorted(events))),)
    return View(columns=tuple(sorted(columns)), only=only, humans=True, **bounds)  # type: ignore[arg-type]


def moments_of(conditions: Sequence[Condition], now: int) -> partial[Moments]:
    """The tally of a block, for a lake to call."""
    return partial(tally, conditions=tuple(conditions), now=now)


def tally(block: pa.Table, conditions: Sequence[Condition], now: int) -> Moments:
    """The moments in a block of events of the conditions.

    Of each person the latest REMEMBERED in the condition's window at `now` (UTC µs), or the earliest one if
    the condition is on the first time. Rows of robots are not people's doings.
    """
    if "bot" in block.column_names and block["bot"].null_count < block.num_rows:
        block = block.filter(pc.is_null(block["bot"]))
    event = texts_or_null(block, "event")
    found = {}
    for one in conditions:
        rows = np.flatnonzero(event.among(one.events))
        if len(rows):
            table = _moments(block.take(rows), one, now)
            if table.num_rows:
                found[one.key] = table
    return Moments(found)


def moments(
    rows: pa.Table, conditions: Sequence[Condition], *, now: int
) -> dict[int, dict[str, list[Moment]]]:
    """The same by person and key, ascending by time and id."""
    return by_person(tally(rows, conditions, now))


def by_person(found: Moments) -> dict[int, dict[str, list[Moment]]]:
    """The moments by person and key, ascending by time and id."""
    people: dict[int, dict[str, list[Moment]]] = {}
    for key, table in found.tables.items():
        columns = [integers(table[name]).tolist() for name in ("person_id", "time", "id", "amount")]
        for person, *moment in zip(*columns, strict=True):
            people.setdefault(person, {}).setdefault(key, []).append((moment[0], moment[1], moment[2]))
    return people


def of_people(found: Moments, low: int, high: int) -> Moments:
    """The moments of the people with ids in [low, high)."""
    parts = {}
    for key, table in found.tables.items():
        people = integers(table["person_id"])
        parts[key] = table.filter(pa.array((people >= low) & (people < high)))
    return Moments(parts)


def united(one: Done, other: Done) -> dict[str, list[Moment]]:
    """The moments of two sets of rows together: each row once, as many as are remembered.

    >>> united({"n1": [(5, 1, 0)], "1a": [(3, 2, 0)]}, {"n1": [(4, 9, 0), (5, 1, 0)], "1a": [(2, 7, 0)]})
    {'n1': [(4, 9, 0), (5, 1, 0)], '1a': [(2, 7, 0)]}
    """
    found = {key: list(moments) for key, moments in one.items()}
    for key, moments in other.items():
        both = {(time, row): amount for time, row, amount in [*found.get(key, ()), *moments]}
        ascending = [(*which, amount) for which, amount in sorted(both.items())]
        found[key] = ascending[:1] if key.startswith(FIRST) else ascending[-REMEMBERED:]
    return found


def pruned(done: Done, conditions: Mapping[str, Condition], now: int) -> dict[str, list[Moment]]:
    """The moments that still count for a condition (by key), or may count once their time has come."""
    found = {}
    for key, moments in done.items():
        condition = conditions.get(key)
        if condition is None:
            continue
        low = condition.window.start(now)
        kept = [one for one in moments if one[0] >= low or condition.first]
        if kept:
            found[key] = kept
    return found


def _some(one: Moments, key: str) -> list[pa.Table]:
    return [one.tables[key]] if key in one.tables else []


def _moments(rows: pa.Table, condition: Condition, now: int) -> pa.Table:
    if condition.where != "{}":
        rows = rows.filter(pa.array(fitting(rows, condition.where)))
    person, time, row = (integers(rows[name]) for name in ("person_id", "time", "id"))
    amount = amounts(rows, condition.of) if condition.of else np.zeros(len(row), np.int64)
    there = np.ones(len(row), np.bool_) if condition.first else time >= condition.window.start(now)
    order = np.lexsort((row, time, person))
    order = order[there[order]]
    if not len(order):
        return _NOTHING
    order = order[_remembered(person[order], 1 if condition.first else REMEMBERED, last=not condition.first)]
    names = {"person_id": person, "time": time, "id": row, "amount": amount}
    return pa.table({name: pa.array(values[order]) for name, values in names.items()})


def _remembered(person: Ints, most: int, *, last: bool) -> npt.NDArray[np.bool_]:
    """Of rows in the order of their persons, the last (or first) ones of each."""
    starts = np.flatnonzero(np.diff(person, prepend=person[0] - 1))
    ends = np.append(starts[1:], len(person))
    sizes = ends - starts
    place = np.arange(len(person)) - np.repeat(starts, sizes)
    found: npt.NDArray[np.bool_] = (np.repeat(sizes, sizes) - place <= most) if last else place < most
    return found
