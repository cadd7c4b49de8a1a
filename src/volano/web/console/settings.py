"""Settings: what the shop is like, how to send, what was imported, the journey, the password."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zoneinfo import available_timezones

from msgspec.structs import replace

from volano.domain.account import Import, SecretKey, Source
from volano.domain.durations import DAY
from volano.domain.hook import Hook
from volano.domain.leak import Journey
from volano.domain.money import digits
from volano.domain.rfm import Four, RfmBounds
from volano.domain.shop import WEEKDAYS, Shop
from volano.errors import BadInput
from volano.flow.journeys import home_journey, keep_journey
from volano.flow.shop import save_shop, shop_of
from volano.observe.traits.rfm import proposed
from volano.web.console.choices import everybody
from volano.web.pages import Ask, Desk, Page, Route, address, back, form, page, write_key

_BOUNDS = (
    ("rfm.days", "Days since the last order"),
    ("rfm.orders", "Orders"),
    ("rfm.money", "Revenue"),
)


def more(
    request: Ask,
    desk: Desk,
    *,
    status: int = 200,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    filled: bool = False,
) -> Page:
    """The page, with what was wrong with what was sent; `typed` are the fields of the shop as they came.

    `filled`: the limits among them are not those that were typed.
    """
    imports = sorted(desk.house.state.find(Import), key=lambda one: -one.made_at)
    return page(
        request,
        desk,
        "settings.html",
        status=status,
        problem=problem,
        filled=filled,
        sources=desk.house.state.find(Source),
        keys=sum(not key.revoked_at for key in desk.house.state.find(SecretKey)),
        hooks=len(desk.house.state.find(Hook)),
        imports=imports,
        journey=home_journey(desk.house.state),
        days=f"{home_journey(desk.house.state).within / DAY:g}",
        address=address(request),
        write_key=write_key(desk),
        home=str(desk.house.home),
        shop=_values(shop_of(desk.house.state, desk.house.settings)) | dict(typed or {}),
        bounds=_BOUNDS,
        weekdays=WEEKDAYS,
        zones=sorted(available_timezones()),
    )


def _values(shop: Shop) -> dict[str, str]:
    """The fields of the form as texts; the limits of money in whole units of the currency."""
    unit = 10 ** digits(shop.currency)
    return {
        "name": shop.name,
        "timezone": shop.timezone,
        "currency": shop.currency,
        "week_start": str(shop.week_start),
        "margin": "" if shop.margin is None else f"{shop.margin * 100:g}",
        "staff": "\n".join(shop.staff),
        "marks": "\n".join(f"{parameter} = {word}" for parameter, word in shop.marks.items()),
        **_limits_told(shop.rfm, unit),
    }


def _limits_told(bounds: RfmBounds, unit: int) -> dict[str, str]:
    return {
        "rfm.days": _four(bounds.days),
        "rfm.orders": _four(bounds.orders),
        "rfm.money": _four(limit / unit for limit in bounds.money),
    }


def _four(limits: Iterable[float]) -> str:
    return " ".join(f"{limit:g}" for limit in limits)


def settings(request: Ask, desk: Desk) -> Page:
    """What a shop needs to send events, and what keeps the console shut."""
    return _proposing(request, desk) if request.query_params.get("propose") else more(request, desk)


def _proposing(request: Ask, desk: Desk) -> Page:
    """The page with the limits that split the shop's own customers in fifths, which are not kept yet."""
    found = everybody(desk, ("days_since_order", "orders", "revenue"))
    if found is None:
        return more(request, desk, problem="customers are still being counted; ask again in a moment")
    unit = 10 ** digits(shop_of(desk.house.state, desk.house.settings).currency)
    return more(request, desk, typed=_limits_told(proposed(found[0]), unit), filled=True)


def undo_import(request: Ask, desk: Desk) -> Page:
    """Take an import back: its rows leave the lake, and what is known of people is made anew beside."""
    from volano.flow.importing import undo_later

    undo_later(desk.house.state, form(request).get("key", ""), now=desk.clock())
    return back("/settings", "import-undone")


def journey(request: Ask, desk: Desk) -> Page:
    """Look at another journey; the plan follows at once."""
    sent = form(request)
    steps = tuple(line.strip() for line in sent.get("steps", "").splitlines() if line.strip())
    try:
        days = float(sent.get("days", ""))
        keep_journey(desk.house.state, Journey(steps=steps, within=int(days * DAY)))
    except (BadInput, ValueError, OverflowError) as error:
        problem = error.message if isinstance(error, BadInput) else "the days of a journey must be a number"
        return more(request, desk, status=400, problem=problem)
    desk.turning.touched()
    return back("/settings", "saved")


def shop(request: Ask, desk: Desk) -> Page:
    """Keep what the shop is like; every report honours it."""
    house, sent = desk.house, form(request)
    before = shop_of(house.state, house.settings)
    try:
        save_shop(house.state, _shop_sent(before, sent), now=desk.clock(), settings=house.settings)
    except BadInput as error:
        return more(request, desk, status=422, problem=error.message, typed=sent)
    desk.turning.touched()
    return back("/settings", "saved")


def _shop_sent(before: Shop, sent: Mapping[str, str]) -> Shop:
    currency = sent.get("currency", before.currency)
    unit = 10 ** digits(currency.strip())
    margin = sent.get("margin", "").strip()
    return replace(
        before,
        name=sent.get("name", before.name),
        timezone=sent.get("timezone", before.timezone),
        currency=currency,
        week_start=int(_number("the day on which the week begins", sent.get("week_start", "0"))),
        margin=_number("the margin in per cent", margin) / 100 if margin else None,
        staff=tuple(sent.get("staff", "").split()),
        marks=_marks(sent["marks"]) if "marks" in sent else before.marks,
        rfm=RfmBounds(
            days=_limits(sent, "rfm.days", before.rfm.days),
            orders=_limits(sent, "rfm.orders", before.rfm.orders),
            money=_limits(sent, "rfm.money", before.rfm.money, unit),
        ),
    )


def _marks(text: str) -> dict[str, str]:
    """Parameters of an address and what each names, one a line with = between."""
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {parameter.strip(): word.strip().lower() for parameter, _, word in pairs}


def _limits(sent: Mapping[str, str], name: str, before: Four, unit: int = 1) -> Four:
    """Four limits with blanks between; those before where the form has no such field."""
    if name not in sent:
        return before
    what = dict(_BOUNDS)[name]
    found = [_number(f"a limit of “{what}”", text) * unit for text in sent[name].split()]
    if len(found) != 4:
        raise BadInput(f"“{what}” needs four limits with blanks between, and has {len(found)}")
    return found[0], found[1], found[2], found[3]


def _number(what: str, text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = float("nan")
    if not -1e12 < number < 1e12:
        raise BadInput(f"{what} is {text[:40]!r}; it must be a number")
    return number


def menu(request: Ask, desk: Desk) -> Page:
    """What has no room in the bar of a phone."""
    return page(request, desk, "more.html")


ROUTES = [
    Route("GET", "/more", menu),
    Route("GET", "/settings", settings),
    Route("POST", "/settings/shop", shop),
    Route("POST", "/settings/imports/undo", undo_import),
    Route("POST", "/settings/journey", journey),
]
