"""Live profiles on a Valkey or Redis server, apart from the home."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path

from volano.adapters.profiles_packed import NOW, decoder, encode, number, packed
from volano.adapters.valkey_notes import ValkeyNotes
from volano.adapters.valkey_room import ValkeyRoom, Word
from volano.adapters.valkey_scripts import AT_ONCE, POSITION, PUT, SCAN
from volano.adapters.valkey_turn import LEASE, Turn, machine_name
from volano.adapters.valkey_wiping import wiped
from volano.domain.change import Change, Key, Packed
from volano.domain.profile import Profile
from volano.ports import N

_STAGED = 10_000  # records of a kind beyond which they are brought under another name first
_STAGE_LASTS = 600_000  # milliseconds after which what a dead writer brought goes away
_PROFILE = Profile.__name__

Pair = tuple[bytes, bytes]


class ValkeyProfiles:
    """Records and positions under the keys of a home; each `put` is one script, which is all or nothing.

    In `folder` lie the lock of the turn and the number of the last change that no journal tells: a server
    that has lost such a change is as good as empty, and is emptied by who has the turn next.
    """

    def __init__(
        self, room: ValkeyRoom, folder: Path, *, lease: float = LEASE, machine: str | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._room, self._turn = room, Turn(room, folder, lease=lease, machine=machine or machine_name())
        self.notes = ValkeyNotes(room)

    def get(self, kind: type[N], key: Key) -> N | None:
        """The record of that key."""
        raw = self._room.glance("HGET", self._room.key(kind.__name__), packed(key))
        return None if raw is None else decoder(kind)(raw)

    def scan(self, kind: type[N], low: Key | None = None, high: Key | None = None) -> Iterator[tuple[Key, N]]:
        """Keys in [low, high), ascending; each thousand is read at one moment."""
        decode = decoder(kind)
        start = b"-" if low is None else b"[" + packed(low)
        end = b"+" if high is None else b"(" + packed(high)
        while True:
            keys, records = self._room.run(SCAN, kind.__name__, start, end)
            yield from ((number(key), decode(raw)) for key, raw in zip(keys, records, strict=True))
            if len(keys) < AT_ONCE:
                return
            start = b"(" + keys[-1]

    def put(self, change: Change) -> None:
        """Keeps all of a change or nothing; see `domain.change.Change`."""
        stages: list[Word] = []
        words: list[Word] = []
        for kind in change.afresh:
            words += ("afresh", kind.__name__)
        words += _dropped(change)
        for name, (count, pairs) in _records(change).items():
            if count > _STAGED:
                stage = f"stage:{secrets.token_hex(8)}"
                stages += (name, stage, self._staged(stage, pairs))
                words += ("stage", name, stage)
            else:
                words += _put(name, pairs)
        if change.upto is not None:
            words += ("position", change.upto.journal, change.upto.position)
        if words:
            told: AbstractContextManager[Word] = nullcontext("")
            with self._turn.untold.next() if change.upto is None else told as number:
                head = (self._turn.token, NOW, number, _PROFILE, len(stages) // 3)
                self._room.run(PUT, *head, *stages, *words)
        if change.wiped:
            wiped(self._room)

    def offset(self, journal: str) -> int:
        """How far a journal has been read into the profiles; −1 in a store that was never told any.

        So it is, too, where records mean something else, or a change is lost that no journal tells.
        """
        untold = self._turn.untold.last()  # first: it is ahead of the server while a change is under way
        form, there, told, position = self._room.run(POSITION, journal)
        if form != NOW or int(there or 0) < untold or not told:
            return -1
        return int(position or 0)

    def turn(self) -> AbstractContextManager[None]:
        """One thread of one process of one machine at a time; who has lost it keeps nothing."""
        return self._turn.taken()

    def _staged(self, stage: str, pairs: Iterator[Pair]) -> int:
        """Brings records under a name of which nobody knows; how many keys they have."""
        records, keys, count = self._room.key(stage), self._room.key(f"{stage}:keys"), 0
        while some := list(islice(pairs, AT_ONCE)):
            _, _, count, *_ = self._room.stream(
                ("HSET", records, *(word for pair in some for word in pair)),
                ("ZADD", keys, *(word for key, _ in some for word in (0, key))),
                ("HLEN", records),
                ("PEXPIRE", records, _STAGE_LASTS),
                ("PEXPIRE", keys, _STAGE_LASTS),
            )
        return count


def _dropped(change: Change) -> Iterator[Word]:
    """The words of the script that drop records: keys of one kind as one word."""
    keys: dict[str, list[bytes]] = {}
    for kind, key in change.drops:
        keys.setdefault(kind.__name__, []).append(packed(key))
    for name, some in keys.items():
        yield from ("drop", name, len(some[0]), b"".join(some))


def _records(change: Change) -> dict[str, tuple[int, Iterator[Pair]]]:
    """Of each kind how many records are put, at most, and these in their order: the last of a key stays."""
    puts: dict[str, list[Pair]] = {}
    for key, record in change.puts:
        puts.setdefault(type(record).__name__, []).append((packed(key), encode(record)))
    heaps = {some.kind.__name__ for some in change.packed}
    found: dict[str, tuple[int, Iterator[Pair]]] = {}
    for name in {*puts, *heaps}:
        mine = [some for some in change.packed if some.kind.__name__ == name]
        count = len(puts.get(name, ())) + sum(len(some.keys) for some in mine)
        found[name] = (count, _chained(mine, puts.get(name, ())))
    return found


def _chained(heaps: Iterable[Packed], puts: Iterable[Pair]) -> Iterator[Pair]:
    for some in heaps:
        yield from zip(map(packed, some.keys), some.records, strict=True)
    yield from puts


def _put(name: str, pairs: Iterator[Pair]) -> Iterator[Word]:
    """The words of the script that put records."""
    while some := list(islice(pairs, AT_ONCE)):
        yield from ("put", name, len(some))
        yield from (word for pair in some for word in pair)
