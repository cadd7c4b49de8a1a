"""A list that rules may name: ids, e-mail addresses, or other texts."""

from __future__ import annotations

import msgspec


class SavedList(msgspec.Struct, frozen=True, kw_only=True):
    """A list by its key; `members` is how many it has, `round` grows with each change, times are UTC µs."""

    key: str
    name: str
    members: int = 0
    round: int = 0
    changed_at: int = 0


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the list of that key, each once."""

    key: str
    values: tuple[str, ...]
