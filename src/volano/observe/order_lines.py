"""Rows of an orders file as order lines, and order lines as the events of their orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED, Refusal
from volano.domain.tables import EVENTS, ORDER_LINES, TIME, imported
from volano.domain.texts import Texts
from volano.maths.occurrence import Occurrences
from volano.observe.claims import lawful, nobody
from volano.observe.columns import each, hashes, hashes_once, prefixed, spelled
from volano.observe.reading import (
    Reading,
    constant,
    field,
    missing,
    moneys,
    named,
    sorted_out,
    stamps,
    times,
)

_TOLD = [field for field in ORDER_LINES if field.name != "event_id"]  # a line comes by itself
LINES = pa.schema([*_TOLD, ("line", pa.int64())])  # with the line of the file, while it is read


def read_lines(rows: Texts, reading: Reading, seen: Occurrences) -> tuple[pa.Table, list[Refusal]]:
    """Order lines (schema LINES) and the rows that are none. `seen` counts equal lines over the file."""
    told, order = field(rows, reading, "person"), field(rows, reading, "order_id")
    person = lawful(told)
    known = prefixed("u:", person)
    identity = hashes_once(known)
    time, no_time = times(rows, reading)
    revenue, currency, no_money = moneys(rows, reading)
    quantity, no_quantity = each(field(rows, reading, "quantity"), _count, pa.int64())
    columns = {
        "person_id": identity,
        "time": stamps(time),
        "id": pa.nulls(len(person), pa.int64()),
        "identity": identity,
        "known_as": known,
        "origin": constant(reading.origin, len(person)),
        "order_id": order,
        "product": field(rows, reading, "product"),
        "quantity": quantity,
        "revenue": revenue,
        "currency": currency,
        "line": pa.array(rows.lines),
    }
    whys = [
        nobody(person, told),
        no_time,
        missing(field(rows, reading, "revenue"), "the revenue is empty"),
        no_money,
        no_quantity,
    ]
    lines, refusals = sorted_out(pa.table(columns, schema=LINES), rows, whys)
    return _with_ids(lines, seen), refusals


def _count(text: str) -> int | None:
    """A whole number; None for a weight or a measure, which is no count."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"{text[:60]!r} is not a quantity") from None
    return int(value) if value.is_integer() and abs(value) < 2**53 else None


def _with_ids(lines: pa.Table, seen: Occurrences) -> pa.Table:
    flat = lines.combine_chunks()
    names = ("known_as", "order_id", "product", "quantity", "revenue", "currency")
    texts = [_array(flat, name) for name in names]
    ids = named(spelled("l", _array(flat, "time").cast(pa.int64()), *texts), seen)
    return flat.set_column(flat.column_names.index("id"), "id", ids)


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def at_odds(lines: pa.Table) -> tuple[pa.Table, list[Refusal]]:
    """Lines that agree with the first of their order on person and currency, and refusals for the others."""
    orders = pc.fill_null(_array(lines, "order_id").dictionary_encode().indices, -1).to_numpy()
    wrong_person = _differs(orders, _array(lines, "person_id").to_numpy())
    wrong_currency = _differs(orders, _array(lines, "currency").dictionary_encode().indices.to_numpy())
    bad = wrong_person | wrong_currency
    if not bad.any():
        return lines, []
    found = []
    for row, who in zip(lines.filter(pa.array(bad)).to_pylist(), wrong_person[bad], strict=True):
        reason = "another person" if who else "another currency"
        sample = f"{row['known_as'][2:]},{row['order_id']},{row['revenue']},{row['currency']}"
        message = f"the first line of order {row['order_id']!r} names {reason}"
        found.append(Refusal(index=row["line"], code="at_odds", message=message, sample=sample))
    return lines.filter(pa.array(~bad)), found


