"""A named rule, and who is in it."""

from __future__ import annotations

from typing import Any

import msgspec


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """People whom a rule fits; membership follows every event and the clock."""

    key: str
    name: str
    rule: dict[str, Any]
    why: str = ""  # what it is for, in a sentence
    starter: bool = False  # it came with the house
    made_at: int = 0
    changed_at: int = 0


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """At that moment (UTC µs) time alone may change in which segments a person is."""

    at: int
    person_id: int


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A person entered or left a segment; waits to be written to the lake as an event."""

    person_id: int
    segment: str
    entered: bool
    at: int
