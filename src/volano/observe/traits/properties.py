"""The JSON of a row's properties, read with care."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from volano.maths.columns import Ints
from volano.observe.traits.history import History

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def properties(history: History, rows: Ints) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Place of the person, moment and properties of the rows that have any."""
    if not len(rows):
        return
    column = history.texts("properties")
    rows = rows[column.codes[rows] >= 0]
    texts = column.values.take(column.codes[rows]).to_pylist()
    places, moments = history.owner[rows].tolist(), history.time[rows].tolist()
    for place, moment, text in zip(places, moments, texts, strict=True):
        found = read(text)
        if found:
            yield place, moment, found


def read(text: str) -> dict[str, Any]:
    """The object in a text; nothing where there is none.

    >>> read('{"a": 1}'), read("[1]"), read("{")
    ({'a': 1}, {}, {})
    """
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