def _differs(orders: Any, values: Any) -> Any:
    """Whether a row differs from the first row of its order; rows without an order do not."""
    import numpy as np

    _, first, place = np.unique(orders, return_index=True, return_inverse=True)
    return (values[first][place] != values) & (orders >= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the lake has: `lines` (id, order_id, origin) and completed `orders` (order_id, origin)."""

    lines: pa.Table
    orders: pa.Table


def fresh(lines: pa.Table, known: Known) -> tuple[pa.Table, pa.Array]:
    """The lines that the lake has not, and the orders among theirs whose total stands already.

    An order that the tag or a server told keeps its total; its lines are added if the lake has none of it.
    """
    new = lines.filter(pc.invert(pc.is_in(lines.column("id"), _values(known.lines, "id"))))
    told = known.orders.filter(pc.invert(imported(known.orders.column("origin"))))
    told_lines = known.lines.filter(pc.invert(imported(known.lines.column("origin"))))
    new = new.filter(
        pc.invert(pc.is_in(new.column("order_id"), _values(told_lines, "order_id"), skip_nulls=True))
    )
    return new, _values(told, "order_id")


def _values(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name)
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    return plain.combine_chunks() if isinstance(plain, pa.ChunkedArray) else plain


def order_events(lines: pa.Table, known: Known | None = None, told: pa.Array | None = None) -> pa.Table:
    """The events of the lines: an order completed (or updated, if it is known), each negative line refunded.

    Lines without an order id are an order each. Orders in `told` get no event for their lines.
    """
    alone = pc.or_(pc.is_null(lines.column("order_id")), pc.less(lines.column("revenue"), 0))
    single = lines.filter(alone)
    completed = pc.greater_equal(single.column("revenue"), 0)
    parts = [_events(single, pc.if_else(completed, ORDER_COMPLETED, ORDER_REFUNDED))]
    joint = lines.filter(pc.invert(alone))
    if told is not None and len(told):
        joint = joint.filter(pc.invert(pc.is_in(joint.column("order_id"), told)))
    if joint.num_rows:
        parts.append(_joint(joint, known))
    return pa.concat_tables(parts)


def _joint(lines: pa.Table, known: Known | None) -> pa.Table:
    # Neither the order of the lines nor where one export ends may change what is written.
    ordered = lines.sort_by([("order_id", "ascending"), ("time", "ascending"), ("id", "ascending")])
    ways = [("revenue", "sum"), ("product", "count")]
    names = ("person_id", "time", "id", "identity", "known_as", "origin", "product", "currency")
    grouped = ordered.group_by("order_id", use_threads=False).aggregate(
        [(name, "first", pc.ScalarAggregateOptions(skip_nulls=False)) for name in names]
        + [(name, how, None) for name, how in ways]
        + [([], "count_all")]
    )
    alone = pc.equal(grouped.column("count_all"), 1)
    columns = {name: grouped.column(f"{name}_first") for name in names}
    columns["product"] = pc.if_else(alone, columns["product"], pa.scalar(None, pa.string()))
    orders = pa.table(
        columns | {"revenue": grouped.column("revenue_sum"), "order_id": grouped.column("order_id")}
    )
    order_ids = _array(orders, "order_id")
    before = (
        pc.is_in(order_ids, _values(known.orders, "order_id")) if known else pa.repeat(False, len(order_ids))
    )
    first_told = hashes(prefixed("o:", order_ids))
    ids = pc.if_else(before, _array(orders, "id"), first_told)
    named_ = orders.set_column(orders.column_names.index("id"), "id", ids)
    return _events(named_, pc.if_else(before, ORDER_UPDATED, ORDER_COMPLETED))


def _events(rows: pa.Table, names: Any) -> pa.Table:
    columns = {
        name: rows.column(name) if name in rows.column_names else pa.nulls(rows.num_rows, kind.type)
        for name, kind in zip(EVENTS.names, EVENTS, strict=True)
    }
    columns["event"] = names
    columns["properties"] = constant("{}", rows.num_rows)
    columns["time"] = columns["time"].cast(TIME)
    return pa.table(columns).select(EVENTS.names).cast(EVENTS)
