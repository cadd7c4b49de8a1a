"""Rows of JSON lines and Parquet as texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from volano.adapters.table_text import Stretch, refused
from volano.domain.event import Refusal

_JSON = msgspec.json.Decoder(float_hook=str)  # 11.77 stays the text it was


def read_object(line: str) -> Any:
    """What the line says, or a sentence why it is no JSON object.

    >>> read_object('{"a": 1.10}'), read_object("[1]")
    ({'a': '1.10'}, 'not a JSON object')
    """
    try:
        found = _JSON.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        return f"not a JSON object: {error}"
    except RecursionError:
        return "not a JSON object: it is nested too deeply"
    return found if isinstance(found, dict) else "not a JSON object"


def json_rows(text: Iterator[str], rows: int) -> Iterator[Stretch]:
    """Objects one a line; `{"a": {"b": 1}}` has a column `a.b`, lists stay JSON."""
    number = 0
    while batch := list(islice(text, rows)):
        lines: list[int] = []
        found: list[dict[str, str | None]] = []
        refusals: list[Refusal] = []
        for line in batch:
            number += 1
            if not line.strip():
                continue
            row = read_object(line)
            if isinstance(row, dict):
                found.append(dict(_flat(row, "")))
                lines.append(number)
            else:
                refusals.append(refused(number, "bad_json", row, line))
        names = list(dict.fromkeys(name for row in found for name in row))
        arrays = [pa.array([row.get(name) for row in found], pa.string()) for name in names]
        yield pa.Table.from_arrays(arrays, names), np.array(lines, np.int64), tuple(refusals)


def _flat(row: dict[str, Any], above: str) -> Iterator[tuple[str, str | None]]:
    for name, value in row.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", _as_text(value)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def parquet_rows(source: IO[bytes], rows: int) -> Iterator[tuple[float, Stretch]]:
    """Row groups in pieces, with the share of the rows read so far."""
    file = pq.ParquetFile(source)
    total, done = max(file.metadata.num_rows, 1), 0
    for batch in file.iter_batches(batch_size=rows):
        table = pa.Table.from_batches([batch])
        texts = [_texts(column) for column in table.columns]
        lines = np.arange(done + 1, done + 1 + table.num_rows, dtype=np.int64)
        done += table.num_rows
        yield done / total, (pa.Table.from_arrays(texts, table.column_names), lines, ())


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of whatever type as people would write it; instants in ISO 8601 with their zone."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            return column.cast(pa.timestamp("us"), safe=False).cast(pa.string())
        naive = column.cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.timestamp("us"))
        return pc.binary_join_element_wise(naive.cast(pa.string()), "Z", "")
    if pa.types.is_nested(kind):
        values = [None if value is None else _json(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(values, pa.string())])
    return column.cast(pa.string())
