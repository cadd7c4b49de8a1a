"""A rule in plain words, for lists and for saying why somebody is in a segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from volano.domain.money import minor
from volano.domain.money import shown as money
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
    "since": "since {}",
    "after": "after {}",
    "before": "before {}",
    "until": "until {}",
}
_OF_TIMES = {"gte": "since", "gt": "after", "lt": "before", "lte": "until"}
_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """How facts read: what they are called, their kinds ("time": UTC µs, "money": minor units), the clock."""

    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    currency: str = "USD"


_BARE = Units()


def sentence(rule: Any, units: Units = _BARE) -> str:
    """The rule as a person would say it; BadRule if it is not in the language.

    >>> viewed = {"event": "Product Viewed", "count": {"$gte": 3}, "within": "7d"}
    >>> sentence({"orders": {"$gte": 4}, "$did": viewed})
    'orders at least 4 and did "Product Viewed" at least 3 times within 7 days'
    >>> sentence({"$or": [{"source": {"$in": ["mail", "push"]}}, {"$didNot": {"event": "Order Completed"}}]})
    'source mail or push, or never did "Order Completed"'
    >>> sentence({"revenue": {"$gte": 50000}}, Units(kinds={"revenue": "money"}, currency="EUR"))
    'revenue at least 500.00 EUR'
    >>> ordered = {"event": "Order Completed", "sum": {"of": "revenue", "$gte": 500}, "within": "30d"}
    >>> sentence({"$did": ordered}, Units(kinds={"revenue": "money"}, currency="EUR"))
    'did "Order Completed" with revenue of at least 500.00 EUR in all within 30 days'
    """
    return said(parse(rule, _ByName()), units)


class _ByName(dict[str, tuple[str, ...]]):
    """Saved lists that are told by their names."""

    def get(self, name: str, default: Any = ()) -> Any:
        """The list in words; what is no list but a segment's name, as it is."""
        return default or (f"in the list {name}",)


def said(test: Test, units: Units = _BARE) -> str:  # noqa: PLR0911  one arm for each kind of node
    """A tree in words."""
    match test:
        case Every(()):
            return EVERYONE
        case Every(parts):
            return " and ".join(_grouped(part, Some, units) for part in parts)
        case Some(parts):
            return ", or ".join(_grouped(part, Every, units) for part in parts)
        case Not(Did() as did):
            return _did(did, units, never=True)
        case Not(Every(())):
            return "nobody"
        case Not(part):
            return f"not ({said(part, units)})"
        case At(name, part):
            called = units.names.get(name) or name.replace("_", " ")
            return _field(called, _told(part, units.kinds.get(name, ""), units))
        case Did():
            return _did(test, units)
        case Chain():
            return _chain(test, units)
    return _value(test)


def _grouped(part: Test, other: type, units: Units) -> str:
    """A part within words that join otherwise stands in brackets."""
    told = said(part, units)
    return f"({told})" if isinstance(part, other) and told != EVERYONE else told


def _told(test: Test, kind: str, units: Units) -> Test:
    """The test on a fact, with times and money as people read them."""
    match test:
        case Every(parts):
            return Every(tuple(_told(part, kind, units) for part in parts))
        case Not(part):
            return Not(_told(part, kind, units))
        case Compare(name, constant) if kind == "time":
            return Compare(_OF_TIMES.get(name, name), _amount(constant, kind, units))
        case Compare(name, constant) if kind == "money":
            return Compare(name, _amount(constant, kind, units))
    return test


def _amount(constant: Any, kind: str, units: Units) -> Any:
    if isinstance(constant, tuple):
        return tuple(_amount(each, kind, units) for each in constant)
    if isinstance(constant, bool) or not isinstance(constant, int | float):
        return constant
    return money(constant, units.currency) if kind == "money" else _moment(constant, units.zone)


def _moment(at: float, zone: str) -> str:
    """A moment (UTC µs) by the clock of a time zone; a day where one begins.

    >>> _moment(1_700_000_000_000_000, "Europe/Berlin"), _moment(1_699_916_400_000_000, "Europe/Berlin")
    ('2023-11-14 23:13 CET', '2023-11-14')
    """
    moment = datetime.fromtimestamp(at / MILLIONTHS, ZoneInfo(zone))
    midnight = (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
    return f"{moment:%Y-%m-%d}" if midnight else f"{moment:%Y-%m-%d %H:%M %Z}"


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


def _did(test: Did, units: Units, *, never: bool = False) -> str:
    condition = test.condition
    verb = "did for the first time" if condition.first else "did"
    parts = [f"{'never ' if never and _plain(test) else ''}{verb} {_events(condition)}"]
    if test.count is not None and not _plain(test):
        parts.append(f"{_value(test.count)} times")
    if test.total is not None:
        parts.append(f"with {condition.of} of {_value(_sum(test.total, condition.of, units))} in all")
    told = " ".join([*parts, *_window(condition.window, units.zone)])
    return f"not ({told})" if never and not _plain(test) else told


def _plain(test: Did) -> bool:
    """Whether it only asks if the person did it at all."""
    return test.total is None and test.count == Compare("gte", 1)


def _chain(test: Chain, units: Units) -> str:
    steps = ", then ".join(_events(step) for step in test.steps)
    span = [] if test.span is None else [f"({_span(test.span)} from first to last)"]
    return " ".join([f"did {steps}", *span, *_window(test.steps[0].window, units.zone)])


def _events(condition: Condition) -> str:
    named = " or ".join(f'"{event}"' for event in condition.events)
    where = parse(msgspec.json.decode(condition.where))
    return named if where == Every(()) else f"{named} (where {said(where)})"


def _window(window: Window, zone: str) -> Sequence[str]:
    if window.within is not None:
        return [f"within {_span(window.within)}"]
    if window.since is not None:
        return [f"since {_moment(window.since, zone)}"]
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


def _sum(test: Test, of: str, units: Units) -> Test:
    """A test on millionths as people read it: as money, or in whole units."""
    match test:
        case Every(parts):
            return Every(tuple(_sum(part, of, units) for part in parts))
        case Compare(name, constant):
            whole = constant / MILLIONTHS
            paid = units.kinds.get(of) == "money"
            return Compare(name, money(minor(whole, units.currency), units.currency) if paid else whole)
    return test
