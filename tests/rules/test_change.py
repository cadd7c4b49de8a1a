from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.histories import ASKED, LIVES, MINUTE, NOWS, kept
from volano.rules.change import Timed, compile_changes, next_change
from volano.rules.compile import compile_one
from volano.rules.nodes import conditions
from volano.rules.tree import parse

Life = list[tuple[str, int, int]]
TIMED = {"age": Timed(2 * MINUTE, "born")}
NUMBERS = st.integers(-1, 5) | st.sampled_from([0.5, 2.5])
AGES = st.fixed_dictionaries(
    {
        "age": st.one_of(
            NUMBERS,
            st.dictionaries(
                st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$ne"]), NUMBERS, min_size=1, max_size=2
            ),
            st.fixed_dictionaries({"$in": st.lists(NUMBERS, max_size=2)}),
            st.fixed_dictionaries({"$not": st.fixed_dictionaries({"$gte": NUMBERS})}),
            st.fixed_dictionaries({"$exists": st.booleans()}),
        )
    }
)
STEP = MINUTE // 2
END = 80  # minutes after which nothing changes any more


def _facts(born: int, now: int, done: dict[str, Any]) -> dict[str, Any]:
    aged = {"born": born, "age": (now - born) // TIMED["age"].unit} if born else {}
    return {**aged, "$now": now, "$done": done}


@settings(max_examples=300, deadline=None)
@given(ASKED | AGES, LIVES, NOWS, st.sampled_from([0, 1, MINUTE, 3 * MINUTE + 1, 9 * MINUTE]))
def test_one_test_turns_exactly_when_a_stepped_clock_sees_it(
    rule: dict[str, Any], life: Life, minutes: int, born: int
) -> None:
    now = minutes * MINUTE
    done = {one.key: kept(life, one.events, first=one.first) for one in conditions(parse(rule))}
    holds = compile_one(rule)
    before = holds(_facts(born, now, done))
    ticks = sorted({*range(now, END * MINUTE, STEP), *(born + step for step in range(0, END * MINUTE, STEP))})
    turns = [at for at in ticks if at > now and holds(_facts(born, at, done)) != before]
    assert next_change(rule, _facts(born, now, done), now, TIMED) == (turns[0] if turns else None)


@settings(max_examples=150, deadline=None)
@given(st.lists(ASKED | AGES, min_size=2, max_size=3), st.sampled_from(["$and", "$or", "$nor"]), LIVES, NOWS)
def test_a_rule_never_changes_before_the_moment_that_was_said(
    parts: list[dict[str, Any]], joining: str, life: Life, minutes: int
) -> None:
    rule, now, born = {joining: parts}, minutes * MINUTE, MINUTE
    done = {one.key: kept(life, one.events, first=one.first) for one in conditions(parse(rule))}
    holds = compile_one(rule)
    said = next_change(rule, _facts(born, now, done), now, TIMED)
    before = holds(_facts(born, now, done))
    until = END * MINUTE if said is None else said
    assert all(holds(_facts(born, at, done)) == before for at in range(now, until, STEP))


def test_changes_of_many_rules_are_the_earliest_of_each() -> None:
    rules: list[dict[str, Any]] = [{"age": {"$gte": 7}}, {"age": {"$gte": 3}}, {"name": "x"}]
    both = compile_changes([parse(rule) for rule in rules], TIMED)
    assert both({"born": 5}, 6) == 5 + 6 * MINUTE
    assert both({}, 6) is None
    assert compile_changes([], TIMED)({"born": 5}, 6) is None
