"""What only a lake on disk can do: be shared, survive a crash, stay in shape."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.lakes import event, merge, table
from volano.adapters import lake_ids
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_files import Files
from volano.adapters.lake_parts import order
from volano.adapters.lake_store import Store
from volano.domain.tables import TIME
from volano.domain.view import Offset, View
from volano.errors import BadInput, BrokenHome

DAY = 86_400.0


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self, now: float = 20_000 * DAY) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def events(ids: Iterable[int], people: int = 8) -> pa.Table:
    """One event for each id; the person is the id modulo `people`."""
    ids = list(ids)
    times = pa.array(ids, pa.int64()).cast(TIME)
    names = [f"event {number % 3}" for number in ids]
    return pa.table(
        {"person_id": [number % people for number in ids], "time": times, "id": ids, "event": names}
    )


def parts(lake: DuckLake) -> list[str]:
    return sorted(str(path.relative_to(lake.path)) for path in lake.path.glob("*/*/*.parquet"))


def rows(lake: DuckLake) -> list[int]:
    """The ids in the lake, sorted."""
    found: list[int] = lake.read(View(columns=("id",))).column("id").to_pylist()
    return sorted(found)


def test_the_number_of_buckets_is_fixed_when_the_lake_is_made(tmp_path: Path) -> None:
    DuckLake(tmp_path, buckets=8).append({"events": events(range(20))})
    again = DuckLake(tmp_path, buckets=2)
    assert (again.buckets, rows(again)) == (8, list(range(20)))
    with pytest.raises(BadInput, match="power of two"):
        DuckLake(tmp_path / "other", buckets=12)


def test_files_lie_by_table_bucket_and_day_of_arrival(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=4, clock=Clock())
    lake.append({"events": events([1, 5, 2])})
    (hot,) = parts(lake)
    assert re.fullmatch(r"events/hot/2024-10-04-00000001-[0-9a-f]{8}-0000\.parquet", hot)
    lake.compact()
    assert [name.split("-0000")[0] for name in parts(lake)] == [
        "events/b=01/2024-10-04",
        "events/b=02/2024-10-04",
        "events/hot/2024-10-04",
    ]


def test_compaction_leaves_one_sorted_file_for_each_bucket_and_month(tmp_path: Path) -> None:
    clock = Clock()
    lake = DuckLake(tmp_path, buckets=2, clock=clock, grace=0)
    for turn in range(8):
        lake.append({"events": events(range(turn, 200, 8))})
        clock.now += 7 * DAY
    before = lake.read(View(columns=("id", "event"))).to_pylist()
    told: list[tuple[int, int]] = []
    lake.compact(lambda done, total: told.append((done, total)))
    lake.append({}, Offset("j0", 1))
    assert [name[:19] for name in parts(lake)] == [
        f"events/b={bucket}/{month}" for bucket in ("00", "01") for month in ("2024-10", "2024-11")
    ]
    assert lake.read(View(columns=("id", "event"))).to_pylist() == before
    assert told[-1] == (2, 2)
    assert lake.compact() == 0


def test_the_same_import_twice_keeps_nothing_aside(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=1)
    for origin in ("imp_1", "imp_2", "web", "web"):
        several = events(range(4) if origin != "web" else [2])
        several = several.append_column("origin", pa.array([origin] * len(several)))
        assert len(lake.append({"events": several})["events"]) == (4 if origin == "imp_1" else 0)
        assert len(parts(lake)) == (2 if origin == "web" else 1)
    assert (lake.summary(), lake.verify()) == ({"events": 4}, [])
    assert lake.withdraw("imp_1") == 4
    assert (lake.summary(), lake.verify()) == ({"events": 1}, [])


def test_ids_the_lake_does_not_have_are_not_looked_for_in_its_files(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=1)
    lake.append({"events": events([1, 2])})
    (tmp_path / parts(lake)[0]).write_bytes(b"cannot be read")
    assert lake.read(View(columns=("id",), only=(("id", ("3",)),))).num_rows == 0


def test_small_files_do_not_pile_up(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=1, grace=0)
    for turn in range(60):
        lake.append({"events": events([turn])})
    assert len(parts(lake)) < 35
    assert lake.needs_compaction()
    assert rows(lake) == list(range(60))
    lake.compact()
    assert not lake.needs_compaction()


def test_replaced_files_stay_a_while_for_those_who_read_them(tmp_path: Path) -> None:
    clock = Clock()
    lake = DuckLake(tmp_path, buckets=1, clock=clock, grace=60)
    lake.append({"events": events([1])})
    lake.append({"events": events([2])})
    old = parts(lake)
    lake.compact()
    assert set(old) < set(parts(lake))
    clock.now += 61
    lake.append({}, Offset("j0", 1))
    assert not set(old) & set(parts(lake))


def test_files_of_a_torn_commit_are_swept_and_not_read(tmp_path: Path) -> None:
    DuckLake(tmp_path, buckets=1).append({"events": events([1, 2])})
    orphan = tmp_path / "events" / "hot" / "2020-01-01-00000009-0000.parquet"
    pq.write_table(events([3]), orphan)
    lake = DuckLake(tmp_path)
    assert rows(lake) == [1, 2]
    lake.append({}, Offset("j0", 1))
    assert not orphan.exists()
    assert len(lake.append({"events": events([3])})["events"]) == 1


def test_a_commit_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    store = Store(Files(tmp_path), clock=Clock(), grace=60)
    store.create(4)
    before = (tmp_path / "manifest.json").read_bytes()

    def half() -> None:
        with store.writing() as draft:
            lake_ids.add(draft, "events", np.array([1, 2]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert (tmp_path / "manifest.json").read_bytes() == before
    assert list(tmp_path.glob("index/*/*")) == []


WRITER = """
import sys
from pathlib import Path
from tests.adapters.test_lake_duckdb import events
from volano.adapters.lake_duckdb import DuckLake
from volano.domain.view import Offset
lake = DuckLake(Path(sys.argv[1]), buckets=2)
first = int(sys.argv[2])
for turn in range(20):
    lake.append({"events": events(range(first + turn, first + turn + 40))}, Offset(sys.argv[2], turn + 1))
    if turn % 8 == 7:
        lake.compact()
