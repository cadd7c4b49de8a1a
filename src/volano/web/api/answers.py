"""The answers to what is asked with a secret key: each does what a command does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from volano.domain.erasure import Receipt
from volano.domain.segment import Segment
from volano.errors import BadInput, Busy, NotFound
from volano.flow import people as flow
from volano.flow.decide import person_of
from volano.flow.forgetting import forget
from volano.flow.handing_out import export
from volano.flow.ingest import drain_all
from volano.flow.kept_segments import Kept, kept_segments, member_page
from volano.flow.shop import lens_of, shop_of
from volano.observe.traits import facts
from volano.web.api.shapes import (
    Erase,
    FoundPeople,
    FoundPerson,
    KnownIdentity,
    Lookup,
    Person,
    SegmentMember,
    SegmentMembers,
    Segments,
)
from volano.web.console.choices import everybody
from volano.web.pages import Desk
from volano.wiring.backups import forget_in_backups


def find_people(desk: Desk, asked: Lookup) -> FoundPeople:
    """Everybody whom a text may mean."""
    return FoundPeople(
        people=[
            FoundPerson(
                person_id=str(one.person_id),
                by=one.by,
                identities=one.identities,
                email=one.email,
                first_seen=one.first_seen,
                last_seen=one.last_seen,
                orders=one.orders,
            )
            for one in flow.find(desk.house, asked.id)
        ]
    )


def forget_people(desk: Desk, asked: Erase) -> Receipt:
    """Forgets everybody whom the ids mean."""
    house, now = desk.house, desk.clock()
    receipt = forget(
        house,
        asked.ids,
        now=now,
        drain=partial(drain_all, house),
        backups=lambda hashes: forget_in_backups(house.state, hashes, now=now),
    )
    desk.turning.touched()
    return receipt


def person(desk: Desk, person_id: str, limit: int, before: str) -> Person:
    """Who somebody is, and what happened; whom an earlier id means now, if they were joined since."""
    house, now = desk.house, desk.clock()
    page = flow.person(house, _person(desk, person_id), now=now)
    rows, place = flow.timeline_page(house, page.person_id, before, limit=limit)
    bounds = shop_of(house.state, house.settings).rfm
    return Person(
        person_id=str(page.person_id),
        crowded=page.crowded,
        identities=[KnownIdentity(known_as=one.known_as, joins=one.joins) for one in page.identities],
        traits=facts(page.profile, now=now, bounds=bounds),
        given=page.given,
        segments=page.segments,
        timeline=[row | {"id": str(row["id"])} for row in rows],
        next=place or None,
    )


def export_person(desk: Desk, person_id: str) -> dict[str, Any]:
    """All that is kept of somebody."""
    return export(desk.house, _person(desk, person_id), now=desk.clock())


def segments(desk: Desk) -> Segments:
    """All segments with their sizes, counted a moment ago."""
    found = everybody(desk, ["segments"])
    if found is None:
        raise Busy("people are still being counted: ask again in a moment", "counting")
    people, as_of = found
    return Segments(segments=kept_segments(desk.house, people), everybody=people.num_rows, as_of=as_of)


def segment(desk: Desk, key: str) -> Kept:
    """One of them."""
    desk.house.state.get(Segment, key)  # NotFound, before anything is counted
    for one in segments(desk).segments:
        if one.key == key:
            return one
    raise NotFound(f"there is no segment with the key {key[:60]!r} any more")


def members(desk: Desk, key: str, limit: int, after: str) -> SegmentMembers:
    """A page of the people in a segment."""
    if after and not _is_id(after):
        raise BadInput(f"after is {after[:60]!r}; give what `next` said the last time", "bad_query")
    staff = desk.memo.of("staff", lambda: frozenset(lens_of(desk.house).staff))
    found, last = member_page(desk.house, key, staff=staff, after=int(after or -1), limit=limit)
    return SegmentMembers(
        people=[
            SegmentMember(person_id=str(one.person_id), known_as=one.known_as, since=one.since)
            for one in found
        ],
        next=None if last is None else str(last),
    )


ANSWERS: Mapping[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (find_people, forget_people, person, export_person, segments, segment, members)
}


def _person(desk: Desk, text: str) -> int:
    """The person of now with this id."""
    if not _is_id(text):
        raise NotFound(
            f"there is no person {text[:60]!r}: POST /api/v1/people/find finds people by other ids"
        )
    return person_of(desk.house.profiles, int(text))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < 2**63
