"""Days and weeks as a shop's clock has them, as moments in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def day_edges(since: int, until: int, zone: str) -> tuple[int, ...]:
    """`since`, every midnight of the zone between the two, and `until` (UTC µs): n + 1 edges of n days.

    The first and the last day may be cut; a day on which the clocks change has 23 or 25 hours.

    >>> hour = 3_600_000_000
    >>> [edge // hour for edge in day_edges(0, 50 * hour, "Europe/Berlin")]
    [0, 23, 47, 50]
    """
    return _edges(since, until, zone, date(1970, 1, 1), 1)


def week_edges(since: int, until: int, zone: str, week_start: int) -> tuple[int, ...]:
    """The same of weeks that start on `week_start` (0: Monday).

    >>> day = 24 * 3_600_000_000  # 1970 began on a Thursday
    >>> [edge / day for edge in week_edges(0, 20 * day, "UTC", 0)]
    [0.0, 4.0, 11.0, 18.0, 20.0]
    """
    monday = date(1970, 1, 5)
    return _edges(since, until, zone, monday + timedelta(days=week_start), 7)


def _edges(since: int, until: int, zone: str, first: date, days: int) -> tuple[int, ...]:
    """`first` is any day on which a stretch of `days` days begins."""
    clock = ZoneInfo(zone)
    day = (_EPOCH + since * _MICRO).astimezone(clock).date()
    day -= timedelta(days=(day - first).days % days)
    found = [since]
    while True:
        day += timedelta(days=days)
        moment = (datetime.combine(day, time(), clock).astimezone(UTC) - _EPOCH) // _MICRO
        if moment >= until:
            return (*found, until)
        if moment > since:
            found.append(moment)
