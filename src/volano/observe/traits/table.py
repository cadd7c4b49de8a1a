"""The facts of many people as columns: as they are kept, and as rules and reports are told them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.maths.columns import Ints, integers
from volano.observe.traits.given import TRAITS
from volano.observe.traits.trait import Field

AT_ONCE = 5_000  # people whose facts are in memory one by one
PERSON, GIVEN, UNTIL = "person_id", "given", "until"
NEVER = 2**63 - 1

_WORD = pa.dictionary(pa.int32(), pa.string())  # texts that come again and again
_LIST = pa.list_(pa.field("element", pa.string()))  # as Parquet calls it
_KINDS = {
    "number": pa.int64(),
    "money": pa.int64(),
    "time": pa.int64(),
    "text": pa.string(),
    "flag": pa.bool_(),
    "list": _LIST,
}
_PLAIN: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    list: _LIST,
}
_WORDS = pa.struct([("key", pa.string()), ("value", pa.binary())])  # values as MessagePack
_TOLD = pa.list_(pa.field("element", _WORDS))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

Facts = dict[str, Any]
Fields = Mapping[str, Field]


def kept_schema(fields: Fields) -> pa.Schema:
    """What is kept of each person: facts that only events change, what was given, and until when they hold.

    A row is as good as new until `until` (UTC µs); of a person who is no more it is null, and so is all else.
    """
    told = [(name, _type(field)) for name, field in fields.items() if _lasts(name, field)]
    return pa.schema([(PERSON, pa.int64()), *told, (GIVEN, _TOLD), (UNTIL, pa.int64())])


def kept_of(people: Iterable[tuple[int, Facts, int]], fields: Fields) -> Iterator[pa.Table]:
    """A row for each person (id, facts, until when), null where a fact is missing; AT_ONCE at a time."""
    schema, rows = kept_schema(fields), iter(people)
    while some := list(islice(rows, AT_ONCE)):
        columns = [
            pa.array([facts.get(field.name) for _, facts, _ in some], field.type)
            for field in schema
            if field.name not in (PERSON, GIVEN, UNTIL)
        ]
        given = [
            [
                {"key": name.removeprefix(TRAITS), "value": _encode(value)}
                for name, value in facts.items()
                if name.startswith(TRAITS)
            ]
            for _, facts, _ in some
        ]
        people_ = pa.array([person for person, _, _ in some], pa.int64())
        until = pa.array([until for _, _, until in some], pa.int64())
        yield pa.table([people_, *columns, pa.array(given, _TOLD), until], schema=schema)


def asked_of(names: Iterable[str] | None, fields: Fields) -> list[str]:
    """The columns that are to be kept for these facts to be told; None: all.

    >>> asked_of(["traits.plan", "nonsense"], {})
    ['person_id', 'given', 'until']
    """
    if names is None:
        return [*kept_schema(fields).names]
    found = set()
    for name in names:
        field = fields.get(name)
        if name.startswith(TRAITS):
            found.add(GIVEN)
        elif field is not None:
            found.add(field.timed.anchor if field.timed is not None else name)
    return [PERSON, *sorted(found - {GIVEN}), *([GIVEN] if GIVEN in found else []), UNTIL]


def told_of(kept: pa.Table, fields: Fields, names: Iterable[str] | None = None, *, now: int) -> pa.Table:
    """The facts of people at `now` (UTC µs), all or those named; see `observe.traits.people`."""
    wanted = None if names is None else set(names)
    columns = {PERSON: kept[PERSON]}
    for name, field in fields.items():
        if name.startswith(TRAITS) or (wanted is not None and name not in wanted):
            continue
        if field.timed is not None:
            columns[name] = _passed(kept[field.timed.anchor], field.timed.unit, now)
        else:
            column = kept[name]
            columns[name] = _plain(column, field) if field.kind == "text" else column
    if GIVEN in kept.column_names:
        keys = (
            None if wanted is None else {one.removeprefix(TRAITS) for one in wanted if one.startswith(TRAITS)}
        )
        columns |= {TRAITS + key: column for key, column in _given(kept[GIVEN], keys)}
    return pa.table(columns).unify_dictionaries().combine_chunks()


def given_types(kept: pa.Table) -> dict[str, pa.DataType]:
    """The given traits that people have, each with the type of column for the kind that is told most."""
    flat = _flat(kept[GIVEN])
    return {key: _most(counts) for key, _, _, counts in _by_key(flat, None) if counts}


def _lasts(name: str, field: Field) -> bool:
    return field.timed is None and not name.startswith(TRAITS)


def _type(field: Field) -> pa.DataType:
    return pa.float64() if field.broken else _KINDS[field.kind]


def _plain(column: pa.ChunkedArray, field: Field) -> pa.ChunkedArray:
    """Texts as dictionaries, but those that are of one person."""
    return column.cast(pa.string() if field.pii == "direct" else _WORD)


def _passed(anchor: pa.ChunkedArray, unit: int, now: int) -> pa.Array:
    """Whole units since a moment; null where there is none."""
    moment = integers(anchor)
    return pa.array((now - moment) // unit, mask=moment == 0)


class _Flat:
    """Everything given, one word after the other: whose it is, its key as a code, and its value as a code."""

    def __init__(
        self, people: int, owner: Ints, keys: pa.DictionaryArray, values: pa.DictionaryArray
    ) -> None:
        self.people, self.owner = people, owner
        self.keys: list[str] = keys.dictionary.to_pylist()
        self.values = [_decode(value) for value in values.dictionary.to_pylist()]
        self.key = integers(keys.indices)
        self.value = integers(values.indices)


def _flat(column: pa.ChunkedArray) -> _Flat:
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):  # what an empty table gives
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], _TOLD)
    flat = lists.flatten()
    owner = integers(pc.list_parent_indices(lists))
    return _Flat(
        len(lists), owner, flat.field("key").dictionary_encode(), flat.field("value").dictionary_encode()
    )


def _by_key(flat: _Flat, wanted: set[str] | None) -> Iterator[tuple[str, Ints, Ints, Counter[type]]]:
    """By key in the order of the alphabet: owners, codes of values, and how often each kind is told."""
    order = np.argsort(flat.key, kind="stable")
    edges = np.searchsorted(flat.key[order], np.arange(len(flat.keys) + 1))
    for code in sorted(range(len(flat.keys)), key=flat.keys.__getitem__):
        if wanted is None or flat.keys[code] in wanted:
            here = order[edges[code] : edges[code + 1]]
            values = flat.value[here]
            known, often = np.unique(values, return_counts=True)
            counts: Counter[type] = Counter()
            for value, many in zip(known.tolist(), often.tolist(), strict=True):
                counts[type(flat.values[value])] += many
            yield flat.keys[code], flat.owner[here], values, counts


def _given(column: pa.ChunkedArray, wanted: set[str] | None) -> Iterator[tuple[str, pa.Array]]:
    """One column for each given trait: of the kind of its values, or a dense union of the kinds there are."""
    flat = _flat(column)
    for key, owner, values, counts in _by_key(flat, wanted):
        known, which = np.unique(values, return_inverse=True)
        told = [flat.values[value] for value in known.tolist()]
        place = np.full(flat.people, -1, np.int64)
        place[owner] = which
        some = sorted(counts, key=lambda kind: (-counts[kind], kind.__name__))
        if len(some) > 1:
            yield key, _union(told, some, place)
        else:
            yield key, pa.array(told, _PLAIN[some[0]]).take(pa.array(place, mask=place < 0))


def _union(told: Sequence[Any], some: Sequence[type], place: Ints) -> pa.Array:
    """A column of values of several kinds, by their place in `told`; null for −1."""
    parts: list[list[Any]] = [[] for _ in some]
    codes, offsets = [], []
    for value in told:
        code = some.index(type(value))
        codes.append(code)
        offsets.append(len(parts[code]))
        parts[code].append(value)
    codes.append(0)  # where −1 points to
    offsets.append(len(parts[0]))
    parts[0].append(None)
    return pa.UnionArray.from_dense(
        pa.array(np.array(codes, np.int8)[place]),
        pa.array(np.array(offsets, np.int32)[place]),
        [pa.array(part, _PLAIN[kind]) for part, kind in zip(parts, some, strict=True)],
        [kind.__name__ for kind in some],
    )


def _most(counts: Counter[type]) -> pa.DataType:
    """The type for the kind of value that is told most; numbers are one kind, and broken if any is."""
    numbers: list[type] = [kind for kind in (float, int) if counts[kind]]
    others: list[type] = [kind for kind in (bool, list, str) if counts[kind]]
    kinds = [numbers, *([kind] for kind in others)]
    return _PLAIN[max(kinds, key=lambda some: sum(counts[kind] for kind in some))[0]]
