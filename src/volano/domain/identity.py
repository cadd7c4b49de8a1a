"""Which identities are one person, and why."""

from __future__ import annotations

import msgspec

IDENTIFY = "identify"  # an identify call named both
SEEN_TOGETHER = "seen together"  # another event carried both
ALIAS = "alias"  # an alias call said that they are one
BY_HAND = "by hand"  # somebody joined them
PARTED = "parted by hand"  # somebody took that join back
APART = "apart"  # somebody took the identity out of its person
REJOINED = "rejoined"  # and took that back: what is told counts again
TAKEN_ALONG = "taken along"  # those it is joined with changed; no claim of its own

CLAIMS = (ALIAS, IDENTIFY, SEEN_TOGETHER)  # what is told; the others are acts of a person
ACTS = (BY_HAND, PARTED, APART, REJOINED)


class Claim(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It was told, or done by hand, that the identity `alias` is one with `claimed`.

    `time` is when it was so and `told_at` when the house learnt of it, both UTC µs; `origin` is the key of
    the source or import, or who did it by hand. An act about one identity alone claims itself.
    """

    alias: int
    claimed: int
    time: int
    reason: str
    known_as: str  # name of `alias`
    claimed_as: str = ""  # name of `claimed`
    origin: str = ""
    told_at: int = 0


class Told(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """An anonymous identity was told to be the user `other`; the smallest one counts."""

    time: int
    other: int
    reason: str
    origin: str = ""
    told_at: int = 0


class Tie(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """Two identities that an alias, or somebody by hand, says are one; `one` is the smaller hash.

    `previous` is which of the two an alias says is the other from now on; by hand it is neither (0).
    """

    time: int
    one: int
    other: int
    reason: str
    origin: str = ""
    told_at: int = 0
    on: bool = True  # False: taken back by hand
    previous: int = 0


class Identity(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What is known of one identity that was ever told to be one with another.

    `identity` is the 64-bit hash of `known_as` (`u:<user id>`, `a:<anonymous id>`).
    """

    identity: int
    known_as: str
    person_id: int
    claims: tuple[
        Told, ...
    ] = ()  # of an anonymous id: the earliest of each origin, the one that counts first
    seats: tuple[tuple[int, int], ...] = ()  # of a user: (UTC µs, anonymous identity), the earliest told
    crowded: bool = False  # more were told to be this user than there are seats
    web: int = 0  # where the ties of those tied to this one are kept; 0: here
    ties: tuple[Tie, ...] = ()
    frayed: bool = False  # more ties were told than are kept
    apart: bool = False  # taken out by hand: nothing that is told joins it any more
    apart_at: int = 0  # UTC µs of the last act about `apart`


class Kin(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The identities (ascending) of a person of several; `crowded`: more are told than we believe."""

    person_id: int
    identities: tuple[int, ...]
    crowded: bool = False


class Address(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The identities that told an e-mail address, the smallest of them; `key` is its hash."""

    key: int
    identities: tuple[int, ...]
