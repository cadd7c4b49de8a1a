"""Who may send, who may look, and what was brought in."""

from __future__ import annotations

import msgspec


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A place events come from. Its write key is public and can only write."""

    key: str
    name: str
    write_key: str
    made_at: int = 0


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may open the console."""

    key: str
    password_hash: str
    changed_at: int = 0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser; `key` is a hash of the cookie."""

    key: str
    user: str
    csrf: str
    expires_at: int


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One file brought in; counts are of rows, money in minor units."""

    key: str
    file: str
    kind: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    people: int = 0
    revenue_minor: int = 0
    currency: str = ""
    made_at: int = 0
    undone_at: int = 0
