"""Drafts of campaigns."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.nouns import NOW, leak
from volano.act import draft as drafting
from volano.domain.campaign import CONTROL, Arm, Campaign
from volano.domain.idea import Content, Recipe
from volano.errors import BadInput, BadRule
from volano.plan import playbook, rice


def drafted(key: str = "checkout-reassurance") -> Campaign:
    recipe = playbook.recipe(key)
    idea = rice.idea(leak(), recipe, playbook.prior(key), now=NOW)
    return drafting.draft(idea, leak(), recipe, now=NOW)


@pytest.mark.parametrize("recipe", playbook.RECIPES, ids=lambda recipe: recipe.key)
def test_every_recipe_makes_a_draft_that_can_be_published(recipe: Recipe) -> None:
    drafting.check(drafted(recipe.key))


def test_a_draft_aims_at_the_slice_and_starts_at_the_step() -> None:
    campaign = drafted()
    assert campaign.audience == {"source": "instagram / social", "device": "low-end android"}
    assert campaign.trigger.on == "Checkout Started"
    assert [arm.key for arm in campaign.arms] == [CONTROL, "a"]
    assert {goal.role for goal in campaign.goals} == {"leading", "lagging", "guardrail"}


def test_a_shipped_campaign_has_no_control_and_a_new_salt() -> None:
    before = drafted()
    after = drafting.shipped(before, now=NOW)
    assert [(arm.key, arm.weight) for arm in after.arms] == [("a", 1.0)]
    assert after.salt != before.salt


def with_content(**changes: str) -> tuple[Arm, ...]:
    return drafting.arms(replace(Content(headline="Hello"), **changes), 0.5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "no name"),
        ({"coverage": 0.0}, "coverage"),
        ({"arms": (Arm(key=CONTROL, weight=0.5),)}, "add up"),
        ({"arms": (Arm(key="a", weight=1.0, content=Content(headline="Hi")),)}, "control"),
        ({"arms": (Arm(key=CONTROL, weight=1.0),)}, "variant"),
        ({"arms": with_content(href="javascript:alert(1)")}, "link"),
        ({"arms": with_content(headline="")}, "headline"),
        ({"arms": with_content(body="x" * 401)}, "401"),
    ],
)
def test_what_cannot_be_published_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        drafting.check(replace(drafted(), **changes))


def test_an_audience_that_is_no_rule_is_refused() -> None:
    with pytest.raises(BadRule):
        drafting.check(replace(drafted(), audience={"source": {"$nonsense": 1}}))
