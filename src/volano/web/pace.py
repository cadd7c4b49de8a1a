"""How fast each key may come: one that is abused must not use up the journal, or the lake, for all others."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from volano.domain.durations import SECOND
from volano.errors import TooFast

COUNTED = 1024  # bytes of the journal that count as an event at least


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: int  # UTC µs, when they were that many
    away: int = 0  # requests refused that nobody has been told of yet


class Pace:
    """A bucket of tokens for each key, filled with `rate` a second up to `burst`; no rate: no limit.

    What a request costs is only known when it has been read, so one is let in while there is any token at
    all, and the next ones wait until what it took is there again. `what` a key brings too much of, in words.
    """

    def __init__(
        self, rate: int, burst: int, what: str = "this write key brings more than {:,} events"
    ) -> None:
        self._rate, self._burst, self._what = rate, burst, what
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, key: str, now: int) -> None:
        """Nothing, or TooFast, which says when to come again; `key` is one that is good."""
        if not self._rate:
            return
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        passed = max(0, now - bucket.at)  # the clock may have been set back
        bucket.tokens = min(self._burst, bucket.tokens + passed * self._rate / SECOND)
        bucket.at = now
        if bucket.tokens <= 0:
            bucket.away += 1
            told = f"{self._what.format(self._rate)} a second: send them more slowly"
            raise TooFast(told, seconds=ceil(1 - bucket.tokens / self._rate))

    def spend(self, key: str, events: int, size: int = 0) -> None:
        """What a request that was let in took: its events, or the bytes they are if they are large."""
        if self._rate:
            self._buckets[key].tokens -= max(events, size / COUNTED)

    def told_away(self, key: str) -> int:
        """How many requests of a key were refused since this was last asked."""
        bucket = self._buckets.get(key)
        if bucket is None:
            return 0
        away, bucket.away = bucket.away, 0
        return away
