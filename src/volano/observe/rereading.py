"""The past under other names: rows of events as they would be had they come today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import EXPERIMENT_VIEWED, ORDER_COMPLETED
from volano.domain.naming import Naming
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS, EXPOSURES, IMPORT, ORDER_LINES, imported
from volano.maths.columns import integers
from volano.maths.hashing import hash63
from volano.observe.event_facts import object_in
from volano.observe.identity import line_row, order_row
from volano.observe.naming import Names
from volano.observe.orders import LINES_LIMIT, Shopped
from volano.observe.rows import HEAD, LINED, Head, Told, exposure, lines, told_by

_UNNAMED = Names()
_AFRESH = ("id", "event", "told", "campaign", "variant", *Shopped._fields)  # the columns that names decide
_Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Orders:
    """Order rows as (order's row id, UTC µs, row id, whether a naming made it one), of some blocks."""

    told: tuple[tuple[int, int, int, bool], ...] = ()

    def __add__(self, other: Orders) -> Orders:
        return Orders(self.told + other.told)

    def repeats(self) -> frozenset[int]:
        """The ids of rows that tell an order which another row tells already.

        One that tells it in the standard word counts first, then the earliest.
        """
        first: dict[int, int] = {}
        again = set()
        for order, _, row, named in sorted(self.told, key=lambda one: (one[0], one[3], one[1], one[2])):
            if first.setdefault(order, row) != row and named:
                again.add(row)
        return frozenset(again)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersTold:
    """Finds the orders in a block of events with the columns `COLUMNS`, under the names of the house.

    Only events of `naming` are read again (None: of all); others, and those of imports, tell what they told.
    """

    names: Names
    currency: str
    naming: Naming | None = None

    COLUMNS = ("id", "origin", "event", "told", "order_id", "properties", "left_out")

    def __call__(self, block: pa.Table) -> Orders:
        columns = (block[name].to_pylist() for name in self.COLUMNS)
        found = []
        times = integers(block["time"]).tolist()
        for time, row, origin, event, told, order_id, text, cut in zip(times, *columns, strict=True):
            came, named = told or event, False
            says = (event, order_id)
            if self._again(origin or "", came):
                named = self.names.of(origin, came) is not None
                said = told_by(origin, came, object_in(text), self.names, self.currency)
                says = (said.event, _shopped(said, event, Shopped(order_id=order_id), cut).order_id)
            if says[0] == ORDER_COMPLETED and says[1]:
                found.append((order_row(says[1]), time, row, named))
        return Orders(tuple(found))

    def _again(self, origin: str, came: str) -> bool:
        about = self.naming
        if about is not None and (came != about.event or about.source not in ("", origin)):
            return False
        return not origin.startswith(IMPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """Rows of events under the names of the house, with the rows that they have in other tables.

    `repeats` are rows that keep the name they came with, because another row tells the same order. An
    order's row takes the id of the order, so that nobody tells it again; what is none any more gets one of
    its own. Properties beyond 8 KB were not kept, so they cannot be read again: an order that lacks some, and
    is one still, keeps its money and its lines. Rows of imports stay as they are: their file said in its
    columns, and not in properties, what they tell.
    """

    names: Names
    currency: str
    repeats: frozenset[int] = frozenset()

    def __call__(self, events: pa.Table) -> Rewritten:
        stays = imported(events["origin"])
        stay, events = events.filter(stays), events.filter(pc.invert(stays))
        found: _Rows = {"order_lines": [], "exposures": []}
        gone: dict[str, list[int]] = {"order_lines": [], "exposures": []}
        fresh: list[tuple[Any, ...]] = []
        heads = zip(*(_values(events, name) for name in HEAD), strict=True)
        shown = zip(*(events[name].to_pylist() for name in Shopped._fields), strict=True)
        rest = (events[name].to_pylist() for name in ("event", "told", "properties", "left_out", "bot"))
        for head, before, event, told, text, cut, bot in zip(heads, shown, *rest, strict=True):
            names, stood = _UNNAMED if head[2] in self.repeats else self.names, Shopped(*before)
            said = told_by(head[5], told or event, object_in(text), names, self.currency)
            said = said._replace(shopped=_shopped(said, event, stood, cut))
            row = _row(head[2], stood.order_id, said)
            fresh.append((row, said.event, said.told, said.campaign, said.variant, *said.shopped))
            gone["exposures"] += [head[2]] if event == EXPERIMENT_VIEWED else []
            self._exposed(found, said, (*head[:2], row, *head[3:]), bot)
            if not (cut and said.event == event):
                gone["order_lines"] += _lines_before(head[2], event, text, cut)
                found["order_lines"] += lines(said, (*head[:2], row, *head[3:]), self.currency)
        tables = {name: _table(name, rows) for name, rows in found.items() if rows}
        drop = {name: ids for name, ids in gone.items() if ids}
        whole = pa.concat_tables([stay, _replaced(events, fresh)])
        return Rewritten(rows={"events": whole, **tables}, drop=drop)

    @staticmethod
    def _exposed(found: _Rows, said: Told, head: Head, bot: str | None) -> None:
        shown = exposure(said) if bot is None else None
        if shown is not None:
            found["exposures"].append((*head, *shown, head[2]))


def _shopped(said: Told, event: str, stood: Shopped, cut: int | None) -> Shopped:
    """What a row tells of an order and a product: what it told as it came, where that was left out since."""
    if not cut or said.event != event:
        return said.shopped
    if event in LINED:
        return stood
    return Shopped._make(old if new is None else new for old, new in zip(stood, said.shopped, strict=True))


def _row(row: int, order_id: str | None, said: Told) -> int:
    """The id of a row: an order's, where it is one; else its own, or another if it was an order's."""
    if said.event == ORDER_COMPLETED and said.shopped.order_id:
        return order_row(said.shopped.order_id)
    return own_row(row) if order_id and row == order_row(order_id) else row


def own_row(row: int) -> int:
    """The id of a row whose id was that of the order it told."""
    return hash63(f"n:{row}")


def _lines_before(row: int, event: str, properties: str | None, cut: int | None) -> list[int]:
    """The ids that the lines of an order can have had: no more than it has entries in any of its lists."""
    if event not in LINED:
        return []
    most = LINES_LIMIT if cut else min(LINES_LIMIT, max(1, _longest(object_in(properties))))
    return [line_row(row, number) for number in range(most)]


def _longest(value: Any, depth: int = 3) -> int:
    if isinstance(value, list):
        return len(value)
    if not isinstance(value, Mapping) or not depth:
        return 0
    return max((_longest(one, depth - 1) for one in value.values()), default=0)


def _values(events: pa.Table, name: str) -> Any:
    column = events[name]
    return integers(column).tolist() if name == "time" else column.to_pylist()


def _replaced(events: pa.Table, fresh: list[tuple[Any, ...]]) -> pa.Table:
    columns = dict(zip(_AFRESH, zip(*fresh, strict=True), strict=True)) if fresh else {}
    for name, values in columns.items():
        kind = EVENTS.field(name).type
        events = events.set_column(events.column_names.index(name), name, pa.array(values, kind))
    return events


def _table(name: str, rows: list[tuple[Any, ...]]) -> pa.Table:
    schema = {"order_lines": ORDER_LINES, "exposures": EXPOSURES}[name]
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
