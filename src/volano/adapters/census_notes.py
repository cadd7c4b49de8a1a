"""Notes, in the store of profiles, on whose profile changed since a census was kept.

One database: `kept` tells which files there are, `follow` that changes are noted, and under each person the
transaction that changed them last. Nobody's change is noted before a census was first asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

NOTES = "census"
KEPT, FOLLOW = b"kept", b"follow"
_STAMP = struct.Struct(">Q")
_PERSON = 8  # bytes of the key of a person; no other key has so many


def note(txn: Any, notes: Any, people: Iterable[bytes], *, afresh: bool) -> None:
    """In the transaction that changes these people; `afresh`: everybody."""
    if afresh:
        txn.drop(notes, delete=False)
    elif txn.get(FOLLOW, db=notes) is not None:
        stamp = _STAMP.pack(txn.id())
        for person in people:
            txn.put(person, stamp, db=notes)


def noted(txn: Any, notes: Any) -> list[bytes]:
    """The people who changed, as the keys of their profiles."""
    with txn.cursor(db=notes) as cursor:
        return [key for key in cursor.iternext(keys=True, values=False) if len(key) == _PERSON]


def settle(txn: Any, notes: Any, upto: int) -> None:
    """Takes off the notes of changes up to a transaction."""
    with txn.cursor(db=notes) as cursor:
        done = [key for key, at in cursor.iternext() if len(key) == _PERSON and _STAMP.unpack(at)[0] <= upto]
    for key in done:
        txn.delete(key, db=notes)
