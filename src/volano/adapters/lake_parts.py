"""Parts of a lake: Parquet files written sorted and synced, read by column and by person."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from volano.adapters.lake_files import Files
from volano.adapters.lake_ids import among
from volano.adapters.lake_manifest import HOT, Draft, Part
from volano.domain.tables import SEALED, TABLES, TIME
from volano.errors import BadInput, BrokenHome

ROW_GROUP = 32_768  # of one person to find: a fifth of the time at 122,880, for 4 % more bytes
SPLIT = 20_000  # rows from which a file is split by bucket, and packed for size rather than for speed
_EVER = (-(2**63), 2**63 - 1)
_STORED = TABLES | {"events": pa.schema([*TABLES["events"], *SEALED])}

Longs = npt.NDArray[np.int64]


def codec(rows: int) -> Literal["zstd", "lz4"]:
    """How a file of so many rows is packed."""
    return "zstd" if rows >= SPLIT else "lz4"


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
    full = conformed(rows, schema)
    for name in ("person_id", "time", "id"):
        if full.column(name).null_count:
            raise BadInput(f"a row for table {table!r} lacks {name!r}: every row must have one")
    return with_identity(full)


def with_identity(rows: pa.Table) -> pa.Table:
    """The rows, each with the identity under which it arrived: the person where none is told."""
    people = rows.column("person_id")
    if "identity" not in rows.column_names:
        return rows.append_column("identity", people)
    identities = rows.column("identity")
    if not identities.null_count:
        return rows
    at = rows.column_names.index("identity")
    return rows.set_column(at, rows.schema.field(at), pc.coalesce(identities, people))


def derived(rows: pa.Table) -> pa.Table:
    """What an analysis made, as it is stored: plain texts, and whose row it is."""
    if "person_id" not in rows.column_names:
        raise BadInput("a derived table needs the column 'person_id'")
    return with_identity(conformed(rows, None))


def order(rows: pa.Table, buckets: int = 1) -> npt.NDArray[np.intp]:
    """The permutation that sorts by (bucket, person_id, time, id); cheap when `rows` is a few sorted runs."""
    names = rows.column_names
    person = longs(rows.column("person_id"))
    time = longs(rows.column("time")) if "time" in names else np.zeros(len(rows), np.int64)
    name = longs(rows.column("id")) if "id" in names else np.zeros(len(rows), np.int64)
    turn = np.argsort(person, kind="stable")  # finds the runs and merges them
    same = person[turn[1:]] == person[turn[:-1]]
    _mend(turn, same & (time[turn[1:]] < time[turn[:-1]]), (time, person))
    same &= time[turn[1:]] == time[turn[:-1]]
    _mend(turn, same & (name[turn[1:]] < name[turn[:-1]]), (name, time, person))
    if buckets > 1:
        turn = turn[np.argsort(person[turn] & (buckets - 1), kind="stable")]
    return turn


def _mend(turn: npt.NDArray[np.intp], late: npt.NDArray[np.bool_], keys: tuple[Longs, ...]) -> None:
    """Sorts, in place, the rows of people of whom one comes too late; the last key is the person."""
    if late.any():
        person = keys[-1][turn]
        at = np.isin(person, person[1:][late])
        mixed = turn[at]
        turn[at] = mixed[np.lexsort([key[mixed] for key in keys])]


def edges(people: Longs, buckets: int) -> list[int]:
    """Where each bucket begins, and the last ends, in people sorted by bucket.

    >>> edges(np.array([4, 6, 1, 3]), 2)
    [0, 2, 4]
    """
    found: list[int] = np.searchsorted(people & (buckets - 1), np.arange(buckets + 1)).tolist()
    return found


def write_rows(draft: Draft, table: str, rows: pa.Table, day: str = "", split: int = SPLIT) -> list[Part]:
    """Writes rows of any people: a hot file while they are few, else one part for each bucket they touch."""
    if not len(rows):
        return []
    buckets = draft.manifest.buckets
    rows = rows.take(pa.array(order(rows, buckets)))
    if len(rows) < split:
        return [write_part(draft, (table, HOT), rows, day)]
    bounds = edges(longs(rows.column("person_id")), buckets)
    return [
        write_part(draft, (table, bucket), rows.slice(low, high - low), day)
        for bucket, (low, high) in enumerate(pairwise(bounds))
        if high > low
    ]


def write_part(draft: Draft, place: tuple[str, int], rows: pa.Table, day: str = "") -> Part:
    """Writes sorted rows; they count as arrived on `day` (today unless told)."""
    path = new_path(draft, place, day)
    how = {"compression": codec(len(rows)), "row_group_size": ROW_GROUP}
    draft.files.write(path, [rows], rows.schema, **how)
    return described(place, path, day or draft.day, rows)


def described(place: tuple[str, int], path: str, day: str, rows: pa.Table) -> Part:
    """A file that holds these rows, of which only person and time need be told."""
    times = longs(rows.column("time")) if "time" in rows.column_names else np.array([_EVER[0]])
    people = longs(rows.column("person_id"))
    unsure = bool((times == _EVER[0]).any())
    low, high = _EVER if unsure else (int(times.min()), int(times.max()))
    return Part(
        path=path,
        table=place[0],
        bucket=place[1],
        day=day,
        rows=len(rows),
        time_low=low,
        time_high=high,
        person_low=int(people.min()),
        person_high=int(people.max()),
    )


def sifted(draft: Draft, part: Part, keep: npt.NDArray[np.bool_]) -> list[Part]:
    """The part with only the rows to keep, or none; read and written row group by row group."""
    if not keep.any():
        return []
    place = (part.table, part.bucket)
    heads = read_part(draft.files, part, ["person_id", "time"]).filter(pa.array(keep))
    path = new_path(draft, place, part.day)
    wanted = stored_schema(part.table) or plain_schema(read_schema(draft.files, part))
    how = {"compression": codec(len(heads)), "row_group_size": ROW_GROUP}
    draft.files.write(path, groups_kept(draft.files, part, keep, wanted), wanted, **how)
    return [described(place, path, part.day, heads)]


def groups_kept(
    files: Files, part: Part, keep: npt.NDArray[np.bool_], wanted: pa.Schema
) -> Iterator[pa.Table]:
    """The rows to keep of each row group that has any, with these columns."""
    file, at = files.reader(part.path), 0
    for group in range(file.num_row_groups):
        rows = file.read_row_group(group, use_threads=False)
        mask, at = keep[at : at + len(rows)], at + len(rows)
        if mask.any():
            yield conformed(rows if mask.all() else rows.filter(pa.array(mask)), wanted)


def stored_schema(table: str) -> pa.Schema | None:
    """The columns that a table's files shall have; None for what is derived."""
    return _STORED.get(table.removeprefix("shadow_"))


