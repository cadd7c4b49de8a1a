"""What is told of who is who, into lake and profiles store together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.domain.change import Change, Key
from volano.domain.identity import APART, BY_HAND, Claim, Identity, Kin
from volano.domain.tables import HAPPENED
from volano.domain.view import View
from volano.errors import BadInput, NotFound
from volano.flow import ingest
from volano.flow.decide import person_of
from volano.flow.house import House
from volano.flow.knowledge import knowledge
from volano.flow.works import read_again
from volano.observe.acts import Named, joining, parting, undoing
from volano.observe.merges import MERGES, merges_of, rebuilt
from volano.observe.stitching import CAP, Link, Stitched, resolved
from volano.ports import Profiles

RECALLED = "import taken back"


def tell(house: House, claims: Sequence[Claim], rows: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Adds rows to the lake and what they claim to lake and store; returns the rows that were added.

    Should this end in the middle, telling the same again completes it. Profiles are left as they are.
    """
    with house.profiles.turn():
        found = resolved(claims, records(house.profiles, Identity), records(house.profiles, Kin))
        merges = {"merges": merges_of(found.links)} if found.links else {}
        added = house.lake.append({**rows, **merges})
        house.profiles.put(change_of(found))
        return added


def merge(house: ingest.Drained, one: int, other: int, *, by: str, now: int) -> Stitched:
    """Joins the people of two identities by hand; `by` is who says so. BadInput if that cannot be."""
    return _act(house, lambda: joining(_named(house, one), _named(house, other), by=by, now=now), now)


def unmerge(house: ingest.Drained, identity: int, *, by: str, now: int) -> Stitched:
    """Takes an identity out of its person: no telling joins it again. BadInput if it stands alone."""
    return _act(house, lambda: parting(_named(house, identity), _known(house), by=by, now=now), now)


def undo(house: ingest.Drained, identity: int, *, by: str, now: int) -> Stitched:
    """Takes back what was last done by hand about an identity. BadInput if nothing was."""
    return _act(house, lambda: undoing(_named(house, identity), _known(house), by=by, now=now), now)


def _act(house: ingest.Drained, claims: Callable[[], list[Claim]], now: int) -> Stitched:
    with house.profiles.turn():
        by = knowledge(house.state, house.settings)
        ingest.level(house.journals(), house.lake, house.profiles, by=by, now=now)
        acts = claims()
        if not acts:
            raise BadInput("nothing was done by hand about this identity: there is nothing to take back")
        found = resolved(acts, _known(house), records(house.profiles, Kin))
        if not found.moved:
            raise BadInput(_why_not(house, acts[0], found))
        house.lake.append({"merges": merges_of(found.links)})
        read_again(house.state)
        heirs = _heirs(found)
        remade(house, heirs, heirs=heirs, now=now)
        house.profiles.put(change_of(found))  # last: until then the act can be done again
        return found


def _heirs(found: Stitched) -> dict[int, set[int]]:
    """Everybody who gained or lost an identity, each with those of whom they are made."""
    heirs: dict[int, set[int]] = {}
    for was, person in found.moved.values():
        heirs.setdefault(person, set()).add(was)
        heirs.setdefault(was, set())
    return heirs


def remade(
    house: House, people: Iterable[int], *, heirs: Mapping[int, Iterable[int]] | None = None, now: int
) -> None:
    """Makes the profiles of some people anew, in the turn of the caller; see `ingest.remake`."""
    by = knowledge(house.state, house.settings)
    ingest.remake(house.lake, house.profiles, sorted(people), by=by, now=now, heirs=heirs)


def _why_not(house: House, act: Claim, found: Stitched) -> str:
    if act.reason == BY_HAND:
        known = {one: person_of(house.profiles, one) for one in (act.alias, act.claimed)}
        if known[act.alias] == known[act.claimed]:
            return f"{act.known_as} and {act.claimed_as} are the same person already"
        return f"together {act.known_as} and {act.claimed_as} would have more than {CAP} identities"
    if act.reason == APART and person_of(house.profiles, act.alias) == act.alias:
        return f"{act.known_as} is the one the others belong to, or stands alone: take out another identity"
    return f"nothing changes for {act.known_as}: it is what it would become"


