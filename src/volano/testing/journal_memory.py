"""A journal in memory: frames in a list, positions as if they lay in a file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from volano.domain.view import Offset
from volano.errors import Behind, BrokenHome

_HEAD = 8  # bytes before each payload, as on disk


class MemoryJournal:
    """Everything is durable at once and lost with the process; `budget` bytes may wait for the drain."""

    def __init__(self, name: str = "j0", *, budget: int = 1 << 30) -> None:
        self.name = name
        self.end = 0
        self._budget = budget
        self._begin = self._drained = 0
        self._frames: list[tuple[Offset, bytes | None]] = []

    async def append(self, payload: bytes) -> Offset:
        """The position after the frame; Behind when too much waits for the drain."""
        return self.append_now(payload)

    def append_now(self, payload: bytes) -> Offset:
        """The same without an event loop."""
        if self.end - self._drained > self._budget:
            raise Behind(f"journal {self.name!r} is behind: try again in a moment")
        return self._add(len(payload), payload)

    def damage(self, size: int) -> Offset:
        """A stretch of so many bytes that cannot be read, as a disk may make one."""
        return self._add(size - _HEAD, None)

    def read(self, since: int, limit: int) -> Iterator[tuple[Offset, bytes | None]]:
        """At most `limit` frames from a position on, each with the position after it; None: damaged."""
        if since < self._begin:
            raise BrokenHome(f"journal {self.name!r} lacks what came in from {since} to {self._begin}")
        return islice([frame for frame in self._frames if frame[0].position > since], limit)

    def forget(self, before: int) -> None:
        """Drops frames that end at or below a position; the newest stays."""
        gone = [offset.position for offset, _ in self._frames[:-1] if offset.position <= before]
        self._drop(gone)
        self._drained = max(self._drained, before)

    def scrub(self, before: int) -> None:
        """Drops frames that end at or below a position, the newest too."""
        self.forget(before)
        self._drop([offset.position for offset, _ in self._frames if offset.position <= before])

    def close(self) -> None:
        """Nothing is held."""

    def _add(self, size: int, payload: bytes | None) -> Offset:
        self.end += _HEAD + size
        offset = Offset(self.name, self.end)
        self._frames.append((offset, payload))
        return offset

    def _drop(self, gone: list[int]) -> None:
        self._begin = max([self._begin, *gone])
        self._frames = [frame for frame in self._frames if frame[0].position > self._begin]
