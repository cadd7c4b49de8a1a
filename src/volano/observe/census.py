"""The facts of everybody, kept as columns, and how they follow the people whose record changed.

There is a large table of everybody and a small one of those who changed since; a row of the small one
counts instead of that of the large one. A row holds until `until`; who is no more has a row without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.maths.columns import Ints, integers
from volano.observe.traits import KEPT, kept
from volano.observe.traits.rfm import USUAL
from volano.observe.traits.table import PERSON, UNTIL

VERSION = 2  # of what the columns mean: to be raised when a fact is worked out in another way
LATE_SHARE = 8  # the small table may have this part of the rows of the large one
LATE_ROOM = 20_000  # or so many rows


def stamp(bounds: RfmBounds = USUAL) -> str:
    """What kept rows depend on beside the people: rows of another stamp are worthless."""
    told = f"{VERSION} {bounds} {KEPT.to_string()}"
    return blake2b(told.encode(), digest_size=16).hexdigest()


def over(base: pa.Table, late: pa.Table, now: int) -> Ints:
    """Whose rows hold no more at `now` (UTC µs), ascending."""
    found = []
    gone = late[PERSON] if late.num_rows else None
    for table in (base, late):
        ended = table.filter(pc.less_equal(table[UNTIL], now)) if table.num_rows else table
        if table is base and gone is not None:
            ended = without(ended, integers(gone))
        found.append(integers(ended[PERSON]))
    return np.sort(np.concatenate(found))


def fresh(profiles: Iterable[tuple[int, Profile | None]], *, now: int, bounds: RfmBounds = USUAL) -> pa.Table:
    """Rows of the people as they are now; of those who are no more, a row that says so."""
    gone: list[int] = []

    def there() -> Iterator[Profile]:
        for person, one in profiles:
            if one is None:
                gone.append(person)
            else:
                yield one

    some = [*kept(there(), now=now, bounds=bounds)]
    left = [
        pa.array(gone, pa.int64()),
        *(pa.nulls(len(gone), field.type) for field in KEPT if field.name != PERSON),
    ]
    return pa.concat_tables([*some, pa.table(left, schema=KEPT)])


def latest(base: pa.Table, late: pa.Table, new: pa.Table) -> pa.Table:
    """One row for each person who is still there, of tables with the same columns; in no order."""
    parts = [new.select(base.column_names)]
    known = integers(new[PERSON])
    for table in (late, base):
        parts.append(without(table, known))
        known = np.concatenate([known, integers(table[PERSON])])
    whole = pa.concat_tables([part.cast(base.schema) for part in parts])
    return whole.filter(pc.is_valid(whole[UNTIL]))


def without(rows: pa.Table, people: Ints) -> pa.Table:
    """The rows of other people."""
    if not len(people) or not rows.num_rows:
        return rows
    return rows.filter(pc.invert(pc.is_in(rows[PERSON], value_set=pa.array(people))))


def merged(base: Iterable[pa.Table], late: pa.Table) -> Iterator[pa.Table]:
    """The large table, part by part, with what is late put into it."""
    known = integers(late[PERSON])
    for part in base:
        yield without(part, known)
    yield late.filter(pc.is_valid(late[UNTIL]))


def needed(late: pa.Table, base: pa.Table) -> pa.Table:
    """The rows of the small table without those of people who are no more and never were in the large one."""
    there = pc.is_in(late[PERSON], value_set=base[PERSON].combine_chunks())
    return late.filter(pc.or_(pc.is_valid(late[UNTIL]), there))


def most_changed(base: int) -> int:
    """How many may have changed before it is cheaper, and takes less memory, to look at everybody again."""
    return max(LATE_ROOM, base // 4)


def crowded(base: int, late: int) -> bool:
    """Whether the small table is to be put into the large one."""
    return late > max(LATE_ROOM, base // LATE_SHARE)
