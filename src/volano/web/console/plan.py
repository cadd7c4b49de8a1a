"""Plan: the journey as bars, by slice, and the leaks worst first."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
from litestar import Response

from volano.domain.durations import DAY
from volano.domain.idea import Idea
from volano.domain.leak import Leak, slice_name
from volano.flow.journeys import home_journey
from volano.flow.propose import open_idea, outlook
from volano.flow.report import count_journey, newest
from volano.flow.shop import lens_of, shop_of
from volano.observe.sessions import DIMENSIONS
from volano.plan.reached import JourneyTally
from volano.web import charts, words
from volano.web.console.cards import leak_card
from volano.web.pages import Ask, Desk, Page, Route, back, form, page

DAYS = 28
SHOWN = 12  # slices that are drawn; the table has the same
_NAMES = {"source": "Source", "device": "Device", "landing": "Landing page", "visitor": "New or returning"}


def journey_seen(desk: Desk) -> JourneyTally | None:
    """The journey of the last days of data by every dimension; None before anybody set out."""
    lake = desk.house.lake

    def counted() -> JourneyTally | None:
        last = newest(lake)
        since = None if last is None else last - DAYS * DAY
        return count_journey(
            lake, home_journey(desk.house.state), by=DIMENSIONS, since=since, lens=lens_of(desk.house)
        )

    found: JourneyTally | None = desk.memo.of("journey", counted, patience=5)
    return found


def _slices(tally: JourneyTally, by: str, worst: str) -> list[dict[str, Any]]:
    rows = []
    for row in tally.rows(by)[:SHOWN]:
        people = [step["people"] for step in row["steps"]]
        rows.append(
            {
                "name": row[by],
                "people": people[0],
                "share": people[-1] / people[0] if people[0] else 0.0,
                "bars": charts.journey(tally.names, people, worst),
            }
        )
    top = max((row["share"] for row in rows), default=0.0) or 1.0
    return [row | {"width": row["share"] / top} for row in rows]


def names_of(dimension: str) -> str:
    """A dimension in words."""
    return _NAMES.get(dimension, dimension)


def slices_seen(desk: Desk, dimension: str) -> list[str]:
    """The values of a dimension that the shop has seen, largest first."""
    tally = journey_seen(desk)
    return [row[dimension] for row in tally.rows(dimension)[:40]] if tally is not None else []


def _finding(bars: list[charts.Bar]) -> str:
    """The page's title: what the journey says."""
    if not bars or not bars[0].people:
        return "Nobody has set out yet"
    order = bars[-1].people / bars[0].people
    return f"{words.share(order)} of those who land order"


def plan(request: Ask, desk: Desk) -> Page:
    """Where people are lost; `?by=` breaks the journey down."""
    by = request.query_params.get("by", "")
    by = by if by in DIMENSIONS else ""
    leaks = outlook(desk.house.state).leaks
    worst = leaks[0].next_step if leaks else ""
    tally = journey_seen(desk)
    bars = (
        charts.journey(tally.names, [step["people"] for step in tally.steps], worst)
        if tally is not None
        else []
    )
    shop = shop_of(desk.house.state, desk.house.settings)
    return page(
        request,
        desk,
        "plan.html",
        by=by,
        dimensions=[("", "Everyone"), *((name, _NAMES[name]) for name in DIMENSIONS)],
        finding=_finding(bars),
        bars=bars,
        slices=_slices(tally, by, worst) if tally is not None and by else [],
        leaks=[leak_card(leak, shop) for leak in leaks],
        window=DAYS,
        days=f"{home_journey(desk.house.state).within / DAY:g}",
    )


def leaks_csv(request: Ask, desk: Desk) -> Response[str]:
    """The leaks as a table for other programs."""
    fields = [name for name in Leak.__struct_fields__ if name != "slice"]
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["slice", *fields])
    for leak in outlook(desk.house.state).leaks:
        row = msgspec.structs.asdict(leak)
        out.writerow([_cell(slice_name(leak.slice)), *(_cell(row[name]) for name in fields)])
    return Response(
        text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="leaks.csv"'},
    )


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula.

    >>> _cell("=1+1"), _cell(-3)
    ("'=1+1", -3)
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def make_idea(request: Ask, desk: Desk) -> Page:
    """Put the best idea against a leak on the backlog."""
    state, key = desk.house.state, form(request).get("key", "")
    if not any(idea.leak == key and idea.status == "proposed" for idea in state.find(Idea)):
        state.get(Leak, key)
        return back("/ideas", "all-open")
    idea = open_idea(state, key, now=desk.clock())
    return back(f"/ideas#{idea.key}", "opened")


ROUTES = [
    Route("GET", "/plan", plan),
    Route("GET", "/plan/leaks.csv", leaks_csv),
    Route("POST", "/plan/idea", make_idea),
]
