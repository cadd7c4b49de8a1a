"""Beside each backup: whom it must not bring back, from the moment it is begun.

While a backup is written its index lies under another name and collects whom we forget meanwhile; archive and
index then take their names together. If that is torn between the two, the archive of before stands beside an
index that says all it said before: each archive knows when it was made, and what was noted since counts. The
keys (`backup_keys`) take their name first: they have all that those before had, but of who is forgotten.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from volano.adapters.backup_keys import keys_coming, keys_place, wipe_keys
from volano.errors import BadFile


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """Identities (their hashes) that were forgotten at a moment, UTC µs."""

    at: int
    hashes: list[int]


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a backup: when it was made, where journals end, whom it must not bring back."""

    made_at: int
    offsets: dict[str, int] = {}
    forgotten: list[Forgotten] = []

    def since(self, time: int) -> list[int]:
        """Whom we have forgotten since a time."""
        return [one for some in self.forgotten if some.at >= time for one in some.hashes]


@contextmanager
def noting(target: Path, *, made_at: int) -> Iterator[None]:
    """Whom we forget is noted for a backup that is not there yet."""
    with _alone(target.parent):
        _write(_coming(target), Index(made_at=made_at))
    try:
        yield
    finally:
        _coming(target).unlink(missing_ok=True)
        keys_coming(target).unlink(missing_ok=True)


def finish(target: Path, archive: Path, *, offsets: dict[str, int]) -> None:
    """Gives an archive, the index that was kept for it and the keys their names."""
    with _alone(target.parent):
        before = _read(_place(target)).forgotten if target.is_file() else []
        index = _read(_coming(target))
        wipe_keys(keys_coming(target), index.since(index.made_at))  # they may be of a moment before
        keys_coming(target).replace(keys_place(target))
        whole = msgspec.structs.replace(index, offsets=offsets, forgotten=[*before, *index.forgotten])
        _write(_place(target), whole)
        archive.replace(target)


def note_forgotten(target: Path, hashes: Iterable[int], *, at: int) -> bool:
    """Adds identities to the index of a backup, done or under way; False when it is out of reach.

    Their keys are overwritten, also beside an archive that was moved away.
    """
    whom = set(hashes)
    try:
        with _alone(target.parent):
            for keys in (keys_place(target), keys_coming(target)):
                wipe_keys(keys, whom)
            places = [_place(target)] if target.is_file() else []
            places += [_coming(target)] if _coming(target).is_file() else []
            for place in places:
                index = _read(place)
                new = sorted(whom - set(index.since(index.made_at)))
                more = [Forgotten(at=max(at, index.made_at), hashes=new)] if new else []
                _write(place, msgspec.structs.replace(index, forgotten=[*index.forgotten, *more]))
    except OSError:
        return False
    return bool(places)


def noted(target: Path, *, since: int) -> list[int]:
    """Whom we have forgotten since a time."""
    return _read(_place(target)).since(since)


def _place(target: Path) -> Path:
    return target.with_name(f"{target.name}.index.json")


def _coming(target: Path) -> Path:
    return target.with_name(f".{target.name}.index.json.new")


def _read(place: Path) -> Index:
    try:
        return msgspec.json.decode(place.read_bytes(), type=Index)
    except FileNotFoundError:
        return Index(made_at=0)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadFile(f"{place} cannot be read ({error}); it names whom to forget") from error


def _write(place: Path, index: Index) -> None:
    beside = place.with_name(f".{place.name}.part")
    beside.touch(mode=0o600)
    beside.write_bytes(msgspec.json.encode(index))
    beside.replace(place)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time, where the disk knows locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
