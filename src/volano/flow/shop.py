"""The settings of the shop: read, changed, and what follows from them for every report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from volano.domain.identity import Address
from volano.domain.shop import NAMED_BY_MARKS, Shop
from volano.domain.view import View
from volano.domain.work import Work
from volano.errors import BadInput, NotFound
from volano.flow.decide import person_of
from volano.flow.house import House
from volano.flow.works import renewing, settling
from volano.observe.identity import address_key, identity
from volano.observe.staff import Staff, of_domains
from volano.observe.traits import FIELDS
from volano.ports import Lake, Profiles, State
from volano.rules.words import Units
from volano.settings import Settings

STAFF_LIMIT = 1_000
_USUAL = Shop()
_IDENTIFIED = View(columns=("event", "known_as", "properties"), only=(("event", ("Identified",)),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """How reports look at the lake: without bots and staff, by the clock of the shop."""

    shop: Shop = _USUAL
    staff: tuple[int, ...] = ()

    def on(self, view: View) -> View:
        """The view without bots and staff."""
        return changed(view, humans=True, without=self.staff)


PEOPLE = Lens()  # of a house where nobody set anything


def shop_of(state: State, settings: Settings | None = None) -> Shop:
    """The kept settings; before anybody keeps some, those of the environment."""
    try:
        return state.get(Shop, Shop().key)
    except NotFound:
        known = settings or Settings()
        return Shop(timezone=known.timezone, currency=known.currency)


def units_of(shop: Shop) -> Units:
    """How rules are told in this shop: facts by their labels, times by its clock, money in its currency."""
    names = {name: f"{field.label[0].lower()}{field.label[1:]}" for name, field in FIELDS.items()}
    names |= {name: field.label for name, field in FIELDS.items() if field.label[1].isupper()}
    kinds = {name: field.kind for name, field in FIELDS.items()}
    return Units(names=names, kinds=kinds, zone=shop.timezone, currency=shop.currency)


def save_shop(state: State, shop: Shop, *, now: int, settings: Settings | None = None) -> Shop:
    """Keep the settings and what work follows from them; BadInput, naming the field, if one cannot be."""
    kept = replace(
        shop,
        key=Shop().key,
        name=shop.name.strip()[:100],
        timezone=_zone(shop.timezone),
        currency=_currency(shop.currency),
        staff=_staff(shop.staff),
        marks=_marks(shop.marks),
        changed_at=now,
    )
    if shop.week_start not in range(7):
        raise BadInput(f"the week cannot start on day {shop.week_start}; 0 is Monday, 6 is Sunday")
    if shop.margin is not None and not 0 < shop.margin <= 1:
        raise BadInput(
            f"the margin is {shop.margin:g}; it must be a share above 0 and at most 1, such as 0.3"
        )
    if shop.rfm.wrong():
        raise BadInput(shop.rfm.wrong())
    state.put(kept, *_follows(state, shop_of(state, settings), kept, now))
    return kept


def _follows(state: State, before: Shop, kept: Shop, now: int) -> list[Work]:
    """What is to be done with everybody when the clock, the money or the types of customers are others."""
    if kept.timezone != before.timezone:  # the days and hours of everybody are others
        what = f"counting everybody's days anew by the clock of {kept.timezone}"
        return [renewing(state, what, now=now)]
    if kept.currency != before.currency:  # and so is what counts as revenue
        return [renewing(state, f"counting everybody's money anew in {kept.currency}", now=now)]
    if kept.rfm != before.rfm:
        return [settling(state, "seeing who is which type by the new limits", now=now)]
    return []


def lens_of(house: House) -> Lens:
    """How the reports of a house look at its lake."""
    shop = shop_of(house.state, house.settings)
    return Lens(shop=shop, staff=staff_people(house.profiles, house.lake, shop))


def staff_people(profiles: Profiles, lake: Lake, shop: Shop) -> tuple[int, ...]:
    """The persons (ascending) whom the list of staff means.

    A user id and an address that somebody has as user id are looked up, so is an address that an identify
    call told. For domains all identify calls are read.
    """
    found = {person_of(profiles, identity(f"u:{one}")) for one in shop.staff if not one.startswith("@")}
    for one in shop.staff:
        known = profiles.get(Address, address_key(one)) if "@" in one[1:] else None
        found |= {person_of(profiles, each) for each in (known.identities if known else ())}
    domains = tuple(one.lower() for one in shop.staff if one.startswith("@"))
    if domains:
        more = lake.tally(_IDENTIFIED, partial(of_domains, domains=domains))
        found |= (more or Staff()).people
    return tuple(sorted(found))


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name.strip()).key
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"{name!r} is no time zone; write one like Europe/Berlin or UTC") from error


def _currency(code: str) -> str:
    bare = code.strip().upper()
    if len(bare) != 3 or not bare.isascii() or not bare.isalpha():
        raise BadInput(f"{code!r} is no currency; write its three letters, such as EUR")
    return bare


def _staff(told: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one.strip() for one in told if one.strip()))
    if len(found) > STAFF_LIMIT:
        raise BadInput(f"{len(found)} members of staff are named; at most {STAFF_LIMIT} can be, try a domain")
    for one in found:
        if one.startswith("@") and "." not in one.strip("@."):
            raise BadInput(f"{one!r} is no domain; write it like @shop.example")
    return found


def _marks(told: dict[str, str]) -> dict[str, str]:
    for parameter, word in told.items():
        if word not in NAMED_BY_MARKS:
            raise BadInput(f"the parameter {parameter!r} is {word!r}; it can be {', '.join(NAMED_BY_MARKS)}")
        if not parameter.strip() or len(parameter) > 50 or set(parameter) & set("&=?# "):
            raise BadInput(f"{parameter!r} cannot be a parameter of an address")
    return dict(told)
