"""Keys of personal values in memory."""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection


class MemoryKeys:
    """The promises of `ports.PersonalKeys` with a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[int, bytes] = {}
        self._home = os.urandom(32)

    def of(self, identities: Collection[int]) -> dict[int, bytes]:
        """The keys that there are."""
        return {one: self._keys[one] for one in identities if one in self._keys}

    def made(self, identities: Collection[int]) -> dict[int, bytes]:
        """The keys of all of them."""
        return {one: self._keys.setdefault(one, os.urandom(32)) for one in identities}

    def drop(self, identities: Collection[int]) -> int:
        """Forgets keys; how many there were."""
        return sum(self._keys.pop(one, None) is not None for one in {*identities})

    def mark(self, address: str) -> int:
        """A hash under a key of our own."""
        digest = hmac.digest(self._home, address.strip().lower().encode(), "sha256")
        return int.from_bytes(digest[:8], "big", signed=True)
