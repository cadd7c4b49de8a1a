"""What a lake in a bucket has to care for beside the contract: one home, crashes, copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import fs

from tests.adapters.test_lake_duckdb import events, rows
from tests.s3 import BUCKET, Bucket
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_s3 import S3Files, in_bucket
from volano.domain.view import Offset
from volano.errors import BadInput, BrokenHome


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"s3://{BUCKET}/one/{tmp_path.name}"


def objects(s3: fs.S3FileSystem, address: str) -> list[str]:
    found = s3.get_file_info(fs.FileSelector(in_bucket(address), recursive=True))
    return sorted(info.path for info in found if info.type == fs.FileType.File)


def test_everything_is_in_the_bucket_and_another_machine_can_go_on_with_it(
    tmp_path: Path, address: str, s3: fs.S3FileSystem
) -> None:
    lake = DuckLake(S3Files(address, tmp_path / "one", s3), buckets=2)
    lake.append({"events": events(range(10))}, Offset("j0", 7))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "owner").write_bytes((tmp_path / "one" / "owner").read_bytes())
    again = DuckLake(S3Files(address, tmp_path / "two", s3))
    assert (rows(again), again.offset("j0"), again.buckets, again.verify()) == (list(range(10)), 7, 2, [])
    assert len(again.append({"events": events(range(5, 15))})["events"]) == 5


def test_a_folder_of_another_home_is_not_touched(tmp_path: Path, address: str, s3: fs.S3FileSystem) -> None:
    DuckLake(S3Files(address, tmp_path / "one", s3)).append({"events": events([1])})
    before = objects(s3, address)
    with pytest.raises(BrokenHome, match="belongs to another home"):
        DuckLake(S3Files(address, tmp_path / "two", s3))
    assert objects(s3, address) == before


class Late(Bucket):
    """A bucket in which another home puts its mark right after the first one did."""

    owners = 0

    def open_output_stream(self, path: str) -> Any:
        """A new object; the mark of an owner is that of another at once."""
        if not path.endswith("/owner"):
            return super().open_output_stream(path)
        self.owners += 1
        with super().open_output_stream(path) as out:
            out.write(b"another")
        return super().open_output_stream(f"{path}-too-early")


def test_of_two_that_claim_a_folder_at_once_only_the_last_has_it(tmp_path: Path) -> None:
    bucket = Late(tmp_path)
    with pytest.raises(BrokenHome, match="belongs to another home"):
        DuckLake(S3Files("s3://shop/lake", tmp_path / "one", bucket))
    assert (bucket.owners, [*tmp_path.rglob("shop/lake/manifest.json")]) == (1, [])


def test_who_has_lost_a_folder_commits_nothing_more_to_it(tmp_path: Path) -> None:
    lake = DuckLake(S3Files("s3://shop/lake", tmp_path / "one", Bucket(tmp_path)))
    lake.append({"events": events([1])})
    before = (tmp_path / "shop/lake/manifest.json").read_bytes()
    (tmp_path / "shop/lake/owner").write_bytes(b"another")
    with pytest.raises(BrokenHome, match="belongs to another home"):
        lake.append({"events": events([2])})
    assert (tmp_path / "shop/lake/manifest.json").read_bytes() == before


def test_a_commit_that_died_before_this_machine_noted_it_counts(
    tmp_path: Path, address: str, s3: fs.S3FileSystem
) -> None:
    lake = DuckLake(S3Files(address, tmp_path / "one", s3))
    lake.append({"events": events([1])}, Offset("j0", 1))
    noted = (tmp_path / "one" / "manifest.json").read_bytes()
    lake.append({"events": events([2])}, Offset("j0", 2))
    (tmp_path / "one" / "manifest.json").write_bytes(noted)
    assert DuckLake(S3Files(address, tmp_path / "one", s3)).offset("j0") == 2
    (tmp_path / "one" / "manifest.json").write_bytes(noted)
    lake.append({"events": events([2, 3])})
    assert (rows(lake), lake.offset("j0")) == ([1, 2, 3], 2)


def test_objects_of_a_torn_commit_are_swept(tmp_path: Path, address: str, s3: fs.S3FileSystem) -> None:
    DuckLake(S3Files(address, tmp_path / "one", s3)).append({"events": events([1])})
    with s3.open_output_stream(f"{in_bucket(address)}/events/hot/2020-01-01-00000009-0000.parquet") as out:
        out.write(b"half")
    DuckLake(S3Files(address, tmp_path / "one", s3)).append({"events": events([2])})
    assert not any("2020-01-01" in name for name in objects(s3, address))


def test_large_heaps_are_sorted_on_this_machine_and_leave_nothing_there(
    tmp_path: Path, address: str, s3: fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volano.adapters.lake_compaction._AT_ONCE", 10)
    lake = DuckLake(S3Files(address, tmp_path / "one", s3), buckets=2, grace=0)
    for turn in range(2):
        lake.append({"events": events(range(turn * 20, turn * 20 + 20))})
        lake.compact()
    lake.append({}, Offset("j0", 1))
    assert (rows(lake), lake.verify()) == (list(range(40)), [])
    assert len([name for name in objects(s3, address) if name.endswith(".parquet")]) == 2
    assert list((tmp_path / "one").rglob("*.parquet")) == []


def test_who_is_forgotten_is_gone_from_the_bucket_and_from_the_copies(
    tmp_path: Path, address: str, s3: fs.S3FileSystem
) -> None:
    lake = DuckLake(S3Files(address, tmp_path / "one", s3))
    lake.append({"events": events([1, 2]).append_column("known_as", pa.array(["u:someone", "u:other"]))})
    lake.forget([1], [])
    contents = [s3.open_input_stream(name).read() for name in objects(s3, address)]
    contents += [path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert not any(b"someone" in content for content in contents)
    assert rows(lake) == [2]


def test_sql_reads_the_bucket(tmp_path: Path, address: str, s3: fs.S3FileSystem) -> None:
    lake = DuckLake(S3Files(address, tmp_path / "one", s3))
    lake.append({"events": events(range(10))})
    lake.compact()
    lake.append({"events": events(range(10, 12))})
    answer = lake.sql().ask("select count(*) AS n, max(id) AS m from events").read_all()
    assert answer.to_pylist() == [{"n": 12, "m": 11}]


@pytest.mark.parametrize("address", ["s3://", "s3:///", "http://bucket/folder"])
def test_an_address_without_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="no address in S3"):
        in_bucket(address)
