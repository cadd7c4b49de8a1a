"""Campaigns: the list, the editor in sentences, and what can be done with one."""

from __future__ import annotations

from typing import Any

from volano.domain.campaign import CONTROL, Campaign
from volano.domain.verdict import Verdict
from volano.errors import BadInput
from volano.flow import launch
from volano.flow.shop import lens_of, shop_of
from volano.observe.sessions import DIMENSIONS
from volano.web import words
from volano.web.console.cards import arm_name, goal_name, verdict_cards, window
from volano.web.console.edits import edited, values_of
from volano.web.pages import Ask, Desk, Page, Route, address, back, form, page, write_key

_ORDER = ("live", "draft", "shipped", "stopped")
_HEADINGS = {
    "live": "Being tested",
    "draft": "Drafts",
    "shipped": "Shipped to everyone",
    "stopped": "Stopped",
}
EVENTS = ("Page Viewed", "Product Viewed", "Product Added", "Checkout Started")
MOMENTS = {
    "now": "at once",
    "seconds": "after some seconds",
    "exit": "as they leave",
    "scroll": "after scrolling",
}


def campaigns(request: Ask, desk: Desk) -> Page:
    """All campaigns by status."""
    found = desk.house.state.find(Campaign)
    verdicts = {verdict.campaign: verdict for verdict in desk.house.state.find(Verdict)}
    groups = [
        (_HEADINGS[status], sorted(of, key=lambda campaign: -campaign.made_at))
        for status in _ORDER
        if (of := [campaign for campaign in found if campaign.status == status])
    ]
    return page(request, desk, "campaigns.html", groups=groups, verdicts=verdicts)


def campaign(request: Ask, desk: Desk, key: str) -> Page:
    """One campaign, in sentences; a draft can be changed."""
    return _show(request, desk, desk.house.state.get(Campaign, key))


def _show(request: Ask, desk: Desk, shown: Campaign, *, status: int = 200, problem: str = "") -> Page:
    state = desk.house.state
    verdicts = [
        verdict
        for verdict in state.find(Verdict)
        if verdict.campaign == shown.key and verdict.round == shown.round
    ]
    return page(
        request,
        desk,
        "campaign.html",
        status=status,
        problem=problem,
        campaign=shown,
        values=values_of(shown, DIMENSIONS),
        choices=_choices(desk, shown),
        moments=MOMENTS,
        events=list(dict.fromkeys((*EVENTS, shown.trigger.on))),
        sentence=sentence(shown),
        control=_control(shown),
        often=how_often(shown),
        goals=[(goal, goal_name(goal.event, goal.measure), window(goal.days)) for goal in shown.goals],
        arms=[(arm, arm_name(arm.key)) for arm in shown.arms if arm.content is not None],
        verdict=next(iter(verdict_cards(verdicts[-1:], [shown], shop_of(state, desk.house.settings))), None),
        undo=shown.status == "live" and desk.clock() - shown.started_at < launch.UNDO_FOR,
        address=address(request),
        write_key=write_key(desk),
    )


def _control(shown: Campaign) -> float:
    return sum(arm.weight for arm in shown.arms if arm.key == CONTROL)


def _choices(desk: Desk, shown: Campaign) -> list[tuple[str, str, list[str]]]:
    """For each dimension its name and the values the shop has seen, with the chosen one."""
    from volano.web.console.plan import names_of, slices_seen

    made = []
    for name in DIMENSIONS:
        chosen = shown.audience.get(name)
        seen = slices_seen(desk, name)
        if isinstance(chosen, str) and chosen not in seen:
            seen = [chosen, *seen]
        made.append((name, names_of(name), seen))
    return made


def sentence(shown: Campaign) -> dict[str, str]:
    """The parts of the campaign's sentence: when, moment, who, what."""
    simple = {name: value for name, value in shown.audience.items() if isinstance(value, str)}
    who = words.people_of(simple) + (" (and more conditions)" if len(simple) < len(shown.audience) else "")
    moments = {
        "now": "at once",
        "exit": "when they are about to leave",
        "seconds": f"after {shown.trigger.value:g} seconds",
        "scroll": f"after scrolling {shown.trigger.value:g} % of the page",
    }
    when = {
        "Page Viewed": "opens a page",
        "Product Viewed": "looks at a product",
        "Product Added": "puts something in the basket",
        "Checkout Started": "starts checkout",
    }.get(shown.trigger.on, f"does “{shown.trigger.on}”")
    return {"when": when, "moment": moments[shown.trigger.then], "who": who}


def how_often(shown: Campaign) -> str:
    """How often one person is shown the campaign, as a part of a sentence."""
    cap = shown.cap
    within = (
        f", in at most {words.many(cap.times, 'visit')} within {words.many(cap.days, 'day')}" if cap else ""
    )
    return f"once a visit{within}"


def save(request: Ask, desk: Desk, key: str) -> Page:
    """Keep a changed draft; with the button *Publish* also start it."""
    state, now, sent = desk.house.state, desk.clock(), form(request)
    before = state.get(Campaign, key)
    changed = before
    try:
        changed = edited(before, sent, DIMENSIONS)
        launch.revise(desk.house.lake, state, changed, now=now, lens=lens_of(desk.house))
        if "publish" in sent:
            launch.publish(state, key, now=now)
            return back(f"/campaigns/{key}", "published", key)
    except BadInput as error:
        return _show(request, desk, changed, status=422, problem=error.message)
    return back(f"/campaigns/{key}", "saved")


def turn(request: Ask, desk: Desk, act: str) -> Page:
    """Stop a campaign, or ship it to everyone."""
    key = form(request).get("key", "")
    acts: dict[str, Any] = {"stop": (launch.stop, "stopped"), "ship": (launch.ship, "shipped")}
    if act not in acts:
        raise BadInput(f"{act!r} cannot be done with a campaign; stop or ship it")
    do, note = acts[act]
    do(desk.house.state, key, now=desk.clock())
    return back(f"/campaigns/{key}", note)


def unpublish(request: Ask, desk: Desk) -> Page:
    """Take a publishing back, within a minute of it."""
    key, now = form(request).get("key", ""), desk.clock()
    launch.unpublish(desk.house.state, key, now=now)
    return back(f"/campaigns/{key}", "unpublished")


def resume(request: Ask, desk: Desk) -> Page:
    """Take a stop or a shipping back: the campaign runs on as it did."""
    key = form(request).get("key", "")
    launch.resume(desk.house.state, key, now=desk.clock())
    return back(f"/campaigns/{key}", "resumed")


ROUTES = [
    Route("GET", "/campaigns", campaigns),
    Route("GET", "/campaigns/{key:str}", campaign),
    Route("POST", "/campaigns/{key:str}", save),
    Route("POST", "/campaigns/{act:str}/go", turn),
    Route("POST", "/campaigns/unpublish", unpublish),
    Route("POST", "/campaigns/resume", resume),
]
