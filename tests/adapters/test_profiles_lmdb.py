"""What only a store on disk can do: grow, be shared, come back."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.profile import Profile
from volano.domain.view import Offset

READ = """
import sys
from pathlib import Path
from volano.adapters.profiles_lmdb import LmdbProfiles
profiles = LmdbProfiles(Path(sys.argv[1]))
print(profiles.get(1).orders, profiles.person(5), profiles.offset("j0"))
"""


def elsewhere(program: str, *arguments: object) -> str:
    """What a program run by another process prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_another_process_reads_what_was_put(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path)
    profiles.put([Profile(person_id=1, orders=3)], {5: 1}, Offset("j0", 9))
    assert elsewhere(READ, tmp_path) == "3 1 9"


def test_the_map_grows_when_it_is_full(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path, map_size=1 << 17)
    profiles.put([Profile(person_id=1, orders=3)], {}, None)
    profiles.put(
        [Profile(person_id=number, source="x" * 200) for number in range(2, 5_000)], {5: 1}, Offset("j0", 9)
    )
    assert profiles.get(4_999) is not None
    assert elsewhere(READ, tmp_path) == "3 1 9"


def test_a_reader_notices_that_another_process_has_grown_the_map(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path, map_size=1 << 17)
    write = """
import sys
from pathlib import Path
from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.profile import Profile
profiles = LmdbProfiles(Path(sys.argv[1]), map_size=1 << 17)
profiles.put([Profile(person_id=number, source="x" * 200) for number in range(5_000)], {}, None)
"""
    elsewhere(write, tmp_path)
    assert profiles.get(4_999) == Profile(person_id=4_999, source="x" * 200)
    profiles.put([Profile(person_id=1, orders=1)], {}, None)
    assert profiles.get(1) == Profile(person_id=1, orders=1)


def test_putting_afresh_what_does_not_fit_grows_the_map_and_leaves_nothing_old(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path, map_size=1 << 17)
    profiles.put([Profile(person_id=-1)], {5: 1}, Offset("j0", 9))
    many = [Profile(person_id=number, source="x" * 200) for number in range(5_000)]
    profiles.put(many, {}, None, afresh=True)
    assert (profiles.get(-1), profiles.person(5), profiles.offset("j0")) == (None, 5, 0)
    assert profiles.get(4_999) == many[-1]


def test_a_turn_is_one_over_all_processes(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path)
    wait = """
import sys
from pathlib import Path
from volano.adapters.profiles_lmdb import LmdbProfiles
profiles = LmdbProfiles(Path(sys.argv[1]))
print("ready", flush=True)
with profiles.turn():
    print(profiles.offset("j0"))
"""
    with profiles.turn():
        other = subprocess.Popen([sys.executable, "-c", wait, tmp_path], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        profiles.put([], {}, Offset("j0", 7))
    with other:
        assert other.stdout.readline() == "7\n"


def test_a_put_that_fails_keeps_nothing(tmp_path: Path) -> None:
    profiles = LmdbProfiles(tmp_path)
    with pytest.raises(struct.error):
        profiles.put([Profile(person_id=1), Profile(person_id=2**70)], {}, Offset("j0", 9))
    assert (profiles.get(1), profiles.offset("j0")) == (None, 0)


def test_the_same_folder_may_be_opened_twice(tmp_path: Path) -> None:
    first, second = LmdbProfiles(tmp_path), LmdbProfiles(tmp_path)
    first.put([Profile(person_id=1)], {}, None)
    assert second.get(1) == Profile(person_id=1)
