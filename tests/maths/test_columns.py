"""Arrow columns as codes, whatever way the engine encoded them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from volano.maths.columns import ABSENT, integers, portions, texts, texts_or_null

words = st.lists(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=5), max_size=4)


@given(words, st.booleans())
def test_codes_spell_the_column_that_came(chunks: list[list[str | None]], encoded: bool) -> None:
    arrays = [pa.array(chunk, pa.string()) for chunk in chunks]
    if encoded:  # each chunk with a dictionary of its own
        arrays = [array.dictionary_encode() for array in arrays]
        column = pa.chunked_array(arrays, pa.dictionary(pa.int32(), pa.string()))
    else:
        column = pa.chunked_array(arrays, pa.string())
    found = texts(column)
    values = [*found.values.to_pylist(), None]
    assert [values[code] for code in found.codes] == [word for chunk in chunks for word in chunk]
    rows = np.arange(len(found.codes))
    codes, names = found.used(rows, "?")
    assert [names[code] for code in codes] == [word or "?" for chunk in chunks for word in chunk]
    assert sorted(names) == sorted({word or "?" for chunk in chunks for word in chunk})
    assert found.among(["a", "z"]).tolist() == [word == "a" for chunk in chunks for word in chunk]


def test_numbers_and_flags_become_texts() -> None:
    found = texts(pa.array([10, None, 10]))
    assert (found.codes.tolist(), found.values.to_pylist()) == ([0, -1, 0], ["10"])


def test_a_column_that_is_not_there_is_null() -> None:
    found = texts_or_null(pa.table({"a": [1, 2]}), "b")
    assert (found.codes.tolist(), found.code("x")) == ([-1, -1], ABSENT)


def test_times_of_any_unit_are_microseconds() -> None:
    seconds = pa.chunked_array([pa.array([1, 2], pa.timestamp("s", tz="UTC"))])
    assert integers(seconds).tolist() == [1_000_000, 2_000_000]


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30), st.sets(st.integers(1, 29)))
def test_portions_are_the_rows_with_the_texts_they_need(column: list[str | None], cuts: set[int]) -> None:
    starts = [0, *sorted(cut for cut in cuts if cut < len(column))] if column else []
    whole = pa.array(column, pa.string()).dictionary_encode()
    parts = [*portions(pa.table({"x": whole, "n": range(len(column))}), np.array(starts, np.int64))]
    ends = [*starts[1:], len(column)][: len(starts)]
    assert [part["n"].to_pylist() for part in parts] == [
        [*range(low, high)] for low, high in zip(starts, ends, strict=True)
    ]
    assert [word for part in parts for word in part["x"].to_pylist()] == column
    for part in parts:
        texts_there = set(part["x"].chunk(0).dictionary.to_pylist())
        assert part.num_rows >= 24 or texts_there == set(part["x"].to_pylist()) - {None}
