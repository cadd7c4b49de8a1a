"""The index of ids at a size: CPU seconds and peak memory of each step, beside the same in NumPy's memory.

    python -m benchmarks.ids [--ids 30000000]

Each step runs in a process of its own; the memory is what it takes beyond that process before it (anonymous
pages; those of mapped files, which the system takes back, are told beside it). The floor reads all ids and
asks `numpy.isin` for 1,000 of them. Kept is: no step takes a quarter of the memory of the ids themselves.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np

from volano.adapters import lake_ids
from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Run
from volano.adapters.lake_store import Store

ASKED = 1_000  # ids that are looked up, added, and freed
RUNS = 6  # files that the index begins with


def opened(home: Path) -> Store:
    """The lake without its tables."""
    store = Store(Files(home), clock=time.time, grace=0)
    store.create(1)
    return store


def fill(home: Path, many: int) -> None:
    """An index as it is after a few months: runs of like size."""
    store, chance = opened(home), np.random.default_rng(7)
    for _ in range(RUNS):
        with store.writing() as draft:
            ids = np.unique(chance.integers(0, 2**62, many // RUNS))
            run = lake_ids.save(draft, "ids-events", ids)
            old = draft.manifest.ids.get("events", ())
            draft.change(ids={"events": (*old, Run(path=run.path, rows=run.rows, day=draft.day))})


def some(store: Store) -> np.ndarray:
    """Ids of which half are known."""
    run = store.files.load(store.snapshot().manifest.ids["events"][0].path)
    mine = run[:: max(1, len(run) // (ASKED // 2))][: ASKED // 2]
    return np.unique(np.concatenate([np.asarray(mine), np.arange(ASKED - len(mine))]))


def look(store: Store, ids: np.ndarray) -> None:
    """Are they known?"""
    assert lake_ids.known(store.files, store.snapshot().manifest.ids["events"], ids).sum() == ASKED // 2


def isin(store: Store, ids: np.ndarray) -> None:
    """The same with all ids in memory."""
    runs = [np.array(store.files.load(run.path)) for run in store.snapshot().manifest.ids["events"]]
    assert np.isin(ids, np.concatenate(runs)).sum() == ASKED // 2


def add(store: Store, ids: np.ndarray) -> None:
    """In a writer's turn."""
    with store.writing() as draft:
        keep = lake_ids.fresh(store.files, draft.manifest.ids["events"], ids)
        lake_ids.add(draft, "events", ids[keep])


def free(store: Store, ids: np.ndarray) -> None:
    """In a writer's turn."""
    with store.writing() as draft:
        lake_ids.subtract(draft, "events", ids)


def merge(store: Store, _: np.ndarray) -> None:
    """Beside the writers."""
    lake_ids.merge_runs(store)


STEPS: dict[str, Callable[[Store, np.ndarray], None]] = {
    "numpy.isin": isin,
    "look": look,
    "add": add,
    "free": free,
    "merge": merge,
}


class Peak(Thread):
    """Looks at the memory of this process; anonymous and of files, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.began, self.most, self._done = _memory(), (0.0, 0.0), Event()

    def run(self) -> None:
        while not self._done.wait(0.002):
            self._look()

    def _look(self) -> None:
        self.most = tuple(map(max, self.most, _memory()))  # type: ignore[assignment]

    def stop(self) -> tuple[float, float]:
        """The peaks beyond what there was."""
        self._look()
        self._done.set()
        self.join()
        return self.most[0] - self.began[0], self.most[1] - self.began[1]


def _memory() -> tuple[float, float]:
    told = Path("/proc/self/status").read_text()
    own, mapped = (re.search(rf"{name}:\s+(\d+)", told) for name in ("RssAnon", "RssFile"))
    assert own
    assert mapped
    return int(own[1]) / 1024, int(mapped[1]) / 1024


def step(name: str, home: Path) -> None:
    """Prints CPU seconds, wall seconds and both peaks of one step."""
    store = opened(home)
    ids = some(store)
    watch, cpu, wall = Peak(), time.process_time(), time.perf_counter()
    watch.start()
    STEPS[name](store, ids)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(cpu, wall, *watch.stop())


def main() -> int:
    """Prints a line for each step; 1 when one takes too much memory."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--ids", type=int, default=30_000_000)
    asked.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    told = asked.parse_args()
    if told.step:
        step(told.step[0], Path(told.step[1]))
        return 0
    weight, most = told.ids * 8 / 2**20, 0.0
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), told.ids)
        print(f"{told.ids:,} ids in {RUNS} runs, {weight:,.0f} MB; {ASKED:,} asked for, half of them known")
        for name in STEPS:
            command = [sys.executable, "-m", "benchmarks.ids", "--step", name, folder]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            cpu, wall, own, mapped = map(float, ran.stdout.split())
            print(
                f"{name:12} {cpu:7.3f} CPU s {wall:7.3f} s   own {own:7.1f} MB   of files {mapped:7.1f} MB",
                flush=True,
            )
            most = max(most, 0.0 if name == "numpy.isin" else own)
    print(f"less than {weight / 4:,.0f} MB of its own: {'kept' if most < weight / 4 else 'BROKEN'}")
    return int(most >= weight / 4)


if __name__ == "__main__":
    sys.exit(main())
