"""One person: found, and looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.identity import Address, Identity, Kin, Tie, Told
from volano.domain.profile import Profile
from volano.domain.segment import Segment
from volano.domain.shop import Shop
from volano.domain.tables import HAPPENED, TABLES
from volano.domain.view import View
from volano.errors import BadInput, BadRule, NotFound
from volano.flow.decide import person_of
from volano.flow.house import House
from volano.flow.joining import records
from volano.flow.shop import shop_of, units_of
from volano.observe.identity import address_key, identity
from volano.observe.telling import Book
from volano.observe.traits.rfm import RFM, told
from volano.ports import Lake, Profiles
from volano.rules.tree import fields, parse
from volano.rules.words import sentence

NAMED = re.compile(r"[ua]:.")
LATEST = 10**18  # UTC µs; nothing is later
TIMELINE = ("events", "decisions", "exposures", "deliveries")
HIDDEN = ("person_id", "id", "identity", "table")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was looked for: by what (user id, anonymous id, person id, e-mail), and a word on them."""

    person_id: int
    by: str
    identities: int
    email: str = ""
    first_seen: int = 0
    last_seen: int = 0
    orders: int = 0


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Why an identity is this person: what was told (UTC µs), by whom, and that it is one with `other`."""

    reason: str
    other: str
    time: int
    told_at: int
    origin: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An identity of a person; `apart`: taken out by hand once; `removable`: it can be taken out."""

    identity: int
    known_as: str
    joins: tuple[Join, ...] = ()
    apart: bool = False
    removable: bool = False


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A trait that was told: when (UTC µs), and what."""

    name: str
    value: Any
    time: int


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A segment that the person is in, since when (UTC µs), and its rule in words."""

    key: str
    name: str
    since: int
    why: str


