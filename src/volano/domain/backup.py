"""A copy of a home that was written, so that whom we forget is forgotten there too."""

from __future__ import annotations

import msgspec


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup file: `key` and `path` are where it was written, `made_at` is UTC µs."""

    key: str
    path: str
    made_at: int
