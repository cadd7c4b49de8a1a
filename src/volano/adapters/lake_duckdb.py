"""The lake on one machine: Parquet split by bucket, sorted by person and time, kept in shape by DuckDB."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from volano.adapters import lake_ids, lake_shadows, lake_upkeep
from volano.adapters.lake_blocks import Blocks
from volano.adapters.lake_links import Links, add_links, read_links
from volano.adapters.lake_manifest import Draft, Manifest, ManifestStore
from volano.adapters.lake_parts import complete, derived, longs, write_split
from volano.domain.tables import TABLES
from volano.domain.view import Offset, View
from volano.errors import BadInput, BrokenHome
from volano.ports import T

Mask = npt.NDArray[np.bool_]

_GRACE = 300.0  # seconds a replaced file stays for readers of older snapshots
_PILES_PER_APPEND = 2  # so that the buckets, which fill alike, are not all joined in one call
_PENDING = 1_000  # aliases whose rows are moved at every reading


class DuckLake:
    """A lake in a directory; several processes may read and write it.

    The number of buckets is fixed when the lake is made: a lake that exists keeps its own. `clock` gives
    seconds since 1970 and names the day of arrival.
    """

    def __init__(
        self, path: Path, buckets: int = 16, *, clock: Callable[[], float] = time.time, grace: float = _GRACE
    ) -> None:
        if buckets < 1 or buckets & (buckets - 1):
            raise BadInput(f"buckets == {buckets}, must be a power of two")
        self.path = Path(path)
        self._store = ManifestStore(self.path, clock=clock, grace=grace)
        self._store.create(buckets)
        self._links: tuple[tuple[object, int], Links] | None = None

    @property
    def buckets(self) -> int:
        """Into how many buckets the people are split."""
        return self._store.snapshot().manifest.buckets

    def append(self, rows: Mapping[str, pa.Table], upto: Offset | None = None) -> dict[str, int]:
        """Commits rows and position together; see `ports.Lake`."""
        whole = {table: complete(table, some) for table, some in rows.items()}
        with self._store.writing() as draft:
            keep = {table: self._unknown(draft.manifest, table, some) for table, some in whole.items()}
            new = {table: _where(some, keep[table]) for table, some in whole.items()}
            self._link(draft, new.get("merges"))
            links = self._links_of(draft.manifest)
            for table, some in whole.items():
                self._shade(draft, table, _where(some, ~keep[table]), links)
                self._add(draft, table, new[table], links)
                lake_shadows.note(draft, self.path, table, new[table])
            for parts in lake_upkeep.piles(draft.manifest)[:_PILES_PER_APPEND]:
                lake_upkeep.join(draft, self.path, parts)
            if upto is not None:
                known = draft.manifest.offsets
                position = max(upto.position, known.get(upto.journal, 0))
                draft.change(offsets={**known, upto.journal: position})
        return {table: len(some) for table, some in new.items()}

    def tally(self, view: View, of: Callable[[pa.Table], T]) -> T | None:
        """The sum of `of` over the blocks that are not empty."""
        total: T | None = None
        for part in self._each(view, of):
            total = part if total is None else total + part
        return total

    def map(self, view: View, think: Callable[[pa.Table], pa.Table], into: str) -> int:
        """Replaces the derived table `into` by what `think` makes of the blocks."""
        if into in TABLES:
            raise BadInput(f"table {into!r} is append only: name another for what is derived")
        results = [derived(some) for some in self._each(view, think)]
        rows = pa.concat_tables(results, promote_options="permissive") if results else None
        with self._store.writing() as draft:
            new = write_split(draft, self.path, into, rows) if rows else []
            draft.swap([part for part in draft.manifest.parts if part.table == into], new)
        return sum(part.rows for part in new)

    def read(self, view: View) -> pa.Table:
        """All blocks as one table, bucket after bucket."""
        blocks = self._blocks(view)
        with self._pool(len(blocks)) as pool:
            rows = pa.concat_tables(list(pool.map(blocks.block, range(len(blocks)))))
        return rows.unify_dictionaries().combine_chunks()

    def offset(self, journal: str) -> int:
        """How far the rows of a journal have been committed."""
        return self._store.snapshot().manifest.offsets.get(journal, 0)

    def compact(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Moves strays for good and leaves one part per bucket and month of arrival; how many parts fewer."""
        before = len(self._store.snapshot().manifest.parts)
        with self._store.writing() as draft:
            links = self._links_of(draft.manifest)
            if len(links.pending):
                lake_upkeep.settle(draft, self.path, links)
        heaps = lake_upkeep.scattered(self._store.snapshot().manifest)
        for done, parts in enumerate(heaps):
            if progress is not None:
                progress(done, len(heaps))
            with self._store.writing() as draft:
                if set(parts) <= set(draft.manifest.parts):
                    lake_upkeep.join(draft, self.path, parts)
        if progress is not None:
            progress(len(heaps), len(heaps))
        return before - len(self._store.snapshot().manifest.parts)

    def withdraw(self, origin: str) -> int:
        """Removes every row of an origin, so that it may come again; people it joined stay joined.

        What a source told too while an import had it already comes back as the source told it.
        """
        with self._store.writing() as draft:
            removed = lake_upkeep.take_back(draft, self.path, origin)
            links = self._links_of(draft.manifest)
            for table in TABLES.keys() & removed.keys():
                self._add(draft, table, lake_shadows.lift(draft, self.path, table, removed[table]), links)
        return sum(len(ids) for table, ids in removed.items() if table in TABLES)

    def needs_compaction(self) -> bool:
        """Whether reading would be notably cheaper after `compact`."""
        manifest = self._store.snapshot().manifest
        pending = len(self._links_of(manifest).pending)
        return pending > _PENDING or any(
            len(parts) > lake_upkeep.PILE // 4 for parts in lake_upkeep.scattered(manifest)
        )

    def summary(self) -> dict[str, int]:
        """Rows of each table that has any."""
        rows: Counter[str] = Counter()
        for part in self._store.snapshot().manifest.parts:
            rows[part.table] += 0 if part.table in lake_shadows.SHADOWS else part.rows
        return dict(+rows)

    def verify(self) -> list[str]:
        """What is damaged, a sentence each; nothing when the lake is whole."""
        try:
            manifest = self._store.snapshot().manifest
        except BrokenHome as error:
            return [str(error)]
        return [*self._bad_parts(manifest), *self._bad_runs(manifest)]

    def _bad_parts(self, manifest: Manifest) -> Iterator[str]:
        for part in manifest.parts:
            try:
                rows = pq.read_metadata(self.path / part.path).num_rows
            except (OSError, pa.ArrowException) as error:
                yield f"the lake's {part.path} cannot be read ({error}): restore a backup"
            else:
                if rows != part.rows:
                    yield f"the lake's {part.path} has {rows} rows instead of {part.rows}: restore a backup"

    def _bad_runs(self, manifest: Manifest) -> Iterator[str]:
        for run in [*(run for runs in manifest.ids.values() for run in runs), *manifest.links]:
            try:
                rows = len(lake_ids.load(self.path, run))
            except BrokenHome as error:
                yield str(error)
            else:
                if rows != run.rows:
                    yield f"the lake's {run.path} has {rows} rows instead of {run.rows}: restore a backup"

    def _unknown(self, manifest: Manifest, table: str, rows: pa.Table) -> Mask:
        """True for the rows whose id the table does not have."""
        return lake_ids.fresh(self.path, manifest.ids.get(table, ()), longs(rows.column("id")))

    def _shade(self, draft: Draft, table: str, twice: pa.Table, links: Links) -> None:
        """Keeps aside what an import has kept out."""
        out = lake_shadows.kept_out(self.path, draft.manifest, table, twice)
        shadow = lake_shadows.shadow(table)
        self._add(draft, shadow, _where(out, self._unknown(draft.manifest, shadow, out)), links)

    def _link(self, draft: Draft, merges: pa.Table | None) -> None:
        if merges is None or not len(merges):
            return
        told = merges.filter(pc.is_valid(merges.column("alias")))
        pairs = zip(told.column("alias").to_pylist(), told.column("person_id").to_pylist(), strict=True)
        new = self._links_of(draft.manifest).accept(pairs)
        if new:
            add_links(draft, self.path, new)

    def _add(self, draft: Draft, table: str, rows: pa.Table, links: Links) -> None:
        if not len(rows):
            return
        ids = longs(rows.column("id"))
        at = rows.column_names.index("person_id")
        home = links.resolve(longs(rows.column("person_id")))
        rows = rows.set_column(at, rows.schema.field(at), pa.array(home))
        draft.swap([], write_split(draft, self.path, table, rows))
        lake_ids.add(draft, self.path, table, ids)

    def _links_of(self, manifest: Manifest) -> Links:
        key = (manifest.links, manifest.settled)
        known = self._links  # read once: another thread may put the links of another manifest there
        if known is None or known[0] != key:
            known = self._links = (key, read_links(self.path, manifest))
        return known[1]

    def _blocks(self, view: View) -> Blocks:
        snapshot = self._store.snapshot()
        return Blocks.of(self.path, snapshot, self._links_of(snapshot.manifest), view)

    def _each(self, view: View, of: Callable[[pa.Table], pa.Table]) -> Iterator[pa.Table]:
        """What `of` makes of each block with rows, in order, computed on all cores."""
        blocks = self._blocks(view)

        def one(bucket: int) -> list[pa.Table]:
            block = blocks.block(bucket)
            return [of(block)] if len(block) else []

        with self._pool(len(blocks)) as pool:
            for result in pool.map(one, range(len(blocks))):
                yield from result

    @staticmethod
    def _pool(blocks: int) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=min(blocks, os.cpu_count() or 1), thread_name_prefix="lake")


def _where(rows: pa.Table, keep: Mask) -> pa.Table:
    return rows if keep.all() else rows.filter(pa.array(keep))
