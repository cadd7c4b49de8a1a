"""A test on one value as a function, for what is not worth straight-line code."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from volano.rules.nodes import At, Chain, Compare, Did, Element, Every, Not, Size, Some, Test
from volano.rules.pattern import matcher
from volano.rules.version import version

Check = Callable[[Any], bool]

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
OTHER, NUMBER, TEXT, LIST, BOOLEAN, NULL, OBJECT = range(7)
_SCALARS = frozenset((NUMBER, TEXT, BOOLEAN, NULL))
_NAMES = {NUMBER: "number", TEXT: "string", LIST: "array", BOOLEAN: "boolean", NULL: "null", OBJECT: "object"}
NEGATIONS = {"ne": "eq", "nin": "in", "nini": "ini", "vne": "veq"}


class Kinds(dict[type, int]):
    """The JSON type of a value by its Python type; learns types as they come."""

    def __missing__(self, key: type) -> int:
        self[key] = found = _kind(key)
        return found


def _kind(of: type) -> int:
    if of is type(None):
        return NULL
    for found, types in ((BOOLEAN, bool), (NUMBER, (int, float)), (TEXT, str), (LIST, (list, tuple))):
        if issubclass(of, types):
            return found
    return OBJECT if issubclass(of, Mapping) else OTHER


KINDS = Kinds()


def check(test: Test) -> Check:  # noqa: PLR0911  one arm for each kind of node
    """The function of a tree on a value, or on an object with fields."""
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
        case Element(part):
            return _element(check(part))
        case Size(part):
            return _size(check(part))
        case Compare(name, constant) if name in NEGATIONS:
            positive = check(Compare(NEGATIONS[name], constant))
            return lambda value: not positive(value)
        case Compare(name, constant):
            return _COMPARISONS[name](name, constant)
        case Did() | Chain():
            raise AssertionError(f"{test} asks for the past of a value")  # the parser makes no such trees


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
    return KINDS[type(value)] == KINDS[type(constant)] and bool(value == constant)


def found_at(facts: Any, field: str, path: list[str]) -> Any:
    """What stands in a dotted field: as it stands, else step by step; None where nothing does."""
    if isinstance(facts, Mapping) and field in facts:
        return facts[field]
    for name in path:
        facts = facts.get(name) if isinstance(facts, Mapping) else None
    return facts


def _every(parts: list[Check]) -> Check:
    return lambda value: all(part(value) for part in parts)


def _some(parts: list[Check]) -> Check:
    return lambda value: any(part(value) for part in parts)


def _at(field: str, test: Check) -> Check:
    path = field.split(".")
    if len(path) > 1:
        return lambda facts: test(found_at(facts, field, path))
    return lambda facts: test(facts.get(field) if isinstance(facts, Mapping) else None)


def _element(inner: Check) -> Check:
    return lambda value: isinstance(value, list | tuple) and any(map(inner, value))


def _size(inner: Check) -> Check:
    return lambda value: isinstance(value, list | tuple) and inner(len(value))


def _equal(_: str, constant: Any) -> Check:
    return lambda value: same(value, constant)


def _ordered(name: str, constant: Any) -> Check:
    compare, wanted = ORDER[name], KINDS[type(constant)]
    return lambda value: KINDS[type(value)] == wanted and compare(value, constant)


def _within(_: str, constants: tuple[Any, ...]) -> Check:
    """The value, or a member of it if it is a list, is one of the constants."""
    known = _scalars(constants)

    def one(value: Any) -> bool:
        kind = KINDS[type(value)]
        return kind in _SCALARS and (kind, value) in known

    return lambda value: any(map(one, value)) if isinstance(value, list | tuple) else one(value)


def _holding(_: str, constants: tuple[Any, ...]) -> Check:
    """All constants are members of the value: one look at each, for who asks may send a long list."""
    known = _scalars(constants)
    return lambda value: isinstance(value, list | tuple) and known <= _scalars(value)


def _scalars(values: Iterable[Any]) -> frozenset[tuple[int, Any]]:
    """Those of the values that are no lists or objects, told apart by type as `same` does."""
    return frozenset((kind, each) for each in values if (kind := KINDS[type(each)]) in _SCALARS)


def _folded(name: str, constants: tuple[Any, ...]) -> Check:
    """`$ini`, `$alli`: the same without regard to case; the constants are lower case already."""
    inner = _COMPARISONS[name[:-1]](name, constants)
    return lambda value: inner(
        [_lower(each) for each in value] if isinstance(value, list | tuple) else _lower(value)
    )


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _existing(_: str, wanted: bool) -> Check:
    return lambda value: (value is not None) == wanted


def _typed(_: str, wanted: str) -> Check:
    return lambda value: _NAMES.get(KINDS[type(value)]) == wanted


def _textual(name: str, wanted: str) -> Check:
    match name:
        case "prefix":
            return lambda value: isinstance(value, str) and value.startswith(wanted)
        case "suffix":
            return lambda value: isinstance(value, str) and value.endswith(wanted)
    return lambda value: isinstance(value, str) and wanted in value


def _matching(name: str, pattern: str) -> Check:
    holds = matcher(pattern, ignoring_case=name == "regexi")
    return lambda value: isinstance(value, str) and holds(value)


def _versioned(name: str, constant: str) -> Check:
    compare, wanted = {**ORDER, "eq": operator.eq}[name[1:]], version(constant)
    return lambda value: isinstance(value, str) and compare(version(value), wanted)


_COMPARISONS: dict[str, Callable[[str, Any], Check]] = {
    "eq": _equal,
    **dict.fromkeys(ORDER, _ordered),
    "in": _within,
    "all": _holding,
    **dict.fromkeys(("ini", "alli"), _folded),
    "exists": _existing,
    "type": _typed,
    **dict.fromkeys(("prefix", "suffix", "contains"), _textual),
    **dict.fromkeys(("regex", "regexi"), _matching),
    **dict.fromkeys(("veq", "vgt", "vgte", "vlt", "vlte"), _versioned),
}
