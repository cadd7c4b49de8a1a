"""What only a store on disk can do: grow, be shared, come back."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from volano.adapters import profiles_lmdb
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.change import Change, Packed
from volano.domain.identity import Identity
from volano.domain.profile import Profile
from volano.domain.view import Offset

OPEN = """
import sys
from pathlib import Path
from volano.adapters import profiles_lmdb
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.change import Change, Packed
from volano.domain.identity import Identity
from volano.domain.profile import Profile
profiles = LmdbProfiles(Path(sys.argv[1]), map_size=1 << 17)
"""
READ = f"""{OPEN}
print(profiles.get(Profile, 1).orders, profiles.get(Identity, 5).person_id, profiles.offset("j0"))
"""
FIRST = (1, Profile(person_id=1, orders=3))
ALIAS = (5, Identity(identity=5, known_as="a:5", person_id=1))


def many(since: int) -> Packed:
    """Too many for a small map."""
    people = [Profile(person_id=number, source="x" * 200) for number in range(since, 5_000)]
    return Packed.of(Profile, [(one.person_id, one) for one in people])


def elsewhere(program: str, *arguments: object) -> str:
    """What a program run by another process prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_another_process_reads_what_was_put(tmp_path: Path) -> None:
    LmdbProfiles(tmp_path).put(Change(puts=(FIRST, ALIAS), upto=Offset("j0", 9)))
    assert elsewhere(READ, tmp_path) == "3 1 9"


def test_the_map_grows_when_it_is_full(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path, map_size=1 << 17)
    profiles.put(Change(puts=(FIRST,)))
    profiles.put(Change(packed=(many(since=2),), puts=(ALIAS,), upto=Offset("j0", 9)))
    assert profiles.get(Profile, 4_999) is not None
    assert elsewhere(READ, tmp_path) == "3 1 9"


def test_a_reader_notices_what_another_process_has_made_and_grown(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path, map_size=1 << 17)
    assert profiles.get(Profile, 4_999) is None
    write = f"""{OPEN}
people = [(number, Profile(person_id=number, source="x" * 200)) for number in range(5_000)]
profiles.put(Change(packed=(Packed.of(Profile, people),)))
"""
    elsewhere(write, tmp_path)
    assert profiles.get(Profile, 4_999) == Profile(person_id=4_999, source="x" * 200)
    assert len(list(profiles.scan(Profile))) == 5_000
    profiles.put(Change(puts=(FIRST,)))
    assert profiles.get(Profile, 1) == FIRST[1]


def test_putting_afresh_what_does_not_fit_grows_the_map_and_leaves_nothing_old(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path, map_size=1 << 17)
    profiles.put(Change(puts=((-1, Profile(person_id=-1)), ALIAS)))
    profiles.put(Change(packed=(many(since=0),), afresh=(Profile, Identity)))
    assert (profiles.get(Profile, -1), profiles.get(Identity, 5)) == (None, None)
    assert profiles.get(Profile, 4_999) == Profile(person_id=4_999, source="x" * 200)


def test_a_turn_is_one_over_all_processes(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path)
    wait = f"""{OPEN}
print("ready", flush=True)
with profiles.turn():
    print(profiles.offset("j0"))
"""
    with profiles.turn():
        other = subprocess.Popen([sys.executable, "-c", wait, tmp_path], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        profiles.put(Change(upto=Offset("j0", 7)))
    with other:
        assert other.stdout.readline() == "7\n"


def test_a_put_that_fails_keeps_nothing(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path)
    with pytest.raises(struct.error):
        profiles.put(Change(puts=(FIRST, (2**70, Profile(person_id=0))), upto=Offset("j0", 9)))
    assert (profiles.get(Profile, 1), profiles.offset("j0")) == (None, -1)


def test_the_same_folder_may_be_opened_twice(tmp_path: Path) -> None:
    first, second = LmdbProfiles(tmp_path), LmdbProfiles(tmp_path)
    first.put(Change(puts=(FIRST,)))
    assert second.get(Profile, 1) == FIRST[1]


def test_a_store_of_records_that_meant_something_else_is_nowhere_and_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles_lmdb, "NOW", b"1")
    LmdbProfiles(tmp_path).put(Change(puts=(FIRST,), upto=Offset("j0", 9)))
    assert LmdbProfiles(tmp_path).offset("j0") == 9
    monkeypatch.undo()
    assert LmdbProfiles(tmp_path).offset("j0") == -1
    LmdbProfiles(tmp_path).put(Change(upto=Offset("j0", 9)))
    assert LmdbProfiles(tmp_path).offset("j0") == 9
