"""What is known of a person at the moment of a decision."""

from __future__ import annotations

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Computed traits; UTC µs and minor units. `assigned`: per campaign salt, the id first hashed.

    `counted` holds the latest orders and refunds (id of the row → minor units), so that one that is told
    twice, by the tag and the server, counts once.
    """

    person_id: int
    first_seen: int = 0
    last_seen: int = 0
    orders: int = 0
    revenue: int = 0
    last_order: int = 0
    source: str = ""
    medium: str = ""
    device: str = ""
    assigned: dict[str, str] = {}
    counted: dict[int, int] = {}
