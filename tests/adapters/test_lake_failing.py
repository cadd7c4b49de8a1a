"""A lake whose disk or bucket fails at any step: done again, it is as if nothing had failed."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import fs

from tests.adapters.test_lake_duckdb import Clock, events, rows
from tests.contracts.lakes import event, merge, table
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_files import Files
from volano.adapters.lake_holds import abandoned, held
from volano.adapters.lake_s3 import S3Files
from volano.domain.rewritten import Rewritten
from volano.domain.view import Offset, View
from volano.errors import BrokenHome


class Failing:
    """Files of which the n-th change fails: before it is done, or as it is done but not said to be."""

    fails_at, late, step = -1, False, 0

    def _one(self, act: Callable[[], None]) -> None:
        self.step += 1
        if self.step != self.fails_at:
            return act()
        if self.late:
            act()
        raise OSError(28, "No space left on device")

    def write(self, *args: Any, **how: Any) -> None:
        self._one(lambda: super(Failing, self).write(*args, **how))  # type: ignore[misc]

    def save(self, *args: Any) -> None:
        self._one(lambda: super(Failing, self).save(*args))  # type: ignore[misc]

    def seal(self, paths: Any) -> None:
        self._one(lambda: super(Failing, self).seal(paths))  # type: ignore[misc]

    def replace(self, manifest: bytes) -> None:
        self._one(lambda: super(Failing, self).replace(manifest))  # type: ignore[misc]

    def remove(self, paths: Any) -> None:
        self._one(lambda: super(Failing, self).remove(paths))  # type: ignore[misc]


class FailingDisk(Failing, Files):
    """A directory that fails."""


class FailingBucket(Failing, S3Files):
    """A bucket that fails, here or there: PUTs of the manifest that land and are not said to."""

    def replace(self, manifest: bytes) -> None:
        S3Files.replace(self, manifest)

    def _store(self, name: str, content: bytes) -> None:
        self._one(lambda: S3Files._store(self, name, content))


class Folders(fs.SubTreeFileSystem):  # type: ignore[misc]
    """A directory as S3: folders need not be made."""

    def open_output_stream(self, path: str, **how: Any) -> Any:
        self.create_dir(path.rpartition("/")[0])
        return super().open_output_stream(path, **how)


def files_at(kind: str, place: Path) -> Failing:
    if kind == "disk":
        return FailingDisk(place / "lake")
    return FailingBucket("s3://shop/lake", place / "lake", Folders(str(place / "s3"), fs.LocalFileSystem()))


def opened(files: Any, grace: float = 0.0) -> DuckLake:
    return DuckLake(files, buckets=2, grace=grace)


def relabelled(told: pa.Table) -> Rewritten:
    at = told.column_names.index("event")
    return Rewritten(rows={"events": told.set_column(at, "event", pa.array(["new"] * len(told)))}, drop={})


def appended(lake: DuckLake) -> None:
    more = {"events": events(range(40, 60)), "merges": table([merge(1, 100, 1), merge(2, 2, 6)])}
    lake.append(more, Offset("j0", 9))


ACTS: dict[str, Callable[[DuckLake], object]] = {
    "append": appended,
    "compact": lambda lake: lake.compact(),
    "rewrite": lambda lake: lake.rewrite((("event", ("event 1",)),), relabelled),
    "forget": lambda lake: lake.forget([3], [4]),
    "expire": lambda lake: lake.expire(9),
}


def filled(lake: DuckLake) -> None:
    for low in (0, 20):
        rest = {"merges": table([merge(7, 5, 6)])} if low else {}
        lake.append({"events": events(range(low, low + 20)), **rest})


def content(lake: DuckLake) -> Any:
    found = lake.read(View(columns=("id", "event"))).to_pylist(), lake.offset("j0")
    return found, lake.read(View(tables=("merges",), columns=("alias",))).to_pylist()


def went_on(lake: DuckLake) -> Any:
    """What is in it after more was said."""
    people = {"events": table([event(1000 + one, one) for one in (1, 2, 3, 5, 100)])}
    lake.append({**people, "merges": table([merge(11, 1, 8)])})
    return content(lake)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("kind", "late"), [("disk", False), ("disk", True), ("bucket", True)])
def test_what_fails_at_any_step_and_is_done_again_is_as_if_it_had_not(
    tmp_path: Path, kind: str, act: str, late: bool
) -> None:
    filled(opened(files_at(kind, tmp_path / "start")))
    shutil.copytree(tmp_path / "start", tmp_path / "whole")
    whole = opened(files_at(kind, tmp_path / "whole"))
    ACTS[act](whole)
    expected = went_on(whole)
    for step in range(1, 200):
        place = tmp_path / str(step)
        shutil.copytree(tmp_path / "start", place)
        files = files_at(kind, place)
        lake = opened(files)
        files.step, files.fails_at, files.late = 0, step, late
        try:
            ACTS[act](lake)
        except OSError:
            ACTS[act](lake)
        if files.step < step:
            break
        assert (went_on(lake), lake.verify()) == (expected, []), step
        assert content(opened(files_at(kind, place))) == expected, step
        manifest = lake._store.snapshot().manifest
        assert set(lake._files.found()) <= manifest.paths(), step
        shutil.rmtree(place)
    assert step > 3


class Landing(FailingBucket):
    """A bucket that keeps a manifest and says that it did not."""

    def _store(self, name: str, content: bytes) -> None:
        S3Files._store(self, name, content)
        if self.late and name == "manifest.json":
            raise OSError(110, "Connection timed out")


def test_a_manifest_that_landed_and_was_said_to_have_failed_is_known_to_every_process(tmp_path: Path) -> None:
    system = Folders(str(tmp_path / "s3"), fs.LocalFileSystem())
    files = Landing("s3://shop/lake", tmp_path / "lake", system)
    lake, other = opened(files), opened(files_at("bucket", tmp_path))
    lake.append({"events": events([1])}, Offset("j0", 1))
    assert other.offset("j0") == 1
    files.late = True
    with pytest.raises(OSError, match="timed out"):
        lake.append({"events": events([2])}, Offset("j0", 2))
    assert (other.offset("j0"), lake.offset("j0"), rows(lake)) == (2, 2, [1, 2])


def secret(lake: DuckLake, ids: range) -> None:
    lake.append({"events": table([event(one, one % 50, known_as="u:secret") for one in ids])})


def naming(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


@pytest.mark.parametrize("kind", ["disk", "bucket"])
def test_what_dead_processes_left_goes_when_somebody_is_forgotten(tmp_path: Path, kind: str) -> None:
    lake = opened(files_at(kind, tmp_path))
    secret(lake, range(50))
    root = tmp_path / "lake"
    left = ["sort-x/sorted.parquet", "sort-x/events/spill.tmp", "events/hot/one.parquet.12.part"]
    left += [
        "events/b=01/2024-01-01-00000001-x-0000.parquet",
        "events/hot/2024-01-01-00000001-x-0000.parquet",
    ]
    for name in left:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"secret")
    fetching = root / "events/hot/two.parquet.12.part"
    with held(fetching):
        lake.forget(range(50), [])
        assert fetching.exists()
    assert naming(tmp_path) == []


def test_what_is_being_prepared_is_not_swept_but_its_ruins_are_soon_after(tmp_path: Path) -> None:
    lake = opened(files_at("disk", tmp_path))
    secret(lake, range(50))
    ruin = tmp_path / "lake" / "sort-x" / "sorted.parquet"
    ruin.parent.mkdir()
    ruin.write_bytes(b"secret")
    other = opened(files_at("disk", tmp_path))
    other.sweep()
    ruin.parent.mkdir()
    ruin.write_bytes(b"secret")
    with held(tmp_path / "lake" / "preparing", fcntl.LOCK_SH):
        lake.forget(range(50), [])
    assert naming(tmp_path) == [ruin]
    other.sweep()  # another process, which had swept before
    assert naming(tmp_path) == []


KILLED = """
import os, sys
from pathlib import Path
from tests.adapters.test_lake_failing import secret
from volano.adapters import lake_compaction
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_files import Files

