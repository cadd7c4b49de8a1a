"""Traits: what is known of people, tallied from blocks of rows, added, and told as facts.

A group of traits is one file with a `Trait` and one line in TRAITS. The profile of a set of rows is the sum
of the profiles of its parts, however it is split and in whatever order they come; so the live update and
the making anew from the lake are one function.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat, starmap
from typing import Any

import pyarrow as pa

from volano.domain.profile import Profile
from volano.domain.rfm import RfmBounds
from volano.domain.view import View
from volano.observe.traits.bills import BILLS
from volano.observe.traits.buying import BUYING
from volano.observe.traits.cart import CART
from volano.observe.traits.draws import DRAWS
from volano.observe.traits.gear import GEAR
from volano.observe.traits.given import GIVEN
from volano.observe.traits.given import TRAITS as GIVEN_TRAITS
from volano.observe.traits.held import HELD
from volano.observe.traits.history import History
from volano.observe.traits.hours import HOURS
from volano.observe.traits.lately import LATELY
from volano.observe.traits.lately import turns as lately_turns
from volano.observe.traits.notices import NOTICES
from volano.observe.traits.notices import turns as notice_turns
from volano.observe.traits.phones import PHONES
from volano.observe.traits.phones import turns as phone_turns
from volano.observe.traits.rfm import RFM, USUAL
from volano.observe.traits.rfm import facts as rfm_facts
from volano.observe.traits.rfm import turns as rfm_turns
from volano.observe.traits.rhythm import RHYTHM
from volano.observe.traits.seen import SEEN
from volano.observe.traits.table import NEVER, asked_of, kept_of, kept_schema, told_of
from volano.observe.traits.taste import TASTE
from volano.observe.traits.touch import TOUCH
from volano.observe.traits.trait import Field, Trait
from volano.observe.traits.visits import VISITS
from volano.rules.change import Timed

TRAITS: tuple[Trait, ...] = (
    SEEN,
    VISITS,
    LATELY,
    HOURS,
    BUYING,
    RHYTHM,
    BILLS,
    RFM,
    TASTE,
    TOUCH,
    GEAR,
    CART,
    NOTICES,
    GIVEN,
    PHONES,
    DRAWS,
    HELD,
)
FIELDS: Mapping[str, Field] = {
    name: replace(field, group=trait.name) for trait in TRAITS for name, field in trait.fields.items()
}
TIMED: Mapping[str, Timed] = {name: field.timed for name, field in FIELDS.items() if field.timed is not None}
COLUMNS: tuple[str, ...] = tuple(
    sorted({*(name for trait in TRAITS for name in trait.columns), "bot"} - {"table"})
)
VIEW = View(tables=("events", "decisions"), columns=COLUMNS)


_NOTHING = Profile(person_id=0)
_STRANGER = {name: getattr(_NOTHING, name) for name in Profile.__struct_fields__}


def tally(block: pa.Table, *, zone: str = "UTC", currency: str = "USD") -> list[Profile]:
    """The profiles of the rows of a block of VIEW, by ascending id; `zone` and `currency` are the shop's.

    Parts of histories will do: profiles of the same person are `joined`. Each row is to be in one part.
    """
    return list(each(block, zone=zone, currency=currency))


def each(block: pa.Table, *, zone: str, currency: str) -> Iterator[Profile]:
    """The same, made one by one."""
    history = History(block, zone, currency)
    columns: dict[str, Iterable[Any]] = {"person_id": history.people.tolist()}
    for trait in TRAITS:
        columns.update(trait.tally(history))
    every = (columns.get(name, repeat(value)) for name, value in _STRANGER.items())
    return starmap(Profile, zip(*every, strict=False))


def block_of(rows: Mapping[str, pa.Table]) -> pa.Table:
    """Rows by table, such as a lake has just added, as a block of VIEW."""
    tables = [
        rows[name].select(
            [each for each in ("person_id", "time", *COLUMNS) if each in rows[name].column_names]
        )
        for name in VIEW.tables
        if name in rows
    ]
    told = [
        table.append_column("table", pa.array([name] * table.num_rows, pa.string()))
        for name, table in zip((name for name in VIEW.tables if name in rows), tables, strict=True)
    ]
    return pa.concat_tables(told, promote_options="default") if told else _NOBODY


_NOBODY = pa.table({name: pa.array([], pa.int64()) for name in ("person_id", "time")})


def joined(one: Profile, other: Profile) -> Profile:
    """The profile of the rows of both, which share none; of the person of `one`."""
    columns: dict[str, Any] = {"person_id": one.person_id}
    for trait in TRAITS:
        columns.update(trait.joined(one, other))
    return Profile(**columns)


def facts(
    profile: Profile | None, *, now: int, bounds: RfmBounds = USUAL, of: Sequence[Trait] = TRAITS
) -> dict[str, Any]:
    """What rules may ask of a person at `now` (UTC µs), by the names of FIELDS, without what is missing.

    `of` only some groups, see `telling`.
    """
    found: dict[str, Any] = {}
    profile = _NOTHING if profile is None else profile
    for trait in of:
        if trait is RFM:
            rfm_facts(profile, now, found, bounds)
        else:
            trait.facts(profile, now, found)
    return found


def telling(names: Iterable[str]) -> tuple[Trait, ...]:
    """The groups that tell the facts of these names, and the moments since which they grow.

    >>> [trait.name for trait in telling(["days_since_order", "traits.plan", "nonsense"])]
    ['buying', 'given']
    """
    asked_for = {*names}
    asked_for |= {TIMED[name].anchor for name in asked_for if name in TIMED}
    groups = {FIELDS[name].group for name in asked_for if name in FIELDS}
    if any(name.startswith(GIVEN_TRAITS) for name in asked_for):
        groups.add(GIVEN.name)
    return tuple(trait for trait in TRAITS if trait.name in groups)


def turns(profile: Profile, *, now: int, bounds: RfmBounds = USUAL) -> int | None:
    """The next moment (UTC µs) at which time alone changes a fact that is not among TIMED; None for never."""
    found = (
        lately_turns(profile, now),
        notice_turns(profile, now),
        rfm_turns(profile, now, bounds),
        phone_turns(profile, now),
    )
    return min((at for at in found if at is not None), default=None)


def people(
    profiles: Iterable[Profile], *, now: int, bounds: RfmBounds = USUAL, names: Iterable[str] | None = None
) -> pa.Table:
    """The facts of many as columns, null where missing, with `person_id` first; texts as dictionaries.

    Only those of `names`, where they are told. Each given trait is a column `traits.<key>` of the kind of its
    values, or a dense union where they are of several kinds (`rules.block` looks at each).
    """
    some = [*kept(profiles, now=now, bounds=bounds)]
    return told(pa.concat_tables(some) if some else KEPT.empty_table(), names, now=now)


KEPT = kept_schema(FIELDS)


def kept(profiles: Iterable[Profile], *, now: int, bounds: RfmBounds = USUAL) -> Iterator[pa.Table]:
    """What can be kept of the facts of people (the columns KEPT), some thousand at a time.

    It holds until time alone changes it, which the column `until` tells: `told` makes facts of it.
    """
    each = (
        (one.person_id, facts(one, now=now, bounds=bounds), turns(one, now=now, bounds=bounds) or NEVER)
        for one in profiles
    )
    return kept_of(each, FIELDS)


def told(rows: pa.Table, names: Iterable[str] | None = None, *, now: int) -> pa.Table:
    """The facts at `now` (UTC µs), all or those of `names`, of people of whom rows of `kept` hold still."""
    return told_of(rows, FIELDS, names, now=now)


def asked(names: Iterable[str] | None) -> list[str]:
    """The columns of KEPT from which the facts of `names` are told; None: all."""
    return asked_of(names, FIELDS)
