"""Today: where the wheel stands, what came in, and the one next thing to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from volano.domain.campaign import Campaign
from volano.domain.durations import DAY, SECOND
from volano.domain.shop import Shop
from volano.flow.arrivals import suggestions
from volano.flow.overview import Overview, overview
from volano.flow.shop import lens_of, shop_of
from volano.observe.daily import Counts
from volano.web import charts, words
from volano.web.console.cards import leak_card, profit, verdict_cards
from volano.web.console.ideas import idea_cards
from volano.web.pages import Ask, Desk, Page, Route, address, page, write_key

UNNAMED = 3  # names that want a word and have a card of their own
STAGES = ("plan", "act", "evaluate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the wheel stands: the round, each stage's progress, and both in words."""

    round: int
    progress: tuple[float, float, float]
    title: str
    sentence: str
    detail: str


def standing(seen: Overview, *, now: int) -> Standing:
    """The standing of the house: the newest thing under way says which stage it is in."""
    number = len(seen.lessons) + 1
    final = {verdict.key: verdict for verdict in seen.verdicts if verdict.final}
    waiting = [final[each.salt] for each in seen.campaigns if each.status == "live" and each.salt in final]
    if waiting:
        return Standing(
            round=max(1, number - 1),
            progress=(1, 1, 1),
            title=f"Round {max(1, number - 1)} · decided",
            sentence=words.headline(waiting[0].sentence),
            detail="The verdict waits for you under Results.",
        )
    live = _due(seen)
    if live:
        share, sentence, detail = _evaluating(seen, live, now)
        return Standing(
            round=number,
            progress=(1, 1, share),
            title=f"Round {number} · evaluating",
            sentence=sentence,
            detail=detail,
        )
    drafts = [campaign for campaign in seen.campaigns if campaign.status == "draft"]
    if drafts:
        return Standing(
            round=number,
            progress=(1, 0.5, 0),
            title=f"Round {number} · acting",
            sentence="A draft waits to be published",
            detail=drafts[-1].name,
        )
    if seen.leaks:
        many = len(seen.leaks)
        found = "One leak is found" if many == 1 else f"{many} leaks are found"
        return Standing(
            round=number,
            progress=(0.7, 0, 0),
            title=f"Round {number} · planning",
            sentence=found,
            detail="Pick the idea to try next.",
        )
    return Standing(
        round=number,
        progress=(0.3, 0, 0),
        title=f"Round {number} · planning",
        sentence="No leak stands out yet",
        detail="Where fewer people go on than comparable people do, it shows here.",
    )


def _evaluating(seen: Overview, live: list[Campaign], now: int) -> tuple[float, str, str]:
    verdicts = {verdict.campaign: verdict for verdict in seen.verdicts}
    shares = []
    for campaign in live:
        verdict = verdicts.get(campaign.key)
        people = sum(verdict.exposed.values()) if verdict else 0
        shares.append(min(0.98, people / max(1, campaign.plan.people_per_arm * len(campaign.arms))))
    due = min(campaign.review_by for campaign in live)
    many = "1 campaign is" if len(live) == 1 else f"{len(live)} campaigns are"
    when = f"A verdict is due {words.distance(due, now)}." if due > now else "A verdict is due now."
    return max(shares), f"{many} being tested", when


def tiles(seen: Overview, shop: Shop) -> list[charts.Tile]:
    """Events, people, orders and revenue of the last seven days beside the seven before."""
    if seen.daily is None:
        return []
    daily, halves = seen.daily.days, seen.daily.halves
    curves = (
        ("Events", halves.events, daily.events),
        ("People", halves.people, daily.people),
        ("Orders", halves.orders, daily.orders),
    )
    made = [charts.tile(name, int(both[1]), int(both[0]), days.tolist()) for name, both, days in curves]
    if halves.revenue:
        revenue = by_currency(halves.revenue, shop)
        currency = next(iter(revenue))
        before, lately = revenue.pop(currency).tolist()
        left = profit(lately, currency, shop.margin)
        also = [f"{left} of it profit"] if left else []
        also += [f"and {words.money(int(both[1]), other)}" for other, both in revenue.items()]
        days = by_currency(daily.revenue, shop).get(currency, daily.events * 0).tolist()
        shown = words.money(lately, currency)
        made.append(charts.tile("Revenue", lately, before, days, shown=shown, also=" · ".join(also)))
    return made


