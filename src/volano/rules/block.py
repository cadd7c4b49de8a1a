"""A rule as one function of a table of people, always equal to the function of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.maths.columns import kinds
from volano.rules.block_past import Pasts, chain_mask, totals
from volano.rules.check import NEGATIONS, check
from volano.rules.nodes import At, Chain, Compare, Did, Element, Every, Not, Size, Some, Test
from volano.rules.tree import Groups, parse

Mask = npt.NDArray[np.bool_]


def compile_block(rule: Any, groups: Groups | None = None) -> Callable[..., Mask]:
    """The rule as a function of flat facts: column = field (dotted names as they stand), null = missing.

    A field of which people have values of several kinds is a dense union. Rules that ask for the past need
    `now` (UTC µs) and `done`: by the key of a condition a table of moments (`person_id time id amount`),
    beside the column `person_id` of the people; without it nothing was done. Numbers are compared in NumPy;
    of anything else each distinct value is put to the function of one.

    >>> compile_block({"orders": {"$gte": 2}})(pa.table({"orders": [1, 2, None]})).tolist()
    [False, True, False]
    """
    tree = parse(rule, groups)

    def mask(people: pa.Table, *, now: int = 0, done: Mapping[str, pa.Table] | None = None) -> Mask:
        return block_mask(tree, people, Pasts(people, done or {}, now))

    return mask


def block_mask(test: Test, people: pa.Table, pasts: Pasts) -> Mask:  # noqa: PLR0911  one arm for each kind of node
    """The people whom a tree fits; `pasts` can serve several trees."""
    match test:
        case Every(parts):
            return _all([block_mask(part, people, pasts) for part in parts], people.num_rows)
        case Some(parts):
            return ~_all([~block_mask(part, people, pasts) for part in parts], people.num_rows)
        case Not(part):
            return ~block_mask(part, people, pasts)
        case At(field, part):
            column = _field(people, field)
            if column is None:
                return np.full(people.num_rows, check(part)(None))
            return _column(part, column)
        case Did(count=count, total=total):
            often, much = totals(test, pasts)
            tests = [(count, often), (total, much)]
            masks = [
                _column(part, pa.chunked_array([pa.array(values)]))
                for part, values in tests
                if part is not None
            ]
            return _all(masks, people.num_rows)
        case Chain():
            return chain_mask(test, pasts)
    raise AssertionError(f"{test} stands outside a field")  # the parser does not make such trees


def _field(people: pa.Table, field: str) -> pa.ChunkedArray | None:
    """The column of a field, or what stands under its path in a column of objects."""
    if field in people.column_names:
        return people.column(field)
    name, *path = field.split(".")
    column = people.column(name) if name in people.column_names else None
    while column is not None and path:
        step = path.pop(0)
        inside = pa.types.is_struct(column.type) and column.type.get_field_index(step) >= 0
        column = pc.struct_field(column, step) if inside else None
    return column


def _all(masks: list[Mask], size: int) -> Mask:
    return np.logical_and.reduce(masks) if masks else np.ones(size, np.bool_)


def _column(test: Test, column: pa.ChunkedArray) -> Mask:  # noqa: PLR0911  one arm for each kind of node
    """The test on every value of a column; of one of mixed kinds, on the values of each kind."""
    if pa.types.is_union(column.type):
        found = np.zeros(len(column), np.bool_)
        for rows, values in kinds(column):
            found[rows] = _column(test, values)
        return found
    listed = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    match test:
        case Every(parts):
            return _all([_column(part, column) for part in parts], len(column))
        case Some(parts):
            return ~_all([~_column(part, column) for part in parts], len(column))
        case Not(part):
            return ~_column(part, column)
        case Compare(name, constant) if name in NEGATIONS:
            return ~_column(Compare(NEGATIONS[name], constant), column)
        case Compare(name, constant) if name in _NUMERIC and _comparable(column, constant):
            numbers = column.drop_null().to_numpy()
            found = np.zeros(len(column), np.bool_)
            found[pc.is_valid(column).to_numpy()] = _compared(name, numbers, constant)
            return found
        case Compare("exists", wanted):
            there: Mask = pc.is_valid(column).to_numpy()
            return there if wanted else ~there
        case Size(part) if listed:
            return _filled(_column(part, pc.list_value_length(column.drop_null())), column)
        case Element(part) if listed:
            return _any_member(part, column)
        case Compare("in" | "ini", _) if listed and not pa.types.is_nested(column.type.value_type):
            found = _any_member(test, column)
            return found | pc.is_null(column).to_numpy() if check(test)(None) else found
    return _by_distinct_value(test, column)


def _filled(mask: Mask, column: pa.ChunkedArray) -> Mask:
    """The mask of what is not null, with False where nothing stands."""
    found = np.zeros(len(column), np.bool_)
    found[pc.is_valid(column).to_numpy()] = mask
    return found


def _any_member(test: Test, column: pa.ChunkedArray) -> Mask:
    """Whether the test holds for some member of each list."""
    values = pc.list_flatten(column)
    holds = _column(test, values)
    parents = pc.list_parent_indices(column).to_numpy()
    return np.bincount(parents[holds], minlength=len(column)).astype(np.bool_)


def _comparable(column: pa.ChunkedArray, constant: Any) -> bool:
    number = isinstance(constant, int | float) and not isinstance(constant, bool)
    return number and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def _compared(name: str, numbers: npt.NDArray[Any], constant: float) -> Mask:
    """The comparison of numbers, exact: whole ones with a whole number that stands for the constant."""
    if numbers.dtype.kind in "iu":
        if name == "eq" and constant != floor(constant):
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
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}
