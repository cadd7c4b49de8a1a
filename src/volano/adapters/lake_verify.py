"""What is damaged in a lake, found by opening every file."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from volano.adapters.lake_manifest import Manifest
from volano.adapters.lake_store import Store
from volano.errors import BrokenHome


def damage(store: Store) -> list[str]:
    """A sentence for each file that cannot be read or is not what the manifest says."""
    try:
        manifest = store.snapshot().manifest
    except BrokenHome as error:
        return [str(error)]
    return [*_bad_parts(store, manifest), *_bad_runs(store, manifest)]


def _bad_parts(store: Store, manifest: Manifest) -> Iterator[str]:
    for part in manifest.parts:
        store.files.forget(part.path)  # what was read before says nothing of the file
        try:
            rows = store.files.footer(part.path).num_rows
        except (OSError, pa.ArrowException) as error:
            yield f"the lake's {part.path} cannot be read ({error}): restore a backup"
        else:
            if rows != part.rows:
                yield f"the lake's {part.path} has {rows} rows instead of {part.rows}: restore a backup"


def _bad_runs(store: Store, manifest: Manifest) -> Iterator[str]:
    for run in manifest.runs():
        store.files.forget(run.path)
        try:
            rows = store.files.load(run.path).shape[-1]
        except BrokenHome as error:
            yield str(error)
        else:
            if rows != run.rows:
                yield f"the lake's {run.path} has {rows} rows instead of {run.rows}: restore a backup"
