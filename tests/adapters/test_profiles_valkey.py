"""What only a store on a server can do: be read meanwhile, hold back a late writer, lose and be mended."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.served import until
from tests.valkey_server import Server
from volano.adapters import profiles_valkey, valkey_room
from volano.adapters.census_parquet import ParquetCensus
from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.adapters.valkey_room import Script, ValkeyRoom, Word
from volano.adapters.valkey_scripts import LEAVE, PUT, TAKE
from volano.domain.change import Change, Packed
from volano.domain.identity import Identity
from volano.domain.profile import Profile
from volano.domain.segment import Due
from volano.domain.view import Offset
from volano.errors import BrokenHome, Busy
from volano.observe.traits import KEPT

FIRST = (1, Profile(person_id=1, orders=3))
ALIAS = (5, Identity(identity=5, known_as="a:5", person_id=1))
HOUR = 3_600_000  # milliseconds


@pytest.fixture
def room(valkey: Server, tmp_path: Path) -> ValkeyRoom:
    return valkey.room(tmp_path.name)


@pytest.fixture
def profiles(room: ValkeyRoom, tmp_path: Path) -> ValkeyProfiles:
    return ValkeyProfiles(room, tmp_path)


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a thousand records of a kind are many."""
    monkeypatch.setattr(profiles_valkey, "_STAGED", 1_000)


def people(count: int, orders: int, since: int = 0) -> Packed:
    each = (Profile(person_id=number, orders=orders) for number in range(since, count))
    return Packed.of(Profile, ((one.person_id, one) for one in each))


def names(room: ValkeyRoom) -> set[str]:
    """What the home has on the server."""
    found = room.ask("KEYS", room.prefix + b"*")
    return {key.removeprefix(room.prefix).decode() for key in found}


def test_homes_on_one_server_do_not_know_each_other(valkey: Server, tmp_path: Path) -> None:
    ours, theirs = (
        ValkeyProfiles(valkey.room(f"{tmp_path.name}-{each}"), tmp_path / each) for each in ("ours", "theirs")
    )
    ours.put(Change(puts=(FIRST,), upto=Offset("j0", 9)))
    theirs.put(Change(afresh=(Profile,)))
    assert (theirs.get(Profile, 1), theirs.offset("j0")) == (None, -1)
    assert (ours.get(Profile, 1), ours.offset("j0")) == (FIRST[1], 9)


@pytest.mark.parametrize("afresh", [(), (Profile,)])
def test_many_records_come_as_few_do(
    profiles: ValkeyProfiles, room: ValkeyRoom, staged: None, afresh: tuple[type[Profile], ...]
) -> None:
    profiles.put(Change(puts=((-1, Profile(person_id=-1)), FIRST, ALIAS)))
    heaps = (people(2_500, 1), people(20, 2))
    dues = tuple(((at, 7), Due(at=at, person_id=7)) for at in range(1_500))
    profiles.put(Change(packed=heaps, puts=((3, Profile(person_id=3, orders=9)), *dues), afresh=afresh))
    found = dict(profiles.scan(Profile))
    assert list(found) == [*(() if afresh else (-1,)), *range(2_500)]
    assert [found[one].orders for one in (0, 3, 19, 20, 2_499)] == [2, 9, 2, 1, 1]
    assert [key for key, _ in profiles.scan(Due)] == [(at, 7) for at in range(1_500)]
    assert profiles.get(Identity, 5) is not None
    assert not any(name.startswith("stage") for name in names(room))
    assert room.ask("TTL", room.key("Profile")) == room.ask("TTL", room.key("Profile:keys")) == -1


@pytest.mark.parametrize("count", [900, 1_500])
@pytest.mark.parametrize("afresh", [(), (Profile,)])
def test_a_reader_never_sees_half_of_a_change(
    profiles: ValkeyProfiles,
    valkey: Server,
    tmp_path: Path,
    staged: None,
    count: int,
    afresh: tuple[type[Profile], ...],
) -> None:
    profiles.put(Change(packed=(people(count, 0),)))
    others, done, seen = ValkeyProfiles(valkey.room(tmp_path.name), tmp_path), Event(), list[set[int]]()

    def read() -> None:
        while not done.is_set():
            found = [one for _, one in islice(others.scan(Profile), 900)]
            seen.append({len(found) - 900, *(one.orders for one in found)})

    reader = Thread(target=read)
    reader.start()
    until(lambda: len(seen) > 3)
    for number in range(12):
        profiles.put(Change(packed=(people(count, number),), afresh=afresh))
    done.set()
    reader.join()
    assert [some for some in seen if len(some - {0}) > 1 or min(some) < 0] == []


