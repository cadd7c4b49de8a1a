"""From an idea to a campaign, and back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.nouns import NOW, leak
from volano.domain.campaign import Campaign
from volano.domain.idea import Idea
from volano.domain.leak import Journey, Leak
from volano.errors import BadInput, NotFound
from volano.flow import launch, propose
from volano.flow.journeys import home_journey, keep_journey
from volano.plan import playbook, rice
from volano.testing.lake_memory import MemoryLake
from volano.testing.state_memory import MemoryState

DAY = 86_400_000_000


@pytest.fixture
def state() -> MemoryState:
    kept = MemoryState()
    ideas = [rice.idea(leak(), known, playbook.prior(known.key), now=NOW) for known in playbook.RECIPES[:6]]
    kept.put(leak(), *ideas)
    return kept


def first(state: MemoryState) -> Idea:
    return rice.ranked(state.find(Idea))[0]


def test_a_draft_is_made_once(state: MemoryState) -> None:
    one = launch.draft(MemoryLake(), state, first(state).key, now=NOW)
    assert launch.draft(MemoryLake(), state, first(state).key, now=NOW + 5) == one
    assert state.find(Campaign) == [one]
    assert one.status == "draft"


def test_a_test_is_planned_for_what_the_traffic_can_show(state: MemoryState) -> None:
    plan = launch.draft(MemoryLake(), state, first(state).key, now=NOW).plan
    assert plan.days <= 21
    assert plan.lift > playbook.prior(first(state).recipe).mean
    assert 2 * plan.people_per_arm <= leak().people_per_week * 3 + 2


def test_publishing_starts_it_and_marks_the_idea(state: MemoryState) -> None:
    idea = first(state)
    live = launch.publish(state, launch.draft(MemoryLake(), state, idea.key, now=NOW).key, now=NOW)
    assert live.status == "live"
    assert live.review_by > NOW + 7 * DAY
    assert state.get(Idea, idea.key).status == "running"
    assert launch.publish(state, live.key, now=NOW + 1) == live


def test_a_published_campaign_cannot_be_changed_but_stopped_and_shipped(state: MemoryState) -> None:
    live = launch.publish(state, launch.draft(MemoryLake(), state, first(state).key, now=NOW).key, now=NOW)
    with pytest.raises(BadInput, match="cannot be changed"):
        launch.revise(MemoryLake(), state, replace(live, name="Other"), now=NOW)
    stopped = launch.stop(state, live.key, now=NOW)
    assert stopped.status == "stopped"
    shipped = launch.ship(state, live.key, now=NOW)
    assert shipped.status == "shipped"
    assert state.get(Idea, first(state).key if first(state).status == "done" else live.idea).status == "done"


def test_what_was_ended_is_taken_back_as_it_was_once_and_for_a_minute(state: MemoryState) -> None:
    live = launch.publish(state, launch.draft(MemoryLake(), state, first(state).key, now=NOW).key, now=NOW)
    launch.ship(state, live.key, now=NOW)
    assert launch.resume(state, live.key, now=NOW + 5) == live == state.get(Campaign, live.key)
    with pytest.raises(BadInput, match="nothing to take back"):
        launch.resume(state, live.key, now=NOW + 6)
    launch.stop(state, live.key, now=NOW)
    with pytest.raises(BadInput, match="less than a minute ago"):
        launch.resume(state, live.key, now=NOW + launch.UNDO_FOR + 1)
    assert state.get(Campaign, live.key).status == "stopped"


def test_taking_a_publishing_back_begins_a_new_round(state: MemoryState) -> None:
    live = launch.publish(state, launch.draft(MemoryLake(), state, first(state).key, now=NOW).key, now=NOW)
    back = launch.unpublish(state, live.key, now=NOW)
    assert (back.status, back.round) == ("draft", live.round + 1)
    assert state.get(Idea, live.idea).status == "open"


def test_a_smaller_control_asks_for_another_plan(state: MemoryState) -> None:
    draft = launch.draft(MemoryLake(), state, first(state).key, now=NOW)
    arms = tuple(replace(arm, weight=weight) for arm, weight in zip(draft.arms, (0.2, 0.8), strict=True))
    assert launch.revise(MemoryLake(), state, replace(draft, arms=arms), now=NOW).plan != draft.plan


def test_the_best_proposed_idea_of_a_leak_goes_on_the_backlog(state: MemoryState) -> None:
    opened = propose.open_idea(state, leak().key, now=NOW)
    assert opened.key == first(state).key
    assert state.get(Idea, opened.key).status == "open"
    for _ in range(5):
        propose.open_idea(state, leak().key, now=NOW)
    with pytest.raises(NotFound, match="on the backlog already"):
        propose.open_idea(state, leak().key, now=NOW)


def test_an_override_stays_until_it_is_taken_back(state: MemoryState) -> None:
    idea = first(state)
    changed = propose.override(state, idea.key, "impact", 0.3, now=NOW)
    assert changed.impact.overridden
    assert propose.override(state, idea.key, "impact", None, now=NOW).score == pytest.approx(idea.score)


def test_a_new_verdict_reorders_the_backlog(state: MemoryState) -> None:
    from volano.domain.idea import Belief

    best = first(state)
    state.put(Belief(recipe=best.recipe, mean=-0.02, sd=0.02, tests=1))
    again = propose.rescore(state, now=NOW)
    assert again[0].key != best.key
    assert state.get(Leak, leak().key) == leak()


def test_a_home_with_events_of_other_names_is_judged_by_its_own_order(state: MemoryState) -> None:
    keep_journey(state, Journey(steps=("land", "cart", "paid"), within=DAY))
    campaign = launch.draft(MemoryLake(), state, first(state).key, now=NOW)
    assert {goal.event for goal in campaign.goals if goal.role == "lagging"} == {"paid"}
    assert home_journey(state).steps == ("land", "cart", "paid")


@pytest.mark.parametrize("journey", [Journey(steps=("one",)), Journey(within=0), Journey(steps=("a", " "))])
def test_what_is_no_journey_is_not_kept(state: MemoryState, journey: Journey) -> None:
    with pytest.raises(BadInput):
        keep_journey(state, journey)
    assert home_journey(state) == Journey()