def by_currency(revenue: Mapping[str, Counts], shop: Shop) -> dict[str, Counts]:
    """Sums by currency: the shop's own first, with what came without one, then the largest."""
    found: dict[str, Counts] = {}
    for name, sums in revenue.items():
        own = name or shop.currency
        found[own] = found[own] + sums if own in found else sums
    order = sorted(found, key=lambda name: (name != shop.currency, -abs(int(found[name].sum()))))
    return {name: found[name] for name in order}


def weeks(seen: Overview, shop: Shop) -> list[tuple[str, int, int, int, str]]:
    """The last weeks, the newest first: the day it began, events, people, orders and revenue."""
    if seen.weekly is None:
        return []
    counted = seen.weekly
    revenue = by_currency(counted.revenue, shop) or {shop.currency: counted.events * 0}
    paid = zip(*(sums.tolist() for sums in revenue.values()), strict=True)
    told = [" + ".join(map(words.money, sums, revenue)) for sums in paid]
    columns = (counted.events.tolist(), counted.people.tolist(), counted.orders.tolist(), told)
    rows = [
        (words.day(begin, shop.timezone), *numbers)
        for begin, *numbers in zip(seen.weeks, *columns, strict=False)
    ]
    return rows[::-1]


def _due(seen: Overview) -> list[Campaign]:
    """The campaigns that are being tested, the one whose verdict is due first in front."""
    final = {verdict.key for verdict in seen.verdicts if verdict.final}
    live = [each for each in seen.campaigns if each.status == "live" and each.salt not in final]
    return sorted(live, key=lambda campaign: campaign.review_by)


def content(request: Ask, desk: Desk) -> dict[str, Any]:
    """Everything that Today shows."""
    now, house = desk.clock(), desk.house
    seen: Overview = desk.memo.of(
        "overview", lambda: overview(house.lake, house.state, now=now, lens=lens_of(house))
    )
    shop = shop_of(house.state, house.settings)
    unnamed = suggestions(house.profiles, house.state)
    where = standing(seen, now=now)
    return {
        "seen": seen,
        "where": where,
        "arcs": charts.wheel(where.progress),
        "stages": list(zip(STAGES, where.progress, strict=True)),
        "tiles": tiles(seen, shop),
        "past": seen.newest is not None and seen.until < now - DAY,
        "weeks": weeks(seen, shop),
        "leak": leak_card(seen.leaks[0], shop) if seen.leaks else None,
        "idea": next(iter(idea_cards(seen.ideas[:1], [], seen.leaks, shop)), None),
        "due": _due(seen),
        "verdict": next(iter(verdict_cards(seen.verdicts[:1], seen.campaigns, shop)), None),
        "unnamed": unnamed[:UNNAMED],
        "unnamed_more": unnamed[UNNAMED:],
        "coming": now - desk.turning.received_at < 60 * SECOND,
        "troubles": desk.turning.troubles,
        "address": address(request),
        "write_key": write_key(desk),
    }


def today(request: Ask, desk: Desk) -> Page:
    """The first page."""
    return page(request, desk, "today.html", **content(request, desk))


def fragment(request: Ask, desk: Desk) -> Page:
    """What changes on the first page."""
    return page(request, desk, "_today.html", **content(request, desk))


def jobs(request: Ask, desk: Desk) -> Page:
    """What the console has asked for and is under way, as every page shows it."""
    return page(request, desk, "_jobs.html")


ROUTES = [
    Route("GET", "/fragments/jobs", jobs),
    Route("GET", "/", today),
    Route("GET", "/fragments/today", fragment),
]
