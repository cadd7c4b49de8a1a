"""Profiles from what people did: fold facts into a profile, join two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from volano.domain.event import ORDER_COMPLETED, ORDER_REFUNDED
from volano.domain.profile import Profile

COUNTED = 32  # the latest orders and refunds that a profile remembers by id
_COUNT = (ORDER_COMPLETED, ORDER_REFUNDED)


class Fact(NamedTuple):
    """One row of events, as far as profiles care. Times are UTC µs, revenue minor units."""

    time: int
    id: int
    event: str
    source: str | None = None
    medium: str | None = None
    device: str | None = None
    revenue: int | None = None


def folded(profile: Profile, facts: Iterable[Fact]) -> Profile:
    """The profile after the facts. An order that is told twice counts once, as long as it is remembered.

    >>> order = Fact(time=5, id=1, event="Order Completed", revenue=300)
    >>> folded(Profile(person_id=9), [order, order]).orders
    1
    """
    first, last, last_order = profile.first_seen, profile.last_seen, profile.last_order
    source, medium, device = profile.source, profile.medium, profile.device
    orders, revenue, counted = profile.orders, profile.revenue, dict(profile.counted)
    for fact in facts:
        first = min(first or fact.time, fact.time)
        if fact.time >= last:
            last = fact.time
            device = fact.device or device
            if fact.source:
                source, medium = fact.source, fact.medium or ""
        if fact.event in _COUNT and fact.id not in counted:
            counted[fact.id] = fact.revenue or 0
            revenue += fact.revenue or 0
            if fact.event == ORDER_COMPLETED:
                orders, last_order = orders + 1, max(last_order, fact.time)
    return Profile(
        person_id=profile.person_id,
        first_seen=first,
        last_seen=last,
        orders=orders,
        revenue=revenue,
        last_order=last_order,
        source=source,
        medium=medium,
        device=device,
        assigned=profile.assigned,
        counted=latest(counted),
    )


def joined(one: Profile, alias: Profile) -> Profile:
    """The profile of `one` once `alias` is known to be the same person; orders told to both count once.

    It remembers the orders of both: `folded` cuts them to the latest.
    """
    newer = one if one.last_seen >= alias.last_seen else alias
    older = alias if newer is one else one
    twice = one.counted.keys() & alias.counted.keys()
    return Profile(
        person_id=one.person_id,
        first_seen=min((time for time in (one.first_seen, alias.first_seen) if time), default=0),
        last_seen=newer.last_seen,
        orders=one.orders + alias.orders - sum(alias.counted[order] >= 0 for order in twice),
        revenue=one.revenue + alias.revenue - sum(alias.counted[order] for order in twice),
        last_order=max(one.last_order, alias.last_order),
        source=newer.source or older.source,
        medium=newer.medium if newer.source else older.medium,
        device=newer.device or older.device,
        assigned={**alias.assigned, **one.assigned},
        counted={**alias.counted, **one.counted},
    )


def assigned(profile: Profile, salt: str, by: str) -> Profile:
    """The profile that remembers by which id a campaign first drew its variant."""
    if salt in profile.assigned:
        return profile
    return msgspec.structs.replace(profile, assigned={**profile.assigned, salt: by})


def turned(
    before: Mapping[int, Profile],
    facts: Mapping[int, Sequence[Fact]],
    drawn: Iterable[tuple[int, str, str]],
    links: Mapping[int, int],
) -> list[Profile]:
    """The profiles that change: aliases join their person (`links`), then come the facts and the draws.

    `before` holds the profiles known of all these people and aliases.
    """
    after: dict[int, Profile] = {}

    def current(person: int) -> Profile:
        return after.get(person) or before.get(person) or Profile(person_id=person)

    for alias, person in links.items():
        if alias in before:
            after[person] = joined(current(person), before[alias])
    for person, told in facts.items():
        after[person] = folded(current(person), told)
    for person, salt, by in drawn:
        after[person] = assigned(current(person), salt, by)
    return list(after.values())


def doubtful(
    before: Mapping[int, Profile], facts: Mapping[int, Sequence[Fact]], links: Mapping[int, int]
) -> set[int]:
    """The orders and refunds among the facts that may have counted so long ago that nobody remembers.

    The arguments are those of `turned`. A profile that remembers fewer than COUNTED has forgotten none.

    >>> buyer = Profile(person_id=9, counted={number: 100 for number in range(COUNTED)})
    >>> doubtful({9: buyer}, {9: [Fact(1, 5, "Order Completed"), Fact(1, 77, "Order Completed")]}, {})
    {77}
    """
    counted: dict[int, list[dict[int, int]]] = {}
    for one, person in [*links.items(), *((person, person) for person in facts)]:
        if one in before:
            counted.setdefault(person, []).append(before[one].counted)
    return {
        fact.id
        for person, told in facts.items()
        if any(len(some) >= COUNTED for some in counted.get(person, ()))
        for fact in told
        if fact.event in _COUNT and not any(fact.id in some for some in counted[person])
    }


def latest(counted: dict[int, int]) -> dict[int, int]:
    """The newest of them, as many as a profile remembers."""
    return counted if len(counted) <= COUNTED else dict(list(counted.items())[-COUNTED:])
