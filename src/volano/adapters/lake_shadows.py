"""What a source told when an import had it already: kept aside, and lifted when the import is undone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import lake_ids
from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Draft, Manifest
from volano.adapters.lake_parts import conformed, longs, read_part, sifted
from volano.domain.tables import TABLES, imported


def shadow(table: str) -> str:
    """The name of the table of what an import kept out of `table`."""
    return f"shadow_{table}"


SHADOWS = frozenset(map(shadow, TABLES))


def note(draft: Draft, table: str, rows: pa.Table) -> None:
    """Remembers which of the rows that were added are of an import."""
    mine = rows.filter(imported(rows.column("origin")))
    if len(mine):
        lake_ids.add(draft, index(table), longs(mine.column("id")))


def kept_out(files: Files, manifest: Manifest, table: str, twice: pa.Table) -> pa.Table:
    """Of rows that `table` has already, those that come from a source while the table's are of an import."""
    live = twice.filter(pc.invert(imported(twice.column("origin"))))
    theirs = lake_ids.known(files, manifest.ids.get(index(table), ()), longs(live.column("id")))
    return live.filter(pa.array(theirs))


def lift(draft: Draft, table: str, ids: np.ndarray) -> pa.Table:
    """Takes out what had been kept out by rows with these ids, which are no longer in `table`."""
    found, gone = [TABLES[table].empty_table()], np.sort(ids)
    for part in [part for part in draft.manifest.parts if part.table == shadow(table)]:
        due = lake_ids.among(longs(read_part(draft.files, part, ["id"]).column("id")), gone)
        if due.any():
            rows = read_part(draft.files, part)
            found.append(conformed(rows.filter(pa.array(due)), TABLES[table]))
            draft.swap([part], sifted(draft, part, ~due))
    lifted = pa.concat_tables(found)
    if len(lifted):
        lake_ids.subtract(draft, shadow(table), longs(lifted.column("id")))
    return lifted


def index(table: str) -> str:
    """Under which name the ids of imported rows lie beside those of all rows."""
    return f"imported_{table}"
