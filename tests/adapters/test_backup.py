"""A backup is whole, also of a home that is in use."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from tests.flow.site import NOW, event
from volano.adapters import backup
from volano.adapters.journal_file import FileJournal
from volano.domain.event import Intake
from volano.domain.view import View
from volano.flow.ingest import drain
from volano.settings import Settings
from volano.wiring import House, backup_home, open_house, restore_home


def still(_done: int, _total: int) -> None:
    """Nobody watches."""


def send(journal: FileJournal, *names: str) -> None:
    """A frame for each event."""
    for name in names:
        told = Intake(source="web", received_at=NOW, events=[event(name, user="u")], refusals=[])
        journal.append_now(msgspec.msgpack.encode(told))


def names(house: House) -> list[str]:
    """The events in the lake, after what waited has been moved."""
    while drain(house.journal, house.lake, house.profiles):
        pass
    found: list[str] = house.lake.read(View(columns=("event",)))["event"].to_pylist()
    return sorted(found)


def test_events_that_move_on_while_a_backup_is_made_are_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    journal = FileJournal(house.home / "journal", segment=1)
    send(journal, "one")
    drain(journal, house.lake, house.profiles)
    send(journal, "two", "three", "four")

    def move_on() -> None:
        drain(journal, house.lake, house.profiles)
        send(journal, "later")

    meanwhile, mkdir = Thread(target=move_on), os.mkdir

    def mkdir_and_on(path: Any, *more: Any) -> None:
        mkdir(path, *more)
        if Path(path).name == "journal":
            meanwhile.start()
            meanwhile.join(0.2)  # time to do harm; it has none to do when it must wait

    monkeypatch.setattr(os, "mkdir", mkdir_and_on)
    backup_home(house.settings, tmp_path / "all.tar.gz", still)
    monkeypatch.undo()
    meanwhile.join()
    again = Settings(home=str(tmp_path / "again"))
    restore_home(again, tmp_path / "all.tar.gz", still)
    assert set(names(open_house(again))) >= {"one", "two", "three", "four"}
    assert "later" in names(house)


def test_a_backup_is_for_its_owner_only(tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    backup.pack(house.home, tmp_path / "all.tar.gz", still)
    assert stat.S_IMODE((tmp_path / "all.tar.gz").stat().st_mode) == 0o600
