from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.evaluate.campaigns import NOW, campaign
from tests.flow.shops import ran
from volano.domain.campaign import Campaign
from volano.domain.durations import DAY
from volano.domain.idea import Belief, Figure, Idea
from volano.domain.verdict import Lesson, Verdict
from volano.errors import NotFound
from volano.flow import launch
from volano.flow.review import review
from volano.plan import playbook
from volano.testing.lake_memory import MemoryLake
from volano.testing.state_memory import MemoryState

BETTER = {"control": (378, 1_000), "a": (450, 1_000)}
SAME = {"control": (378, 1_000), "a": (380, 1_000)}
FEW = {"control": (40, 100), "a": (50, 100)}
FIGURE = Figure(value=1, origin="test")
IDEA = Idea(
    key="i1",
    leak="l1",
    recipe="free-delivery-bar",
    title="Free delivery",
    why="",
    format="bar",
    reach=FIGURE,
    impact=FIGURE,
    confidence=FIGURE,
    effort=FIGURE,
    score=1,
    score_low=1,
    score_high=1,
    status="running",
)


def house(arms: dict[str, tuple[int, int]], **changes: Any) -> tuple[MemoryLake, MemoryState]:
    lake, state = MemoryLake(), MemoryState()
    ran(lake, arms)
    state.put(campaign(**changes), IDEA)
    return lake, state


def test_a_campaign_that_runs_is_judged_and_the_verdict_kept() -> None:
    lake, state = house(FEW)
    (found,) = review(lake, state, now=NOW)
    assert found.call == "keep running"
    assert state.find(Verdict) == [found]
    assert not state.find(Lesson)
    assert not state.find(Belief)


def test_a_final_verdict_teaches_once() -> None:
    lake, state = house(BETTER)
    (found,) = review(lake, state, now=NOW)
    (again,) = review(lake, state, now=NOW + DAY)
    assert found.call == again.call == "ship"
    assert again == found
    belief = state.get(Belief, "free-delivery-bar")
    assert belief.tests == 1
    assert belief.mean > playbook.prior("free-delivery-bar").mean
    (lesson,) = state.find(Lesson)
    assert (lesson.key, lesson.call, lesson.sentence) == ("c1.1", "ship", found.sentence)
    assert (lesson.before_mean, lesson.after_mean) == (0.08, belief.mean)
    assert lesson.after_sd < lesson.before_sd


def test_a_winner_keeps_running_until_somebody_ships_it() -> None:
    lake, state = house(BETTER)
    review(lake, state, now=NOW)
    assert state.get(Campaign, "c1").status == "live"
    assert state.get(Idea, "i1").status == "running"


def test_a_loser_is_stopped_and_its_idea_done() -> None:
    lake, state = house(SAME)
    review(lake, state, now=NOW)
    stopped = state.get(Campaign, "c1")
    assert (stopped.status, stopped.ended_at) == ("stopped", NOW)
    assert state.get(Idea, "i1").status == "done"
    review(lake, state, now=NOW + DAY)
    assert state.get(Belief, "free-delivery-bar").tests == 1


def test_a_decision_stands_when_later_data_say_otherwise() -> None:
    lake, state = house(BETTER)
    (first,) = review(lake, state, now=NOW)
    ran(lake, {"control": (900, 1_000), "a": (100, 1_000)}, first=50_000)
    (later,) = review(lake, state, now=NOW)
    assert later == first


def test_a_balance_lost_after_the_decision_is_told_beside_it() -> None:
    lake, state = house(BETTER)
    (first,) = review(lake, state, now=NOW)
    ran(lake, {"control": (0, 0), "a": (100, 1_000)}, first=50_000)
    (later,) = review(lake, state, now=NOW)
    assert (later.call, later.results) == (first.call, first.results)
    assert "out of balance" in later.missing


def test_a_broken_round_ends_without_a_lesson_for_the_idea() -> None:
    lake, state = house({"control": (378, 1_000), "a": (600, 1_300)})
    (found,) = review(lake, state, now=NOW)
    assert (found.call, found.final) == ("broken", True)
    (lesson,) = state.find(Lesson)
    assert (lesson.before_mean, lesson.before_sd) == (lesson.after_mean, lesson.after_sd)
    assert state.get(Belief, "free-delivery-bar").tests == 0


def test_the_next_round_starts_from_what_was_learned() -> None:
    lake, state = house(BETTER)
    review(lake, state, now=NOW)
    first = state.get(Belief, "free-delivery-bar")
    state.put(campaign(round=2))
    ran(lake, BETTER, first=50_000, round_=2)
    review(lake, state, now=NOW)
    assert state.get(Belief, "free-delivery-bar").tests == 2
    assert state.get(Lesson, "c1.2").before_mean == first.mean


@pytest.mark.parametrize("status", ["draft", "shipped"])
def test_drafts_and_shipped_campaigns_are_not_judged(status: str) -> None:
    lake, state = house(BETTER, status=status)
    assert review(lake, state, now=NOW) == []
    with pytest.raises(NotFound):
        state.get(Verdict, "c1.1")


def test_a_campaign_of_an_unknown_recipe_names_it() -> None:
    lake, state = house(BETTER)
    state.put(replace(state.get(Campaign, "c1"), recipe="magic"))
    with pytest.raises(NotFound, match="magic"):
        review(lake, state, now=NOW)
    assert state.find(Verdict) == []


def test_what_was_shipped_and_then_stopped_is_not_judged_again() -> None:
    lake, state = house(BETTER)
    review(lake, state, now=NOW)
    key = state.find(Campaign)[0].key
    launch.ship(state, key, now=NOW)
    ran(lake, {"a": (450, 1_000)}, round_=2)
    launch.stop(state, key, now=NOW)
    assert review(lake, state, now=NOW) == []
    assert len(state.find(Lesson)) == 1


class ShippedMeanwhile(MemoryLake):
    """A lake in which reading takes so long that somebody ships in between."""

    def __init__(self, state: MemoryState) -> None:
        super().__init__()
        self._state, self.armed = state, False

    def tally(self, view: Any, of: Any) -> Any:
        if self.armed and "exposures" in view.tables:
            self.armed = False
            launch.ship(self._state, self._state.find(Campaign)[0].key, now=NOW)
        return super().tally(view, of)


def test_a_verdict_does_not_undo_what_a_person_did_meanwhile() -> None:
    state = MemoryState()
    lake = ShippedMeanwhile(state)
    ran(lake, SAME)
    state.put(campaign(), IDEA)
    lake.armed = True
    (found,) = review(lake, state, now=NOW)
    assert found.call == "stop"
    assert state.find(Campaign)[0].status == "shipped"
