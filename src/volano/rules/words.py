"""A rule in plain words, for lists and for saying why somebody is in a segment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from volano.rules.history import MILLIONTHS
from volano.rules.nodes import (
    At,
    Chain,
    Compare,
    Condition,
    Did,
    Element,
    Every,
    Not,
    Size,
    Some,
    Test,
    Window,
)
from volano.rules.tree import parse

EVERYONE = "everyone"
_SAID = {
    "gt": "more than {}",
    "gte": "at least {}",
    "lt": "less than {}",
    "lte": "at most {}",
    "in": "{}",
    "ini": "{} (in any case)",
    "nin": "not {}",
    "nini": "not {} (in any case)",
    "all": "with all of {}",
    "alli": "with all of {} (in any case)",
    "type": "a {}",
    "prefix": "beginning with {}",
    "suffix": "ending with {}",
    "contains": "containing {}",
    "regex": "matching {}",
    "regexi": "matching {} (in any case)",
    "veq": "version {}",
    "vne": "not version {}",
    "vgt": "after version {}",
    "vgte": "version {} or later",
    "vlt": "before version {}",
    "vlte": "version {} or earlier",
}
_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def sentence(rule: Any) -> str:
    """The rule as a person would say it; BadRule if it is not in the language.

    >>> viewed = {"event": "Product Viewed", "count": {"$gte": 3}, "within": "7d"}
    >>> sentence({"orders": {"$gte": 4}, "$did": viewed})
    'orders at least 4 and did "Product Viewed" at least 3 times within 7 days'
    >>> sentence({"$or": [{"source": {"$in": ["mail", "push"]}}, {"$didNot": {"event": "Order Completed"}}]})
    'source mail or push, or never did "Order Completed"'
    """
    return said(parse(rule, _ByName()))


class _ByName(dict[str, tuple[str, ...]]):
    """Saved lists that are told by their names."""

    def get(self, name: str, default: Any = ()) -> Any:
        """The list in words; what is no list but a segment's name, as it is."""
        return default or (f"in the list {name}",)


def said(test: Test) -> str:  # noqa: PLR0911  one arm for each kind of node
    """A tree in words."""
    match test:
        case Every(()):
            return EVERYONE
        case Every(parts):
            return " and ".join(_grouped(part, Some) for part in parts)
        case Some(parts):
            return ", or ".join(_grouped(part, Every) for part in parts)
        case Not(Did() as did):
            return _did(did, never=True)
        case Not(Every(())):
            return "nobody"
        case Not(part):
            return f"not ({said(part)})"
        case At(field, part):
            return _field(field.replace("_", " "), part)
        case Did():
            return _did(test)
        case Chain():
            return _chain(test)
    return _value(test)


def _grouped(part: Test, other: type) -> str:
    """A part within words that join otherwise stands in brackets."""
    return f"({said(part)})" if isinstance(part, other) and said(part) != EVERYONE else said(part)


def _field(name: str, test: Test) -> str:
    match test:
        case Compare("exists", wanted):
            return f"{name} known" if wanted else f"{name} unknown"
        case Compare("eq", None):
            return f"{name} unknown"
        case Compare("ne", None):
            return f"{name} known"
        case Every(parts):
            return f"{name} {' and '.join(map(_value, parts))}"
    return f"{name} {_value(test)}"


def _value(test: Test) -> str:  # noqa: PLR0911  one arm for each kind of node
    match test:
        case Compare("eq", constant):
            return _shown(constant)
        case Compare("ne", constant):
            return f"not {_shown(constant)}"
        case Compare("exists", wanted):
            return "known" if wanted else "unknown"
        case Compare(name, constant):
            return _SAID[name].format(_shown(constant))
        case Size(part):
            return f"with {_value(part)} entries"
        case Element(part):
            return f"with an entry {said(part)}"
        case Not(part):
            return f"not ({_value(part)})"
        case Every(parts):
            return " and ".join(map(_value, parts))
    return said(test)


def _shown(constant: Any) -> str:
    if isinstance(constant, tuple):
        *most, last = [_shown(each) for each in constant] or ["nothing"]
        return f"{', '.join(most)} or {last}" if most else last
    if isinstance(constant, str):
        return constant or '""'
    if isinstance(constant, float) and constant.is_integer():
        return f"{constant:.0f}"
    return msgspec.json.encode(constant).decode()


def _did(test: Did, *, never: bool = False) -> str:
    condition = test.condition
    verb = "did for the first time" if condition.first else "did"
    parts = [f"{'never ' if never and _plain(test) else ''}{verb} {_events(condition)}"]
    if test.count is not None and not _plain(test):
        parts.append(f"{_value(test.count)} times")
    if test.total is not None:
        parts.append(f"with {condition.of} of {_value(_major(test.total))} in all")
    told = " ".join([*parts, *_window(condition.window)])
    return f"not ({told})" if never and not _plain(test) else told


def _plain(test: Did) -> bool:
    """Whether it only asks if the person did it at all."""
    return test.total is None and test.count == Compare("gte", 1)


def _chain(test: Chain) -> str:
    steps = ", then ".join(_events(step) for step in test.steps)
    span = [] if test.span is None else [f"({_span(test.span)} from first to last)"]
    return " ".join([f"did {steps}", *span, *_window(test.steps[0].window)])


def _events(condition: Condition) -> str:
    named = " or ".join(f'"{event}"' for event in condition.events)
    where = parse(msgspec.json.decode(condition.where))
    return named if where == Every(()) else f"{named} (where {said(where)})"


def _window(window: Window) -> Sequence[str]:
    if window.within is not None:
        return [f"within {_span(window.within)}"]
    if window.since is not None:
        moment = datetime.fromtimestamp(window.since / MILLIONTHS, UTC)
        midnight = not window.since % (86_400 * MILLIONTHS)
        return [f"since {moment:%Y-%m-%d}" if midnight else f"since {moment:%Y-%m-%d %H:%M} UTC"]
    return []


def _span(span: int) -> str:
    """µs as the largest unit that divides them; 7 days stay days.

    >>> _span(7 * 86_400 * 1_000_000), _span(1_800_000_000), _span(14 * 86_400 * 1_000_000)
    ('7 days', '30 minutes', '2 weeks')
    """
    seconds = span // MILLIONTHS
    name, unit = next(
        (name, unit) for name, unit in _UNITS if not seconds % unit and (name, seconds) != ("week", 604_800)
    )
    number = seconds // unit
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _major(test: Test) -> Test:
    """A test on millionths as one on whole units."""
    match test:
        case Every(parts):
            return Every(tuple(map(_major, parts)))
        case Compare(name, constant):
            return Compare(name, constant / MILLIONTHS)
    return test
