"""How often people were given campaigns, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from threading import Lock

from volano.act.caps import Visits, as_one, one_more
from volano.domain.campaign import Cap


class MemoryCaps:
    """The promises of `ports.CapCounter` with a dictionary; missing until it is filled."""

    def __init__(self) -> None:
        self.visits: dict[tuple[str, int], Visits] = {}
        self.missing = True
        self._lock = Lock()

    def take(self, people: Sequence[int], wanted: Iterable[tuple[str, Cap]], *, now: int) -> frozenset[str]:
        """The salts of those that may be given."""
        given: set[str] = set()
        with self._lock:
            for salt, cap in () if self.missing else wanted:
                there = [self.visits.pop((salt, person), ()) for person in people]
                may, visits = one_more(cap, as_one(there), now=now)
                self.visits[salt, people[0]] = visits
                given |= {salt} if may else set()
        return frozenset(given)

    def fill(self, records: Iterable[tuple[str, int, Sequence[int]]]) -> None:
        """What there was, instead of all that is there."""
        self.visits = {(salt, person): tuple(visits) for salt, person, visits in records}
        self.missing = False

    def drop(self, people: Collection[int]) -> int:
        """Takes people out; how many records."""
        gone = [key for key in self.visits if key[1] in people]
        for key in gone:
            del self.visits[key]
        return len(gone)

    def sync(self) -> None:
        """There is no disk."""
