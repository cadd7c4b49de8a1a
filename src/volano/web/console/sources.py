"""Sources: where events come from, their write keys, and which pages may send."""

from __future__ import annotations

from typing import Any

from volano.domain.account import Source
from volano.errors import BadInput
from volano.flow import sources as flow
from volano.flow.arrivals import sources_seen
from volano.web.pages import Ask, Desk, Page, Route, address, back, form, page


def sources(request: Ask, desk: Desk) -> Page:
    """All sources with what they send."""
    return _list(request, desk)


def _list(request: Ask, desk: Desk, *, status: int = 200, problem: str = "") -> Page:
    house = desk.house
    found = sorted(house.state.find(Source), key=lambda source: (source.revoked_at > 0, source.made_at))
    return page(
        request,
        desk,
        "sources.html",
        status=status,
        problem=problem,
        sources=found,
        arrivals={seen.source: seen for seen in sources_seen(house.profiles)},
        address=address(request),
    )


def add(request: Ask, desk: Desk) -> Page:
    """A new source; its key is shown this once."""
    try:
        made, key = flow.make(desk.house.state, form(request).get("name", ""), now=desk.clock())
    except BadInput as error:
        return _list(request, desk, status=422, problem=error.message)
    return _key_page(request, desk, made, key)


def rotate(request: Ask, desk: Desk) -> Page:
    """A new key for a source; the old one stays good for a while."""
    try:
        made, key = flow.rotate(desk.house.state, form(request).get("key", ""), now=desk.clock())
    except BadInput as error:
        return _list(request, desk, status=422, problem=error.message)
    return _key_page(request, desk, made, key)


def _key_page(request: Ask, desk: Desk, source: Source, key: str) -> Page:
    told: dict[str, Any] = {"source": source, "write_key": key, "address": address(request)}
    return page(request, desk, "source_key.html", grace=flow.GRACE, **told)


def revoke(request: Ask, desk: Desk) -> Page:
    """Refuse what comes with the keys of a source."""
    key = form(request).get("key", "")
    flow.revoke(desk.house.state, key, now=desk.clock())
    return back("/sources", "revoked", key)


def restore(request: Ask, desk: Desk) -> Page:
    """Take a revocation back."""
    flow.reinstate(desk.house.state, form(request).get("key", ""))
    return back("/sources", "reinstated")


def change(request: Ask, desk: Desk) -> Page:
    """Another name, or other pages that may send."""
    sent, state = form(request), desk.house.state
    key, name = sent.get("key", ""), sent.get("name", "")
    try:
        if name.strip():  # else nothing is changed, not even the pages
            flow.allow(state, key, sent.get("origins", ""))
        flow.rename(state, key, name)
    except BadInput as error:
        return _list(request, desk, status=422, problem=error.message)
    return back("/sources", "saved")


ROUTES = [
    Route("GET", "/sources", sources),
    Route("POST", "/sources/add", add),
    Route("POST", "/sources/rotate", rotate),
    Route("POST", "/sources/revoke", revoke),
    Route("POST", "/sources/reinstate", restore),
    Route("POST", "/sources/change", change),
]
