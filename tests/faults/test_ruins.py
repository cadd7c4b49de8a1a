"""What killed commands leave in and beside a home, and what a journal tells of damage and of failed syncs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.homes import caught_up, frame, logs, names, opened, sent
from tests.faults.test_damage import damaged
from tests.flow.site import NOW, event
from volano.adapters.journal_file import FileJournal
from volano.adapters.lake_holds import held
from volano.domain.backup import Backup
from volano.domain.profile import Profile
from volano.domain.view import View
from volano.errors import BrokenHome
from volano.web.turning import Turning
from volano.wiring.backups import forget_in_backups


def ruin(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("ann@shop.example")
    return path


def test_what_a_killed_backup_or_restore_left_goes_and_a_running_one_goes_on(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    target = tmp_path / "shop.tar.gz"
    house.state.put(Backup(key=str(target), path=str(target), made_at=NOW))
    dead = [
        ruin(house.home / ".backup-x" / "lake" / "one.parquet"),
        ruin(tmp_path / ".restore-x" / "state.db"),
    ]
    half = ruin(tmp_path / ".shop.tar.gz.part")
    alive = ruin(house.home / ".backup-y" / "one.parquet")
    with held(alive.parent), held(half):
        opened(tmp_path / "home")
        forget_in_backups(house.state, [1], now=NOW)
        assert ([one.exists() for one in dead], half.exists(), alive.exists()) == ([False] * 2, True, True)
    forget_in_backups(house.state, [1], now=NOW)
    assert not half.exists()


def test_a_damaged_frame_is_counted_among_the_quarantined(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    sent(house.journal, "one", "two", "three")
    length = house.journal.end // 3
    house.journal.close()  # type: ignore[attr-defined]
    damaged(logs(house)[0], int(1.6 * length))
    house = opened(tmp_path / "home")
    assert caught_up(house) == {}
    view = View(tables=("quarantine",), columns=("code", "message", "origin"))
    (row,) = house.lake.read(view).to_pylist()
    assert (row["code"], row["origin"]) == ("damaged_frame", "")
    assert "cannot be read" in row["message"]
    assert caught_up(house) == {}
    assert house.lake.read(view).num_rows == 1


def test_after_one_turn_of_the_drain_an_event_is_in_the_lake_and_in_a_profile(tmp_path: Path) -> None:
    house = opened(tmp_path / "home")
    turning = Turning(house, lambda: NOW)
    turning.drain()
    before = turning.version
    house.journal.append_now(frame(event("Seen", user="ann")))
    assert turning.drain() == 1
    assert (names(house), len([*house.profiles.scan(Profile)])) == (["Seen"], 1)
    assert [one.event for one in turning.recent.after()][-1:] == ["Seen"]
    assert turning.version > before  # the console looks anew


@pytest.mark.parametrize("frames", [0, 2])
def test_a_segment_whose_name_could_not_be_synced_is_a_failed_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    journal = FileJournal(tmp_path, segment=1)
    for _ in range(frames):
        journal.append_now(b"kept")

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(BrokenHome, match="could not be synced"):
        journal.append_now(b"lost?")
    monkeypatch.undo()
    with pytest.raises(BrokenHome, match="check the disk"):
        journal.append_now(b"more")
    journal.close()
    again = FileJournal(tmp_path)
    again.append_now(b"more")
    assert [raw for _, raw in again.read(0, 9)] == [*[b"kept"] * frames, b"more"]
