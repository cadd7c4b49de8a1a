"""That somebody was forgotten, without saying who."""

from __future__ import annotations

import msgspec


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed when people were forgotten, at `at` (UTC µs).

    `rows` are those of each table of the lake, `records` those of the live store, `lines` those of lists of
    refused rows. `backups` are told not to bring them back; `unreached` could not be told. `marks` are
    HMAC-SHA256 of the ids that were given, keyed with `key`: whoever has the receipt and an id can see that
    it was meant, nobody can read an id off it.
    """

    key: str
    at: int
    people: int
    rows: dict[str, int] = {}
    records: int = 0
    lines: int = 0
    backups: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
