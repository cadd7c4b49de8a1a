from __future__ import annotations

from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.histories import ASKED, LIVES, MINUTE, NOWS, columns, kept
from volano.errors import BadRule
from volano.rules.block import compile_block
from volano.rules.compile import compile_one
from volano.rules.nodes import Chain, Did, Not, Window, conditions, leaves
from volano.rules.tree import parse, validate

Life = list[tuple[str, int, int]]
DAY = 86_400_000_000
VIEWED = {"event": "Product Viewed"}


def plainly(rule: dict[str, Any], life: Life, now: int) -> bool:
    """What the rule means, as the documentation says it, of every occurrence there ever was."""
    tree = parse(rule)
    if isinstance(tree, Not):
        return not plainly({"$did": rule["$didNot"]}, life, now)
    low = leaves(tree)[0]
    assert isinstance(low, Did | Chain)
    window = low.condition.window if isinstance(low, Did) else low.steps[0].window
    if window.within is not None:
        past = [one for one in life if now - one[1] * MINUTE < window.within and one[1] * MINUTE <= now]
    else:
        past = [one for one in life if (window.since or 0) <= one[1] * MINUTE <= now]
    if isinstance(low, Chain):
        lists = [[minute for event, minute, _ in past if event in step.events] for step in low.steps]
        span = low.span if low.span is not None else 10**18
        return any(
            list(times) == sorted(set(times)) and (times[-1] - times[0]) * MINUTE <= span
            for times in product(*lists)
        )
    told = rule["$did"]
    found = [one for one in past if one[0] in low.condition.events]
    if told.get("first"):
        ever = [one for one in life if one[0] in low.condition.events][:1]
        return any(one in past for one in ever)
    amount = sum(one[2] for one in found) / 1_000_000
    wanted_count = told.get("count", {} if "sum" in told else {"$gte": 1})
    wanted_count = wanted_count if isinstance(wanted_count, dict) else {"$eq": wanted_count}
    wanted_sum = {name: each for name, each in told.get("sum", {}).items() if name != "of"}
    return _compares(len(found), wanted_count) and _compares(amount, wanted_sum)


def _compares(value: float, wanted: dict[str, float]) -> bool:
    return all(
        {"$eq": value == each, "$ne": value != each, "$gt": value > each}.get(name, False)
        or {"$gte": value >= each, "$lt": value < each, "$lte": value <= each}.get(name, False)
        for name, each in wanted.items()
    )


@settings(max_examples=400, deadline=None)
@given(ASKED, LIVES, NOWS)
def test_a_rule_on_the_past_means_what_the_documentation_says(
    rule: dict[str, Any], life: Life, now: int
) -> None:
    done = {one.key: kept(life, one.events, first=one.first) for one in conditions(parse(rule))}
    facts = {"$now": now * MINUTE, "$done": done}
    assert compile_one(rule)(facts) is plainly(rule, life, now * MINUTE)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(ASKED, min_size=1, max_size=3),
    st.sampled_from(["$and", "$or", "$nor"]),
    st.lists(LIVES, max_size=4),
    NOWS,
)
def test_a_rule_on_the_past_says_the_same_of_one_and_of_a_block(
    parts: list[dict[str, Any]], joining: str, lives: list[Life], now: int
) -> None:
    rule = {joining: parts, "orders": {"$gte": 0}}
    asked = conditions(parse(rule))
    people = pa.table(
        {"person_id": pa.array(range(9, 9 - len(lives), -1), pa.int64()), "orders": [1] * len(lives)}
    )
    done = {
        one.key: {9 - at: kept(life, one.events, first=one.first) for at, life in enumerate(lives)}
        for one in asked
    }
    strangers = {one.key: {77: [(0, 0, 0)]} for one in asked}
    tables = {key: pa.concat_tables([columns(done[key]), columns(strangers[key])]) for key in done}
    block = compile_block(rule)(people, now=now * MINUTE, done=tables)
    one = compile_one(rule)
    facts = [
        {"orders": 1, "$now": now * MINUTE, "$done": {key: lists[9 - at] for key, lists in done.items()}}
        for at in range(len(lives))
    ]
    assert block.tolist() == [one(each) for each in facts]


def test_where_nothing_is_known_of_the_past_nothing_was_done() -> None:
    assert compile_one({"$did": VIEWED})({}) is False
    assert compile_one({"$didNot": VIEWED})({}) is True
    people = pa.table({"person_id": [1, 2]})
    assert compile_block({"$did": VIEWED})(people).tolist() == [False, False]
    assert compile_block({"$sequence": {"steps": [VIEWED, VIEWED]}})(people).tolist() == [False, False]
    assert compile_block({"$didNot": VIEWED})(pa.table({"orders": [1]})).tolist() == [True]


