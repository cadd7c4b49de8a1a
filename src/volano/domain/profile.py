"""What is known of a person at the moment of a decision."""

from __future__ import annotations

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Computed traits; times UTC µs, money minor units. `assigned`: per campaign salt, the id first hashed."""

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
