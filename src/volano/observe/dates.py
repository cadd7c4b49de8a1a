"""Texts as instants: ISO 8601, compact, local and epoch forms, as UTC microseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.durations import DAY
from volano.observe.columns import each

DayOrder = Literal["dmy", "mdy"]

FIRST = DAY  # 1970-01-02: what is earlier is a default that somebody forgot
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 700_000 * DAY
_MICRO = timedelta(microseconds=1)
_YEAR_LAST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T, ]+(.+))?")
_YEAR_FIRST = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?:[T, ]+(.+))?")
_CLOCK = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AaPp])?(?:\.?[Mm]\.?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_ZONE = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")
_UTC = re.compile(r"\s*(?:UTC|GMT)$")
_DIGITS = re.compile(r"(\d+)(\.\d+)?")
_UNITS = {9: 1e6, 10: 1e6, 11: 1e6, 12: 1e3, 13: 1e3, 15: 1, 16: 1, 18: 1e-3, 19: 1e-3}  # digits → µs


def day_orders(texts: Iterable[str]) -> set[str]:
    """What the dates of a column say of their order: any of `dmy`, `mdy` and `either`.

    Dates with dots are day first. Dates that do not end in the year say nothing.

    >>> sorted(day_orders(["13/01/2020", "02/03/2020", "2020-01-13"]))
    ['dmy', 'either']
    """
    found = set()
    for text in texts:
        match = _YEAR_LAST.fullmatch(text)
        if match and match[2] != ".":
            first, second = int(match[1]), int(match[3])
            found.add("either" if first <= 12 and second <= 12 else "dmy" if first > 12 else "mdy")
    return found


def instant(text: str, zone: tzinfo, order: DayOrder | None = None) -> int:
    """UTC microseconds; a time without an offset is one in `zone`. ValueError if it is no time.

    >>> instant("19970101", UTC) == instant("852076800", UTC) == instant("01.01.1997", UTC)
    True
    >>> instant("2019-11-01 18:59:13.273932+01:00", UTC)
    1572631153273932
    """
    if digits := _DIGITS.fullmatch(text):
        length = len(digits[1])
        if length in _UNITS and not (length == 12 and text[:2] in ("19", "20")):
            return _since_epoch(digits, _UNITS[length])
    try:
        found = _date(text, order)
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        return (aware - _EPOCH) // _MICRO
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:60]!r} is not a date or time") from error


def _since_epoch(digits: re.Match[str], unit: float) -> int:
    whole = int(digits[1])
    scaled = whole * int(unit) if unit >= 1 else whole // 1000
    return scaled + int(float(digits[2] or 0) * unit)


def _date(text: str, order: DayOrder | None) -> datetime:
    plain = _UTC.sub("Z", _ZONE.sub("", text))
    if plain.isdecimal() and len(plain) > 8:
        plain = f"{plain[:8]}T{plain[8:]}"
    if match := _YEAR_LAST.fullmatch(plain):
        first, second = (match[3], match[1]) if order == "mdy" and match[2] != "." else (match[1], match[3])
        return _joined(match[4], second, first, match[5])
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        match = _YEAR_FIRST.fullmatch(plain)
        if match is None:
            raise
        return _joined(match[1], match[2], match[3], match[4])


def _joined(year: str, month: str, day: str, clock: str | None) -> datetime:
    date = f"{year}-{int(month):02}-{int(day):02}"
    if clock is None:
        return datetime.fromisoformat(date)
    match = _CLOCK.fullmatch(clock.strip())
    if match is None:
        raise ValueError(clock)
    hour = int(match[1])
    if match[5]:
        hour = hour % 12 + 12 * (match[5] in "Pp")
    seconds = f"{match[3] or '00'}.{match[4] or '0'}"
    return datetime.fromisoformat(f"{date}T{hour:02}:{match[2]}:{seconds}{match[6] or ''}")


def instants(column: pa.Array, zone: tzinfo, order: DayOrder | None, until: int) -> tuple[pa.Array, pa.Array]:
    """`instant` of every text as int64, and why not where it is none, before 1970-01-02 or after `until`."""
    try:
        naive = pc.cast(column, pa.timestamp("us")).cast(pa.int64())
        local = pc.fill_null(naive, 0).to_numpy()
        values = pa.array(in_utc(local, zone), mask=np.asarray(naive.is_null()))
        whys = pa.nulls(len(column), pa.string())
    except pa.ArrowInvalid:  # not plain ISO 8601 throughout
        values, whys = each(column, lambda text: instant(text, zone, order), pa.int64())
    early = pc.if_else(
        pc.less(values, FIRST), "the time lies before 1970-01-02", pa.scalar(None, pa.string())
    )
    late = pc.if_else(pc.greater(values, until), "the time lies in the future", pa.scalar(None, pa.string()))
    return values, pc.coalesce(whys, early, late)


def in_utc(naive: Any, zone: tzinfo) -> Any:
    """Local microseconds as UTC ones: by day where the offset holds all day, else one by one."""
    if zone is UTC or not len(naive):
        return naive
    sane = np.clip(naive, -_FAR, _FAR)  # beyond, datetime ends; such rows are refused by their age
    days, place = np.unique(sane // DAY, return_inverse=True)
    starts = np.array([_offset(int(day) * DAY, zone) for day in days])
    ends = np.array([_offset((int(day) + 1) * DAY, zone) for day in days])
    shift = starts[place]
    for index in np.flatnonzero((starts != ends)[place]):
        shift[index] = _offset(int(sane[index]), zone)
    return naive - shift


def _offset(naive: int, zone: tzinfo) -> int:
    local = (_EPOCH + timedelta(microseconds=naive)).replace(tzinfo=zone)
    return (local.utcoffset() or timedelta()) // _MICRO
