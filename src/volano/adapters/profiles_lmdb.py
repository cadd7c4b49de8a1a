"""Live profiles in LMDB: one packed record a person, readable by every process of the machine."""

from __future__ import annotations

import fcntl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import lmdb
import msgspec

from volano.domain.profile import Profile
from volano.domain.view import Offset

R = TypeVar("R")

_KEY = struct.Struct(">q")
_CHAIN = 64  # links followed before we call it a circle
_MAP = 1 << 30  # bytes of address space; the file is only as large as what it holds


class LmdbProfiles:
    """A folder with an LMDB environment: profiles, links and positions change in one transaction."""

    def __init__(self, path: Path, *, map_size: int = _MAP) -> None:
        self._room = _room(Path(path), map_size)
        self._lock = Path(path) / "turn.lock"
        self._decoder = msgspec.msgpack.Decoder(Profile)

    def get(self, person_id: int) -> Profile | None:
        """What is known of a person."""
        raw = self._room.read(lambda txn: txn.get(_KEY.pack(person_id), db=self._room.profiles))
        return None if raw is None else self._decoder.decode(raw)

    def person(self, identity: int) -> int:
        """Whom an identity stands for now; itself when nothing is known."""
        return self._room.read(lambda txn: self._follow(txn, identity))

    def put(
        self,
        profiles: Sequence[Profile],
        links: Mapping[int, int],
        upto: Offset | None,
        *,
        afresh: bool = False,
    ) -> None:
        """Keeps records, links and position together; `afresh` forgets all that was there."""
        room = self._room

        def write(txn: Any) -> None:
            for database in (room.profiles, room.links, room.offsets) if afresh else ():
                txn.drop(database, delete=False)
            for profile in profiles:
                txn.put(_KEY.pack(profile.person_id), msgspec.msgpack.encode(profile), db=room.profiles)
            for identity, person in links.items():
                txn.put(_KEY.pack(identity), _KEY.pack(person), db=room.links)
            if upto is not None:
                txn.put(upto.journal.encode(), _KEY.pack(upto.position), db=room.offsets)

        room.write(write)

    def offset(self, journal: str) -> int:
        """How far a journal has been read into the profiles."""
        raw = self._room.read(lambda txn: txn.get(journal.encode(), db=self._room.offsets))
        return _number(raw) if raw is not None else 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread of one process at a time: each opens the file, as a lock belongs to who opened it."""
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _follow(self, txn: Any, identity: int) -> int:
        for _ in range(_CHAIN):
            raw = txn.get(_KEY.pack(identity), db=self._room.links)
            if raw is None or _number(raw) == identity:
                break
            identity = _number(raw)
        return identity


class _Room:
    """One environment of this process. LMDB wants it opened once, and no reader while its map is resized."""

    def __init__(self, path: Path, map_size: int) -> None:
        self._env = lmdb.open(str(path), map_size=map_size, max_dbs=3, max_readers=512)
        self._gate = threading.Lock()  # held by each reader for the microseconds it reads
        self._turn = threading.Lock()  # held by the writer
        self.profiles = self._env.open_db(b"profiles")
        self.links = self._env.open_db(b"links")
        self.offsets = self._env.open_db(b"offsets")

    def read(self, of: Callable[[Any], R]) -> R:
        """What `of` reads in one transaction."""
        with self._gate:
            try:
                with self._env.begin() as txn:
                    return of(txn)
            except lmdb.MapResizedError:  # another process has made it larger
                self._env.set_mapsize(0)
                with self._env.begin() as txn:
                    return of(txn)

    def write(self, what: Callable[[Any], object]) -> None:
        """Runs `what` in one transaction, again in a larger map when it does not fit."""
        with self._turn:
            while True:
                try:
                    with self._env.begin(write=True) as txn:
                        what(txn)
                    return
                except lmdb.MapResizedError:
                    self._grow(0)
                except lmdb.MapFullError:
                    self._grow(2 * self._env.info()["map_size"])

    def _grow(self, size: int) -> None:
        with self._gate:
            self._env.set_mapsize(size)


_rooms: WeakValueDictionary[tuple[int, int], _Room] = WeakValueDictionary()
_opening = threading.Lock()


def _room(path: Path, map_size: int) -> _Room:
    """The environment of a folder, shared by all who use it in this process."""
    with _opening:
        path.mkdir(parents=True, exist_ok=True)
        folder = (path.stat().st_dev, path.stat().st_ino)
        room = _rooms.get(folder)
        if room is None:
            room = _rooms[folder] = _Room(path, map_size)
        return room


def _number(raw: bytes) -> int:
    number: int = _KEY.unpack(raw)[0]
    return number