def _named(house: House, identity: int) -> Named:
    """An identity with its name; NotFound for one that never told anything."""
    record = house.profiles.get(Identity, identity)
    if record is not None and record.known_as:
        return identity, record.known_as
    theirs = person_of(house.profiles, identity)
    told = View(tables=HAPPENED, columns=("identity", "known_as"), people=(theirs,))
    began = View(tables=("merges",), columns=("identity", "known_as"))  # an act that was interrupted
    for view in (told, began):
        rows = house.lake.read(view)
        mine = rows.filter(pc.equal(rows.column("identity"), identity)).column("known_as")
        names = mine.cast(pa.string()).drop_null()  # rows of our own, such as of segments, name nobody
        if len(names):
            return identity, names[0].as_py()
    raise NotFound(f"nothing is known of an identity {identity}: find people with `volano people find`")


def _known(house: House) -> Callable[[int], Identity | None]:
    return records(house.profiles, Identity)


def records(profiles: Profiles, kind: type[Any]) -> Callable[[int], Any]:
    """How the records of a kind are looked up."""
    return partial(profiles.get, kind)


def change_of(found: Stitched) -> Change:
    """The records of who is who that change, and the profiles of those who are nobody's name any more."""
    puts: list[tuple[Key, msgspec.Struct]] = [*found.identities.items(), *found.kins.items()]
    drops: list[tuple[type[msgspec.Struct], Key]] = [(Kin, person) for person in found.dropped_kins]
    return Change(puts=tuple(puts), drops=tuple(drops))


def whose(profiles: Profiles, identities: Any) -> Any:
    """The person of each identity (arrays of int64)."""
    moved = sorted(
        (one, record.person_id)
        for one, record in profiles.scan(Identity)
        if isinstance(one, int) and one != record.person_id
    )
    if not moved:
        return identities
    known = np.array(moved, np.int64)
    at = np.minimum(np.searchsorted(known[:, 0], identities), len(known) - 1)
    return np.where(known[at, 0] == identities, known[at, 1], identities)


def recall(house: House, *, now: int) -> frozenset[int]:
    """Makes the records of who is who anew from the lake, after rows were taken out of it.

    Whoever is another person by what is left is moved in the lake too; returns the people concerned.
    """
    with house.profiles.turn():
        return recalled(house, now=now)


def recalled(house: House, *, now: int) -> frozenset[int]:
    """The same for who has the turn already."""
    identities, kins = rebuilt(house.lake.read(MERGES))
    known = dict(house.profiles.scan(Identity))
    after = {
        record.identity: identities[record.identity].person_id
        if record.identity in identities
        else record.identity
        for record in known.values()
    }
    moved = [record for record in known.values() if after[record.identity] != record.person_id]
    links = [_moved(record, after[record.identity], now) for record in moved]
    if links:
        house.lake.append({"merges": merges_of(links)})
        read_again(house.state)
    house.profiles.put(_difference(house.profiles, known, identities, kins))
    return frozenset(person for link in links for person in (link.was, link.person_id))


def _moved(record: Identity, person: int, now: int) -> Link:
    return Link(
        alias=record.identity,
        person_id=person,
        was=record.person_id,
        claimed=None,
        known_as=record.known_as,
        claimed_as="",
        time=now,
        reason=RECALLED,
        told_at=now,
        origin="",
    )


def _difference(
    profiles: Profiles,
    known: Mapping[Any, Identity],
    identities: Mapping[int, Identity],
    kins: Mapping[int, Kin],
) -> Change:
    before = dict(profiles.scan(Kin))
    puts: list[tuple[Key, msgspec.Struct]] = [
        (one, some) for one, some in identities.items() if known.get(one) != some
    ]
    puts += [(one, some) for one, some in kins.items() if before.get(one) != some]
    drops: list[tuple[type[msgspec.Struct], Key]] = [
        (Identity, one) for one in known if one not in identities
    ]
    drops += [(Kin, one) for one in before if one not in kins]
    return Change(puts=tuple(puts), drops=tuple(drops))
