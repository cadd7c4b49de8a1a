"""Counting caps in LMDB: what a machine that starts anew finds, and what is left on the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from volano.adapters.caps_lmdb import LmdbCaps
from volano.domain.campaign import Cap
from volano.domain.durations import DAY
from volano.errors import BrokenHome

ONCE = Cap(times=1, days=7)


def taken(caps: LmdbCaps, person: int, *, day: int) -> bool:
    return bool(caps.take([person], [("c.1", ONCE)], now=day * DAY))


def test_what_was_counted_outlives_the_process_though_nothing_was_synced(tmp_path: Path) -> None:
    LmdbCaps(tmp_path).fill(())
    said = (
        "import os, sys; from tests.adapters.test_caps_lmdb import *; "
        "assert taken(LmdbCaps(Path(sys.argv[1])), 7, day=1); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", said, str(tmp_path)], env={**os.environ}, check=False)
    caps = LmdbCaps(tmp_path)
    assert not caps.missing
    assert not taken(caps, 7, day=2)


def test_on_a_machine_that_was_started_anew_the_file_is_not_even_read(tmp_path: Path) -> None:
    caps = LmdbCaps(tmp_path, "first start")
    caps.fill(())
    assert taken(caps, 7, day=1)
    del caps
    (tmp_path / "data.mdb").write_bytes(os.urandom(100_000))  # what a machine that died may leave
    caps = LmdbCaps(tmp_path, "second start")
    assert caps.missing
    caps.fill([("c.1", 7, (DAY,))])
    assert not taken(caps, 7, day=2)
    assert not LmdbCaps(tmp_path, "second start").missing


def test_nobody_takes_the_file_from_one_who_has_it_open(tmp_path: Path) -> None:
    caps = LmdbCaps(tmp_path, "first start")
    caps.fill(())
    assert not LmdbCaps(tmp_path, "seen otherwise from another container").missing
    assert taken(caps, 7, day=1)


def test_syncing_reaches_the_disk_only_where_something_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caps = LmdbCaps(tmp_path)
    caps.fill(())
    synced: list[bool] = []
    env = caps._room._env

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(env, name)

        def sync(self, force: bool) -> None:
            synced.append(force)
            env.sync(force)

    monkeypatch.setattr(caps._room, "_env", Watched())
    caps.sync()
    assert synced == []
    taken(caps, 7, day=1)
    caps.sync()
    caps.sync()
    assert synced == [True]
    assert not taken(caps, 7, day=2)
    caps.sync()
    assert synced == [True]  # a refusal writes nothing


def test_who_is_dropped_is_nowhere_in_the_file(tmp_path: Path) -> None:
    caps, mine = LmdbCaps(tmp_path), 0x6A6F_6861_6E6E_6501
    caps.fill([("c.1", one, (DAY,)) for one in range(3_000)])
    for day in (1, 20, 40):
        taken(caps, mine, day=day)
        taken(caps, 5, day=day)
    assert mine.to_bytes(8, "big") in (tmp_path / "data.mdb").read_bytes()
    assert caps.drop([mine]) == 1
    assert mine.to_bytes(8, "big") not in (tmp_path / "data.mdb").read_bytes()
    assert not taken(caps, 5, day=41)
    assert not taken(caps, 2_999, day=2)


def test_to_drop_people_where_nothing_was_counted_makes_no_file(tmp_path: Path) -> None:
    assert LmdbCaps(tmp_path / "caps").drop([1]) == 0
    assert not (tmp_path / "caps").exists()


def test_a_disk_that_takes_no_more_is_told_in_a_sentence(tmp_path: Path) -> None:
    LmdbCaps(tmp_path).fill(())
    said = (
        "import resource, sys; from tests.adapters.test_caps_lmdb import *; "
        "caps, size = LmdbCaps(Path(sys.argv[1])), (Path(sys.argv[1]) / 'data.mdb').stat().st_size; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); "
        "caps.take([1], [('c.1', ONCE)], now=DAY); "
        "[caps.take([who], [(f'c.{who}', ONCE)], now=DAY) for who in range(20_000)]"
    )
    done = subprocess.run(
        [sys.executable, "-c", said, str(tmp_path)], capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("volano.errors.BrokenHome: how often campaigns were given cannot be counted")
    assert "free some disk" in last


def test_a_file_that_is_damaged_is_told_with_its_folder(tmp_path: Path) -> None:
    LmdbCaps(tmp_path / "caps").fill(())
    (tmp_path / "caps" / "data.mdb").write_bytes(os.urandom(100_000))
    with pytest.raises(BrokenHome, match="delete the folder caps"):
        taken(LmdbCaps(tmp_path / "caps"), 7, day=1)
