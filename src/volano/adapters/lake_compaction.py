"""Few large sorted files out of many small ones, and rows moved to the people they belong to.

Files are read, sorted and written while others go on appending; only the exchange of finished files for old
ones takes the writer's turn, and it is left undone where somebody else was quicker.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa

from volano.adapters.lake_files import SORTING
from volano.adapters.lake_links import Links, arrivals, settle
from volano.adapters.lake_manifest import HOT, Draft, Manifest, Part
from volano.adapters.lake_parts import (
    ROW_GROUP,
    codec,
    conformed,
    edges,
    longs,
    new_path,
    order,
    read_part,
    sifted,
    stored_schema,
    with_identity,
    write_part,
    write_rows,
)
from volano.adapters.lake_store import Store
from volano.errors import BrokenHome

LinksOf = Callable[[Manifest], Links]
Progress = Callable[[int, int], None]

BORNE = 8  # hot files of a table, or parts of a bucket and month, that are borne
_TIER = 16  # hot files of about one size that are joined while appending
_TIERED = 4_000  # rows of the largest of them
_SMALL = 50_000  # rows of the largest part of a pile
_PILE = 64  # parts of one bucket that an append joins, if nobody compacts
_AT_ONCE = 400_000  # rows that are sorted in memory
_LARGE = 1_000_000  # rows from which a part is joined with others only when they are an eighth of it
_TRIES = 5


def crowded(manifest: Manifest) -> list[list[Part]]:
    """What an append joins in passing: hot files of about one size, or a pile that nobody compacts."""
    tiers: dict[tuple[str, int, int], list[Part]] = defaultdict(list)
    for part in manifest.parts:
        if part.bucket == HOT and part.rows < _TIERED:
            tiers[part.table, HOT, int(log(part.rows, 8))].append(part)
        elif part.rows < _SMALL:
            tiers[part.table, part.bucket, -1].append(part)
    piles = [parts for key, parts in tiers.items() if len(parts) >= (_PILE if key[2] < 0 else _TIER)]
    return sorted(piles, key=len, reverse=True)


def scattered(manifest: Manifest) -> list[list[Part]]:
    """The parts of each bucket and month of arrival that should be one; hot ones by table and month."""
    months: dict[tuple[str, int, str], list[Part]] = defaultdict(list)
    for part in manifest.parts:
        months[part.table, part.bucket, part.day[:7]].append(part)
    heaps = [due(parts) if key[1] != HOT else parts for key, parts in months.items()]
    return [parts for parts in heaps if len(parts) > 1 or (parts and parts[0].bucket == HOT)]


def due(parts: Sequence[Part]) -> list[Part]:
    """Those worth joining: a large part is spared until the others are an eighth of it, or many."""
    rows = sorted(parts, key=lambda part: part.rows)
    while len(rows) > 1 and rows[-1].rows >= _LARGE and len(rows) <= BORNE:
        if sum(part.rows for part in rows[:-1]) * 8 >= rows[-1].rows:
            break
        rows.pop()
    return rows if len(rows) > 1 else []


def compact(store: Store, links_of: LinksOf, progress: Progress | None = None) -> None:
    """Moves strays for good, then leaves about one part for each bucket and month of arrival."""
    settle_strays(store, links_of)
    hot = [parts for parts in scattered(store.snapshot().manifest) if parts[0].bucket == HOT]
    for parts in hot:
        _exchange(store, parts, _spread)
    heaps = [parts for parts in scattered(store.snapshot().manifest) if parts[0].bucket != HOT]
    total = len(hot) + len(heaps)
    for done, parts in enumerate(heaps):
        if progress is not None:
            progress(len(hot) + done, total)
        _exchange(store, parts, lambda draft, some: [joined(draft, some)])
    if progress is not None:
        progress(total, total)


def settle_strays(store: Store, links_of: LinksOf) -> None:
    """Moves rows to the bucket of the person they now belong to, and forgets the moves that led there."""
    for _ in range(_TRIES):
        with store.preparing() as draft:
            links = links_of(draft.manifest)
            if not links.pending:
                return
            doubtful = [
                part
                for part in draft.manifest.parts
                if links.any_left_between(part.person_low, part.person_high)
            ]
            exchanged = [
                unless_gone(store, some, partial(_settle_some, store, draft, some, links))
                for some in _batches(doubtful)
            ]
            if all(exchanged):
                with store.writing() as commit:
                    settle(commit, draft.manifest.commits)
                return


def _settle_some(store: Store, draft: Draft, parts: list[Part], links: Links) -> bool:
    """Puts the strays of some parts of one table and month where they belong; False if parts are gone."""
    old, new, moved = [], [], []
    for part in parts:
        who = read_part(draft.files, part, ["person_id", "identity"])
        told = longs(who.column("identity")) if "identity" in who.column_names else None
        people = longs(who.column("person_id"))
        strays = links.strays(people, told)
        if not len(strays):
            continue
        rows = read_part(draft.files, part)
        home = links.resolve(arrivals(people[strays], None if told is None else told[strays]))
        stray = with_identity(rows.take(pa.array(strays)))
        at = stray.column_names.index("person_id")
        moved.append(conformed(stray.set_column(at, "person_id", pa.array(home)), stored_schema(part.table)))
        here = np.ones(len(people), np.bool_)
        here[strays] = False
        old.append(part)
        new += sifted(draft, part, here)
    if not old:
        return exists(store.snapshot().manifest, parts)
    together = pa.concat_tables(moved, promote_options="permissive")
    new += write_rows(draft, parts[0].table, together, max(part.day for part in parts))
    return swapped(store, draft, parts, old, new)


def _batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts of one table and month, at most so many rows at a time."""
    months: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in parts:
        months[part.table, part.day[:7]].append(part)
    for some in months.values():
        batch: list[Part] = []
        for part in some:
            if batch and sum(it.rows for it in batch) + part.rows > _AT_ONCE:
                yield batch
                batch = []
            batch.append(part)
        yield batch


