"""Lake → leaks → ideas: where people are lost now, and what to try, best first."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from volano.domain.idea import Belief, Idea
from volano.domain.leak import Journey, Leak
from volano.errors import NotFound
from volano.flow.journeys import home_journey
from volano.flow.report import find_leaks, newest
from volano.flow.shop import PEOPLE, Lens
from volano.plan import playbook, rice
from volano.ports import Lake, State


@dataclass(frozen=True, slots=True)
class Outlook:
    """The plan as it stands: leaks by what they cost, ideas by score, `as_of` the newest event (µs)."""

    leaks: list[Leak]
    ideas: list[Idea]
    as_of: int | None


def refresh(lake: Lake, state: State, *, now: int, lens: Lens = PEOPLE) -> Outlook:
    """Find the leaks anew, propose ideas against them, and keep both; what people decided stays decided."""
    journey = home_journey(state)
    leaks = find_leaks(lake, journey, now=now, lens=lens)
    old = {idea.key: idea for idea in state.find(Idea)}
    beliefs = state.find(Belief)
    ideas = [
        _carried(idea, old, leak, beliefs) for leak in leaks for idea in _against(leak, journey, beliefs, now)
    ]
    _forget_what_is_gone(state, {leak.key for leak in leaks}, {idea.key for idea in ideas})
    state.put(*leaks, *ideas)
    return Outlook(leaks, rice.ranked(state.find(Idea)), newest(lake))


def outlook(state: State, as_of: int | None = None) -> Outlook:
    """What was found last time."""
    leaks = sorted(state.find(Leak), key=lambda leak: -leak.lost_orders_per_week)
    return Outlook(leaks, rice.ranked(state.find(Idea)), as_of)


def rescore(state: State, *, now: int) -> list[Idea]:
    """The kept ideas scored with what is believed now; kept, and returned best first."""
    beliefs, journey = state.find(Belief), home_journey(state)
    leaks = {leak.key: leak for leak in state.find(Leak)}
    fresh = [
        _carried(new, {old.key: old}, leaks[old.leak], beliefs)
        for old in state.find(Idea)
        if old.leak in leaks
        for new in _against(leaks[old.leak], journey, beliefs, now)
        if new.key == old.key
    ]
    state.put(*fresh)
    return rice.ranked(state.find(Idea))


def open_idea(state: State, leak_key: str, *, now: int) -> Idea:
    """Put the best proposed idea of the leak on the backlog."""
    leak = state.get(Leak, leak_key)
    best = [
        idea for idea in rice.ranked(state.find(Idea)) if idea.leak == leak.key and idea.status == "proposed"
    ]
    if not best:
        raise NotFound("every idea of the playbook against this leak is on the backlog already; see Ideas")
    return set_status(state, best[0].key, "open", now=now)


def set_status(state: State, idea_key: str, status: str, *, now: int) -> Idea:
    """The idea with another status (open, dropped, proposed …), kept."""
    idea = replace(state.get(Idea, idea_key), status=status, made_at=now)
    state.put(idea)
    return idea


def override(state: State, idea_key: str, field: str, value: float | None, *, now: int) -> Idea:
    """Set one of the four numbers by hand, or take that back with None."""
    idea = state.get(Idea, idea_key)
    leak = state.get(Leak, idea.leak)
    beliefs = state.find(Belief)
    belief = playbook.believed(beliefs, idea.recipe)
    fresh = rice.idea(leak, playbook.recipe(idea.recipe), belief, now=idea.made_at or now)
    fresh = replace(fresh, status=idea.status, overrides=rice.override(idea, field, value))
    fresh = rice.scored(fresh, leak, belief)
    state.put(fresh)
    return fresh


def _against(leak: Leak, journey: Journey, beliefs: list[Belief], now: int) -> list[Idea]:
    position = rice.journey_position(leak, journey.steps)
    return [
        rice.idea(leak, known, playbook.believed(beliefs, known.key), now=now)
        for known in playbook.against(position, len(journey.steps), leak.slice)
    ]


def _carried(idea: Idea, old: dict[str, Idea], leak: Leak, beliefs: list[Belief]) -> Idea:
    before = old.get(idea.key)
    if before is None:
        return idea
    kept = replace(idea, status=before.status, overrides=before.overrides, made_at=before.made_at)
    return rice.scored(kept, leak, playbook.believed(beliefs, idea.recipe))


def _forget_what_is_gone(state: State, leaks: set[str], ideas: set[str]) -> None:
    for idea in state.find(Idea):
        if idea.key not in ideas and idea.status == "proposed":
            state.drop(Idea, idea.key)
    used = {idea.leak for idea in state.find(Idea)}
    for leak in state.find(Leak):
        if leak.key not in leaks and leak.key not in used:
            state.drop(Leak, leak.key)
