"""A rule as one function of a table of people, always equal to the function of one."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.rules.compile import check
from volano.rules.tree import At, Compare, Every, Not, Some, Test, parse

Mask = npt.NDArray[np.bool_]


def compile_block(rule: Any) -> Callable[[pa.Table], Mask]:
    """The rule as a function of flat facts: column = field (dotted names as they stand), null = missing.

    Numbers are compared in NumPy; of anything else each distinct value is put to the function of one.

    >>> compile_block({"orders": {"$gte": 2}})(pa.table({"orders": [1, 2, None]})).tolist()
    [False, True, False]
    """
    tree = parse(rule)
    return lambda table: _mask(tree, table)


def _mask(test: Test, table: pa.Table) -> Mask:
    match test:
        case Every(parts):
            return _all([_mask(part, table) for part in parts], table.num_rows)
        case Some(parts):
            return ~_all([~_mask(part, table) for part in parts], table.num_rows)
        case Not(part):
            return ~_mask(part, table)
        case At(field, part) if field in table.column_names:
            return _column(part, table.column(field))
        case At(_, part):
            return np.full(table.num_rows, check(part)(None))
    raise AssertionError(f"{test} stands outside a field")  # the parser does not make such trees


def _all(masks: list[Mask], size: int) -> Mask:
    return np.logical_and.reduce(masks) if masks else np.ones(size, np.bool_)


def _column(test: Test, column: pa.ChunkedArray) -> Mask:
    """The test on every value of a column."""
    match test:
        case Every(parts):
            return _all([_column(part, column) for part in parts], len(column))
        case Not(part):
            return ~_column(part, column)
        case Compare(name, constant) if name in _NUMERIC and _comparable(column, constant):
            numbers = column.drop_null().to_numpy()
            found = np.zeros(len(column), np.bool_)
            found[pc.is_valid(column).to_numpy()] = _compared(name, numbers, constant)
            return ~found if name == "ne" else found
    return _by_distinct_value(test, column)


def _comparable(column: pa.ChunkedArray, constant: Any) -> bool:
    number = isinstance(constant, int | float) and not isinstance(constant, bool)
    return number and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def _compared(name: str, numbers: npt.NDArray[Any], constant: float) -> Mask:
    """The comparison of numbers, exact: whole ones with a whole number that stands for the constant."""
    if numbers.dtype.kind in "iu":
        if name in ("eq", "ne") and constant != floor(constant):
            return np.zeros(len(numbers), np.bool_)
        constant = ceil(constant) if name in ("gte", "lt") else floor(constant)
    found: Mask = _NUMERIC[name](numbers, constant)
    return found


def _by_distinct_value(test: Test, column: pa.ChunkedArray) -> Mask:
    one = check(test)
    if pa.types.is_nested(column.type):
        return np.fromiter(map(one, column.to_pylist()), np.bool_, len(column))
    encoded = (
        column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    )
    if not encoded.num_chunks:
        return np.zeros(0, np.bool_)
    verdicts = np.array([*map(one, encoded.chunk(0).dictionary.to_pylist()), one(None)], np.bool_)
    codes = pc.fill_null(pa.chunked_array([chunk.indices for chunk in encoded.chunks]), len(verdicts) - 1)
    found: Mask = verdicts[codes.to_numpy()]
    return found


_NUMERIC: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal,
    "ne": np.equal,  # turned round after the missing ones are filled in
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}
