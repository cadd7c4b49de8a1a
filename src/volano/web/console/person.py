"""What is known of somebody, in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec

from volano.domain.account import Import, Source
from volano.domain.campaign import Campaign
from volano.domain.durations import SECOND
from volano.domain.event import IDENTIFIED
from volano.domain.hook import ENTERED, LEFT, Hook
from volano.domain.identity import (
    ALIAS,
    APART,
    BY_HAND,
    IDENTIFY,
    PARTED,
    REJOINED,
    SEEN_TOGETHER,
    TAKEN_ALONG,
)
from volano.domain.profile import Profile
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.domain.visit import came_from
from volano.flow.people import Join, Known, PersonPage
from volano.observe.traits import FIELDS, facts
from volano.observe.traits.buying import average, paid
from volano.observe.traits.hours import read as hours_of
from volano.ports import State
from volano.web import charts, words
from volano.web.console.cards import profit
from volano.web.console.choices import group_name

EVENT_ICONS: Mapping[str, str] = {
    "Page Viewed": "page",
    "Product Viewed": "page",
    "Product Added": "cart",
    "Product Removed": "cart",
    "Cart Viewed": "cart",
    "Checkout Started": "cart",
    "Order Completed": "ok",
    "Order Refunded": "no",
    "Identified": "key",
    "Segment Entered": "seg",
    "Segment Left": "seg",
}
_TABLES = {"decisions": ("Was given", "act"), "exposures": ("Saw", "act")}
_WAYS = {ENTERED: "entered", LEFT: "left"}
_OWN = 4  # properties that are told of an event nobody has a word for
_TOLD = ("product", "order_id", "path", "variant", "reason")
_FIRST = ("email",)  # given traits that are facts of their own
_ORIGIN = {
    "seen": "all their events",
    "visits": "their events, visit by visit",
    "lately": "their events, day by day",
    "hours": "the hours of their events, by their own clock",
    "buying": "their orders and refunds",
    "rhythm": "the days on which they ordered",
    "rfm": "how lately, how often and for how much they ordered",
    "taste": "products they looked at, put in the basket and bought; weights halve every 30 days",
    "touch": "where their visits came from",
    "gear": "what their browser or app told",
    "cart": "what they put into the basket and took out",
    "notices": "messages that reached them and were opened",
    "given": "what they or the shop said",
    "phones": "their devices and what became of pushes",
    "draws": "draws of campaigns",
}
_REASONS = {
    IDENTIFY: "an identify call named both",
    SEEN_TOGETHER: "came in one event with",
    ALIAS: "an alias call says it is",
    BY_HAND: "joined by hand with",
    PARTED: "parted by hand from",
    APART: "taken out by hand",
    REJOINED: "joined again by hand",
    TAKEN_ALONG: "came along with",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """The first look at somebody: numbers with a word beside each, the week as a picture, their devices."""

    tiles: list[tuple[str, str, str]]
    week: charts.Week | None
    devices: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One thing that is known, in words; `told` is when it was said, "" where it was worked out."""

    label: str
    value: str
    meaning: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One row of the timeline, in words."""

    time: int
    icon: str
    name: str
    about: str
    origin: str
    bot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """An identity, and why it is this person: sentences with the moment (UTC µs) and who told it."""

    known: Known
    name: str
    user: bool
    reasons: list[tuple[str, int, str]]


def name_of(shown: PersonPage) -> str:
    """What to call somebody: their e-mail, else a user id, else by their number."""
    email = shown.profile.email if shown.profile else ""
    users = [one.known_as[2:] for one in shown.identities if one.known_as.startswith("u:")]
    return email or next(iter(users), "") or words.person(shown.person_id)


def face(profile: Profile | None, shop: Shop, *, now: int) -> Face:
    """The first look; nothing of somebody who did nothing yet."""
    if profile is None:
        return Face(tiles=[], week=None, devices=[])
    hours = hours_of(profile.hours) if profile.hours else {}
    return Face(
        tiles=list(_tiles(profile, shop, now)),
        week=charts.week(hours, shop.week_start),
        devices=_devices(profile, now=now),
    )


def _tiles(profile: Profile, shop: Shop, now: int) -> Iterable[tuple[str, str, str]]:
    def ago(at: int) -> str:
        return f"last {words.distance(min(at, now), now)}" if at else ""

    yield "Orders", words.count(profile.orders), ago(profile.last_order) or "none yet"
    if profile.orders:
        yield "Revenue", words.money(paid(profile)[0], shop.currency), _besides(profile, shop)
    yield "Visits", words.count(profile.sessions), ago(profile.last_seen)
    lies = [at for at, pieces, _ in profile.cart.values() if pieces]
    if lies:
        yield (
            "In the basket",
            words.count(len(lies)),
            f"{'product' if len(lies) == 1 else 'products'}, {ago(max(lies))}",
        )


def _besides(profile: Profile, shop: Shop) -> str:
    """What an order brings, what is left of all of them, and what was paid in other currencies."""
    mean, left = average(profile), profit(paid(profile)[0], shop.currency, shop.margin)
    told = [] if mean is None else [f"{words.money(mean, shop.currency)} an order"]
    told += [f"{left} profit in all"] if left else []
    others = [words.money(money, currency) for currency, money in sorted(profile.foreign.items())]
    return ", ".join([*told, *(f"and {money}" for money in others)])


def known(shown: PersonPage, shop: Shop, *, now: int) -> list[tuple[str, str, list[Trait]]]:
    """What is known: group, what it was worked out from, and the traits, in the order of the fields."""
    found: dict[str, list[Trait]] = {}
    told = {f"traits.{one.name}": one.time for one in shown.given} | {
        one.name: one.time for one in shown.given
    }
    profile = shown.profile
    once = {f"traits.{name}" for name in _FIRST if name in FIELDS}
    for name, value in (facts(profile, now=now, bounds=shop.rfm) if profile is not None else {}).items():
        given = name.startswith("traits.")
        field = FIELDS.get(name) or FIELDS.get("traits.*" if given else "")
        if field is None or value in (None, "", [], 0) or name == "segments" or name in once:
            continue
        trait = Trait(
            label=name.removeprefix("traits.") if given else field.label,
            value=said(name, value, field.kind, shop),
            meaning="" if given else field.meaning,
            told=words.day(told.get(name, 0), shop.timezone) if field.group == "given" else "",
        )
        found.setdefault(field.group, []).append(trait)
    return [(group_name(group), _ORIGIN.get(group, ""), traits) for group, traits in found.items()]


def said(name: str, value: Any, kind: str, shop: Shop) -> str:
    """The value of a fact as people read it.

    >>> said("revenue", 1250, "money", Shop(currency="EUR")), said("push", True, "flag", Shop())
    ('€12.50', 'yes')
    """
    if kind == "time":
        return words.moment(value, shop.timezone)
    if kind == "money":
        return words.money(value, shop.currency)
    if name == "usual_weekday":
        return str(value).capitalize()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value}:00" if name == "usual_hour" else words.number(value)
    return words.plain(value)


def _devices(profile: Profile, *, now: int) -> list[dict[str, Any]]:
    seconds = now // SECOND
    return [
        {
            "key": key,
            "platform": one.platform,
            "state": one.state(now=seconds) if one.token else "",
            "seen_at": max(one.seen_at, one.token_at) * SECOND,
        }
        for key, one in profile.devices.items()
    ]


def happenings(
    rows: Iterable[Mapping[str, Any]], state: State, shop: Shop
) -> list[tuple[str, list[Happening]]]:
    """The rows of a timeline in words, by day of the shop's clock."""
    names = {one.key: one.name for one in state.find(Campaign)}
    names |= {one.key: one.name for one in state.find(Segment)}
    names |= {f"{one.key} hook": one.name for one in state.find(Hook)}
    found = [_happening(row, names, shop) for row in rows]
    return [(day, list(some)) for day, some in groupby(found, lambda one: words.day(one.time, shop.timezone))]


