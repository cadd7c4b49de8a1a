"""The condition language: JSON read into a small tree of tests.

The words are MongoDB's, the meaning is strict: a test on a value that is missing or of another type is
false; `$ne`, `$nin` and `$not` are plain negations. See docs/reference/rules.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from volano.errors import BadRule
from volano.rules import nodes
from volano.rules.constants import (
    CONSTANTS,
    MAX_DEPTH,
    Scalar,
    constant,
    mapping,
    members,
    scalar,
    short,
    text,
)
from volano.rules.history import read_chain, read_did
from volano.rules.nodes import At, Compare, Element, Every, Not, Size, Some, Test

MAX_NODES = 500
LOGIC = frozenset({"$and", "$or", "$nor", "$not"})
HISTORY = frozenset({"$did", "$didNot", "$sequence"})
SEGMENTS = "segments"  # the fact that holds the keys of the segments a person is in
_OLD_NAME = "$groups"  # GrowthBook's published cases have a field of that name

Groups = Mapping[str, Sequence[Scalar]]


def parse(rule: Any, groups: Groups | None = None) -> Test:
    """The tree of a rule; BadRule names the thing that is not in the language.

    `groups` are saved lists by name, for `$inGroup`; a list that is not there has no members.

    >>> parse({"orders": {"$gte": 2}})
    At(field='orders', test=Compare(operator='gte', constant=2))
    """
    return _Reader({} if groups is None else groups).condition(rule, 1)


def validate(rule: Any) -> None:
    """BadRule, in one sentence that names the thing, if the rule is not in the language."""
    parse(rule)


def fields(test: Test) -> frozenset[str]:
    """The names of the facts that a test looks at.

    >>> sorted(fields(parse({"a": 1, "$or": [{"b.c": 2}, {"a": 3}]})))
    ['a', 'b.c']
    """
    return nodes.fields(test)


class _Reader:
    """Reads one rule and counts its nodes; `past` tells whether what a person did may be asked here."""

    def __init__(self, groups: Groups, *, past: bool = True) -> None:
        self.groups = groups
        self.past = past
        self.nodes = 0

    def condition(self, rule: Any, depth: int) -> Test:
        """A mapping of fields, of `$and $or $nor $not` and of history."""
        self._step(depth)
        parts = [
            self._entry(name, wanted, depth + 1) for name, wanted in mapping(rule, "a condition").items()
        ]
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def value(self, wanted: Any, depth: int, field: str = "") -> Test:
        """A constant to be equal to, or a mapping of operators."""
        self._step(depth)
        if not _is_operators(wanted):
            return Compare("eq", constant("$eq", wanted))
        parts = [self._operator(name, each, depth + 1, field) for name, each in wanted.items()]
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _entry(self, name: str, wanted: Any, depth: int) -> Test:
        if name in LOGIC:
            return self._logic(name, wanted, depth)
        if name in HISTORY:
            return self._history(name, wanted, depth)
        if name.startswith("$") and name != _OLD_NAME:
            raise BadRule(
                f"{name} is not a way to join conditions; use $and, $or, $nor or $not, "
                "and $did, $didNot or $sequence for the past"
            )
        if not name:
            raise BadRule("a field has no name")
        return At(name, self.value(wanted, depth, name))

    def _logic(self, name: str, wanted: Any, depth: int) -> Test:
        if name == "$not":
            return Not(self.condition(wanted, depth))
        parts = tuple(self.condition(each, depth) for each in members(name, wanted))
        if name == "$and" or not parts:  # an empty $or asks for nothing, so it is true
            return Not(Every(())) if name == "$nor" else Every(parts)
        return Not(Some(parts)) if name == "$nor" else Some(parts)

    def _history(self, name: str, wanted: Any, depth: int) -> Test:
        self._step(depth)
        if not self.past:
            raise BadRule(f"{name} asks what a person did; it cannot stand inside $elemMatch or `where`")
        if name == "$sequence":
            return read_chain(wanted, lambda rule: self._where(rule, depth + 2))
        found = read_did(name, wanted, lambda rule: self._where(rule, depth + 1))
        return Not(found) if name == "$didNot" else found

    def _where(self, rule: Any, depth: int) -> str:
        """A rule on a row of events, as a JSON text that is the same however its keys are ordered."""
        past, self.past = self.past, False
        self.condition(rule, depth)
        self.past = past
        return msgspec.json.encode(rule, order="sorted").decode()

    def _operator(self, name: str, wanted: Any, depth: int, field: str) -> Test:
        self._step(depth)
        if name == "$not":
            return Not(self.value(wanted, depth + 1, field))
        if name == "$elemMatch":
            return Element(self._element(wanted, depth + 1))
        if name == "$size":
            return Size(self.value(wanted, depth + 1))
        if name in ("$inGroup", "$notInGroup"):
            return Compare("in" if name == "$inGroup" else "nin", self._group(name, wanted, field))
        if name not in CONSTANTS:
            there = sorted([*CONSTANTS, "$elemMatch", "$inGroup", "$not", "$notInGroup", "$size"])
            raise BadRule(f"{name} is not an operator; there are {', '.join(there)}")
        return Compare(name[1:], CONSTANTS[name](name, wanted))

    def _element(self, wanted: Any, depth: int) -> Test:
        """What a member of a list must pass; the past cannot be asked there."""
        past, self.past = self.past, False
        found = self.value(wanted, depth) if _is_operators(wanted) else self.condition(wanted, depth)
        self.past = past
        return found

    def _group(self, name: str, wanted: Any, field: str) -> tuple[Scalar, ...]:
        """The members of a saved list; of the fact `segments`, a segment's name stands for itself."""
        alone = (wanted,) if field == SEGMENTS else ()
        return tuple(scalar(name, each) for each in self.groups.get(text(name, wanted), alone))

    def _step(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise BadRule(f"the rule is nested deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise BadRule(f"the rule has more than {MAX_NODES} parts")


def _is_operators(wanted: Any) -> bool:
    """Whether an object holds operators; BadRule where it mixes them with other names."""
    if not isinstance(wanted, Mapping) or not wanted:
        return False
    named = [str(name).startswith("$") for name in wanted]
    if any(named) and not all(named):
        raise BadRule(f"{short(wanted)} mixes operators and fields; take one or the other")
    return all(named)
