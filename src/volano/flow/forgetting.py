"""Somebody who wants to be forgotten is taken out of everything that is kept."""

from __future__ import annotations

import csv
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.change import Change, Key
from volano.domain.erasure import Receipt
from volano.domain.event import IDENTIFIED
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.registry import Property, Seen
from volano.domain.segment import Due, Move
from volano.domain.tables import OF_PEOPLE
from volano.domain.view import View
from volano.flow.decide import person_of
from volano.flow.everybody import left_out
from volano.flow.house import House
from volano.flow.joining import recalled, records, remade
from volano.flow.people import NAMED, meant
from volano.observe.addresses import COLUMNS as CALLS
from volano.observe.addresses import given_in
from volano.observe.mentions import Mentions
from volano.observe.stitching import Forgotten, forgotten
from volano.ports import Census, Corrections, Journal, Profiles

Backups = Callable[[Sequence[int]], tuple[list[str], list[str]]]


class Forgetting(House, Protocol):
    """A house with all places where somebody may be named."""

    @property
    def home(self) -> Path: ...
    @property
    def corrections(self) -> Corrections: ...
    @property
    def census(self) -> Census: ...
    def journals(self) -> Sequence[Journal]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whom:
    """The people of now (`known`: how many there are), their identities, and the names they are told by."""

    people: tuple[int, ...]
    known: int
    identities: frozenset[int]
    names: frozenset[str]


def forget(
    house: Forgetting,
    ids: Sequence[str],
    *,
    now: int,
    drain: Callable[[], object],
    backups: Backups = lambda _: ([], []),
) -> Receipt:
    """Forgets everybody whom the ids mean (see `people.meant`), and the ids themselves.

    First everything that was acknowledged is drained; then they go from the lake (all rows, and quarantined
    events that name them), the live store, the lists of refused rows, the journals and what is noted beside
    the backups. The receipt names nobody. All of them go in one pass. What was interrupted is completed by
    running it again; to forget somebody twice, or somebody unknown, does no harm.
    """
    drain()
    with house.profiles.turn():
        whom = _whom(house, ids)
        found, claimed = _from_others(house, whom)
        rows = _from_lake(house, whom, claimed)
        dropped = _from_store(house, whom, found, now)
        left_out(house, whom.people)
        lines = _from_refused(house.home / "imports", whom)
        for journal in house.journals():
            journal.scrub(min(house.lake.offset(journal.name), house.profiles.offset(journal.name)))
    told, unreached = backups(sorted(whom.identities))
    receipt = Receipt(
        key=secrets.token_hex(8),
        at=now,
        people=whom.known,
        rows={table: count for table, count in rows.items() if count},
        records=dropped,
        lines=lines,
        backups=tuple(told),
        unreached=tuple(unreached),
    )
    receipt = msgspec.structs.replace(receipt, marks=tuple(sorted(mark(receipt.key, one) for one in ids)))
    house.state.put(receipt)
    return receipt


def mark(key: str, id_: str) -> str:
    """How an id is marked on the receipt with this key."""
    return hmac.new(key.encode(), id_.encode(), "sha256").hexdigest()


def _whom(house: Forgetting, ids: Sequence[str]) -> _Whom:
    given = {one for text in ids for _, one in meant(house, text)}
    people = tuple(sorted({person_of(house.profiles, one) for one in given}))
    identities = {*given, *people}
    for person in people:
        kin = house.profiles.get(Kin, person)
        identities |= set(kin.identities) if kin else set()
    names = {text.strip() for text in ids} | {text.strip()[2:] for text in ids if NAMED.match(text.strip())}
    for one in identities:
        record = house.profiles.get(Identity, one)
        names |= {record.known_as[2:]} if record else set()
    profiles = [house.profiles.get(Profile, person) for person in people]
    calls = house.lake.read(View(columns=CALLS, only=(("event", (IDENTIFIED,)),), people=people))
    emails = {email for _, email in given_in(calls)}
    emails |= {profile.email for profile in profiles if profile is not None and profile.email}
    seen = house.lake.read(View(tables=OF_PEOPLE, columns=("identity", "known_as"), people=people))
    identities |= set(pc.unique(seen.column("identity")).drop_null().to_pylist())
    names |= {name[2:] for name in _texts(seen, "known_as") if name}
    there = {person for person, profile in zip(people, profiles, strict=True) if profile is not None}
    there |= set(pc.unique(seen.column("person_id")).to_pylist())
    return _Whom(
        people=people,
        known=len(there),
        identities=frozenset(identities),
        names=frozenset(names | emails),
    )


