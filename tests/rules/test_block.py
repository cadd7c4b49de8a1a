from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.rules.block import compile_block
from volano.rules.compile import compile_many, compile_one
from volano.rules.constants import TYPES

GROUPS: dict[str, list[Any]] = {"ours": ["a", 1, True]}

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
    "marks": (pa.list_(pa.int64()), st.lists(st.none() | st.integers(-1, 2), max_size=3)),
    "cart": (
        pa.struct([("total", pa.int64()), ("kind", pa.string())]),
        st.fixed_dictionaries({"total": st.none() | st.integers(0, 2), "kind": st.sampled_from(["a", "b"])}),
    ),
    "lines": (
        pa.list_(pa.struct([("total", pa.int64())])),
        st.lists(st.fixed_dictionaries({"total": st.integers(0, 2)}), max_size=2),
    ),
    "version": (pa.string(), st.sampled_from(["1.2.3", "v1.10.0", "1.2.3-rc.1", "x"])),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, -1.5, 2.0, 2**53, "a", "ab", "1", ""])
)
ORDERED = st.integers(-3, 3) | st.sampled_from([0.5, -1.5, 2.0, 2**53, "a", "ab"])
TEXTS = st.sampled_from(["", "a", "b"])
FIELDS = st.sampled_from([*COLUMNS, "absent", "cart.total", "cart.kind", "cart.none", "orders.x"])

OPERATORS = st.one_of(
    *(st.fixed_dictionaries({name: SCALARS}) for name in ("$eq", "$ne")),
    *(st.fixed_dictionaries({name: ORDERED}) for name in ("$gt", "$gte", "$lt", "$lte")),
    *(
        st.fixed_dictionaries({name: st.lists(SCALARS, max_size=3)})
        for name in ("$in", "$nin", "$all", "$ini", "$nini", "$alli")
    ),
    *(st.fixed_dictionaries({name: TEXTS}) for name in ("$prefix", "$suffix", "$contains")),
    *(
        st.fixed_dictionaries({name: st.sampled_from(["1.2.3", "1.9"])})
        for name in ("$veq", "$vne", "$vgt", "$vlte")
    ),
    *(
        st.fixed_dictionaries({name: st.sampled_from(["^a", "b$", "[ab]b", ""])})
        for name in ("$regex", "$regexi")
    ),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$type": st.sampled_from(TYPES)}),
    st.fixed_dictionaries({"$inGroup": st.sampled_from(["ours", "none"])}),
    st.fixed_dictionaries({"$size": st.integers(0, 2) | st.fixed_dictionaries({"$gt": st.integers(0, 2)})}),
    st.fixed_dictionaries({"$gte": st.integers(-3, 3), "$lt": st.integers(-3, 3)}),
)
TESTS = st.recursive(
    SCALARS | OPERATORS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"$not": inner}),
        st.fixed_dictionaries({"$elemMatch": OPERATORS}),
        st.fixed_dictionaries({"$elemMatch": st.fixed_dictionaries({"total": inner})}),
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
    one = compile_one(rule, GROUPS)
    assert compile_block(rule, GROUPS)(block).tolist() == [one(person) for person in [*some, *others]]


@pytest.mark.parametrize(("operator", "fits"), [("$in", [True, False, False]), ("$nin", [False, True, True])])
def test_a_list_that_is_missing_is_among_values_of_which_null_is_one(operator: str, fits: list[bool]) -> None:
    people: list[dict[str, Any]] = [{"marks": None}, {"marks": ["a"]}, {"marks": []}]
    rule = {"marks": {operator: [None]}}
    assert [compile_one(rule)(person) for person in people] == fits
    block = pa.table({"marks": pa.array([one["marks"] for one in people], pa.list_(pa.string()))})
    assert compile_block(rule)(block).tolist() == fits


@settings(max_examples=100, deadline=None)
@given(st.lists(RULES, max_size=4), PEOPLE)
def test_many_rules_say_what_each_of_them_says(
    rules: list[dict[str, Any]], people: list[dict[str, Any]]
) -> None:
    named = {str(number): rule for number, rule in enumerate(rules)}
    many, each = compile_many(named, GROUPS), {key: compile_one(rule, GROUPS) for key, rule in named.items()}
    for person in people:
        assert many(person) == [key for key, one in each.items() if one(person)]


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
