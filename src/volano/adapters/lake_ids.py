"""Which ids a lake has: sorted runs of 64-bit numbers beside the tables, memory-mapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Draft, Run

Ids = npt.NDArray[np.int64]


def fresh(files: Files, runs: tuple[Run, ...], ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is in no run and has not come before in `ids`."""
    names, first = np.unique(ids, return_index=True)
    keep = np.zeros(len(ids), np.bool_)
    keep[first[~known(files, runs, names)]] = True
    return keep


def known(files: Files, runs: tuple[Run, ...], ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is in one of the runs."""
    found = np.zeros(len(ids), np.bool_)
    for run in runs:
        found |= among(ids, files.load(run.path))
    return found


def among(ids: Ids, there: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is in `there`, which is sorted.

    >>> among(np.array([5, 1]), np.array([1, 3])).tolist()
    [False, True]
    """
    if not len(there):
        return np.zeros(len(ids), np.bool_)
    found: npt.NDArray[np.bool_] = there[np.minimum(np.searchsorted(there, ids), len(there) - 1)] == ids
    return found


def add(draft: Draft, table: str, ids: Ids) -> None:
    """Adds a run; runs of similar size are merged, so that n ids lie in O(log n) runs."""
    runs = list(draft.manifest.ids.get(table, ()))
    merged, gone = np.sort(ids), set()
    while runs and runs[-1].rows < 2 * len(merged):
        last = runs.pop()
        merged = np.sort(np.concatenate([draft.files.load(last.path), merged]), kind="stable")
        gone.add(last.path)
    runs.append(save(draft, f"ids-{table}", merged))
    _put(draft, table, runs, gone)


def subtract(draft: Draft, table: str, ids: Ids) -> None:
    """Takes ids out, so that rows with them may come again."""
    old = draft.manifest.ids.get(table, ())
    left = np.sort(np.concatenate([draft.files.load(run.path) for run in old] or [np.empty(0, np.int64)]))
    left = left[~among(left, np.sort(ids))]
    runs = [save(draft, f"ids-{table}", left)] if len(left) else []
    _put(draft, table, runs, {run.path for run in old})


def save(draft: Draft, kind: str, numbers: npt.NDArray[Any]) -> Run:
    """Writes a run; its last axis is as long as it has rows."""
    path = draft.side(kind)
    draft.files.save(path, numbers)
    return Run(path=path, rows=numbers.shape[-1])


def _put(draft: Draft, table: str, runs: list[Run], gone: set[str]) -> None:
    draft.change(ids={**draft.manifest.ids, table: tuple(runs)})
    draft.discard(gone)
