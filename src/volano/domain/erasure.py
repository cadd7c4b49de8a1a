"""That somebody was forgotten, without saying who."""

from __future__ import annotations

import msgspec


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed when people were forgotten, at `at` (UTC µs).

    `rows` are those of each table of the lake, `keys` those under which values in it were sealed, `records`
    those of the live store, `lines` those of lists of refused rows, `staff` those of the shop's list of
    staff. `rules` are segments and campaigns whose rules may name them: they are left as they are. `backups`
    are told not to bring them back; `unreached` could not be told. `marks` are HMAC-SHA256 of the ids that
    were given, keyed with `secret`, which is handed out with the receipt and not kept: whoever has it and an
    id can see that it was meant, and can try ids.
    """

    key: str
    at: int
    people: int
    rows: dict[str, int] = {}
    keys: int = 0
    records: int = 0
    lines: int = 0
    staff: int = 0
    rules: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    secret: str = ""


class Erasures(msgspec.Struct, frozen=True, kw_only=True):
    """How many times somebody was forgotten: what was read before this changed may tell of them."""

    key: int = 0  # there is one
    times: int = 0
