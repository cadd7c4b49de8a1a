"""How much of the memory the bodies of all requests under way may take together, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from volano.errors import Busy

ROOM = 256 * 1024 * 1024  # bytes, in each process
SECONDS = 60.0  # within which a whole body must have come
ALWAYS = 64 * 1024  # bytes any request may have: large ones stop no small ones


class Share:
    """What one request takes of the room."""

    def __init__(self, room: Room) -> None:
        self._room, self._size = room, 0
        self.seconds = room.seconds

    def hold(self, size: int) -> None:
        """Take `size` bytes in all, instead of what was taken so far; Busy when they are not free."""
        more = size - self._size
        if more > self._room.free and size > ALWAYS:
            raise Busy("too many large requests at once: send this one again in a moment")
        self._room.free -= more
        self._size = size


class Room:
    """Bytes that are free: many clients that send half a body must not fill the memory.

    A body must be whole within `seconds`.
    """

    def __init__(self, size: int = ROOM, *, seconds: float = SECONDS) -> None:
        self.free, self.seconds = size, seconds

    def alone(self) -> Share:
        """A share of a room that nobody else has; it need not be given back."""
        return Share(self)

    @contextmanager
    def share(self) -> Iterator[Share]:
        """The share of one request, given back when it is answered."""
        share = Share(self)
        try:
            yield share
        finally:
            share.hold(0)
