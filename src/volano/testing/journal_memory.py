"""A journal in memory: frames in a list, positions as if they lay in a file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from volano.domain.view import Offset
from volano.errors import BrokenHome

_HEAD = 8  # bytes before each payload, as on disk


class MemoryJournal:
    """Everything is durable at once and lost with the process."""

    def __init__(self, name: str = "j0") -> None:
        self.name = name
        self._end = 0
        self._begin = 0
        self._frames: list[tuple[Offset, bytes]] = []

    async def append(self, payload: bytes) -> Offset:
        """The position after the frame."""
        return self.append_now(payload)

    def append_now(self, payload: bytes) -> Offset:
        """The same without an event loop."""
        self._end += _HEAD + len(payload)
        offset = Offset(self.name, self._end)
        self._frames.append((offset, payload))
        return offset

    def read(self, since: int, limit: int) -> Iterator[tuple[Offset, bytes]]:
        """At most `limit` frames from a position on, each with the position after it."""
        if since < self._begin:
            raise BrokenHome(f"journal {self.name!r} begins at {self._begin}: {since} has been forgotten")
        return islice([frame for frame in self._frames if frame[0].position > since], limit)

    def forget(self, before: int) -> None:
        """Drops frames that end at or below a position; the newest stays."""
        gone = [offset.position for offset, _ in self._frames[:-1] if offset.position <= before]
        self._begin = max([self._begin, *gone])
        self._frames = [frame for frame in self._frames[:-1] if frame[0].position > before] + self._frames[
            -1:
        ]

    def close(self) -> None:
        """Nothing is held."""
