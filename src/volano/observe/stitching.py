"""Which identities are one person: from what is told of them, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from volano.domain.identity import TAKEN_ALONG, Claim, Identity, Kin
from volano.observe.kinship import Kinship, kinship
from volano.observe.telling import Book

CAP = 100  # identities of one person


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of `merges`: from now on the identity `alias`, called `known_as`, is `person_id` (before: `was`).

    `claimed` and `reason` are the telling (or act) behind it; an identity that only moves along with those
    it is joined with has claimed nothing. `time` is when it was so, `told_at` when the house learnt of it
    (UTC µs).
    """

    alias: int
    person_id: int
    was: int
    claimed: int | None
    known_as: str
    claimed_as: str
    time: int
    reason: str
    told_at: int
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitched:
    """What changes. `identities` and `kins` are put, `dropped_kins` dropped, `links` written to the lake.

    `moved`: identity → (person before, person now). `whole`: person before → person now, where profiles can
    simply be added: all that either of them was is in the person now. `anew`: people now who lost or got a
    part of somebody: they are tallied anew. People before who are nobody's name any more are in `gone`.
    """

    identities: dict[int, Identity] = field(default_factory=dict)
    kins: dict[int, Kin] = field(default_factory=dict)
    dropped_kins: frozenset[int] = frozenset()
    links: list[Link] = field(default_factory=list)
    moved: dict[int, tuple[int, int]] = field(default_factory=dict)
    whole: dict[int, int] = field(default_factory=dict)
    anew: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()


