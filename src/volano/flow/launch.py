"""Idea → campaign: drafted, changed, published, stopped, shipped."""

from __future__ import annotations

from msgspec.structs import replace

from volano.act import draft as drafting
from volano.domain.campaign import CONTROL, Campaign
from volano.domain.idea import Belief, Idea
from volano.domain.leak import DAY, Leak
from volano.errors import BadInput, NotFound
from volano.flow.journeys import home_journey
from volano.flow.report import first_tries
from volano.observe.sessions import DIMENSIONS
from volano.plan import playbook
from volano.plan.sizing import sized, traffic
from volano.ports import Lake, State


def draft(lake: Lake, state: State, idea_key: str, *, now: int) -> Campaign:
    """The first draft of a campaign for the idea, kept; the one there is, if it was drafted before."""
    idea = state.get(Idea, idea_key)
    for known in state.find(Campaign):
        if known.idea == idea.key:
            return known
    leak, recipe = state.get(Leak, idea.leak), playbook.recipe(idea.recipe)
    order = home_journey(state).steps[-1]
    campaign = _planned(lake, state, drafting.draft(idea, leak, recipe, order=order, now=now))
    drafting.check(campaign)
    state.put(campaign, replace(idea, status="open" if idea.status == "proposed" else idea.status))
    return campaign


def _planned(lake: Lake, state: State, campaign: Campaign) -> Campaign:
    """The campaign, sized by what its audience did after they first came to its trigger."""
    decides = next(goal for goal in campaign.goals if goal.role == "lagging")
    tally = first_tries(lake, campaign.trigger.on, decides.event, within=int(decides.days * DAY))
    slice_ = {name: value for name, value in campaign.audience.items() if name in DIMENSIONS}
    leak = state.get(Leak, state.get(Idea, campaign.idea).leak)
    known = (leak.people_per_week, leak.order_share)
    seen = known if tally is None else traffic(tally, slice_)
    weekly, baseline = seen if seen[0] or campaign.trigger.on != leak.step else known
    plan = sized(
        baseline=baseline,
        lift=_belief(state, campaign.recipe).mean,
        people_per_week=weekly,
        control=sum(arm.weight for arm in campaign.arms if arm.key == CONTROL),
    )
    return replace(campaign, plan=plan)


def _belief(state: State, recipe: str) -> Belief:
    try:
        return state.get(Belief, recipe)
    except NotFound:
        return playbook.prior(recipe)


def revise(lake: Lake, state: State, campaign: Campaign, *, now: int) -> Campaign:
    """Keep a changed draft; its plan follows its audience, trigger, window and control share."""
    if state.get(Campaign, campaign.key).status != "draft":
        raise BadInput("a campaign that has been published cannot be changed; stop it and draft it anew")
    drafting.check(campaign)
    changed = replace(_planned(lake, state, campaign), made_at=now)
    state.put(changed)
    return changed


def publish(state: State, key: str, *, now: int) -> Campaign:
    """Start it: from now on people are assigned and see it."""
    campaign = state.get(Campaign, key)
    if campaign.status == "live":
        return campaign
    if campaign.status != "draft":
        raise BadInput(f"the campaign is {campaign.status}; only a draft can be published")
    drafting.check(campaign)
    window = max(goal.days for goal in campaign.goals)
    live = replace(
        campaign,
        status="live",
        started_at=now,
        review_by=now + int((campaign.plan.days + window) * DAY),
    )
    state.put(live, *_idea_with(state, campaign, "running"))
    return live


def unpublish(state: State, key: str, *, now: int) -> Campaign:
    """Take a publishing back while nothing depends on it yet: a draft again, under a new salt."""
    campaign = state.get(Campaign, key)
    back = replace(campaign, status="draft", round=campaign.round + 1, started_at=0, made_at=now)
    state.put(back, *_idea_with(state, campaign, "open"))
    return back


def stop(state: State, key: str, *, now: int) -> Campaign:
    """Nobody sees it any more; its results stay."""
    campaign = state.get(Campaign, key)
    if campaign.status not in ("live", "shipped"):
        raise BadInput(f"the campaign is {campaign.status}; there is nothing to stop")
    stopped = replace(campaign, status="stopped", ended_at=now)
    state.put(stopped, *_idea_with(state, campaign, "done"))
    return stopped


def ship(state: State, key: str, *, now: int) -> Campaign:
    """Everyone in the audience sees it from now on."""
    campaign = state.get(Campaign, key)
    if campaign.status not in ("live", "stopped"):
        raise BadInput(f"the campaign is {campaign.status}; only one that has run can be shipped")
    shipped = drafting.shipped(campaign, now=now)
    state.put(shipped, *_idea_with(state, campaign, "done"))
    return shipped


def _idea_with(state: State, campaign: Campaign, status: str) -> list[Idea]:
    try:
        return [replace(state.get(Idea, campaign.idea), status=status)]
    except NotFound:
        return []
