"""A backup is whole, also of a home that is in use."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from pyarrow import fs

from tests.flow.site import NOW, event
from tests.s3 import BUCKET
from volano.adapters import backup
from volano.adapters.journal_file import FileJournal
from volano.domain.backup import Backup
from volano.domain.erasure import Receipt
from volano.domain.event import Intake
from volano.domain.profile import Profile
from volano.domain.view import View
from volano.errors import BadFile, BadInput, BrokenHome
from volano.flow.forgetting import forget
from volano.flow.ingest import drain, drain_all
from volano.flow.joining import unmerge
from volano.observe.identity import identity
from volano.settings import Settings
from volano.wiring import House, open_house
from volano.wiring.backups import backup_home, forget_in_backups, restore_home


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
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    monkeypatch.undo()
    meanwhile.join()
    again = Settings(home=str(tmp_path / "again"))
    restore_home(again, tmp_path / "all.tar.gz", still)
    assert set(names(open_house(again))) >= {"one", "two", "three", "four"}
    assert "later" in names(house)


def test_a_backup_is_for_its_owner_only(tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    for name in ("all.tar.gz", "all.tar.gz.index.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_backup_holds_every_journal_and_says_where_each_ends(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    send(FileJournal(open_house(settings).home / "journal", "j0"), "one")
    second = FileJournal(tmp_path / "home" / "journal", "j1")
    send(second, "two", "three")
    second.forget(0)
    backup_home(settings, tmp_path / "all.tar.gz", still, now=NOW)
    index = msgspec.json.decode((tmp_path / "all.tar.gz.index.json").read_bytes())
    assert (index["made_at"], index["offsets"]["j1"], sorted(index["offsets"])) == (
        NOW,
        second.end,
        ["j0", "j1"],
    )
    backup.unpack(tmp_path / "all.tar.gz", tmp_path / "again", still)
    left = sorted(path.name for path in (tmp_path / "again" / "journal").rglob("*") if path.is_file())
    assert left == ["00000000000000000000.log"] * 2


def test_whom_we_forget_is_noted_beside_every_backup_that_can_be_reached(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    state = open_house(settings).state
    for name in ("first.tar.gz", "second.tar.gz"):
        backup_home(settings, tmp_path / name, still, now=NOW)
    (tmp_path / "second.tar.gz").unlink()
    here, gone = str(tmp_path / "first.tar.gz"), str(tmp_path / "second.tar.gz")
    assert forget_in_backups(state, [7, 8], now=NOW + 1) == ([here], [gone])
    assert forget_in_backups(state, [8, 9], now=NOW + 2) == ([here], [gone])
    assert backup.forgotten_in(tmp_path / "first.tar.gz") == [7, 8, 9]


def test_whom_we_forgot_does_not_come_back_with_a_backup(tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    for user in ("stays", "goes", "waits", "goes"):
        told = Intake(source="web", received_at=NOW, events=[event(user, user=user)], refusals=[])
        house.journal.append_now(msgspec.msgpack.encode(told))
        if user == "goes":
            drain(house.journal, house.lake, house.profiles)
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    gone = [identity("u:goes"), identity("u:waits")]
    forget_in_backups(house.state, gone, now=NOW)
    restore_home(Settings(home=str(tmp_path / "again")), tmp_path / "all.tar.gz", still)
    again = open_house(Settings(home=str(tmp_path / "again")))
    assert names(again) == ["stays"]
    assert not any(b"waits" in path.read_bytes() for path in (again.home / "journal").rglob("*.log"))
    assert again.profiles.get(Profile, identity("u:goes")) is None
    assert again.profiles.get(Profile, identity("u:stays")) is not None


def test_whom_we_forget_while_a_backup_is_written_does_not_come_back_with_it(tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    for user in ("ann", "bob"):
        told = Intake(source="web", received_at=NOW, events=[event(user, user=user)], refusals=[])
        house.journal.append_now(msgspec.msgpack.encode(told))
    assert names(house) == ["ann", "bob"]
    receipts: list[Receipt] = []

    def move(_done: int, _total: int) -> None:
        if not receipts:
            receipts.append(
                forget(
                    house,
                    ["u:ann"],
                    now=NOW - 1,
                    drain=lambda: drain_all(house),
                    backups=lambda hashes: forget_in_backups(house.state, hashes, now=NOW - 1),
                )
            )

    backup_home(house.settings, tmp_path / "all.tar.gz", move, now=NOW)
    assert receipts[0].backups == (str(tmp_path / "all.tar.gz"),)
    again = Settings(home=str(tmp_path / "again"))
    restore_home(again, tmp_path / "all.tar.gz", still)
    assert names(open_house(again)) == ["bob"]


KILLED = """
import os, pathlib, signal, sys
from volano.settings import Settings
from volano.wiring.backups import backup_home
replace = pathlib.Path.replace
def watched(self, target):
    if str(target).endswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
