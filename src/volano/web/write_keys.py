"""The write keys in memory: who a request comes from, without a look into the state for each."""

from __future__ import annotations

from dataclasses import dataclass

from volano.domain.account import Source, key_hash
from volano.domain.durations import SECOND
from volano.errors import BrokenHome, Busy, NotAllowed
from volano.ports import State
from volano.web.pace import Pace

REFRESH = SECOND  # after which the sources are read again
HURRY = 100_000  # µs after which they are read again for a key that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a request comes from: the key of its source, and the pages that may use the write key."""

    source: str
    origins: str = ""  # space-separated; empty: those of the settings
    good_until: int = 0
    revoked: bool = False


class WriteKeys:
    """The write keys of all sources, at most a second old; unknown ones cost at most ten looks a second.

    While the state is away those that were known stay good, and one that was not may come again later.
    `pace` says how fast each of them may bring events.
    """

    def __init__(self, state: State, pace: Pace) -> None:
        self._state, self.pace = state, pace
        self._read_at = -REFRESH
        self._known: dict[str, Sender] = {}
        self._away: Busy | BrokenHome | None = None  # why the state could not be read
        self._origins = ""

    def sender(self, write_key: str, now: int) -> Sender:
        """Who may write with this key; NotAllowed, in one sentence, when nobody may."""
        self._refresh(now, REFRESH)
        digest = key_hash(write_key)
        if digest not in self._known:
            self._refresh(now, HURRY)
        found = self._known.get(digest)
        if found is None and self._away is not None:
            raise self._away
        if found is None:
            told = f"the write key {write_key[:60]!r} is unknown" if write_key else "there is no write key"
            raise NotAllowed(
                f"{told}: give one as the user name of Basic auth, or as writeKey in the body or the query",
                "unknown_write_key" if write_key else "no_write_key",
            )
        if found.revoked:
            raise NotAllowed(
                f"the write key {write_key[:7]}… was revoked with its source {found.source!r}: "
                "use the key of another source",
                "revoked_write_key",
            )
        if found.good_until and now >= found.good_until:
            raise NotAllowed(
                f"the write key {write_key[:7]}… of the source {found.source!r} was replaced and its time "
                "is up: use the new one",
                "replaced_write_key",
            )
        return found

    def source(self, write_key: str, now: int) -> str:
        """The key of the source behind a write key; NotAllowed when there is none."""
        return self.sender(write_key, now).source

    def origins(self, settings: str, now: int) -> str:
        """Every origin whose pages some key may be used on: those of the settings and of the sources."""
        self._refresh(now, REFRESH)
        return f"{settings} {self._origins}" if self._origins else settings

    def pages(self, source: str) -> str:
        """The origins a source may be used on, as they were when its key was last looked at."""
        return next((known.origins for known in self._known.values() if known.source == source), "")

    def _refresh(self, now: int, age: int) -> None:
        if 0 <= now - self._read_at < age:  # the clock may have been set back
            return
        try:
            sources = self._state.find(Source)
            self._away = None
        except (Busy, BrokenHome) as error:
            if not self._known:
                raise
            self._away, self._read_at = error, now
            return
        self._known = {
            one.hash: Sender(
                source=source.key,
                origins=source.origins,
                good_until=one.good_until,
                revoked=bool(source.revoked_at),
            )
            for source in sources
            for one in source.keys
        }
        self._origins = " ".join(source.origins for source in sources if not source.revoked_at)
        self._read_at = now
