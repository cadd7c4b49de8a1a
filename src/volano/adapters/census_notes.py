"""Notes, in the store of profiles, on whose profile changed since a census was kept; here in LMDB.

One database: `kept` tells which files there are, `follow` that changes are noted, and under each person the
transaction that changed them last. Nobody's change is noted before a census was first asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from volano.adapters.lmdb_room import Room

NOTES = "census"
_KEPT, _FOLLOW = b"kept", b"follow"
_STAMP = struct.Struct(">Q")
_PERSON = 8  # bytes of the key of a person; no other key has so many


class Noted(NamedTuple):
    """What is noted at a moment: its mark, the files that are kept, and the keys of people who changed."""

    mark: int
    kept: bytes | None
    people: list[bytes]


class Notes(Protocol):
    """Notes of one store; each call sees or changes all of them at one moment.

    `begin` drops them and has changes noted from then on; `settle` notes which files are kept and takes off
    the changes up to a mark, but does nothing if all profiles were made afresh since `begin`.
    """

    def noted(self) -> Noted: ...

    def begin(self) -> int: ...

    def settle(self, upto: int, kept: bytes) -> None: ...


class LmdbNotes:
    """Notes beside the profiles in LMDB; a mark is the number of a transaction."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def noted(self) -> Noted:
        """The notes as they are."""

        def read(txn: Any, notes: Any) -> Noted:
            with txn.cursor(db=notes) as cursor:
                people = [key for key in cursor.iternext(keys=True, values=False) if len(key) == _PERSON]
            return Noted(txn.id(), txn.get(_KEPT, db=notes), people)

        return self._room.read(NOTES, read) or Noted(0, None, [])

    def begin(self) -> int:
        """The mark from which on changes are noted."""
        marks: list[int] = []

        def write(txn: Any, databases: dict[str, Any]) -> None:
            txn.drop(databases[NOTES], delete=False)
            txn.put(_FOLLOW, b"", db=databases[NOTES])
            marks.append(txn.id())

        self._room.write((NOTES,), write)
        return marks[-1]

    def settle(self, upto: int, kept: bytes) -> None:
        """These files hold all changes up to a mark."""

        def write(txn: Any, databases: dict[str, Any]) -> None:
            notes = databases[NOTES]
            if txn.get(_FOLLOW, db=notes) is not None:
                with txn.cursor(db=notes) as cursor:
                    found = [(key, at) for key, at in cursor.iternext() if len(key) == _PERSON]
                for key, at in found:
                    if _STAMP.unpack(at)[0] <= upto:
                        txn.delete(key, db=notes)
                txn.put(_KEPT, kept, db=notes)

        self._room.write((NOTES,), write)


def note(txn: Any, notes: Any, people: Iterable[bytes], *, afresh: bool) -> None:
    """In the transaction that changes these people; `afresh`: everybody."""
    if afresh:
        txn.drop(notes, delete=False)
    elif txn.get(_FOLLOW, db=notes) is not None:
        stamp = _STAMP.pack(txn.id())
        for person in people:
            txn.put(person, stamp, db=notes)
