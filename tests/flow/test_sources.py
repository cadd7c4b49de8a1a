"""Sources and their write keys: shown once, kept as hashes, replaced and taken away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from volano.domain.account import Source, key_hash
from volano.errors import BadInput, NotFound
from volano.flow.sources import (
    KEPT,
    allow,
    first_source,
    make,
    new_key,
    reinstate,
    rename,
    revoke,
    rotate,
)
from volano.testing.state_memory import MemoryState

NOW = 1_795_289_253_000_000
DAY = 86_400_000_000


def test_a_new_home_has_a_source_whose_key_is_told_once() -> None:
    state = MemoryState()
    source, key = first_source(state, now=NOW)
    assert key is not None
    assert (source.key, source.keys[0].hash, source.made_at) == ("web", key_hash(key), NOW)
    assert first_source(state, now=NOW + 1) == (source, None)
    assert key not in str(msgspec.json.encode(source))
    assert source.shown == f"{key[:7]}…"


def test_a_key_in_the_clear_of_an_old_home_is_hashed_when_it_is_read() -> None:
    old = b'{"key":"web","name":"Shop","write_key":"wk_old_and_clear","made_at":4}'
    source = msgspec.json.decode(old, type=Source)
    assert (source.write_key, source.keys[0].hash) == ("", key_hash("wk_old_and_clear"))
    assert b"clear" not in msgspec.json.encode(source)
    assert msgspec.json.decode(msgspec.json.encode(source), type=Source) == source


def test_keys_are_random_and_of_22_characters() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {(key[:3], len(key)) for key in keys} == {("wk_", 25)}


def test_names_become_keys_and_no_key_is_used_twice() -> None:
    state = MemoryState()
    assert [make(state, "Web Shop!", now=NOW)[0].key for _ in range(3)] == [
        "web-shop",
        "web-shop-2",
        "web-shop-3",
    ]
    assert make(state, "店", now=NOW)[0].key == "source"
    with pytest.raises(BadInput):
        make(state, " ", now=NOW)


def test_a_replaced_key_is_good_for_some_days_and_never_longer_than_it_was() -> None:
    state = MemoryState()
    make(state, "Shop", key="web", now=NOW)
    rotate(state, "web", now=NOW, days=1)
    changed, key = rotate(state, "web", now=NOW + 5, days=30)
    assert [one.good_until for one in changed.keys] == [NOW + DAY, NOW + 5 + 30 * DAY, 0]
    assert (changed.keys[-1].hash, changed.rotated_at) == (key_hash(key), NOW + 5)
    for _ in range(9):
        changed, _ = rotate(state, "web", now=NOW + 6, days=0)
    assert len(changed.keys) == KEPT
    with pytest.raises(BadInput):
        rotate(state, "web", now=NOW, days=366)


def test_a_revoked_source_stays_revoked_until_it_is_reinstated() -> None:
    state = MemoryState()
    make(state, "Shop", key="web", now=NOW)
    assert revoke(state, "web", now=NOW).revoked_at == revoke(state, "web", now=NOW + 9).revoked_at == NOW
    with pytest.raises(BadInput):
        rotate(state, "web", now=NOW)
    assert reinstate(state, "web").revoked_at == 0


def test_the_first_source_is_one_that_may_send() -> None:
    state = MemoryState()
    make(state, "Old", now=NOW)
    make(state, "New", now=NOW)
    revoke(state, "old", now=NOW)
    assert first_source(state, now=NOW)[0].key == "new"


def test_a_source_is_renamed_and_told_its_pages() -> None:
    state = MemoryState()
    make(state, "Shop", key="web", now=NOW, origins="*")
    assert rename(state, "web", " Web shop ").name == "Web shop"
    assert allow(state, "web", "https://Shop.example/, http://localhost:3000").origins == (
        "https://shop.example http://localhost:3000"
    )
    assert allow(state, "web", "").origins == ""


@pytest.mark.parametrize("origins", ["shop.example", "https://", "https://a/b", "https://user@a"])
def test_what_is_no_origin_is_refused(origins: str) -> None:
    with pytest.raises(BadInput):
        make(MemoryState(), "Shop", now=NOW, origins=origins)


@pytest.mark.parametrize(
    "change", [lambda state: revoke(state, "no", now=NOW), lambda state: rename(state, "no", "x")]
)
def test_an_unknown_source_is_named_with_those_there_are(change: Any) -> None:
    state = MemoryState()
    make(state, "Shop", key="web", now=NOW)
    with pytest.raises(NotFound, match="there are: web"):
        change(state)
