"""Live profiles in LMDB: packed records by kind and key, readable by every process of the machine."""

from __future__ import annotations

import fcntl
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from volano.adapters.census_notes import NOTES, LmdbNotes, note
from volano.adapters.lmdb_room import room_of
from volano.adapters.lmdb_wiping import wiped
from volano.adapters.profiles_packed import NOW, decoder, encode, number, packed
from volano.domain.change import Change, Key, Packed
from volano.domain.profile import Profile
from volano.ports import N

MAP = 1 << 30  # bytes of address space; the file is only as large as what it holds
_AT_ONCE = 1_000  # records of a scan that are read in one transaction
_POSITION = struct.Struct(">q")
_POSITIONS = "positions"
_FORM = "form"
_PROFILE = Profile.__name__
_FIRST_VERSION = ("profiles", "links", "offsets")  # what homes of the first version kept

Record = tuple[bytes, bytes]


class LmdbProfiles:
    """A folder with an LMDB environment, a database for each kind; each `put` is one transaction."""

    def __init__(self, path: Path, *, map_size: int = MAP) -> None:
        self._room = room_of(Path(path), map_size)
        self._lock = Path(path) / "turn.lock"
        self.notes = LmdbNotes(self._room)
        self._room.drop(_FIRST_VERSION)
        if self._room.read(_FORM, lambda txn, form: txn.get(NOW, db=form)) is None:
            self._room.drop((_POSITIONS,))

    def get(self, kind: type[N], key: Key) -> N | None:
        """The record of that key."""
        raw = self._room.read(kind.__name__, lambda txn, db: txn.get(packed(key), db=db))
        return None if raw is None else decoder(kind)(raw)

    def scan(self, kind: type[N], low: Key | None = None, high: Key | None = None) -> Iterator[tuple[Key, N]]:
        """Keys in [low, high), ascending; each thousand is read in a transaction of its own."""
        decode = decoder(kind)
        start: bytes | None = b"" if low is None else packed(low)
        end = None if high is None else packed(high)
        while start is not None:
            records = self._room.read(kind.__name__, _Stretch(start, end)) or []
            yield from ((number(key), decode(raw)) for key, raw in records)
            start = records[-1][0] + b"\0" if len(records) == _AT_ONCE else None

    def put(self, change: Change) -> None:
        """Keeps all of a change or nothing; see `domain.change.Change`."""
        puts = [(type(record).__name__, packed(key), encode(record)) for key, record in change.puts]
        heaps = {some.kind.__name__ for some in change.packed}
        afresh = {kind.__name__ for kind in change.afresh}
        drops = [(kind.__name__, packed(key)) for kind, key in change.drops]
        upto = change.upto
        names = {
            *afresh,
            *heaps,
            *(put[0] for put in puts),
            *(drop[0] for drop in drops),
            _POSITIONS,
            _FORM,
            NOTES,
        }

        def write(txn: Any, databases: dict[str, Any]) -> None:
            changed = [key for name, key in drops if name == _PROFILE]
            changed += [key for name, key, _ in puts if name == _PROFILE]
            for name in afresh:
                txn.drop(databases[name], delete=False)
            for name, key in drops:
                txn.delete(key, db=databases[name])
            for name in heaps:
                written = _fill(txn, databases[name], _ascending(change.packed, name))
                changed += written if name == _PROFILE else []
            for name, key, raw in puts:
                txn.put(key, raw, db=databases[name])
            if upto is not None:
                position = _POSITION.pack(upto.position)
                txn.put(upto.journal.encode(), position, db=databases[_POSITIONS])
                txn.put(NOW, b"", db=databases[_FORM])
            if _PROFILE in names:
                note(txn, databases[NOTES], changed, afresh=_PROFILE in afresh)

        self._room.write({*names, _POSITIONS, _FORM, NOTES}, write)
        if change.wiped:
            wiped(self._room)

    def offset(self, journal: str) -> int:
        """How far a journal has been read into the profiles; −1 in a store that was never told any."""

        def position(txn: Any, database: Any) -> int:
            raw = txn.get(journal.encode(), db=database)
            if raw is None:
                return 0 if txn.stat(database)["entries"] else -1
            return int(_POSITION.unpack(raw)[0])

        found = self._room.read(_POSITIONS, position)
        return -1 if found is None else found

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread of one process at a time: each opens the file, as a lock belongs to who opened it."""
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class _Stretch:
    """Reads the next records from `start` on, but none from `end` on."""

    def __init__(self, start: bytes, end: bytes | None) -> None:
        self._start, self._end = start, end

    def __call__(self, txn: Any, db: Any) -> list[Record]:
        found: list[Record] = []
        with txn.cursor(db=db) as cursor:
            if cursor.set_range(self._start):
                for key, raw in cursor.iternext():
                    if (self._end is not None and key >= self._end) or len(found) == _AT_ONCE:
                        break
                    found.append((key, raw))
        return found


def _fill(txn: Any, db: Any, records: Iterator[Record]) -> list[bytes]:
    """Puts ascending records, packed tight where they come after all that is there.

    Returns the keys of those that were put: what is there already, byte for byte, is not.
    """
    written: list[bytes] = []

    def noted(some: Iterable[Record]) -> Iterator[Record]:
        for record in some:
            written.append(record[0])
            yield record

    first = next(records, None)
    if first is not None:
        every = chain([first], records)
        with txn.cursor(db=db) as cursor:
            append = not cursor.last() or cursor.key() < first[0]
            new = every if append else (one for one in every if txn.get(one[0], db=db) != one[1])
            cursor.putmulti(noted(new), append=append)
    return written


def _ascending(parts: Sequence[Packed], name: str) -> Iterator[Record]:
    """The packed records of a kind by ascending key, the last one of each key; little is held beside them."""
    mine = [part for part in parts if part.kind.__name__ == name]
    keys = np.concatenate([np.frombuffer(part.keys, np.int64) for part in mine])
    edges = np.cumsum([0, *(len(part.keys) for part in mine)])
    order = np.argsort(keys, kind="stable")
    last = np.append(keys[order][1:] != keys[order][:-1], True)
    for low in range(0, len(order), _AT_ONCE):
        some = order[low : low + _AT_ONCE][last[low : low + _AT_ONCE]]
        heap = np.searchsorted(edges, some, side="right") - 1
        places = zip(keys[some].tolist(), heap.tolist(), (some - edges[heap]).tolist(), strict=True)
        yield from ((packed(key), mine[part].records[at]) for key, part, at in places)
