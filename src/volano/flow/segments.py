"""Segments: kept, looked at before they are kept, and their members brought up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec
import pyarrow as pa
from msgspec.structs import replace

from volano.domain.change import Change, Key
from volano.domain.profile import Profile
from volano.domain.segment import Due, Move, Segment
from volano.domain.undo import Before
from volano.domain.view import View
from volano.errors import BadInput, BadRule
from volano.flow.asking import asking, groups_of
from volano.flow.shop import PEOPLE, Lens
from volano.flow.undo import before, keep_before
from volano.flow.works import settling
from volano.observe.called import Called, called
from volano.observe.membership import (
    Ready,
    move_id,
    named,
    ready,
    settled,
    strangers,
    tree_of,
    turned,
)
from volano.observe.moments import Moments, by_person, moments_of, of_people, united, view_of
from volano.observe.overlap import Overlap, overlaps
from volano.observe.starters import starters
from volano.ports import Lake, Profiles, State
from volano.rules.block import block_mask
from volano.rules.block_past import Pasts
from volano.rules.nodes import Test, conditions, fields
from volano.rules.tree import SEGMENTS, Groups, parse

AT_ONCE = 5_000  # people settled in one turn of the profiles
SAMPLE = 10
DUE_AT_ONCE = 1_000  # people whose time has come, likewise
FEW = 2_000  # people whose rows are looked for one by one
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FIRST = -(2**63)

Progress = Callable[[int, int], None]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a rule fits now: how many of how many people, some of them, and in which segments they are."""

    size: int
    people: int
    share: float
    sample: tuple[int, ...]
    overlap: tuple[Overlap, ...] = ()


def save(state: State, profiles: Profiles, segment: Segment, *, now: int) -> Segment:
    """Keep a segment, and that everybody is to be settled; BadInput, in one sentence, if it cannot be.

    It is put in a turn of the profiles, so that whoever drains after it goes by it: no event falls between
    what the drain sees and what is read of the past.
    """
    if not _KEY.fullmatch(segment.key):
        raise BadInput(f"the key {segment.key!r} must be small letters, digits, - and _, at most 64")
    known = {each.key: each for each in state.find(Segment)}
    groups = groups_of(state, [segment.rule, *(each.rule for each in known.values())])
    tree = tree_of(segment.rule, groups)
    _check_facts(tree)
    kept = replace(
        segment,
        name=segment.name.strip() or segment.key,
        made_at=known[segment.key].made_at if segment.key in known else now,
        changed_at=now,
    )
    broken = dict(ready([*(known | {kept.key: kept}).values()], groups=groups).broken)
    if kept.key in broken:
        raise BadRule(broken[kept.key])
    with profiles.turn():
        state.put(kept, settling(state, f"seeing who is in {kept.name}", now=now))
    return kept


def drop(state: State, profiles: Profiles, key: str, *, now: int) -> None:
    """Forget a segment, and see to it that nobody is in it; NotFound without it, BadInput if it is needed."""
    kept = state.get(Segment, key)
    for what, name, rule in asking(state):
        if (what, name) != ("segment", key) and key in _names(rule):
            raise BadInput(f"the {what} {name!r} names {key!r}; change it first")
    with profiles.turn():
        keep_before(state, Before(key=f"segment {key}", segment=kept, at=now))
        state.put(settling(state, f"seeing that nobody is in {kept.name} any more", now=now))
        state.drop(Segment, key)


def restore(state: State, profiles: Profiles, key: str, *, now: int) -> Segment:
    """Put back a segment that was dropped; BadInput if it is not known any more."""
    was = before(state, f"segment {key}")
    assert was.segment is not None
    kept = save(state, profiles, was.segment, now=now)
    state.drop(Before, was.key)
    return kept


def plant(state: State, *, now: int) -> bool:
    """Put the starter segments into a house that has none, for everybody to be settled; whether it did."""
    if state.find(Segment):
        return False
    state.put(*starters(now=now), settling(state, "seeing who is in which segment", now=now))
    return True


def settle_some(
    profiles: Profiles, segments: Ready, past: Moments, low: int | None, *, now: int
) -> tuple[int, int | None]:
    """Brings the past and the membership of the next AT_ONCE people from id `low` on up to date.

    In silence: nobody is told to have entered or left. Who is as before is not kept once more. Returns how
    many people these were, and from where to go on, None at the end. To be called in a turn of the profiles,
    with its clock, so that nobody who moved before is set back.
    """
    before = dict(islice(_people(profiles, _FIRST if low is None else low), AT_ONCE))
    if not before:
        return 0, None
    found = by_person(of_people(past, min(before), max(before) + 1))
    after: dict[int, Profile] = {}
    for person, was in before.items():
        told = replace(was, done=united(was.done, found[person])) if person in found else was
        one = settled(told, segments, now)
        if one != was:
            after[person] = one
    profiles.put(records({person: before[person] for person in after}, after, ()))
    return len(before), max(before) + 1 if len(before) == AT_ONCE else None


