"""Compaction beside others: nobody waits, the quicker wins, and whoever is killed leaves no trace."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.adapters.test_lake_duckdb import events, parts, rows
from volano.adapters.lake_compaction import due, scattered
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_files import Files
from volano.adapters.lake_manifest import Part
from volano.domain.tables import TIME
from volano.domain.view import View


class Watched(Files):
    """Files that do something once, while the next Parquet file is being written."""

    meanwhile: Callable[[], Any] | None = None

    def write(self, path: str, rows: Iterable[pa.Table], schema: pa.Schema, **how: Any) -> None:
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        super().write(path, rows, schema, **how)


def merged(number: int, alias: int, person: int) -> pa.Table:
    zero = pa.array([0]).cast(TIME)
    return pa.table(
        {"person_id": [person], "time": zero, "id": [number], "identity": [alias], "alias": [alias]}
    )


def people(lake: DuckLake) -> dict[int, int]:
    found = lake.read(View(columns=("id",)))
    return dict(zip(found["id"].to_pylist(), found["person_id"].to_pylist(), strict=True))


def filled(home: Path) -> tuple[DuckLake, Watched]:
    files = Watched(home)
    lake = DuckLake(files, buckets=2, grace=0)
    for turn in range(4):
        lake.append({"events": events(range(turn * 10, turn * 10 + 10))})
    return lake, files


def test_others_append_while_files_are_sorted(tmp_path: Path) -> None:
    lake, files = filled(tmp_path)
    other = DuckLake(tmp_path)
    files.meanwhile = lambda: other.append({"events": events([99])})
    lake.compact()
    assert rows(lake) == [*range(40), 99]
    assert lake.verify() == []


def test_of_two_who_compact_at_once_one_gives_way_and_nothing_is_left_lying_about(tmp_path: Path) -> None:
    lake, files = filled(tmp_path)
    lake.append({"merges": merged(1, 3, 4)})
    files.meanwhile = lambda: DuckLake(tmp_path, grace=0).compact()
    lake.compact()
    lake.append({"events": events([99])})
    lake.append({"events": events([98])})
    assert rows(lake) == [*range(40), 98, 99]
    named = {part.path for part in lake._store.snapshot().manifest.parts}
    waste = {it.path for it in lake._store.snapshot().manifest.waste}
    assert set(parts(lake)) == named | waste


def test_who_becomes_somebody_else_while_rows_are_moved_is_found(tmp_path: Path) -> None:
    lake, files = filled(tmp_path)
    lake.append({"merges": merged(1, 3, 4)})
    other = DuckLake(tmp_path)
    files.meanwhile = lambda: other.append({"merges": merged(2, 3, 5)})
    for _ in range(2):
        lake.compact()
        assert {people(lake)[name] for name in (3, 11, 19)} == {5}


def test_forgetting_sees_what_came_while_it_read(tmp_path: Path) -> None:
    lake, files = filled(tmp_path)
    other = DuckLake(tmp_path)
    files.meanwhile = lambda: other.append({"events": events([43, 44])})
    assert lake.forget([3], []) == {"events": 6}
    assert [name for name in rows(lake) if name % 8 == 3] == []
    assert len(rows(lake)) == 36


def test_what_was_forgotten_is_gone_from_the_disk_at_once(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=1, grace=1e9)
    secret = events([1, 2]).append_column("known_as", pa.array(["u:someone@example.com", "u:other"]))
    lake.append({"events": secret})
    lake.compact()  # the file before it waits for readers of older snapshots
    lake.forget([1], [])
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"someone" in content for content in left)
    assert (rows(lake), lake.verify()) == ([2], [])


def test_no_index_names_the_forgotten_whoever_they_were_before(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2)
    lake.append({"events": events(range(80))})
    for number, (alias, person) in enumerate([(3, 4), (5, 4), (6, 3), (6, 7), (4, 2), (4, 4)]):
        lake.append({"merges": merged(number, alias, person)})
    lake.forget([4, 3], [3, 4, 5])
    numbers = [np.load(path) for path in tmp_path.glob("index/*/*.npy") if "ids-" not in str(path)]
    assert not any(np.isin(run[:2], [3, 4, 5]).any() for run in numbers)
    assert set(people(lake).values()) == {0, 1, 2, 7}
    assert {people(lake)[name] for name in range(6, 80, 8)} == {7}


def part(rows: int, name: str) -> Part:
    return Part(
        path=name,
        table="events",
        bucket=0,
        day="2024-10-04",
        rows=rows,
        time_low=0,
        time_high=0,
        person_low=0,
        person_high=0,
    )


@pytest.mark.parametrize(
    ("sizes", "joined"),
    [
        ([5, 5], [5, 5]),
        ([2_000_000, 5, 7], [5, 7]),
        ([2_000_000, 5], []),
        ([2_000_000, 400_000], [400_000, 2_000_000]),
    ],
)
def test_a_large_file_is_spared_until_enough_has_come(sizes: list[int], joined: list[int]) -> None:
    assert [it.rows for it in due([part(size, str(size)) for size in sizes])] == joined


def test_a_lake_that_was_compacted_is_not_scattered(tmp_path: Path) -> None:
    lake, _ = filled(tmp_path)
    lake.compact()
    assert scattered(lake._store.snapshot().manifest) == []


def test_large_heaps_are_sorted_on_disk_with_columns_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volano.adapters.lake_compaction._AT_ONCE", 10)
    lake, _ = filled(tmp_path)
    lake.append({"merges": merged(1, 3, 4)})
    lake.compact()
    before = lake.read(View(columns=("id", "event", "identity"))).to_pylist()
    lake.append({"events": events(range(40, 60))})
    lake.compact()
    after = lake.read(View(columns=("id", "event", "identity"))).to_pylist()
    assert [row for row in after if row["id"] < 40] == before
    assert (len(after), lake.verify()) == (60, [])


BUSY = """
import sys
from pathlib import Path
from tests.adapters.test_lake_duckdb import events
from volano.adapters.lake_duckdb import DuckLake
from volano.domain.view import Offset
lake = DuckLake(Path(sys.argv[1]), buckets=2, grace=0)
while True:
    at = lake.offset("j0")
    lake.append({"events": events(range(at, at + 20))}, Offset("j0", at + 20))
    if at % 60 == 0:
        lake.compact()
    print(at, flush=True)
"""


def test_killing_it_at_any_moment_neither_loses_nor_doubles_a_row(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    for wait in (0.0, 0.05, 0.11):
        with subprocess.Popen(
            [sys.executable, "-c", BUSY, str(tmp_path)], cwd=root, stdout=subprocess.PIPE
        ) as busy:
            assert busy.stdout is not None
            busy.stdout.readline()
            time.sleep(wait)
            busy.send_signal(signal.SIGKILL)
        lake = DuckLake(tmp_path, grace=0)
        at = lake.offset("j0")
        assert (rows(lake), lake.verify()) == (list(range(at)), [])
    lake.append({"events": events([10**6])})
    named = {it.path for some in (lake._store.snapshot().manifest.parts,) for it in some}
    waste = {it.path for it in lake._store.snapshot().manifest.waste}
    assert set(parts(lake)) == named | waste
