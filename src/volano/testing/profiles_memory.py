"""Live profiles in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from volano.domain.profile import Profile
from volano.domain.view import Offset


class MemoryProfiles:
    """The promises of `ports.Profiles` with three dictionaries."""

    def __init__(self) -> None:
        self._profiles: dict[int, Profile] = {}
        self._links: dict[int, int] = {}
        self._offsets: dict[str, int] = {}
        self._lock = Lock()

    def get(self, person_id: int) -> Profile | None:
        """What is known of a person."""
        return self._profiles.get(person_id)

    def person(self, identity: int) -> int:
        """Whom an identity stands for now; itself when nothing is known."""
        seen: set[int] = set()
        while identity in self._links and identity not in seen:
            seen.add(identity)
            identity = self._links[identity]
        return identity

    def put(
        self,
        profiles: Sequence[Profile],
        links: Mapping[int, int],
        upto: Offset | None,
        *,
        afresh: bool = False,
    ) -> None:
        """Keeps records, links and position together; `afresh` forgets all that was there."""
        if afresh:
            self._profiles, self._links, self._offsets = {}, {}, {}
        self._profiles.update({profile.person_id: profile for profile in profiles})
        self._links.update(links)
        if upto is not None:
            self._offsets[upto.journal] = upto.position

    def offset(self, journal: str) -> int:
        """How far a journal has been read into the profiles."""
        return self._offsets.get(journal, 0)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread at a time."""
        with self._lock:
            yield
