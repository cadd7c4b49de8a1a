"""Who moved between the types of customers."""

from __future__ import annotations

from volano.domain.durations import DAY
from volano.flow.shop import lens_of
from volano.flow.transitions import TransitionView, transition_view
from volano.web.pages import Ask, Desk, Page, Route, page

_SINCE = 90  # days back unless told


def moves(request: Ask, desk: Desk) -> Page:
    """Who moved between the types of customers since a number of days ago."""
    text = request.query_params.get("days", "")
    days = int(text) if text.isdecimal() and 0 < int(text) <= 3650 else _SINCE
    now = desk.clock()
    house = desk.house

    def read() -> TransitionView:
        return transition_view(house.lake, since=now - days * DAY, now=now, lens=lens_of(house))

    found: TransitionView | None = desk.memo.lately(("moves", days), read)
    if found is None:
        return page(request, desk, "moves.html", days=days, rows=[], now_in=[], whole=1, counted=False)
    columns = [sum(row[at] for row in found.people) for at in range(len(found.columns))]
    rows = [
        {"name": name, "people": sum(row), "to": _flows(row, found.columns)}
        for name, row in zip(found.rows, found.people, strict=True)
        if sum(row)
    ]
    now_in = [(name, many) for name, many in zip(found.columns, columns, strict=True) if many]
    return page(
        request,
        desk,
        "moves.html",
        days=days,
        rows=rows,
        now_in=now_in,
        whole=max(1, sum(columns)),
        counted=True,
    )


def _flows(row: tuple[int, ...], names: tuple[str, ...]) -> list[tuple[str, int, float]]:
    """Where the people of a row are now, most first."""
    whole = max(1, sum(row))
    pairs = [(name, many, many / whole) for name, many in zip(names, row, strict=True) if many]
    return sorted(pairs, key=lambda pair: -pair[1])


ROUTES = [Route("GET", "/segments/moves", moves)]
