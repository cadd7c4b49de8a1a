"""What keeps a lake in shape: merging parts, moving strays for good, taking an origin back."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from volano.adapters import lake_ids
from volano.adapters.lake_links import Links
from volano.adapters.lake_manifest import Draft, Manifest, Part
from volano.adapters.lake_parts import (
    ROW_GROUP,
    codec,
    longs,
    new_path,
    read_part,
    rest,
    sync_file,
    write_split,
)
from volano.adapters.lake_shadows import SHADOWS
from volano.domain.tables import TABLES

PILE = 32  # hot parts of one bucket that are borne
_HOT = 50_000  # rows below which a part counts as hot

Place = tuple[str, int]


def piles(manifest: Manifest) -> list[list[Part]]:
    """The hot parts of each bucket that has too many of them, the largest pile first."""
    hot: dict[Place, list[Part]] = defaultdict(list)
    for part in manifest.parts:
        if part.rows < _HOT:
            hot[part.table, part.bucket].append(part)
    return sorted((parts for parts in hot.values() if len(parts) > PILE), key=len, reverse=True)


def scattered(manifest: Manifest) -> list[list[Part]]:
    """The parts of each bucket and month of arrival that should be one."""
    months: dict[tuple[str, int, str], list[Part]] = defaultdict(list)
    for part in manifest.parts:
        months[part.table, part.bucket, part.day[:7]].append(part)
    return [parts for parts in months.values() if len(parts) > 1]


def join(draft: Draft, root: Path, parts: list[Part]) -> None:
    """Replaces parts of one bucket by one sorted part; DuckDB sorts, on disk if memory is short."""
    parts = sorted(parts, key=lambda part: (part.day, part.path))
    place, rows = (parts[0].table, parts[0].bucket), sum(part.rows for part in parts)
    path = new_path(draft, root, place, parts[-1].day)
    names = pq.read_metadata(root / parts[0].path).schema.names
    keys = ", ".join(f"{name} NULLS FIRST" for name in ("person_id", "time", "id") if name in names)
    files = [str(root / part.path) for part in parts]
    with duckdb.connect(config={"temp_directory": str(root / "spill")}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows_of = connection.read_parquet(files, union_by_name=True, hive_partitioning=False).order(keys)
        rows_of.write_parquet(str(root / path), compression=codec(rows), row_group_size=ROW_GROUP)
    sync_file(root / path)
    draft.swap(parts, [_joined(parts, path)])


def _joined(parts: list[Part], path: str) -> Part:
    return Part(
        path=path,
        table=parts[0].table,
        bucket=parts[0].bucket,
        day=parts[-1].day,
        rows=sum(part.rows for part in parts),
        time_low=min(part.time_low for part in parts),
        time_high=max(part.time_high for part in parts),
        person_low=min(part.person_low for part in parts),
        person_high=max(part.person_high for part in parts),
    )


def settle(draft: Draft, root: Path, links: Links) -> None:
    """Moves the rows of pending aliases to the bucket of the person they now belong to."""
    for part in draft.manifest.parts:
        if not links.any_between(part.person_low, part.person_high):
            continue
        stray = links.stray(longs(read_part(root, part, ["person_id"]).column("person_id")))
        if not stray.any():
            continue
        rows = read_part(root, part)
        moved = rows.filter(pa.array(stray))
        home = pa.array(links.resolve(longs(moved.column("person_id"))))
        moved = moved.set_column(moved.column_names.index("person_id"), "person_id", home)
        new = write_split(draft, root, part.table, moved.unify_dictionaries())
        draft.swap([part], [*rest(draft, root, part, rows.filter(pa.array(~stray))), *new])
    draft.change(settled=len(links.accepted))


def take_back(draft: Draft, root: Path, origin: str) -> dict[str, np.ndarray]:
    """Removes the rows of an origin and their ids, shadows too; returns the ids of each table."""
    removed: dict[str, list[np.ndarray]] = defaultdict(list)
    for part in draft.manifest.parts:
        if part.table not in TABLES and part.table not in SHADOWS:
            continue
        mine = _from(read_part(root, part, ["origin"]), origin)
        if not mine.any():
            continue
        rows = read_part(root, part)
        removed[part.table].append(longs(rows.column("id"))[mine])
        draft.swap([part], rest(draft, root, part, rows.filter(pa.array(~mine))))
    together = {table: np.concatenate(ids) for table, ids in removed.items()}
    for table, ids in together.items():
        lake_ids.subtract(draft, root, table, ids)
    return together


def _from(rows: pa.Table, origin: str) -> np.ndarray:
    column = rows.column("origin").cast(pa.string())
    mask: np.ndarray = pc.fill_null(pc.equal(column, origin), False).to_numpy()
    return mask
