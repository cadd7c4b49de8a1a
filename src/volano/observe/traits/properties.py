"""The JSON of a row's properties, read with care."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
import numpy as np

from volano.maths.columns import Ints
from volano.observe.traits.history import History, coded

T = TypeVar("T")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read_once(history: History, rows: Ints, of: Callable[[str], T]) -> Iterator[tuple[int, int, T]]:
    """Place of the person, moment, and what `of` makes of the properties, of the rows that have any.

    The same text is read once.
    """
    if not len(rows):
        return
    column = history.texts("properties")
    rows = rows[column.codes[rows] >= 0]
    known, which = coded(column.codes[rows].astype(np.int64)) if len(rows) else (rows, rows)
    made = [of(text) for text in column.values.take(known).to_pylist()]
    told = (each.tolist() for each in (history.owner[rows], history.time[rows], which))
    for place, moment, code in zip(*told, strict=True):
        yield place, moment, made[code]


def read(text: str) -> dict[str, Any]:
    """The object in a text; nothing where there is none.

    >>> read('{"a": 1}'), read("[1]"), read("{")
    ({'a': 1}, {}, {})
    """
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
