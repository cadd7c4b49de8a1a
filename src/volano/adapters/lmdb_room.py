"""An LMDB environment as all who use its folder in this process share it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import lmdb

R = TypeVar("R")

_KINDS = 64  # databases an environment may have
_READERS = 512


class Room:
    """One environment of this process. LMDB wants it opened once, and no reader while its map is resized."""

    def __init__(self, path: Path, map_size: int, *, synced: bool) -> None:
        self._env = lmdb.open(
            str(path),
            map_size=map_size,
            mode=0o600,
            max_dbs=_KINDS,
            max_readers=_READERS,
            sync=synced,
            metasync=synced,
        )
        self._safe = -1  # the transaction up to which all is on the disk
        self._gate = threading.Lock()  # held by each reader for the microseconds it reads
        self._turn = threading.Lock()  # held by the writer
        self._databases: dict[str, Any] = {}

    def read(self, name: str, of: Callable[[Any, Any], R]) -> R | None:
        """What `of` reads in one transaction in the database of that name; None as long as there is none."""
        if name not in self._databases and not self._found(name):
            return None
        database = self._databases[name]
        return self._look(lambda txn: of(txn, database))

    def write(
        self, names: Iterable[str], what: Callable[[Any, dict[str, Any]], object], *, keep: bool = True
    ) -> None:
        """Runs `what` in one transaction with these databases, again in a larger map when it does not fit.

        Without `keep` nothing comes of it.
        """
        with self._turn:
            while True:
                try:
                    for name in names:
                        self._open(name)
                    with self._env.begin(write=True) as txn:
                        what(txn, self._databases)
                        if not keep:
                            txn.abort()
                    return
                except lmdb.MapResizedError:
                    self._grow(0)
                except lmdb.MapFullError:
                    self._grow(2 * self._env.info()["map_size"])

    def sync(self) -> None:
        """All that was written so far is on the disk."""
        last = self._env.info()["last_txnid"]
        if last != self._safe:
            self._env.sync(True)
            self._safe = last

    def database(self, name: str) -> Any:
        """The database of that name, which there is."""
        self._open(name)
        return self._databases[name]

    def pages(self) -> tuple[int, int]:
        """How many bytes a page has, and the number of the last one."""
        return self._env.stat()["psize"], self._env.info()["last_pgno"]

    def drop(self, names: Iterable[str]) -> None:
        """Deletes databases that nobody reads any more."""
        there = [name for name in names if self._found(name)]
        if there:
            with self._turn, self._env.begin(write=True) as txn:
                for name in there:
                    txn.drop(self._databases.pop(name), delete=True)

    def _look(self, of: Callable[[Any], R]) -> R:
        with self._gate:
            try:
                with self._env.begin() as txn:
                    return of(txn)
            except lmdb.MapResizedError:  # another process has made it larger
                self._env.set_mapsize(0)
                with self._env.begin() as txn:
                    return of(txn)

    def _found(self, name: str) -> bool:
        """Whether the database is there, so that whoever only reads never makes one; opens it."""
        there: bool = self._look(lambda txn: txn.cursor().set_key(name.encode()))
        if there:
            with self._turn:
                self._open(name)
        return there

    def _open(self, name: str) -> None:
        if name not in self._databases:
            self._databases[name] = self._env.open_db(name.encode())

    def _grow(self, size: int) -> None:
        with self._gate:
            self._env.set_mapsize(size)


_rooms: WeakValueDictionary[tuple[int, int], Room] = WeakValueDictionary()
_opening = threading.Lock()


def room_of(path: Path, map_size: int, *, synced: bool = True) -> Room:
    """The environment of a folder, shared by all who use it in this process.

    Unless it is `synced` with each write, `Room.sync` is to be called; a machine that dies may leave a file
    that cannot be read.
    """
    with _opening:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = (path.stat().st_dev, path.stat().st_ino)
        room = _rooms.get(folder)
        if room is None:
            room = _rooms[folder] = Room(path, map_size, synced=synced)
        return room
