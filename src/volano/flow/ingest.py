"""From the journal to the lake and the profiles, each frame once."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from volano.domain.event import Frame
from volano.domain.profile import Profile
from volano.domain.view import Offset, View
from volano.errors import BrokenHome
from volano.observe.census import FACTS, census
from volano.observe.people import doubtful, turned
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
    Profiles that are elsewhere than the lake (the process died between the two, one was lost or restored)
    are first made anew from it. Waits while another thread or process drains or makes profiles anew.
    """
    with profiles.turn():
        start = lake.offset(journal.name)
        if profiles.offset(journal.name) != start:
            _renew(lake, profiles, journal.name)
        frames = _taken(journal, start, limit)
        if frames:
            _move(frames, lake, profiles, currency)
            journal.forget(min(lake.offset(journal.name), profiles.offset(journal.name)))
        return len(frames)


def rebuild_profiles(lake: Lake, profiles: Profiles, journal: str = "j0") -> int:
    """Makes all profiles anew from the lake; returns how many. Drains wait meanwhile."""
    with profiles.turn():
        return _renew(lake, profiles, journal)


def _renew(lake: Lake, profiles: Profiles, journal: str) -> int:
    upto = Offset(journal, lake.offset(journal))  # first: what comes later shows as profiles left behind
    merges = lake.read(View(tables=("merges",), columns=("alias",)))
    joins = dict(zip(merges["alias"].to_pylist(), merges["person_id"].to_pylist(), strict=True))
    found = lake.tally(FACTS, census)
    everybody = found.profiles if found is not None else ()
    profiles.put(everybody, joins, upto, afresh=True)
    return len(everybody)


def _move(frames: list[tuple[Offset, Frame]], lake: Lake, profiles: Profiles, currency: str) -> None:
    told = [frame for _, frame in frames]
    people = {one: profiles.person(one) for one in identities(told)}
    new = links(told, people)
    joins = {link.alias: link.person_id for link in new.values()}
    rows = Rows(people | joins, currency)
    for link in new.values():
        rows.link(link)
    for offset, frame in frames:
        rows.add(frame, offset.journal, offset.position)
    touched = {*rows.facts, *(person for person, _, _ in rows.drawn), *joins, *joins.values()}
    before = _known(profiles, touched)
    again = _kept(lake, doubtful(before, rows.facts, joins))  # before the lake keeps them all
    facts = {person: [fact for fact in some if fact.id not in again] for person, some in rows.facts.items()}
    upto = frames[-1][0]
    lake.append(rows.tables(), upto)
    profiles.put(turned(before, facts, rows.drawn, joins), joins, upto)


def _kept(lake: Lake, ids: set[int]) -> set[int]:
    """Which of these rows of events the lake has."""
    if not ids:
        return set()
    only = (("id", tuple(map(str, ids))),)
    return set(lake.read(View(tables=("events",), columns=("id",), only=only))["id"].to_pylist())


def _taken(journal: Journal, start: int, limit: int) -> list[tuple[Offset, Frame]]:
    """The next frames."""
    frames: list[tuple[Offset, Frame]] = []
    size = 0
    for offset, payload in journal.read(start, limit):
        if size > BYTES_AT_ONCE:
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
