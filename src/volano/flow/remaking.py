"""What is known of people, made anew from the lake: of some, or of everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as changed
from functools import partial

import pyarrow as pa
from msgspec.structs import replace

from volano.domain.change import Change, Key
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.segment import Due
from volano.domain.view import Offset, View
from volano.flow.knowledge import Knowledge
from volano.observe.addresses import addresses
from volano.observe.merges import MERGES, rebuilt
from volano.observe.moments import moments, view_of
from volano.observe.traits import VIEW, Roll, roll, tally
from volano.ports import Lake, Profiles

_CALLS = View(columns=("event", "identity", "properties"), only=(("event", ("Identified",)),))


def made_anew(
    lake: Lake, people: Mapping[int, Mapping[str, int]], by: Knowledge, *, now: int
) -> dict[int, Profile]:
    """The profiles of those people who have rows, with the segments (since) they were in."""
    some = tuple(people)
    found = {
        one.person_id: replace(one, segments=dict(people[one.person_id]))
        for one in tally(lake.read(changed(VIEW, people=some)), zone=by.zone)
    }
    conditions = [*by.ready.conditions.values()]
    if conditions:
        told = moments(lake.read(changed(view_of(conditions), people=some)), conditions, now=now)
        found = {person: replace(one, done=told.get(person, {})) for person, one in found.items()}
    return found


def renewed(lake: Lake, profiles: Profiles, journals: Sequence[str], by: Knowledge) -> int:
    """Makes all records anew that come from the lake; returns how many people there are.

    The store is then where the lake is for these journals.
    """
    first, *others = [Offset(journal, lake.offset(journal)) for journal in journals]  # before it is read
    identities, kins = rebuilt(lake.read(MERGES))
    found = lake.tally(VIEW, partial(roll, zone=by.zone)) or Roll()
    called = addresses(_plain(lake.read(_CALLS)), lambda _: None)
    puts: list[tuple[Key, object]] = [*identities.items(), *kins.items(), *called.items()]
    profiles.put(
        Change(
            puts=tuple(puts),  # type: ignore[arg-type]
            packed=found.parts,
            afresh=(Profile, Identity, Kin, Address, Due),
            upto=first,
        )
    )
    for upto in others:
        profiles.put(Change(upto=upto))
    return len(found)


def _plain(rows: pa.Table) -> pa.Table:
    """The rows with their texts as texts."""
    return rows.cast(
        pa.schema([(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in rows.schema])
    )
