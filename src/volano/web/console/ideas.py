"""Ideas: what to try, best first, with the four numbers of each and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from volano.domain.campaign import Campaign
from volano.domain.idea import Figure, Idea
from volano.domain.leak import Leak
from volano.domain.shop import Shop
from volano.errors import BadInput
from volano.flow import launch, propose
from volano.flow.shop import lens_of, shop_of
from volano.web import words
from volano.web.console.cards import idea_title, profit, recipe_title
from volano.web.pages import Ask, Desk, Page, Route, back, form, page

FIRST = 12  # proposals that are shown before "show all"
_PER_CENT = ("impact", "confidence")  # fields that people type in per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One of the four numbers as a bar, in words, and as the text of its field."""

    field: str
    name: str
    share: float
    shown: str
    typed: str
    unit: str
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaCard:
    """An idea with its numbers, and the campaign that was made of it."""

    idea: Idea
    title: str
    numbers: list[Number]
    campaign: Campaign | None
    stake: str  # what its leak costs a week, "" where that is not known


def idea_cards(
    ideas: Sequence[Idea], campaigns: Sequence[Campaign], leaks: Sequence[Leak], shop: Shop
) -> list[IdeaCard]:
    """A card for each idea; bars compare it with the others."""
    top = {
        field: max((abs(getattr(idea, field).value) for idea in ideas), default=0.0) or 1.0
        for field in ("reach", "impact", "effort")
    } | {"confidence": 1.0}
    known = {leak.key: leak for leak in leaks}
    made = {campaign.idea: campaign for campaign in campaigns}
    return [
        IdeaCard(
            idea=idea,
            title=idea_title(idea, known[idea.leak].slice if idea.leak in known else None),
            numbers=_numbers(idea, top),
            campaign=made.get(idea.key),
            stake=_stake(known.get(idea.leak), shop),
        )
        for idea in ideas
    ]


def _stake(leak: Leak | None, shop: Shop) -> str:
    if leak is None or not leak.lost_money_per_week:
        return ""
    left = profit(leak.lost_money_per_week, leak.currency, shop.margin)
    return words.money(leak.lost_money_per_week, leak.currency) + (f", {left} of it profit" if left else "")


def _numbers(idea: Idea, top: dict[str, float]) -> list[Number]:
    effort = idea.effort.value
    shown = {
        "reach": f"{words.count(idea.reach.value)} people",
        "impact": words.change(idea.impact.value),
        "confidence": words.share(idea.confidence.value),
        "effort": f"{effort:g} day" + ("" if effort == 1 else "s"),
    }
    units = {
        "reach": "people a quarter",
        "impact": "% more orders among those who see it",
        "confidence": "% sure",
        "effort": "person-days",
    }
    return [
        Number(
            field=field,
            name=field.capitalize(),
            share=abs(getattr(idea, field).value) / top[field],
            shown=text,
            typed=f"{getattr(idea, field).value * (100 if field in _PER_CENT else 1):.4g}",
            unit=units[field],
            figure=getattr(idea, field),
        )
        for field, text in shown.items()
    ]


def ideas(request: Ask, desk: Desk) -> Page:
    """The backlog, the proposals, and what is over."""
    return _ideas(request, desk)


def _ideas(request: Ask, desk: Desk, *, status: int = 200, problem: str = "") -> Page:
    found = propose.outlook(desk.house.state)
    shop = shop_of(desk.house.state, desk.house.settings)
    cards = idea_cards(found.ideas, desk.house.state.find(Campaign), found.leaks, shop)
    open_ = [card.idea for card in cards if card.idea.status in ("open", "proposed")]
    proposed = [card for card in cards if card.idea.status == "proposed"]
    show_all = "all" in request.query_params
    return page(
        request,
        desk,
        "ideas.html",
        status=status,
        problem=problem,
        best=recipe_title(max(open_, key=lambda idea: idea.score).recipe) if open_ else "",
        backlog=[card for card in cards if card.idea.status in ("open", "running")],
        proposed=proposed if show_all else proposed[:FIRST],
        more=0 if show_all else max(0, len(proposed) - FIRST),
        over=[card for card in cards if card.idea.status in ("done", "dropped")],
    )


def override(request: Ask, desk: Desk) -> Page:
    """Set one of the four numbers by hand, or take that back."""
    sent = form(request)
    key, field = sent.get("key", ""), sent.get("field", "")
    value = None
    try:
        if "back" not in sent:
            value = _typed(sent.get("value", "")) / (100 if field in _PER_CENT else 1)
        propose.override(desk.house.state, key, field, value, now=desk.clock())
    except BadInput as error:
        return _ideas(request, desk, status=422, problem=error.message)
    return back(f"/ideas#{key}", "taken-back" if value is None else "overridden")


def _typed(text: str) -> float:
    """A number as people type it.

    >>> _typed("1,5"), _typed(" 12000 ")
    (1.5, 12000.0)
    """
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadInput(f"{text.strip()[:40]!r} is not a number; type digits, such as 12 or 0.5")
    return value


def drop(request: Ask, desk: Desk) -> Page:
    """Take an idea off the list; the note offers to take that back."""
    key = form(request).get("key", "")
    propose.set_status(desk.house.state, key, "dropped", now=desk.clock())
    return back("/ideas", "dropped", key)


def restore(request: Ask, desk: Desk) -> Page:
    """Put a dropped idea back on the backlog."""
    key = form(request).get("key", "")
    propose.set_status(desk.house.state, key, "open", now=desk.clock())
    return back(f"/ideas#{key}", "restored")


def make_campaign(request: Ask, desk: Desk) -> Page:
    """Draft a campaign from an idea and open it."""
    campaign = launch.draft(
        desk.house.lake,
        desk.house.state,
        form(request).get("key", ""),
        now=desk.clock(),
        lens=lens_of(desk.house),
    )
    return back(f"/campaigns/{campaign.key}")


ROUTES = [
    Route("GET", "/ideas", ideas),
    Route("POST", "/ideas/override", override),
    Route("POST", "/ideas/drop", drop),
    Route("POST", "/ideas/restore", restore),
    Route("POST", "/ideas/campaign", make_campaign),
]
