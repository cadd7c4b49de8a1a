"""The part of the language that asks what a person did: `$did`, `$didNot`, `$sequence`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from volano.errors import BadRule
from volano.rules.constants import mapping, members, scalar, short, text
from volano.rules.nodes import Chain, Compare, Condition, Did, Every, Test, Window

Where = Callable[[Any], str]  # a rule on a row of events as its text; BadRule if it is none

REMEMBERED = 256  # the latest occurrences of each condition that are kept of a person
MILLIONTHS = 1_000_000
STEPS = 10  # at most, in one sequence
LARGEST = 10**10  # of an amount, in the shop's own unit
_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}  # seconds
_LAST_DAY = 84_000  # of `since`: about the year 2200
_LONGEST = 3_700 * 86_400  # seconds: about ten years
_TESTS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
_DID = ("event", "where", "count", "sum", "first", "within", "since")
_CHAIN = ("steps", "span", "within", "since")
_STEP = ("event", "where")


def read_did(name: str, wanted: Any, where: Where) -> Did:
    """`{"event": …, "where"?, "count"?, "sum"?, "first"?, "within"? | "since"?}`."""
    told = _known(name, wanted, _DID)
    first = told.get("first", False)
    if not isinstance(first, bool):
        raise BadRule(f"`first` of {name} needs true or false, not {short(first)}")
    if first and ("count" in told or "sum" in told):
        raise BadRule(f"{name} asks for the first time: take `count` and `sum` out")
    if first and "within" not in told and "since" not in told:
        raise BadRule(f"{name} asks for the first time: say `within` or `since` when it was")
    of, total = _total(name, told["sum"]) if "sum" in told else ("", None)
    asked = told.get("count", {"$gte": 1} if total is None else None)
    return Did(
        condition=Condition(
            events=_events(name, told),
            where=where(told.get("where", {})),
            of=of,
            first=first,
            window=_window(name, told),
        ),
        count=None if asked is None else _count(name, asked),
        total=total,
    )


def read_chain(wanted: Any, where: Where) -> Chain:
    """`{"steps": [{"event": …, "where"?}, …], "span"?, "within"? | "since"?}`."""
    told = _known("$sequence", wanted, _CHAIN)
    steps = [_known("a step of $sequence", each, _STEP) for each in members("`steps`", told.get("steps", []))]
    if not 2 <= len(steps) <= STEPS:
        raise BadRule(f"$sequence has {len(steps)} steps; it needs 2 to {STEPS}")
    window = _window("$sequence", told)
    return Chain(
        steps=tuple(
            Condition(events=_events("$sequence", one), where=where(one.get("where", {})), window=window)
            for one in steps
        ),
        span=duration("span", told["span"]) if "span" in told else None,
    )


def duration(name: str, wanted: Any) -> int:
    """`30m`, `12h`, `7d` or `4w` in microseconds.

    >>> duration("within", "7d") == 7 * 86_400 * 1_000_000
    True
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", wanted) if isinstance(wanted, str) else None
    if not found:
        raise BadRule(f"`{name}` is {short(wanted)}; write 30m, 12h, 7d or 4w")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST:
        raise BadRule(f"`{name}` is {wanted}; at most ten years are allowed")
    return seconds * MILLIONTHS


def _known(name: str, wanted: Any, keys: tuple[str, ...]) -> Mapping[str, Any]:
    told = mapping(wanted, f"what follows {name}")
    for key in told:
        if key not in keys:
            raise BadRule(f"{name} does not know `{key}`; there are {', '.join(keys)}")
    return told


def _events(name: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    wanted = told.get("event")
    names = wanted if isinstance(wanted, list | tuple) else [wanted]
    found = [each for each in names if isinstance(each, str) and each]
    if not found or len(found) != len(names) or len(found) > STEPS:
        raise BadRule(f"{name} needs `event`: a name, or a list of up to {STEPS} names")
    return tuple(dict.fromkeys(found))


def _window(name: str, told: Mapping[str, Any]) -> Window:
    if "within" in told and "since" in told:
        raise BadRule(f"{name} has both `within` and `since`; take one")
    if "within" in told:
        return Window(within=duration("within", told["within"]))
    return Window(since=_moment(told["since"])) if "since" in told else Window()


def _moment(wanted: Any) -> int:
    """A date or a moment (ISO 8601, UTC where no offset is said) in UTC µs."""
    try:
        found = datetime.fromisoformat(text("`since`", wanted))
        whole = (found if found.tzinfo else found.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadRule(f"`since` is {short(wanted)}; write a date such as 2026-01-31") from None
    if not 0 <= whole.days < _LAST_DAY:
        raise BadRule(f"`since` is {short(wanted)}; it must lie between 1970 and 2200")
    return (whole.days * 86_400 + whole.seconds) * MILLIONTHS + whole.microseconds


def _count(name: str, wanted: Any) -> Test:
    """A test on how often; beyond REMEMBERED nobody counts."""
    found = _tests(f"`count` of {name}", wanted if isinstance(wanted, Mapping) else {"$eq": wanted})
    for _, number in found:
        if not 0 <= number < REMEMBERED:
            raise BadRule(
                f"`count` of {name} is compared with {number:g}; 0 to {REMEMBERED - 1} can be counted"
            )
    return _every([Compare(operator, number) for operator, number in found])


def _total(name: str, wanted: Any) -> tuple[str, Test]:
    """The property that is added and a test on its sum, in millionths so that it is exact."""
    told = dict(mapping(wanted, f"`sum` of {name}"))
    of = told.pop("of", None)
    if not isinstance(of, str) or not of:
        raise BadRule(f"`sum` of {name} needs `of`: the property that is added, such as revenue")
    return of, _every(
        [Compare(operator, _exact(name, number)) for operator, number in _tests(f"`sum` of {name}", told)]
    )


def _exact(name: str, number: float) -> int:
    exact = Decimal(str(number)) * MILLIONTHS
    if exact != exact.to_integral_value() or abs(number) > LARGEST * REMEMBERED:
        raise BadRule(
            f"`sum` of {name} is compared with {number}; it may have six decimals and thirteen digits"
        )
    return int(exact)


def _tests(what: str, told: Any) -> list[tuple[str, float]]:
    """Operators without their `$`, and the numbers they compare with."""
    found = []
    for operator, wanted in mapping(told, what).items():
        if operator not in _TESTS:
            raise BadRule(f"{what} does not know `{operator}`; there are {', '.join(_TESTS)}")
        number = scalar(operator, wanted)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise BadRule(f"{operator} in {what} needs a number, not {short(wanted)}")
        found.append((operator[1:], number))
    if not found:
        raise BadRule(f'{what} compares with nothing; write for example {{"$gte": 3}}')
    return found


def _every(parts: list[Compare]) -> Test:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))
