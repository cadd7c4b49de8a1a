"""More: the write key, the snippet, what was imported, the password."""

from __future__ import annotations

from zoneinfo import available_timezones

from msgspec.structs import replace

from volano.domain.account import Import, Source
from volano.domain.leak import DAY, Journey
from volano.domain.shop import WEEKDAYS
from volano.errors import BadInput
from volano.flow.journeys import home_journey, keep_journey
from volano.flow.shop import save_shop, shop_of
from volano.web.pages import Ask, Desk, Page, Route, address, back, form, page, write_key


def more(request: Ask, desk: Desk, *, status: int = 200, problem: str = "") -> Page:
    """The page, with what was wrong with a new password."""
    imports = sorted(desk.house.state.find(Import), key=lambda one: -one.made_at)
    return page(
        request,
        desk,
        "settings.html",
        status=status,
        problem=problem,
        sources=desk.house.state.find(Source),
        imports=imports,
        journey=home_journey(desk.house.state),
        days=f"{home_journey(desk.house.state).within / DAY:g}",
        address=address(request),
        write_key=write_key(desk),
        home=str(desk.house.home),
        shop=shop_of(desk.house.state, desk.house.settings),
        weekdays=WEEKDAYS,
        zones=sorted(available_timezones()),
    )


def settings(request: Ask, desk: Desk) -> Page:
    """What a shop needs to send events, and what keeps the console shut."""
    return more(request, desk)


def undo_import(request: Ask, desk: Desk) -> Page:
    """Take an import back: its rows leave the lake."""
    from volano.flow.importing import undo_import as take_back
    from volano.flow.ingest import rebuild_profiles
    from volano.flow.knowledge import knowledge

    house = desk.house
    take_back(house, form(request).get("key", ""), now=desk.clock())
    rebuild_profiles(house.lake, house.profiles, now=desk.clock(), by=knowledge(house.state, house.settings))
    desk.turning.touched()
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
        margin = sent.get("margin", "").strip().replace(",", ".")
        changed = replace(
            before,
            name=sent.get("name", ""),
            timezone=sent.get("timezone", ""),
            currency=sent.get("currency", ""),
            week_start=int(sent.get("week_start", "0")),
            margin=float(margin) / 100 if margin else None,
            staff=tuple(sent.get("staff", "").split()),
        )
        save_shop(house.state, changed, now=desk.clock())
    except (BadInput, ValueError, OverflowError) as error:
        problem = error.message if isinstance(error, BadInput) else "the margin must be a number of per cent"
        return more(request, desk, status=422, problem=problem)
    desk.turning.touched()
    return back("/settings", "saved")


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
