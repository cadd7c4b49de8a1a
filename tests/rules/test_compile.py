from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volano.errors import BadRule
from volano.rules.check import KINDS, same
from volano.rules.compile import compile_many, compile_one
from volano.rules.constants import MAX_DEPTH
from volano.rules.tree import MAX_NODES, fields, parse, validate


def test_a_negation_of_something_missing_is_true() -> None:
    for rule in ({"a": {"$ne": 1}}, {"a": {"$nin": [1]}}, {"a": {"$not": {"$gt": 1}}}, {"$not": {"a": 1}}):
        assert compile_one(rule)({}) is True


def test_true_is_not_one() -> None:
    assert compile_one({"a": {"$in": [1]}})({"a": True}) is False
    assert compile_one({"a": 1})({"a": 1.0}) is True


def test_a_dotted_field_is_found_flat_or_nested() -> None:
    rule = compile_one({"a.b": 1})
    assert rule({"a": {"b": 1}}) is True
    assert rule({"a.b": 1}) is True
    assert rule({"a": 1}) is False


def test_texts_can_be_looked_into_without_regular_expressions() -> None:
    facts = {"path": "/shoes/running"}
    for operator, wanted in (("$prefix", "/shoes"), ("$suffix", "running"), ("$contains", "s/r")):
        assert compile_one({"path": {operator: wanted}})(facts) is True
        assert compile_one({"path": {operator: "("}})(facts) is False


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"a": {"$regex": "(?=x)"}}, "no look-around"),
        ({"a": {"$regex": r"(a)\1"}}, "no references back"),
        ({"a": {"$regex": "x" * 501}}, "501 characters"),
        ({"a": {"$regex": "(((x{100}){100}){100})"}}, "cannot be used"),
        ({"a": {"$regex": "[\ud800]"}}, "cannot be used"),
        ({"a": {"$regexi": 1}}, r"\$regexi needs a text"),
        ({"a": {"$type": "str"}}, r"\$type needs one of array"),
        ({"a": {"$vgt": 1}}, r"\$vgt needs a text"),
        ({"a": {"$inGroup": 1}}, r"\$inGroup needs a text"),
        ({"a": {"$gtt": 1}}, r"\$gtt is not an operator"),
        ({"$nott": {}}, r"\$nott is not a way"),
        ({"a": {"$gt": 1, "b": 2}}, "mixes"),
        ({"a": {"$gt": None}}, r"\$gt needs a number or a text"),
        ({"a": {"$gt": True}}, r"\$gt needs a number or a text"),
        ({"a": {"$in": [[1]]}}, r"\$in cannot compare"),
        ({"a": {"$in": 1}}, r"\$in needs a list"),
        ({"a": {"$exists": 1}}, r"\$exists needs true or false"),
        ({"a": {"$prefix": 1}}, r"\$prefix needs a text"),
        ({"a": 2**60}, r"within ±2\^53"),
        ({"a": 10**400}, r"within ±2\^53"),
        ({"a": float("nan")}, r"within ±2\^53"),
        ({"a": {1}}, "cannot compare"),
        ({"$or": {}}, r"\$or needs a list"),
        ({"$and": [1]}, "must be an object"),
        ({"": 1}, "no name"),
        ({1: 1}, "must be an object"),
        ([], "must be an object"),
        ({"a": {"$in": list(range(1001))}}, "1,001 members"),
    ],
)
def test_what_is_not_in_the_language_is_named(rule: Any, named: str) -> None:
    with pytest.raises(BadRule, match=named):
        validate(rule)


def test_a_rule_may_be_deep_and_wide_within_bounds() -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(MAX_DEPTH // 2 - 1):
        deep = {"$not": deep}
    validate(deep)
    for _ in range(MAX_DEPTH):
        deep = {"$not": deep}
    with pytest.raises(BadRule, match="deeper than 20"):
        validate(deep)
    with pytest.raises(BadRule, match="deeper than 20"):
        validate({"a": _nested_list(30)})
    validate({"$or": [{"a": 1}] * (MAX_NODES // 2 - 1)})
    with pytest.raises(BadRule, match="more than 500"):
        validate({"$or": [{"a": 1}] * MAX_NODES})


def test_the_fields_of_a_rule_are_known() -> None:
    rule = {"a": {"$not": {"$gt": 1}}, "$nor": [{"b.c": 1}, {"$or": [{"d": {"$size": 1}}]}]}
    assert fields(parse(rule)) == {"a", "b.c", "d"}


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3), st.lists, max_leaves=6)
)
def test_everything_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)


