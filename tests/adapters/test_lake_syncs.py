"""What a commit of the lake names is on the disk before the manifest says so, in few waits."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.adapters.test_lake_duckdb import events
from volano.adapters.lake_duckdb import DuckLake
from volano.adapters.lake_syncs import LARGE, Syncs


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files and folders below the lake were synced, in order."""
    told: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        fsync(handle)
        told.append(os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), tmp_path))

    monkeypatch.setattr(os, "fsync", watched)
    return told


def test_files_and_names_of_a_commit_are_synced_before_the_manifest_names_them(
    tmp_path: Path, synced: list[str]
) -> None:
    lake = DuckLake(tmp_path, buckets=2)
    for first in (0, 10):
        synced.clear()
        lake.append({"events": events(range(first, first + 10))})
        manifest = lake._store.snapshot().manifest
        young = {it.path for it in manifest.parts} | {run.path for run in manifest.runs()}
        due = {path for path in young if f"-{manifest.commits:08d}-" in path}
        before = synced[: synced.index("manifest.new")]
        assert len(due) == 2
        assert due | {str(Path(path).parent) for path in due} <= set(before)
        assert synced[-2:] == ["manifest.new", "."]


def test_the_folders_above_are_synced_once_by_each_process(tmp_path: Path, synced: list[str]) -> None:
    for first in (0, 10):
        lake = DuckLake(tmp_path, buckets=2)
        synced.clear()
        for number in range(first, first + 3):
            lake.append({"events": events([number])})
        assert Counter(synced)["events"] == 1


def test_a_large_file_is_synced_when_it_is_written_and_not_in_the_turn(
    tmp_path: Path, synced: list[str]
) -> None:
    syncs = Syncs(tmp_path)
    for name, size in (("large", LARGE), ("small", 1), ("gone", 1)):
        (tmp_path / name).write_bytes(bytes(size))
        syncs.wrote(name)
    assert synced == ["large"]
    syncs.drop("gone")
    syncs.seal(["large", "small"])
    assert sorted(synced) == [".", "large", "small"]
