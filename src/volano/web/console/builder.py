"""A rule as rows of a form, and back: so that nobody has to write JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from volano.domain.durations import DAY, SECOND
from volano.errors import BadInput

MOST = 30  # rows of one form
_YEAR_9999 = 253_370_764_800 * SECOND
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_NUMBERS = (
    ("$gte", "at least"),
    ("$lte", "at most"),
    ("$eq", "exactly"),
    ("$ne", "not"),
    ("$gt", "more than"),
    ("$lt", "less than"),
)
OPERATORS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "number": _NUMBERS,
    "money": _NUMBERS,
    "text": (
        ("$eq", "is"),
        ("$ne", "is not"),
        ("$contains", "contains"),
        ("$prefix", "begins with"),
        ("$exists", "is known"),
    ),
    "list": (("$in", "holds"), ("$nin", "does not hold")),
    "flag": (("$eq", "is"),),
    "time": (("$gte", "since"), ("$lt", "before")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a form may ask for: each fact's kind; the currency's minor units and the time zone it is in."""

    kinds: Mapping[str, str]
    unit: int = 100
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition as a marketer fills it in; all values as typed."""

    kind: Literal["trait", "did", "sequence"]
    field: str = ""
    operator: str = ""  # empty: the first that fits
    value: str = ""  # money in whole units of the currency, a time as the day it begins by the shop's clock
    event: str = ""
    times: str = "1"
    number: str = ""  # of the window; empty: ever
    unit: str = "d"
    where: str = ""  # a property
    equals: str = ""
    steps: str = ""  # one event a line

    @property
    def within(self) -> str:
        """The window as rules write it."""
        return f"{self.number}{self.unit}" if self.number else ""


def rule_of(rows: Iterable[Row], words: Words, *, any_of: bool = False) -> dict[str, Any]:
    """The rule that the rows mean; BadInput names the row that is not complete.

    >>> rule_of([Row(kind="trait", field="orders", value="4")], Words(kinds={"orders": "number"}))
    {'$and': [{'orders': {'$gte': 4}}]}
    """
    parts = [_PARTS[row.kind](row, words) for row in rows]
    if not parts:
        return {}
    return {"$or" if any_of else "$and": parts}


def rows_of(rule: Mapping[str, Any], words: Words) -> tuple[list[Row], bool] | None:
    """The rows of a rule and whether any of them is enough; None when it is more than a form can say.

    >>> rows_of({"orders": {"$gte": 2, "$lt": 9}}, Words(kinds={"orders": "text"})) is None
    True
    """
    if not rule:
        return [], False
    joint = next(iter(rule))
    if len(rule) == 1 and joint in ("$and", "$or") and isinstance(rule[joint], list):
        parts, any_of = rule[joint], joint == "$or"
    else:
        parts, any_of = [{name: wanted} for name, wanted in rule.items()], False
    if not any_of:
        parts = [single for part in parts for single in _singles(part)]
    rows = [_row(part, words) for part in parts]
    known = [row for row in rows if row is not None]
    return (known, any_of) if len(known) == len(rows) <= MOST else None


def _singles(part: Any) -> list[Any]:
    """A part with several comparisons as one part for each."""
    if not isinstance(part, Mapping) or len(part) != 1:
        return [part]
    name, wanted = next(iter(part.items()))
    if name.startswith("$") or not isinstance(wanted, Mapping):
        return [part]
    return [{name: {operator: value}} for operator, value in wanted.items()] or [part]


def rows_sent(form: Mapping[str, str]) -> list[Row]:
    """The rows of a form whose fields are `<number>.<name>`, in order, without those taken away."""
    numbers = sorted(
        {int(name.partition(".")[0]) for name in form if name.partition(".")[0].isdecimal() and "." in name}
    )
    rows = []
    for number in numbers[:MOST]:
        said = {
            name: form[f"{number}.{name}"].strip()
            for name in Row.__slots__
            if name != "kind" and f"{number}.{name}" in form
        }
        kind = form.get(f"{number}.kind", "")
        if kind in _PARTS and f"{number}.drop" not in form:
            rows.append(Row(kind=kind, **said))  # type: ignore[arg-type]
    return rows


def _trait(row: Row, words: Words) -> dict[str, Any]:
    kind = words.kinds.get(row.field)
    if kind is None:
        raise BadInput(f"there is no trait {row.field!r}: choose one of the list")
    operator = row.operator or OPERATORS[kind][0][0]
    if operator not in dict(OPERATORS[kind]):
        raise BadInput(f"{row.field} cannot be compared like that: choose how once more")
    if operator == "$exists":
        return {row.field: {"$exists": True}}
    value = _value(row, kind, words)
    wanted = [value] if operator in ("$in", "$nin") else value
    return {row.field: {operator: wanted}}


def _value(row: Row, kind: str, words: Words) -> Any:
    if kind == "flag":
        return row.value != "no"
    if not row.value:
        raise BadInput(f"{row.field} is compared with nothing: fill in a value")
    if kind == "time":
        return _begin(row.value, f"the day of {row.field}", words.zone)
    if kind == "money":
        return round(_number(row.value, f"the value of {row.field}") * words.unit)
    return _number(row.value, f"the value of {row.field}") if kind == "number" else row.value


def _begin(text: str, what: str, zone: str) -> int:
    """When a day begins by the clock of a time zone, in UTC µs."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{what} is {text[:40]!r}; write it like 2026-03-31") from None
    return round(datetime.combine(day, time(), ZoneInfo(zone)).timestamp()) * SECOND


