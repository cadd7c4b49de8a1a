"""Beside each backup: the keys of what is sealed in its lake, from which the forgotten are taken at once.

The file has a head, the key of the home, and a record for each identity: eight bytes of it, ascending, and
its key, which is zeros once it is taken away. It is changed where it lies: nothing is left of the key.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from mmap import mmap
from pathlib import Path

from volano.adapters.keys_lmdb import RECORD, SIZE, LmdbKeys, packed
from volano.adapters.lake_files import MANIFEST
from volano.adapters.lake_manifest import SEALING, decode
from volano.errors import BadFile

_HEAD = b"volano-keys-1\n\0\0"
_FIRST = len(_HEAD) + SIZE  # where the records begin
_GONE = bytes(SIZE)
_AT_ONCE = 10_000  # records
_LOST = "e-mail addresses, names and other personal values of this backup cannot be read without it"


def keys_place(target: Path) -> Path:
    """Where the keys of a backup lie."""
    return target.with_name(f"{target.name}.keys")


def keys_coming(target: Path) -> Path:
    """Where they lie while it is written."""
    return target.with_name(f".{target.name}.keys.new")


def write_keys(place: Path, keys: LmdbKeys) -> None:
    """Copies all keys to a file for its owner's eyes only."""
    place.unlink(missing_ok=True)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_HEAD + keys.home)
        for some in keys.records():
            file.write(some)
        file.flush()
        os.fsync(file.fileno())


def wipe_keys(place: Path, identities: Iterable[int]) -> None:
    """Overwrites the keys of identities, if the file is there."""
    if not place.is_file() or place.stat().st_size <= _FIRST:
        return
    with place.open("r+b") as file, mmap(file.fileno(), 0) as raw:
        count = (len(raw) - _FIRST) // RECORD
        for name in map(packed, identities):
            at = _FIRST + RECORD * bisect_left(range(count), name, key=lambda one: _name(raw, one))
            if raw[at : at + 8] == name:
                raw[at + 8 : at + RECORD] = _GONE
        raw.flush()


def take_back(place: Path, keys: LmdbKeys, lake: Path) -> str:
    """Makes the keys of a backup those of its home; what cannot be read if they are not there ("": nothing).

    `lake` is the folder of its lake, as it came.
    """
    if not place.is_file():
        version = decode((lake / MANIFEST).read_bytes(), MANIFEST).version
        return "" if version < SEALING else f"{place} is not there: {_LOST}"
    with place.open("rb") as file:
        head = file.read(_FIRST)
        if len(head) < _FIRST or not head.startswith(_HEAD):
            raise BadFile(f"{place} holds no keys of a backup; move it away to restore without them")
        keys.take_in(head[len(_HEAD) :], _records(iter(lambda: file.read(_AT_ONCE * RECORD), b"")))
    return ""


def _records(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The records that have their keys still."""
    for some in blocks:
        records = (some[at : at + RECORD] for at in range(0, len(some), RECORD))
        yield b"".join(one for one in records if len(one) == RECORD and one[8:] != _GONE)


def _name(raw: mmap, number: int) -> bytes:
    return raw[_FIRST + RECORD * number : _FIRST + RECORD * number + 8]
