"""Rows of events as codes while a world runs, and as an Arrow table at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from volano.domain.event import (
    CAMPAIGN_CLICKED,
    CAMPAIGN_CLOSED,
    EXPERIMENT_VIEWED,
    IDENTIFIED,
    ORDER_REFUNDED,
)
from volano.maths.draw import Words
from volano.world.behaviour import STEPS
from volano.world.people import DEVICES, DIRECT, SOURCES, People
from volano.world.supply import CATEGORIES, CURRENCY, PAGES, Catalogue

EVENTS = (*STEPS, IDENTIFIED, ORDER_REFUNDED, EXPERIMENT_VIEWED, CAMPAIGN_CLICKED, CAMPAIGN_CLOSED)
CODE = {name: code for code, name in enumerate(EVENTS)}
CHECKOUT, THANKS = len(PAGES), len(PAGES) + 1
FIRST_PRODUCT_PAGE = len(PAGES) + 2  # pages of products come after all others

SCHEMA = pa.schema(
    [
        ("person", pa.string()),  # user id, or "" before signing in
        ("anonymous_id", pa.string()),
        ("message_id", pa.string()),
        ("event", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("source", pa.string()),
        ("medium", pa.string()),
        ("device", pa.string()),
        ("path", pa.string()),
        ("revenue", pa.float64()),  # major units; refunds negative
        ("currency", pa.string()),
        ("order_id", pa.string()),
        ("product", pa.string()),
        ("category", pa.string()),
        ("price", pa.float64()),
        ("experiment_id", pa.string()),
        ("variation_id", pa.string()),
        ("round", pa.int64()),
    ]
)

# −1 (0 for `order`, not-a-number for `revenue`) means: says nothing of it.
ROW = np.dtype(
    [
        ("time", "i8"),
        ("key", "u8"),
        ("person", "i4"),
        ("known", "?"),
        ("event", "i1"),
        ("source", "i1"),
        ("path", "i4"),
        ("product", "i4"),
        ("revenue", "f8"),
        ("order", "u8"),
        ("offer", "i4"),
    ]
)
Rows = npt.NDArray[Any]  # of ROW
Shown = tuple[str, str, int]  # campaign, arm, round


def rows_of(count: int, event: str, **columns: Any) -> Rows:
    """That many rows of one event; columns that are not given say nothing."""
    rows = np.zeros(count, dtype=ROW)
    for name in ("source", "path", "product", "offer"):
        rows[name] = -1
    rows["revenue"] = np.nan
    rows["event"] = CODE[event]
    for name, values in columns.items():
        rows[name] = values
    return rows


def in_order(blocks: Sequence[Rows]) -> Rows:
    """All rows by time; equal times in the order of their keys."""
    rows = np.concatenate([np.zeros(0, dtype=ROW), *blocks])
    return rows[np.lexsort((rows["key"], rows["time"]))]


def as_table(rows: Rows, people: People, catalogue: Catalogue, offers: Sequence[Shown]) -> pa.Table:
    """The rows with their texts, as `SCHEMA` says."""
    product, offer, source = rows["product"], rows["offer"], rows["source"].astype(np.int64)
    source = np.where(source == DIRECT, -1, source)
    paths = [*PAGES, "/checkout", "/thanks", *(f"/p/{name}" for name in catalogue.name)]
    priced = ~np.isnan(rows["revenue"])
    user = np.where(rows["known"], rows["person"], len(people.user_id))
    columns = {
        "person": _named(user, [*people.user_id, ""]),
        "anonymous_id": _named(rows["person"], people.anonymous_id),
        "message_id": _hex(rows["key"]),
        "event": _named(rows["event"], EVENTS),
        "timestamp": pa.array(rows["time"], type=SCHEMA.field("timestamp").type),
        "source": _named(source, [name for name, _ in SOURCES]),
        "medium": _named(source, [name for _, name in SOURCES]),
        "device": _named(people.device[rows["person"]], DEVICES),
        "path": _named(rows["path"], paths),
        "revenue": pa.array(rows["revenue"], from_pandas=True),
        "currency": _named(np.where(priced, 0, -1), [CURRENCY]),
        "order_id": _named(*_orders(rows["order"])),
        "product": _named(product, catalogue.name),
        "category": _named(np.where(product < 0, -1, catalogue.category[product]), CATEGORIES),
        "price": pa.array(catalogue.price[product], mask=product < 0),
        "experiment_id": _named(offer, [campaign for campaign, _, _ in offers]),
        "variation_id": _named(offer, [arm for _, arm, _ in offers]),
        "round": _numbered(offer, [number for _, _, number in offers]),
    }
    return pa.table(columns, schema=SCHEMA)


def _named(codes: npt.NDArray[Any], names: Sequence[str] | npt.NDArray[Any]) -> pa.Array:
    """Texts by code; below 0 is null."""
    index = pa.array(np.maximum(codes, 0).astype(np.int32), mask=codes < 0)
    texts = pa.array(list(names), type=pa.string())
    return texts.take(index)


def _numbered(codes: npt.NDArray[Any], numbers: Sequence[int]) -> pa.Array:
    index = pa.array(np.maximum(codes, 0).astype(np.int32), mask=codes < 0)
    return pa.array(list(numbers), type=pa.int64()).take(index)


def _hex(keys: Words) -> pa.Array:
    """16 hexadecimal digits a key."""
    digits = keys.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(len(keys) + 1, dtype=np.int32) * 16
    return pa.StringArray.from_buffers(len(keys), pa.py_buffer(offsets), pa.py_buffer(digits))


def _orders(order: Words) -> tuple[npt.NDArray[Any], list[str]]:
    with_order = order != 0
    codes = np.where(with_order, np.cumsum(with_order) - 1, -1)
    return codes, [f"o-{key:016x}" for key in order[with_order].tolist()]
