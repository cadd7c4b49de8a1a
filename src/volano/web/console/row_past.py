"""Rows on what people did: an event with how often and how much, and events one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from volano.domain.durations import SECOND
from volano.errors import BadInput
from volano.web.console.row import FIRST, UNITS, Row, Words, begin, day_of, number_of, typed

_BOUNDS = ("$gte", "$lte")


def did(row: Row, words: Words) -> dict[str, Any]:
    """The condition that a row on one event means."""
    if not row.event:
        raise BadInput("a condition on what people did has no event: choose one")
    if row.operator not in ("", *_BOUNDS, FIRST):
        raise BadInput(f"{row.event} cannot be counted like that: choose how once more")
    wanted: dict[str, Any] = {"event": row.event, **_window(row, words)}
    where = _where(row)
    if where:
        wanted["where"] = where
    if row.of or row.total:
        wanted["sum"] = _sum(row)
    if row.operator == FIRST:
        return {"$did": wanted | _first(wanted)}
    times = number_of(row.times or "1", "how often")
    if row.operator == "$lte":
        return {"$did": wanted | {"count": {"$lte": times}}}
    if times <= 0:
        if "sum" in wanted:
            raise BadInput(f"{row.event} is never to be done, and has no sum then: take one out")
        return {"$didNot": wanted}
    return {"$did": wanted | ({"count": {"$gte": times}} if times > 1 else {})}


def _window(row: Row, words: Words) -> dict[str, str]:
    if row.within and row.since:
        raise BadInput(f"{row.event} is asked for within a time and since a day: take one out")
    if row.since:
        return {"since": _since(row.since, words.zone)}
    return {"within": row.within} if row.within else {}


def _since(text: str, zone: str) -> str:
    """The day as rules write it: with the offset of the clock it begins by, unless that is UTC."""
    at = begin(text, "the day since when it was done", zone)
    return text if zone == "UTC" else datetime.fromtimestamp(at / SECOND, ZoneInfo(zone)).isoformat()


def _where(row: Row) -> dict[str, Any]:
    pairs = [(row.where, row.equals), (row.where2, row.equals2)]
    named = [(name, value) for name, value in pairs if name]
    if len(named) == 2 and row.where == row.where2:
        raise BadInput(f"the property {row.where} stands there twice: take one out")
    return {name: _either(value) for name, value in named}


def _sum(row: Row) -> dict[str, Any]:
    if not row.of:
        raise BadInput(f"the sum over {row.event} is of nothing: say which property is added up")
    if row.sum not in ("", *_BOUNDS):
        raise BadInput(f"the sum of {row.of} cannot be compared like that: choose how once more")
    return {"of": row.of, row.sum or "$gte": number_of(row.total, f"the sum of {row.of}")}


def _first(wanted: Mapping[str, Any]) -> dict[str, bool]:
    if "sum" in wanted:
        raise BadInput("what is done for the first time has no sum: take one out")
    if "within" not in wanted and "since" not in wanted:
        raise BadInput(f"say within which time, or since when, {wanted['event']} was done for the first time")
    return {"first": True}


def _either(text: str) -> Any:
    """What looks like a number may have come as one, or as text.

    >>> _either("red"), _either("20")
    ('red', {'$in': ['20', 20]})
    """
    try:
        return {"$in": [text, number_of(text, "")]}
    except BadInput:
        return text


def did_row(wanted: Any, words: Words, *, happened: bool) -> Row | None:
    """The row of a condition on one event; None when it says more than a row can.

    >>> did_row({"event": "Order Completed", "count": {"$lte": 2}}, Words(kinds={}), happened=True).times
    '2'
    """
    if not isinstance(wanted, Mapping):
        return None
    fields: dict[str, str] = {}
    for read in (_event_typed, _window_typed, _where_typed, _sum_typed):
        found = read(wanted, words)
        if found is None:
            return None
        fields |= found
    row = Row(kind="did", **fields, **_times_typed(wanted, happened=happened))
    try:
        again = did(row, words)
    except BadInput:
        return None
    return row if again[next(iter(again))] == _plain(wanted) and ("$did" in again) == happened else None


def _plain(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is so anyway."""
    usual = {"count": {"$gte": 1}, "where": {}, "first": False}
    if "sum" in wanted:  # who counts, too, means it
        del usual["count"]
    return {name: value for name, value in wanted.items() if name not in usual or value != usual[name]}