class PersonPage(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is; `crowded`: more identities are told than are believed."""

    person_id: int
    identities: tuple[Known, ...]
    crowded: bool
    profile: Profile | None
    given: tuple[Given, ...]
    segments: tuple[Membership, ...]


def find(house: House, text: str) -> list[Found]:
    """Everybody whom a text may mean: a user id, an anonymous id, an e-mail address or the id of a person."""
    found: dict[int, Found] = {}
    for by, one in meant(house, text):
        person = person_of(house.profiles, one)
        if person not in found and _exists(house.profiles, one, person):
            found[person] = _found(house.profiles, person, by)
    return list(found.values())


def meant(house: House, text: str) -> list[tuple[str, int]]:
    """The identities that a text may mean, each with how it is read; they need not be known.

    `u:…` and `a:…`, as a person's page shows them, mean just that user id or anonymous id.
    """
    text = text.strip()
    if not text:
        return []
    if NAMED.match(text):
        return [("user id" if text[0] == "u" else "anonymous id", identity(text))]
    found = [("user id", identity(f"u:{text}")), ("anonymous id", identity(f"a:{text}"))]
    if text.isdecimal() and len(text) < 20 and int(text) < 2**63:
        found.append(("person id", int(text)))
    address = house.profiles.get(Address, address_key(text)) if "@" in text else None
    return found + [("e-mail", one) for one in (address.identities if address else ())]


def crowded(profiles: Profiles) -> list[int]:
    """Those (ascending) of whom more identities are told than are believed."""
    return [kin.person_id for _, kin in profiles.scan(Kin) if kin.crowded]


def told_of(profiles: Profiles, people: Iterable[int]) -> list[Found]:
    """A word on each of these persons."""
    return [_found(profiles, one, "person id") for one in people]


def found_one(house: House, text: str) -> int:
    """The one person whom a text means; NotFound when it is nobody, BadInput when it may be several."""
    people = find(house, text)
    if len(people) == 1:
        return people[0].person_id
    if not people:
        raise NotFound(
            f"nobody is known as {text!r}: give a user id, an anonymous id, an e-mail address or a person id"
        )
    told = ", ".join(f"{one.person_id} ({one.by})" for one in people)
    raise BadInput(f"{text!r} may be several people: name one by its person id, {told}")


def person(house: House, person_id: int, *, now: int) -> PersonPage:
    """Who a person is at `now` (UTC µs); NotFound for none."""
    if not 0 <= person_id < 2**63 or not _exists(house.profiles, person_id, person_id):
        raise NotFound(f"there is no person {person_id}: look them up with `volano people find`")
    kin = house.profiles.get(Kin, person_id)
    profile = house.profiles.get(Profile, person_id)
    members = kin.identities if kin else (person_id,)
    given = profile.given.items() if profile else ()
    return PersonPage(
        person_id=person_id,
        identities=_identities(house, person_id, members),
        crowded=kin is not None and kin.crowded,
        profile=profile,
        given=tuple(Given(name=name, value=told[1], time=told[0]) for name, told in sorted(given)),
        segments=_segments(house, profile, now),
    )


def timeline(
    house: House, person_id: int, *, before: int | None = None, below: int = 0, limit: int = 50
) -> list[dict[str, Any]]:
    """What happened, the latest first: events, decisions, exposures and deliveries before a moment (UTC µs).

    Of the moment itself those with an id below `below`. Each with `table`, `time` (UTC µs), `id` and the
    columns that hold something.
    """
    names = [name for table in TIMELINE for name in TABLES[table].names]
    columns = tuple(dict.fromkeys(name for name in names if name not in ("person_id", "time")))
    until = None if before is None else before + 1
    rows = house.lake.read(View(tables=TIMELINE, columns=columns, people=(person_id,), until=until))
    if before is not None:
        time, id_ = rows.column("time").cast(pa.int64()), rows.column("id")
        rows = rows.filter(pc.or_(pc.less(time, before), pc.less(id_, below)))
    order = pc.sort_indices(rows, sort_keys=[("time", "descending"), ("id", "descending")])
    return shown(rows.take(order.slice(0, limit)), hidden=("person_id", "identity"))


def timeline_page(
    house: House, person_id: int, place: str = "", *, limit: int = 50
) -> tuple[list[dict[str, Any]], str]:
    """A page of the timeline from a place on ("": from now), and the place where the next one begins.

    That is "" for none. A place is `<time>` (UTC µs), before which it begins, or `<time>.<id>`, a row after
    which it does; BadInput for another.
    """
    before, below = _place(place)
    rows = timeline(house, person_id, before=before, below=below, limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last['time']}.{last['id']}" if last else ""


def _place(text: str) -> tuple[int | None, int]:
    if not text:
        return None, 0
    time, _, row = text.partition(".")
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in (time, row or "0")):
        raise BadInput(
            f"{text[:60]!r} is no place in a timeline: give a moment in UTC microseconds, or what `next` said"
        )
    return min(int(time), LATEST), min(int(row or 0), 2**63 - 1)


def shown(rows: pa.Table, hidden: Iterable[str] = HIDDEN) -> list[dict[str, Any]]:
    """Rows as they are shown: times in UTC µs, and only the columns that hold something."""
    for at, one in enumerate(rows.schema):
        if pa.types.is_timestamp(one.type):
            rows = rows.set_column(at, one.name, rows.column(at).cast(pa.int64()))
    return [
        {name: value for name, value in row.items() if value is not None and name not in hidden}
        for row in rows.to_pylist()
    ]


def _exists(profiles: Profiles, one: int, person_id: int) -> bool:
    return (
        profiles.get(Profile, person_id) is not None
        or profiles.get(Identity, one) is not None
        or profiles.get(Kin, person_id) is not None
    )


def _found(profiles: Profiles, person_id: int, by: str) -> Found:
    kin, profile = profiles.get(Kin, person_id), profiles.get(Profile, person_id)
    many = len(kin.identities) if kin else 1
    if profile is None:
        return Found(person_id=person_id, by=by, identities=many)
    return Found(
        person_id=person_id,
        by=by,
        identities=many,
        email=profile.email,
        first_seen=profile.first_seen,
        last_seen=profile.last_seen,
        orders=profile.orders,
    )


def _identities(house: House, person_id: int, members: Iterable[int]) -> tuple[Known, ...]:
    """Users first, then by name."""
    names = _names(house.lake, person_id)
    book = Book(records(house.profiles, Identity), cap=1)
    known = [_known(book, one, set(members), names) for one in members]
    return tuple(sorted(known, key=lambda one: (one.known_as[:2] != "u:", one.known_as)))


def _known(book: Book, one: int, members: set[int], names: dict[int, str]) -> Known:
    record = book.get(one)
    if record is None:
        return Known(identity=one, known_as=names.get(one, ""))
    ties = [tie for tie in book.ties_of(one) if tie.on and {tie.one, tie.other} <= members]
    told = [claim for claim in record.claims[:1] if claim.other in members and not record.apart]
    joins = [_join(book, claim, claim.other) for claim in told]
    joins += [_join(book, tie, _end(tie, one)) for tie in ties]
    return Known(
        identity=one,
        known_as=record.known_as or names.get(one, ""),
        joins=tuple(joins),
        apart=record.apart,
        removable=bool(joins),
    )


def _end(tie: Tie, one: int) -> int:
    return tie.other if tie.one == one else tie.one


def _join(book: Book, told: Told | Tie, other: int) -> Join:
    record = book.get(other)
    name = record.known_as if record else ""
    return Join(reason=told.reason, other=name, time=told.time, told_at=told.told_at, origin=told.origin)


def _names(lake: Lake, person_id: int) -> dict[int, str]:
    """What the identities of a person are called, by their rows."""
    rows = lake.read(View(tables=HAPPENED, columns=("identity", "known_as"), people=(person_id,)))
    names = rows.column("known_as").cast(pa.string()).to_pylist()
    pairs = zip(rows.column("identity").to_pylist(), names, strict=True)
    return {one: name for one, name in pairs if name and identity(name) == one}


def _segments(house: House, profile: Profile | None, now: int) -> tuple[Membership, ...]:
    if profile is None or not profile.segments:
        return ()
    known = {segment.key: segment for segment in house.state.find(Segment)}
    shop = shop_of(house.state, house.settings)
    scores = told(profile, now=now, bounds=shop.rfm, currency=shop.currency)
    return tuple(
        Membership(key=key, name=known[key].name, since=since, why=_why(known[key], shop, scores))
        for key, since in sorted(profile.segments.items())
        if key in known
    )


def _why(segment: Segment, shop: Shop, scores: str) -> str:
    """The rule in words, and where it asks for the type of customer, what the person's comes from."""
    try:
        said = sentence(segment.rule, units_of(shop))
        asked = fields(parse(segment.rule)) & RFM.fields.keys()
    except BadRule as error:
        return f"its rule cannot be read: {error}"
    return f"{said}: {scores}" if asked and scores else said
