"""What every store of live profiles promises."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.profile import Profile
from volano.domain.view import Offset
from volano.ports import Profiles
from volano.testing.profiles_memory import MemoryProfiles


@pytest.fixture(params=["lmdb", "memory"])
def profiles(request: pytest.FixtureRequest, tmp_path: Path) -> Profiles:
    return LmdbProfiles(tmp_path / "profiles") if request.param == "lmdb" else MemoryProfiles()


def test_a_profile_comes_back_as_it_was_put(profiles: Profiles) -> None:
    profile = Profile(person_id=7, orders=2, source="instagram", assigned={"c.1": "a:1"})
    assert profiles.get(7) is None
    profiles.put([profile, Profile(person_id=-8)], {}, None)
    assert (profiles.get(7), profiles.get(-8)) == (profile, Profile(person_id=-8))


def test_a_later_profile_replaces_the_one_before(profiles: Profiles) -> None:
    profiles.put([Profile(person_id=7, orders=1)], {}, None)
    profiles.put([Profile(person_id=7, orders=2)], {}, None)
    assert profiles.get(7) == Profile(person_id=7, orders=2)


def test_an_identity_stands_for_itself_until_it_is_linked(profiles: Profiles) -> None:
    assert profiles.person(5) == 5
    profiles.put([], {5: 6}, None)
    assert profiles.person(5) == 6


def test_links_are_followed_to_the_end_and_a_circle_does_not_hang(profiles: Profiles) -> None:
    profiles.put([], {1: 2, 2: 3, 8: 9, 9: 8, 4: 4}, None)
    assert (profiles.person(1), profiles.person(4)) == (3, 4)
    assert profiles.person(8) in {8, 9}


def test_the_position_is_kept_with_the_records(profiles: Profiles) -> None:
    assert profiles.offset("j0") == 0
    profiles.put([Profile(person_id=1)], {}, Offset("j0", 88))
    profiles.put([], {}, None)
    assert (profiles.offset("j0"), profiles.offset("j1")) == (88, 0)


def test_putting_afresh_forgets_records_links_and_positions(profiles: Profiles) -> None:
    profiles.put([Profile(person_id=1)], {1: 2}, Offset("j1", 88))
    profiles.put([Profile(person_id=3)], {3: 4}, Offset("j0", 9), afresh=True)
    assert (profiles.get(1), profiles.person(1), profiles.offset("j1")) == (None, 1, 0)
    assert (profiles.get(3), profiles.person(3), profiles.offset("j0")) == (Profile(person_id=3), 4, 9)


def test_one_thread_has_the_turn_and_the_next_one_gets_it(profiles: Profiles) -> None:
    found: list[int] = []

    def wait_for_the_turn() -> None:
        with profiles.turn():
            found.append(profiles.offset("j0"))

    other = Thread(target=wait_for_the_turn)
    with profiles.turn():
        other.start()
        other.join(0.05)  # it cannot end, however long that is
        assert found == []
        profiles.put([], {}, Offset("j0", 7))
    other.join()
    assert found == [7]
