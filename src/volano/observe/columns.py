"""Columns of texts: cleaned, read value by value, hashed and spelled as one."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import md5
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NOTHING = pa.array(
    ["", "NULL", "null", "\\N", "NaN", "nan", "None"]
)  # how exports write that there is nothing
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")  # what a double holds without harm
SEPARATOR = "\x1f"


def picked(table: pa.Table, name: str | None) -> pa.Array:
    """The column as one array, trimmed, null where nothing is written; all null without such a column."""
    if name is None or name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    return cleaned(table.column(name))


def cleaned(column: Any) -> pa.Array:
    """Trimmed texts as one array; null where nothing is written.

    >>> cleaned(pa.array([" a ", "", "NULL", None])).to_pylist()
    ['a', None, None, None]
    """
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    flat = flat.cast(pa.string())
    if flat.null_count == len(flat):
        return flat
    trimmed = pc.utf8_trim_whitespace(flat)
    return pc.if_else(pc.is_in(trimmed, _NOTHING), pa.scalar(None, pa.string()), trimmed)


def each(column: pa.Array, read: Callable[[str], Any], kind: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """What `read` makes of every text, and why not where it raised ValueError; each text is read once.

    >>> values, whys = each(pa.array(["4", "x", None]), int, pa.int64())
    >>> values.to_pylist(), whys.to_pylist()[::2]
    ([4, None, None], [None, None])
    """
    coded = column.dictionary_encode()
    values: list[Any] = []
    whys: list[str | None] = []
    for text in coded.dictionary.to_pylist():
        try:
            values.append(read(text))
            whys.append(None)
        except ValueError as error:
            values.append(None)
            whys.append(str(error))
    places = coded.indices
    return pa.array(values, kind).take(places), pa.array(whys, pa.string()).take(places)


def hashes(texts: pa.Array) -> pa.Array:
    """`hash63` of every text; null stays null."""
    digests = b"".join([md5(text or b"").digest() for text in texts.cast(pa.binary()).to_pylist()])
    lower = np.frombuffer(digests, "<u8")[1::2] >> np.uint64(1)
    return pa.array(lower.astype(np.int64), mask=np.asarray(texts.is_null()))


def hashes_once(texts: pa.Array) -> pa.Array:
    """The same, for a column in which texts come again and again."""
    coded = texts.dictionary_encode()
    return hashes(coded.dictionary).take(coded.indices)


def spelled(*columns: pa.Array | str) -> pa.Array:
    """One text a row from all columns, which no other row with other values has."""
    parts = [
        column if isinstance(column, str) else pc.replace_substring(column.cast(pa.string()), SEPARATOR, "␟")
        for column in columns
    ]
    return pc.binary_join_element_wise(*parts, SEPARATOR, null_handling="replace", null_replacement="")


def prefixed(prefix: str, column: pa.Array) -> pa.Array:
    """The prefix before every text; null stays null."""
    return pc.binary_join_element_wise(prefix, column, "")


def objects(columns: dict[str, pa.Array], length: int) -> pa.Array:
    """A JSON object a row of what is there, by name; numbers as numbers, anything else as text.

    >>> objects({"n": pa.array(["1.50", "007", None]), "a": pa.array([None, "x", None])}, 3).to_pylist()
    ['{"n":1.50}', '{"a":"x","n":"007"}', '{}']
    """
    # Arrow leaves out a row in which it skipped everything, so every row begins with an empty text
    empty = pa.array([""], pa.string()).take(pa.array(np.zeros(length, np.int64)))
    entries = [_entries(name, columns[name]) for name in sorted(columns)]
    inner = pc.binary_join_element_wise(empty, *entries, ",", null_handling="skip")
    inner = pc.utf8_slice_codeunits(inner, 1)
    return pc.binary_join_element_wise("{", inner, "}", "")


def _entries(name: str, column: pa.Array) -> pa.Array:
    coded = column.dictionary_encode()
    key = msgspec.json.encode(name).decode()
    spelled_out = [f"{key}:{_json(text)}" for text in coded.dictionary.to_pylist()]
    return pa.array(spelled_out, pa.string()).take(coded.indices)


def _json(text: str) -> str:
    return text if _NUMBER.fullmatch(text) and len(text) <= 16 else msgspec.json.encode(text).decode()
