"""Events taken out of a lake, read anew, and put back with all that is made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import lake_ids
from volano.adapters.lake_blocks import text_among
from volano.adapters.lake_files import Files
from volano.adapters.lake_ids import among
from volano.adapters.lake_links import read_links
from volano.adapters.lake_manifest import Draft, Manifest, Part
from volano.adapters.lake_parts import complete, conformed, longs, read_part, sifted
from volano.adapters.lake_removal import free, release, taking_out
from volano.adapters.lake_store import Store
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS, TABLES
from volano.domain.view import Only
from volano.errors import BadInput

Append = Callable[[Draft, dict[str, pa.Table]], dict[str, pa.Table]]


def rewrite(
    store: Store, only: Only, of: Callable[[pa.Table], Rewritten], append: Append
) -> dict[str, pa.Table]:
    """Puts what `of` makes of the events that match in their place; the rows added, by table."""
    foreign = sorted({name for name, _ in only} - set(EVENTS.names))
    if foreign:
        raise BadInput(f"table 'events' has no column {foreign[0]!r}: it has {', '.join(EVENTS.names)}")

    def think(rows: pa.Table) -> Rewritten:
        rows = conformed(rows, EVENTS)
        links = read_links(store.files, store.snapshot().manifest)
        home = pa.array(links.resolve(longs(rows.column("identity"))))
        return of(rows.set_column(0, EVENTS.field(0), home))

    def pick_of(_: Manifest) -> Callable[[Part], npt.NDArray[np.bool_] | None]:
        return lambda part: _matching(store.files, part, only)

    with taking_out(store, pick_of, EVENTS.names, think) as (draft, taken):
        free(draft, taken)
        told: list[Rewritten] = [one for some in taken for one in some.thoughts]
        for table in sorted({name for one in told for name in one.drop}):
            ids = [np.array(one.drop[table], np.int64) for one in told if table in one.drop]
            _drop(draft, table, np.unique(np.concatenate(ids)))
        rows = _together(told)
        for table, some in rows.items():
            _release_gone(draft, table, longs(some.column("id")))
        return append(draft, rows)


def _matching(files: Files, part: Part, only: Only) -> npt.NDArray[np.bool_] | None:
    """Which rows of a part of events match."""
    if part.table != "events":
        return None
    rows = read_part(files, part, [name for name, _ in only])
    mask = np.ones(part.rows, np.bool_)
    for name, values in only:
        if name not in rows.column_names:
            return None
        mask &= pc.fill_null(text_among(rows.column(name), values), False).to_numpy()
    return mask


def _drop(draft: Draft, table: str, ids: npt.NDArray[np.int64]) -> None:
    """Removes rows by their ids, which may come again."""
    if table not in TABLES:
        raise BadInput(f"the lake has no table {table!r}: it has {', '.join(TABLES)}")
    for part in [part for part in draft.manifest.parts if part.table == table]:
        mask = among(longs(read_part(draft.files, part, ["id"]).column("id")), ids)
        if mask.any():
            draft.swap([part], sifted(draft, part, ~mask))
    release(draft, table, ids)


def _release_gone(draft: Draft, table: str, ids: npt.NDArray[np.int64]) -> None:
    """Forgets those of the ids whose rows are gone: what is to take their place would be lost with them."""
    known = np.unique(ids[lake_ids.known(draft.files, draft.manifest.ids.get(table, ()), ids)])
    if not len(known):
        return
    parts = [part for part in draft.manifest.parts if part.table == table]
    there = [longs(read_part(draft.files, part, ["id"]).column("id")) for part in parts]
    found = [some[among(some, known)] for some in there]
    release(draft, table, np.setdiff1d(known, np.concatenate([np.empty(0, np.int64), *found])))


def _together(told: list[Rewritten]) -> dict[str, pa.Table]:
    names = dict.fromkeys(name for one in told for name in one.rows)
    return {
        name: pa.concat_tables(complete(name, one.rows[name]) for one in told if name in one.rows)
        for name in names
    }
