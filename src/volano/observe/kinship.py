"""From pairs to people: who hangs together when the earliest pairs count and nobody grows beyond a cap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinship:
    """Groups (a partition of the identities), and the ends of pairs that would have made one too large."""

    groups: list[set[int]]
    turned_away: set[int]


def kinship(identities: Iterable[int], pairs: Iterable[tuple[int, int]], cap: int) -> Kinship:
    """Joins pair after pair, in the order given, unless the group would have more than `cap` identities.

    >>> found = kinship([1, 2, 3, 4], [(1, 2), (2, 3), (3, 4)], cap=2)
    >>> sorted(map(sorted, found.groups)), sorted(found.turned_away)
    ([[1, 2], [3, 4]], [2, 3])
    """
    group = {one: {one} for one in identities}
    away: set[int] = set()
    for one, other in pairs:
        here, there = group[one], group[other]
        if here is there:
            continue
        if len(here) + len(there) > cap:
            away |= {one, other}
            continue
        larger, smaller = (here, there) if len(here) >= len(there) else (there, here)
        larger |= smaller
        for each in smaller:
            group[each] = larger
    return Kinship(groups=list({id(some): some for some in group.values()}.values()), turned_away=away)
