"""Whom somebody means who asks for what is kept of them, and where else but in their rows they are named."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.event import IDENTIFIED
from volano.domain.identity import Identity, Kin
from volano.domain.profile import Profile
from volano.domain.tables import OF_PEOPLE
from volano.domain.view import View
from volano.flow.decide import person_of
from volano.flow.house import House
from volano.flow.people import NAMED, meant
from volano.observe.addresses import COLUMNS as CALLS
from volano.observe.addresses import given_in
from volano.observe.identity import address_key
from volano.observe.mentions import Mentions
from volano.ports import Lake

_EMAIL = re.compile(r"[^\s\"'`,:;(){}\[\]<>@]{1,100}@[^\s\"'`,:;(){}\[\]<>@]{1,200}")
_QUARANTINED = ("id", "origin", "code", "message", "sample", "named")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """The people of now (`known`: how many there are), their identities, and the names they are told by.

    `people` are wholly meant; `near` are all among whose identities those meant are.
    """

    people: tuple[int, ...]
    near: tuple[int, ...]
    known: int
    identities: frozenset[int]
    names: frozenset[str]

    @property
    def hashes(self) -> frozenset[int]:
        """Those of the identities and of the e-mail addresses."""
        return self.identities | {address_key(name) for name in self.names if "@" in name}


def whom(house: House, ids: Sequence[str]) -> Whom:
    """Everybody whom the ids mean, with all their identities, and the ids themselves."""
    given = {one for text in ids for _, one in meant(house, text)}
    people = tuple(sorted({person_of(house.profiles, one) for one in given}))
    identities = {*given, *people}
    for person in people:
        kin = house.profiles.get(Kin, person)
        identities |= set(kin.identities) if kin else set()
    names = {text.strip() for text in ids} | {text.strip()[2:] for text in ids if NAMED.match(text.strip())}
    profiles = [house.profiles.get(Profile, person) for person in people]
    names |= {profile.email for profile in profiles if profile is not None and profile.email}
    seen, more = _told(house.lake, people)
    identities |= set(pc.unique(seen.column("identity")).drop_null().to_pylist())
    there = {person for person, profile in zip(people, profiles, strict=True) if profile is not None}
    there |= set(pc.unique(seen.column("person_id")).to_pylist())
    names |= more | _called(house, identities)
    return Whom(
        people=people,
        near=people,
        known=len(there),
        identities=frozenset(identities),
        names=frozenset(names),
    )


def just(house: House, identities: Iterable[int]) -> Whom:
    """These identities and no others, whoever they are one with."""
    gone = frozenset(identities)
    near = tuple(sorted({person_of(house.profiles, one) for one in gone}))
    seen, names = _told(house.lake, near, gone)
    there = set(pc.unique(seen.column("person_id")).to_pylist())
    names |= _called(house, gone)
    return Whom(people=(), near=near, known=len(there), identities=gone, names=frozenset(names))


def addressed(text: str, hashes: Set[int]) -> bool:
    """Whether a text gives an e-mail address that has one of these hashes, be the address itself lost."""
    return "@" in text and not hashes.isdisjoint(map(address_key, _EMAIL.findall(text)))


def quarantined(lake: Lake, whom: Whom) -> pa.Table:
    """The quarantined events that name them: by their hashes, or in what was kept of them."""
    rows = lake.read(View(tables=("quarantine",), columns=_QUARANTINED))
    mentions, hashes = Mentions(whom.names), {str(one) for one in whom.hashes}
    texts = [_texts(rows, name) for name in ("named", "message", "sample")]
    mine = [
        not hashes.isdisjoint((named or "").split()) or any(mentions.within(one) for one in kept if one)
        for named, *kept in zip(*texts, strict=True)
    ]
    return rows.filter(pa.array(mine, pa.bool_()))


def refused_lines(folder: Path, whom: Whom) -> Iterator[tuple[Path, list[list[str]], list[list[str]]]]:
    """Each list of refused rows of an import with lines that name them: these lines, and the others."""
    mentions, hashes = Mentions(whom.names), whom.hashes
    for path in sorted(folder.glob("*-refused.csv")) if folder.is_dir() else []:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
        named = [
            number > 0 and any(mentions.within(cell) or addressed(cell, hashes) for cell in line[1:])
            for number, line in enumerate(lines)
        ]
        mine, others = (
            [line for line, is_theirs in zip(lines, named, strict=True) if is_theirs is wanted]
            for wanted in (True, False)
        )
        if mine:
            yield path, mine, others


def _told(lake: Lake, people: Sequence[int], only: frozenset[int] | None = None) -> tuple[pa.Table, set[str]]:
    """Their rows, and the names and addresses in them; `only` of some identities."""
    calls = lake.read(View(columns=CALLS, only=(("event", (IDENTIFIED,)),), people=tuple(people)))
    names = {email for one, email in given_in(calls) if only is None or one in only}
    seen = lake.read(View(tables=OF_PEOPLE, columns=("identity", "known_as"), people=tuple(people)))
    if only is not None:
        seen = seen.filter(pc.is_in(seen.column("identity"), pa.array(sorted(only), pa.int64())))
    return seen, names | {name[2:] for name in set(_texts(seen, "known_as")) if name}


def _called(house: House, identities: Iterable[int]) -> set[str]:
    found = (house.profiles.get(Identity, one) for one in identities)
    return {record.known_as[2:] for record in found if record}


def _texts(rows: pa.Table, name: str) -> list[str | None]:
    found: list[str | None] = rows.column(name).cast(pa.string()).to_pylist()
    return found
