"""More: the write key, the snippet, what was imported, the password."""

from __future__ import annotations

from volano.domain.account import Import, Source
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

    house = desk.house
    take_back(house, form(request).get("key", ""), now=desk.clock())
    rebuild_profiles(house.lake, house.profiles)
    desk.turning.touched()
    return back("/settings", "import-undone")


ROUTES = [
    Route("GET", "/settings", settings),
    Route("POST", "/settings/imports/undo", undo_import),
]
