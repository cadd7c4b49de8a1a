"""Which identities are one person, and why."""

from __future__ import annotations

import msgspec


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one identity that is not, or was not always, a person of its own.

    `identity` is the 64-bit hash of `known_as` (`u:<user id>`, `a:<anonymous id>`). `claims` are the
    identities it was told to be one with: (UTC µs of the telling, the other identity, reason). `apart`:
    somebody has taken it out by hand, so that no telling joins it any more.
    """

    identity: int
    known_as: str
    person_id: int
    claims: tuple[tuple[int, int, str], ...] = ()
    apart: bool = False
    told_at: int = 0  # UTC µs when this became so
    origin: str = ""  # source or import that told it


class Kin(msgspec.Struct, frozen=True, kw_only=True):
    """The identities of a person who has more than one; `crowded`: more are told than we believe."""

    person_id: int
    identities: tuple[int, ...]
    crowded: bool = False
