"""More: the write key, the snippet, what was imported, the password."""

from __future__ import annotations

from volano.domain.account import Import, Source
from volano.domain.leak import DAY, Journey
from volano.errors import BadInput
from volano.flow.journeys import home_journey, keep_journey
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


def menu(request: Ask, desk: Desk) -> Page:
    """What has no room in the bar of a phone."""
    return page(request, desk, "more.html")


ROUTES = [
    Route("GET", "/more", menu),
    Route("GET", "/settings", settings),
    Route("POST", "/settings/imports/undo", undo_import),
    Route("POST", "/settings/journey", journey),
]
