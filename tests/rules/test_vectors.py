from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from volano.errors import BadRule
from volano.rules.block import compile_block
from volano.rules.compile import compile_one

CASES: list[list[Any]] = json.loads(
    (Path(__file__).parent / "growthbook_conditions.json").read_text(encoding="utf-8")
)

_REFUSED = "can never be true: it is refused when it is written, not passed over as false at every look"
_STRICT = (
    "the older, lenient meaning, in which a missing number is 0 and a text can be a number; here it is false"
)
EXCEPTIONS = {
    "$in - not array": _REFUSED,
    "$nin - not array": _REFUSED,
    "$ini - not array": _REFUSED,
    "$nini - not array": _REFUSED,
    "unknown operator - pass": _REFUSED,
    "$regex invalid - pass": _REFUSED,
    "$regex invalid - fail": _REFUSED,
    "missing attribute with comparison operators": _STRICT,
    "comparing numbers and strings": _STRICT,
    "comparing numbers and strings - v2": _STRICT,
}
KEPT = [case for case in CASES if case[0] not in EXCEPTIONS]


def _named(*reasons: str) -> list[list[Any]]:
    return [case for case in CASES if EXCEPTIONS.get(case[0]) in reasons]


def test_the_published_cases_are_all_there_and_the_exceptions_are_ten() -> None:
    assert (len(CASES), len(KEPT), len(EXCEPTIONS)) == (248, 238, 10)


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case[0])
def test_a_published_case_holds_for_one(case: list[Any]) -> None:
    _, rule, facts, expected, *groups = case
    assert compile_one(rule, *groups)(facts) is expected


@pytest.mark.parametrize("case", KEPT, ids=lambda case: case[0])
def test_a_published_case_holds_for_a_block(case: list[Any]) -> None:
    _, rule, facts, expected, *groups = case
    people = pa.Table.from_pylist([facts]) if facts else pa.table({"none": [None]})

    assert compile_block(rule, *groups)(people).tolist() == [expected]


@pytest.mark.parametrize("case", _named(_REFUSED), ids=lambda case: case[0])
def test_a_rule_that_can_never_be_true_is_refused_when_it_is_written(case: list[Any]) -> None:
    assert case[3] is False
    with pytest.raises(BadRule):
        compile_one(case[1])


@pytest.mark.parametrize("case", _named(_STRICT), ids=lambda case: case[0])
def test_a_value_that_is_missing_or_of_another_type_compares_as_false(case: list[Any]) -> None:
    assert compile_one(case[1])(case[2]) is False
    assert compile_block(case[1])(
        pa.table({"n": [None], **{k: [v] for k, v in case[2].items()}})
    ).tolist() == [False]