def _event_typed(wanted: Mapping[str, Any], _: Words) -> dict[str, str] | None:
    event = wanted.get("event")
    return {"event": event} if isinstance(event, str) and event.strip() else None


def _window_typed(wanted: Mapping[str, Any], words: Words) -> dict[str, str] | None:
    if "since" in wanted:
        day = _since_typed(wanted["since"], words.zone)
        return None if day is None else {"since": day}
    number, unit = window_typed(wanted.get("within", ""))
    return {"number": number, "unit": unit} if unit else None


def _since_typed(since: Any, zone: str) -> str | None:
    try:
        moment = datetime.fromisoformat(since)
        return day_of((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * SECOND, zone)
    except (TypeError, ValueError, OverflowError):
        return None


def _where_typed(wanted: Mapping[str, Any], _: Words) -> dict[str, str] | None:
    where = wanted.get("where", {})
    if not isinstance(where, Mapping) or len(where) > 2:
        return None
    fields: dict[str, str] = {}
    for (name, value), place in zip(where.items(), ("", "2"), strict=False):
        some = value.get("$in") if isinstance(value, Mapping) else [value]
        equals = some[0] if isinstance(some, list) and some else None
        if not isinstance(equals, str):
            return None
        fields |= {f"where{place}": name, f"equals{place}": equals}
    return fields


def _sum_typed(wanted: Mapping[str, Any], _: Words) -> dict[str, str] | None:
    if "sum" not in wanted:
        return {}
    told = wanted["sum"]
    if not isinstance(told, Mapping) or len(told) != 2 or not isinstance(told.get("of"), str):
        return None
    operator = next(name for name in told if name != "of")
    total = typed(told[operator])
    return None if total is None else {"of": told["of"], "sum": operator, "total": total}


def _times_typed(wanted: Mapping[str, Any], *, happened: bool) -> dict[str, str]:
    """How often: at least, at most, 0 for never, or for the first time."""
    if not happened:
        return {"times": "0"}
    if wanted.get("first"):
        return {"operator": FIRST}
    count = wanted.get("count")
    if not isinstance(count, Mapping) or len(count) != 1:
        return {}
    operator, times = next(iter(count.items()))
    return {"operator": operator, "times": str(times)} if type(times) is int else {}


def sequence(row: Row, words: Words) -> dict[str, Any]:
    """The condition that a row of steps means."""
    steps = [line.strip() for line in row.steps.splitlines() if line.strip()]
    if len(steps) < 2:
        raise BadInput("a sequence needs two events at least, one a line")
    wanted: dict[str, Any] = {"steps": [{"event": step} for step in steps]}
    if row.within:
        wanted["span"] = row.within
    if row.since:
        wanted["since"] = _since(row.since, words.zone)
    return {"$sequence": wanted}


def sequence_row(wanted: Any, words: Words) -> Row | None:
    """The row of a condition on steps; None when it says more than a row can."""
    if not isinstance(wanted, Mapping) or not set(wanted) <= {"steps", "span", "since"}:
        return None
    steps = wanted.get("steps", [])
    number, unit = window_typed(wanted.get("span", ""))
    since = _since_typed(wanted["since"], words.zone) if "since" in wanted else ""
    plain = isinstance(steps, list) and all(
        isinstance(step, Mapping) and set(step) == {"event"} and isinstance(step["event"], str)
        for step in steps
    )
    if not (unit and plain) or since is None:
        return None
    told = "\n".join(step["event"] for step in steps)
    return Row(kind="sequence", steps=told, number=number, unit=unit, since=since)


def window_typed(text: Any) -> tuple[str, str]:
    """Number and unit of a window; no unit when the form cannot say it."""
    if not text:
        return "", "d"
    if not isinstance(text, str):
        return "", ""
    return (text[:-1], text[-1]) if text[-1:] in UNITS and text[:-1].isdecimal() else ("", "")
