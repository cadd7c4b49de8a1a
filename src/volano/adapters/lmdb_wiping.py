"""Takes off the disk what an LMDB environment leaves behind of records that were replaced or dropped.

A page that changes is written anew elsewhere, and the old one stays as it was until it is used again. And
LMDB makes pages in memory that it has used before: in their unused part stands what others held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from volano.adapters.lmdb_room import Room

_FILLER = "filler"
_HEAD = 16  # bytes of a page that are not its content
_AT_ONCE = 1_024  # pages written in one transaction
_LATER = 14  # small transactions after which pages that one has freed are used again, …
_LEFT = 3 * _LATER  # … and the pages at least that these free, which hold nothing: so the file need not grow
_IN_MEMORY = 4_096  # pages that a large transaction leaves in memory
_CLOSE = (
    512  # bytes of records of which one at least is put anew: no page holds less, unless it is the only one
)


def wiped(room: Room) -> None:
    """Writes all pages anew, and overwrites those that are free: as much as to write the file once."""
    page, _ = room.pages()
    room.write((_FILLER,), _filling(0, _IN_MEMORY, page), keep=False)
    for name in _names(room):
        if name != _FILLER:
            anew = _Anew(name)
            while anew.start is not None:
                room.write((name,), anew)
    _fill(room, page)


class _Anew:
    """Puts some records as they are, so many that each page changes; `start` is None after the last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.start: bytes | None = b""

    def __call__(self, txn: Any, databases: dict[str, Any]) -> None:
        some = list(_some(txn, databases[self._name], self.start or b""))
        for key, raw in some:
            txn.put(key, raw, db=databases[self._name])
        self.start = some[-1][0] + b"\0" if len(some) == _AT_ONCE else None


def _some(txn: Any, db: Any, low: bytes) -> Iterator[tuple[bytes, bytes]]:
    found, far = 0, _CLOSE
    with txn.cursor(db=db) as cursor:
        if not cursor.set_range(low):
            return
        for key, raw in cursor.iternext():
            far += len(key) + len(raw)
            if far >= _CLOSE:
                yield bytes(key), bytes(raw)
                found, far = found + 1, 0
            if found == _AT_ONCE:
                return


def _fill(room: Room, page: int) -> None:
    """Overwrites the pages that are free."""
    for _ in range(_LATER):
        room.write((_FILLER,), _filling(0, 1, page))
    free = _free(room) - _LEFT
    for first in range(1, free, _AT_ONCE):
        room.write((_FILLER,), _filling(first, min(_AT_ONCE, free - first), page))
    room.write((_FILLER,), lambda txn, databases: txn.drop(databases[_FILLER], delete=False))


def _names(room: Room) -> list[str]:
    found = room.read(_FILLER, lambda txn, _: [name.decode() for name, _ in txn.cursor().iternext()])
    return found or []


def _free(room: Room) -> int:
    """How many pages are in no tree; a few of them hold the list of them."""
    databases = [room.database(name) for name in _names(room)]

    def used(txn: Any, _: Any) -> int:
        stats = [txn.stat(), *map(txn.stat, databases)]
        return sum(stat[kind] for stat in stats for kind in ("branch_pages", "leaf_pages", "overflow_pages"))

    return room.pages()[1] + 1 - (room.read(_FILLER, used) or 0)


def _filling(first: int, size: int, page: int) -> Any:
    zeros = bytes(page - _HEAD)

    def write(txn: Any, databases: dict[str, Any]) -> None:
        for number in range(first, first + size):
            txn.put(number.to_bytes(8, "big"), zeros, db=databases[_FILLER])

    return write