pathlib.Path.replace = watched
home = pathlib.Path(sys.argv[1])
backup_home(Settings(home=str(home)), home.parent / "all.tar.gz", lambda *_: None, now=int(sys.argv[3]))
"""


@pytest.mark.parametrize("where", [".tar.gz", "all.tar.gz.index.json"])
def test_a_backup_that_dies_leaves_the_one_before_and_whom_it_must_not_bring_back(
    tmp_path: Path, where: str
) -> None:
    house, target = open_house(Settings(home=str(tmp_path / "home"))), tmp_path / "all.tar.gz"
    send(FileJournal(house.home / "journal", "j0"), "one")
    backup_home(house.settings, target, still, now=NOW)
    forget_in_backups(house.state, [42], now=NOW + 1)
    before = target.read_bytes()
    command = [sys.executable, "-c", KILLED, str(house.home), where, str(NOW + 2)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert (target.read_bytes(), backup.forgotten_in(target)) == (before, [42])
    assert forget_in_backups(house.state, [43], now=NOW + 3) == ([str(target)], [])
    assert backup.forgotten_in(target) == [42, 43]
    backup_home(house.settings, target, still, now=NOW + 4)
    assert backup.forgotten_in(target) == []  # they are not in it
    assert [path.name for path in tmp_path.glob(".all*.new")] == []


def test_a_backup_that_cannot_be_written_is_not_remembered(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path / "home"))
    state = open_house(settings).state

    def full(_done: int, _total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        backup_home(settings, tmp_path / "all.tar.gz", full, now=NOW)
    assert state.find(Backup) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_a_backup_without_an_index_brings_everybody_back_and_a_broken_one_is_told(tmp_path: Path) -> None:
    assert backup.forgotten_in(tmp_path / "old.tar.gz") == []
    (tmp_path / "old.tar.gz.index.json").write_text("{")
    with pytest.raises(BadFile, match="names whom to forget"):
        backup.forgotten_in(tmp_path / "old.tar.gz")


def objects(s3: fs.S3FileSystem, folder: str) -> list[str]:
    found = s3.get_file_info(fs.FileSelector(folder, recursive=True))
    return sorted(info.path.removeprefix(f"{folder}/") for info in found if info.type == fs.FileType.File)


@pytest.fixture
def bucket(
    tmp_path: Path, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Settings]:
    """A home of a name, with its lake in a folder of the same name."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    address = f"s3://{BUCKET}/{tmp_path.name}"
    return lambda name: Settings(home=str(tmp_path / name), lake=f"{address}/{name}")