def test_a_sequence_in_a_block_may_take_ages() -> None:
    rule: dict[str, Any] = {"$sequence": {"steps": [{"event": "A"}, {"event": "B"}]}}
    first, second = conditions(parse(rule))
    people = pa.table({"person_id": [1, 2, 3]})
    done = {
        first.key: columns({1: [(0, 1, 0)], 2: [(5, 2, 0)]}),
        second.key: columns({1: [(2**61, 3, 0)], 2: [(4, 4, 0)]}),
    }
    for span, expected in (({}, [True, False, False]), ({"span": "1d"}, [False, False, False])):
        asked = {"$sequence": {**rule["$sequence"], **span}}
        assert compile_block(asked)(people, now=2**61, done=done).tolist() == expected


def test_a_condition_has_one_name_however_it_is_written_and_the_widest_window() -> None:
    told: list[dict[str, Any]] = [
        {"event": "A", "where": {"a": 1, "b": 2}, "within": "7d"},
        {"event": ["A"], "where": {"b": 2, "a": 1}, "within": "30d", "count": 3},
        {"event": ["A", "A"], "where": {"b": 2, "a": 1}, "since": "2026-01-01"},
    ]
    (one,) = conditions(*(parse({"$did": each}) for each in told))
    assert one.window == Window(within=30 * DAY, since=1_767_225_600_000_000)
    others = [
        {"event": "A"},
        {"event": "A", "within": "1d", "first": True},
        {"event": "A", "sum": {"of": "x", "$gt": 1}},
    ]
    assert len({each.key for each in conditions(*(parse({"$did": each}) for each in others))}) == 3


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"$did": {}}, r"\$did needs `event`"),
        ({"$did": {"event": ""}}, r"\$did needs `event`"),
        ({"$did": {"event": [1]}}, r"\$did needs `event`"),
        ({"$did": {"event": [str(n) for n in range(11)]}}, "up to 10 names"),
        ({"$did": "x"}, r"what follows \$did must be an object"),
        ({"$did": {**VIEWED, "times": 3}}, r"does not know `times`"),
        ({"$did": {**VIEWED, "within": "7 days"}}, r"`within` is '7 days'"),
        ({"$did": {**VIEWED, "within": 7}}, r"`within` is 7"),
        ({"$did": {**VIEWED, "within": "600w"}}, "at most ten years"),
        ({"$did": {**VIEWED, "since": "soon"}}, "`since` is 'soon'"),
        ({"$did": {**VIEWED, "since": "0001-01-01T00:00+23:59"}}, "1970 and 2200"),
        ({"$did": {**VIEWED, "within": "7d", "since": "2026-01-01"}}, "take one"),
        ({"$did": {**VIEWED, "count": 256}}, "0 to 255"),
        ({"$did": {**VIEWED, "count": {"$in": [1]}}}, r"does not know `\$in`"),
        ({"$did": {**VIEWED, "count": {"$gte": "3"}}}, "needs a number"),
        ({"$did": {**VIEWED, "count": {}}}, "compares with nothing"),
        ({"$did": {**VIEWED, "sum": {"$gte": 1}}}, "needs `of`"),
        ({"$did": {**VIEWED, "sum": {"of": "revenue"}}}, "compares with nothing"),
        ({"$did": {**VIEWED, "sum": {"of": "revenue", "$gt": 0.0000001}}}, "six decimals"),
        ({"$did": {**VIEWED, "first": 1}}, "true or false"),
        ({"$did": {**VIEWED, "first": True}}, "say `within` or `since`"),
        ({"$did": {**VIEWED, "first": True, "within": "1d", "count": 2}}, "take `count`"),
        ({"$did": {**VIEWED, "where": {"a": {"$gtt": 1}}}}, r"\$gtt is not an operator"),
        ({"$did": {**VIEWED, "where": {"$did": VIEWED}}}, "cannot stand inside"),
        ({"a": {"$elemMatch": {"$or": [{"$did": VIEWED}]}}}, "mixes|not an operator|cannot stand"),
        ({"a": {"$elemMatch": {"b": 1, "$did": VIEWED}}}, "mixes"),
        ({"$sequence": {"steps": [VIEWED]}}, "has 1 steps"),
        ({"$sequence": {"steps": [VIEWED] * 11}}, "has 11 steps"),
        ({"$sequence": {"steps": [VIEWED, {**VIEWED, "count": 2}]}}, "does not know `count`"),
        ({"$sequence": {"steps": [VIEWED, VIEWED], "span": "1x"}}, "`span` is '1x'"),
        ({"$did": {**VIEWED, "where": {"$and": [{}] * 500}}}, "more than 500"),
    ],
)
def test_what_cannot_be_asked_of_the_past_is_named(rule: Any, named: str) -> None:
    with pytest.raises(BadRule, match=named):
        validate(rule)