def test_a_writer_that_dies_has_put_nothing_and_leaves_what_goes_away(
    profiles: ValkeyProfiles, room: ValkeyRoom, valkey: Server, tmp_path: Path
) -> None:
    profiles.put(Change(puts=(FIRST,), upto=Offset("j0", 9)))
    before = names(room)
    program = """
import os, sys
from pathlib import Path
from tests.adapters.test_profiles_valkey import people
from volano.adapters import profiles_valkey
from volano.adapters.valkey_room import ValkeyRoom
from volano.domain.change import Change
from volano.domain.profile import Profile
class Dying(ValkeyRoom):
    def run(self, script, *words):
        os.kill(os.getpid(), 9)
profiles_valkey._STAGED = 1_000
store = profiles_valkey.ValkeyProfiles(Dying(sys.argv[1], sys.argv[2]), Path(sys.argv[3]))
store.put(Change(packed=(people(1_500, 1),), afresh=(Profile,)))
"""
    command = [sys.executable, "-c", program, valkey.address, tmp_path.name, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -9
    left = names(room) - before
    assert len(left) == 2
    assert all(0 < room.ask("PTTL", room.key(name)) < HOUR for name in left)
    assert list(profiles.scan(Profile)) == [FIRST]


class Late(ValkeyRoom):
    """Comes to put something when what was brought for it has gone away."""

    def run(self, script: Script, *words: Word) -> Any:
        if script is PUT:
            found = self.ask("KEYS", self.prefix + b"stage:*")
            self.ask("DEL", *found)
        return super().run(script, *words)


def test_a_change_of_which_a_part_went_away_is_not_kept(
    profiles: ValkeyProfiles, valkey: Server, tmp_path: Path, staged: None
) -> None:
    profiles.put(Change(puts=(FIRST,)))
    late = ValkeyProfiles(Late(valkey.address, tmp_path.name), tmp_path)
    with pytest.raises(Busy):
        late.put(Change(packed=(people(1_500, 1),), afresh=(Profile,), upto=Offset("j0", 7)))
    assert (list(profiles.scan(Profile)), profiles.offset("j0")) == ([FIRST], -1)


def test_what_is_refused_is_no_change_that_the_server_has_lost(
    profiles: ValkeyProfiles, room: ValkeyRoom
) -> None:
    profiles.put(Change(puts=(FIRST,), upto=Offset("j0", 9)))
    with profiles.turn():
        room.ask("DEL", room.key("turn"))
        with pytest.raises(Busy):
            profiles.put(Change(drops=((Profile, 1),)))
    assert profiles.offset("j0") == 9


class Cut(ValkeyRoom):
    """Loses the server before it is told of a change."""

    def run(self, script: Script, *words: Word) -> Any:
        return ValkeyRoom("valkey://127.0.0.1:1", "home").run(script, *words)


def test_a_change_that_may_be_lost_on_the_way_counts_as_lost(
    profiles: ValkeyProfiles, valkey: Server, tmp_path: Path
) -> None:
    profiles.put(Change(puts=(FIRST,), upto=Offset("j0", 9)))
    with pytest.raises(BrokenHome):
        ValkeyProfiles(Cut(valkey.address, tmp_path.name), tmp_path).put(Change(drops=((Profile, 1),)))
    assert profiles.offset("j0") == -1


def test_who_has_lost_the_turn_keeps_nothing(profiles: ValkeyProfiles, room: ValkeyRoom) -> None:
    with profiles.turn():
        profiles.put(Change(puts=(FIRST,)))
        room.ask("DEL", room.key("turn"))  # as if the lease had run out while we were stopped
        with pytest.raises(Busy, match="try again"):
            profiles.put(Change(drops=((Profile, 1),), upto=Offset("j0", 7)))
        assert (profiles.get(Profile, 1), profiles.offset("j0")) == (FIRST[1], -1)
    with profiles.turn():
        profiles.put(Change(drops=((Profile, 1),)))
    assert profiles.get(Profile, 1) is None


def test_a_turn_is_one_over_all_machines(valkey: Server, tmp_path: Path) -> None:
    here, there = (
        ValkeyProfiles(valkey.room(tmp_path.name), tmp_path / each, machine=each)
        for each in ("here", "there")
    )
    found: list[int] = []

    def wait() -> None:
        with there.turn():
            found.append(there.offset("j0"))

    other = Thread(target=wait)
    with here.turn():
        other.start()
        other.join(0.1)  # it cannot end, however long that is
        here.put(Change(upto=Offset("j0", 7)))
    other.join()
    assert found == [7]


def test_who_waits_gets_the_turn_next(room: ValkeyRoom) -> None:
    def takes(machine: str) -> bool:
        return bool(room.run(TAKE, machine, f"{machine}:1", HOUR, HOUR, 0))

    assert takes("one")
    assert not takes("two")
    room.run(LEAVE, "one:1")
    assert not takes("one")
    assert takes("two")


def test_the_turn_is_ours_as_long_as_we_have_it(room: ValkeyRoom, tmp_path: Path) -> None:
    profiles, left = ValkeyProfiles(room, tmp_path, lease=0.3), [HOUR]

    def renewed() -> bool:
        left.append(room.ask("PTTL", room.key("turn")))
        return 0 < left[-2] < left[-1]

    with profiles.turn():
        left[-1] = 0
        until(renewed)
        until(renewed)
    assert room.ask("EXISTS", room.key("turn")) == 0


def test_a_machine_that_dies_in_its_turn_keeps_it_no_longer_than_its_lease(
    room: ValkeyRoom, profiles: ValkeyProfiles
) -> None:
    room.run(TAKE, "other", "other:1", 100, HOUR, 0)
    with profiles.turn():
        profiles.put(Change(puts=(FIRST,)))


def test_a_process_that_dies_in_its_turn_keeps_nobody_of_its_machine_waiting(
    room: ValkeyRoom, profiles: ValkeyProfiles, valkey: Server, tmp_path: Path
) -> None:
    program = """
import os, sys
from pathlib import Path
from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.adapters.valkey_room import ValkeyRoom
with ValkeyProfiles(ValkeyRoom(*sys.argv[1:3]), Path(sys.argv[3]), lease=3600).turn():
    os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", program, valkey.address, tmp_path.name, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -9
    assert room.ask("PTTL", room.key("turn")) > HOUR / 2
    with profiles.turn():
        profiles.put(Change(puts=(FIRST,)))


def test_a_store_of_records_that_meant_something_else_is_nowhere(
    profiles: ValkeyProfiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(profiles_valkey, "NOW", b"1")
        profiles.put(Change(puts=(FIRST,), upto=Offset("j1", 9)))
        assert profiles.offset("j1") == 9
    assert profiles.offset("j1") == -1
    profiles.put(Change(upto=Offset("j0", 9)))
    assert (profiles.offset("j0"), profiles.offset("j1")) == (9, 0)


def test_a_server_that_has_lost_what_no_journal_tells_is_emptied(
    profiles: ValkeyProfiles, room: ValkeyRoom
) -> None:
    profiles.put(Change(puts=(FIRST, ALIAS), upto=Offset("j0", 9)))
    told = {name: room.ask("DUMP", room.key(name)) for name in names(room)}
    profiles.put(Change(drops=((Profile, 1),)))
    assert profiles.offset("j0") == 9
    for name in names(room):  # it comes back as it was before
        room.ask("DEL", room.key(name))
    for name, what in told.items():
        room.ask("RESTORE", room.key(name), 0, what)
    assert (profiles.offset("j0"), profiles.get(Profile, 1)) == (-1, FIRST[1])
    with profiles.turn():
        assert (profiles.offset("j0"), profiles.get(Profile, 1), profiles.get(Identity, 5)) == (
            -1,
            None,
            None,
        )
        profiles.put(Change(upto=Offset("j0", 9)))
    assert profiles.offset("j0") == 9


def test_nobody_waits_long_for_one_record_of_a_server_that_is_stuck(
    profiles: ValkeyProfiles, valkey: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_room, "_GLANCE", 0.05)
    monkeypatch.setattr(valkey_room, "_REST", 0.3)
    profiles.put(Change(puts=(FIRST,)))
    valkey.pause()
    try:
        with pytest.raises(BrokenHome, match="has not answered in time"):
            profiles.get(Profile, 1)
    finally:
        valkey.go_on()
    with pytest.raises(BrokenHome, match="has not answered in time"):
        profiles.get(Profile, 1)  # it is not asked

    def comes() -> bool:
        try:
            return profiles.get(Profile, 1) == FIRST[1]
        except BrokenHome:
            return False

    until(comes)


def test_a_census_that_is_lost_while_it_is_read_is_to_be_asked_for_again(
    profiles: ValkeyProfiles, room: ValkeyRoom, tmp_path: Path
) -> None:
    census = ParquetCensus(tmp_path, profiles.notes)
    profiles.put(Change(puts=(FIRST,)))
    with census.turn():
        census.keep(census.look("a"), KEPT.empty_table(), [KEPT.empty_table()])
        assert census.look("a").base == 0
        room.ask("DEL", room.key("kept"), room.key("follow"))
        with pytest.raises(Busy, match="ask again"):
            census.read(["person_id"])
        census.keep(census.look("a"), KEPT.empty_table(), [KEPT.empty_table()])
    assert len(list((tmp_path / "census").iterdir())) == 2
