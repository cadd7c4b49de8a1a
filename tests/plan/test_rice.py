"""Ideas and their scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.nouns import NOW, leak
from volano.domain.idea import Belief
from volano.errors import BadInput
from volano.plan import playbook, rice

RECIPE = playbook.recipe("checkout-reassurance")
BELIEF = playbook.prior(RECIPE.key)


def test_the_score_is_reach_times_impact_times_confidence_by_effort() -> None:
    idea = rice.idea(leak(), RECIPE, BELIEF, now=NOW)
    by_hand = idea.reach.value * idea.impact.value * idea.confidence.value / idea.effort.value
    assert idea.score == pytest.approx(by_hand)
    assert idea.score_low < idea.score < idea.score_high


def test_every_number_says_where_it_comes_from() -> None:
    idea = rice.idea(leak(), RECIPE, BELIEF, now=NOW)
    assert idea.reach.origin == "from the leak: 100 people a week × 13 weeks"
    assert "playbook" in idea.impact.origin
    assert "chance" in idea.confidence.origin
    assert "person-days" in idea.effort.origin


def test_a_verdict_that_lowers_the_belief_lowers_the_score() -> None:
    before = rice.idea(leak(), RECIPE, BELIEF, now=NOW)
    after = rice.idea(leak(), RECIPE, Belief(recipe=RECIPE.key, mean=0.01, sd=0.03, tests=1), now=NOW)
    assert after.score < before.score
    assert "1 earlier test" in after.impact.origin


def test_an_overridden_number_counts_says_so_and_can_be_taken_back() -> None:
    idea = rice.idea(leak(), RECIPE, BELIEF, now=NOW)
    set_by_hand = rice.scored(replace(idea, overrides=rice.override(idea, "effort", 5.0)), leak(), BELIEF)
    assert set_by_hand.effort.value == 5.0
    assert set_by_hand.effort.origin == "set by you"
    assert set_by_hand.score == pytest.approx(idea.score * idea.effort.value / 5)
    assert rice.override(set_by_hand, "effort", None) == {}


@pytest.mark.parametrize(("field", "value"), [("reach", -1), ("confidence", 1.2), ("effort", 0), ("luck", 1)])
def test_a_number_out_of_range_is_refused(field: str, value: float) -> None:
    with pytest.raises(BadInput, match=field):
        rice.override(rice.idea(leak(), RECIPE, BELIEF, now=NOW), field, value)


@given(st.floats(-0.5, 0.5), st.floats(0.01, 0.3), st.floats(20, 1e6))
def test_the_interval_holds_the_score_or_touches_it(mean: float, sd: float, people: float) -> None:
    idea = rice.idea(leak(people=int(people)), RECIPE, Belief(recipe="x", mean=mean, sd=sd), now=NOW)
    assert idea.score_low <= idea.score <= idea.score_high
    assert 0 <= idea.confidence.value <= 1


def test_dropped_ideas_come_last() -> None:
    best = rice.idea(leak(), RECIPE, BELIEF, now=NOW)
    small = replace(best, key="small", score=0.1)
    assert rice.ranked([replace(best, status="dropped"), small])[0].key == "small"


def test_the_playbook_answers_every_leak() -> None:
    for position in range(4):
        for slice_ in ({"source": "x"}, {"device": "x"}, {"landing": "/"}, {"device": "x", "visitor": "new"}):
            assert playbook.against(position, 5, slice_)
    cart = {known.key for known in playbook.against(2, 5, {"device": "x"})}
    assert {"cart-discount-10", "free-delivery-bar", "cheaper-alternatives"} <= cart
    assert {"basket-reminder", "one-question-survey"} <= cart
    assert "source-welcome" in {known.key for known in playbook.against(0, 5, {"source": "x"})}
    assert "first-order-coupon" in {
        known.key for known in playbook.against(0, 5, {"visitor": "new", "device": "x"})
    }
