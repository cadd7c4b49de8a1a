"""What all keys of personal values promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from volano.adapters.keys_lmdb import LmdbKeys
from volano.ports import PersonalKeys
from volano.testing.keys_memory import MemoryKeys

ENDS = (-(2**63), -1, 0, 7, 2**63 - 1)


@pytest.fixture(params=["lmdb", "memory"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> PersonalKeys:
    return LmdbKeys(tmp_path / "keys") if request.param == "lmdb" else MemoryKeys()


def test_keys_are_made_once_and_each_is_another(keys: PersonalKeys) -> None:
    assert keys.of(ENDS) == {}
    made = keys.made(ENDS)
    assert (set(made), len({*made.values()})) == ({*ENDS}, len(ENDS))
    assert {len(key) for key in made.values()} == {32}
    assert keys.made([*ENDS, 8]).items() > made.items()
    assert keys.of([7, 9]) == {7: made[7]}


def test_whoever_comes_again_gets_a_new_key(keys: PersonalKeys) -> None:
    first = keys.made([1, 2])
    assert keys.drop([1, 3, 1]) == 1
    assert keys.of([1, 2, 3]) == {2: first[2]}
    assert keys.drop([1]) == 0
    assert keys.made([1])[1] != first[1]


def test_an_address_has_one_mark_in_a_home_and_another_elsewhere(keys: PersonalKeys, tmp_path: Path) -> None:
    mark = keys.mark("ann@shop.example")
    assert mark == keys.mark(" Ann@Shop.Example ") != keys.mark("bo@shop.example")
    assert -(2**63) <= mark < 2**63
    assert {LmdbKeys(tmp_path / "other").mark("ann@shop.example"), mark} != {mark}


def test_nothing_is_asked_for_nothing(keys: PersonalKeys) -> None:
    assert (keys.of([]), keys.made([]), keys.drop([])) == ({}, {}, 0)
