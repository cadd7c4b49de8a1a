"""Events taken out of a lake, read anew, and put back with all that is made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from volano.adapters import lake_ids
from volano.adapters.lake_blocks import text_among
from volano.adapters.lake_files import Files
from volano.adapters.lake_ids import Ids, among
from volano.adapters.lake_links import Links, read_links
from volano.adapters.lake_manifest import HOT, Draft, Manifest, Part
from volano.adapters.lake_parts import (
    ROW_GROUP,
    SPLIT,
    complete,
    conformed,
    groups_kept,
    longs,
    read_part,
    sifted,
    stored_schema,
    write_rows,
)
from volano.adapters.lake_removal import free, release, taking_out
from volano.adapters.lake_seals import Seals
from volano.adapters.lake_shadows import note
from volano.adapters.lake_store import Store
from volano.domain.rewritten import Rewritten
from volano.domain.tables import EVENTS, TABLES
from volano.domain.view import Only
from volano.errors import BadInput

HEADS = ["person_id", "id", "origin"]
_STORED = stored_schema("events") or EVENTS

Mask = npt.NDArray[np.bool_]
Append = Callable[[Draft, dict[str, pa.Table]], dict[str, pa.Table]]


def rewrite(
    store: Store, only: Only, of: Callable[[pa.Table], Rewritten], append: Append, seals: Seals
) -> dict[str, pa.Table]:
    """Puts what `of` makes of the events that match in their place; HEADS of the rows added, by table.

    What it makes is written before the writer's turn, some rows at a time; one commit takes all of it in.
    """
    foreign = sorted({name for name, _ in only} - set(EVENTS.names))
    if foreign:
        raise BadInput(f"table 'events' has no column {foreign[0]!r}: it has {', '.join(EVENTS.names)}")

    def pick_of(_: Manifest) -> Callable[[Part], Mask | None]:
        return lambda part: _matching(store.files, part, only)

    with taking_out(store, pick_of, ("id",), partial(_thought, of=of, seals=seals)) as (draft, taken):
        free(draft, taken)
        told: list[_Thought] = [one.thought for one in taken]
        for table in sorted({name for one in told for name in one.drop}):
            ids = [one.drop[table] for one in told if table in one.drop]
            _drop(draft, table, np.unique(np.concatenate(ids)))
        written: dict[str, list[_Written]] = defaultdict(list)
        for some in [some for one in told for some in one.written]:
            written[some.table].append(some)
        return {table: _accepted(draft, mine, append) for table, mine in written.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """Rows on the disk that are to come in: what must be known of them in the order in which they were told.

    `twice` are those whose id another of them has.
    """

    table: str
    parts: list[Part]
    heads: pa.Table
    twice: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thought:
    """What comes of the events of one part, and what goes with them, by table."""

    written: list[_Written]
    drop: dict[str, Ids]


def _thought(
    draft: Draft, part: Part, mask: Mask, *, of: Callable[[pa.Table], Rewritten], seals: Seals
) -> _Thought:
    """Reads the events anew, some at a time, and writes what comes of them."""
    links = read_links(draft.files, draft.manifest)
    written, drop = [], defaultdict(list)
    for rows in _some_at_a_time(groups_kept(draft.files, part, mask, _STORED)):
        told = of(_at_home(conformed(seals.opened(rows), EVENTS), links))
        for name, ids in told.drop.items():
            drop[name].append(np.array(ids, np.int64))
        for name, new in told.rows.items():
            if name == "merges":
                raise BadInput("who is who is not to be read anew from events")
            whole = seals.sealed(name, _at_home(complete(name, new), links))
            written.append(_written(draft, name, whole, hot=part.bucket == HOT))
    return _Thought(written=written, drop={name: np.concatenate(ids) for name, ids in drop.items()})


def _written(draft: Draft, table: str, rows: pa.Table, *, hot: bool) -> _Written:
    ids = longs(rows.column("id"))
    first = np.zeros(len(ids), np.bool_)
    first[np.unique(ids, return_index=True)[1]] = True
    fresh, twice = rows.filter(pa.array(first)), rows.filter(pa.array(~first))
    parts = write_rows(draft, table, fresh, split=SPLIT if hot else 0)
    return _Written(table=table, parts=parts, heads=fresh.select(HEADS), twice=twice)


def _some_at_a_time(groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
    some: list[pa.Table] = []
    for rows in groups:
        some.append(rows)
        if sum(map(len, some)) >= ROW_GROUP:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)


def _at_home(rows: pa.Table, links: Links) -> pa.Table:
    """The rows under the persons of now."""
    at = rows.column_names.index("person_id")
    home = pa.array(links.resolve(longs(rows.column("identity"))))
    return rows.set_column(at, rows.schema.field(at), home)


def _accepted(draft: Draft, written: list[_Written], append: Append) -> pa.Table:
    """Takes rows of one table in whose ids are not known; their heads. Others wait, if behind an import."""
    table, heads = written[0].table, pa.concat_tables(some.heads for some in written)
    ids = longs(heads.column("id"))
    _release_gone(draft, table, ids)
    keep = lake_ids.fresh(draft.files, draft.manifest.ids.get(table, ()), ids)
    twice, new = [some.twice for some in written], []
    at = 0
    for some in written:
        mine, at = slice(at, at + len(some.heads)), at + len(some.heads)
        known = np.sort(ids[mine][~keep[mine]])
        for part in some.parts:
            theirs = longs(read_part(draft.files, part, ["id"]).column("id")) if len(known) else known
            mask = among(theirs, known)
            if not mask.any():
                new.append(part)
                continue
            twice.append(conformed(read_part(draft.files, part).filter(pa.array(mask)), stored_schema(table)))
            new += sifted(draft, part, ~mask)
            draft.discard({part.path})
    draft.swap([], new)
    added = heads.filter(pa.array(keep))
    if len(added):
        lake_ids.add(draft, table, ids[keep])
        note(draft, table, added)
    more = pa.concat_tables(twice)
    if len(more):
        append(draft, {table: more})
    return added


def _matching(files: Files, part: Part, only: Only) -> Mask | None:
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


def _drop(draft: Draft, table: str, ids: Ids) -> None:
    """Removes rows by their ids, which may come again."""
    if table not in TABLES:
        raise BadInput(f"the lake has no table {table!r}: it has {', '.join(TABLES)}")
    for part in [part for part in draft.manifest.parts if part.table == table]:
        mask = among(longs(read_part(draft.files, part, ["id"]).column("id")), ids)
        if mask.any():
            draft.swap([part], sifted(draft, part, ~mask))
    release(draft, table, ids)


def _release_gone(draft: Draft, table: str, ids: Ids) -> None:
    """Forgets those of the ids whose rows are gone: what is to take their place would be lost with them."""
    known = np.unique(ids[lake_ids.known(draft.files, draft.manifest.ids.get(table, ()), ids)])
    if not len(known):
        return
    parts = [part for part in draft.manifest.parts if part.table == table]
    there = [longs(read_part(draft.files, part, ["id"]).column("id")) for part in parts]
    found = [some[among(some, known)] for some in there]
    release(draft, table, np.setdiff1d(known, np.concatenate([np.empty(0, np.int64), *found])))
