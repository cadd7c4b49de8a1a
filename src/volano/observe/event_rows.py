"""Rows of an events file as rows of the lake: events, exposures, order lines and who is who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import (
    CAMPAIGN_CLICKED,
    CAMPAIGN_CLOSED,
    EXPERIMENT_VIEWED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    Refusal,
)
from volano.domain.tables import EVENTS, EXPOSURES, ORDER_LINES
from volano.domain.texts import Texts
from volano.domain.visit import NONE
from volano.maths.occurrence import Occurrences
from volano.observe.claims import lawful, nobody
from volano.observe.columns import cleaned, each, hashes, hashes_once, objects, prefixed, spelled
from volano.observe.reading import Reading, constant, field, missing, moneys, named, sorted_out, stamps, times

PATH_LIMIT = 200
NAME_LIMIT = 100
_OURS = pa.array([EXPERIMENT_VIEWED, CAMPAIGN_CLICKED, CAMPAIGN_CLOSED])
_ORDERS = pa.array([ORDER_COMPLETED, ORDER_REFUNDED])
_NOBODY = pa.scalar(None, pa.string())

# While a file is read, a row also knows the anonymous id beside a user id, and an exposure its round.
READ = pa.schema([*EVENTS, ("beside", pa.string()), ("round", pa.int64())])


def read_events(texts: Texts, reading: Reading, seen: Occurrences) -> tuple[pa.Table, list[Refusal]]:
    """Events (schema READ) and the rows that are none. `seen` counts equal rows over the file.

    An order keeps the id under which the tag or a server tells of it; then a message id counts; rows
    without either are told apart by all that they say.
    """
    length = texts.table.num_rows
    told, beside = field(texts, reading, "person"), field(texts, reading, "anonymous_id")
    user, anonymous = lawful(told), lawful(beside)
    known = pc.coalesce(prefixed("u:", user), prefixed("a:", anonymous))
    event, order = field(texts, reading, "event"), field(texts, reading, "order_id")
    time, no_time = times(texts, reading)
    revenue, currency, no_money = moneys(texts, reading)
    round_, no_round = each(field(texts, reading, "round"), int, pa.int64())
    ours = pc.fill_null(pc.is_in(event, _OURS), False)
    identity = hashes_once(known)
    columns = {
        "person_id": identity,
        "time": stamps(time),
        "identity": identity,
        "known_as": known,
        "origin": constant(reading.origin, length),
        "event": event,
        **_visit(texts, reading),
        "campaign": pc.if_else(ours, field(texts, reading, "campaign"), _NOBODY),
        "variant": pc.if_else(ours, field(texts, reading, "variant"), _NOBODY),
        "revenue": _refunds_negative(event, revenue),
        "currency": currency,
        "order_id": order,
        "product": field(texts, reading, "product"),
        "properties": objects(_properties(texts, reading, ours), length),
        "beside": pc.if_else(pc.is_null(user), _NOBODY, anonymous),
        "round": round_,
    }
    columns["id"] = _ids(columns, field(texts, reading, "message_id"), seen)
    whys = [nobody(known, told, beside), missing(event, "there is no event"), no_time, no_money]
    whys.append(
        pc.if_else(ours, pc.if_else(pc.is_null(no_round), _NOBODY, "the round is not a number"), _NOBODY)
    )
    table = pa.table([columns.get(one.name, pa.nulls(length, one.type)) for one in READ], schema=READ)
    return sorted_out(table, texts, whys)


def _visit(texts: Texts, reading: Reading) -> dict[str, pa.Array]:
    """What a row tells of its visit, written as the intake writes it."""
    source, medium = (
        pc.utf8_lower(pc.utf8_slice_codeunits(field(texts, reading, name), 0, NAME_LIMIT))
        for name in ("source", "medium")
    )
    told = pc.if_else(pc.is_valid(source), NONE, _NOBODY)
    path, _ = each(field(texts, reading, "path"), _path, pa.string())
    device = field(texts, reading, "device")
    return {"source": source, "medium": pc.coalesce(medium, told), "device": device, "path": path}


def _path(text: str) -> str:
    if "://" not in text[:10]:
        return text[:PATH_LIMIT]
    try:
        return (urlsplit(text).path or "/")[:PATH_LIMIT]
    except ValueError:
        return text[:PATH_LIMIT]


def _refunds_negative(event: pa.Array, revenue: pa.Array) -> pa.Array:
    refund = pc.fill_null(pc.equal(event, ORDER_REFUNDED), False)
    return pc.if_else(refund, pc.negate(pc.abs(revenue)), revenue)


def _properties(texts: Texts, reading: Reading, ours: pa.Array) -> dict[str, pa.Array]:
    """Whatever has no column of its own; campaign and variant of events that are not ours, too."""
    found: dict[str, pa.Array] = {}
    for column in texts.table.column_names:
        name = reading.mapped.named(column)
        if name is not None:
            found[name] = cleaned(texts.table.column(column))
    for name in ("campaign", "variant", "round"):
        column = reading.mapped.column(name)
        if column is not None:
            found[column] = pc.if_else(ours, _NOBODY, field(texts, reading, name))
    return found


def _ids(columns: Mapping[str, pa.Array], message: pa.Array, seen: Occurrences) -> pa.Array:
    ordered = pc.fill_null(pc.equal(columns["event"], ORDER_COMPLETED), False)
    order = prefixed("o:", pc.if_else(ordered, columns["order_id"], _NOBODY))
    names = "known_as beside event source medium device path campaign variant round revenue currency order_id"
    said = [columns[name] for name in f"{names} product properties".split()]
    own = spelled("e", columns["time"].cast(pa.int64()), *said)
    return named(own, seen, instead=pc.coalesce(order, prefixed("m:import:", message)))


def tables(events: pa.Table) -> dict[str, pa.Table]:
    """The rows for each table of the lake; an order without lines of its own is one line."""
    viewed = pc.equal(events.column("event"), EXPERIMENT_VIEWED)
    exposed = events.filter(pc.and_(viewed, pc.is_valid(events.column("campaign"))))
    exposed = exposed.filter(pc.is_valid(exposed.column("variant")))
    rounds = pc.fill_null(exposed.column("round"), 1)
    exposures = exposed.set_column(exposed.column_names.index("round"), "round", rounds)
    exposures = exposures.append_column("event_id", exposures.column("id"))
    found = {
        "events": events.select(EVENTS.names),
        "exposures": exposures.select(EXPOSURES.names).cast(EXPOSURES),
        "order_lines": _order_lines(events.filter(pc.is_in(events.column("event"), _ORDERS))),
    }
    return {name: table for name, table in found.items() if name == "events" or table.num_rows}


def _order_lines(orders: pa.Table) -> pa.Table:
    """One line an order, with the id of `identity.line_row(id of the event, 0)`."""
    ids = hashes(pc.binary_join_element_wise("l:", orders.column("id").cast(pa.string()), ":0", ""))
    columns: dict[str, Any] = {
        name: orders.column(name) for name in ORDER_LINES.names if name in orders.column_names
    }
    columns |= {"event_id": orders.column("id"), "id": ids, "quantity": pa.repeat(1, orders.num_rows)}
    return pa.table([columns[name] for name in ORDER_LINES.names], schema=ORDER_LINES)
