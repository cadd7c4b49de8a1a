"""Files that were written before anything was sealed, sealed by compaction while others go on appending."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pyarrow as pa

from volano.adapters.lake_compaction import exists, swapped, unless_gone
from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Draft, Manifest, Part
from volano.adapters.lake_parts import ROW_GROUP, codec, conformed, new_path, stored_schema
from volano.adapters.lake_seals import Seals, in_the_open
from volano.adapters.lake_store import Store
from volano.domain.tables import EVENTS

Progress = Callable[[int, int], None]

_TABLES = ("events", "shadow_events")
_STORED = stored_schema("events") or EVENTS
_LOOKED_AT = pa.schema([_STORED.field(name) for name in ("event", "properties", "push_token", "personal")])
_TRIES = 5


def due(manifest: Manifest, seals: Seals) -> bool:
    """Whether files may tell of somebody in the open that could be sealed."""
    return seals.keys is not None and not manifest.sealed


def seal_all(store: Store, seals: Seals, progress: Progress | None = None) -> None:
    """Seals what stands in the open in any file; each file is a commit of its own, so it goes on if torn."""
    done: set[str] = set()
    for _ in range(_TRIES):
        if not due(store.snapshot().manifest, seals):
            return
        parts = [part for part in _open(store.snapshot().manifest) if part.path not in done]
        for number, part in enumerate(parts):
            done |= _sealed(store, seals, part)
            if progress is not None:
                progress(number + 1, len(parts))
        with store.writing() as draft:  # what came meanwhile is little
            late = [part for part in _open(draft.manifest) if part.path not in done]
            if not any(_tells(draft.files, part) for part in late):
                draft.change(sealed=True)


def _open(manifest: Manifest) -> list[Part]:
    return [part for part in manifest.parts if part.table in _TABLES]


def _sealed(store: Store, seals: Seals, part: Part) -> set[str]:
    """Puts a sealed file in the place of one that tells of somebody; what need not be looked at again."""
    with store.preparing() as draft:
        made: list[Part] = []

        def exchanged() -> bool:
            if not _tells(draft.files, part):
                return False
            made.append(_written(draft, seals, part))
            return swapped(store, draft, [part], [part], made)

        if not exists(draft.manifest, [part]):
            return set()
        return {made[0].path} if unless_gone(store, [part], exchanged) else {part.path}


def _written(draft: Draft, seals: Seals, part: Part) -> Part:
    path = new_path(draft, (part.table, part.bucket), part.day)
    how = {"compression": codec(part.rows), "row_group_size": ROW_GROUP}
    groups = _groups(draft.files, part, None)
    draft.files.write(path, (seals.sealed(part.table, rows) for rows in groups), _STORED, **how)
    return msgspec.structs.replace(part, path=path)


def _tells(files: Files, part: Part) -> bool:
    groups = _groups(files, part, _LOOKED_AT.names)
    return any(in_the_open(conformed(rows, _LOOKED_AT)) for rows in groups)


def _groups(files: Files, part: Part, columns: list[str] | None) -> Iterator[pa.Table]:
    file = files.reader(part.path)
    there = [name for name in file.schema_arrow.names if columns is None or name in columns]
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, columns=there, use_threads=False)
