"""A rule as rows of a form, and back: so that nobody has to write JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from volano.errors import BadInput

MOST = 30  # rows of one form
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

OPERATORS: dict[str, tuple[tuple[str, str], ...]] = {
    "number": (("$gte", "at least"), ("$lte", "at most"), ("$eq", "exactly"), ("$ne", "not")),
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
class Row:
    """One condition as a marketer fills it in; all values as typed."""

    kind: Literal["trait", "did", "sequence"]
    field: str = ""
    operator: str = "$gte"
    value: str = ""
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


def rule_of(rows: Iterable[Row], types: Mapping[str, str], *, any_of: bool = False) -> dict[str, Any]:
    """The rule that the rows mean; BadInput names the row that is not complete.

    >>> rule_of([Row(kind="trait", field="orders", value="4")], {"orders": "number"})
    {'$and': [{'orders': {'$gte': 4}}]}
    """
    parts = [_PARTS[row.kind](row, types) for row in rows]
    if not parts:
        return {}
    return {"$or" if any_of else "$and": parts}


def rows_of(rule: Mapping[str, Any]) -> tuple[list[Row], bool] | None:
    """The rows of a rule and whether any of them is enough; None when it is more than a form can say."""
    if not rule:
        return [], False
    joint = next(iter(rule))
    if len(rule) == 1 and joint in ("$and", "$or") and isinstance(rule[joint], list):
        parts, any_of = rule[joint], joint == "$or"
    else:
        parts, any_of = [{name: wanted} for name, wanted in rule.items()], False
    rows = [_row(part) for part in parts]
    known = [row for row in rows if row is not None]
    return (known, any_of) if len(known) == len(rows) <= MOST else None


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


def _trait(row: Row, types: Mapping[str, str]) -> dict[str, Any]:
    kind = types.get(row.field)
    if kind is None:
        raise BadInput(f"there is no trait {row.field!r}: choose one of the list")
    if row.operator == "$exists":
        return {row.field: {"$exists": True}}
    value = _value(row, kind)
    if row.operator not in dict(OPERATORS[kind]):
        raise BadInput(f"{row.field} cannot be compared by {row.operator}")
    wanted = [value] if row.operator in ("$in", "$nin") else value
    return {row.field: {row.operator: wanted}}


def _value(row: Row, kind: str) -> Any:
    if kind in ("number", "time"):
        return _number(row.value, f"the value of {row.field}")
    if kind == "flag":
        return row.value != "no"
    if not row.value:
        raise BadInput(f"{row.field} is compared with nothing: fill in a value")
    return row.value


def _number(text: str, what: str) -> int | float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise BadInput(f"{what} is {text[:40]!r}; it must be a number") from None
    return int(number) if number.is_integer() else number


def _did(row: Row, _: Mapping[str, str]) -> dict[str, Any]:
    if not row.event:
        raise BadInput("a condition on what people did has no event: choose one")
    wanted: dict[str, Any] = {"event": row.event}
    times = _number(row.times or "1", "how often")
    if row.within:
        wanted["within"] = row.within
    if row.where:
        wanted["where"] = {row.where: row.equals}
    if times <= 0:
        return {"$didNot": wanted}
    if times > 1:
        wanted["count"] = {"$gte": times}
    return {"$did": wanted}


def _sequence(row: Row, _: Mapping[str, str]) -> dict[str, Any]:
    steps = [line.strip() for line in row.steps.splitlines() if line.strip()]
    if len(steps) < 2:
        raise BadInput("a sequence needs two events at least, one a line")
    wanted: dict[str, Any] = {"steps": [{"event": step} for step in steps]}
    if row.within:
        wanted["span"] = row.within
    return {"$sequence": wanted}


_PARTS = {"trait": _trait, "did": _did, "sequence": _sequence}


def _row(part: Any) -> Row | None:
    if not isinstance(part, Mapping) or len(part) != 1:
        return None
    name, wanted = next(iter(part.items()))
    if name in ("$did", "$didNot"):
        return _did_row(wanted, did=name == "$did")
    if name == "$sequence":
        return _sequence_row(wanted)
    return None if name.startswith("$") else _trait_row(name, wanted)


def _trait_row(name: str, wanted: Any) -> Row | None:
    operator, value = "$eq", wanted
    if isinstance(wanted, Mapping):
        if len(wanted) != 1:
            return None
        operator, value = next(iter(wanted.items()))
    if operator in ("$in", "$nin") and isinstance(value, list) and len(value) == 1:
        value = value[0]
    known = {each for pairs in OPERATORS.values() for each, _ in pairs}
    simple = isinstance(value, str | int | float | bool) and operator in known
    return Row(kind="trait", field=name, operator=operator, value=_typed(value)) if simple else None


def _typed(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _did_row(wanted: Any, *, did: bool) -> Row | None:
    if not isinstance(wanted, Mapping) or not set(wanted) <= {"event", "count", "within", "where"}:
        return None
    count, where = wanted.get("count", {"$gte": 1}), wanted.get("where", {})
    number, unit = _window(wanted.get("within", ""))
    plain = len(where) <= 1 and all(isinstance(value, str) for value in where.values())
    if not (isinstance(count, Mapping) and list(count) == ["$gte"] and plain and unit):
        return None
    prop, equals = next(iter(where.items()), ("", ""))
    times = str(count["$gte"]) if did else "0"
    return Row(
        kind="did",
        event=str(wanted.get("event", "")),
        times=times,
        number=number,
        unit=unit,
        where=prop,
        equals=equals,
    )


def _sequence_row(wanted: Any) -> Row | None:
    if not isinstance(wanted, Mapping) or not set(wanted) <= {"steps", "span"}:
        return None
    steps = wanted.get("steps", [])
    number, unit = _window(wanted.get("span", ""))
    plain = all(isinstance(step, Mapping) and set(step) == {"event"} for step in steps)
    if not (unit and plain and all(isinstance(step["event"], str) for step in steps)):
        return None
    return Row(kind="sequence", steps="\n".join(step["event"] for step in steps), number=number, unit=unit)


def _window(text: str) -> tuple[str, str]:
    """Number and unit of a window; no unit when the form cannot say it."""
    if not text:
        return "", "d"
    return (text[:-1], text[-1]) if text[-1:] in _UNITS and text[:-1].isdecimal() else ("", "")


UNITS = tuple(_UNITS.items())
