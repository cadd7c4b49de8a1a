"""The keys beside a backup: without them nobody reads what is personal in it, and the forgotten have none."""

from __future__ import annotations

import stat
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.adapters.test_backup import still
from tests.flow.site import NOW, event
from volano.adapters.backup_keys import keys_place, wipe_keys
from volano.adapters.keys_lmdb import LmdbKeys
from volano.adapters.lake_files import MANIFEST
from volano.domain.erasure import Receipt
from volano.domain.event import IDENTIFIED, Intake, Refusal
from volano.domain.profile import Profile
from volano.domain.shop import Shop
from volano.domain.view import View
from volano.errors import BadFile
from volano.flow.forgetting import forget
from volano.flow.ingest import drain_all
from volano.flow.people import find
from volano.observe.identity import identity
from volano.settings import Settings
from volano.wiring import House, open_house
from volano.wiring.backups import backup_home, forget_in_backups, restore_home

ANN, BOB = identity("u:ann"), identity("u:bob")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Ann and Bob, with their addresses."""
    house = open_house(Settings(home=str(tmp_path / "home")))
    arrive(house, "ann", "bob")
    return house


def arrive(house: House, *users: str) -> None:
    calls = [
        event(IDENTIFIED, kind="identify", user=user, properties={"email": f"{user}@shop.example", "n": 1})
        for user in users
    ]
    frame = Intake(source="web", received_at=NOW, events=calls, refusals=[])
    house.journal.append_now(msgspec.msgpack.encode(frame))
    drain_all(house)


def addresses(house: House) -> set[str | None]:
    rows = house.lake.read(View(columns=("properties",)))["properties"].to_pylist()
    return {msgspec.json.decode(one).get("email") for one in rows}


def back(tmp_path: Path, name: str = "again") -> tuple[House, str]:
    """The home of the backup, and what was said of it."""
    settings = Settings(home=str(tmp_path / name))
    warning = restore_home(settings, tmp_path / "all.tar.gz", still).warning
    return open_house(settings), warning


def forgotten(house: House, *ids: str) -> Receipt:
    backups = partial(forget_in_backups, house.state, now=NOW + 1)
    return forget(house, ids, now=NOW + 1, drain=int, backups=backups)


def key_of(house: House, one: int) -> bytes:
    return house.keys.of([one])[one]


def test_a_backup_comes_back_with_all_that_is_personal_and_its_keys_are_for_the_owner(
    house: House, tmp_path: Path
) -> None:
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    assert stat.S_IMODE(keys_place(tmp_path / "all.tar.gz").stat().st_mode) == 0o600
    again, warning = back(tmp_path)
    assert (addresses(again), warning) == ({"ann@shop.example", "bob@shop.example"}, "")
    assert again.profiles.get(Profile, ANN) == house.profiles.get(Profile, ANN)
    assert again.keys.of([ANN, BOB]) == house.keys.of([ANN, BOB])
    assert again.keys.mark("ann@shop.example") == house.keys.mark("ann@shop.example")
    made = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert made == ["all.tar.gz", "all.tar.gz.index.json", "all.tar.gz.keys"]


def test_without_its_keys_a_backup_comes_back_without_what_is_personal_and_says_so(
    house: House, tmp_path: Path
) -> None:
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    keys_place(tmp_path / "all.tar.gz").unlink()
    again, warning = back(tmp_path)
    assert addresses(again) == {None}
    assert find(again, "ann@shop.example") == []
    assert find(again, "ann") != []
    assert warning.endswith(
        "e-mail addresses, names and other personal values of this backup cannot be read without it"
    )
    arrive(again, "ann")
    assert addresses(again) == {None, "ann@shop.example"}


def test_keys_that_are_none_stop_a_restore_before_there_is_a_home(house: House, tmp_path: Path) -> None:
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    keys_place(tmp_path / "all.tar.gz").write_bytes(b"something else")
    with pytest.raises(BadFile, match="holds no keys of a backup"):
        back(tmp_path)
    assert not (tmp_path / "again").exists()


def test_who_is_forgotten_can_be_read_in_no_backup_of_before(house: House, tmp_path: Path) -> None:
    house.state.put(Shop(staff=("Ann@shop.example", "bob@shop.example")))
    refused = house.home / "imports" / "imp_1-refused.csv"
    refused.write_text('line,reason,raw\n2,bad,"x,ann@shop.example,1"\n3,bad,"x,bob@shop.example,1"\n')
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    key, raw = key_of(house, ANN), (tmp_path / "all.tar.gz").read_bytes()
    assert forgotten(house, "ann").keys == 1
    assert (tmp_path / "all.tar.gz").read_bytes() == raw
    beside = keys_place(tmp_path / "all.tar.gz").read_bytes()
    assert key not in beside
    assert key_of(house, BOB) in beside
    assert not any(key in path.read_bytes() for path in house.home.rglob("*.mdb"))
    again, warning = back(tmp_path)
    assert (addresses(again), warning) == ({"bob@shop.example"}, "")
    assert [one.staff for one in again.state.find(Shop)] == [("bob@shop.example",)]
    assert "ann@" not in (again.home / "imports" / "imp_1-refused.csv").read_text()
    assert "bob@" in (again.home / "imports" / "imp_1-refused.csv").read_text()


def test_who_is_forgotten_while_a_backup_is_written_has_no_key_in_it(house: House, tmp_path: Path) -> None:
    key = key_of(house, ANN)
    done: list[Receipt] = []

    def move(_done: int, _total: int) -> None:
        if not done:
            done.append(forgotten(house, "ann"))

    backup_home(house.settings, tmp_path / "all.tar.gz", move, now=NOW)
    assert done[0].keys == 1
    assert key not in keys_place(tmp_path / "all.tar.gz").read_bytes()
    assert addresses(back(tmp_path)[0]) == {"bob@shop.example"}


def test_keys_are_taken_also_from_beside_an_archive_that_was_moved_away(house: House, tmp_path: Path) -> None:
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    key = key_of(house, ANN)
    (tmp_path / "all.tar.gz").rename(tmp_path / "moved.tar.gz")
    assert forgotten(house, "ann").unreached == (str(tmp_path / "all.tar.gz"),)
    assert key not in keys_place(tmp_path / "all.tar.gz").read_bytes()


def test_a_backup_that_fails_leaves_no_keys(house: House, tmp_path: Path) -> None:
    def full(_done: int, _total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        backup_home(house.settings, tmp_path / "all.tar.gz", full, now=NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_backup_of_before_there_were_keys_comes_back_as_it_was(house: House, tmp_path: Path) -> None:
    lake = house.home / "lake" / MANIFEST
    manifest = msgspec.json.decode(lake.read_bytes())
    lake.write_bytes(msgspec.json.encode(manifest | {"version": 2, "parts": [], "sealed": False}))
    backup_home(house.settings, tmp_path / "all.tar.gz", still, now=NOW)
    keys_place(tmp_path / "all.tar.gz").unlink()
    assert back(tmp_path)[1] == ""


def test_keys_of_many_are_overwritten_where_they_lie(tmp_path: Path) -> None:
    from volano.adapters.backup_keys import take_back, write_keys

    keys, place = LmdbKeys(tmp_path / "keys"), tmp_path / "x.keys"
    made = keys.made([-5, 0, 7, *range(100, 12_000)])
    write_keys(place, keys)
    size = place.stat().st_size
    wipe_keys(place, [7, 8, 11_999, -5])
    assert place.stat().st_size == size
    again = LmdbKeys(tmp_path / "again")
    assert take_back(place, again, tmp_path) == ""
    assert again.of(made) == {one: key for one, key in made.items() if one not in (7, 11_999, -5)}
    assert again.home == keys.home


def test_a_refused_line_of_somebody_else_stays(house: House) -> None:
    refusal = Refusal(index=0, code="bad", message="no", sample='{"to":"joann@shop.example"}')
    frame = Intake(source="web", received_at=NOW, events=[], refusals=[refusal])
    house.journal.append_now(msgspec.msgpack.encode(frame))
    drain_all(house)
    assert "quarantine" not in forgotten(house, "ann").rows
