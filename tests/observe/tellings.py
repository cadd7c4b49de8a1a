"""A store of identities for tests: claims are told to it in batches, and it keeps what the lake would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from volano.domain.identity import ALIAS, IDENTIFY, Claim, Identity, Kin
from volano.domain.tables import empty
from volano.observe.merges import merges_of
from volano.observe.stitching import CAP, Stitched, resolved

USERS = 1000  # numbers from here on are users


def name(one: int) -> str:
    """What an identity of a test is called."""
    return f"u:{one}" if one >= USERS else f"a:{one}"


def claim(one: int, other: int, time: int, reason: str = IDENTIFY, origin: str = "web") -> Claim:
    """A claim about two identities of a test, learnt of when it was so."""
    return Claim(
        alias=one,
        claimed=other,
        time=time,
        reason=ALIAS if one >= USERS and reason == IDENTIFY else reason,
        known_as=name(one),
        claimed_as=name(other),
        origin=origin,
        told_at=time,
    )


class Register:
    """The records, and the rows of merges that were written."""

    def __init__(self, cap: int = CAP) -> None:
        self.cap = cap
        self.identities: dict[int, Identity] = {}
        self.kins: dict[int, Kin] = {}
        self.merges: pa.Table = empty("merges")
        self.links: dict[int, int] = {}  # as the lake has them

    def tell(self, claims: Sequence[Claim]) -> Stitched:
        """One batch."""
        found = resolved(claims, self.identities.get, self.kins.get, cap=self.cap)
        self.take(found)
        return found

    def take(self, found: Stitched) -> None:
        """Keeps what changes."""
        self.identities |= found.identities
        for person in found.dropped_kins:
            del self.kins[person]
        self.kins |= found.kins
        if found.links:
            self.merges = pa.concat_tables([self.merges, merges_of(found.links)])
        self.links |= {link.alias: link.person_id for link in found.links}

    def person(self, one: int) -> int:
        """Whose identity this is."""
        record = self.identities.get(one)
        return one if record is None else record.person_id

    def people(self, named: Iterable[int] = ()) -> dict[int, int]:
        """The person of every identity."""
        return {one: self.person(one) for one in {*self.identities, *named}}
