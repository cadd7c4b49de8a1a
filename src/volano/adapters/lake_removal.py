"""Rows taken out of a lake for good, in one commit, while others go on appending nearly all the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import lake_ids, lake_links
from volano.adapters.lake_compaction import settle_strays
from volano.adapters.lake_files import Files
from volano.adapters.lake_ids import among
from volano.adapters.lake_links import Links, arrivals, holds, read_links
from volano.adapters.lake_manifest import NEVER, Draft, Manifest, Part
from volano.adapters.lake_parts import longs, read_part, sifted, stored_schema
from volano.adapters.lake_shadows import SHADOWS, index
from volano.adapters.lake_store import Store
from volano.domain.tables import imported
from volano.errors import BrokenHome

Mask = npt.NDArray[np.bool_]
Pick = Callable[[Part], Mask | None]  # which rows to take out of a part; None: none
Think = Callable[[Draft, Part, Mask], Any]  # of the rows that are taken out; may write files into the draft

_LASTING = {"merges", index("merges"), "shadow_merges"}  # who is who does not grow old


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was taken out of a part, what is left of it, what was thought of it, the files made of it."""

    part: Part
    left: list[Part]
    rows: pa.Table
    thought: Any = None
    made: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many rows were taken out."""
        return self.part.rows - sum(part.rows for part in self.left)


@contextmanager
def taking_out(
    store: Store,
    pick_of: Callable[[Manifest], Pick],
    columns: Collection[str] = ("id",),
    think: Think | None = None,
) -> Iterator[tuple[Draft, list[Taken]]]:
    """Takes the rows that are picked out of all parts, and yields the commit with `columns` of them.

    Files and thoughts are made before the writer's turn, and are part of the commit; what came meanwhile is
    looked at in it, and everything if meanwhile somebody has become somebody else.
    """
    with store.preparing() as draft:
        take = partial(_taken, pick=pick_of(draft.manifest), columns=columns, think=think)
        seen, ready = set(), []
        for part in draft.manifest.parts:
            with suppress(BrokenHome):  # it was just replaced, or will be found broken in our turn
                ready.append(take(draft, part))
                seen.add(part.path)
        with store.writing() as commit:
            if commit.manifest.links != draft.manifest.links:
                take = partial(_taken, pick=pick_of(commit.manifest), columns=columns, think=think)
                seen, ready = set(), []
            there = {part.path for part in commit.manifest.parts}
            taken = [one for one in ready if one is not None and one.part.path in there]
            commit.take_over(draft, [path for one in taken for path in one.made])
            late = [part for part in commit.manifest.parts if part.path not in seen]
            taken += filter(None, [take(commit, part) for part in late])
            commit.swap([one.part for one in taken], [part for one in taken for part in one.left])
            yield commit, taken


def _taken(
    draft: Draft, part: Part, pick: Pick, columns: Collection[str], think: Think | None
) -> Taken | None:
    mask = pick(part)
    if mask is None or not mask.any():
        return None
    before = len(draft.fresh)
    left = sifted(draft, part, ~mask)
    rows = read_part(draft.files, part, columns).filter(pa.array(mask)) if columns else pa.table({})
    thought = think(draft, part, mask) if think is not None else None
    return Taken(part=part, left=left, rows=rows, thought=thought, made=tuple(draft.fresh[before:]))


def counted(taken: list[Taken]) -> dict[str, int]:
    """How many rows were taken out of each table; what an import had kept aside is not counted."""
    counts: Counter[str] = Counter()
    for one in taken:
        counts[one.part.table] += 0 if one.part.table in SHADOWS else one.count
    return dict(+counts)


def ids_of(taken: list[Taken], table: str) -> npt.NDArray[np.int64]:
    """The ids of the rows that were taken out of a table."""
    found = [longs(one.rows.column("id")) for one in taken if one.part.table == table]
    return np.concatenate(found or [np.empty(0, np.int64)])


def free(draft: Draft, taken: list[Taken]) -> None:
    """Forgets the ids of what was taken out, so that it may come again."""
    for table in {one.part.table for one in taken}:
        release(draft, table, ids_of(taken, table))


def release(draft: Draft, table: str, ids: npt.NDArray[np.int64]) -> None:
    """Forgets ids of a table, and that some came by an import."""
    for known in {table, index(table)} & draft.manifest.ids.keys():
        lake_ids.subtract(draft, known, ids)


def of_origin(files: Files, origin: str) -> Pick:
    """The rows that an origin brought."""

    def pick(part: Part) -> Mask | None:
        if stored_schema(part.table) is None:
            return None
        column = read_part(files, part, ["origin"]).column("origin").cast(pa.string())
        mask: Mask = pc.fill_null(pc.equal(column, origin), False).to_numpy()
        return mask

    return pick


def before(files: Files, time: int) -> Pick:
    """The rows of what happened before a time, in UTC µs."""

    def pick(part: Part) -> Mask | None:
        if stored_schema(part.table) is None or part.table in _LASTING or part.time_low >= time:
            return None
        if part.time_high < time:
            return np.ones(part.rows, np.bool_)
        mask: Mask = longs(read_part(files, part, ["time"]).column("time")) < time
        return mask

    return pick


def in_time(manifest: Manifest, table: str, rows: pa.Table) -> pa.Table:
    """The rows that have not expired before they come; what an import brings is taken as it is."""
    if table in _LASTING or manifest.expired == NEVER:
        return rows
    young = longs(rows.column("time")) >= manifest.expired
    return rows.filter(pc.or_(pa.array(young), imported(rows.column("origin"))))


def of_people(links: Links, people: Sequence[int], identities: Sequence[int]) -> Pick:
    """The rows of people, and those that arrived under identities."""
    gone, arrived = (np.unique(np.array(some, np.int64)) for some in (people, identities))
    whose = np.union1d(gone, links.resolve(arrived))
    under = np.union1d(whose, links.origins(whose))

    def pick(part: Part) -> Mask | None:
        if not holds(under, part.person_low, part.person_high):
            return None
        rows = read_part(links.files, part, ["person_id", "identity"])
        lies = longs(rows.column("person_id"))
        mask = among(lies, under)
        at = np.flatnonzero(mask)
        told = longs(rows.column("identity"))[at] if "identity" in rows.column_names else None
        identity = arrivals(lies[at], told)
        mask[at] = among(links.resolve(identity), gone) | among(identity, arrived)
        return mask

    return pick


def of_ids(files: Files, named: Mapping[str, Sequence[int]]) -> Pick:
    """The rows with these ids, by table."""
    wanted = {table: np.unique(np.array(ids, np.int64)) for table, ids in named.items() if ids}

    def pick(part: Part) -> Mask | None:
        if part.table not in wanted:
            return None
        return among(longs(read_part(files, part, ["id"]).column("id")), wanted[part.table])

    return pick


def either(one: Pick, other: Pick) -> Pick:
    """The rows that one or the other picks."""

    def pick(part: Part) -> Mask | None:
        here, there = one(part), other(part)
        return here if there is None else there if here is None else here | there

    return pick


def forget(
    store: Store, people: Sequence[int], identities: Sequence[int], also: Mapping[str, Sequence[int]]
) -> dict[str, int]:
    """Removes people from every file, and from those that wait to be deleted; rows of each table.

    Rows of theirs, or of others who lie under them, are first moved to where they belong, so that nothing
    need remember who they were before.
    """
    links = read_links(store.files, store.snapshot().manifest)
    named = np.array([*people, *identities], np.int64)
    if links.tell_of(np.concatenate([named, links.resolve(named)])):
        settle_strays(store, partial(read_links, store.files))

    def pick_of(manifest: Manifest) -> Pick:
        theirs = of_people(read_links(store.files, manifest), people, identities)
        return either(theirs, of_ids(store.files, also))

    store.leftovers()  # they may name them, too
    with taking_out(store, pick_of, ()) as (commit, taken):
        links = read_links(store.files, commit.manifest)
        lake_links.drop(commit, links, people, identities)
        commit.shred()
    store.sweep()
    return counted(taken)


def expire(store: Store, time: int) -> dict[int, int]:
    """Removes what happened before a time (UTC µs), which cannot come in any more; rows of each person.

    Ids that arrived before it need not be known any longer.
    """
    pick = before(store.files, time)
    with taking_out(store, lambda _: pick, ("person_id", "identity")) as (commit, taken):
        links = read_links(store.files, commit.manifest)
        commit.change(expired=max(time, commit.manifest.expired))
        for table in commit.manifest.ids.keys() - _LASTING:
            lake_ids.expire(commit, table, commit.manifest.expired)
    whose = [np.empty(0, np.int64)]
    for rows in [one.rows for one in taken if one.part.table not in SHADOWS]:
        told = longs(rows.column("identity")) if "identity" in rows.column_names else None
        whose.append(links.resolve(arrivals(longs(rows.column("person_id")), told)))
    people, times = np.unique(np.concatenate(whose), return_counts=True)
    return dict(zip(people.tolist(), times.tolist(), strict=True))
