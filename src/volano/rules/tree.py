"""The condition language: JSON read into a small tree of tests on a value.

The words are MongoDB's, the meaning is strict: a test on a value that is missing or of another type is
false; `$ne`, `$nin` and `$not` are plain negations. See docs/reference/rules.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from volano.errors import BadRule

MAX_DEPTH = 20
MAX_NODES = 500
MAX_CONSTANTS = 1_000  # in one list
EXACT = 2**53  # whole numbers beyond it are not exact in JSON

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Every:
    """All parts are true; true without parts."""

    parts: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part is true."""

    parts: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not true."""

    part: Test


@dataclass(frozen=True, slots=True)
class At:
    """The test holds for what stands in the field."""

    field: str
    test: Test


@dataclass(frozen=True, slots=True)
class Compare:
    """The value stands in that relation to a constant; `operator` is without its `$`."""

    operator: str
    constant: Any


@dataclass(frozen=True, slots=True)
class Element:
    """The value is a list and the test holds for one of its members."""

    test: Test


@dataclass(frozen=True, slots=True)
class Size:
    """The value is a list and the test holds for its length."""

    test: Test


Test = Every | Some | Not | At | Compare | Element | Size


def parse(rule: Any) -> Test:
    """The tree of a rule; BadRule names the thing that is not in the language.

    >>> parse({"orders": {"$gte": 2}})
    At(field='orders', test=Compare(operator='gte', constant=2))
    """
    return _Reader().condition(rule, 1)


def validate(rule: Any) -> None:
    """BadRule, in one sentence that names the thing, if the rule is not in the language."""
    parse(rule)


def fields(test: Test) -> frozenset[str]:
    """The names of the facts that a test looks at.

    >>> sorted(fields(parse({"a": 1, "$or": [{"b.c": 2}, {"a": 3}]})))
    ['a', 'b.c']
    """
    match test:
        case At(field, _):
            return frozenset({field})
        case Every(parts) | Some(parts):
            return frozenset().union(*map(fields, parts))
        case Not(part):
            return fields(part)
    return frozenset()


class _Reader:
    """Reads one rule and counts its nodes."""

    def __init__(self) -> None:
        self.nodes = 0

    def condition(self, rule: Any, depth: int) -> Test:
        """A mapping of fields and of `$and $or $nor $not`."""
        self._step(depth)
        parts: list[Test] = []
        for name, wanted in _mapping(rule, "a condition").items():
            if name in LOGIC:
                parts.append(self._logic(name, wanted, depth + 1))
            elif name.startswith("$"):
                raise BadRule(f"{name} is not a way to join conditions; use $and, $or, $nor or $not")
            elif not name:
                raise BadRule("a field has no name")
            else:
                parts.append(At(name, self.value(wanted, depth + 1)))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def value(self, wanted: Any, depth: int) -> Test:
        """A constant to be equal to, or a mapping of operators."""
        self._step(depth)
        if not _is_operators(wanted):
            return Compare("eq", constant("$eq", wanted))
        parts = [self._operator(name, each, depth + 1) for name, each in wanted.items()]
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _logic(self, name: str, wanted: Any, depth: int) -> Test:
        if name == "$not":
            return Not(self.condition(wanted, depth))
        parts = tuple(self.condition(each, depth) for each in _list(name, wanted))
        if name == "$and" or not parts:  # an empty $or asks for nothing, so it is true
            return Not(Every(())) if name == "$nor" else Every(parts)
        return Not(Some(parts)) if name == "$nor" else Some(parts)

    def _operator(self, name: str, wanted: Any, depth: int) -> Test:
        self._step(depth)
        if name == "$not":
            return Not(self.value(wanted, depth + 1))
        if name == "$elemMatch":
            inside = self.value if _is_operators(wanted) else self.condition
            return Element(inside(wanted, depth + 1))
        if name == "$size":
            return Size(self.value(wanted, depth + 1))
        if name == "$regex":
            raise BadRule("$regex is not in the language; use $prefix, $suffix or $contains")
        if name not in CONSTANTS:
            raise BadRule(f"{name} is not an operator; there are {', '.join(sorted(CONSTANTS))}")
        return Compare(name[1:], CONSTANTS[name](name, wanted))

    def _step(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise BadRule(f"the rule is nested deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise BadRule(f"the rule has more than {MAX_NODES} parts")


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise BadRule(f"{what} must be an object, not {_short(value)}")
    return value


def _is_operators(wanted: Any) -> bool:
    """Whether it is a mapping of operators; a mixture of operators and fields is refused."""
    if not isinstance(wanted, Mapping) or not wanted:
        return False
    marked = {str(name).startswith("$") for name in wanted}
    if len(marked) == 2:
        raise BadRule(f"{_short(wanted)} mixes operators and fields")
    return marked.pop()


def _list(name: str, wanted: Any) -> list[Any]:
    if not isinstance(wanted, list | tuple):
        raise BadRule(f"{name} needs a list, not {_short(wanted)}")
    if len(wanted) > MAX_CONSTANTS:
        raise BadRule(f"{name} has {len(wanted):,} members; {MAX_CONSTANTS:,} is the most")
    return list(wanted)


def constant(name: str, wanted: Any, depth: int = 1) -> Any:
    """A JSON value to compare with."""
    if depth > MAX_DEPTH:
        raise BadRule(f"the constant of {name} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(wanted, Mapping):
        inside = _mapping(wanted, "a constant")
        return {key: constant(name, each, depth + 1) for key, each in inside.items()}
    if isinstance(wanted, list | tuple):
        return [constant(name, each, depth + 1) for each in _list(name, wanted)]
    return _scalar(name, wanted)


def _scalar(name: str, wanted: Any) -> Scalar:
    if isinstance(wanted, bool) or wanted is None or isinstance(wanted, str):
        return wanted
    if not isinstance(wanted, int | float):
        raise BadRule(f"{name} cannot compare with {_short(wanted)}")
    if not isfinite(wanted) or abs(wanted) > EXACT:
        raise BadRule(f"{name} cannot compare with {_short(wanted)}: numbers must be within ±2^53")
    return wanted


def _scalars(name: str, wanted: Any) -> tuple[Scalar, ...]:
    return tuple(_scalar(name, each) for each in _list(name, wanted))


def _ordered(name: str, wanted: Any) -> Scalar:
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        raise BadRule(f"{name} needs a number or a text, not {_short(wanted)}")
    return _scalar(name, wanted)


def _text(name: str, wanted: Any) -> str:
    if not isinstance(wanted, str):
        raise BadRule(f"{name} needs a text, not {_short(wanted)}")
    return wanted


def _flag(name: str, wanted: Any) -> bool:
    if not isinstance(wanted, bool):
        raise BadRule(f"{name} needs true or false, not {_short(wanted)}")
    return wanted


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


LOGIC = frozenset({"$and", "$or", "$nor", "$not"})

CONSTANTS: dict[str, Callable[[str, Any], Any]] = {
    "$eq": constant,
    "$ne": constant,
    "$gt": _ordered,
    "$gte": _ordered,
    "$lt": _ordered,
    "$lte": _ordered,
    "$in": _scalars,
    "$nin": _scalars,
    "$all": _scalars,
    "$exists": _flag,
    "$prefix": _text,
    "$suffix": _text,
    "$contains": _text,
}
