"""State in a dictionary."""

from __future__ import annotations

from threading import Lock

import msgspec

from volano.errors import NotFound
from volano.ports import N


def key_of(noun: msgspec.Struct) -> str:
    """The key of a noun: its first field.

    >>> from volano.domain.account import Source
    >>> key_of(Source(key="web", name="Web", write_key="w"))
    'web'
    """
    return str(getattr(noun, noun.__struct_fields__[0]))


class MemoryState:
    """Keeps the promises of `State` until the process ends."""

    def __init__(self) -> None:
        self._rows: dict[tuple[type[msgspec.Struct], str], msgspec.Struct] = {}
        self._lock = Lock()

    def get(self, kind: type[N], key: str) -> N:
        """The noun, or NotFound."""
        found = self._rows.get((kind, key))
        if not isinstance(found, kind):
            raise NotFound(f"there is no {kind.__name__.lower()} with the key {key!r}")
        return found

    def find(self, kind: type[N]) -> list[N]:
        """All nouns of a kind, in the order in which they were first put."""
        return [noun for noun in self._rows.values() if isinstance(noun, kind)]

    def put(self, *nouns: msgspec.Struct) -> None:
        """Keep all of them."""
        with self._lock:
            self._rows = self._rows | {(type(noun), key_of(noun)): noun for noun in nouns}

    def drop(self, kind: type[msgspec.Struct], key: str) -> None:
        """Forget one; nothing happens if it is not there."""
        with self._lock:
            self._rows = {at: noun for at, noun in self._rows.items() if at != (kind, key)}

    def wipe(self) -> None:
        """Nothing is left behind in memory."""
