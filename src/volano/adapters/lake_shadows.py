"""What a source told when an import had it already: kept aside, and lifted when the import is undone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import lake_ids
from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Draft, Manifest
from volano.adapters.lake_parts import conformed, longs, read_part, sifted, stored_schema
from volano.domain.tables import TABLES, imported

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def shadow(table: str) -> str:
    """The name of the table of what an import kept out of `table`."""
    return f"shadow_{table}"


SHADOWS = frozenset(map(shadow, TABLES))


def note(draft: Draft, table: str, rows: pa.Table) -> None:
    """Remembers which of the rows that were added are of an import."""
    mine = rows.filter(imported(rows.column("origin")))
    if len(mine):
        lake_ids.add(draft, index(table), longs(mine.column("id")))


def comes(rows: pa.Table, events: Ids, else_: Mask) -> Mask:
    """True for rows told by one of these events; for those that are told by none what `else_` says."""
    if "event_id" not in rows.column_names:
        return else_
    column = rows.column("event_id")
    told: Mask = np.where(
        pc.is_valid(column).to_numpy(), lake_ids.among(longs(column), np.sort(events)), else_
    )
    return told


def kept_out(files: Files, manifest: Manifest, table: str, twice: pa.Table, events: Ids) -> pa.Table:
    """Of rows that `table` has already, those that come from a source while the table's are of an import.

    Those that are told by an event are kept out with it: `events` are the ids of those that are.
    """
    live = twice.filter(pc.invert(imported(twice.column("origin"))))
    theirs = lake_ids.known(files, manifest.ids.get(index(table), ()), longs(live.column("id")))
    return live.filter(pa.array(comes(live, events, theirs)))


def lift(draft: Draft, table: str, ids: Ids, events: Ids) -> pa.Table:
    """Takes out what had been kept out by rows with these ids, which are no longer in `table`.

    What is told by an event is taken out with it, so with one of `events`.
    """
    schema = stored_schema(table) or TABLES[table]
    found, gone = [schema.empty_table()], np.sort(ids)
    for part in [part for part in draft.manifest.parts if part.table == shadow(table)]:
        rows = read_part(draft.files, part, ["id", "event_id"])
        due = comes(rows, events, lake_ids.among(longs(rows.column("id")), gone))
        if due.any():
            rows = read_part(draft.files, part)
            found.append(conformed(rows.filter(pa.array(due)), schema))
            draft.swap([part], sifted(draft, part, ~due))
    lifted = pa.concat_tables(found)
    if len(lifted):
        lake_ids.subtract(draft, shadow(table), longs(lifted.column("id")))
    return lifted


def index(table: str) -> str:
    """Under which name the ids of imported rows lie beside those of all rows."""
    return f"imported_{table}"
