"""What is forgotten is off the disk, not only out of what can be read."""

from __future__ import annotations

from pathlib import Path

from volano.adapters.profiles_lmdb import LmdbProfiles
from volano.domain.change import Change
from volano.domain.identity import Address, Identity
from volano.domain.registry import Property, Seen


def _identity(one: int, name: str) -> tuple[int, Identity]:
    return one, Identity(identity=one, known_as=name, person_id=one)


def _bytes(path: Path) -> bytes:
    return (path / "data.mdb").read_bytes()


def test_records_that_are_wiped_are_nowhere_in_the_file(tmp_path: Path) -> None:
    store, gone = LmdbProfiles(tmp_path), [1, 2, 3, 700, 701, 999]
    for low in range(0, 1_000, 50):
        names = [
            _identity(one, f"u:{'name' if one not in gone else 'secret'}{one}-")
            for one in range(low, low + 50)
        ]
        store.put(Change(puts=tuple(names)))
    for length in (50, 90, 20, 900):  # their records grow and shrink
        store.put(Change(puts=tuple(_identity(one, f"u:secret{one}-" + "x" * length) for one in gone)))
        store.put(Change(puts=(_identity(5, f"u:{length}"),)))
    assert b"secret700-" in _bytes(tmp_path)
    store.put(Change(drops=tuple((Identity, one) for one in gone), wiped=True))
    raw = _bytes(tmp_path)
    assert [one for one in gone if f"secret{one}-".encode() in raw] == []
    assert [one for one, _ in store.scan(Identity)] == [one for one in range(1_000) if one not in gone]
    assert b"name998-" in raw


def test_what_is_replaced_is_wiped_too_and_the_file_does_not_grow_with_each_time(tmp_path: Path) -> None:
    store, sizes = LmdbProfiles(tmp_path), []
    for number in range(5):
        told = {"q": Property({"text": 1}, ("secret street",))}
        store.put(
            Change(
                puts=(
                    (7, Seen(key=7, source="web", event="e", properties=told)),
                    (8, Address(key=8, identities=(number,))),
                )
            )
        )
        store.put(Change(puts=((7, Seen(key=7, source="web", event="e")),), wiped=True))
        assert b"secret street" not in _bytes(tmp_path)
        sizes.append(len(_bytes(tmp_path)))
    assert store.get(Seen, 7) == Seen(key=7, source="web", event="e")
    assert sizes[2:] == [sizes[1]] * 3
