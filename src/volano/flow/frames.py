"""Frames of a journal, read and opened some at a time."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from volano.domain.event import Frame
from volano.domain.view import Offset
from volano.errors import BrokenHome
from volano.ports import Journal

AT_ONCE = 4 << 20  # bytes of a journal in one drain: some ten times that is in memory meanwhile
AGAIN = 64 << 20  # bytes that are read again after a crash; for more the whole house is made anew

Taken = list[tuple[Offset, Frame | None]]  # None: a stretch that cannot be read
_decode = msgspec.msgpack.Decoder(Frame).decode


def taken_next(journal: Journal, start: int, limit: int) -> Taken:
    """The next frames, of so many bytes at most."""
    taken: Taken = []
    for offset, frame in _read(journal, start, limit):
        taken.append((offset, frame))
        if offset.position - start > AT_ONCE:
            break
    return taken


def taken_between(journal: Journal, kept: int, start: int) -> Taken:
    """The frames from one position to another, if they are few enough to be worth it."""
    if not 0 <= kept < start <= kept + AGAIN:
        return []
    taken: Taken = []
    for offset, frame in _read(journal, kept, limit=10**9):
        if offset.position > start:
            break
        taken.append((offset, frame))
    return taken


def _read(journal: Journal, since: int, limit: int) -> Iterator[tuple[Offset, Frame | None]]:
    for offset, payload in journal.read(since, limit):
        try:
            yield offset, None if payload is None else _decode(payload)
        except msgspec.DecodeError as error:
            told = f"the frame before {offset.position} of journal {journal.name} cannot be read ({error})"
            raise BrokenHome(f"{told}: it was written by another version") from error
