"""Arrow columns as NumPy arrays: texts as codes into their values, times as microseconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ABSENT = -2  # the code of a text that no row has; −1 is null


@dataclass(frozen=True, slots=True)
class Texts:
    """A text column: row i holds `values[codes[i]]`, or null where the code is −1. Values are distinct.

    >>> column = texts(pa.chunked_array([["b", None], ["a", "b"]]))
    >>> column.codes.tolist(), column.code("a"), column.code("z")
    ([0, -1, 1, 0], 1, -2)
    """

    codes: NDArray[np.int32]
    values: Any  # pa.StringArray

    def code(self, text: str) -> int:
        """The code of `text`, or `ABSENT`."""
        at = int(pc.index(self.values, pa.scalar(text, self.values.type)).as_py())
        return ABSENT if at < 0 else at

    def among(self, wanted: Sequence[str]) -> Bools:
        """Which rows hold one of the wanted texts."""
        table = np.zeros(len(self.values) + 1, dtype=bool)  # the last place answers for null
        table[[code for text in wanted if (code := self.code(text)) >= 0]] = True
        return table[self.codes]

    def used(self, rows: Ints, null: str) -> tuple[Ints, list[str]]:
        """The texts at `rows` as codes into a list of only those that occur, with `null` for null."""
        here = self.codes[rows].astype(np.int64)
        seen = np.flatnonzero(np.bincount(here + 1, minlength=1)) - 1
        place = np.zeros(len(self.values) + 1, dtype=np.int64)
        place[seen] = np.arange(len(seen))
        known = self.values.take(pa.array(seen[seen >= 0])).to_pylist()
        return place[here], [null, *known] if len(seen) and seen[0] < 0 else known


def texts(column: Any) -> Texts:
    """A string, dictionary or other column (array or chunked) as codes; what is not text becomes text."""
    if isinstance(column, pa.ChunkedArray):
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # what an empty table gives
            column = pa.concat_arrays(column.chunks)
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    codes = pc.cast(column.indices.fill_null(-1), pa.int32()).to_numpy(zero_copy_only=False)
    return Texts(codes, column.dictionary.cast(pa.string()))


def texts_or_null(block: pa.Table, name: str) -> Texts:
    """The text column of that name; all null when the block has none."""
    if name in block.column_names:
        return texts(block[name])
    return Texts(np.full(block.num_rows, -1, dtype=np.int32), pa.array([], pa.string()))


def integers(column: Any, null: int = 0) -> Ints:
    """A column of whole numbers, or of times as UTC microseconds.

    >>> integers(pa.array([3, None]), null=-1).tolist()
    [3, -1]
    >>> integers(pa.array([7], pa.timestamp("us", tz="UTC"))).tolist()
    [7]
    """
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz=column.type.tz))
    numbers = column.cast(pa.int64())
    if numbers.null_count:
        numbers = numbers.fill_null(null)
    return np.asarray(numbers.to_numpy(), dtype=np.int64)


def wrapped(number: int) -> int:
    """A sum as 64 bits hold it: what NumPy makes of it, and so the same however the terms are grouped.

    >>> wrapped(2**63), wrapped(-5)
    (-9223372036854775808, -5)
    """
    return (number + 2**63) % 2**64 - 2**63


def kinds(column: pa.ChunkedArray) -> list[tuple[Ints, pa.ChunkedArray]]:
    """Of a column of mixed kinds (a dense union) the rows and the values of each kind, chunk by chunk.

    >>> numbers, texts = pa.array([7, None]), pa.array(["x"])
    >>> places = pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32())
    >>> mixed = pa.UnionArray.from_dense(*places, [numbers, texts])
    >>> [(rows.tolist(), values.to_pylist()) for rows, values in kinds(pa.chunked_array([mixed]))]
    [([0, 2], [7, None]), ([1], ['x'])]
    """
    found, before = [], 0
    for chunk in column.chunks:
        code, offset = np.asarray(chunk.type_codes), np.asarray(chunk.offsets)
        for number in range(chunk.type.num_fields):
            rows = np.flatnonzero(code == number)
            found.append(
                (before + rows, pa.chunked_array([chunk.field(number).take(pa.array(offset[rows]))]))
            )
        before += len(chunk)
    return found


def text_column(codes: NDArray[np.integer[Any]], values: Any) -> Any:
    """Codes into values as a dictionary column; no code may be negative."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32, copy=False)), values)


def portions(block: pa.Table, starts: Ints) -> Iterator[pa.Table]:
    """The rows from one start to before the next, and from the last on to the end.

    The dictionaries of a portion have few texts that it does not need.

    >>> block = pa.table({"a": pa.array(["x", "y", "z"]).dictionary_encode()})
    >>> [part["a"].to_pylist() for part in portions(block, np.array([0, 2]))]
    [['x', 'y'], ['z']]
    """
    for low, high in pairwise([*starts.tolist(), block.num_rows]):
        part = block.slice(low, high - low)
        for at, column in enumerate(part.columns):
            if pa.types.is_dictionary(column.type) and column.num_chunks == 1:
                chunk = column.chunk(0)
                if len(chunk.dictionary) > _SPARE * len(chunk):
                    part = part.set_column(at, part.field(at), _narrowed(chunk))
        yield part


_SPARE = 1 / 8  # texts for each row that do no harm


def _narrowed(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same with a dictionary of those texts only that occur."""
    codes = column.indices.fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False)
    seen = np.flatnonzero(np.bincount(codes, minlength=1)[: len(column.dictionary)])
    place = np.zeros(len(column.dictionary) + 1, np.int32)
    place[seen] = np.arange(len(seen))
    there = pc.is_valid(column.indices)
    indices = pa.array(place[codes], mask=~there.to_numpy(zero_copy_only=False))
    return pa.DictionaryArray.from_arrays(indices, column.dictionary.take(pa.array(seen)))


def changes(*columns: NDArray[Any]) -> Bools:
    """Which rows differ from the row before in any of the columns; the first row does.

    >>> changes(np.array([1, 1, 2, 2])).tolist()
    [True, False, True, False]
    """
    differs = np.ones(len(columns[0]), dtype=bool)
    differs[1:] = columns[0][1:] != columns[0][:-1]
    for column in columns[1:]:
        differs[1:] |= column[1:] != column[:-1]
    return differs