def _happening(row: Mapping[str, Any], names: Mapping[str, str], shop: Shop) -> Happening:
    table, event = row["table"], row.get("event", "")
    if table == "deliveries":
        return _delivery(row, names)
    name, icon = _TABLES.get(table, (event, EVENT_ICONS.get(event, "live")))
    told = [names.get(row["campaign"], row["campaign"])] if row.get("campaign") else []
    told += [str(row[key]) for key in _TOLD if row.get(key) and not (key == "path" and row.get("product"))]
    if row.get("revenue"):
        told.append(words.money(row["revenue"], row.get("currency") or shop.currency))
    if row.get("source") and table == "events":
        told.append(came_from(row["source"], row.get("medium")))
    if event.startswith("Segment "):
        key = _segment(row.get("properties", ""))
        told.append(names.get(key, key))
    if not told and table == "events" and event != IDENTIFIED:  # what they told of themselves stands below
        told += _own(row.get("properties", ""))
    return Happening(
        time=row["time"],
        icon=icon,
        name=name,
        about=" · ".join(told),
        origin=row.get("origin", ""),
        bot=row.get("bot", ""),
    )


def _delivery(row: Mapping[str, Any], names: Mapping[str, str]) -> Happening:
    """That another system was told of them, or could not be."""
    receiver = names.get(f"{row.get('receiver')} hook", row.get("receiver", ""))
    what, _, which = row.get("about", "").partition(" ")
    arrived = row.get("status") == "delivered"
    told = [f"{_WAYS.get(what, what)} {names.get(which, which)}".strip()]
    if not arrived:
        told.append(row.get("reason", ""))
    if row.get("attempts", 1) > 1:
        told.append(words.many(row["attempts"], "attempt"))
    return Happening(
        time=row["time"],
        icon="out" if arrived else "no",
        name=f"{'Told' if arrived else 'Could not tell'} {receiver}",
        about=" · ".join(filter(None, told)),
        origin=row.get("origin", ""),
        bot="",
    )


def _own(properties: str) -> list[str]:
    """The first properties of an event of which no column tells anything."""
    try:
        found = msgspec.json.decode(properties)
    except msgspec.DecodeError:
        return []
    pairs = list(found.items())[:_OWN] if isinstance(found, dict) else []
    return [f"{name} {words.plain(value)}"[:80] for name, value in pairs if value not in (None, "", [], {})]


def _segment(properties: str) -> str:
    try:
        return str(msgspec.json.decode(properties)["segment"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def named(state: State) -> Mapping[str, str]:
    """Who may have told something: sources, imports, the owner."""
    sources = {source.key: source.name for source in state.find(Source)}
    return sources | {one.key: one.file for one in state.find(Import)} | {"owner": "you"}


def joins(shown: PersonPage, origins: Mapping[str, str]) -> list[Tied]:
    """The identities of somebody, each with why it is theirs."""
    return [
        Tied(
            known=one,
            name=one.known_as[2:] or str(one.identity),
            user=one.known_as.startswith("u:"),
            reasons=[(_reason(join), join.time, origins.get(join.origin, join.origin)) for join in one.joins],
        )
        for one in shown.identities
    ]


def _reason(join: Join) -> str:
    said = _REASONS.get(join.reason, join.reason)
    other = join.other[2:]
    if join.reason == IDENTIFY:
        return f"an identify call named it together with {other}" if other else said
    return f"{said} {other}".strip()
