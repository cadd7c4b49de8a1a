"""What arrives: the names of events and properties that a source sends, with what they look like."""

from __future__ import annotations

import msgspec

PROPERTIES = 300  # names that are known of one event
EVENTS = 500  # names that are known of one source
EXAMPLES = 3


class Property(msgspec.Struct, frozen=True, array_like=True):
    """How often a property came as what, some of its values, cut and masked, and from when to when.

    Times are UTC µs of arrival, 0 in what was kept before they were.
    """

    types: dict[str, int] = {}
    examples: tuple[str, ...] = ()
    first_seen: int = 0
    last_seen: int = 0

    @property
    def count(self) -> int:
        """How many events had it."""
        return sum(self.types.values())


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one source, as it came; the record of event "" is about the source as a whole.

    `key` is a hash of both. Times are UTC µs of arrival. `others` counts values of properties beyond the
    bound of names. In the record of a source, `count` is of all its events, `names` how many of their names
    have a record, `unnamed` the events that have none, `doubles` those that had come before, and `refused`
    counts what was quarantined by reason.
    """

    key: int
    source: str
    event: str = ""
    count: int = 0
    first_seen: int = 0
    last_seen: int = 0
    properties: dict[str, Property] = {}
    others: int = 0
    names: int = 0
    unnamed: int = 0
    doubles: int = 0
    refused: dict[str, int] = {}
