"""The counter of caps: kept beside the drain, and made anew from the decisions that the lake has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from volano.act.caps import COLUMNS, visits_of
from volano.domain.campaign import Campaign
from volano.domain.durations import DAY
from volano.domain.view import View
from volano.flow.house import House
from volano.ports import CapCounter, Journal, Lake

Record = tuple[str, int, tuple[int, ...]]


class Capped(House, Protocol):
    """A house that counts how often people were given campaigns."""

    @property
    def caps(self) -> CapCounter: ...
    def journals(self) -> Sequence[Journal]: ...


class Capping:
    """Makes what was counted durable after each drain, and fills a counter that is missing.

    While it is missing no campaign that has a cap is given. So all decisions that count are in the lake once
    it has taken what the journals held when that was noticed.
    """

    def __init__(self, house: Capped) -> None:
        self._house = house
        self._filled = False
        self._ends: Mapping[str, int] | None = None

    def __call__(self, moved: int, *, now: int) -> None:
        """To be called after each round of drains, with how many frames they moved."""
        house = self._house
        if moved:
            house.caps.sync()
        if self._filled:
            return
        if house.caps.missing:
            if self._ends is None:
                self._ends = {journal.name: journal.end for journal in house.journals()}
            if any(house.lake.offset(name) < end for name, end in self._ends.items()):
                return
            fill(house, now=now)
        self._filled = True


def fill(house: Capped, *, now: int) -> None:
    """Fills the counter with what people were given of the campaigns that have a cap, within their days."""
    capped = [one for one in house.state.find(Campaign) if one.cap is not None]
    house.caps.fill(_records(house.lake, capped, now))


def _records(lake: Lake, capped: Sequence[Campaign], now: int) -> Iterator[Record]:
    days = [one.cap.days for one in capped if one.cap is not None]
    if not days:
        return
    view = View(
        tables=("decisions",),
        columns=COLUMNS,
        since=now - max(days) * DAY,
        only=(("campaign", tuple(one.key for one in capped)),),
    )
    given = lake.tally(view, visits_of)
    if given is None:
        return
    salts = {(one.key, one.round): one.salt for one in capped}
    rows = given.rows
    columns = [rows[name].to_pylist() for name in (*COLUMNS, "person_id")]
    moments = rows["time"].cast("int64").to_pylist()
    told = zip(*columns, moments, strict=True)
    for (key, number, person), some in groupby(told, key=lambda row: row[:3]):
        if (key, number) in salts:
            yield salts[key, number], person, tuple(row[3] for row in some)
