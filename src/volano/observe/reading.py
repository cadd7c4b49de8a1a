"""How the texts of one file are read: the fields that orders and events share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.durations import DAY
from volano.domain.event import Refusal
from volano.domain.tables import TIME
from volano.domain.texts import Texts
from volano.maths.occurrence import Occurrences
from volano.observe.amounts import DecimalMark, money
from volano.observe.columns import SEPARATOR, each, hashes, picked, spelled
from volano.observe.dates import DayOrder, instants
from volano.observe.mapping import Mapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was said or found out about a file. `origin` is the key of the import, `now` in UTC µs."""

    mapped: Mapped
    origin: str
    now: int
    currency: str
    certain: bool = False  # the currency was said, not assumed
    zone: tzinfo = UTC
    order: DayOrder | None = None
    mark: DecimalMark = "."


def field(rows: Texts, reading: Reading, name: str) -> pa.Array:
    """The texts of a field; all null if no column was mapped."""
    return picked(rows.table, reading.mapped.column(name))


def missing(column: pa.Array, why: str) -> pa.Array:
    """`why` where nothing is written."""
    return pc.if_else(pc.is_null(column), why, pa.scalar(None, pa.string()))


def times(rows: Texts, reading: Reading) -> tuple[pa.Array, pa.Array]:
    """UTC µs and why not."""
    texts = field(rows, reading, "timestamp")
    values, whys = instants(texts, reading.zone, reading.order, reading.now + DAY)
    return values, pc.coalesce(missing(texts, "the timestamp is empty"), whys)


def moneys(rows: Texts, reading: Reading) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Minor units, their currency and why not; null where no amount is written."""
    amounts, codes = field(rows, reading, "revenue"), field(rows, reading, "currency")
    if codes.null_count == len(codes):
        read = each(amounts, lambda text: _money(text, None, reading), _MONEY)
    else:
        both = pc.if_else(pc.is_null(amounts), pa.scalar(None, pa.string()), spelled(amounts, codes))
        read = each(both, lambda text: _money(*_pair(text), reading), _MONEY)
    values, whys = read
    return pc.struct_field(values, "minor"), pc.struct_field(values, "currency"), whys


_MONEY = pa.struct([("minor", pa.int64()), ("currency", pa.string())])


def _pair(text: str) -> tuple[str, str]:
    amount, code = text.split(SEPARATOR)
    return amount, code


def _money(text: str, code: str | None, reading: Reading) -> dict[str, Any]:
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ValueError(f"{code[:20]!r} is not the code of a currency, such as EUR")
    currency = code.upper() if code else reading.currency
    units, counted = money(text, reading.mark, currency, certain=bool(code) or reading.certain)
    return {"minor": units, "currency": counted}


def named(texts: pa.Array, seen: Occurrences, instead: pa.Array | None = None) -> pa.Array:
    """The id of every row from its spelling; equal rows get different ids, in the order in which they come.

    Rows with a name `instead` get the id of that, the same for equal names.
    """
    whole = texts if instead is None else pc.coalesce(instead, texts)
    first = hashes(whole)
    again = seen.of(first.to_numpy())
    if instead is not None:
        again[np.asarray(pc.is_valid(instead))] = 0
    if not again.any():
        return first
    repeated = pa.array(again > 0)
    more = hashes(spelled(texts.filter(repeated), pa.array(again).filter(repeated)))
    return pc.replace_with_mask(first, repeated, more)


def stamps(values: pa.Array) -> pa.Array:
    """µs as the time column of a table."""
    return values.cast(TIME)


def constant(value: str, length: int) -> pa.Array:
    """The same text in every row."""
    return pa.repeat(pa.scalar(value, pa.string()), length)


def sorted_out(table: pa.Table, rows: Texts, whys: Sequence[pa.Array]) -> tuple[pa.Table, list[Refusal]]:
    """The rows without a reason against them, and a refusal for each of the others (its first reason)."""
    why = pc.coalesce(*whys)
    good = pc.is_null(why)
    if pc.all(good).as_py() is not False:
        return table, []
    bad = pc.invert(good)
    raws = rows.table.filter(bad).to_pylist()
    lines = pa.array(rows.lines).filter(bad).to_pylist()
    reasons = why.filter(bad).to_pylist()
    found = [
        Refusal(index=line, code="bad_row", message=reason, sample=raw_line(raw))
        for line, reason, raw in zip(lines, reasons, raws, strict=True)
    ]
    return table.filter(good), found


def raw_line(row: dict[str, str | None]) -> str:
    """The fields of a refused row as they came, as far as they can be told apart."""
    return ",".join(value or "" for value in row.values())[:2000]
