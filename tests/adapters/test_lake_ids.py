"""The index of ids says what a set would, however it is merged, in little memory."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.test_lake_duckdb import DAY, Clock, events
from volano.adapters import lake_ids
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Manifest, Run
from volano.adapters.lake_store import Store
from volano.domain.tables import TIME

NAMES = st.lists(st.integers(0, 30), min_size=1, max_size=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["add", "free"]), NAMES),
        st.tuples(st.sampled_from(["merge", "month"]), st.just([])),
    ),
    max_size=20,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs are large from four ids on, and read three at a time."""
    with monkeypatch.context() as patched:
        patched.setattr(lake_ids, "SMALL", 4)
        patched.setattr(lake_ids, "_BLOCK", 3)
        yield


def runs_of(store: Store) -> tuple[Run, ...]:
    return store.snapshot().manifest.ids.get("events", ())


@given(steps=STEPS)
@settings(max_examples=50, deadline=None)
@pytest.mark.usefixtures("small")
def test_what_is_known_is_what_a_set_would_say(steps: list[tuple[str, list[int]]]) -> None:
    clock = Clock()
    with tempfile.TemporaryDirectory() as home:
        store = Store(Files(Path(home)), clock=clock, grace=0)
        store.create(1)
        told: set[int] = set()
        for what, names in steps:
            some = np.array(names, np.int64)
            if what == "merge":
                lake_ids.merge_runs(store)
            elif what == "month":
                clock.now += 31 * DAY
            else:
                with store.writing() as draft:
                    if what == "add":
                        new = some[lake_ids.fresh(store.files, runs_of(store), some)]
                        assert sorted(new) == sorted({*names} - told)
                        lake_ids.add(draft, "events", new) if len(new) else None
                        told |= {*names}
                    else:
                        lake_ids.subtract(draft, "events", some)
                        told -= {*names}
        assert set(np.flatnonzero(lake_ids.known(store.files, runs_of(store), np.arange(31)))) == told
        assert all(store.files.load(run.path).shape == (run.rows,) for run in runs_of(store))
        lake_ids.merge_runs(store)
        again = [heap for heap in lake_ids.heaps(runs_of(store)) if any(run.freed for run in heap)]
        assert again == []


def filled(home: Path, sizes: list[int]) -> Store:
    """A lake with one run of ids for each size."""
    store = Store(Files(home), clock=Clock(), grace=0)
    store.create(1)
    for start, size in enumerate(sizes):
        with store.writing() as draft:
            run = lake_ids.save(draft, "ids-events", np.arange(start, start + 7 * size, 7, dtype=np.int64))
            runs = (*draft.manifest.ids.get("events", ()), Run(path=run.path, rows=size, day=draft.day))
            draft.change(ids={"events": runs})
    return store


def test_no_step_takes_memory_in_proportion_to_the_index(tmp_path: Path) -> None:
    sizes = [2_000_000, 1_000_000, 500_000]
    store = filled(tmp_path, sizes)
    some = np.arange(0, 700, 7, dtype=np.int64)
    tracemalloc.start()
    try:
        with store.writing() as draft:
            lake_ids.subtract(draft, "events", some)
        with store.writing() as draft:
            lake_ids.add(draft, "events", some[:50])
        lake_ids.merge_runs(store)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000 < 8 * sum(sizes) / 3
    assert [run.rows for run in runs_of(store)] == [sum(sizes) - 100, 50]
    found = lake_ids.known(store.files, runs_of(store), np.arange(0, 8))
    assert found.tolist() == [True, True, True, False, False, False, False, True]


def test_runs_of_like_size_become_one_and_a_large_one_waits_until_there_is_enough(tmp_path: Path) -> None:
    size = lake_ids.SMALL
    store = filled(tmp_path, [size * 16, size, size, size, size, size])
    assert lake_ids.crowded(store.snapshot().manifest)
    lake_ids.merge_runs(store)
    assert sorted(run.rows for run in runs_of(store)) == [size * 5, size * 16]
    assert not lake_ids.crowded(store.snapshot().manifest)
    assert lake_ids.heaps(runs_of(store)) == []


def test_who_merges_gives_way_to_who_was_quicker(tmp_path: Path) -> None:
    size = lake_ids.SMALL
    store, other = filled(tmp_path, [size, size]), Store(Files(tmp_path), clock=Clock(), grace=0)
    pour = store.files.pour

    def late(path: str, blocks: Iterator[np.ndarray]) -> int:
        rows = pour(path, blocks)
        lake_ids.merge_runs(other)
        return rows

    store.files.pour = late  # type: ignore[method-assign,assignment]
    lake_ids.merge_runs(store)
    assert [run.rows for run in runs_of(store)] == [2 * size]
    assert len(list(tmp_path.glob("index/*/*.npy"))) <= 3  # the old ones wait for the next commit


@pytest.mark.usefixtures("small")
def test_ids_that_arrived_before_the_retention_are_let_go_and_their_rows_do_not_come_back(
    tmp_path: Path,
) -> None:
    clock = Clock()
    lake = DuckLake(tmp_path, buckets=1, clock=clock, grace=0)

    def sent(ids: range, day: float) -> int:
        rows = events(ids)
        at = rows.column_names.index("time")
        times = pa.array([int((clock.now - day * DAY) * 1e6)] * len(ids)).cast(TIME)
        return len(lake.append({"events": rows.set_column(at, "time", times)})["events"])

    for month in range(4):
        assert sent(range(month * 20, month * 20 + 10), 0) == 10
        clock.now += 30 * DAY
    assert sum(lake.expire(int((clock.now - 70 * DAY) * 1e6)).values()) == 20
    manifest: Manifest = lake._store.snapshot().manifest
    assert sum(run.rows for run in manifest.ids["events"]) == 20
    assert sent(range(10), 120) == 0  # as it was sent first: its time is past
    assert sent(range(60, 70), 30) == 0  # its id is known
    assert sent(range(10), 0) == 10  # as if it were new


def test_a_run_that_does_not_say_when_its_ids_came_is_kept_for_a_retention(tmp_path: Path) -> None:
    clock = Clock()
    lake = DuckLake(tmp_path, buckets=1, clock=clock, grace=0)
    lake.append({"events": events(range(5))})
    with lake._store.writing() as draft:
        old = tuple(Run(path=run.path, rows=run.rows) for run in draft.manifest.ids["events"])
        draft.change(ids={"events": old})
    for days, kept in ((0, 1), (60, 1), (63, 0)):
        lake.expire(int((clock.now + (days - 60) * DAY) * 1e6))
        assert len(lake._store.snapshot().manifest.ids["events"]) == kept
