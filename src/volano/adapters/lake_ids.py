"""Which ids a lake has: sorted runs of 64-bit numbers beside the tables, memory-mapped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from volano.adapters.lake_manifest import Draft, Run
from volano.errors import BrokenHome

Ids = npt.NDArray[np.int64]


def fresh(root: Path, runs: tuple[Run, ...], ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is in no run and has not come before in `ids`."""
    names, first = np.unique(ids, return_index=True)
    keep = np.zeros(len(ids), np.bool_)
    keep[first[~known(root, runs, names)]] = True
    return keep


def known(root: Path, runs: tuple[Run, ...], ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is in one of the runs."""
    found = np.zeros(len(ids), np.bool_)
    for run in runs:
        found |= among(ids, load(root, run))
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


def add(draft: Draft, root: Path, table: str, ids: Ids) -> None:
    """Adds a run; runs of similar size are merged, so that n ids lie in O(log n) runs."""
    runs = list(draft.manifest.ids.get(table, ()))
    merged, gone = np.sort(ids), set()
    while runs and runs[-1].rows < 2 * len(merged):
        last = runs.pop()
        merged = np.sort(np.concatenate([load(root, last), merged]), kind="stable")
        gone.add(last.path)
    runs.append(save(draft, root, f"ids-{table}", merged))
    _put(draft, table, runs, gone)


def subtract(draft: Draft, root: Path, table: str, ids: Ids) -> None:
    """Takes ids out, so that rows with them may come again."""
    old = draft.manifest.ids.get(table, ())
    left = np.sort(np.concatenate([load(root, run) for run in old] or [np.empty(0, np.int64)]))
    left = left[~among(left, np.sort(ids))]
    runs = [save(draft, root, f"ids-{table}", left)] if len(left) else []
    _put(draft, table, runs, {run.path for run in old})


def load(root: Path, run: Run) -> npt.NDArray[Any]:
    """The numbers of a run, memory-mapped; BrokenHome when the file is missing or short."""
    try:
        numbers: npt.NDArray[Any] = np.load(root / run.path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise BrokenHome(
            f"the lake's {root / run.path} cannot be read ({error}): restore a backup"
        ) from error
    return numbers


def save(draft: Draft, root: Path, kind: str, numbers: npt.NDArray[Any]) -> Run:
    """Writes and syncs a run."""
    path = draft.side(kind)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    with (root / path).open("wb") as file:
        np.save(file, numbers)
        file.flush()
        os.fsync(file.fileno())
    return Run(path=path, rows=len(numbers))


def _put(draft: Draft, table: str, runs: list[Run], gone: set[str]) -> None:
    draft.change(ids={**draft.manifest.ids, table: tuple(runs)})
    draft.discard(gone)