def _texts(rows: pa.Table, name: str) -> list[str | None]:
    found: list[str | None] = pc.unique(rows.column(name).cast(pa.string())).to_pylist()
    return found


def _from_others(house: Forgetting, whom: _Whom) -> tuple[Forgotten, list[int]]:
    """What others are without them, kept before anything goes; and the rows of others that tell of them."""
    merges = house.lake.read(View(tables=("merges",), columns=("id", "alias", "claimed")))
    gone = pa.array(sorted(whom.identities), pa.int64())
    named, theirs = (pc.is_in(merges.column(name), gone) for name in ("claimed", "alias"))
    others = {
        *merges.column("alias").filter(named).to_pylist(),
        *merges.column("claimed").filter(theirs).to_pylist(),
    }
    store = house.profiles
    found = forgotten(whom.identities, records(store, Identity), records(store, Kin), others=others - {None})
    if found.exact:
        store.put(Change(puts=tuple(found.left.identities.items())))
    return found, merges.column("id").filter(named).to_pylist()


def _from_lake(house: Forgetting, whom: _Whom, claimed: list[int]) -> dict[str, int]:
    """All rows of theirs, those of others that tell of them, and quarantined events that name them."""
    quarantined = house.lake.read(View(tables=("quarantine",), columns=("id", "sample")))
    mentions = Mentions(whom.names)
    texts = quarantined.column("sample").cast(pa.string()).to_pylist()
    samples = zip(quarantined.column("id").to_pylist(), texts, strict=True)
    named = [id_ for id_, sample in samples if sample and mentions.within(sample)]
    also = {"quarantine": named, "merges": claimed}
    return house.corrections.forget(whom.people, sorted(whom.identities), also=also)


def _from_store(house: Forgetting, whom: _Whom, found: Forgotten, now: int) -> int:
    """Their records; how many."""
    store, people = house.profiles, set(whom.people)
    drops: list[tuple[type[msgspec.Struct], Key]] = [(Identity, one) for one in sorted(found.dropped)]
    drops += [
        (kind, one) for kind in (Profile, Kin) for one in whom.people if store.get(kind, one) is not None
    ]
    drops += [
        (kind, key) for kind in (Due, Move) for key, one in _scan(store, kind) if one.person_id in people
    ]
    puts: list[tuple[Key, msgspec.Struct]] = [*found.left.kins.items()] if found.exact else []
    for key, address in store.scan(Address):  # whatever they gave, not only last
        others = tuple(one for one in address.identities if one not in whom.identities)
        if others and others != address.identities:
            puts.append((key, Address(key=address.key, identities=others)))
        elif not others:
            drops.append((Address, key))
    puts += _without_examples(store, Mentions(whom.names))
    store.put(Change(puts=tuple(puts), drops=tuple(drops)))
    if not found.exact:
        remade(house, recalled(house, now=now), now=now)
    return len(drops)


def _without_examples(store: Profiles, mentions: Mentions) -> Iterator[tuple[Key, Seen]]:
    """The records of what arrives whose examples name them, without these examples."""
    for key, seen in store.scan(Seen):
        kept = {
            name: Property(some.types, tuple(one for one in some.examples if not mentions.within(one)))
            for name, some in seen.properties.items()
        }
        if kept != seen.properties:
            yield key, msgspec.structs.replace(seen, properties=kept)


def _scan(store: Profiles, kind: type[Due] | type[Move]) -> Iterable[tuple[Key, Due | Move]]:
    return store.scan(kind)


def _from_refused(folder: Path, whom: _Whom) -> int:
    """Takes lines that name them out of the lists of refused rows of imports; how many."""
    mentions, gone = Mentions(whom.names), 0
    for path in sorted(folder.glob("*-refused.csv")) if folder.is_dir() else []:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
        kept = [line for line in lines if not (line and mentions.within(line[-1]))]
        if len(kept) < len(lines):
            gone += len(lines) - len(kept)
            beside = path.with_suffix(".part")
            with beside.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(kept)
            beside.replace(path)
    return gone
