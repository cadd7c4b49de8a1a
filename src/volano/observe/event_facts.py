"""What a rule may ask of a row of events: its columns, and the properties in the words of the shop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.money import digits
from volano.maths.columns import texts_or_null
from volano.rules.block import compile_block
from volano.rules.compile import compile_one
from volano.rules.history import LARGEST, MILLIONTHS
from volano.rules.tree import fields, parse

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MONEY = ("revenue", "price")  # minor units in the lake, major units in a rule
_OLD = frozenset(
    {"category", "brand", "price", "quantity"}
)  # rows of before hold them in their properties only
_NAMES = (
    "event source medium utm_campaign keyword referrer device os browser language timezone country path "
    "campaign variant currency order_id category brand quantity revenue price product"
)
COLUMNS = {**{name: name for name in _NAMES.split()}, "product_id": "product"}  # name in a rule → column
_HUNDREDTH = 2


def columns_of(names: Iterable[str]) -> frozenset[str]:
    """The columns of events that answer for these names.

    >>> sorted(columns_of(["product_id", "price", "colour"]))
    ['currency', 'price', 'product', 'properties']
    """
    found: set[str] = set()
    for name in names:
        column = COLUMNS.get(name)
        found |= {"properties"} if column is None or column in _OLD else set()
        found |= set() if column is None else {column}
        found |= {"currency"} if column in MONEY else set()
    return frozenset(found)


def names_of(where: str) -> frozenset[str]:
    """The names that a rule on a row asks for, without what is inside of them."""
    return frozenset(field.split(".")[0] for field in fields(parse(msgspec.json.decode(where))))


def fitting(rows: pa.Table, where: str) -> Bools:
    """The rows of events that a rule (as JSON text) fits.

    A name is that of a column where the row has something there, else that of a property; `properties.x` is
    always the property. Properties are only read where a column does not answer.
    """
    rule, names = msgspec.json.decode(where), names_of(where)
    table = pa.table({name: _column(rows, name) for name in names if name in COLUMNS})
    mask = np.zeros(rows.num_rows, np.bool_)
    open_ = _open(rows, names, table)
    closed = np.flatnonzero(~open_)
    if len(closed):
        mask[closed] = compile_block(rule)(table.take(closed) if names else rows.take(closed))
    rest = np.flatnonzero(open_)
    if len(rest):
        one = compile_one(rule)
        mask[rest] = [one(facts) for facts in _records(rows.take(rest), table.take(rest))]
    return mask


def amounts(rows: pa.Table, of: str) -> Ints:
    """What each row has in the property `of`, in millionths of what the shop writes; 0 where nothing is."""
    if of in MONEY and of in rows.column_names:
        minor = rows[of].cast(pa.int64())
        found, known = _exact(minor, _places(rows)), pc.is_valid(minor).to_numpy()
    else:
        values = _column(rows, of).to_pylist() if of in COLUMNS else [None] * rows.num_rows
        found = np.array([_millionths(value) for value in values], np.int64)
        known = np.array([value is not None for value in values], np.bool_)
    missing = np.flatnonzero(~known & (of in _OLD or of not in COLUMNS))
    if len(missing) and "properties" in rows.column_names:
        rest = rows.take(pa.array(missing))
        found[missing] = [_millionths(object_in(text).get(of)) for text in rest["properties"].to_pylist()]
    return found


def _open(rows: pa.Table, names: frozenset[str], table: pa.Table) -> Bools:
    """The rows whose columns do not answer for all names."""
    if any(name not in COLUMNS for name in names):
        return np.ones(rows.num_rows, np.bool_)
    found = np.zeros(rows.num_rows, np.bool_)
    for name in names & _OLD:
        found |= pc.is_null(table[name]).to_numpy()
    return found


def _column(rows: pa.Table, name: str) -> Any:
    """A column as rules see it: money in major units."""
    column = COLUMNS[name]
    if column not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.string())
    if column not in MONEY:
        return rows[column]
    return pc.divide(rows[column].cast(pa.float64()), pa.array(10.0 ** _places(rows)))


def _places(rows: pa.Table) -> Ints:
    """How many decimals the currency of each row has."""
    currency = texts_or_null(rows, "currency")
    known = [digits(value) for value in currency.values.to_pylist()]
    found: Ints = np.array([*known, _HUNDREDTH], np.int64)[currency.codes]
    return found


def _exact(minor: pa.ChunkedArray, places: Ints) -> Ints:
    most = LARGEST * 100
    whole = np.clip(pc.fill_null(minor, 0).to_numpy(), -most, most)
    found: Ints = whole * 10 ** (6 - places)
    return found


def _millionths(value: Any) -> int:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
        return 0
    return round(max(min(value, LARGEST), -LARGEST) * MILLIONTHS)


def _records(rows: pa.Table, table: pa.Table) -> Iterable[dict[str, Any]]:
    properties: Sequence[str | None] = [None] * rows.num_rows
    if "properties" in rows.column_names:
        properties = rows["properties"].to_pylist()
    columns = {name: table[name].to_pylist() for name in table.column_names}
    for at, text in enumerate(properties):
        told = object_in(text)
        standard = {name: values[at] for name, values in columns.items() if values[at] is not None}
        yield {**told, **standard, "properties": told}


def object_in(text: str | None) -> dict[str, Any]:
    """The object that a text holds as JSON, an empty one where it holds none."""
    try:
        found = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