def conformed(rows: pa.Table, schema: pa.Schema | None) -> pa.Table:
    """Rows as they are stored: plain texts, and exactly the columns of the schema if there is one."""
    if schema is None:
        return rows.cast(plain_schema(rows.schema))
    return pa.table(
        [
            rows.column(field.name).cast(field.type)
            if field.name in rows.column_names
            else pa.nulls(len(rows), field.type)
            for field in schema
        ],
        schema=schema,
    )


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with texts that are dictionaries as texts again."""
    return pa.schema(
        (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in schema
    )


def new_path(draft: Draft, place: tuple[str, int], day: str) -> str:
    """A path for a part in the folder of its table and bucket."""
    folder = "hot" if place[1] == HOT else f"b={place[1]:02d}"
    return draft.name(f"{place[0]}/{folder}", "parquet", day)


def read_part(
    files: Files, part: Part, columns: Collection[str] | None = None, people: Longs | None = None
) -> pa.Table:
    """Those of `columns` that the file has (all when None); texts are dictionary-encoded.

    With `people` (sorted) only their rows, from the row groups that can hold them. Arrow keeps the
    dictionaries of the file as they are: at 1 million rows a quarter of the CPU time of fetching the same
    columns from DuckDB and encoding them again.
    """
    if part.bucket == HOT:
        whole = files.whole(part.path)
        rows = whole.select([name for name in whole.column_names if columns is None or name in columns])
    else:
        names = set(columns) | {"person_id"} if columns is not None and people is not None else columns
        rows = _read_file(files, part, names, people)
    if people is not None:
        mask = among(longs(rows.column("person_id")), people)
        rows = rows if mask.all() else rows.filter(pa.array(mask))
    return rows


def _read_file(files: Files, part: Part, columns: Collection[str] | None, people: Longs | None) -> pa.Table:
    try:
        footer = files.footer(part.path)
        present = [name for name in footer.schema.names if columns is None or name in columns]
        groups = list(range(footer.num_row_groups))
        if people is not None:
            groups = _groups(footer, people)
        return files.reader(part.path, present).read_row_groups(groups, columns=present, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise BrokenHome(
            f"the lake's {files.place}/{part.path} cannot be read ({error}): restore a backup"
        ) from error


def _groups(footer: pq.FileMetaData, people: Longs) -> list[int]:
    """The row groups that can hold rows of these people (sorted)."""
    column = footer.schema.names.index("person_id")
    found = []
    for group in range(footer.num_row_groups):
        seen = footer.row_group(group).column(column).statistics
        if seen is None or not seen.has_min_max:
            found.append(group)
        else:
            at = int(np.searchsorted(people, seen.min))
            if at < len(people) and people[at] <= seen.max:
                found.append(group)
    return found


def read_schema(files: Files, part: Part) -> pa.Schema:
    """The schema of a part as it was written."""
    return files.footer(part.path).schema.to_arrow_schema()


def dictionary_type(kind: pa.DataType) -> pa.DataType:
    """How a column of this type arrives in a block.

    >>> dictionary_type(pa.string())
    DictionaryType(dictionary<values=string, indices=int32, ordered=0>)
    """
    return pa.dictionary(pa.int32(), pa.string()) if pa.types.is_string(kind) else kind


def head_types() -> dict[str, pa.DataType]:
    """The columns that are in every block."""
    return {"person_id": pa.int64(), "time": TIME}
