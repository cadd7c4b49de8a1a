"""A rule as one function of one person's facts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from volano.rules.tree import At, Compare, Element, Every, Not, Size, Some, Test, parse

Check = Callable[[Any], bool]

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def compile_one(rule: Any) -> Callable[[Mapping[str, Any]], bool]:
    """The rule as a function; BadRule if it is not in the language.

    A dotted field is looked up as it stands first, then step by step in nested objects. Constants are
    bound, never made part of a program text.

    >>> ordered_twice = compile_one({"orders": {"$gte": 2}, "source": {"$prefix": "insta"}})
    >>> ordered_twice({"orders": 3, "source": "instagram / social"}), ordered_twice({"orders": "3"})
    (True, False)
    """
    return check(parse(rule))


def check(test: Test) -> Check:
    """The function of a tree."""
    match test:
        case Every(parts):
            return _every([check(part) for part in parts])
        case Some(parts):
            return _some([check(part) for part in parts])
        case Not(part):
            inner = check(part)
            return lambda value: not inner(value)
        case At(field, part):
            return _at(field, check(part))
        case Element(part) | Size(part):
            return _of_list(test, check(part))
        case Compare(name, constant):
            return _COMPARISONS[name](name, constant)


def same(value: Any, constant: Any) -> bool:
    """Equal in type and value, all the way down; whole and broken numbers are one type, true is not 1.

    >>> same(1, 1.0), same(True, 1), same([1, {"a": None}], [1, {"a": None}]), same("1", 1)
    (True, False, True, False)
    """
    if isinstance(constant, dict):
        return (
            isinstance(value, Mapping)
            and value.keys() == constant.keys()
            and all(same(value[name], each) for name, each in constant.items())
        )
    if isinstance(constant, list):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(constant)
            and all(map(same, value, constant))
        )
    return kind(value) == kind(constant) and bool(value == constant)


def kind(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _every(parts: list[Check]) -> Check:
    return lambda value: all(part(value) for part in parts)


def _some(parts: list[Check]) -> Check:
    return lambda value: any(part(value) for part in parts)


def _at(field: str, test: Check) -> Check:
    if "." not in field:
        return lambda facts: test(facts.get(field) if isinstance(facts, Mapping) else None)
    path = field.split(".")

    def nested(facts: Any) -> bool:
        if isinstance(facts, Mapping) and field in facts:
            return test(facts[field])
        for name in path:
            facts = facts.get(name) if isinstance(facts, Mapping) else None
        return test(facts)

    return nested


def _of_list(test: Test, inner: Check) -> Check:
    if isinstance(test, Size):
        return lambda value: isinstance(value, list | tuple) and inner(len(value))
    return lambda value: isinstance(value, list | tuple) and any(map(inner, value))


def _equal(_: str, constant: Any) -> Check:
    return lambda value: same(value, constant)


def _unequal(_: str, constant: Any) -> Check:
    return lambda value: not same(value, constant)


def _ordered(name: str, constant: Any) -> Check:
    compare, wanted = ORDER[name], kind(constant)
    return lambda value: kind(value) == wanted and compare(value, constant)


def _within(_: str, constants: tuple[Any, ...]) -> Check:
    """The value, or a member of it if it is a list, is one of the constants."""
    known = frozenset((kind(each), each) for each in constants)

    def scalar(value: Any) -> bool:
        what = kind(value)
        return what != "other" and (what, value) in known

    return lambda value: any(map(scalar, value)) if isinstance(value, list | tuple) else scalar(value)


def _without(name: str, constants: tuple[Any, ...]) -> Check:
    within = _within(name, constants)
    return lambda value: not within(value)


def _holding(_: str, constants: tuple[Any, ...]) -> Check:
    return lambda value: (
        isinstance(value, list | tuple)
        and all(any(same(member, each) for member in value) for each in constants)
    )


def _existing(_: str, wanted: bool) -> Check:
    return lambda value: (value is not None) == wanted


def _textual(name: str, wanted: str) -> Check:
    match name:
        case "prefix":
            return lambda value: isinstance(value, str) and value.startswith(wanted)
        case "suffix":
            return lambda value: isinstance(value, str) and value.endswith(wanted)
    return lambda value: isinstance(value, str) and wanted in value


_COMPARISONS: dict[str, Callable[[str, Any], Check]] = {
    "eq": _equal,
    "ne": _unequal,
    **dict.fromkeys(ORDER, _ordered),
    "in": _within,
    "nin": _without,
    "all": _holding,
    "exists": _existing,
    **dict.fromkeys(("prefix", "suffix", "contains"), _textual),
}
