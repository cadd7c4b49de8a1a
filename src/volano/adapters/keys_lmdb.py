"""The keys of personal values in LMDB, for all processes of a home."""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from volano.adapters.lmdb_room import Room, room_of
from volano.adapters.lmdb_wiping import wiped

MAP = 1 << 28  # bytes of address space; the file is only as large as what it holds
SIZE = 32  # bytes of a key
_AT_ONCE = 10_000  # records of a scan that are read in one transaction
_KEYS, _HOME = "keys", "home"
_ONE = b"key"  # there is one of the home
_SIGN = 1 << 63  # added to an identity, so that the bytes lie in the order of the numbers
_NUMBER = struct.Struct(">Q")
RECORD = _NUMBER.size + SIZE  # bytes

Pair = tuple[bytes, bytes]


class LmdbKeys:
    """A folder for its owner's eyes only, made with the first key in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, identities: Collection[int]) -> dict[int, bytes]:
        """The keys that there are."""
        if not identities or not self._path.is_dir():
            return {}
        asked = {packed(one): one for one in identities}
        found = self._room.read(_KEYS, lambda txn, db: txn.cursor(db=db).getmulti(sorted(asked))) or []
        return {asked[name]: key for name, key in found}

    def made(self, identities: Collection[int]) -> dict[int, bytes]:
        """The keys of all of them, on the disk."""
        there = self.of(identities)
        lack = sorted({*identities} - there.keys())
        if lack:
            self._put(_KEYS, [(packed(one), os.urandom(SIZE)) for one in lack])
            there |= self.of(lack)  # another may have been quicker
        return there

    def drop(self, identities: Collection[int]) -> int:
        """Forgets keys; how many there were."""
        there = sorted(map(packed, self.of(identities)))
        if there:
            self._room.write((_KEYS,), partial(_dropped, names=there))
        if self._path.is_dir():  # also what was dropped before and not yet wiped
            wiped(self._room)
        return len(there)

    def mark(self, address: str) -> int:
        """HMAC-SHA256 of an address under a key of the home, its first 64 bits."""
        digest = hmac.digest(self.home, address.strip().lower().encode(), "sha256")
        return int.from_bytes(digest[:8], "big", signed=True)

    @cached_property
    def home(self) -> bytes:
        """The key of the home."""
        self._put(_HOME, [(_ONE, os.urandom(SIZE))] if self._home() is None else [])
        return self._home() or b""

    def records(self) -> Iterator[bytes]:
        """Identities (as `packed`) with their keys, ascending, many at a time."""
        start: bytes | None = b"" if self._path.is_dir() else None
        while start is not None:
            some = self._room.read(_KEYS, partial(_stretch, start=start)) or []
            yield b"".join(name + key for name, key in some)
            start = some[-1][0] + b"\0" if len(some) == _AT_ONCE else None

    def take_in(self, home: bytes, records: Iterable[bytes]) -> None:
        """Makes these the keys of a home that has none yet."""
        self._put(_HOME, [(_ONE, home)])
        for some in records:
            edges = range(0, len(some), RECORD)
            self._put(_KEYS, [(some[at : at + 8], some[at + 8 : at + RECORD]) for at in edges])

    def _put(self, name: str, new: list[Pair]) -> None:
        """Puts what is not there yet."""

        def write(txn: Any, databases: dict[str, Any]) -> None:
            for key, value in new:
                txn.put(key, value, overwrite=False, db=databases[name])

        if new:
            self._room.write((name,), write)

    def _home(self) -> bytes | None:
        found: bytes | None = self._room.read(_HOME, lambda txn, db: txn.get(_ONE, db=db))
        return found

    @cached_property
    def _room(self) -> Room:
        return room_of(self._path, MAP)


def _stretch(txn: Any, db: Any, *, start: bytes) -> list[Pair]:
    with txn.cursor(db=db) as cursor:
        if not cursor.set_range(start):
            return []
        return [pair for pair, _ in zip(cursor.iternext(), range(_AT_ONCE), strict=False)]


def _dropped(txn: Any, databases: dict[str, Any], *, names: list[bytes]) -> None:
    for name in names:
        txn.delete(name, db=databases[_KEYS])


def packed(identity: int) -> bytes:
    """An identity in eight bytes that lie in the order of the numbers."""
    return _NUMBER.pack(identity + _SIGN)
