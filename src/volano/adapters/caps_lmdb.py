"""How often people were given campaigns, in LMDB: one for all processes, not waiting for the disk.

A record may be lost with the machine, and the file with it. So it is made for one run of the machine: when
that was started anew the file is deleted, unread, and the counter is missing until it is filled.
"""

from __future__ import annotations

import fcntl
import struct
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

import lmdb

from volano.act.caps import as_one, one_more
from volano.adapters.lmdb_room import Room, room_of
from volano.adapters.lmdb_wiping import wiped
from volano.domain.campaign import Cap
from volano.errors import BrokenHome
from volano.maths.hashing import hash63

MAP = 1 << 28  # bytes of address space; it grows where that is not enough
_BOOT = Path("/proc/sys/kernel/random/boot_id")  # another one each time the machine starts
_VISITS, _MADE = "visits", "made"
_KEY = struct.Struct(">Qq")  # the hash of a salt, a person
_SALT = struct.Struct(">Q")
_FILES = ("data.mdb", "lock.mdb")


class LmdbCaps:
    """A folder with an LMDB environment that is made when it is first needed; see `ports.CapCounter`."""

    def __init__(self, path: Path, boot: str | None = None) -> None:
        self._path = path
        self._boot = _boot() if boot is None else boot
        self._hold: TextIO | None = None  # locked as long as the environment is open here

    @property
    def missing(self) -> bool:
        """Whether nobody has said yet what there was."""
        return self._room.read(_MADE, lambda txn, db: txn.get(b"1", db=db)) is None

    def take(self, people: Sequence[int], wanted: Iterable[tuple[str, Cap]], *, now: int) -> frozenset[str]:
        """The salts of those that may be given, in one transaction with the counting."""
        asked, given = list(wanted), set[str]()

        def write(txn: Any, databases: dict[str, Any]) -> None:
            given.clear()
            db = databases[_VISITS]
            if txn.get(b"1", db=databases[_MADE]) is None:
                return
            for salt, cap in asked:
                keys = [_KEY.pack(hash63(salt), person) for person in people]
                there = [_unpacked(txn.get(key, db=db)) for key in keys]
                may, visits = one_more(cap, as_one(there), now=now)
                if visits != there[0] or any(there[1:]):
                    for key in keys[1:]:
                        txn.delete(key, db=db)
                    txn.put(keys[0], array("q", visits).tobytes(), db=db)
                if may:
                    given.add(salt)

        self._write(write)
        return frozenset(given)

    def fill(self, records: Iterable[tuple[str, int, Sequence[int]]]) -> None:
        """What there was, instead of all that is there."""
        packed = [
            (_KEY.pack(hash63(salt), person), array("q", visits).tobytes())
            for salt, person, visits in records
        ]

        def write(txn: Any, databases: dict[str, Any]) -> None:
            txn.drop(databases[_VISITS], delete=False)
            for key, raw in packed:
                txn.put(key, raw, db=databases[_VISITS])
            txn.put(b"1", b"", db=databases[_MADE])

        self._write(write)
        self.sync()

    def drop(self, people: Collection[int]) -> int:
        """Takes people out, and what is left of them in free pages; how many records."""
        if not (self._path / _FILES[0]).exists():
            return 0
        dropped: list[bytes] = []

        def write(txn: Any, databases: dict[str, Any]) -> None:
            db = databases[_VISITS]
            keys = [salt + _KEY.pack(0, person)[8:] for salt in list(_salts(txn, db)) for person in people]
            dropped[:] = [key for key in keys if txn.delete(key, db=db)]

        self._write(write)
        wiped(self._room)
        self.sync()
        return len(dropped)

    def sync(self) -> None:
        """What was taken so far outlives the machine."""
        self._room.sync()

    def _write(self, what: Any) -> None:
        try:
            self._room.write((_VISITS, _MADE), what)
        except (lmdb.Error, OSError) as error:
            mend = f"free some disk, or delete the folder {self._path.name} of the home while no server runs"
            told = f"how often campaigns were given cannot be counted ({error}): {mend}"
            raise BrokenHome(told) from error

    @cached_property
    def _room(self) -> Room:
        """The environment; a file of an earlier run of the machine is deleted, if nobody has it open."""
        self._path.mkdir(parents=True, exist_ok=True)
        hold = self._hold = (self._path / "boot").open("a+", encoding="ascii")
        if _alone(hold):
            hold.seek(0)
            if hold.read() != self._boot:
                for name in _FILES:
                    (self._path / name).unlink(missing_ok=True)
                hold.truncate(0)
                hold.write(self._boot)
                hold.flush()
        fcntl.flock(hold, fcntl.LOCK_SH)
        return room_of(self._path, MAP, synced=False)


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:  # no Linux: what was synced is there, what was not may be lost
        return "unknown"


def _alone(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _salts(txn: Any, db: Any) -> Iterator[bytes]:
    """The salts of which there are records."""
    with txn.cursor(db=db) as cursor:
        there = cursor.first()
        while there:
            salt = bytes(cursor.key()[: _SALT.size])
            yield salt
            there = cursor.set_range(_SALT.pack(_SALT.unpack(salt)[0] + 1))


def _unpacked(raw: bytes | None) -> tuple[int, ...]:
    found = array("q")
    found.frombytes(raw or b"")
    return tuple(found)
