"""The lake on one machine: Parquet split by bucket, sorted by person and time, kept in shape by DuckDB."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import (
    lake_compaction,
    lake_ids,
    lake_migration,
    lake_removal,
    lake_rewriting,
    lake_sealing,
    lake_shadows,
)
from volano.adapters.lake_blocks import Blocks
from volano.adapters.lake_files import Files
from volano.adapters.lake_links import Links, add_links, read_links
from volano.adapters.lake_manifest import Draft, Manifest
from volano.adapters.lake_parts import Longs, complete, derived, longs, write_rows
from volano.adapters.lake_seals import Seals
from volano.adapters.lake_sql import LakeSql
from volano.adapters.lake_store import Store
from volano.adapters.lake_verify import damage
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS, TABLES
from volano.domain.view import Offset, Only, View
from volano.errors import BadInput
from volano.ports import PersonalKeys, T

Mask = npt.NDArray[np.bool_]

_NONE: Mapping[str, Sequence[int]] = {}
_GRACE = 300.0  # seconds a replaced file stays, longer while somebody reads it
_JOINS_PER_APPEND = 2  # so that tables, which fill alike, are not all joined in one call
_PENDING = 1_000  # identities whose rows are moved at every reading


class DuckLake:
    """A lake in a directory; several processes may read and write it.

    The number of buckets is fixed when the lake is made: a lake that exists keeps its own. What tells of
    somebody directly is sealed with `keys`; without, it stands in the open. `clock` gives seconds since 1970
    and names the day of arrival.
    """

    def __init__(
        self,
        place: Path | Files,
        buckets: int = 16,
        *,
        keys: PersonalKeys | None = None,
        clock: Callable[[], float] = time.time,
        grace: float = _GRACE,
    ) -> None:
        if buckets < 1 or buckets & (buckets - 1):
            raise BadInput(f"buckets == {buckets}, must be a power of two")
        self._files = place if isinstance(place, Files) else Files(Path(place))
        self.path = self._files.root
        self._store = Store(self._files, clock=clock, grace=grace)
        self._seals = Seals(keys)
        self._store.create(buckets, sealed=keys is not None)
        lake_migration.migrate(self._store)

    @property
    def buckets(self) -> int:
        """Into how many buckets the people are split."""
        return self._store.snapshot().manifest.buckets

    def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, pa.Table]:
        """Commits rows and position together; see `ports.Lake`."""
        whole = {table: complete(table, some) for table, some in rows.items()}
        with self._store.writing() as draft:
            added = self._append(draft, whole)
            for parts in lake_compaction.crowded(draft.manifest)[:_JOINS_PER_APPEND]:
                lake_compaction.join_hot(draft, parts)
            if upto is not None:
                known = draft.manifest.offsets
                position = max(upto.position, known.get(upto.journal, 0))
                draft.change(offsets={**known, upto.journal: position})
        return added

    def _append(self, draft: Draft, whole: dict[str, pa.Table]) -> dict[str, pa.Table]:
        """Adds what is new of the rows, and keeps aside what an import has kept out."""
        whole = {table: lake_removal.in_time(draft.manifest, table, some) for table, some in whole.items()}
        keep = {table: self._unknown(draft.manifest, table, some) for table, some in whole.items()}
        events = _where(whole["events"], keep["events"]) if "events" in whole else EVENTS.empty_table()
        came = longs(events.column("id"))
        for table, some in whole.items():
            keep[table] &= lake_shadows.comes(some, came, np.ones(len(some), np.bool_))
        new = {table: _where(some, keep[table]) for table, some in whole.items()}
        links = self._linked(draft, new.get("merges"))
        added, shaded = {}, came[:0]
        for table, some in sorted(whole.items(), key=lambda one: one[0] != "events"):
            ids = self._shade(draft, table, _where(some, ~keep[table]), links, shaded)
            shaded = ids if table == "events" else shaded
            added[table] = self._add(draft, table, new[table], links)
            lake_shadows.note(draft, table, new[table])
        return added

    def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None:
        """The sum of `of` over the blocks that are not empty."""

        def summed() -> T | None:
            total: T | None = None
            for part in self._each(view, of):
                total = part if total is None else total + part
            return total

        return self._store.lasting(summed)

    def map(self, view: View, think: Callable[[pa.Table], pa.Table], into: str) -> int:
        """Replaces the derived table `into` by what `think` makes of the blocks."""
        if into in TABLES:
            raise BadInput(f"table {into!r} is append only: name another for what is derived")
        results = self._store.lasting(lambda: [derived(some) for some in self._each(view, think)])
        rows = pa.concat_tables(results, promote_options="permissive") if results else None
        with self._store.writing() as draft:
            new = write_rows(draft, into, rows) if rows else []
            draft.swap([part for part in draft.manifest.parts if part.table == into], new)
        return sum(part.rows for part in new)

    def read(self, view: View) -> pa.Table:
        """All blocks as one table, bucket after bucket."""
        return self._store.lasting(lambda: self._read(view))

    def _read(self, view: View) -> pa.Table:
        blocks = self._blocks(view)
        with self._pool(len(blocks.numbers)) as pool:
            rows = [blocks.empty(), *pool.map(blocks.block, blocks.numbers)]
        return pa.concat_tables(rows).unify_dictionaries().combine_chunks()

    def known(self, table: str, ids: Collection[int]) -> frozenset[int]:
        """Those of the ids that the table has or had; see `ports.Ids`."""
        asked = np.fromiter(ids, np.int64)

        def there() -> Mask:
            return lake_ids.known(self._files, self._store.snapshot().manifest.ids.get(table, ()), asked)

        return frozenset(asked[self._store.lasting(there)].tolist()) if len(asked) else frozenset()

    def offset(self, journal: str) -> int:
        """How far the rows of a journal have been committed."""
        return self._store.snapshot().manifest.offsets.get(journal, 0)

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Moves strays for good and leaves one part per bucket and month of arrival; how many parts fewer."""
        before = len(self._store.snapshot().manifest.parts)
        lake_compaction.compact(self._store, self._links_of, progress)
        lake_sealing.seal_all(self._store, self._seals, progress)
        lake_ids.merge_runs(self._store)
        return before - len(self._store.snapshot().manifest.parts)

    def needs_compaction(self) -> bool:
        """Whether reading would be notably cheaper after `compact`."""
        manifest = self._store.snapshot().manifest
        return (
            self._links_of(manifest).pending > _PENDING
            or any(len(parts) > lake_compaction.BORNE for parts in lake_compaction.scattered(manifest))
            or lake_ids.crowded(manifest)
            or lake_sealing.due(manifest, self._seals)
        )

    def withdraw(self, origin: str) -> int:
        """Removes every row of an origin, so that it may come again; people it joined stay joined.

        What a source told too while an import had it already comes back as the source told it.
        """
        pick = lake_removal.of_origin(self._files, origin)
        with lake_removal.taking_out(self._store, lambda _: pick) as (draft, taken):
            links = self._links_of(draft.manifest)
            lake_removal.free(draft, taken)
            events = lake_removal.ids_of(taken, "events")
            for table in TABLES:
                gone = lake_removal.ids_of(taken, table)
                self._add(draft, table, lake_shadows.lift(draft, table, gone, events), links)
        return sum(lake_removal.counted(taken).values())

    def sweep(self) -> None:
        """Deletes files that nobody needs any more; see `ports.Upkeep`."""
        self._store.sweep()

    def expire(self, before: int) -> dict[int, int]:
        """Removes what happened before a time (UTC µs), but not who is who; how many rows of each person."""
        return lake_removal.expire(self._store, before)

    def forget(
        self, people: Sequence[int], identities: Sequence[int], also: Mapping[str, Sequence[int]] = _NONE
    ) -> dict[str, int]:
        """Removes people and what arrived under identities, from the disk, too; rows of each table."""
        return lake_removal.forget(self._store, people, identities, also)

    def rewrite(self, only: Only, of: Callable[[pa.Table], Rewritten]) -> dict[str, pa.Table]:
        """Puts others in the place of events, in one commit; see `ports.Corrections`."""
        return lake_rewriting.rewrite(self._store, only, of, self._append, self._seals)

    def summary(self) -> dict[str, int]:
        """Rows of each table that has any."""
        rows: Counter[str] = Counter()
        for part in self._store.snapshot().manifest.parts:
            rows[part.table] += 0 if part.table in lake_shadows.SHADOWS else part.rows
        return dict(+rows)

    def verify(self) -> list[str]:
        """What is damaged, a sentence each; nothing when the lake is whole."""
        return damage(self._store)

    def sql(self) -> LakeSql:
        """The lake, for questions in SQL."""
        return LakeSql(self._store, self._seals.keys)

    def _unknown(self, manifest: Manifest, table: str, rows: pa.Table) -> Mask:
        """True for the rows whose id the table does not have."""
        return lake_ids.fresh(self._files, manifest.ids.get(table, ()), longs(rows.column("id")))

    def _shade(self, draft: Draft, table: str, twice: pa.Table, links: Links, events: Longs) -> Longs:
        """Keeps aside what an import has kept out, some of it with `events`; the ids of what is kept."""
        out = lake_shadows.kept_out(self._files, draft.manifest, table, twice, events)
        shadow = lake_shadows.shadow(table)
        new = _where(out, self._unknown(draft.manifest, shadow, out))
        self._add(draft, shadow, new, links)
        return longs(new.column("id"))

    def _linked(self, draft: Draft, merges: pa.Table | None) -> Links:
        """The links with what the rows say of who is who."""
        links = self._links_of(draft.manifest)
        if merges is None or not len(merges):
            return links
        told = merges.filter(pc.is_valid(merges.column("alias")))
        return add_links(draft, links, longs(told.column("alias")), longs(told.column("person_id")))

    def _add(self, draft: Draft, table: str, rows: pa.Table, links: Links) -> pa.Table:
        """Writes rows under the persons of now, and returns them so."""
        if not len(rows):
            return rows
        at = rows.column_names.index("person_id")
        home = links.resolve(longs(rows.column("identity")))
        rows = rows.set_column(at, rows.schema.field(at), pa.array(home))
        draft.swap([], write_rows(draft, table, self._seals.sealed(table, rows)))
        lake_ids.add(draft, table, longs(rows.column("id")))
        return rows

    def _links_of(self, manifest: Manifest) -> Links:
        return read_links(self._files, manifest)

    def _blocks(self, view: View) -> Blocks:
        snapshot = self._store.snapshot()
        return Blocks.of(self._files, snapshot, self._links_of(snapshot.manifest), view, self._seals)

    def _each(self, view: View, of: Callable[[pa.Table], pa.Table]) -> Iterator[pa.Table]:
        """What `of` makes of each block with rows, in order, computed on all cores."""
        blocks = self._blocks(view)

        def one(bucket: int) -> list[pa.Table]:
            block = blocks.block(bucket)
            return [of(block)] if len(block) else []

        with self._pool(len(blocks.numbers)) as pool:
            for result in pool.map(one, blocks.numbers):
                yield from result

    @staticmethod
    def _pool(blocks: int) -> ThreadPoolExecutor:
        workers = max(1, min(blocks, os.cpu_count() or 1))
        return ThreadPoolExecutor(max_workers=workers, thread_name_prefix="lake")


def _where(rows: pa.Table, keep: Mask) -> pa.Table:
    return rows if keep.all() else rows.filter(pa.array(keep))