def test_many_rules_name_those_that_hold_in_their_order() -> None:
    which = compile_many(
        {"b": {"orders": {"$gte": 2}}, "a": {"source.name": "mail"}, "none": {"$nor": []}, "all": {}}
    )
    assert which({"orders": 2, "source": {"name": "mail"}}) == ["b", "a", "all"]
    assert which({}) == ["all"]
    assert compile_many({})({}) == []


def test_a_name_or_a_constant_is_never_part_of_the_program() -> None:
    harm = """'); raise SystemExit("x") #\n"""
    rules = {harm: {harm: harm, "$or": [{harm: {"$in": [harm]}}, {f"{harm}.{harm}": {"$ne": 1}}]}}
    assert compile_many(rules)({harm: harm}) == [harm]


def test_the_widest_and_deepest_rules_compile() -> None:
    wide = {"$or": [{f"f{number}": number} for number in range(249)]}
    deep: dict[str, Any] = {"a": 1}
    for _ in range(9):
        deep = {"$or": [{"$not": deep}, {"b": 1}]}
    assert compile_one(wide)({"f248": 248}) is True
    assert compile_one(deep)({}) is not compile_one(deep)({"a": 1})
    assert compile_many({str(number): wide for number in range(50)})({"f1": 1}) == list(map(str, range(50)))


def test_facts_of_types_of_their_own_are_what_they_are_made_of() -> None:
    class Name(str):
        pass

    assert compile_one({"a": {"$prefix": "x"}})({"a": Name("xy")}) is True
    assert KINDS[Name] == KINDS[str]
    assert compile_one({"a": {"$exists": True}})({"a": object()}) is True
    assert compile_one({"a": {"$type": "string"}})({"a": object()}) is False


def test_saved_lists_and_names_of_segments_can_be_asked() -> None:
    listed = compile_one({"id": {"$inGroup": "staff"}, "segments": {"$inGroup": "lapsing"}}, {"staff": ["7"]})
    assert listed({"id": "7", "segments": ["new", "lapsing"]}) is True
    assert listed({"id": "7", "segments": ["new"]}) is False
    assert compile_one({"segments": {"$notInGroup": "lapsing"}})({}) is True


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("^/shoes", {"/shoes/1": True, "a/shoes": False}),
        (r"\.html$", {"a.html": True, "ahtml": False, "a.html\n": False}),
        ("^a b$", {"a b": True, "a b c": False}),
        (r"\?x=", {"/?x=1": True, "/x=1": False}),
        ("", {"": True, "x": True}),
        ("sale|offer", {"/sale": True, "/offers": True, "/": False}),
        ("^/(men|women)/[a-z]+/?$", {"/men/shoes/": True, "/men/": False}),
        ("(a+)+$", {"a" * 5_000 + "b": False}),
        ("é.", {"é\ud800": False, "éa": True}),
    ],
)
def test_patterns_match_in_linear_time(pattern: str, texts: dict[str, bool]) -> None:
    rule = compile_one({"path": {"$regex": pattern}})
    assert {text: rule({"path": text}) for text in texts} == texts
    assert rule({"path": 1}) is False


def test_all_of_a_thousand_are_looked_for_in_a_long_list_in_linear_time() -> None:
    wanted = [f"x{number}" for number in range(1_000)]
    rule = compile_one({"tags": {"$all": wanted}})
    assert rule({"tags": [*(["y"] * 2_000_000), *wanted]}) is True
    assert rule({"tags": [*(["y"] * 2_000_000), *wanted[1:]]}) is False
    assert compile_one({"a": {"$all": [1, None]}})({"a": [True, [], {}, 1.0, None]}) is True
    assert compile_one({"a": {"$all": [1]}})({"a": [True, [1], "1"]}) is False


def test_a_pattern_minds_case_unless_it_is_told_not_to() -> None:
    rule = compile_one({"a": {"$regexi": "^/SHOES"}})
    assert rule({"a": "/shoes"}) is True
    assert compile_one({"a": {"$regex": "^/SHOES"}})({"a": "/shoes"}) is False


def _nested_list(depth: int) -> Any:
    return [_nested_list(depth - 1)] if depth else 1
