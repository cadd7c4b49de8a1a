"""A block of rows as columns by person, and the sums that many traits need."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import (
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_REFUNDED,
    ORDER_UPDATED,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
)
from volano.domain.money import LARGEST
from volano.maths.columns import Bools, Ints, Texts, changes, integers, texts_or_null

SECOND = 1_000_000  # µs
DAY = 86_400  # seconds
NEVER = np.iinfo(np.int64).max
PASSIVE = (  # what befalls a person
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    ORDER_REFUNDED,
    ORDER_UPDATED,
    ORDER_CANCELLED,
    "Push Notification Received",
    "Push Notification Bounced",
    "Email Delivered",
    "Email Bounced",
    "Application Uninstalled",
)
_HALF = 1_800  # seconds
_HALVES = DAY // _HALF
_DAYS = 1 << 16
_ROOM = 1 << 20  # numbers that may be counted in a table though most of them do not occur
_LAST = _DAYS * DAY - 1  # the last second of the last day that is a 16-bit number


class History:
    """The rows of some people, sorted by (person, time): whole histories or parts of them.

    Rows of bots are left out. `people` are the ids, `start` the first row of each, `owner` the place in
    `people` of each row; `zone` and `currency` are those of the shop.
    """

    def __init__(self, block: pa.Table, zone: str, currency: str) -> None:
        if "bot" in block.column_names and block["bot"].null_count < block.num_rows:
            block = block.filter(pc.is_null(block["bot"]))
        person, time = integers(block["person_id"]), integers(block["time"])
        if len(person) and not _sorted(person, time):
            order = np.lexsort((time, person))
            block, person, time = block.take(pa.array(order)), person[order], time[order]
        fresh = changes(person) if len(person) else np.zeros(0, np.bool_)
        self.block, self.zone, self.currency = block, zone, currency
        self.time: Ints = time
        self.start: Ints = np.flatnonzero(fresh)
        self.owner: Ints = np.cumsum(fresh) - 1
        self.people: Ints = person[self.start]
        self._texts: dict[str, Texts] = {}

    def __len__(self) -> int:
        """How many people."""
        return len(self.people)

    def texts(self, name: str) -> Texts:
        """A column of texts; all null where the block has none."""
        if name not in self._texts:
            self._texts[name] = texts_or_null(self.block, name)
        return self._texts[name]

    def numbers(self, name: str, null: int = 0) -> Ints:
        """A column of numbers; `null` where the block has none."""
        if name not in self.block.column_names or pa.types.is_null(self.block[name].type):
            return np.full(len(self.time), null, np.int64)
        return integers(self.block[name], null)

    def among(self, *events: str) -> Bools:
        """Which rows are of one of these events."""
        return self.texts("event").among(events)

    @cached_property
    def second(self) -> Ints:
        """UTC seconds of each row; clocks before 1970 or after 2149 count as those years."""
        found: Ints = np.clip(self.time // SECOND, 0, _LAST)
        return found

    @cached_property
    def day(self) -> Ints:
        """UTC days since 1970 of each row."""
        found: Ints = self.second // DAY
        return found

    @cached_property
    def active(self) -> Bools:
        """Which rows the person did; the others befell them, or are decisions of ours."""
        event = self.texts("event")
        return (event.codes >= 0) & ~event.among(PASSIVE)

    @cached_property
    def acts(self) -> Ints:
        """The rows the person did."""
        return np.flatnonzero(self.active)

    @cached_property
    def orders(self) -> Ints:
        """The rows of orders."""
        return np.flatnonzero(self.among(ORDER_COMPLETED))

    @cached_property
    def foreign(self) -> Bools:
        """Which rows tell money of another currency than the shop's."""
        currency = self.texts("currency")
        found: Bools = (currency.codes >= 0) & (currency.codes != currency.code(self.currency))
        return found

    @cached_property
    def money(self) -> Ints:
        """The revenue of each row, at most LARGEST.

        With that a person would need 9,000 orders of the largest price there is before the sum is more than
        64 bits hold; it would wrap, in a block and in profiles that are joined (`wrapped`) alike.
        """
        return np.clip(self.numbers("revenue"), -LARGEST, LARGEST)

    def sums(self, rows: Ints, values: Ints | None = None) -> Ints:
        """Per person: how many of these rows, or the sum of their `values`."""
        owner = self.owner[rows]
        if values is None:
            return np.bincount(owner, minlength=len(self))
        found = np.zeros(len(self), np.int64)
        heads = np.flatnonzero(changes(owner)) if len(owner) else owner
        if len(owner):
            found[owner[heads]] = np.add.reduceat(values, heads)
        return found

    def last(self, rows: Ints) -> Ints:
        """Per person the last of these rows, which lie person by person; −1 without one."""
        found = np.full(len(self), -1, np.int64)
        found[self.owner[rows]] = rows  # the last one stays
        return found

    def first(self, rows: Ints) -> Ints:
        """Per person the first of these rows, which lie person by person; −1 without one."""
        found = np.full(len(self), -1, np.int64)
        found[self.owner[rows[::-1]]] = rows[::-1]
        return found

    def ordered(self, rows: Ints, rank: Ints) -> Ints:
        """Ascending rows in an order that does not hang on how rows of one moment came: by their `rank`."""
        owner, time = self.owner[rows], self.time[rows]
        tied = (owner[1:] == owner[:-1]) & (time[1:] == time[:-1]) & (rank[1:] != rank[:-1])
        if not tied.any():
            return rows
        unsure = np.zeros(len(self), np.bool_)
        unsure[owner[1:][tied]] = True
        mixed = np.flatnonzero(unsure[owner])
        rows = rows.copy()
        rows[mixed] = rows[mixed][np.lexsort((rank[mixed], time[mixed], owner[mixed]))]
        return rows

    def moments(self, rows: Ints) -> Ints:
        """The times of the rows, 0 for row −1."""
        return np.where(rows >= 0, self.time[rows], 0) if len(self.time) else np.zeros(len(rows), np.int64)

    def since(self, rows: Ints) -> Ints:
        """The times of the rows, the smallest number for row −1."""
        return np.where(rows >= 0, self.time[rows], np.iinfo(np.int64).min)

    def local_seconds(self, rows: Ints, *, own: bool) -> Ints:
        """Seconds since 1970 on the clock of the shop, or of the person (`own`) where the row tells it."""
        seconds = self.second[rows]
        if not own:
            return seconds + offsets([self.zone], np.zeros(len(rows), np.int64), seconds)
        zone = self.texts("timezone")
        names = [self.zone, *(name if _known(name) else self.zone for name in zone.values.to_pylist())]
        return seconds + offsets(names, zone.codes[rows].astype(np.int64) + 1, seconds)


