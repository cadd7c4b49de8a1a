"""Sessions and active days.

A session ends with 30 minutes (of whole ticks of two seconds) without an event; each further campaign that
is told in it (source, medium and name of the campaign) counts as one more. That can be said exactly,
whatever the order in which rows come, of the latest RECENT active days; each of the KEPT before them counts
as one session, and older ones are forgotten.

`Profile.visits` holds for each of the latest days, ascending: the day (in days after the one before, the
first one since 1970), its number of events, of pieces, and for each piece of uninterrupted activity its
first tick of the day, its length, how many campaigns were told in it, and their 16-bit hashes, ascending.
A tick is two seconds, so that all of it are 16-bit numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from volano.domain.profile import Profile
from volano.maths import shorts
from volano.maths.columns import Ints, Texts, changes
from volano.observe.traits.history import DAY, History, bounds, coded, distinct
from volano.observe.traits.trait import Columns, Field, Trait

TICK = 2  # seconds
TICKS = DAY // TICK  # of a day
GAP = 1_800 // TICK
RECENT = 32  # active days whose pieces are known
KEPT = 512  # active days before those


class Piece(NamedTuple):
    """Uninterrupted activity within a day, in ticks of the day, and the campaigns told in it."""

    start: int
    end: int
    campaigns: frozenset[int]


class Day(NamedTuple):
    """An active day."""

    day: int
    events: int
    pieces: tuple[Piece, ...]


def read(packed: bytes) -> list[Day]:
    """The days in `Profile.visits`.

    >>> read(shorts.packed([19_000, 3, 1, 60, 30, 1, 77]))
    [Day(day=19000, events=3, pieces=(Piece(start=60, end=90, campaigns=frozenset({77})),))]
    """
    days: list[Day] = []
    visits = shorts.read(packed)
    day = at = 0
    while at < len(visits):
        after, events, count = visits[at : at + 3]
        day, at = day + after, at + 3
        pieces = []
        for _ in range(count):
            start, length, told = visits[at : at + 3]
            at += 3 + told
            pieces.append(Piece(start, start + length, frozenset(visits[at - told : at])))
        days.append(Day(day, events, tuple(pieces)))
    return days


def written(days: list[Day]) -> bytes:
    """The days as `Profile.visits` holds them."""
    found: list[int] = []
    before = 0
    for day, events, pieces in days:
        found += (day - before, events, len(pieces))
        before = day
        for start, end, campaigns in pieces:
            found += (start, end - start, len(campaigns), *sorted(campaigns))
    return shorts.packed(found)


def sessions(days: list[Day]) -> int:
    """How many sessions these days have; one that lasts over midnight is one."""
    count, end, known = 0, -GAP - 1, frozenset[int]()
    for day, _, pieces in days:
        for start, last, campaigns in pieces:
            if day * TICKS + start - end > GAP:
                count, known = count + max(1, len(campaigns)), campaigns
            else:
                count += max(1, len(known | campaigns)) - max(1, len(known))
                known |= campaigns
            end = day * TICKS + last
    return count


def joined(one: Profile, other: Profile) -> dict[str, Any]:
    """All days of both, those that both have with their pieces grown together."""
    if not one.visits or not other.visits:
        whole = one if one.visits else other
        return {"visits": whole.visits, "sessions": whole.sessions, "days_before": whole.days_before}
    days = {day.day: day for day in read(one.visits)}
    for day in read(other.visits):
        known = days.get(day.day)
        days[day.day] = day if known is None else _grown(known, day)
    every = sorted(days)
    recent = [days[day] for day in every[-RECENT:]]
    older = {*every[:-RECENT], *shorts.read(one.days_before), *shorts.read(other.days_before)}
    before = sorted(older - set(every[-RECENT:]))[-KEPT:]
    return {
        "visits": written(recent),
        "sessions": sessions(recent) + len(before),
        "days_before": shorts.packed(before),
    }


def _grown(one: Day, other: Day) -> Day:
    pieces: list[Piece] = []
    for start, end, campaigns in sorted(one.pieces + other.pieces):
        if pieces and start - pieces[-1].end <= GAP:
            last = pieces.pop()
            pieces.append(Piece(last.start, max(last.end, end), last.campaigns | campaigns))
        else:
            pieces.append(Piece(start, end, campaigns))
    return Day(one.day, one.events + other.events, tuple(pieces))


def tally(history: History) -> Columns:
    """The days of everybody; each step goes over rows, then days, then pieces."""
    rows = history.acts
    people = len(history)
    if not len(rows):
        return {}
    owner, day = history.owner[rows], history.day[rows]
    new_day = changes(owner, day)
    heads = np.flatnonzero(new_day)
    edge = bounds(owner[heads], people)
    late = edge[1:][owner[heads]] - np.arange(len(heads)) <= RECENT
    before: list[bytes] = []
    if not late.all():
        before = _before(owner[heads], day[heads], late, people)
        kept = late[np.cumsum(new_day) - 1]
        rows, owner, day, new_day = rows[kept], owner[kept], day[kept], new_day[kept]
    flat, edges, count = _flat(history, rows, new_day)
    columns: dict[str, Any] = {"visits": shorts.split(flat, edges)}
    if before:
        columns["days_before"] = before
        count = count + np.array([len(shorts.read(days)) for days in before])
    return {**columns, "sessions": count.tolist()}


def _before(owner: Ints, day: Ints, late: Any, people: int) -> list[bytes]:
    early = np.flatnonzero(~late)
    edge = bounds(owner[early], people)
    early = early[edge[1:][owner[early]] - np.arange(len(early)) <= KEPT]
    return shorts.split(day[early], bounds(owner[early], people))


def _flat(history: History, rows: Ints, new_day: Any) -> tuple[Ints, Ints, Ints]:
    """The numbers of `visits` of everybody, where those of each person begin, and sessions per person."""
    owner, tick = history.owner[rows], history.second[rows] // TICK
    new_piece = new_day.copy()
    new_piece[1:] |= tick[1:] - tick[:-1] > GAP
    days, pieces = np.flatnonzero(new_day), np.flatnonzero(new_piece)
    last = np.append(pieces[1:], len(rows)) - 1
    of_piece, campaigns = _told(history, rows, np.cumsum(new_piece) - 1)
    piece_day = np.searchsorted(days, pieces, side="right") - 1
    first_piece = np.searchsorted(piece_day, np.arange(len(days)))
    told = np.bincount(of_piece, minlength=len(pieces))
    first_told = np.cumsum(told) - told
    number = np.arange(len(pieces))
    at_piece = 3 * (piece_day + 1) + 3 * number + first_told
    at_day = 3 * np.arange(len(days)) + 3 * first_piece + first_told[first_piece]
    at_told = 3 * (piece_day[of_piece] + 1) + 3 * (of_piece + 1) + np.arange(len(of_piece))
    flat = np.empty(3 * len(days) + 3 * len(pieces) + len(of_piece), np.int64)
    day = history.day[rows[days]]
    midnight = day[piece_day] * TICKS
    flat[at_day] = np.where(changes(owner[days]), day, day - np.append(0, day[:-1]))
    flat[at_day + 1] = np.diff(np.append(days, len(rows)))
    flat[at_day + 2] = np.diff(np.append(first_piece, len(pieces)))
    flat[at_piece] = tick[pieces] - midnight
    flat[at_piece + 1] = tick[last] - tick[pieces]
    flat[at_piece + 2] = told
    flat[at_told] = campaigns
    edge = bounds(owner[days], len(history))
    edges = np.append(at_day, len(flat))[edge]
    opens = changes(owner[pieces])
    opens[1:] |= tick[pieces[1:]] - tick[last[:-1]] > GAP
    return flat, edges, _sessions(owner[pieces], opens, of_piece, campaigns, len(history))


def _sessions(owner: Ints, opens: Any, of_piece: Ints, campaigns: Ints, people: int) -> Ints:
    """Per person the stretches of pieces that `opens` begins, and the further campaigns told in them."""
    stretch = np.cumsum(opens) - 1
    pairs = distinct(stretch[of_piece] << 16 | campaigns) >> 16
    count = np.maximum(np.bincount(pairs, minlength=int(opens.sum())), 1)
    return np.bincount(owner[opens], count, minlength=people).astype(np.int64)


def _told(history: History, rows: Ints, piece: Ints) -> tuple[Ints, Ints]:
    """The pieces in which campaigns are told, and the hash of each, sorted."""
    source, medium, name = (history.texts(each) for each in ("source", "medium", "utm_campaign"))
    told = np.flatnonzero(source.codes[rows] >= 0)
    if not len(told):
        return told, told
    at = rows[told]
    known, which = coded(_code(source, at) * (len(medium.values) + 1) + _code(medium, at))
    words, place = coded(which * (len(name.values) + 1) + _code(name, at))
    pair, campaign = np.divmod(words, len(name.values) + 1)
    columns = (*np.divmod(known[pair], len(medium.values) + 1), campaign)
    texts = [_texts(column, codes) for column, codes in zip((source, medium, name), columns, strict=True)]
    table = np.array([crc32("\x1f".join(each).encode()) & 0xFFFF for each in zip(*texts, strict=True)])
    pairs = distinct(piece[told] << 16 | table[place])
    return pairs >> 16, pairs & 0xFFFF


def _code(column: Texts, rows: Ints) -> Ints:
    """The codes of texts, 0 for null."""
    return column.codes[rows].astype(np.int64) + 1


def _texts(column: Texts, codes: Ints) -> list[str]:
    values = ["", *column.values.to_pylist()]
    return [values[code] for code in codes.tolist()]


def facts(profile: Profile, now: int, found: dict[str, Any]) -> None:
    """Sessions in all."""
    found["sessions"] = profile.sessions


VISITS = Trait(
    name="visits",
    columns=("event", "source", "medium", "utm_campaign"),
    tally=tally,
    joined=joined,
    facts=facts,
    fields={
        "sessions": Field(
            "Sessions", "number", "Stretches of activity; 30 idle minutes or a new campaign begin another."
        ),
    },
)
