"""Idea → campaign: drafted, changed, published, stopped, shipped."""

from __future__ import annotations

from msgspec.structs import replace

from volano.act import draft as drafting
from volano.domain.campaign import CONTROL, Campaign
from volano.domain.durations import DAY, MINUTE
from volano.domain.idea import Belief, Idea
from volano.domain.leak import Leak
from volano.domain.undo import Before
from volano.domain.work import Work
from volano.errors import BadInput, NotFound
from volano.flow.asking import groups_of
from volano.flow.journeys import home_journey
from volano.flow.report import first_tries
from volano.flow.shop import PEOPLE, Lens
from volano.flow.undo import before, keep_before
from volano.flow.works import settling
from volano.observe.sessions import DIMENSIONS
from volano.plan import playbook
from volano.plan.sizing import sized, traffic
from volano.ports import Lake, State
from volano.rules.lists import check_lists
from volano.rules.nodes import conditions
from volano.rules.tree import parse

UNDO_FOR = MINUTE


def draft(lake: Lake, state: State, idea_key: str, *, now: int, lens: Lens = PEOPLE) -> Campaign:
    """The first draft of a campaign for the idea, kept; the one there is, unless that was stopped."""
    idea = state.get(Idea, idea_key)
    known = next((each for each in state.find(Campaign) if each.idea == idea.key), None)
    if known is not None and known.status != "stopped":
        return known
    leak, recipe = state.get(Leak, idea.leak), playbook.recipe(idea.recipe)
    order = home_journey(state).steps[-1]
    campaign = _planned(lake, state, drafting.draft(idea, leak, recipe, order=order, now=now), lens)
    if known is not None:  # what was stopped may be tried again: a new round, drawn anew
        campaign = replace(campaign, round=known.round + 1)
    drafting.check(campaign)
    state.put(campaign, replace(idea, status="open" if idea.status == "proposed" else idea.status))
    return campaign


def _planned(lake: Lake, state: State, campaign: Campaign, lens: Lens) -> Campaign:
    """The campaign, sized by what its audience did after they first came to its trigger."""
    decides = next(goal for goal in campaign.goals if goal.role == "lagging")
    within = int(decides.days * DAY)
    tally = first_tries(lake, campaign.trigger.on, decides.event, within=within, lens=lens)
    slice_ = {name: value for name, value in campaign.audience.items() if name in DIMENSIONS}
    leak = state.get(Leak, state.get(Idea, campaign.idea).leak)
    known = (leak.people_per_week, leak.order_share)
    seen = known if tally is None else traffic(tally, slice_)
    weekly, baseline = seen if seen[0] or campaign.trigger.on != leak.step else known
    plan = sized(
        baseline=baseline,
        lift=playbook.believed(state.find(Belief), campaign.recipe).mean,
        people_per_week=weekly,
        control=sum(arm.weight for arm in campaign.arms if arm.key == CONTROL),
    )
    return replace(campaign, plan=plan)


def revise(lake: Lake, state: State, campaign: Campaign, *, now: int, lens: Lens = PEOPLE) -> Campaign:
    """Keep a changed draft; its plan follows its audience, trigger, window and control share."""
    if state.get(Campaign, campaign.key).status != "draft":
        raise BadInput(
            "a campaign that has been published cannot be changed; stop it and make a new one of the idea"
        )
    _check(state, campaign)
    changed = replace(_planned(lake, state, campaign, lens), made_at=now)
    state.put(changed)
    return changed


def publish(state: State, key: str, *, now: int) -> Campaign:
    """Start it: from now on people are assigned and see it."""
    campaign = state.get(Campaign, key)
    if campaign.status == "live":
        return campaign
    if campaign.status != "draft":
        raise BadInput(f"the campaign is {campaign.status}; only a draft can be published")
    _check(state, campaign)
    window = max(goal.days for goal in campaign.goals)
    live = replace(
        campaign,
        status="live",
        started_at=now,
        review_by=now + int((campaign.plan.days + window) * DAY),
    )
    state.put(live, *_idea_with(state, campaign, "running"), *_past_of(state, live, now))
    return live


def _check(state: State, campaign: Campaign) -> None:
    drafting.check(campaign)
    check_lists(campaign.audience, groups_of(state, [campaign.audience]))


def unpublish(state: State, key: str, *, now: int) -> Campaign:
    """Take a publishing back within a minute: a draft again, under a new salt."""
    campaign = state.get(Campaign, key)
    if campaign.status != "live" or now - campaign.started_at > UNDO_FOR:
        raise BadInput("only a campaign that was published less than a minute ago can be taken back; stop it")
    changes = {
        "status": "draft",
        "round": campaign.round + 1,
        "started_at": 0,
        "review_by": 0,
        "made_at": now,
    }
    back = replace(campaign, **changes)
    state.put(back, *_idea_with(state, campaign, "open"))
    return back


def stop(state: State, key: str, *, now: int) -> Campaign:
    """Nobody sees it any more; its results stay."""
    campaign = state.get(Campaign, key)
    if campaign.status not in ("live", "shipped"):
        raise BadInput(f"the campaign is {campaign.status}; there is nothing to stop")
    stopped = replace(campaign, status="stopped", ended_at=now)
    keep_before(state, Before(key=_undo(key), campaign=campaign, at=now))
    state.put(stopped, *_idea_with(state, campaign, "done"))
    return stopped


def resume(state: State, key: str, *, now: int) -> Campaign:
    """Take a stop or a shipping back within a minute: the campaign as it was before."""
    was = before(state, _undo(key))
    campaign, current = was.campaign, state.get(Campaign, key)
    if campaign is None or now - was.at > UNDO_FOR or current.status not in ("stopped", "shipped"):
        raise BadInput("only what was ended less than a minute ago can be taken back")
    state.put(
        campaign,
        *_idea_with(state, campaign, "running" if campaign.status == "live" else "done"),
        *_past_of(state, campaign, now),
    )
    state.drop(Before, was.key)
    return campaign


def _undo(key: str) -> str:
    return f"campaign {key}"


def ship(state: State, key: str, *, now: int) -> Campaign:
    """Everyone in the audience sees it from now on."""
    campaign = state.get(Campaign, key)
    if campaign.status not in ("live", "stopped"):
        raise BadInput(f"the campaign is {campaign.status}; only one that has run can be shipped")
    shipped = drafting.shipped(campaign, now=now)
    keep_before(state, Before(key=_undo(key), campaign=campaign, at=now))
    state.put(shipped, *_idea_with(state, campaign, "done"), *_past_of(state, shipped, now))
    return shipped


def _past_of(state: State, campaign: Campaign, now: int) -> list[Work]:
    """That the past is to be read, if the audience asks what people did: nobody may have asked before."""
    if not conditions(parse(campaign.audience)):
        return []
    return [settling(state, f"reading what people did before, for {campaign.name}", now=now)]


def _idea_with(state: State, campaign: Campaign, status: str) -> list[Idea]:
    try:
        return [replace(state.get(Idea, campaign.idea), status=status)]
    except NotFound:
        return []
