"""Segments as they are shown to who asks: with size and words, and their members page by page."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec
import pyarrow as pa

from volano.domain.profile import Profile
from volano.domain.segment import Segment
from volano.errors import BadRule
from volano.flow.house import House
from volano.flow.segments import named_people
from volano.flow.shop import shop_of, units_of
from volano.observe.overlap import sizes
from volano.rules.words import sentence

LOOK = 100_000  # people who are looked at for a page


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that is kept: how many people but staff are in it, and its rule, in words too."""

    key: str
    name: str
    people: int
    rule: dict[str, Any]
    said: str
    why: str


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in a segment: `u:<user id>`, else `a:<anonymous id>`, and since when (UTC µs)."""

    person_id: int
    known_as: str
    since: int


def kept_segments(house: House, everybody: pa.Table) -> list[Kept]:
    """All segments, given the facts `segments` of everybody."""
    inside, units = sizes(everybody), units_of(shop_of(house.state, house.settings))

    def said(rule: Any) -> str:
        try:
            return sentence(rule, units)
        except BadRule as error:
            return f"cannot be read: {error.message}"

    return [
        Kept(
            key=one.key,
            name=one.name,
            people=inside.get(one.key, 0),
            rule=one.rule,
            said=said(one.rule),
            why=one.why,
        )
        for one in house.state.find(Segment)
    ]


def member_page(
    house: House, key: str, *, staff: Container[int], after: int = -1, limit: int, look: int = LOOK
) -> tuple[list[Member], int | None]:
    """The next people in a segment but staff, by ascending id, and after which id to go on; None: the end.

    Of large shops only `look` people are looked at, so a page may have fewer than `limit`, even none.
    """
    house.state.get(Segment, key)
    found: list[Profile] = []
    last: int | None = None
    for number, (_, profile) in enumerate(house.profiles.scan(Profile, low=after + 1)):
        if number == look or len(found) == limit:
            break
        last = profile.person_id
        if key in profile.segments and last not in staff:
            found.append(profile)
    else:
        last = None
    names = named_people(house.lake, [one.person_id for one in found]) if found else {}
    members = [
        Member(person_id=one.person_id, known_as=names[one.person_id], since=one.segments[key])
        for one in found
    ]
    return members, last
