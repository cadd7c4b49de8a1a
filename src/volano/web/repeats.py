"""What was taken lately, so that a client that repeats itself is known at the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from volano.domain.durations import HOUR
from volano.domain.event import Event


class Repeats:
    """Hashes of events that are on the disk: the latest `room` or so, for an hour.

    They lie in two generations of half the room and half an hour each, some 80 bytes a hash. Only an event
    that is the same to the byte is known again (its time may differ, as it is corrected by the moment of
    sending): another one under the same message id is the drain's to judge, exactly, and so is all that is
    not known here. An event has the 64-bit hash of another by chance once in some 10^13 with the usual room.
    """

    def __init__(self, room: int) -> None:
        self._half = room // 2
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._since = 0  # UTC µs, when the young ones began

    def fresh(self, source: str, events: Sequence[Event]) -> tuple[list[Event], list[int]]:
        """Those of the events of a source that are not known, each with its hash."""
        if not self._half:
            return list(events), []
        young, old = self._young, self._old
        found = [
            (one, mark) for one in events if (mark := _mark(source, one)) not in young and mark not in old
        ]
        return [one for one, _ in found], [mark for _, mark in found]

    def keep(self, marks: Iterable[int], now: int) -> None:
        """Knows these from now (UTC µs) on; their events are on the disk."""
        if (
            len(self._young) >= self._half or not 0 <= now - self._since < HOUR // 2
        ):  # or the clock was set back
            self._old = self._young if 0 <= now - self._since < HOUR else set()
            self._young, self._since = set(), now
        self._young.update(marks)


def _mark(source: str, one: Event) -> int:
    said = (one.kind, one.event, one.anonymous_id, one.user_id, one.properties, one.context)
    return hash((source, one.message_id, *said))
