"""What is sent and answered, as JSON: ids of people are texts, since many programs round large numbers."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from volano.flow.kept_segments import Kept
from volano.flow.people import Given, Join, Membership

MOST_IDS = 10_000
_Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        description="A user id, an anonymous id, an e-mail address or the id of a person; "
        "`u:…` and `a:…` mean just that user id or anonymous id.",
    ),
]


class Lookup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to find."""

    id: _Id


class Erase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to forget."""

    ids: Annotated[list[_Id], Meta(min_length=1, max_length=MOST_IDS)]


class FoundPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a text may mean, by what it was read as; times in UTC µs."""

    person_id: str
    by: str
    identities: int
    email: str
    first_seen: int
    last_seen: int
    orders: int


class FoundPeople(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody whom a text may mean: mostly one, or nobody."""

    people: list[FoundPerson]


class KnownIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A user id (`u:…`) or an anonymous id (`a:…`) of somebody, and why it is theirs."""

    known_as: str
    joins: tuple[Join, ...]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is, what is known of them, and a page of what happened, the latest first.

    `traits` are facts by their names in rules. `next` is where the next page of `timeline` begins, null at
    the end. `crowded`: more identities are told than are believed. Times are UTC µs, money in minor units.
    """

    person_id: str
    crowded: bool
    identities: list[KnownIdentity]
    traits: dict[str, Any]
    given: tuple[Given, ...]
    segments: tuple[Membership, ...]
    timeline: list[dict[str, Any]]
    next: str | None


class Segments(msgspec.Struct, frozen=True, kw_only=True):
    """All segments with how many of how many people are in them, as of a moment (UTC µs)."""

    segments: list[Kept]
    everybody: int
    as_of: int


class SegmentMember(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in a segment, and since when (UTC µs)."""

    person_id: str
    known_as: str
    since: int


class SegmentMembers(msgspec.Struct, frozen=True, kw_only=True):
    """A page of members; `next` is after whom the next one begins, null at the end."""

    people: list[SegmentMember]
    next: str | None