def test_a_lake_in_a_bucket_is_copied_there_and_put_back_into_a_new_folder(
    tmp_path: Path, bucket: Callable[[str], Settings], s3: fs.S3FileSystem
) -> None:
    house, target = open_house(bucket("home")), tmp_path / "all.tar.gz"
    for user in ("ann", "bob"):
        told = Intake(source="web", received_at=NOW, events=[event(user, user=user)], refusals=[])
        house.journal.append_now(msgspec.msgpack.encode(told))
    assert names(house) == ["ann", "bob"]
    send(house.journal, "waits")  # type: ignore[arg-type]
    moved: list[int] = []

    def move(_done: int, _total: int) -> None:
        if not moved:
            moved.append(house.upkeep.compact())

    backup_home(house.settings, target, move, now=NOW)
    assert names(house) == ["ann", "bob", "waits"]  # the copies are not swept, nor read
    open_house(bucket("home")).upkeep.compact()
    folder = f"{BUCKET}/{tmp_path.name}/home"
    [kept] = {name.split("/")[0] for name in objects(s3, folder) if name.startswith("backup-")}
    assert house.upkeep.verify() == []
    forget_in_backups(house.state, [identity("u:ann")], now=NOW + 1)
    s3.delete_dir(f"{folder}/events")  # the bucket loses its own
    again = open_house_of(bucket("again"), target)
    assert names(again) == ["bob", "waits"]
    assert again.upkeep.verify() == []
    assert objects(s3, f"{folder}/{kept}").count("manifest.json") == 1


def open_house_of(settings: Settings, target: Path) -> House:
    restore_home(settings, target, still)
    return open_house(settings)


def test_a_backup_is_put_back_to_where_its_lake_can_be_or_not_at_all(
    tmp_path: Path, bucket: Callable[[str], Settings]
) -> None:
    there, here = open_house(bucket("there")), open_house(Settings(home=str(tmp_path / "here")))
    for house in (there, here):
        backup_home(house.settings, house.home.with_suffix(".tar.gz"), still, now=NOW)
    with pytest.raises(BadInput, match="set VOLANO_LAKE to a new folder"):
        restore_home(Settings(home=str(tmp_path / "new")), tmp_path / "there.tar.gz", still)
    with pytest.raises(BadInput, match="without VOLANO_LAKE"):
        restore_home(bucket("new"), tmp_path / "here.tar.gz", still)
    with pytest.raises(BrokenHome, match="there is a lake at"):
        restore_home(
            Settings(home=str(tmp_path / "new"), lake=there.settings.lake), tmp_path / "there.tar.gz", still
        )
    assert not (tmp_path / "new").exists()


def test_a_backup_that_fails_leaves_no_copies_in_the_bucket(
    tmp_path: Path, bucket: Callable[[str], Settings], s3: fs.S3FileSystem
) -> None:
    house = open_house(bucket("home"))
    send(house.journal, "one")  # type: ignore[arg-type]
    assert names(house) == ["one"]

    def full(_done: int, _total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        backup_home(house.settings, tmp_path / "all.tar.gz", full, now=NOW)
    assert not any("backup-" in name for name in objects(s3, f"{BUCKET}/{tmp_path.name}"))


def test_a_backup_forgets_nobody_who_was_parted_from_them_later(tmp_path: Path) -> None:
    house = open_house(Settings(home=str(tmp_path / "home")))
    told = [event("one", anon="phone"), event("two", user="ann", anon="phone"), event("three", anon="phone")]
    frame = Intake(source="web", received_at=NOW, events=told, refusals=[])
    house.journal.append_now(msgspec.msgpack.encode(frame))
    drain(house.journal, house.lake, house.profiles)
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    unmerge(house, identity("a:phone"), by="owner", now=NOW)
    backups = partial(forget_in_backups, house.state, now=NOW)
    forget(house, ["u:ann"], now=NOW, drain=int, backups=backups)
    restore_home(Settings(home=str(tmp_path / "again")), tmp_path / "all.tar.gz", still)
    again = open_house(Settings(home=str(tmp_path / "again")))
    assert names(again) == names(house) == ["one", "three"]
    rows = again.lake.read(View(columns=("event",)))
    assert set(rows["person_id"].to_pylist()) == {identity("a:phone")}
    profile = again.profiles.get(Profile, identity("a:phone"))
    assert profile == house.profiles.get(Profile, identity("a:phone"))
