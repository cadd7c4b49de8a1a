"""Which ids a lake has: sorted runs of 64-bit numbers beside the tables, memory-mapped.

The last run that has an id counts: it adds it, or says that it is free again. What an append adds is small;
large runs are merged beside the writers (`merge_runs`), block by block, so that nothing is ever as large in
memory as the index is on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Draft, Manifest, Run
from volano.adapters.lake_store import Store
from volano.errors import BrokenHome

Ids = npt.NDArray[np.int64]

SMALL = 1 << 17  # ids of a run that an append joins with its own
BORNE = 4  # runs that should be one, and are borne
_BLOCK = 1 << 15  # ids of a run that are read at once
_AHEAD = 2 * 86_400_000_000  # µs by which clocks of clients are ahead at most


def fresh(files: Files, runs: tuple[Run, ...], ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is in no run and has not come before in `ids`."""
    names, first = np.unique(ids, return_index=True)
    keep = np.zeros(len(ids), np.bool_)
    keep[first[~known(files, runs, names)]] = True
    return keep


def known(files: Files, runs: tuple[Run, ...], ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id is among those of the runs."""
    found = np.zeros(len(ids), np.bool_)
    open_ = np.arange(len(ids))
    for run in reversed(runs):
        hit = among(ids[open_], files.load(run.path))
        found[open_[hit]] = not run.freed
        open_ = open_[~hit]
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
    """Adds ids that are not known."""
    _grow(draft, table, np.sort(ids), freed=False)


def subtract(draft: Draft, table: str, ids: Ids) -> None:
    """Takes ids out, so that rows with them may come again."""
    ids = np.unique(ids)
    ids = ids[known(draft.files, draft.manifest.ids.get(table, ()), ids)]
    if len(ids):
        _grow(draft, table, ids, freed=True)


def _grow(draft: Draft, table: str, ids: Ids, *, freed: bool) -> None:
    """Adds a run; small ones of similar size are merged."""
    runs, gone = list(draft.manifest.ids.get(table, ())), set()
    while runs and runs[-1].freed == freed and runs[-1].rows < min(2 * len(ids), SMALL):
        last = runs.pop()
        ids = np.sort(np.concatenate([draft.files.load(last.path), ids]), kind="stable")
        gone.add(last.path)
    run = save(draft, f"ids-{table}", ids)
    _put(draft, table, [*runs, Run(path=run.path, rows=run.rows, day=draft.day, freed=freed)], gone)


def save(draft: Draft, kind: str, numbers: npt.NDArray[Any]) -> Run:
    """Writes a run; its last axis is as long as it has rows."""
    path = draft.side(kind)
    draft.files.save(path, numbers)
    return Run(path=path, rows=numbers.shape[-1])


def expire(draft: Draft, table: str, time: int) -> None:
    """Forgets ids that arrived so long ago that no row of theirs can be of `time` (UTC µs) or later.

    A run that does not say when its ids arrived counts as of today from now on.
    """
    day = datetime.fromtimestamp((time - _AHEAD) / 1e6, UTC).date().isoformat() if time > _AHEAD else ""
    runs = [
        Run(path=run.path, rows=run.rows, day=run.day or draft.day, freed=run.freed)
        for run in draft.manifest.ids.get(table, ())
    ]
    old = {run.path for run in runs if run.day < day}
    _put(draft, table, [run for run in runs if run.path not in old], old)


def heaps(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that should be one: of a month of arrival, or of a year that is long past.

    Those at the end, which appends still join, are left alone.
    """
    latest = max((run.day for run in runs), default="")
    closed = max((at + 1 for at, run in enumerate(runs) if run.freed or run.rows >= SMALL), default=0)
    found = []
    for _, some in groupby(runs[:closed], lambda run: _period(run.day, latest)):
        mine = list(some)
        late = 0 if mine[0] is runs[0] else 1
        if any(run.freed for run in mine[late:]):
            found.append(mine)
            continue
        found.append(_alike(sorted([run for run in mine if not run.freed], key=lambda run: run.rows)))
    return [some for some in found if len(some) > 1 or (some and some[0].freed)]


def _period(day: str, latest: str) -> str:
    """The month of a day, or its year if that is neither the latest nor the one before.

    >>> _period("2026-02-03", "2027-01-01"), _period("2025-02-03", "2027-01-01")
    ('2026-02', '2025')
    """
    recent = not day or int(day[:4]) + 1 >= int(latest[:4])
    return day[:7] if recent else day[:4]


def _alike(runs: list[Run]) -> list[Run]:
    """The smallest, and each that is not twice as large as those before together."""
    rows, some = 0, list[Run]()
    for run in runs:
        if some and run.rows >= 2 * rows:
            break
        some.append(run)
        rows += run.rows
    return some


def crowded(manifest: Manifest) -> bool:
    """Whether runs should be merged soon."""
    return any(len(heap) > BORNE for runs in manifest.ids.values() for heap in heaps(runs))


def merge_runs(store: Store) -> None:
    """Merges runs while others append; what somebody else has merged meanwhile is left to them."""
    for table in sorted(store.snapshot().manifest.ids):
        with store.preparing() as draft:
            runs = draft.manifest.ids.get(table, ())
            for heap in heaps(runs):
                try:
                    new = _merge(draft, table, heap, first=heap[0] is runs[0])
                except BrokenHome:
                    if set(heap) <= set(store.snapshot().manifest.ids.get(table, ())):
                        raise
                    continue
                with store.writing() as commit:
                    there = commit.manifest.ids.get(table, ())
                    if set(heap) <= set(there):
                        commit.take_over(draft, [run.path for run in new])
                        at = there.index(heap[0])
                        left = [[run for run in some if run not in heap] for some in (there[:at], there[at:])]
                        _put(commit, table, [*left[0], *new, *left[1]], {run.path for run in heap})


def _merge(draft: Draft, table: str, heap: list[Run], *, first: bool) -> list[Run]:
    """What the runs say together; that an id is free need not be said where no run is older."""
    new, day = [], max(run.day for run in heap)
    for freed in (True, False) if any(run.freed for run in heap) else (False,):
        if freed and first:
            continue
        path = draft.side(f"ids-{table}")
        words = _words(draft.files, heap)
        rows = draft.files.pour(path, (ids[says == freed] for ids, says in words))
        new.append(Run(path=path, rows=rows, day=day, freed=freed))
    return [run for run in new if run.rows]


def _words(files: Files, runs: Sequence[Run]) -> Iterator[tuple[Ids, npt.NDArray[np.bool_]]]:
    """All ids of the runs in order, in blocks, and of each whether the last word says that it is free."""
    freed = np.array([run.freed for run in runs])
    readers = [_Reader(files.load(run.path)) for run in runs]
    while any(len(reader.block) for reader in readers):
        edge = min((reader.block[-1] for reader in readers if reader.left), default=None)
        pieces = [reader.take(edge) for reader in readers]
        ids = np.concatenate(pieces)
        whose = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        turn = np.argsort(ids, kind="stable")
        ids, whose = ids[turn], whose[turn]
        last = np.append(ids[1:] != ids[:-1], True)
        yield ids[last], freed[whose[last]]


class _Reader:
    """A run from its file, a block at a time: what is read through a map would count as memory of ours."""

    def __init__(self, run: Any) -> None:
        self._path, self._at, self.left = run.filename, run.offset, len(run)
        self.block: Ids = np.empty(0, np.int64)
        self._fill()

    def take(self, edge: np.int64 | None) -> Ids:
        """The ids of the block up to one, or all; the next ones then stand in it."""
        many = len(self.block) if edge is None else int(np.searchsorted(self.block, edge, "right"))
        taken, self.block = self.block[:many], self.block[many:]
        self._fill()
        return taken

    def _fill(self) -> None:
        if not len(self.block) and self.left:
            more = np.fromfile(self._path, np.int64, min(_BLOCK, self.left), offset=self._at)
            self.block, self.left, self._at = more, self.left - len(more), self._at + more.nbytes


def _put(draft: Draft, table: str, runs: list[Run], gone: set[str]) -> None:
    draft.change(ids={**draft.manifest.ids, table: tuple(runs)})
    draft.discard(gone)
