"""The facts of everybody as columns: those of people who changed are worked out, all others are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from volano.domain.change import Counted
from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.flow.shop import PEOPLE, Lens
from volano.maths.columns import Ints
from volano.observe.census import crowded, fresh, latest, merged, most_changed, needed, over, stamp, without
from volano.observe.traits import KEPT, asked, kept, told
from volano.observe.traits.table import PERSON, UNTIL, given_types
from volano.ports import Census, Profiles

WORTH = 200  # people who changed are not worth writing down until they are so many

Progress = Callable[[int, int], None]


class Counting(Protocol):
    """A house of whose people one wants to know."""

    @property
    def profiles(self) -> Profiles: ...
    @property
    def census(self) -> Census: ...


def everybody(
    house: Counting,
    names: Iterable[str] | None = None,
    *,
    now: int,
    lens: Lens = PEOPLE,
    progress: Progress | None = None,
) -> pa.Table:
    """The facts of all people but staff at `now` (UTC µs), all or those of `names`; see `traits.people`.

    The first time, and after all profiles were made afresh, everybody's are worked out.
    """
    rows = _rows(house, asked(names), now, lens.shop.rfm, progress)
    return told(without(rows, np.array(lens.staff, np.int64)), names, now=now)


def given_kinds(house: Counting, *, now: int, lens: Lens = PEOPLE) -> dict[str, pa.DataType]:
    """The given traits that anybody has, by key, and the type of their columns."""
    return given_types(_rows(house, [PERSON, "given", UNTIL], now, lens.shop.rfm, None))


def left_out(house: Counting, people: Iterable[int]) -> None:
    """Takes people out of what is kept, and off the disk, at once."""
    census, gone = house.census, np.array(sorted(people), np.int64)
    with census.turn():
        seen = census.look("")
        if seen.base >= 0:
            _, late = census.read(KEPT.names)
            base = (without(part, gone) for part in census.parts())
            census.keep(replace(seen, mark=0), without(late, gone).cast(KEPT), base)


def _rows(
    house: Counting, columns: list[str], now: int, bounds: RfmBounds, progress: Progress | None
) -> pa.Table:
    census = house.census
    with census.turn():
        seen = census.look(stamp(bounds))
        if seen.base < 0 or len(seen.changed) > most_changed(seen.base):
            census.keep(seen, KEPT.empty_table(), _all(house.profiles, now, bounds, progress))
            seen = census.look(seen.stamp)
            if seen.base < 0:  # all were made afresh meanwhile
                return pa.concat_tables(
                    [KEPT.empty_table(), *_all(house.profiles, now, bounds, None)]
                ).select(columns)
        base, late = census.read(columns)
        anew = np.union1d(over(base, late, now), np.fromiter(seen.changed, np.int64))
        asked_now = ((one, house.profiles.get(Profile, one)) for one in anew.tolist())
        new = fresh(asked_now, now=now, bounds=bounds)
        rows = latest(base, late, new)
        if len(anew) >= WORTH:
            _keep(census, seen, anew, needed(new, base))
        return rows


def _keep(census: Census, seen: Counted, anew: Ints, new: pa.Table) -> None:
    """What was worked out now is not worked out again."""
    _, late = census.read(KEPT.names)
    small = pa.concat_tables([without(late, anew).cast(KEPT), new])
    if crowded(seen.base, small.num_rows):
        census.keep(seen, KEPT.empty_table(), merged(census.parts(), small))
    else:
        census.keep(seen, small)


def _all(profiles: Profiles, now: int, bounds: RfmBounds, progress: Progress | None) -> Iterator[pa.Table]:
    done = 0
    for part in kept((one for _, one in profiles.scan(Profile)), now=now, bounds=bounds):
        done += part.num_rows
        if progress is not None:
            progress(done, 0)
        yield part
