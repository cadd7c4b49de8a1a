"""Live: events as they arrive, and what was refused and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa

from volano.domain.account import Source
from volano.domain.durations import DAY, SECOND
from volano.domain.registry import Seen
from volano.domain.view import View
from volano.flow.arrivals import RECENT, Arrival, sources_seen
from volano.web import words
from volano.web.console.person import EVENT_ICONS
from volano.web.pages import Ask, Desk, Page, Route, page

SHOWN = 25  # unless all that is kept is asked for
_COLUMNS = ("code", "message", "sample", "origin")
_LOOKS = (DAY // 24, DAY, 7 * DAY)  # µs back in which the latest refused events are looked for


def content(request: Ask, desk: Desk) -> dict[str, Any]:
    """What came last, of all sources or one."""
    asked = request.query_params
    only, refused, every = asked.get("source", "")[:100], asked.get("refused") == "1", asked.get("all") == "1"
    kept = desk.turning.recent.after()
    shown = _refused(desk) if refused else list(reversed(kept))
    shown = [one for one in shown if only in ("", one.source)]
    now, whole = desk.clock(), sources_seen(desk.house.profiles)
    return {
        "only": only,
        "refused": refused,
        "sources": {source.key: source.name for source in desk.house.state.find(Source)},
        "arrivals": shown if every else shown[:SHOWN],
        "more": 0 if every else max(0, len(shown) - SHOWN),
        "all_of": urlencode({"source": only, "refused": int(refused), "all": 1}),
        "icons": EVENT_ICONS,
        "rate": _rate([one.received_at for one in kept if not one.code], now),
        "events": sum(one.count for one in whole),
        "reasons": _reasons(whole, only),
        "coming": bool(kept) and now - kept[-1].received_at < 60 * SECOND,
    }


def _refused(desk: Desk) -> list[Arrival]:
    """What was refused in the last week, the newest first: it may have come before the server began."""

    def read() -> list[Arrival]:
        rows: list[dict[str, Any]] = []
        for back in _LOOKS:
            view = View(tables=("quarantine",), columns=_COLUMNS, since=desk.clock() - back)
            last = desk.house.lake.read(view).sort_by([("time", "descending")]).slice(0, RECENT)
            rows = last.set_column(
                last.schema.get_field_index("time"), "time", last["time"].cast(pa.int64())
            ).to_pylist()
            if len(rows) >= SHOWN:
                break
        return [_arrival(row) for row in rows]

    found: list[Arrival] | None = desk.memo.lately("refused", read)
    return found or []


def _arrival(row: dict[str, Any]) -> Arrival:
    code, message, sample, origin = (row[name] or "" for name in _COLUMNS)
    return Arrival(
        number=0, received_at=row["time"], source=origin, code=code, message=message, sample=sample
    )


def _rate(times: list[int], now: int) -> str:
    """How many events came in the last minute, as far as they are kept."""
    lately = sum(1 for time in times if now - time < 60 * SECOND)
    return (
        words.many(lately, "event").replace(" ", "+ ", 1) if lately >= RECENT else words.many(lately, "event")
    )


def _reasons(whole: Iterable[Seen], only: str) -> list[tuple[str, int]]:
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
