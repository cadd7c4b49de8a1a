"""What a rule is once it is read: a small tree of tests on facts, on values and on what a person did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from volano.maths.hashing import hash63

FOREVER = -(2**62)  # UTC µs before everything


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when on occurrences count: `within` µs back from now, or `since` a moment (UTC µs), or ever.

    Something is within 7 days until exactly 7 days have passed. A window with both is the wider of the two.
    """

    within: int | None = None
    since: int | None = None

    def start(self, now: int) -> int:
        """The first moment that counts.

        >>> Window(within=10).start(100), Window(since=5).start(100), Window(within=10, since=5).start(100)
        (91, 5, 5)
        """
        bounds = [] if self.since is None else [self.since]
        if self.within is not None:
            bounds.append(now - self.within + 1)
        return min(bounds, default=FOREVER)

    def __or__(self, other: Window) -> Window:
        """The window in which something counts in either.

        >>> Window(within=10) | Window(within=30), Window(within=10) | Window()
        (Window(within=30, since=None), Window(within=None, since=None))
        """
        if Window() in (self, other):
            return Window()
        spans = [one.within for one in (self, other) if one.within is not None]
        starts = [one.since for one in (self, other) if one.since is not None]
        return Window(within=max(spans, default=None), since=min(starts, default=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Which rows of events a rule remembers of a person, and for how long.

    `where` is a rule on the row as JSON text, `of` the property whose amounts are added; of the `first`
    only the earliest one is remembered.
    """

    events: tuple[str, ...]
    where: str = "{}"
    of: str = ""
    first: bool = False
    window: Window = Window()

    @property
    def key(self) -> str:
        """The name under which its moments are kept; the same for every window.

        >>> Condition(events=("A",), first=True).key[0], Condition(events=("A",)).key[0]
        ('1', 'n')
        """
        told = "\x1f".join([*sorted(self.events), self.where, self.of])
        return f"{'1' if self.first else 'n'}{hash63(told):x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """How often the person did it, or for how much in all (millionths), passes the tests that are there."""

    condition: Condition
    count: Test | None = None
    total: Test | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The person did the steps one after the other, each at a later moment than the one before.

    All of them in the window of the conditions, and the last at most `span` µs after the first.
    """

    steps: tuple[Condition, ...]
    span: int | None = None


Test = Every | Some | Not | At | Compare | Element | Size | Did | Chain


def leaves(test: Test) -> list[At | Did | Chain]:
    """The tests that look at facts or at the past, from left to right."""
    match test:
        case Every(parts) | Some(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Not(part):
            return leaves(part)
        case At() | Did() | Chain():
            return [test]
    return []


def compares(test: Test) -> list[Compare]:
    """The comparisons with constants in a test on a value."""
    match test:
        case Every(parts) | Some(parts):
            return [found for part in parts for found in compares(part)]
        case Not(part) | Element(part) | Size(part):
            return compares(part)
        case Compare():
            return [test]
    return []


def fields(test: Test) -> frozenset[str]:
    """The names of the facts that a test looks at."""
    return frozenset(leaf.field for leaf in leaves(test) if isinstance(leaf, At))


def conditions(*tests: Test) -> tuple[Condition, ...]:
    """What must be remembered of people to answer the tests: each key once, with its widest window."""
    found: dict[str, Condition] = {}
    for test in tests:
        for leaf in leaves(test):
            for one in steps(leaf):
                known = found.get(one.key)
                found[one.key] = one if known is None else _wider(known, one)
    return tuple(found.values())


def steps(leaf: Test) -> tuple[Condition, ...]:
    """The conditions of one test on the past; none of others."""
    match leaf:
        case Did(condition=condition):
            return (condition,)
        case Chain(steps=found):
            return found
    return ()


def _wider(one: Condition, other: Condition) -> Condition:
    return Condition(
        events=one.events, where=one.where, of=one.of, first=one.first, window=one.window | other.window
    )
