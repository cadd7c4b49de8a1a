"""Blocks of whole people: from the parts of a snapshot to the sorted Arrow table an analysis sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import lake_ids
from volano.adapters.lake_files import Files
from volano.adapters.lake_links import Links, arrivals, holds
from volano.adapters.lake_manifest import HOT, Part, Snapshot
from volano.adapters.lake_parts import (
    Longs,
    dictionary_type,
    edges,
    head_types,
    longs,
    order,
    read_part,
    read_schema,
    stored_schema,
)
from volano.adapters.lake_seals import NEEDED, WHOLE, Seals
from volano.domain.tables import TABLES, TIME
from volano.domain.view import View

_HEADS = ("person_id", "time", "id")  # what the rows of a block are ordered by


@dataclass(slots=True, kw_only=True)
class Blocks:
    """What one view sees of one snapshot; `people` are those wanted, sorted (None: all)."""

    files: Files
    snapshot: Snapshot
    links: Links
    view: View
    seals: Seals
    people: Longs | None = None
    types: dict[str, pa.DataType] = field(default_factory=dict)
    strays: dict[tuple[str, int], pa.Table] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, files: Files, snapshot: Snapshot, links: Links, view: View, seals: Seals) -> Blocks:
        """Finds, once for all blocks, the types of the columns and the rows that have strayed."""
        people = _wanted(view)
        blocks = cls(files=files, snapshot=snapshot, links=links, view=view, seals=seals, people=people)
        blocks.types = blocks._types()
        blocks.absent = blocks._without()
        origins = None if blocks.people is None else links.origins(blocks.people)
        for table in view.tables if links.pending and (origins is None or len(origins)) else ():
            blocks._gather(table, origins)
        return blocks

    @property
    def numbers(self) -> list[int]:
        """The buckets that can have rows of the view."""
        buckets = self.snapshot.manifest.buckets
        if self.people is None:
            return list(range(buckets))
        found: list[int] = np.unique(self.people & (buckets - 1)).tolist()
        return found

    def block(self, bucket: int) -> pa.Table:
        """All rows of the view of the people of one bucket; may be empty."""
        at = {table: number for number, table in enumerate(self.view.tables)}
        pieces = sorted(self._pieces(bucket), key=lambda piece: at[piece[0]])
        turn = pa.array(order(self._shaped(pieces, _HEADS))) if len(pieces) > 1 else None
        columns = {}
        for name in (*self.columns, *self.sealed):
            if name not in columns:
                column = self._shaped(pieces, [name]).column(name)
                columns[name] = column if turn is None else column.take(turn)
                pieces = [(table, _without(rows, name)) for table, rows in pieces]  # so all is there once
        rows = pa.table(columns)
        return (self.seals.opened(rows) if self.sealed else rows).select(self.columns)

    def empty(self) -> pa.Table:
        """No rows, with the columns of the view."""
        return self._shaped([], self.columns)

    @property
    def columns(self) -> list[str]:
        """The columns of a block, in order."""
        wanted = dict.fromkeys(["person_id", "time", *self.view.columns])
        if len(self.view.tables) > 1:
            wanted.pop("table", None)
            wanted["table"] = None
        return list(wanted)

    @property
    def sealed(self) -> Sequence[str]:
        """The columns from which some of those wanted are opened; none if all are as they lie."""
        return () if WHOLE.isdisjoint(self.columns) else NEEDED

    def _types(self) -> dict[str, pa.DataType]:
        """The type of each column: that of the first table that has it, else null."""
        types = head_types()
        for table in self.view.tables:
            for column in self._schema(table):
                types.setdefault(column.name, dictionary_type(column.type))
        return {
            "id": pa.int64(),
            **dict.fromkeys(self.columns, pa.null()),
            **types,
            "table": dictionary_type(pa.string()),
        }

    def _schema(self, table: str) -> pa.Schema:
        stored = stored_schema(table)
        if stored is not None:
            return stored
        parts = [part for part in self.snapshot.manifest.parts if part.table == table]
        return read_schema(self.files, parts[0]) if parts else pa.schema([])

    def _without(self) -> set[str]:
        """The tables that have none of the ids asked for: nothing of them need be read."""
        asked = [values for name, values in self.view.only if name == "id"]
        if not asked:
            return set()
        ids = np.array([int(text) for text in asked[0] if text.lstrip("-").isdecimal()], np.int64)
        runs = self.snapshot.manifest.ids
        names = [table for table in self.view.tables if table in TABLES]
        return {table for table in names if not lake_ids.known(self.files, runs.get(table, ()), ids).any()}

    def _parts(self, table: str, bucket: int) -> list[Part]:
        """The parts that can hold rows of the window."""
        if table in self.absent:
            return []
        since, until = self.view.since, self.view.until
        return [
            part
            for part in self.snapshot.parts.get((table, bucket), [])
            if (since is None or part.time_high >= since) and (until is None or part.time_low < until)
        ]

    def _pieces(self, bucket: int) -> Iterator[tuple[str, pa.Table]]:
        """Sorted runs of rows with the table they are from."""
        parts = [
            (table, part)
            for table in self.view.tables
            for part in [*self._parts(table, bucket), *self._parts(table, HOT)]
            if self.people is None or holds(self.people, part.person_low, part.person_high)
        ]
        strayed = [
            (table, self.strays[table, bucket])
            for table in self.view.tables
            if (table, bucket) in self.strays
        ]
        columns = self._read_columns(ordered=len(parts) + len(strayed) > 1)
        for table, part in parts:
            rows = self._settled(self._rows(part, bucket, columns), part)
            yield table, kept(rows, self.view, self._schema(table), inside=_inside(part, self.view))
        yield from strayed

    def _rows(self, part: Part, bucket: int, columns: set[str]) -> pa.Table:
        """The rows of a part that are of the bucket, and of the people wanted."""
        doubtful = self.links.any_left_between(part.person_low, part.person_high)
        columns = columns | {"identity"} if doubtful else columns
        rows = read_part(self.files, part, columns, self.people)
        if part.bucket != HOT:
            return rows
        buckets = self.snapshot.manifest.buckets
        low, high = edges(longs(rows.column("person_id")), buckets)[bucket : bucket + 2]
        return rows.slice(low, high - low)

    def _settled(self, rows: pa.Table, part: Part) -> pa.Table:
        """The rows that lie under the person they belong to."""
        if not self.links.any_left_between(part.person_low, part.person_high):
            return rows
        strays = self._strays_in(rows)
        if not len(strays):
            return rows
        here = np.ones(len(rows), np.bool_)
        here[strays] = False
        return rows.filter(pa.array(here))

    def _strays_in(self, rows: pa.Table) -> npt.NDArray[np.intp]:
        identities = longs(rows.column("identity")) if "identity" in rows.column_names else None
        return self.links.strays(longs(rows.column("person_id")), identities)

    def _read_columns(self, *, ordered: bool) -> set[str]:
        """What to read: the id only if runs must be put in order."""
        extra = [*(["id"] if ordered else []), *(["bot"] if self.view.humans else [])]
        return {*self.columns, *self.sealed, *(name for name, _ in self.view.only), *extra}

    def _shaped(self, pieces: list[tuple[str, pa.Table]], names: Sequence[str]) -> pa.Table:
        """One table of these columns of all pieces, with one chunk in each column."""
        schema = pa.schema([(name, self.types[name]) for name in names])
        tables = [
            pa.table([self._column(rows, table, name) for name in names], schema=schema)
            for table, rows in pieces
        ]
        rows = pa.concat_tables(tables) if tables else schema.empty_table()
        if any(column.num_chunks != 1 for column in rows.columns):
            rows = rows.unify_dictionaries().combine_chunks()
        return rows

    def _column(self, rows: pa.Table, table: str, name: str) -> pa.ChunkedArray | pa.Array:
        if name == "table" and len(self.view.tables) > 1:
            index = pa.array(np.full(len(rows), self.view.tables.index(table), np.int32))
            return pa.DictionaryArray.from_arrays(index, pa.array(self.view.tables))
        if name in rows.column_names:
            column = rows.column(name)
            return column if column.type == self.types[name] else column.cast(self.types[name])
        return pa.nulls(len(rows), self.types[name])

    def _gather(self, table: str, origins: Longs | None) -> None:
        """Finds the rows that lie under another person and keeps them for the block where they belong."""
        if table in self.absent:
            return
        found = []
        for bucket in [*range(self.snapshot.manifest.buckets), HOT]:
            for part in self._parts(table, bucket):
                low, high = part.person_low, part.person_high
                if (
                    holds(origins, low, high)
                    if origins is not None
                    else self.links.any_left_between(low, high)
                ):
                    found += self._strays_of(part, origins)
        if not found:
            return
        rows = pa.concat_tables(found, promote_options="permissive")
        rows = rows.take(pa.array(order(rows)))
        home = longs(rows.column("person_id")) & (self.snapshot.manifest.buckets - 1)
        for bucket in np.unique(home).tolist():
            self.strays[table, bucket] = rows.filter(pa.array(home == bucket))

    def _strays_of(self, part: Part, origins: Longs | None) -> list[pa.Table]:
        who = read_part(self.files, part, ["person_id", "identity"], origins)
        if not len(self._strays_in(who)):
            return []
        columns = self._read_columns(ordered=True) | {"identity"}
        rows = read_part(self.files, part, columns, origins)
        rows = rows.take(pa.array(self._strays_in(rows)))
        at = rows.column_names.index("person_id")
        people = longs(rows.column("person_id"))
        told = longs(rows.column("identity")) if "identity" in rows.column_names else None
        home = self.links.resolve(arrivals(people, told))
        rows = rows.set_column(at, "person_id", pa.array(home))
        if self.people is not None:
            rows = rows.filter(pa.array(lake_ids.among(home, self.people)))
        return [kept(rows, self.view, self._schema(part.table))]


def _without(rows: pa.Table, name: str) -> pa.Table:
    return rows.drop_columns([name]) if name in rows.column_names else rows


def _wanted(view: View) -> Longs | None:
    """The people of a view, sorted; None when everybody is wanted."""
    if view.people is None:
        return None
    people = np.unique(np.array(view.people, np.int64))
    return people[~np.isin(people, np.array(view.without, np.int64))]


def kept(rows: pa.Table, view: View, schema: pa.Schema, *, inside: bool = False) -> pa.Table:
    """The rows that the view's window and filters let through; `inside`: all are in the window.

    A column that the file lacks though its table (of `schema`) has it is null.
    """
    if not inside and "time" in rows.column_names:
        time = rows.column("time")
        if view.since is not None:
            rows = rows.filter(pc.greater_equal(time, pa.scalar(view.since, TIME)))
            time = rows.column("time")
        if view.until is not None:
            rows = rows.filter(pc.less(time, pa.scalar(view.until, TIME)))
    if view.without and view.people is None:
        left_out = pc.is_in(rows.column("person_id"), value_set=pa.array(view.without, pa.int64()))
        rows = rows.filter(pc.invert(left_out))
    if view.humans and "bot" in rows.column_names:
        rows = rows.filter(pc.is_null(rows.column("bot")))
    for name, values in view.only:
        if name in rows.column_names:
            rows = rows.filter(text_among(rows.column(name), values))
        elif name in schema.names:
            return rows.slice(0, 0)
    return rows


def text_among(column: pa.ChunkedArray, values: tuple[str, ...]) -> pa.ChunkedArray:
    """True where the text is one of `values`; looked up once for each word of a dictionary."""
    wanted = pa.array(values, pa.string())
    if not pa.types.is_dictionary(column.type):
        return pc.is_in(column.cast(pa.string()), value_set=wanted)
    masks = [pc.take(pc.is_in(chunk.dictionary, value_set=wanted), chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(masks, pa.bool_())


def _inside(part: Part, view: View) -> bool:
    """Whether every row of the part is in the view's window."""
    after = view.since is None or part.time_low >= view.since
    return after and (view.until is None or part.time_high < view.until)
