"""Live: events as they arrive, and what was refused and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.account import Source
from volano.domain.durations import DAY, SECOND
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
    kept = [one for one in desk.turning.recent.after() if only in ("", one.source)]
    shown, reasons = _refused(desk, only) if refused else (kept[::-1], [])
    now = desk.clock()
    return {
        "only": only,
        "refused": refused,
        "sources": {source.key: source.name for source in desk.house.state.find(Source)},
        "arrivals": shown if every else shown[:SHOWN],
        "more": 0 if every else max(0, len(shown) - SHOWN),
        "all_of": urlencode({"source": only, "refused": int(refused), "all": 1}),
        "icons": EVENT_ICONS,
        "rate": _rate([one.received_at for one in kept if not one.code], now),
        "events": sum(one.count for one in sources_seen(desk.house.profiles) if only in ("", one.source)),
        "reasons": reasons,
        "coming": bool(kept) and now - kept[-1].received_at < 60 * SECOND,
    }


def _refused(desk: Desk, only: str) -> tuple[list[Arrival], list[tuple[str, int]]]:
    """What was refused in the last week, newest first, and how often why; it may be older than the server."""

    def read() -> tuple[list[Arrival], list[tuple[str, int]]]:
        lake, now = desk.house.lake, desk.clock()
        week = View(
            tables=("quarantine",),
            columns=_COLUMNS,
            since=now - 7 * DAY,
            only=(("origin", (only,)),) if only else (),
        )
        codes = lake.tally(replace(week, columns=("code",)), _codes) or Counter()
        rows: list[dict[str, Any]] = []
        for back in _LOOKS if codes else ():
            last = (
                lake.read(replace(week, since=now - back)).sort_by([("time", "descending")]).slice(0, RECENT)
            )
            times = last["time"].cast(pa.int64()).to_pylist()
            rows = [row | {"time": time} for row, time in zip(last.to_pylist(), times, strict=True)]
            if len(rows) >= SHOWN:
                break
        return [_arrival(row) for row in rows], codes.most_common()

    found: tuple[list[Arrival], list[tuple[str, int]]] = desk.memo.lately(("refused", only), read) or ([], [])
    return found


def _codes(block: pa.Table) -> Counter[str]:
    counts = pc.value_counts(block["code"].cast(pa.string())).to_pylist()
    return Counter({one["values"] or "": one["counts"] for one in counts})


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