def offsets(zones: list[str], zone: Ints, seconds: Ints) -> Ints:
    """By how many seconds the clocks of a zone (its place in `zones`) are ahead of UTC at these UTC seconds.

    >>> offsets(["UTC", "Europe/Berlin"], np.array([1, 0]), np.array([0, 15_552_000])).tolist()
    [3600, 0]
    """
    if not len(seconds):
        return seconds
    known, place = coded(zone * _DAYS + seconds // DAY)
    begin, end = (
        np.array([_offset(zones[word // _DAYS], (word % _DAYS + more) * _HALVES) for word in known.tolist()])
        for more in (0, 1)
    )
    found: Ints = begin[place]
    turning = np.flatnonzero((begin != end)[place])  # on days when clocks are changed, each half hour
    halves = seconds[turning] // _HALF
    words = zip(zone[turning].tolist(), halves.tolist(), strict=True)
    found[turning] = [_offset(zones[each], half) for each, half in words]
    return found


@lru_cache(maxsize=1 << 17)
def _offset(zone: str, half: int) -> int:
    if zone == "UTC":
        return 0
    try:
        moment = datetime.fromtimestamp(half * _HALF, UTC).astimezone(ZoneInfo(zone))
    except (OverflowError, ValueError, OSError):  # a year that no calendar has
        return 0
    ahead = moment.utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds())


@lru_cache(maxsize=1024)
def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def ranks(values: Any) -> Ints:
    """The place of each text among all in their order, and −1 for code −1; the texts are distinct.

    >>> ranks(pa.array(["b", "a", "c"])).tolist()
    [1, 0, 2, -1]
    """
    found = np.full(len(values) + 1, -1, np.int64)
    found[pc.sort_indices(values).to_numpy()] = np.arange(len(values))
    return found


def distinct(words: Ints) -> Ints:
    """The distinct numbers, ascending.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ascending = np.sort(words, kind="stable")  # cheap where they come in some runs
    return ascending[changes(ascending)] if len(words) else ascending


def coded(words: Ints) -> tuple[Ints, Ints]:
    """The distinct numbers, ascending, and the place of each number among them.

    >>> [each.tolist() for each in coded(np.array([7, 3, 7]))]
    [[3, 7], [1, 0, 1]]
    """
    low = int(words.min()) if len(words) else 0
    if len(words) and int(words.max()) - low > 4 * len(words) + _ROOM:
        known, which = np.unique(words, return_inverse=True)
        return known, which
    there = np.bincount(words - low) > 0
    place = np.cumsum(there) - 1
    return np.flatnonzero(there) + low, place[words - low]


def slices(lists: list[Any], bounds: Ints) -> list[list[Any]]:
    """The stretches of a list between bounds.

    >>> slices([1, 2, 3], np.array([0, 2, 2, 3]))
    [[1, 2], [], [3]]
    """
    return [lists[low:high] for low, high in pairwise(bounds.tolist())]


def bounds(owner: Ints, people: int) -> Ints:
    """Where the rows of each person begin, and the end, in rows sorted by owner."""
    return np.searchsorted(owner, np.arange(people + 1))


def stretches(starts: Ints, lengths: Ints) -> Ints:
    """All numbers of the stretches that begin at `starts`, one stretch after the other.

    >>> stretches(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def _sorted(person: Ints, time: Ints) -> bool:
    later = (person[1:] == person[:-1]) & (time[1:] >= time[:-1])
    return bool((later | (person[1:] > person[:-1])).all())
