"""The records of identities while claims are told to them: what is kept of what was told, and how much."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping

import msgspec

from volano.domain.identity import APART, BY_HAND, PARTED, REJOINED, Claim, Identity, Tie, Told

ORIGINS = 8  # of which an anonymous identity keeps the earliest claim
TIES_PER_CAP = 4  # told ties that are kept of all who are tied to one another, per identity of the cap


def by_hand(tie: Tie) -> bool:
    """Whether somebody joined (or parted) the two, rather than an alias."""
    return tie.reason in (BY_HAND, PARTED)


class Book:
    """Records as they were and as they become.

    Everything kept is the smallest (or, of acts by hand, the latest) of all that was told, so that no order
    of telling keeps anything else: of an anonymous identity the earliest claim of each origin; of a user the
    `cap` earliest anonymous identities told to be it, wherever they belong now; of those tied by aliases
    the earliest ties. `told` are the claims that changed something, `dirty` those whose person may change.
    """

    def __init__(self, known: Callable[[int], Identity | None], cap: int) -> None:
        self._known = known
        self._cap = cap
        self._was: dict[int, Identity | None] = {}
        self._now: dict[int, Identity | None] = {}
        self.dirty: set[int] = set()
        self.told: list[Claim] = []

    def get(self, one: int) -> Identity | None:
        """The record as it is now."""
        if one not in self._now:
            self._now[one] = self._was[one] = self._known(one)
        return self._now[one]

    def before(self, one: int) -> Identity | None:
        """The record as it was."""
        self.get(one)
        return self._was[one]

    def changed(self) -> dict[int, Identity]:
        """The records that are not as they were."""
        return {
            one: record
            for one, record in self._now.items()
            if record is not None and record != self._was[one]
        }

    def dropped(self) -> frozenset[int]:
        """Those whose record is no more."""
        return frozenset(
            one for one, record in self._now.items() if record is None and self._was[one] is not None
        )

    def person_before(self, one: int) -> int:
        """The person that an identity was."""
        record = self._was[one]
        return one if record is None else record.person_id

    def name_person(self, one: int, person: int) -> None:
        """From now on the identity is this person."""
        record = self.get(one)
        if record is not None and record.person_id != person:
            self._put(msgspec.structs.replace(record, person_id=person))

    def anonymous(self, one: int) -> bool:
        """Whether it is an anonymous identity and not a user."""
        record = self.get(one)
        return record is not None and record.known_as.startswith("a:")

    def tell(self, claim: Claim) -> None:
        """Takes one claim or act in."""
        if claim.reason in (APART, REJOINED):
            self._set_apart(claim)
        elif claim.alias == claim.claimed:
            return
        elif claim.reason in (BY_HAND, PARTED) or claim.known_as.startswith("u:"):
            self._tie(claim)
        else:
            self._belong(claim)

    def forget(self, gone: frozenset[int], others: Iterable[int] = ()) -> None:
        """Drops records, and whatever those of others say of them: `others` may, too."""
        for one in others:
            for each in gone:
                self._unsay(one, each)
        for one in sorted(gone):
            record = self.get(one)
            if record is None:
                continue
            for told in record.claims:
                self._unsay(told.other, one)
            for _, alias in record.seats:
                self._unsay(alias, one)
            self._untie(self._root(record), gone)
        for one in gone:
            self._now[one] = None
        self.dirty -= gone

    def _unsay(self, one: int, other: int) -> None:
        record = self.get(one)
        if record is not None:
            claims = tuple(told for told in record.claims if told.other != other)
            seats = tuple(seat for seat in record.seats if seat[1] != other)
            if (claims, seats) != (record.claims, record.seats):
                self._put(msgspec.structs.replace(record, claims=claims, seats=seats))
                self.dirty.add(one)

    def _untie(self, root: Identity, gone: frozenset[int]) -> None:
        """Takes ties away, and gives those that are left a new place if theirs goes."""
        ties = tuple(tie for tie in root.ties if tie.one not in gone and tie.other not in gone)
        if ties == root.ties:
            return
        before = {end for tie in root.ties for end in (tie.one, tie.other)} - gone
        ends = {end for tie in ties for end in (tie.one, tie.other)}
        place = root.identity if root.identity not in gone else min(ends, default=0)
        for end in before - {place}:
            record = self.get(end)
            if record is not None:
                self._put(msgspec.structs.replace(record, web=place if end in ends else 0))
        self._put(msgspec.structs.replace(root, ties=()))
        if (kept := self.get(place)) is not None:
            self._put(msgspec.structs.replace(kept, web=0, ties=ties, frayed=root.frayed))
        self.dirty |= before

    def near(self, record: Identity) -> list[int]:
        """Those with whom an identity may be one, by what is kept."""
        home = self.home(record) if record.claims else None
        found = [] if home is None else [home]
        for _, alias in record.seats:
            belongs = self.get(alias)
            if belongs is not None and belongs.claims and belongs.claims[0].other == record.identity:
                found.append(alias)
        for tie in self._root(record).ties:
            found += (tie.one, tie.other)
        return found

    def home(self, record: Identity) -> int | None:
        """The user to whom an anonymous identity belongs, if there is a seat for it."""
        if not record.claims:
            return None
        user = self.get(record.claims[0].other)
        if user is not None:
            for _, alias in user.seats:
                if alias == record.identity:
                    return user.identity
        return None

    def pairs(self, near: Mapping[int, Identity]) -> list[tuple[int, int]]:
        """Who is one with whom among those near, by hand first, then from the earliest telling on.

        A previous id may be that of a device that others share, so that like a seat it counts for its
        earliest alias only.
        """
        found: list[tuple[bool, int, int, int]] = []
        for one, record in near.items():
            if record.claims and not record.apart and (home := self.home(record)) is not None:
                found.append((True, record.claims[0].time, one, home))
            first = _earliest_aliases(record.ties)
            for tie in record.ties:
                if tie.on and (by_hand(tie) or (tie in first and not self._any_apart(tie))):
                    when = tie.told_at if by_hand(tie) else tie.time
                    found.append((not by_hand(tie), when, tie.one, tie.other))
        return [(one, other) for _, _, one, other in sorted(found)]

    def overfull(self, near: Mapping[int, Identity]) -> set[int]:
        """Those of whom more was told than is kept."""
        found = set()
        for one, record in near.items():
            if record.crowded:
                found.add(one)
            if record.frayed:
                found |= {end for tie in record.ties for end in (tie.one, tie.other)}
        return found

    def ties_of(self, one: int) -> list[Tie]:
        """The ties of an identity."""
        record = self.get(one)
        ties = self._root(record).ties if record is not None else ()
        return [tie for tie in ties if one in (tie.one, tie.other)]

    def _belong(self, claim: Claim) -> None:
        one, user = self._opened(claim.alias, claim.known_as), self._opened(claim.claimed, claim.claimed_as)
        told = Told(claim.time, user.identity, claim.reason, claim.origin, claim.told_at)
        claims = _earliest(one.claims, told)
        seats, out = _seated(user.seats, (claim.time, one.identity), self._cap)
        crowded = user.crowded or out is not None
        if (claims, seats, crowded) == (one.claims, user.seats, user.crowded):
            return
        left = self.home(one) if one.claims and one.claims[0].other != claims[0].other else None
        self._put(msgspec.structs.replace(one, claims=claims))
        self._put(msgspec.structs.replace(user, seats=seats, crowded=crowded))
        self.dirty.add(one.identity)
        if (seats, crowded) != (user.seats, user.crowded):
            self.dirty |= {user.identity, *(() if out is None else (out,))}
        if left is not None:
            self.dirty.add(left)
        self.told.append(claim)

    def _tie(self, claim: Claim) -> None:
        names = {claim.alias: claim.known_as, claim.claimed: claim.claimed_as}
        one, other = sorted(names)
        roots = [self._root(self._opened(end, names[end])) for end in (one, other)]
        root, second = sorted(roots, key=lambda each: each.identity)
        on = claim.reason != PARTED
        new = Tie(claim.time, one, other, claim.reason, claim.origin, claim.told_at, on)
        if not by_hand(new):
            new = msgspec.structs.replace(new, previous=claim.alias)
        ties, out = _bounded([*root.ties, *second.ties, new], TIES_PER_CAP * self._cap)
        frayed = root.frayed or second.frayed or bool(out)
        if root.identity == second.identity and (ties, frayed) == (root.ties, root.frayed):
            return
        ends = {one, other, *(end for tie in (*ties, *out) for end in (tie.one, tie.other))}
        for end in (*ends, second.identity):
            self._put(
                msgspec.structs.replace(
                    self._opened(end, names.get(end, "")), web=root.identity, ties=(), frayed=False
                )
            )
        self._put(
            msgspec.structs.replace(
                self._opened(root.identity, names.get(root.identity, "")), web=0, ties=ties, frayed=frayed
            )
        )
        self.dirty |= {one, other, *(end for tie in out for end in (tie.one, tie.other))}
        self.told.append(claim)

    def _set_apart(self, claim: Claim) -> None:
        record = self._opened(claim.alias, claim.known_as)
        apart = claim.reason == APART
        if (claim.told_at, apart) > (record.apart_at, record.apart):
            self._put(msgspec.structs.replace(record, apart=apart, apart_at=claim.told_at))
            self.dirty |= {record.identity}
            self.told.append(claim)

    def _opened(self, one: int, name: str) -> Identity:
        record = self.get(one)
        if record is None:
            return Identity(identity=one, known_as=name, person_id=one)
        return record if record.known_as or not name else msgspec.structs.replace(record, known_as=name)

    def _put(self, record: Identity) -> None:
        self.get(record.identity)
        self._now[record.identity] = record

    def _root(self, record: Identity) -> Identity:
        """Where the ties of all who are tied to this one are kept."""
        while record.web:
            above = self.get(record.web)
            if above is None:
                break
            record = above
        return record

    def _any_apart(self, tie: Tie) -> bool:
        ends = (self.get(end) for end in (tie.one, tie.other))
        return any(record is not None and record.apart for record in ends)


def _earliest(claims: tuple[Told, ...], told: Told) -> tuple[Told, ...]:
    """The earliest claim of each origin, at most `ORIGINS`, the earliest first."""
    if any(known <= told and known.origin == told.origin for known in claims):
        return claims
    kept = [known for known in claims if known.origin != told.origin]
    insort(kept, told)
    return tuple(kept[:ORIGINS])


def _earliest_aliases(ties: Iterable[Tie]) -> set[Tie]:
    """Of each previous id the earliest alias."""
    found: dict[int, Tie] = {}
    for tie in ties:
        if not by_hand(tie):
            found[tie.previous] = min(tie, found.get(tie.previous, tie))
    return {*found.values()}


def _seated(
    seats: tuple[tuple[int, int], ...], seat: tuple[int, int], cap: int
) -> tuple[tuple[tuple[int, int], ...], int | None]:
    """The earliest seats with this one among them, and who has none any more."""
    kept = list(seats)
    for known in seats:
        if known[1] == seat[1]:
            if known <= seat:
                return seats, None
            kept.remove(known)
    insort(kept, seat)
    out = kept[cap:]
    return tuple(kept[:cap]), out[0][1] if out else None


def _bounded(ties: Iterable[Tie], most: int) -> tuple[tuple[Tie, ...], list[Tie]]:
    """Of each pair the latest act and the earliest telling of each direction.

    Of the tellings at most so many, and those that are left out.
    """
    acts: dict[tuple[int, int], Tie] = {}
    told: dict[tuple[int, int, int], Tie] = {}
    for tie in ties:
        pair = (tie.one, tie.other)
        if by_hand(tie):
            known = acts.get(pair)
            if known is None or (tie.told_at, not tie.on, tie) > (known.told_at, not known.on, known):
                acts[pair] = tie
        elif (*pair, tie.previous) not in told or tie < told[*pair, tie.previous]:
            told[*pair, tie.previous] = tie
    first = sorted(told.values())
    return (*sorted(acts.values()), *first[:most]), first[most:]
