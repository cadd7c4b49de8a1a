"""Rows on what is known of people: a fact that is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from volano.errors import BadInput
from volano.web.console.row import OPERATORS, Row, Words, begin, day_of, number_of, typed


def trait(row: Row, words: Words) -> dict[str, Any]:
    """The condition that a row on a fact means."""
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
        return begin(row.value, f"the day of {row.field}", words.zone)
    if kind == "money":
        return round(number_of(row.value, f"the value of {row.field}") * words.unit)
    return number_of(row.value, f"the value of {row.field}") if kind == "number" else row.value


def trait_row(name: str, wanted: Any, words: Words) -> Row | None:
    """The row of a condition on a fact; None when it says more than a row can."""
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
    told = _typed(value, kind, words)
    return None if told is None else Row(kind="trait", field=name, operator=operator, value=told)


def _typed(value: Any, kind: str, words: Words) -> str | None:
    """A value as one would type it; None when the form has no way to."""
    if kind == "flag":
        return ("yes" if value else "no") if isinstance(value, bool) else None
    if kind == "list":
        value = value[0] if isinstance(value, list) and len(value) == 1 else None
    if kind in ("text", "list"):
        return value if isinstance(value, str) and value and value == value.strip() else None
    if kind == "time":
        moment = not isinstance(value, bool) and isinstance(value, int | float)
        return day_of(value, words.zone) if moment else None
    return typed(value, words.unit if kind == "money" else 1)
