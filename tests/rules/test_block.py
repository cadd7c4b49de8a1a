from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.rules.block import compile_block
from volano.rules.compile import compile_one

COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "orders": (pa.int64(), st.integers(-3, 3) | st.sampled_from([2**53 + 1, -(2**62)])),
    "small": (pa.uint8(), st.integers(0, 3)),
    "score": (pa.float64(), st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0, float("nan"), float("inf")])),
    "source": (pa.string(), st.sampled_from(["", "a", "ab", "b", "1"])),
    "device": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "ab"])),
    "known": (pa.bool_(), st.booleans()),
    "tags": (pa.list_(pa.string()), st.lists(st.sampled_from(["a", "b"]), max_size=3)),
    "utm.source": (pa.string(), st.sampled_from(["a", "b"])),
    "nothing": (pa.null(), st.none()),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, -1.5, 2.0, 2**53, "a", "ab", "1", ""])
)
ORDERED = st.integers(-3, 3) | st.sampled_from([0.5, -1.5, 2.0, 2**53, "a", "ab"])
TEXTS = st.sampled_from(["", "a", "b"])
FIELDS = st.sampled_from([*COLUMNS, "absent"])

OPERATORS = st.one_of(
    *(st.fixed_dictionaries({name: SCALARS}) for name in ("$eq", "$ne")),
    *(st.fixed_dictionaries({name: ORDERED}) for name in ("$gt", "$gte", "$lt", "$lte")),
    *(st.fixed_dictionaries({name: st.lists(SCALARS, max_size=3)}) for name in ("$in", "$nin", "$all")),
    *(st.fixed_dictionaries({name: TEXTS}) for name in ("$prefix", "$suffix", "$contains")),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$size": st.integers(0, 2)}),
    st.fixed_dictionaries({"$gte": st.integers(-3, 3), "$lt": st.integers(-3, 3)}),
)
TESTS = st.recursive(
    SCALARS | OPERATORS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"$not": inner}),
        st.fixed_dictionaries({"$elemMatch": OPERATORS}),
    ),
    max_leaves=3,
)
CONDITIONS = st.dictionaries(FIELDS, TESTS, max_size=3)
RULES = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        *(st.fixed_dictionaries({name: st.lists(inner, max_size=3)}) for name in ("$and", "$or", "$nor")),
        st.fixed_dictionaries({"$not": inner}),
    ),
    max_leaves=4,
)
PEOPLE = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, (_, values) in COLUMNS.items()}), max_size=8
)


def _table(people: list[dict[str, Any]]) -> pa.Table:
    arrays = {name: pa.array([row[name] for row in people], kind) for name, (kind, _) in COLUMNS.items()}
    return pa.table(arrays)


@settings(max_examples=300, deadline=None)
@given(RULES, PEOPLE, PEOPLE)
def test_a_rule_says_the_same_of_one_and_of_a_block(
    rule: dict[str, Any], some: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    block = pa.concat_tables([_table(some), _table(others)])
    one = compile_one(rule)
    assert compile_block(rule)(block).tolist() == [one(person) for person in [*some, *others]]


def test_a_block_without_the_column_is_one_of_people_of_whom_nothing_is_known() -> None:
    block = pa.table({"orders": [1, 2]})
    assert compile_block({"source": "x"})(block).tolist() == [False, False]
    assert compile_block({"source": {"$ne": "x"}})(block).tolist() == [True, True]


def test_a_block_of_nobody_gives_nobody() -> None:
    block = _table([])
    for name in COLUMNS:
        assert compile_block({name: {"$gt": 1}, "source": "a"})(block).tolist() == []
    assert compile_block({"a": 1})(pa.table({"a": pa.chunked_array([], pa.int64())})).tolist() == []
    assert compile_block({"a": "x"})(pa.table({"a": pa.chunked_array([], pa.string())})).tolist() == []


def test_an_empty_rule_is_everyone() -> None:
    assert compile_block({})(pa.table({"a": [1, 2]})).tolist() == [True, True]
