"""Live: events as they arrive, and what was refused and why."""

from __future__ import annotations

from typing import Any

from volano.domain.account import Source
from volano.flow.arrivals import sources_seen
from volano.web import words
from volano.web.pages import Ask, Desk, Page, Route, page

SHOWN = 40


def content(request: Ask, desk: Desk) -> dict[str, Any]:
    """What came last, of all sources or one."""
    only = request.query_params.get("source", "")[:100]
    refused = request.query_params.get("refused") == "1"
    kept = desk.turning.recent.after()
    shown = [one for one in reversed(kept) if only in ("", one.source) and (bool(one.code) or not refused)][
        :SHOWN
    ]
    now = desk.clock()
    whole = sources_seen(desk.house.profiles)
    return {
        "only": only,
        "refused": refused,
        "sources": {source.key: source.name for source in desk.house.state.find(Source)},
        "arrivals": shown,
        "rate": _rate([one.received_at for one in kept if not one.code], now),
        "events": sum(one.count for one in whole),
        "reasons": _reasons(whole, only),
        "coming": bool(kept) and now - kept[-1].received_at < 60 * words.SECOND,
    }


def _rate(times: list[int], now: int) -> str:
    """Events in the last minute, as far as they are kept."""
    lately = sum(1 for time in times if now - time < 60 * words.SECOND)
    return words.count(lately) + ("+" if lately and lately == len(times) and lately >= 200 else "")


def _reasons(whole: list[Any], only: str) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for one in whole:
        if only in ("", one.source):
            for code, many in one.refused.items():
                found[code] = found.get(code, 0) + many
    return sorted(found.items(), key=lambda pair: -pair[1])


def live(request: Ask, desk: Desk) -> Page:
    """The page."""
    return page(request, desk, "live.html", query=request.url.query, **content(request, desk))


def fragment(request: Ask, desk: Desk) -> Page:
    """What changes on it."""
    return page(request, desk, "_live.html", **content(request, desk))


ROUTES = [
    Route("GET", "/live", live),
    Route("GET", "/fragments/live", fragment),
]