def resolved(
    new: Sequence[Claim],
    known: Callable[[int], Identity | None],
    kin: Callable[[int], Kin | None],
    *,
    cap: int = CAP,
) -> Stitched:
    """What becomes of the people when these claims are told; any order and any split gives the same people.

    An anonymous identity belongs to the user of its earliest claim, as long as that is among the earliest
    `cap` of the user. Users are joined only by alias or by hand. Where the tellings would make more than
    `cap` identities one, the earliest count. Looks only at the records of those who hang together.
    """
    book = Book(known, cap)
    for claim in new:
        book.tell(claim)
    return stitched(book, kin, cap) if book.dirty else Stitched()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What becomes of the others when identities never were, and whose records are dropped.

    Not `exact`: something that was turned away for one who is forgotten might count now, and only all rows
    of the lake can tell (`merges.rebuilt`).
    """

    left: Stitched
    dropped: frozenset[int]
    exact: bool


def forgotten(
    gone: frozenset[int],
    known: Callable[[int], Identity | None],
    kin: Callable[[int], Kin | None],
    *,
    others: Iterable[int] = (),
    cap: int = CAP,
) -> Forgotten:
    """Takes identities out of all that is known; usually all of some people.

    `others` were told to be one with them: what lost to an earlier telling only the lake still knows.
    """
    book = Book(known, cap)
    book.forget(gone, frozenset(others) - gone)
    left = stitched(book, kin, cap) if book.dirty else Stitched()
    people = {record.person_id for one in gone if (record := book.before(one)) is not None} - left.kins.keys()
    kins = frozenset(person for person in people if kin(person) is not None)
    doubtful = any(
        one.crowded or one.frayed or book.anonymous(one.identity) for one in left.identities.values()
    )
    return Forgotten(
        left=replace(left, dropped_kins=left.dropped_kins | kins), dropped=book.dropped(), exact=not doubtful
    )


def stitched(book: Book, kin: Callable[[int], Kin | None], cap: int) -> Stitched:
    """The people of all who hang together with what changed in the book."""
    near = _closure(book)
    before = {one: book.person_before(one) for one in near}
    kins, after = _people(near, kinship(sorted(near), book.pairs(near), cap), book.overfull(near))
    moved = {one: (before[one], after[one]) for one in sorted(near) if before[one] != after[one]}
    for one, (_, person) in moved.items():
        book.name_person(one, person)
    old = {person: kin(person) for person in {*before.values(), *after.values()}}
    whole, anew = _profiles(before, after) if moved else ({}, frozenset[int]())
    return Stitched(
        identities=book.changed(),
        kins={person: one for person, one in kins.items() if one != old[person]},
        dropped_kins=frozenset(one for one, some in old.items() if some is not None and one not in kins),
        links=[*_told(book.told, before, after), *_taken_along(book.told, before, moved, near)],
        moved=moved,
        whole=whole,
        anew=anew,
        gone=frozenset(before.values()) - frozenset(after.values()),
    )


def _closure(book: Book) -> dict[int, Identity]:
    """Everybody who hangs together, by whatever was told, with somebody who changed; with their records."""
    found: dict[int, Identity] = {}
    waiting = sorted(book.dirty)
    while waiting:
        one = waiting.pop()
        if one not in found and (record := book.get(one)) is not None:
            found[one] = record
            waiting += book.near(record)
    return found


def _people(
    near: Mapping[int, Identity], found: Kinship, overfull: set[int]
) -> tuple[dict[int, Kin], dict[int, int]]:
    """The kins of the groups, and the person of every identity: the smallest user, or else the smallest."""
    kins: dict[int, Kin] = {}
    person_of: dict[int, int] = {}
    full = found.turned_away | overfull
    for group in found.groups:
        users = [one for one in group if not near[one].known_as.startswith("a:")]
        person = min(users or group)
        for one in group:
            person_of[one] = person
        crowded = bool(full) and not full.isdisjoint(group)
        if len(group) > 1 or (crowded and users):
            kins[person] = Kin(person_id=person, identities=tuple(sorted(group)), crowded=crowded)
    return kins, person_of


def _profiles(before: Mapping[int, int], after: Mapping[int, int]) -> tuple[dict[int, int], frozenset[int]]:
    """Which people of before are wholly in one of now, and which of now are not whole people of before."""
    into: dict[int, int] = {}
    split = set()
    for one, person in before.items():
        if into.setdefault(person, after[one]) != after[one]:
            split.add(person)
    anew = (
        frozenset(after[one] for one, person in before.items() if person in split) if split else frozenset()
    )
    whole = {old: new for old, new in into.items() if old != new and new not in anew}
    return whole, anew


def _told(told: Iterable[Claim], before: Mapping[int, int], after: Mapping[int, int]) -> list[Link]:
    """A row for each telling that counts."""
    return [
        Link(
            alias=claim.alias,
            person_id=after[claim.alias],
            was=before[claim.alias],
            claimed=claim.claimed,
            known_as=claim.known_as,
            claimed_as=claim.claimed_as,
            time=claim.time,
            reason=claim.reason,
            told_at=claim.told_at,
            origin=claim.origin,
        )
        for claim in told
    ]


def _taken_along(
    told: Sequence[Claim],
    before: Mapping[int, int],
    moved: Mapping[int, tuple[int, int]],
    near: Mapping[int, Identity],
) -> list[Link]:
    """A row for each of the others who move, with the telling that moved them."""
    along = moved.keys() - {claim.alias for claim in told}
    if not along or not told:
        return []
    causes: dict[int, Claim] = {}
    for claim in told:
        for one in (claim.alias, claim.claimed):
            for person in moved.get(one, (before.get(one, one),)):
                causes.setdefault(person, claim)
    found = []
    for one in sorted(along):
        was, person = moved[one]
        cause = causes.get(person) or causes.get(was) or told[0]
        found.append(_along(near[one], was, person, cause))
    return found


def _along(record: Identity, was: int, person: int, cause: Claim) -> Link:
    return Link(
        alias=record.identity,
        person_id=person,
        was=was,
        claimed=None,
        known_as=record.known_as,
        claimed_as="",
        time=cause.time,
        reason=TAKEN_ALONG,
        told_at=cause.told_at,
        origin=cause.origin,
    )