class Dying(Files):
    def adopt(self, local, path):
        os.kill(os.getpid(), 9)

lake_compaction._AT_ONCE = 100
lake = DuckLake(Dying(Path(sys.argv[1])), buckets=1)
lake.append({})
for low in (0, 200):
    secret(lake, range(low, low + 200))
    lake.compact()
"""


def test_a_compaction_that_is_killed_leaves_nothing_that_names_the_forgotten(tmp_path: Path) -> None:
    place = tmp_path / "lake"
    lake = DuckLake(place, buckets=1, grace=0)
    lake.append({})  # has looked for ruins before there were any
    here = str(Path(__file__).parents[2])
    died = subprocess.run([sys.executable, "-c", KILLED, str(place)], cwd=here, check=False)
    assert died.returncode == -signal.SIGKILL
    assert [path.name for path in place.glob("sort-*/*")] != []
    lake.forget(range(50), [])
    assert (naming(tmp_path), rows(lake), list(place.glob("sort-*"))) == ([], [], [])


def test_a_replaced_file_goes_after_its_grace_without_a_new_row(tmp_path: Path) -> None:
    clock = Clock()
    lake = DuckLake(tmp_path, buckets=2, clock=clock, grace=60)
    filled(lake)
    lake.compact()
    commits = lake._store.snapshot().manifest.commits
    clock.now += 59
    lake.sweep()
    assert lake._store.snapshot().manifest.commits == commits
    clock.now += 2
    lake.sweep()
    assert (lake._store.snapshot().manifest.waste, rows(lake)) == ((), list(range(40)))
    assert set(lake._files.found()) == lake._store.snapshot().manifest.paths()


def test_files_stay_while_somebody_reads_them_however_long_that_takes(tmp_path: Path) -> None:
    lake, other = DuckLake(tmp_path, buckets=2, grace=0), DuckLake(tmp_path, grace=0)
    filled(lake)
    began, go_on = threading.Event(), threading.Event()
    found: list[int] = []

    def slow(block: pa.Table) -> int:
        began.set()
        assert go_on.wait(30)
        return len(block)

    reader = threading.Thread(target=lambda: found.append(lake.tally(View(columns=("event",)), slow) or 0))
    reader.start()
    assert began.wait(30)
    other.compact()
    other.append({"events": events([100])})
    kept = other._store.snapshot().manifest.waste
    go_on.set()
    reader.join()
    other.append({"events": events([101])})
    assert (len(kept) > 2, found) == (True, [40])
    assert {it.path for it in kept}.isdisjoint(lake._files.found())
    assert list((tmp_path / "readers").iterdir()) == []


def test_who_died_reading_does_not_hold_files_for_ever(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2, grace=0)
    filled(lake)
    (tmp_path / "readers").mkdir(exist_ok=True)
    (tmp_path / "readers" / "1-dead").touch()
    lake.compact()
    lake.append({"events": events([100])})
    assert lake._store.snapshot().manifest.waste == ()
    assert list((tmp_path / "readers").iterdir()) == []


def test_a_lake_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2)
    filled(lake)
    assert rows(lake) == list(range(40))
    (tmp_path / "readers").rmdir()
    (tmp_path / "readers").touch()  # no folder can be made there
    assert rows(lake) == list(range(40))


def test_a_question_is_answered_from_the_lake_of_now(tmp_path: Path) -> None:
    clock = Clock()
    lake = DuckLake(tmp_path, buckets=2, clock=clock, grace=300)
    filled(lake)
    sql = lake.sql()
    begun = sql.ask("select id from events")
    lake.compact()
    clock.now += 301
    lake.append({"events": events([100])})
    assert sql.ask("select count(*) AS n from events").read_all().to_pylist() == [{"n": 41}]
    assert len(begun.read_all()) == 40
    kept = {it.path for it in lake._store.snapshot().manifest.waste}
    del begun
    clock.now += 301
    lake.append({"events": events([101])})
    assert (len(kept) > 2, kept.isdisjoint(lake._files.found())) == (True, True)


def test_a_file_of_the_grace_that_is_gone_breaks_nothing_else(tmp_path: Path) -> None:
    lake = DuckLake(tmp_path, buckets=2, grace=0)
    filled(lake)
    for path in tmp_path.glob("events/hot/*"):
        os.unlink(path)
    with pytest.raises(BrokenHome, match="restore a backup"):
        DuckLake(tmp_path).read(View(columns=("id",)))
    assert not abandoned(tmp_path / "nowhere")
