"""One row of events in short."""

from __future__ import annotations

from typing import NamedTuple


class Fact(NamedTuple):
    """One row of events. Times are UTC µs, revenue minor units."""

    time: int
    id: int
    event: str
    source: str | None = None
    medium: str | None = None
    device: str | None = None
    revenue: int | None = None
