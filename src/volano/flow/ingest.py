"""From the journal to the lake and the profiles, each frame once."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from volano.domain.event import Frame
from volano.domain.profile import Profile
from volano.domain.view import Offset, View
from volano.errors import BrokenHome
from volano.observe.census import FACTS, census
from volano.observe.people import turned
from volano.observe.rows import Rows
from volano.observe.stitching import identities, links
from volano.ports import Journal, Lake, Profiles

BYTES_AT_ONCE = 16 * 1024 * 1024

_frame = msgspec.msgpack.Decoder(Frame)


def drain(
    journal: Journal, lake: Lake, profiles: Profiles, *, limit: int = 2000, currency: str = "USD"
) -> int:
    """Moves up to `limit` frames on; returns how many (0: nothing is left).

    Rows and position go to the lake together, then profiles, links and position to the profiles together.
    After a crash between the two, whichever is behind catches up alone from the journal; profiles that
    were lost are made anew from the lake. Only one drain of a journal may run at a time.
    """
    in_lake, in_profiles = lake.offset(journal.name), profiles.offset(journal.name)
    if in_profiles == 0 < in_lake:
        rebuild_profiles(lake, profiles, journal.name)
        in_profiles = in_lake
    start, end = sorted((in_lake, in_profiles))
    frames = _taken(journal, start, end, limit)
    if not frames:
        return 0
    upto = frames[-1][0]
    told = [frame for _, frame in frames]
    people = {one: profiles.person(one) for one in identities(told)}
    new = links(told, people)
    people |= {link.alias: link.person_id for link in new.values()}
    rows = Rows(people, currency)
    for link in new.values():
        rows.link(link)
    for offset, frame in frames:
        rows.add(frame, journal.name, offset.position)
    if in_lake == start:
        lake.append(rows.tables(), upto)
    if in_profiles == start:
        joins = {link.alias: link.person_id for link in new.values()}
        touched = {*rows.facts, *(person for person, _, _ in rows.drawn), *joins, *joins.values()}
        profiles.put(turned(_known(profiles, touched), rows.facts, rows.drawn, joins), joins, upto)
    journal.forget(min(lake.offset(journal.name), profiles.offset(journal.name)))
    return len(frames)


def rebuild_profiles(lake: Lake, profiles: Profiles, journal: str = "j0") -> int:
    """Makes all profiles anew from the lake; returns how many. No drain may run meanwhile."""
    merges = lake.read(View(tables=("merges",), columns=("alias",)))
    joins = dict(zip(merges["alias"].to_pylist(), merges["person_id"].to_pylist(), strict=True))
    found = lake.tally(FACTS, census)
    profiles.clear()
    everybody = found.profiles if found is not None else ()
    profiles.put(everybody, joins, Offset(journal, lake.offset(journal)))
    return len(everybody)


def _taken(journal: Journal, start: int, end: int, limit: int) -> list[tuple[Offset, Frame]]:
    """The next frames, up to `end` when one store has to catch up with the other."""
    frames: list[tuple[Offset, Frame]] = []
    size = 0
    for offset, payload in journal.read(start, limit):
        if start < end < offset.position or size > BYTES_AT_ONCE:
            break
        size += len(payload)
        try:
            frames.append((offset, _frame.decode(payload)))
        except msgspec.DecodeError as error:
            told = f"the frame before {offset.position} of journal {journal.name} cannot be read ({error})"
            raise BrokenHome(f"{told}: it was written by another version") from error
    return frames


def _known(profiles: Profiles, people: Iterable[int]) -> dict[int, Profile]:
    found = {person: profiles.get(person) for person in people}
    return {person: profile for person, profile in found.items() if profile is not None}