def backfill(
    lake: Lake, profiles: Profiles, segments: Ready, *, now: int, progress: Progress | None = None
) -> int:
    """Does so for everybody in the one turn that the caller has; how many people there are."""
    past = past_of(lake, tuple(segments.conditions.values()), now)
    done, low = 0, None
    while True:
        some, low = settle_some(profiles, segments, past, low, now=now)
        done += some
        if progress is not None:
            progress(done, 0)
        if low is None:
            return done


def records(before: Mapping[int, Profile], after: Mapping[int, Profile], moves: Sequence[Move]) -> Change:
    """What to keep of people who were settled: profiles, moves that wait to be told, and when to look again.

    `before` are the profiles as they were; their moments of looking again are dropped, of people who are
    not in `after` any more, too.
    """
    puts: list[tuple[Key, msgspec.Struct]] = [((move.at, move_id(move)), move) for move in moves]
    for person, profile in after.items():
        puts.append((person, profile))
        if profile.due:
            puts.append(((profile.due, person), Due(at=profile.due, person_id=person)))
    drops = [(Due, (one.due, person)) for person, one in before.items() if one.due]
    return Change(puts=tuple(puts), drops=tuple(drops))


def due(profiles: Profiles, segments: Ready, *, now: int, limit: int = DUE_AT_ONCE) -> Change | None:
    """What to keep of the people whose time has come; None if there are none. To be put in the same turn."""
    popped = [key for key, _ in islice(profiles.scan(Due, high=(now + 1, _FIRST)), limit)]
    if not popped:
        return None
    people = {person: profiles.get(Profile, person) for _, person in popped}  # type: ignore[misc]
    before = {person: profile for person, profile in people.items() if profile is not None}
    after, moves = turned(before, None, segments, now)
    change = records(before, after, moves)
    return Change(puts=change.puts, drops=(*((Due, key) for key in popped), *change.drops))


def waits(profiles: Profiles, *, now: int) -> bool:
    """Whether somebody's time has come, or a move is to be told; to look needs no turn."""
    found = chain(profiles.scan(Due, high=(now + 1, _FIRST)), profiles.scan(Move))
    return next(found, None) is not None


def past_of(lake: Lake, asked: Sequence[Any], now: int) -> Moments:
    """What everybody did, as far as these conditions remember it."""
    if not asked:
        return Moments()
    return lake.tally(view_of(asked), moments_of(asked, now)) or Moments()


def facts_asked(rule: Any) -> frozenset[str]:
    """The names of the facts that `preview` and `fitting` need for a rule; BadRule if it cannot be had."""
    return fields(tree_of(rule)) | {SEGMENTS}


def preview(
    lake: Lake,
    people: pa.Table,
    rule: Any,
    segments: Sequence[Segment] = (),
    *,
    now: int,
    groups: Groups | None = None,
) -> Preview:
    """Whom a rule would fit, of the table of everybody; BadInput if a segment cannot have the rule.

    What people did is read from the lake in one pass, if the rule asks for it.
    """
    tree = tree_of(rule, groups)
    chosen = _chosen(lake, people, tree, now)
    return Preview(
        size=chosen.num_rows,
        people=people.num_rows,
        share=chosen.num_rows / max(people.num_rows, 1),
        sample=tuple(sorted(chosen["person_id"].to_pylist())[:SAMPLE]),
        overlap=overlaps(chosen, people, segments),
    )


def fitting(lake: Lake, people: pa.Table, rule: Any, *, now: int, groups: Groups | None = None) -> list[int]:
    """The ids of the people of the table whom a rule fits."""
    return sorted(_chosen(lake, people, tree_of(rule, groups), now)["person_id"].to_pylist())


def members(profiles: Profiles, key: str, *, lens: Lens = PEOPLE) -> Iterator[Profile]:
    """The people in a segment but staff, by ascending id."""
    staff = frozenset(lens.staff)
    people = (profile for _, profile in profiles.scan(Profile) if key in profile.segments)
    return (profile for profile in people if profile.person_id not in staff)


def named_people(lake: Lake, people: Sequence[int]) -> dict[int, str]:
    """What these persons are called: `u:<user id>`, else `a:<anonymous id>`."""
    few = tuple(people) if len(people) <= FEW else None
    found = lake.tally(View(columns=("known_as",), people=few), called) or Called()
    return {person: found.names.get(person, "") for person in people}


def _people(profiles: Profiles, low: int) -> Iterator[tuple[int, Profile]]:
    return ((profile.person_id, profile) for _, profile in profiles.scan(Profile, low=low))


def _chosen(lake: Lake, people: pa.Table, tree: Test, now: int) -> pa.Table:
    _check_facts(tree)
    past = past_of(lake, conditions(tree), now)
    mask = block_mask(tree, people, Pasts(people, past.tables, now))
    return people.filter(pa.array(mask))


def _check_facts(tree: Test) -> None:
    unknown = strangers(tree)
    if unknown:
        raise BadRule(f"there is no fact {unknown[0]!r}; see docs/reference/traits.md for those there are")


def _names(rule: Any) -> frozenset[str]:
    try:
        return named(parse(rule))
    except BadRule:
        return frozenset()
