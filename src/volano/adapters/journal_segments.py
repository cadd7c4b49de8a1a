"""The segment files of one journal: begun, read on over damage, mended at the end, and made to forget."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import BinaryIO

from volano.adapters import journal_notes as notes
from volano.adapters.journal_frames import HEAD, framed, frames, frames_of, torn
from volano.errors import BrokenHome

_BLOCK = 1 << 20  # bytes written over at once

Tail = tuple[int, int]  # positions of the first byte and of the durable end of the segment that is written


class Segments:
    """The files `<position of the first byte>.log` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def starts(self) -> list[int]:
        """Where each begins, in order."""
        return sorted(int(path.stem) for path in self.folder.glob("*.log"))

    def path(self, start: int) -> Path:
        """The file of the segment that begins there."""
        return self.folder / f"{start:020d}.log"

    def size(self, start: int) -> int:
        """Its bytes."""
        return self.path(start).stat().st_size

    def begin(self, start: int) -> FileIO:
        """A new segment, whose name is to be made durable."""
        return self.path(start).open("ab", buffering=0)

    def sync_names(self) -> None:
        """Makes the names of all segments durable."""
        for folder in (self.folder, self.folder.parent):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def forget(self, before: int) -> None:
        """Deletes those that end at or below a position; the newest stays."""
        for start, end in pairwise(self.starts()):
            if end <= before:
                self.path(start).unlink(missing_ok=True)

    def scrub(self, before: int) -> None:
        """Writes zeros over what lies before a position, and deletes what was set aside."""
        notes.clear_aside(self.folder)
        for start in self.starts():
            size = min(before - start, self.size(start))
            if size >= HEAD.size:
                _blank(self.path(start), size)

    def mend(self, file: FileIO, start: int, since: int) -> int:
        """Cuts off what lies behind the last whole frame of a segment; the position of its new end.

        Whole frames are looked for from the position `since` on.
        """
        size, end = file.tell(), max(0, since - start)
        with self.path(start).open("rb") as whole:
            for at, payload in frames(whole, end, size):
                end = end if payload is None else at
            whole.seek(end)
            tail = whole.read()
        if tail:
            self._tell(start + end, tail)
            os.ftruncate(file.fileno(), end)
        return start + end

    def _tell(self, at: int, tail: bytes) -> None:
        if torn(tail):
            with suppress(OSError):  # a full disk, which most likely tore it
                notes.note(self.folder, notes.Incident(what="torn", at=at, size=len(tail)))
        else:
            notes.set_aside(self.folder, notes.Incident(what="damaged", at=at, size=len(tail)), tail)

    def frames(self, since: int, tail: Tail | None) -> Iterator[tuple[int, bytes | None]]:
        """Durable frames from a position on, each with the position after it; None for a damaged stretch.

        `tail` is known to whom writes. BrokenHome where bytes are not there.
        """
        starts, position = self.starts(), since
        if starts and since < starts[0]:
            raise self._missing(since, starts[0])
        for start, following in zip_longest(starts, starts[1:]):
            if following is not None and following <= since:
                continue
            try:
                file = self.path(start).open("rb")
            except FileNotFoundError:
                continue  # forgotten meanwhile
            position = max(position, start)
            with file:
                end, whole = _durable(file, start, position, tail)
                if following is not None:
                    end, whole = min(end, following), end >= following
                    if end == start:  # empty: a person goes on without it
                        size = following - start
                        notes.note(self.folder, notes.Incident(what="missing", at=start, size=size))
                        position = following
                        yield following, None
                for after, payload in self._read(file, (start, end), position, whole=whole):
                    position = after
                    yield after, payload
            if following is not None and position < following:
                raise self._missing(position, following)

    def _read(
        self, file: BinaryIO, span: Tail, since: int, *, whole: bool
    ) -> Iterator[tuple[int, bytes | None]]:
        """The frames of one segment from a position on; a damaged stretch is set aside.

        `whole`: up to its end the segment was written whole once.
        """
        start, end = span
        at = since - start
        for after, payload in frames(file, at, end - start):
            if payload is None:
                raw = os.pread(file.fileno(), after - at, at)
                if start + after == end and not whole:
                    return  # it is being written, or its writer died
                if next(frames_of(raw), None) != (after - at, None):
                    return  # its writer has just cut it off and goes on
                incident = notes.Incident(what="damaged", at=start + at, size=len(raw))
                notes.set_aside(self.folder, incident, raw)
            at = after
            yield start + after, payload

    def _missing(self, position: int, until: int) -> BrokenHome:
        return BrokenHome(
            f"journal {self.folder} lacks what came in from {position} to {until}: put the missing file "
            f"back, or make an empty one named {self.path(position).name} there to go on without it"
        )


def _durable(file: BinaryIO, start: int, since: int, tail: Tail | None) -> tuple[int, bool]:
    """Up to which position a segment is on the disk, and whether whole frames lie up to there.

    A reader that does not know, since another process writes, makes it so.
    """
    if tail is not None and start == tail[0]:
        return tail[1], True
    end = start + os.fstat(file.fileno()).st_size
    if end > since:
        os.fdatasync(file.fileno())
    return end, False


def _blank(path: Path, size: int) -> None:
    """Makes the first `size` bytes of a segment frames of zeros, on the disk too."""
    handle = os.open(path, os.O_WRONLY)
    try:
        at = 0
        while at < size:
            length = size - at if size - at < 2 * _BLOCK else _BLOCK
            os.pwrite(handle, framed(bytes(length - HEAD.size)), at)
            at += length
        os.fdatasync(handle)
    finally:
        os.close(handle)