def _day(at: float, zone: str) -> str | None:
    """The day that begins at a moment (UTC µs) by the clock of a time zone; None where none does."""
    if not -DAY <= at < _YEAR_9999:
        return None
    day = f"{datetime.fromtimestamp(at / SECOND, ZoneInfo(zone)):%Y-%m-%d}"
    return day if _begin(day, "", zone) == at else None


def _number(text: str, what: str) -> int | float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not -1e15 < number < 1e15:
        raise BadInput(f"{what} is {text[:40]!r}; it must be a number")
    return int(number) if number.is_integer() else number


def _did(row: Row, _: Words) -> dict[str, Any]:
    if not row.event:
        raise BadInput("a condition on what people did has no event: choose one")
    wanted: dict[str, Any] = {"event": row.event}
    times = _number(row.times or "1", "how often")
    if row.within:
        wanted["within"] = row.within
    if row.where:
        wanted["where"] = {row.where: _either(row.equals)}
    if times <= 0:
        return {"$didNot": wanted}
    if times > 1:
        wanted["count"] = {"$gte": times}
    return {"$did": wanted}


def _sequence(row: Row, _: Words) -> dict[str, Any]:
    steps = [line.strip() for line in row.steps.splitlines() if line.strip()]
    if len(steps) < 2:
        raise BadInput("a sequence needs two events at least, one a line")
    wanted: dict[str, Any] = {"steps": [{"event": step} for step in steps]}
    if row.within:
        wanted["span"] = row.within
    return {"$sequence": wanted}


def _either(text: str) -> Any:
    """What looks like a number may have come as one, or as text.

    >>> _either("red"), _either("20")
    ('red', {'$in': ['20', 20]})
    """
    try:
        return {"$in": [text, _number(text, "")]}
    except BadInput:
        return text


_PARTS = {"trait": _trait, "did": _did, "sequence": _sequence}


def _row(part: Any, words: Words) -> Row | None:
    if not isinstance(part, Mapping) or len(part) != 1:
        return None
    name, wanted = next(iter(part.items()))
    if name in ("$did", "$didNot"):
        return _did_row(wanted, did=name == "$did")
    if name == "$sequence":
        return _sequence_row(wanted)
    return None if name.startswith("$") else _trait_row(name, wanted, words)


def _trait_row(name: str, wanted: Any, words: Words) -> Row | None:
    operator, value = "$eq", wanted
    if isinstance(wanted, Mapping):
        if len(wanted) != 1:
            return None
        operator, value = next(iter(wanted.items()))
    kind = words.kinds.get(name, "")
    if operator not in dict(OPERATORS.get(kind, ())):
        return None
    if operator == "$exists":
        return Row(kind="trait", field=name, operator=operator) if value is True else None
    typed = _typed(value, kind, words)
    return None if typed is None else Row(kind="trait", field=name, operator=operator, value=typed)


def _typed(value: Any, kind: str, words: Words) -> str | None:
    """A value as one would type it; None when the form has no way to."""
    if kind == "flag":
        return ("yes" if value else "no") if isinstance(value, bool) else None
    if kind == "list":
        value = value[0] if isinstance(value, list) and len(value) == 1 else None
    if kind in ("text", "list"):
        return value if isinstance(value, str) and value and value == value.strip() else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if kind == "time":
        return _day(value, words.zone)
    return f"{value / words.unit if kind == 'money' else value:.15g}" if -1e15 < value < 1e15 else None


def _did_row(wanted: Any, *, did: bool) -> Row | None:
    if not isinstance(wanted, Mapping) or not set(wanted) <= {"event", "count", "within", "where"}:
        return None
    number, unit = _window(wanted.get("within", ""))
    times, where = _times(wanted, did=did), _where(wanted.get("where", {}))
    event = wanted.get("event")
    if not unit or times is None or where is None or not isinstance(event, str) or not event.strip():
        return None
    return Row(
        kind="did", event=event, times=times, number=number, unit=unit, where=where[0], equals=where[1]
    )


def _times(wanted: Mapping[str, Any], *, did: bool) -> str | None:
    """How often at least, 0 for never."""
    if not did:
        return None if "count" in wanted else "0"
    count = wanted.get("count", {"$gte": 1})
    plain = isinstance(count, Mapping) and list(count) == ["$gte"] and type(count["$gte"]) is int
    return str(count["$gte"]) if plain and count["$gte"] > 0 else None


def _where(where: Any) -> tuple[str, str] | None:
    """The one property and its value, both empty for any."""
    if not isinstance(where, Mapping) or len(where) > 1:
        return None
    name, value = next(iter(where.items()), ("", ""))
    if isinstance(value, Mapping) and value.get("$in"):
        value = value["$in"][0] if isinstance(value["$in"], list) else None
        return (name, value) if isinstance(value, str) and _either(value) == where[name] else None
    return (name, value) if isinstance(value, str) and _either(value) == value else None


def _sequence_row(wanted: Any) -> Row | None:
    if not isinstance(wanted, Mapping) or not set(wanted) <= {"steps", "span"}:
        return None
    steps = wanted.get("steps", [])
    number, unit = _window(wanted.get("span", ""))
    plain = isinstance(steps, list) and all(
        isinstance(step, Mapping) and set(step) == {"event"} and isinstance(step["event"], str)
        for step in steps
    )
    if not (unit and plain):
        return None
    return Row(kind="sequence", steps="\n".join(step["event"] for step in steps), number=number, unit=unit)


def _window(text: Any) -> tuple[str, str]:
    """Number and unit of a window; no unit when the form cannot say it."""
    if not text:
        return "", "d"
    if not isinstance(text, str):
        return "", ""
    return (text[:-1], text[-1]) if text[-1:] in _UNITS and text[:-1].isdecimal() else ("", "")


UNITS = tuple(_UNITS.items())
