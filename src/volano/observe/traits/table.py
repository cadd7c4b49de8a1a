"""The facts of many people as columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from volano.observe.traits.given import TRAITS
from volano.observe.traits.trait import Field

AT_ONCE = 5_000  # people whose facts are in memory one by one

_WORD = pa.dictionary(pa.int32(), pa.string())  # texts that come again and again
_KINDS = {
    "number": pa.int64(),
    "time": pa.int64(),
    "text": _WORD,
    "flag": pa.bool_(),
    "list": pa.list_(pa.string()),
}
_PLAIN = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    list: pa.list_(pa.string()),
}

Facts = dict[str, Any]
Told = dict[tuple[str, type], pa.Array]  # by name of the given trait and kind of value


def table_of(people: Iterable[tuple[int, Facts]], fields: Mapping[str, Field]) -> pa.Table:
    """A row for each person (id, facts), null where a fact is missing; see `observe.traits.people`."""
    names = [name for name in fields if not name.startswith(TRAITS)]
    types = {name: _type(fields[name]) for name in names}
    schema = pa.schema([("person_id", pa.int64()), *types.items()])
    rows = iter(people)
    parts: list[pa.Table] = []
    told: list[Told] = []
    while some := list(islice(rows, AT_ONCE)):
        columns = [pa.array([one.get(name) for _, one in some], kind) for name, kind in types.items()]
        parts.append(
            pa.table([pa.array([person for person, _ in some], pa.int64()), *columns], schema=schema)
        )
        told.append(_told([one for _, one in some]))
    whole = pa.concat_tables(parts).unify_dictionaries() if parts else schema.empty_table()
    for name, column in _given(told, [part.num_rows for part in parts]):
        whole = whole.append_column(name, column)
    return whole.combine_chunks()


def _type(field: Field) -> pa.DataType:
    if field.broken:
        return pa.float64()
    return pa.string() if field.pii == "direct" else _KINDS[field.kind]


def _told(rows: list[Facts]) -> Told:
    """The given traits of some people, by name and kind of value."""
    found: dict[tuple[str, type], list[Any]] = {}
    for number, row in enumerate(rows):
        for name, value in row.items():
            if name.startswith(TRAITS):
                values = found.setdefault((name, type(value)), [])
                values += [None] * (number - len(values))
                values.append(value)
    size = len(rows)
    return {
        (name, kind): pa.array(values + [None] * (size - len(values)), _PLAIN[kind])
        for (name, kind), values in found.items()
    }


def _given(told: list[Told], sizes: list[int]) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """One column for each given trait, of the kind of value that is told most; a number is a number."""
    counts: dict[str, Counter[type]] = {}
    for part in told:
        for (name, kind), values in part.items():
            counts.setdefault(name, Counter())[kind] += len(values) - values.null_count
    for name in sorted(counts):
        kinds = _most(counts[name])
        parts = [_one(part, name, kinds, size) for part, size in zip(told, sizes, strict=True)]
        yield name, pa.chunked_array(parts, _PLAIN[kinds[0]])


def _most(counts: Counter[type]) -> list[type]:
    """The kinds of value that are told most, the widest first."""
    numbers: list[type] = [kind for kind in (float, int) if counts[kind]]
    others: list[type] = [kind for kind in (bool, list, str) if counts[kind]]
    return max(numbers, *([kind] for kind in others), [], key=lambda some: sum(counts[kind] for kind in some))


def _one(part: Told, name: str, kinds: list[type], size: int) -> pa.Array:
    wanted = _PLAIN[kinds[0]]
    known = [part[name, kind].cast(wanted) for kind in kinds if (name, kind) in part]
    return pc.coalesce(*known) if known else pa.nulls(size, wanted)
