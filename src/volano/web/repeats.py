"""What was taken lately, so that a client that repeats itself is known at the door."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from volano.domain.event import Event


class Repeats:
    """Hashes of events that are on the disk, each in the one place it may have among `room` (rounded up).

    A later one takes the place of an earlier one, so about the latest `room` events are known, for 8 bytes
    each. Only an event that says the same is known again (its time may differ, as it is corrected by the
    moment of sending; of its context only the length is looked at): another one under the same message id is
    the drain's to judge, exactly, and so is all that is not known here. An event has the 64-bit hash of
    another in its place by chance once in some 10^19.
    """

    def __init__(self, room: int) -> None:
        self._last = (1 << max(room - 1, 1).bit_length()) - 1 if room else -1
        self._marks = array("q", bytes(8 * (self._last + 1)))

    def fresh(self, source: str, events: Sequence[Event]) -> tuple[list[Event], list[int]]:
        """Those of the events of a source that are not known, each with its hash."""
        if self._last < 0:
            return list(events), []
        marks = [
            hash((source, e.message_id, e.event, e.user_id, e.anonymous_id, e.properties, len(e.context)))
            for e in events
        ]
        known, last = self._marks, self._last
        if not [mark for mark in marks if known[mark & last] == mark]:  # nearly always
            return list(events), marks
        new = [pair for pair in zip(events, marks, strict=True) if known[pair[1] & last] != pair[1]]
        return [event for event, _ in new], [mark for _, mark in new]

    def keep(self, marks: Iterable[int]) -> None:
        """Knows these from now on; their events are on the disk."""
        known, last = self._marks, self._last
        for mark in marks:
            known[mark & last] = mark
