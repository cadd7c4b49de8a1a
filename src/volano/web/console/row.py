"""A row of the form of a rule: one condition as it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from volano.domain.durations import DAY, SECOND
from volano.errors import BadInput

_YEAR_9999 = 253_370_764_800 * SECOND
FIRST = "first"  # how often: for the first time
UNITS: Mapping[str, str] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_NUMBERS = (
    ("$gte", "at least"),
    ("$lte", "at most"),
    ("$eq", "exactly"),
    ("$ne", "not"),
    ("$gt", "more than"),
    ("$lt", "less than"),
)
OPERATORS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "number": _NUMBERS,
    "money": _NUMBERS,
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
BOUNDS = _NUMBERS[:2]
TIMES = (*BOUNDS, (FIRST, "for the first time"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a form may ask for: each fact's kind; the currency's minor units and the time zone it is in."""

    kinds: Mapping[str, str]
    unit: int = 100
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition as a marketer fills it in; all values as typed."""

    kind: Literal["trait", "did", "sequence"]
    field: str = ""
    operator: str = ""  # of the fact, or of how often; empty: the first that fits
    value: str = ""  # money in whole units of the currency, a time as the day it begins by the shop's clock
    event: str = ""
    times: str = "1"
    number: str = ""  # of the window; empty: ever
    unit: str = "d"
    since: str = ""  # the day it begins, instead of a window
    where: str = ""  # a property
    equals: str = ""
    where2: str = ""  # another one
    equals2: str = ""
    of: str = ""  # the property that is added up
    sum: str = ""  # how its sum is compared; empty: the first that fits
    total: str = ""
    steps: str = ""  # one event a line

    @property
    def more(self) -> bool:
        """Whether it says something that few need."""
        return bool(self.since or self.where2 or self.of or self.total)

    @property
    def within(self) -> str:
        """The window as rules write it."""
        return f"{self.number}{self.unit}" if self.number else ""


def begin(text: str, what: str, zone: str) -> int:
    """When a day begins by the clock of a time zone, in UTC µs."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{what} is {text[:40]!r}; write it like 2026-03-31") from None
    return round(datetime.combine(day, time(), ZoneInfo(zone)).timestamp()) * SECOND


def day_of(at: float, zone: str) -> str | None:
    """The day that begins at a moment (UTC µs) by the clock of a time zone; None where none does."""
    if not -DAY <= at < _YEAR_9999:
        return None
    day = f"{datetime.fromtimestamp(at / SECOND, ZoneInfo(zone)):%Y-%m-%d}"
    return day if begin(day, "", zone) == at else None


def number_of(text: str, what: str) -> int | float:
    """The number that is typed; BadInput, naming what it is, if it is none."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = float("nan")
    if not -1e15 < number < 1e15:
        raise BadInput(f"{what} is {text[:40]!r}; it must be a number")
    return int(number) if number.is_integer() else number


def typed(value: Any, unit: int = 1) -> str | None:
    """A number as one would type it; None for what is none.

    >>> typed(1250, 100), typed(True)
    ('12.5', None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        return None
    return f"{value / unit if unit != 1 else value:.15g}"
