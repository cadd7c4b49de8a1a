"""Somebody who wants to be forgotten is taken out of everything that is kept."""

from __future__ import annotations

import csv
import hmac
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from volano.domain.campaign import Campaign
from volano.domain.change import Change, Key
from volano.domain.erasure import Erasures, Receipt
from volano.domain.hook import Call, DeadCall
from volano.domain.identity import Address, Identity, Kin
from volano.domain.profile import Profile
from volano.domain.registry import Property, Seen
from volano.domain.segment import Due, Move, Segment
from volano.domain.shop import Shop
from volano.domain.view import View
from volano.flow.decide import person_of
from volano.flow.everybody import left_out
from volano.flow.house import House
from volano.flow.joining import recalled, records, remade
from volano.flow.whom import Whom, addressed, just, quarantined, refused_lines, whom
from volano.observe.mentions import Mentions
from volano.observe.merges import mended, merges_of
from volano.observe.registry import seen_key
from volano.observe.stitching import Forgotten, forgotten
from volano.ports import CapCounter, Census, Corrections, Journal, PersonalKeys, Profiles, State

Backups = Callable[[Sequence[int]], tuple[list[str], list[str]]]


class Forgetting(House, Protocol):
    """A house with all places where somebody may be named."""

    @property
    def home(self) -> Path: ...
    @property
    def corrections(self) -> Corrections: ...
    @property
    def census(self) -> Census: ...
    @property
    def caps(self) -> CapCounter: ...
    @property
    def keys(self) -> PersonalKeys: ...
    def journals(self) -> Sequence[Journal]: ...


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
    events that name them), with the keys of what is sealed in it, from the live store, the lists of refused
    rows, the list of staff, the journals and what is noted beside the backups. The receipt names nobody. All
    of them go in one pass. What was interrupted is completed by running it again; to forget somebody twice,
    or somebody unknown, does no harm.
    """
    drain()
    with house.profiles.turn():
        gone = whom(house, ids)
        receipt = _erased(house, gone, now)
    told, unreached = backups(sorted(gone.hashes))
    secret = secrets.token_hex(16)
    receipt = replace(
        receipt,
        backups=tuple(told),
        unreached=tuple(unreached),
        marks=tuple(sorted(mark(secret, one) for one in ids)),
    )
    house.state.put(receipt)
    house.state.wipe()
    return replace(receipt, secret=secret)


def forget_just(
    house: Forgetting, identities: Collection[int], *, now: int, drain: Callable[[], object]
) -> None:
    """Forgets these identities, and nobody who is one with them: what they were one with stays."""
    drain()
    with house.profiles.turn():
        receipt = _erased(house, just(house, identities), now)
    house.state.put(receipt)
    house.state.wipe()


def mark(secret: str, id_: str) -> str:
    """How an id is marked on the receipt with this secret."""
    return hmac.new(secret.encode(), id_.encode(), "sha256").hexdigest()


def _erased(house: Forgetting, gone: Whom, now: int) -> Receipt:
    """Takes them out of everything; in the turn of the caller. What is found by their names goes first."""
    lines = _from_refused(house.home / "imports", gone)
    staff, rules = _from_staff(house.state, gone), _rules_with(house.state, gone)
    _from_examples(house, gone)
    dropped = house.caps.drop(gone.identities | {*gone.people})
    found, claimed, moved = _from_others(house, gone, now)
    rows = _from_lake(house, gone, claimed)
    keys = house.keys.drop(gone.identities)  # what copies of the lake hold of them, nobody reads any more
    dropped += _from_store(house, gone, found)
    moved |= recalled(house, now=now) if not found.exact else set()
    remade(house, {*moved, *gone.near} - set(gone.people), now=now)
    left_out(house, gone.near)
    house.profiles.put(Change(wiped=True))
    for journal in house.journals():
        journal.scrub(min(house.lake.offset(journal.name), house.profiles.offset(journal.name)))
    return Receipt(
        key=secrets.token_hex(8),
        at=now,
        people=gone.known,
        rows={table: count for table, count in rows.items() if count},
        keys=keys,
        records=dropped,
        lines=lines,
        staff=staff,
        rules=rules,
    )


def _from_refused(folder: Path, gone: Whom) -> int:
    """Takes lines that name them out of the lists of refused rows of imports; how many."""
    count = 0
    for path, mine, others in refused_lines(folder, gone):
        count += len(mine)
        beside = path.with_suffix(".part")
        with beside.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(others)
        beside.replace(path)
    return count


def _from_staff(state: State, gone: Whom) -> int:
    """Takes them off the list of staff; how many entries."""
    names, hashes, count = {name.casefold() for name in gone.names}, gone.hashes, 0
    for shop in state.find(Shop):
        kept = tuple(one for one in shop.staff if one.casefold() not in names and not addressed(one, hashes))
        if kept != shop.staff:
            count += len(shop.staff) - len(kept)
            state.put(replace(shop, staff=kept))
    return count


def _rules_with(state: State, gone: Whom) -> tuple[str, ...]:
    """The segments and campaigns whose rules may name them."""
    mentions = Mentions(gone.names)
    rules = [(f"segment {one.key}", one.rule) for one in state.find(Segment)]
    rules += [(f"campaign {one.key}", one.audience) for one in state.find(Campaign)]
    return tuple(name for name, rule in rules if any(map(mentions.within, _words(rule))))


def _words(rule: Any) -> Iterator[str]:
    """The texts in a rule."""
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, dict | list):
        for one in rule.values() if isinstance(rule, dict) else rule:
            yield from _words(one)


def _from_examples(house: Forgetting, gone: Whom) -> None:
    """Drops the examples of what they sent, which later events bring anew, and others that name them."""
    columns = ("identity", "origin", "event", "told")
    sent = house.lake.read(View(columns=columns, people=gone.near))
    sent = sent.filter(pc.is_in(sent.column("identity"), pa.array(sorted(gone.identities), pa.int64())))
    texts = (sent.column(name).cast(pa.string()).to_pylist() for name in columns[1:])
    keys = {seen_key(origin or "", told or event or "") for origin, event, told in zip(*texts, strict=True)}
    mentions, changed = Mentions(gone.names), []
    for key, seen in house.profiles.scan(Seen):
        kept = {name: _without(one, mentions, whole=key in keys) for name, one in seen.properties.items()}
        if kept != seen.properties:
            changed.append((key, replace(seen, properties=kept)))
    if changed:
        house.profiles.put(Change(puts=tuple(changed)))


def _without(one: Property, mentions: Mentions, *, whole: bool) -> Property:
    left = () if whole else tuple(example for example in one.examples if not mentions.within(example))
    return replace(one, examples=left)


def _from_others(house: Forgetting, gone: Whom, now: int) -> tuple[Forgotten, list[int], set[int]]:
    """What others are without them, told before anything goes.

    Also the rows of others that tell of them, and the people of whom some are somebody else now.
    """
    merges = house.lake.read(View(tables=("merges",), columns=("id", "alias", "claimed", "known_as")))
    mine = pa.array(sorted(gone.identities), pa.int64())
    named, theirs = (pc.is_in(merges.column(name), mine) for name in ("claimed", "alias"))
    others = {
        *merges.column("alias").filter(named).to_pylist(),
        *merges.column("claimed").filter(theirs).to_pylist(),
    }
    store = house.profiles
    found = forgotten(gone.identities, records(store, Identity), records(store, Kin), others=others - {None})
    moved: set[int] = set()
    if found.exact:
        links = mended(merges, _left(store, gone, found), now=now)
        if links:
            house.lake.append({"merges": merges_of(links)})
        moved = {person for link in links for person in (link.was, link.person_id)}
        store.put(Change(puts=tuple(found.left.identities.items())))
    return found, merges.column("id").filter(named).to_pylist(), moved


def _left(store: Profiles, gone: Whom, found: Forgotten) -> dict[int, int]:
    """Who those are now that were one with them and stay."""
    kins = filter(None, (store.get(Kin, person) for person in gone.near))
    stay = {one for kin in kins for one in kin.identities} - gone.identities
    changed = {one: record.person_id for one, record in found.left.identities.items()}
    return {
        one: changed.get(one, one if one in found.dropped else person_of(store, one)) for one in stay
    } | changed


def _from_lake(house: Forgetting, gone: Whom, claimed: list[int]) -> dict[str, int]:
    """All rows of theirs, those of others that tell of them, and quarantined events that name them."""
    also = {"quarantine": quarantined(house.lake, gone).column("id").to_pylist(), "merges": claimed}
    return house.corrections.forget(gone.people, sorted(gone.identities), also=also)


def _from_store(house: Forgetting, gone: Whom, found: Forgotten) -> int:
    """Their records; how many."""
    store, people = house.profiles, set(gone.people)
    drops: list[tuple[type[msgspec.Struct], Key]] = [(Identity, one) for one in sorted(found.dropped)]
    drops += [
        (kind, one) for kind in (Profile, Kin) for one in gone.people if store.get(kind, one) is not None
    ]
    drops += [
        (kind, key) for kind in (Due, Move) for key, one in _scan(store, kind) if one.person_id in people
    ]
    mine = people | gone.identities  # what waits for a web hook names who they were when it was caused
    drops += [
        (kind, key) for kind in (Call, DeadCall) for key, one in store.scan(kind) if one.person_id in mine
    ]
    puts: list[tuple[Key, msgspec.Struct]] = [*found.left.kins.items()] if found.exact else []
    drops += [(Kin, one) for one in found.left.dropped_kins - people] if found.exact else []
    for key, address in store.scan(Address):  # whatever they gave, not only last
        others = tuple(one for one in address.identities if one not in gone.identities)
        if others and others != address.identities:
            puts.append((key, Address(key=address.key, identities=others)))
        elif not others:
            drops.append((Address, key))
    before = store.get(Erasures, 0) or Erasures()
    puts.append((0, Erasures(times=before.times + 1)))
    store.put(Change(puts=tuple(puts), drops=tuple(drops)))
    return len(drops)


def _scan(store: Profiles, kind: type[Due] | type[Move]) -> Iterable[tuple[Key, Due | Move]]:
    return store.scan(kind)
