"""Parts of a lake: Parquet files of one bucket each, written sorted and synced, read by column."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from volano.adapters.lake_manifest import Draft, Part
from volano.domain.tables import TABLES, TIME
from volano.errors import BadInput, BrokenHome

ROW_GROUP = 122_880
_LARGE = 20_000  # rows from which a file is packed for size rather than for speed
_EVER = (-(2**63), 2**63 - 1)

Longs = npt.NDArray[np.int64]


def codec(rows: int) -> Literal["zstd", "lz4"]:
    """How a file of so many rows is packed."""
    return "zstd" if rows >= _LARGE else "lz4"


def longs(column: Any) -> Longs:
    """A column of integers or times as int64; null is the lowest number.

    >>> longs(pa.chunked_array([[3, None]])).tolist()
    [3, -9223372036854775808]
    """
    plain = column.cast(pa.int64())
    numbers: Longs = (pc.fill_null(plain, _EVER[0]) if plain.null_count else plain).to_numpy()
    return numbers


def complete(table: str, rows: pa.Table) -> pa.Table:
    """The rows with exactly the columns of their table; BadInput for a foreign or an incomplete one."""
    schema = TABLES.get(table)
    if schema is None:
        raise BadInput(f"the lake has no table {table!r}: it has {', '.join(TABLES)}")
    foreign = sorted(set(rows.column_names) - set(schema.names))
    if foreign:
        raise BadInput(f"table {table!r} has no column {foreign[0]!r}: it has {', '.join(schema.names)}")
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    full = pa.table(columns, schema=schema)
    for name in ("person_id", "time", "id"):
        if full.column(name).null_count:
            raise BadInput(f"a row for table {table!r} lacks {name!r}: every row must have one")
    return full


def derived(rows: pa.Table) -> pa.Table:
    """What an analysis made, as it is stored: plain texts, and whose row it is."""
    if "person_id" not in rows.column_names:
        raise BadInput("a derived table needs the column 'person_id'")
    texts = [
        (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in rows.schema
    ]
    return rows.cast(pa.schema(texts))


def order(rows: pa.Table) -> npt.NDArray[np.intp]:
    """The permutation that sorts by (person_id, time, id); cheap when `rows` is a few sorted runs."""
    names = rows.column_names
    person = longs(rows.column("person_id"))
    time = longs(rows.column("time")) if "time" in names else np.zeros(len(rows), np.int64)
    name = longs(rows.column("id")) if "id" in names else np.zeros(len(rows), np.int64)
    turn = np.argsort(person, kind="stable")  # finds the runs and merges them
    same = person[turn[1:]] == person[turn[:-1]]
    _mend(turn, same & (time[turn[1:]] < time[turn[:-1]]), (time, person))
    same &= time[turn[1:]] == time[turn[:-1]]
    _mend(turn, same & (name[turn[1:]] < name[turn[:-1]]), (name, time, person))
    return turn


def _mend(turn: npt.NDArray[np.intp], late: npt.NDArray[np.bool_], keys: tuple[Longs, ...]) -> None:
    """Sorts, in place, the rows of people of whom one comes too late; the last key is the person."""
    if late.any():
        person = keys[-1][turn]
        at = np.isin(person, person[1:][late])
        mixed = turn[at]
        turn[at] = mixed[np.lexsort([key[mixed] for key in keys])]


def write_split(draft: Draft, root: Path, table: str, rows: pa.Table) -> list[Part]:
    """Writes rows of any people, one part for each bucket they touch."""
    buckets = draft.manifest.buckets
    rows = rows.take(pa.array(order(rows)))
    bucket = longs(rows.column("person_id")) & (buckets - 1)
    turn = np.argsort(bucket, kind="stable")
    rows, edges = rows.take(pa.array(turn)), np.searchsorted(bucket[turn], np.arange(buckets + 1))
    return [
        write_part(draft, root, (table, number), rows.slice(low, high - low))
        for number, (low, high) in enumerate(pairwise(edges.tolist()))
        if high > low
    ]


def write_part(draft: Draft, root: Path, place: tuple[str, int], rows: pa.Table, day: str = "") -> Part:
    """Writes sorted rows of one bucket; they count as arrived on `day` (today unless told)."""
    table, bucket = place
    path = new_path(draft, root, place, day)
    pq.write_table(
        rows, root / path, compression=codec(len(rows)), row_group_size=ROW_GROUP, store_schema=False
    )
    sync_file(root / path)
    times = longs(rows.column("time")) if "time" in rows.column_names else np.array([_EVER[0]])
    people = longs(rows.column("person_id"))
    unsure = bool((times == _EVER[0]).any())
    low, high = _EVER if unsure else (int(times.min()), int(times.max()))
    return Part(
        path=path,
        table=table,
        bucket=bucket,
        day=day or draft.day,
        rows=len(rows),
        time_low=low,
        time_high=high,
        person_low=int(people[0]),
        person_high=int(people[-1]),
    )


def rest(draft: Draft, root: Path, part: Part, rows: pa.Table) -> list[Part]:
    """A part with fewer rows, or none."""
    place = (part.table, part.bucket)
    return [write_part(draft, root, place, rows.unify_dictionaries(), part.day)] if len(rows) else []


def new_path(draft: Draft, root: Path, place: tuple[str, int], day: str) -> str:
    """A path for a part in the folder of its table and bucket."""
    path = draft.name(f"{place[0]}/b={place[1]:02d}", "parquet", day)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    return path


def read_part(root: Path, part: Part, columns: Collection[str] | None = None) -> pa.Table:
    """Those of `columns` that the file has (all when None); texts are dictionary-encoded.

    Arrow keeps the dictionaries of the file as they are: at 1 million rows a quarter of the CPU time of
    fetching the same columns from DuckDB and encoding them again.
    """
    path = root / part.path
    try:
        footer = pq.read_metadata(path)
        present = [name for name in footer.schema.names if columns is None or name in columns]
        file = pq.ParquetFile(path, metadata=footer, read_dictionary=present, pre_buffer=False)
        return file.read(columns=present, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise BrokenHome(f"the lake's {path} cannot be read ({error}): restore a backup") from error


def read_schema(root: Path, part: Part) -> pa.Schema:
    """The schema of a part as it was written."""
    return pq.read_metadata(root / part.path).schema.to_arrow_schema()


def sync_file(path: Path) -> None:
    """Makes the contents of a file durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def dictionary_type(kind: pa.DataType) -> pa.DataType:
    """How a column of this type arrives in a block.

    >>> dictionary_type(pa.string())
    DictionaryType(dictionary<values=string, indices=int32, ordered=0>)
    """
    return pa.dictionary(pa.int32(), pa.string()) if pa.types.is_string(kind) else kind


def head_types() -> dict[str, pa.DataType]:
    """The columns that are in every block."""
    return {"person_id": pa.int64(), "time": TIME}
