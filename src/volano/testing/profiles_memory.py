"""Live profiles in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import msgspec

from volano.domain.change import Change, Key
from volano.domain.profile import Profile
from volano.ports import N


class MemoryProfiles:
    """The promises of `ports.Profiles` with dictionaries; records are packed to keep us honest."""

    def __init__(self) -> None:
        self._records: dict[type, dict[Key, bytes]] = {}
        self._offsets: dict[str, int] = {}
        self._lock = Lock()
        self.puts = 0
        self.changed: dict[Any, int] | None = None  # whose profile was changed by which put, for a census

    def get(self, kind: type[N], key: Key) -> N | None:
        """The record of that key."""
        raw = self._records.get(kind, {}).get(key)
        return None if raw is None else msgspec.msgpack.decode(raw, type=kind)

    def scan(self, kind: type[N], low: Key | None = None, high: Key | None = None) -> Iterator[tuple[Key, N]]:
        """Keys in [low, high), ascending."""
        records: dict[Any, bytes] = self._records.get(kind, {})
        for key in sorted(records):
            if (low is None or key >= low) and (high is None or key < high) and key in records:
                yield key, msgspec.msgpack.decode(records[key], type=kind)

    def put(self, change: Change) -> None:
        """Keeps all of a change; see `domain.change.Change`."""
        for kind in change.afresh:
            self._records.pop(kind, None)
        for kind, key in change.drops:
            self._records.get(kind, {}).pop(key, None)
        told: dict[tuple[type, Key], bytes] = {
            (some.kind, key): raw
            for some in change.packed
            for key, raw in zip(some.keys, some.records, strict=True)
        }
        packed: list[tuple[type, Key, bytes]] = [
            (kind, key, raw)
            for (kind, key), raw in told.items()
            if self._records.get(kind, {}).get(key) != raw
        ]
        puts = [(type(record), key, msgspec.msgpack.encode(record)) for key, record in change.puts]
        for kind, key, raw in (*packed, *puts):
            self._records.setdefault(kind, {})[key] = raw
        self._note(change, [key for kind, key, _ in packed if kind is Profile])
        if change.upto is not None:
            self._offsets[change.upto.journal] = change.upto.position

    def _note(self, change: Change, packed: list[Key]) -> None:
        self.puts += 1
        if Profile in change.afresh:
            self.changed = None
        if self.changed is not None:
            people = packed + [key for kind, key in change.drops if kind is Profile]
            people += [key for key, record in change.puts if type(record) is Profile]
            self.changed.update(dict.fromkeys(people, self.puts))

    def offset(self, journal: str) -> int:
        """How far a journal has been read into the profiles; −1 in a store that was never told any."""
        return self._offsets.get(journal, 0 if self._offsets else -1)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One thread at a time."""
        with self._lock:
            yield
