"""What is known of everybody, made anew from blocks of rows: profiles settled in their segments, packed."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import pairwise

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from volano.domain.change import Packed
from volano.domain.event import IDENTIFIED
from volano.domain.identity import Address
from volano.domain.profile import Profile
from volano.domain.segment import Due
from volano.domain.view import View
from volano.maths.columns import Ints, changes, integers, portions, texts
from volano.observe.addresses import ADDRESSED, given_in
from volano.observe.addresses import COLUMNS as CALLS
from volano.observe.identity import address_key
from volano.observe.membership import Ready, settled
from volano.observe.moments import moments
from volano.observe.moments import view_of as moments_view
from volano.observe.traits import VIEW, each
from volano.rules.nodes import Condition

AT_ONCE = 16_000  # people whose rows are looked at together: so much stays in the caches of a processor
_NOBODY: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Before:
    """Who was known (ids, ascending), and by the key of each segment who was in it, since when (UTC µs)."""

    people: Ints = field(default_factory=lambda: _NOBODY)
    inside: Mapping[str, tuple[Ints, Ints]] = field(default_factory=dict)

    @classmethod
    def of(cls, profiles: Iterable[Profile]) -> Before:
        """What profiles, which come by ascending id, tell."""
        people: array[int] = array("q")
        inside: dict[str, tuple[array[int], array[int]]] = {}
        for one in profiles:
            people.append(one.person_id)
            for key, at in one.segments.items():
                who, since = inside.get(key) or inside.setdefault(key, (array("q"), array("q")))
                who.append(one.person_id)
                since.append(at)
        return cls(_ints(people), {key: (_ints(who), _ints(since)) for key, (who, since) in inside.items()})

    def segments(self, people: Ints) -> dict[int, dict[str, int]]:
        """The segments of these people (ids, ascending), of each of them who was in any."""
        found: dict[int, dict[str, int]] = {}
        for key, (who, since) in self.inside.items():
            here = np.searchsorted(who, people)
            there = np.append(who, 0)[here] == people
            for person, at in zip(people[there].tolist(), since[here[there]].tolist(), strict=True):
                found.setdefault(person, {})[key] = at
        return found


@dataclass(frozen=True, slots=True)
class Roll:
    """The profiles of some blocks, packed; (moment, person) of those to be looked at again, and (address,
    identity) of those who gave one.

    Rolls add up, as a block holds whole people.
    """

    parts: tuple[Packed, ...] = ()
    dues: tuple[tuple[Ints, Ints], ...] = ()
    given: tuple[tuple[Ints, Ints], ...] = ()

    def __add__(self, other: Roll) -> Roll:
        return Roll(self.parts + other.parts, self.dues + other.dues, self.given + other.given)

    def __len__(self) -> int:
        return sum(len(part.keys) for part in self.parts)

    @property
    def people(self) -> Ints:
        """Their ids, ascending."""
        told = [np.frombuffer(part.keys, np.int64) for part in self.parts]
        return np.sort(np.concatenate([_NOBODY, *told]))

    def heaps(self, people: int) -> Iterator[tuple[Packed, ...]]:
        """All profiles by ascending id, so many people at a time."""
        edges = self.people[::people].tolist()
        for low, high in pairwise([*edges, 2**63]):
            yield tuple(part.between(low, high) for part in self.parts)

    def looks(self, people: int) -> Iterator[list[Due]]:
        """When to look again at whom, the earliest first, so many people at a time."""
        at, who = _sorted(self.dues)
        for low in range(0, len(at), people):
            told = zip(at[low : low + people].tolist(), who[low : low + people].tolist(), strict=True)
            yield [Due(at=moment, person_id=person) for moment, person in told]

    def addresses(self) -> Iterator[Address]:
        """By which addresses people are found, by ascending key."""
        key, who = _sorted(self.given)
        new = changes(key, who) if len(key) else np.zeros(0, np.bool_)  # told twice counts once
        key, who = key[new], who[new]
        starts = np.flatnonzero(changes(key)) if len(key) else key
        for low, high in pairwise([*starts.tolist(), len(key)]):
            some = who[low : min(high, low + ADDRESSED)].tolist()
            yield Address(key=int(key[low]), identities=tuple(some))


def view_of(conditions: Sequence[Condition]) -> View:
    """All rows of everybody, with what traits and these conditions look at."""
    more = moments_view(conditions).columns if conditions else ()
    return changed(VIEW, columns=tuple(sorted({*VIEW.columns, *CALLS, *more})))


def roll(block: pa.Table, *, zone: str, currency: str, ready: Ready, before: Before, now: int) -> Roll:
    """The people of a block of `view_of` as they are at `now` (UTC µs), in their segments since they were.

    What a lake adds up to make all profiles anew; `zone` and `currency` are the shop's.
    """
    starts = np.flatnonzero(changes(integers(block["person_id"])))[::AT_ONCE]
    looks: tuple[array[int], array[int]] = (array("q"), array("q"))
    given: tuple[array[int], array[int]] = (array("q"), array("q"))
    asked = [*ready.conditions.values()]

    def people() -> Iterator[tuple[int, Profile]]:
        for rows in portions(block, starts):
            for identity, email in _calls(rows):
                given[0].append(address_key(email))
                given[1].append(identity)
            done = moments(rows, asked, now=now) if asked else {}
            inside = before.segments(np.unique(integers(rows["person_id"]))) if before.inside else {}
            for one in each(rows, zone=zone, currency=currency):
                who = one.person_id
                known = who in done or who in inside
                told = replace(one, done=done.get(who, {}), segments=inside.get(who, {})) if known else one
                after = settled(told, ready, now)
                if after.due:
                    looks[0].append(after.due)
                    looks[1].append(who)
                yield who, after

    packed = Packed.of(Profile, people())
    return Roll((packed,), ((_ints(looks[0]), _ints(looks[1])),), ((_ints(given[0]), _ints(given[1])),))


def _calls(rows: pa.Table) -> list[tuple[int, str]]:
    """The addresses that are given in some rows, and by whom."""
    if not {*CALLS} <= {*rows.column_names}:
        return []
    calls = np.flatnonzero(texts(rows["event"]).among((IDENTIFIED,)))
    return given_in(rows.select(CALLS).take(pa.array(calls)))


def _sorted(pairs: Iterable[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """All pairs, ascending."""
    some = list(pairs)
    one = np.concatenate([_NOBODY, *(each for each, _ in some)])
    other = np.concatenate([_NOBODY, *(each for _, each in some)])
    order = np.lexsort((other, one))
    return one[order], other[order]


def _ints(numbers: array[int]) -> Ints:
    return np.frombuffer(numbers, np.int64) if numbers else _NOBODY
