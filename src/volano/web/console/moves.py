"""Who moved between the types of customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response

from volano.domain.durations import DAY
from volano.domain.profile import Profile
from volano.errors import BadInput
from volano.flow.shop import lens_of
from volano.flow.transitions import TransitionView, transition_view, who_moved
from volano.web import words
from volano.web.console.lists import people_file, people_list
from volano.web.console.row import begin
from volano.web.pages import Ask, Desk, Page, Route, page

_SINCE = 90  # days back unless told
_LONGEST = 3_650  # days


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Since when: UTC µs, the day by the shop's clock, how the address says it, and how the page does."""

    at: int
    day: str
    query: str
    said: str
    days: int = 0


def _since(request: Ask, desk: Desk) -> Since:
    """The day that is asked for, else a number of days back."""
    asked, now = request.query_params, desk.clock()
    try:
        at = begin(asked.get("since", ""), "the day", desk.zone)
    except BadInput:
        at = 0
    if 0 < at <= now:
        return Since(at=at, day=asked["since"], query=f"since={asked['since']}", said=_day(at, desk))
    text = asked.get("days", "")
    days = int(text) if text.isdecimal() and 0 < int(text) <= _LONGEST else _SINCE
    at = now - days * DAY
    return Since(at=at, day="", query=f"days={days}", said=f"in {words.many(days, 'day')}", days=days)


def _day(at: int, desk: Desk) -> str:
    return f"since {words.day(at, desk.zone)}"


def moves(request: Ask, desk: Desk) -> Page:
    """Who moved between the types of customers since a day."""
    since, house = _since(request, desk), desk.house

    def read() -> TransitionView:
        return transition_view(house.lake, since=since.at, now=desk.clock(), lens=lens_of(house))

    found: TransitionView | None = desk.memo.lately(("moves", since.query), read)
    if found is None:
        return page(request, desk, "moves.html", since=since, rows=[], now_in=[], whole=1, counted=False)
    columns = [sum(row[at] for row in found.people) for at in range(len(found.columns))]
    rows = [
        {"name": name, "people": sum(row), "to": _flows(row, found.columns)}
        for name, row in zip(found.rows, found.people, strict=True)
        if sum(row)
    ]
    now_in = [(name, many) for name, many in zip(found.columns, columns, strict=True) if many]
    told: dict[str, Any] = {"rows": rows, "now_in": now_in, "whole": max(1, sum(columns)), "counted": True}
    return page(request, desk, "moves.html", since=since, **told)


def _flows(row: tuple[int, ...], names: tuple[str, ...]) -> list[tuple[str, int, float]]:
    """Where the people of a row are now, most first."""
    whole = max(1, sum(row))
    pairs = [(name, many, many / whole) for name, many in zip(names, row, strict=True) if many]
    return sorted(pairs, key=lambda pair: -pair[1])


def moved(request: Ask, desk: Desk) -> Page:
    """The people who went from one type to another."""
    since, move = _since(request, desk), _move(request)
    people = desk.memo.lately(("moved", since.query, move), lambda: _moved(desk, since, move))
    return people_list(request, desk, "moved.html", people, since=since, move=move)


def moved_csv(request: Ask, desk: Desk) -> Response[str]:
    """The same people, all of them, for other programs."""
    since, move = _since(request, desk), _move(request)
    people = desk.memo.of(("moved", since.query, move), lambda: _moved(desk, since, move))
    known = (desk.house.profiles.get(Profile, person) for person in people)
    name = "-".join(move).replace(" ", "-")
    return people_file((one for one in known if one is not None), f"moved-{name}")


def _move(request: Ask) -> tuple[str, str]:
    return request.query_params.get("from", ""), request.query_params.get("to", "")


def _moved(desk: Desk, since: Since, move: tuple[str, str]) -> tuple[int, ...]:
    house = desk.house
    return who_moved(house.lake, move, since=since.at, now=desk.clock(), lens=lens_of(house))


ROUTES = [
    Route("GET", "/segments/moves", moves),
    Route("GET", "/segments/moves/people", moved),
    Route("GET", "/segments/moves/people.csv", moved_csv),
]
