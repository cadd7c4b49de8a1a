"""What is known of people, made anew from the lake: of some, or of everybody."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from functools import partial
from itertools import islice

import numpy as np
import pyarrow.compute as pc
from msgspec.structs import replace

from volano.domain.change import Change, Key
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.segment import Due
from volano.domain.view import Offset
from volano.flow.knowledge import Knowledge
from volano.flow.segments import AT_ONCE
from volano.observe.anew import Before, Roll, roll, view_of
from volano.observe.merges import MERGES, mended, merges_of, rebuilt
from volano.observe.moments import moments
from volano.observe.traits import tally
from volano.ports import Lake, Profiles

NOWHERE = -1  # a position of no journal


def made_anew(
    lake: Lake, people: Mapping[int, Mapping[str, int]], by: Knowledge, *, now: int
) -> dict[int, Profile]:
    """The profiles of those people who have rows, with the segments (since) they were in."""
    conditions = [*by.ready.conditions.values()]
    rows = lake.read(changed(view_of(conditions), people=tuple(people)))
    done = moments(rows, conditions, now=now) if conditions else {}
    return {
        one.person_id: replace(one, done=done.get(one.person_id, {}), segments=dict(people[one.person_id]))
        for one in tally(rows, zone=by.zone, currency=by.currency)
    }


def renewed(lake: Lake, profiles: Profiles, journals: Sequence[str], by: Knowledge, *, now: int) -> int:
    """Makes all records anew that come from the lake; returns how many people there are.

    Who was in a segment stays in it since then, nobody is told to have entered or left. To be called in a
    turn of `profiles`; the store is then where the lake is for these journals. Until it is, it says that
    it is nowhere: whoever finds it so, as the process died meanwhile, is to begin again.
    """
    with rarely_collected():
        return _renewed(lake, profiles, journals, by, now)


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Python looks for garbage in circles a hundred times less often: millions of records hold none."""
    before = gc.get_threshold()
    gc.set_threshold(100 * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _renewed(lake: Lake, profiles: Profiles, journals: Sequence[str], by: Knowledge, now: int) -> int:
    reached = [Offset(journal, lake.offset(journal)) for journal in journals]
    identities, kins = _who_is_who(lake, now)
    before = Before.of(one for _, one in profiles.scan(Profile))
    think = partial(roll, zone=by.zone, currency=by.currency, ready=by.ready, before=before, now=now)
    found = lake.tally(view_of([*by.ready.conditions.values()]), think) or Roll()
    puts: list[tuple[Key, object]] = [*identities.items(), *kins.items()]
    gone = np.setdiff1d(before.people, found.people, assume_unique=True)
    profiles.put(
        Change(
            puts=tuple(puts),  # type: ignore[arg-type]
            drops=tuple((Profile, person) for person in gone.tolist()),
            afresh=(Identity, Kin, Address, Due),
            upto=Offset(journals[0], NOWHERE),
        )
    )
    for heap in found.heaps(AT_ONCE):
        profiles.put(Change(packed=heap))
    called = found.addresses()
    while some := list(islice(called, AT_ONCE)):
        profiles.put(Change(puts=tuple((one.key, one) for one in some)))
    for dues in found.looks(AT_ONCE):
        profiles.put(Change(puts=tuple(((one.at, one.person_id), one) for one in dues)))
    for upto in reversed(reached):
        profiles.put(Change(upto=upto))
    return len(found)


def _who_is_who(lake: Lake, now: int) -> tuple[dict[int, Identity], dict[int, Kin]]:
    """The records by all that was told; the lake's last word on somebody, if it is another, is mended."""
    merges = lake.read(MERGES)
    identities, kins = rebuilt(merges)
    whose = {one: one for one in pc.unique(merges.column("alias")).drop_null().to_pylist()}
    links = mended(merges, whose | {one: some.person_id for one, some in identities.items()}, now=now)
    if links:
        lake.append({"merges": merges_of(links)})
    return identities, kins
