"""What every store of live profiles promises."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.adapters.profiles_valkey import ValkeyProfiles
from volano.domain.change import Change, Key, Packed
from volano.domain.identity import Identity
from volano.domain.profile import Profile
from volano.domain.segment import Due
from volano.domain.view import Offset
from volano.ports import Profiles
from volano.testing.profiles_memory import MemoryProfiles

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(params=["lmdb", "memory", "valkey"])
def profiles(request: pytest.FixtureRequest, tmp_path: Path) -> Profiles:
    if request.param == "valkey":
        room = request.getfixturevalue("valkey").room(tmp_path.name)
        return ValkeyProfiles(room, tmp_path / "profiles")
    return LmdbProfiles(tmp_path / "profiles") if request.param == "lmdb" else MemoryProfiles()


def one(person_id: int, orders: int = 0) -> tuple[int, Profile]:
    return person_id, Profile(person_id=person_id, orders=orders)


def due(at: int, person_id: int) -> tuple[tuple[int, int], Due]:
    return (at, person_id), Due(at=at, person_id=person_id)


def alias(identity: int, person_id: int) -> tuple[int, Identity]:
    return identity, Identity(identity=identity, known_as="a:x", person_id=person_id)


def keys(profiles: Profiles, low: Key | None = None, high: Key | None = None) -> list[Key]:
    return [key for key, _ in profiles.scan(Profile, low, high)]


def test_a_record_comes_back_as_it_was_put(profiles: Profiles) -> None:
    profile = Profile(person_id=7, orders=2, source="instagram", assigned={"c.1": "a:1"})
    assert profiles.get(Profile, 7) is None
    profiles.put(Change(puts=((7, profile), one(-8), due(5, 7))))
    assert (profiles.get(Profile, 7), profiles.get(Profile, -8)) == (profile, Profile(person_id=-8))
    assert profiles.get(Due, (5, 7)) == Due(at=5, person_id=7)


def test_a_later_record_replaces_the_one_before(profiles: Profiles) -> None:
    profiles.put(Change(puts=(one(7, 1),)))
    profiles.put(Change(puts=(one(7, 2), one(7, 3))))
    assert profiles.get(Profile, 7) == Profile(person_id=7, orders=3)


def test_kinds_do_not_know_each_other(profiles: Profiles) -> None:
    profiles.put(Change(puts=(one(7), alias(7, 9))))
    profiles.put(Change(drops=((Profile, 7), (Due, (1, 1)))))
    assert (profiles.get(Profile, 7), profiles.get(Identity, 7)) == (None, alias(7, 9)[1])


def test_what_is_dropped_and_put_in_one_change_is_there(profiles: Profiles) -> None:
    profiles.put(Change(puts=(one(7, 1), one(8, 1))))
    profiles.put(Change(drops=((Profile, 7), (Profile, 8)), puts=(one(7, 2),)))
    assert list(profiles.scan(Profile)) == [one(7, 2)]


def test_records_that_come_packed_are_those_that_were_packed(profiles: Profiles) -> None:
    profiles.put(Change(packed=(Packed.of(Profile, [one(9), one(-2), one(5, 1)]),)))
    assert list(profiles.scan(Profile)) == [one(-2), one(5, 1), one(9)]


def test_of_records_under_one_key_the_last_one_stays(profiles: Profiles) -> None:
    heaps = (Packed.of(Profile, [one(1, 1), one(2, 1), one(1, 2)]), Packed.of(Profile, [one(2, 3), one(0)]))
    profiles.put(Change(packed=heaps, puts=(one(0, 9), one(7)), afresh=(Profile,)))
    assert list(profiles.scan(Profile)) == [one(0, 9), one(1, 2), one(2, 3), one(7)]
    profiles.put(Change(packed=(Packed.of(Profile, []),)))
    assert keys(profiles) == [0, 1, 2, 7]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=20),
    st.none() | st.tuples(NUMBERS, NUMBERS),
    st.none() | st.tuples(NUMBERS, NUMBERS),
)
def test_a_scan_gives_the_keys_between_two_in_their_order(
    profiles: Profiles,
    pairs: list[tuple[int, int]],
    low: tuple[int, int] | None,
    high: tuple[int, int] | None,
) -> None:
    profiles.put(Change(afresh=(Due,), puts=tuple(due(*pair) for pair in pairs)))
    between = [pair for pair in sorted(set(pairs)) if (not low or pair >= low) and (not high or pair < high)]
    assert [key for key, _ in profiles.scan(Due, low, high)] == between


def test_a_scan_of_many_gives_each_once_while_others_are_put(profiles: Profiles) -> None:
    profiles.put(Change(puts=tuple(one(number) for number in range(0, 7_000, 2))))
    scan = profiles.scan(Profile, 2)
    found = [next(scan)[0]]
    profiles.put(Change(puts=tuple(one(number, 1) for number in range(1, 7_000, 2))))
    found += [key for key, _ in scan]
    assert found == sorted(set(found))
    assert set(range(2, 7_000, 2)) <= set(found)


def test_a_scan_goes_on_after_records_are_dropped(profiles: Profiles) -> None:
    profiles.put(Change(puts=tuple(one(number) for number in range(3_000))))
    for number, _ in profiles.scan(Profile):
        profiles.put(Change(drops=((Profile, number),)) if number in (999, 1_000) else Change())
    assert keys(profiles, 990, 1_003) == [*range(990, 999), 1_001, 1_002]


def test_a_store_without_records_has_none(profiles: Profiles) -> None:
    assert keys(profiles) == keys(profiles, 0, 9) == []


def test_the_position_is_kept_with_the_records(profiles: Profiles) -> None:
    assert profiles.offset("j0") == -1
    profiles.put(Change(puts=(one(1),), upto=Offset("j0", 88)))
    profiles.put(Change())
    assert (profiles.offset("j0"), profiles.offset("j1")) == (88, 0)
    profiles.put(Change(upto=Offset("j0", -1)))
    assert profiles.offset("j0") == -1


def test_putting_afresh_forgets_only_the_kinds_that_are_named(profiles: Profiles) -> None:
    profiles.put(Change(puts=(one(1), one(5), alias(1, 2), due(1, 1)), upto=Offset("j1", 88)))
    profiles.put(Change(puts=(one(5), one(3), alias(3, 4)), afresh=(Profile, Identity)))
    assert keys(profiles) == [3, 5]
    assert (profiles.get(Identity, 1), profiles.get(Identity, 3)) == (None, alias(3, 4)[1])
    assert (profiles.get(Due, (1, 1)), profiles.offset("j1")) == (Due(at=1, person_id=1), 88)


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
        profiles.put(Change(upto=Offset("j0", 7)))
    other.join()
    assert found == [7]
