"""From the journal to the lake and to what is known of people, each frame once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.change import Change, Key
from volano.domain.event import Frame, Intake, Refusal
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.registry import Seen
from volano.domain.segment import Move
from volano.domain.tables import OURS
from volano.domain.view import Offset, View
from volano.errors import BrokenHome
from volano.flow.calls import with_calls
from volano.flow.decide import person_of
from volano.flow.frames import Taken, taken_between, taken_next
from volano.flow.house import House
from volano.flow.knowledge import Knowing, Knowledge
from volano.flow.remaking import made_anew, renewed
from volano.flow.segments import due, records
from volano.observe.addresses import addresses
from volano.observe.claims import addressees, claims, identities, messages, repeated, times
from volano.observe.membership import move_rows, turned
from volano.observe.merges import mended, merges_of
from volano.observe.registry import registered, with_doubles
from volano.observe.rows import Rows
from volano.observe.stitching import Stitched, resolved
from volano.observe.traits import block_of, joined, tally
from volano.ports import Journal, Lake, Profiles

BEHIND = 20_000  # people who are made anew one by one after a crash; for more the whole house is

_USUAL = Knowledge()
_WORDS = View(tables=("merges",), columns=("alias", "known_as"))
_DAMAGED = "a stretch of the journal before this place cannot be read: the disk may be failing"


class Drained(House, Protocol):
    """A house with the journals that it drains."""

    def journals(self) -> Sequence[Journal]: ...


Clock = Callable[[], int]  # UTC µs
T = TypeVar("T")


def drain(  # noqa: PLR0913  what it moves between, and what it goes by
    journal: Journal,
    lake: Lake,
    profiles: Profiles,
    *,
    limit: int = 2000,
    by: Knowledge | Callable[[], Knowledge] = _USUAL,
    now: int | Clock | None = None,
    heard: Callable[[list[Frame]], None] | None = None,
    beside: Iterable[Journal] = (),
) -> int:
    """Moves up to `limit` frames on; returns how many (0: nothing is left).

    Rows and position go to the lake together, then all that is known of people, and the position, to the
    store of profiles. A store that is elsewhere than the lake (the process died between the two, one was
    lost or restored) is first brought level from it, by this journal and by those `beside` it. Waits while
    another thread or process drains. `by` and `now` are asked once it is our turn. `now` (UTC µs) is the
    arrival of the newest frame unless told; `heard` is told the frames as they were taken, once they have
    been moved.
    """
    with profiles.turn():
        by, now = _asked(by), _asked(now)
        level([*beside, journal], lake, profiles, by=by, now=now)
        start = lake.offset(journal.name)
        taken = taken_next(journal, start, limit)
        frames: list[Frame] = []
        if taken:
            frames = _move(taken, lake, profiles, by, now)
            journal.forget(min(lake.offset(journal.name), profiles.offset(journal.name)))
        if heard is not None:  # still in our turn: whom another forgets in the next one is to be dropped
            heard(frames)
    return len(taken)


def drain_all(house: Drained) -> int:
    """Moves on all that every journal of a house holds; returns how many frames."""
    by, journals = Knowing(house.state, house.settings), house.journals()
    return sum(
        sum(iter(partial(drain, journal, house.lake, house.profiles, by=by, beside=journals), 0))
        for journal in journals
    )


def rebuild_profiles(
    lake: Lake,
    profiles: Profiles,
    journals: Sequence[str] = ("j0",),
    *,
    now: int,
    by: Knowledge = _USUAL,
) -> int:
    """Makes all that is known of people anew from the lake; returns how many. Drains wait meanwhile."""
    with profiles.turn():
        return renewed(lake, profiles, journals, by, now=now)


def remake(
    lake: Lake,
    profiles: Profiles,
    people: Iterable[int],
    *,
    now: int,
    by: Knowledge = _USUAL,
    heirs: Mapping[int, Iterable[int]] | None = None,
) -> None:
    """Makes what is known of some people anew from the lake; who has no rows left is nobody any more.

    They stay in the segments they were in, and those in `heirs` in the segments of all whom they are made
    of, since the earliest entry. In silence: nobody did anything, so nobody is told to have entered or left.
    To be called in a turn of `profiles`.
    """
    found = Found(now=now, heirs=heirs or {}, silent=True)
    found.again(people, profiles)
    profiles.put(_change(found, lake, by))


def look_again(
    lake: Lake,
    profiles: Profiles,
    by: Knowledge | Callable[[], Knowledge],
    *,
    now: int | Clock,
    telling: bool = True,
) -> int:
    """What is to be done without a new event: people whose time has come are settled, so many at once (see
    `due`), and unless told otherwise moves are told, which a drain would have done.

    Returns how much was done. `by` and `now` are asked once it is our turn.
    """
    with profiles.turn():
        moves = dict(profiles.scan(Move)) if telling else {}
        if moves:
            lake.append({"events": move_rows([*moves.values()])})
            profiles.put(Change(drops=tuple((Move, key) for key in moves)))
        asked = _asked(by)
        change = due(profiles, asked.ready, now=_asked(now))
        if change is None:
            return len(moves)
        profiles.put(with_calls(change, asked.hooks, profiles))
        return len(moves) + len(set(change.drops))


@dataclass(slots=True, kw_only=True)
class Found:
    """What a drain found out about people before it is put: profiles that grow, and those to make anew."""

    now: int
    before: dict[int, Profile] = field(default_factory=dict)
    grown: dict[int, Profile] = field(default_factory=dict)
    anew: set[int] = field(default_factory=set)
    events: pa.Table | None = None  # rows that were added
    puts: list[tuple[Key, msgspec.Struct]] = field(default_factory=list)
    drops: list[tuple[type[msgspec.Struct], Key]] = field(default_factory=list)
    upto: Offset | None = None
    heirs: Mapping[int, Iterable[int]] = field(default_factory=dict)
    silent: bool = False

    def inside(self, person: int) -> dict[str, int]:
        """The segments, each since when, of whom somebody who is made anew was before."""
        since: dict[str, int] = {}
        for one in (person, *self.heirs.get(person, ())):
            for key, at in self.before[one].segments.items() if one in self.before else ():
                since[key] = min(at, since.get(key, at))
        return since

    def known(self, person: int, profiles: Profiles) -> Profile | None:
        """What the store has of somebody whom this drain touches."""
        before = self.before.get(person) or profiles.get(Profile, person)
        if before is not None:
            self.before[person] = before
        return before

    def again(self, people: Iterable[int], profiles: Profiles) -> None:
        """These are to be made anew."""
        for person in people:
            self.known(person, profiles)
            self.anew.add(person)


def _move(taken: Taken, lake: Lake, profiles: Profiles, by: Knowledge, now: int | None) -> list[Frame]:
    frames = [frame for _, frame in taken if frame is not None]
    before = lake.known("events", messages(frames))
    stitched = _stitched(frames, profiles, before)
    rows = _rows(taken, stitched, profiles, by, before)
    tables, moves = rows.tables(), dict(profiles.scan(Move))
    told = tables.get("events")
    if moves:
        tables["events"] = pa.concat_tables(
            [*([told] if told is not None else []), move_rows([*moves.values()])]
        )
    if stitched.links:
        tables["merges"] = merges_of(stitched.links)
    added = lake.append(tables, taken[-1][0])
    if moves:  # they tell nothing new of people
        added["events"] = added["events"].filter(pc.not_equal(added["events"].column("origin"), OURS))
    found = Found(now=now or _now(frames), upto=taken[-1][0], events=added.get("events"))
    _grow(found, stitched, added, profiles, by)
    _note(found, stitched, rows, (told, added.get("events")), profiles)
    found.drops += [(Move, key) for key in moves]
    profiles.put(with_calls(_change(found, lake, by), by.hooks, profiles))
    return rows.frames


def level(
    journals: Iterable[Journal], lake: Lake, profiles: Profiles, *, by: Knowledge, now: int | None
) -> None:
    """Brings the store to where the lake is, before anybody becomes somebody else by what it knows.

    To be called in a turn of `profiles`.
    """
    known = {journal.name: journal for journal in journals}
    for name, journal in known.items():
        kept, start = profiles.offset(name), lake.offset(name)
        if kept != start and not _level(journal, lake, profiles, between=(kept, start), by=by, now=now):
            moment = now or _now(frame for _, frame in taken_next(journal, start, 1))
            renewed(lake, profiles, [*known], by, now=moment)
            return


def _level(
    journal: Journal,
    lake: Lake,
    profiles: Profiles,
    *,
    between: tuple[int, int],
    by: Knowledge,
    now: int | None,
) -> bool:
    """Does so by the frames between the two; False, and nothing is done, where all must be made anew."""
    kept, start = between
    try:
        taken = taken_between(journal, kept, start)
    except BrokenHome:
        taken = []  # they are no longer there
    frames = [frame for _, frame in taken if frame is not None]
    stitched = _stitched(frames, profiles, _repeated(lake, frames))
    people = {person_of_found(stitched, profiles, one) for one in identities(frames)}
    people |= {*stitched.whole, *stitched.whole.values(), *stitched.anew, *stitched.gone}
    if not taken or taken[-1][0].position != start or len(people) > BEHIND:
        return False
    people |= _say_again(lake, stitched, profiles, identities(frames), now or _now(frames))
    rows = _rows(taken, stitched, profiles, by)
    found = Found(now=now or _now(frames), upto=taken[-1][0])
    found.again(people, profiles)
    _note(found, stitched, rows, (rows.tables().get("events"), None), profiles)
    profiles.put(with_calls(_change(found, lake, by), by.hooks, profiles))
    return True


def _repeated(lake: Lake, frames: list[Frame]) -> frozenset[int]:
    """The messages that the lake had before these frames, which it has taken already."""
    first, last = times(frames)
    rows = lake.read(View(columns=("id", "identity"), since=first, until=last + 1))
    return lake.known("events", repeated(frames, rows))


def _say_again(lake: Lake, stitched: Stitched, profiles: Profiles, told: set[int], now: int) -> set[int]:
    """Sees to it that the lake's last word on who is who is that of the store; the people of whom it was not.

    The lake has what the frames told, but another journal or somebody by hand, who did not know of it yet,
    may have spoken last.
    """
    near = told | stitched.moved.keys()
    for person in {person_of_found(stitched, profiles, one) for one in near}:
        kin = stitched.kins.get(person) or profiles.get(Kin, person)
        near |= set(kin.identities) if kin else set()
    if stitched.links:
        lake.append({"merges": merges_of(stitched.links)})
    whose = {one: person_of_found(stitched, profiles, one) for one in near}
    links = mended(lake.read(_WORDS), whose, now=now)
    if links:
        lake.append({"merges": merges_of(links)})
    return {person for link in links for person in (link.was, link.person_id)}


def _stitched(frames: Iterable[Frame], profiles: Profiles, before: Container[int] = ()) -> Stitched:
    return resolved(claims(frames, before), partial(profiles.get, Identity), partial(profiles.get, Kin))


def person_of_found(stitched: Stitched, profiles: Profiles, identity: int) -> int:
    """Whom an identity stands for once what was found is put."""
    record = stitched.identities.get(identity)
    return record.person_id if record is not None else person_of(profiles, identity)


def _rows(
    taken: Taken, stitched: Stitched, profiles: Profiles, by: Knowledge, before: Container[int] = ()
) -> Rows:
    frames = [frame for _, frame in taken if frame is not None]
    whose = {one: person_of_found(stitched, profiles, one) for one in identities(frames)}
    for one in addressees(frames):
        if one in stitched.identities or any(profiles.get(kind, one) for kind in (Profile, Identity)):
            whose[one] = person_of_found(stitched, profiles, one)
    rows = Rows(whose, by.currency, names=by.names, marks=by.marks, before=before)
    for offset, frame in taken:
        rows.add(frame if frame is not None else _damaged(_now(frames)), offset.journal, offset.position)
    return rows


def _damaged(now: int) -> Intake:
    refusal = Refusal(index=0, code="damaged_frame", message=_DAMAGED)
    return Intake(source="", received_at=now, events=[], refusals=[refusal])


def _grow(
    found: Found, stitched: Stitched, added: Mapping[str, pa.Table], profiles: Profiles, by: Knowledge
) -> None:
    """Adds what came to what is known: the profiles of rows, and those of people who are one now."""
    parts = tally(block_of(added), zone=by.zone, currency=by.currency)
    found.again([*stitched.anew, *stitched.gone], profiles)
    if by.unsettled:
        found.again([*stitched.whole, *stitched.whole.values()], profiles)
    more = [(new, found.known(old, profiles)) for old, new in stitched.whole.items()]
    for person, part in [*((part.person_id, part) for part in parts), *more]:
        if person in found.anew or part is None:
            continue
        known = found.grown.get(person) or found.known(person, profiles) or Profile(person_id=person)
        found.grown[person] = joined(known, part)


def _note(
    found: Found,
    stitched: Stitched,
    rows: Rows,
    events: tuple[pa.Table | None, pa.Table | None],
    profiles: Profiles,
) -> None:
    """The records beside the profiles: who is who, by which address, and what names arrive."""
    told, added = events
    found.puts += [*stitched.identities.items(), *stitched.kins.items()]
    found.drops += [(Kin, person) for person in stitched.dropped_kins]
    new = told if added is None else added  # what was told again tells nothing, least of all of who is gone
    if new is not None:
        found.puts += addresses(new, partial(profiles.get, Address)).items()
    fresh = rows.seen() if added is None else with_doubles(rows.seen(), told, added)
    known = {key: seen for key in fresh if (seen := profiles.get(Seen, key)) is not None}
    found.puts += [(seen.key, seen) for seen in registered(known, fresh)]


def _change(found: Found, lake: Lake, by: Knowledge) -> Change:
    """All that is put at once, the people settled in their segments."""
    inside = {one: found.inside(one) for one in found.anew}
    anew = made_anew(lake, inside, by, now=found.now) if inside else {}
    after, moves = turned({**found.grown, **anew}, found.events, by.ready, found.now)
    settled = records(found.before, after, () if found.silent else moves)
    gone = [(Profile, one) for one in found.anew if one not in anew]
    return Change(
        puts=(*found.puts, *settled.puts), drops=(*found.drops, *gone, *settled.drops), upto=found.upto
    )


def _asked(what: T | Callable[[], T]) -> T:
    return what() if callable(what) else what


def _now(frames: Iterable[Frame | None]) -> int:
    return max((frame.received_at for frame in frames if frame is not None), default=0)