def _exchange(store: Store, parts: list[Part], make: Callable[[Draft, list[Part]], list[Part]]) -> None:
    with store.preparing() as draft:
        if exists(draft.manifest, parts):
            unless_gone(store, parts, lambda: swapped(store, draft, parts, parts, make(draft, parts)))


def unless_gone(store: Store, parts: list[Part], act: Callable[[], bool]) -> bool:
    """What `act` says; False if it could not read parts because somebody else has replaced them."""
    try:
        return act()
    except BrokenHome:
        if exists(store.snapshot().manifest, parts):
            raise
        return False


def exists(manifest: Manifest, parts: Iterable[Part]) -> bool:
    """Whether all the parts are still in the lake."""
    return {part.path for part in parts} <= {part.path for part in manifest.parts}


def swapped(store: Store, draft: Draft, seen: list[Part], old: list[Part], new: list[Part]) -> bool:
    """Exchanges `old` for `new` parts, if those that were `seen` are still there; False if not."""
    with store.writing() as commit:
        if not exists(commit.manifest, seen):
            return False
        commit.take_over(draft, [part.path for part in new])
        commit.swap(old, new)
    return True


def join_hot(draft: Draft, parts: list[Part]) -> None:
    """Replaces parts of one table by one, in the turn of a writer; hot ones by bucket when they are many."""
    if parts[0].bucket != HOT:
        draft.swap(parts, [joined(draft, parts)])
        return
    rows = _together(draft, parts)
    draft.swap(parts, write_rows(draft, parts[0].table, rows, max(part.day for part in parts)))


def _spread(draft: Draft, parts: list[Part]) -> list[Part]:
    """Hot parts of one table and month, written by bucket."""
    new = []
    for some in _batches(parts):
        rows, buckets = _together(draft, some), draft.manifest.buckets
        rows = rows.take(pa.array(order(rows, buckets)))
        bounds = edges(longs(rows.column("person_id")), buckets)
        for bucket in range(buckets):
            mine = rows.slice(bounds[bucket], bounds[bucket + 1] - bounds[bucket])
            if len(mine):
                new.append(write_part(draft, (some[0].table, bucket), mine, max(it.day for it in some)))
    return new


def _together(draft: Draft, parts: list[Part]) -> pa.Table:
    wanted = stored_schema(parts[0].table)
    rows = [conformed(read_part(draft.files, part), wanted) for part in parts]
    return pa.concat_tables(rows, promote_options="permissive")


def joined(draft: Draft, parts: list[Part]) -> Part:
    """Parts of one bucket as one; DuckDB sorts when they are large, on disk if memory is short."""
    parts = sorted(parts, key=lambda part: (part.day, part.path))
    place, day = (parts[0].table, parts[0].bucket), parts[-1].day
    if sum(part.rows for part in parts) <= _AT_ONCE:
        rows = _together(draft, parts)
        return write_part(draft, place, rows.take(pa.array(order(rows))), day)
    path = new_path(draft, place, day)
    with TemporaryDirectory(dir=draft.files.root, prefix=SORTING) as spill:
        target = Path(spill) / "sorted.parquet"
        _sort(draft, parts, target)
        draft.files.adopt(target, path)
    return Part(
        path=path,
        table=parts[0].table,
        bucket=parts[0].bucket,
        day=day,
        rows=sum(part.rows for part in parts),
        time_low=min(part.time_low for part in parts),
        time_high=max(part.time_high for part in parts),
        person_low=min(part.person_low for part in parts),
        person_high=max(part.person_high for part in parts),
    )


def _sort(draft: Draft, parts: list[Part], target: Path) -> None:
    files = [str(draft.files.local(part.path, target.parent)) for part in parts]
    wanted = stored_schema(parts[0].table)
    with duckdb.connect(config={"temp_directory": str(target.parent), "memory_limit": "1GB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
        if wanted is not None:
            rows = rows.project(", ".join(_column(field, rows.columns) for field in wanted))
        keys = ", ".join(
            f"{name} NULLS FIRST" for name in ("person_id", "time", "id") if name in rows.columns
        )
        rows.order(keys).write_parquet(
            str(target), compression=codec(sum(part.rows for part in parts)), row_group_size=ROW_GROUP
        )


def _column(field: pa.Field, present: list[str]) -> str:
    if field.name in present:
        return f'"{field.name}"'
    kinds = {pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.string(): "VARCHAR"}
    return f'CAST(NULL AS {kinds.get(field.type, "TIMESTAMPTZ")}) AS "{field.name}"'
