"""The pepper of a home: one for all processes, for its owner's eyes only, and in every backup."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.flow.site import NOW
from volano.adapters.pepper_file import NAME, pepper_of
from volano.errors import BrokenHome
from volano.flow.secret_keys import holder, make
from volano.settings import Settings
from volano.wiring import open_house, open_pepper, open_state
from volano.wiring.backups import backup_home, restore_home


def still(_done: int, _total: int) -> None:
    """Nobody watches."""


def test_it_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    pepper = pepper_of(tmp_path)
    assert len(pepper) == 32
    assert pepper_of(tmp_path) == pepper
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_two_homes_have_two(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    assert pepper_of(tmp_path / "one") != pepper_of(tmp_path / "two")


def test_all_who_come_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(pepper_of, [tmp_path] * 64))) == 1
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import sys, pathlib as p, volano.adapters.pepper_file as f; print(f.pepper_of(p.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(home)]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert {process.communicate()[0].decode().strip() for process in several} == {str(pepper_of(home))}
    assert [path.name for path in home.iterdir()] == [NAME]


@pytest.mark.parametrize("left", [b"", b"x" * 31, b"x" * 33])
def test_a_damaged_one_is_named_and_not_made_anew(tmp_path: Path, left: bytes) -> None:
    (tmp_path / NAME).write_bytes(left)
    with pytest.raises(BrokenHome, match="put it back from a backup"):
        pepper_of(tmp_path)
    assert (tmp_path / NAME).read_bytes() == left


def test_a_restored_home_knows_its_keys_and_a_stolen_state_does_not(tmp_path: Path) -> None:
    settings, file = Settings(home=str(tmp_path / "home")), tmp_path / "all.tar.gz"
    house = open_house(settings)
    key, secret = make(house.state, house.pepper, "CRM", ["people:read"], now=NOW)
    backup_home(settings, file, still, now=NOW)
    again = Settings(home=str(tmp_path / "again"))
    restore_home(again, file, still)
    assert holder(open_state(again), open_pepper(again), secret) == key
    assert (tmp_path / "again" / NAME).stat().st_mode & 0o777 == 0o600

    thief = Settings(home=str(tmp_path / "thief"))
    open_house(thief)
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (tmp_path / "thief" / name).unlink(missing_ok=True)
        if (tmp_path / "home" / name).exists():
            (tmp_path / "thief" / name).write_bytes((tmp_path / "home" / name).read_bytes())
    stolen = open_state(thief)
    assert [one.name for one in stolen.find(type(key))] == ["CRM"]
    assert holder(stolen, open_pepper(thief), secret) is None


def test_a_home_of_before_there_were_secret_keys_is_backed_up_too(tmp_path: Path) -> None:
    settings, file = Settings(home=str(tmp_path / "home")), tmp_path / "all.tar.gz"
    open_house(settings)
    (tmp_path / "home" / NAME).unlink()
    backup_home(settings, file, still, now=NOW)
    again = Settings(home=str(tmp_path / "again"))
    restore_home(again, file, still)
    assert len(open_pepper(again)) == 32
