"""The profiles of everybody in a block at once: what `people.folded` makes of one person's facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from volano.domain.event import ORDER_COMPLETED, ORDER_REFUNDED
from volano.domain.profile import Profile
from volano.domain.view import View
from volano.maths.columns import Bools, Ints, Texts, changes, integers, texts_or_null
from volano.observe.people import assigned, latest

FACTS = View(
    tables=("events", "decisions"),
    columns=("id", "event", "source", "medium", "device", "revenue", "campaign", "round", "known_as"),
)


@dataclass(frozen=True, slots=True)
class Census:
    """The profiles of some blocks; censuses add up, as a block holds whole people."""

    profiles: tuple[Profile, ...] = field(default=())

    def __add__(self, other: Census) -> Census:
        return Census(self.profiles + other.profiles)


def census(block: pa.Table) -> Census:
    """The profiles of everybody in a block of the view FACTS, which lies by person and time."""
    found = {profile.person_id: profile for profile in _profiles(block)}
    for person, salt, by in _drawn(block):
        found[person] = assigned(found[person], salt, by)
    return Census(tuple(found.values()))


def _profiles(block: pa.Table) -> Iterator[Profile]:
    person, time = integers(block["person_id"]), integers(block["time"])
    event = texts_or_null(block, "event")
    start = np.flatnonzero(changes(person))
    if not len(start):
        return
    told = event.codes >= 0  # a decision has no event
    ordered, refunded = event.among([ORDER_COMPLETED]), event.among([ORDER_REFUNDED])
    money = np.where(ordered | refunded, integers(block["revenue"]), 0)
    counted = _counted(ordered | refunded, integers(block["id"]), money, start)
    source, medium, device = (texts_or_null(block, name) for name in ("source", "medium", "device"))
    came = _newest(source.codes >= 0, start)
    columns = zip(
        person[start].tolist(),
        _first(told, time, start).tolist(),
        np.maximum.reduceat(np.where(told, time, 0), start).tolist(),
        np.add.reduceat(ordered.astype(np.int64), start).tolist(),
        np.add.reduceat(money, start).tolist(),
        np.maximum.reduceat(np.where(ordered, time, 0), start).tolist(),
        _words(source, came),
        _words(medium, came),
        _words(device, _newest(device.codes >= 0, start)),
        strict=True,
    )
    for at, (who, first, last, orders, revenue, last_order, said, how, on) in enumerate(columns):
        yield Profile(
            person_id=who,
            first_seen=first,
            last_seen=last,
            orders=orders,
            revenue=revenue,
            last_order=last_order,
            source=said,
            medium=how,
            device=on,
            counted=counted.get(at, {}),
        )


def _first(told: Bools, time: Ints, start: Ints) -> Ints:
    """The first time of each person's events; 0 for who has none."""
    never = np.iinfo(np.int64).max
    first = np.minimum.reduceat(np.where(told, time, never), start)
    return np.where(first == never, 0, first)


def _newest(there: Bools, start: Ints) -> Ints:
    """The last row of each person that is `there`; −1 without one."""
    return np.maximum.reduceat(np.where(there, np.arange(len(there)), -1), start)


def _words(column: Texts, rows: Ints) -> list[str]:
    """The texts at those rows, "" for row −1 and for null."""
    values = ["", *column.values.to_pylist()]
    codes = np.where(rows >= 0, column.codes[rows], -1)
    return [values[code + 1] for code in codes.tolist()]


def _counted(counts: Bools, ids: Ints, money: Ints, start: Ints) -> dict[int, dict[int, int]]:
    """By the place of each person: the newest orders and refunds by row id."""
    rows = np.flatnonzero(counts)
    places = np.searchsorted(start, rows, side="right") - 1
    found: dict[int, dict[int, int]] = {}
    for place, row, amount in zip(places.tolist(), ids[rows].tolist(), money[rows].tolist(), strict=True):
        found.setdefault(place, {})[row] = amount
    return {place: latest(each) for place, each in found.items()}


def _drawn(block: pa.Table) -> Iterator[tuple[int, str, str]]:
    """Person, salt and the id that was hashed, of every decision."""
    chosen = block.filter(pa.array(texts_or_null(block, "table").among(["decisions"])))
    columns = (chosen[name].to_pylist() for name in ("person_id", "campaign", "round", "known_as"))
    for person, campaign, round_, known in zip(*columns, strict=True):
        yield person, f"{campaign}.{round_}", known[2:]
