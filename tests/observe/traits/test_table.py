"""A rule on what was given says the same of a table of people and of each, whatever kinds they told."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observe.traits.blocks import NOW
from tests.rules.test_block import GROUPS, OPERATORS, SCALARS
from volano.domain.profile import Profile
from volano.observe.traits import facts, people
from volano.rules.block import compile_block
from volano.rules.compile import compile_one

VALUES = SCALARS | st.sampled_from([2**53 + 1, float(2**53), "01234", 1234]) | st.just(["a"])
EVERYBODY = st.lists(st.dictionaries(st.sampled_from(["zip", "age"]), VALUES, max_size=2), max_size=12)
TESTS = SCALARS | OPERATORS | st.fixed_dictionaries({"$not": OPERATORS})


@settings(deadline=None, max_examples=200)
@given(EVERYBODY, st.dictionaries(st.sampled_from(["traits.zip", "traits.age"]), TESTS, min_size=1))
def test_a_rule_on_given_traits_of_mixed_kinds_says_the_same_of_one_and_of_many(
    told: list[dict[str, Any]], rule: dict[str, Any]
) -> None:
    profiles = [
        Profile(person_id=number, given={key: (1, value) for key, value in one.items()})
        for number, one in enumerate(told)
    ]
    one = compile_one(rule, GROUPS)
    expected = [one(facts(profile, now=NOW)) for profile in profiles]
    assert compile_block(rule, GROUPS)(people(profiles, now=NOW)).tolist() == expected