"""


def test_two_processes_write_at_once_and_every_row_is_there_once(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), first] for first in ("0", "30")]
    writers = [subprocess.Popen(command, cwd=root) for command in commands]
    assert [writer.wait() for writer in writers] == [0, 0]
    lake = DuckLake(tmp_path)
    assert rows(lake) == list(range(89))
    assert (lake.offset("0"), lake.offset("30"), lake.summary()) == (20, 20, {"events": 89})
    assert lake.verify() == []


def test_a_reader_sees_what_another_lake_object_has_written(tmp_path: Path) -> None:
    writer, reader = DuckLake(tmp_path, buckets=2), DuckLake(tmp_path)
    assert rows(reader) == []
    writer.append({"events": events([1])})
    assert rows(reader) == [1]


def test_damage_is_told_file_by_file(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2)
    lake.append({"events": events([1, 2])})
    lake.compact()
    first, second, _ = parts(lake)
    (tmp_path / first).unlink()
    (tmp_path / second).write_bytes(b"rubbish")
    for run in tmp_path.glob("index/*/*.npy"):
        run.unlink()
    assert [first in sentence or second in sentence for sentence in lake.verify()] == [True, True, False]
    with pytest.raises(BrokenHome, match="cannot be read"):
        rows(lake)


@pytest.mark.parametrize(("version", "words"), [(99, "upgrade it"), ("x", "damaged")])
def test_a_manifest_of_another_version_is_not_touched(tmp_path: Path, version: object, words: str) -> None:
    lake = DuckLake(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": version}))
    [sentence] = lake.verify()
    assert words in sentence
    with pytest.raises(BrokenHome, match=words):
        lake.append({}, Offset("j0", 1))


def test_ids_lie_in_few_runs(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=1, grace=0)
    for turn in range(64):
        lake.append({"events": events(range(10 * turn, 10 * turn + 10))})
    assert len(list(tmp_path.glob("index/ids-events/*.npy"))) <= 8
    assert len(lake.append({"events": events(range(650))})["events"]) == 10


@given(
    st.lists(
        st.tuples(st.integers(-2, 3), st.integers(0, 3), st.sampled_from([-(2**63), -1, 0, 5, 2**63 - 1])),
        max_size=40,
    )
)
def test_the_order_of_runs_is_that_of_a_full_sort(triples: list[tuple[int, int, int]]) -> None:
    table = pa.table(
        {
            name: pa.array([row[at] for row in triples], pa.int64())
            for at, name in enumerate(["person_id", "time", "id"])
        }
    )
    taken = table.take(pa.array(order(table))).to_pylist()
    assert [tuple(row.values()) for row in taken] == sorted(triples)


def test_texts_with_many_words_and_large_blocks_come_back_whole(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=1)
    many = 150_000
    texts = pa.array([f"/product/{number}" for number in range(many)])
    lake.append({"events": events(range(many)).append_column("path", texts)})
    block = lake.read(View(columns=("path", "id")))
    assert block.column("path").num_chunks == 1
    assert all(
        path == f"/product/{name}"
        for path, name in zip(*(block.column(it).to_pylist() for it in ("path", "id")), strict=True)
    )


def test_no_file_still_has_the_hash_of_somebody_forgotten(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2)
    ann, phone, bob = 0x1A2B3C4D5E6F7A8B, 0x2B3C4D5E6F7A8B9C, 0x3C4D5E6F7A8B9CAD
    lake.append({"events": table([event(1, phone), event(2, ann), event(3, bob)])})
    for number, person in enumerate((ann, phone, bob, ann, phone)):
        lake.append({"merges": table([merge(number, phone, person)])})
        lake.append({"events": table([event(10 + number, person, identity=phone)])})
    lake.append({"merges": table([merge(9, bob, ann)])})
    lake.append({"events": table([event(20, bob)])})
    lake.forget([], [ann])
    lake.forget([bob], [bob])
    assert lake.read(View())["person_id"].to_pylist() == [phone] * 6
    for path in [*tmp_path.rglob("*.npy"), tmp_path / "manifest.json"]:
        raw = path.read_bytes()
        for one in (ann, bob):
            assert one.to_bytes(8, "little") not in raw, path
            assert str(one).encode() not in raw, path
    for path in tmp_path.rglob("*.parquet"):
        people = pq.read_table(path, columns=["person_id", "identity"], partitioning=None)
        assert {*people["person_id"].to_pylist(), *people["identity"].to_pylist()} == {phone}
