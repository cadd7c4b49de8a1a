"""The Arrow schema of each table of the lake, in one place.

Every table begins with `person_id`, `time` and `id`: whose row, when (UTC), and a 64-bit hash that is
the row's name for ever (a row whose id the lake has already is not added again). Strings may be null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

TIME = pa.timestamp("us", tz="UTC")

_HEAD = [
    ("person_id", pa.int64()),  # who, after merges
    ("time", TIME),
    ("id", pa.int64()),
    ("identity", pa.int64()),  # hash of the identity under which the row arrived
    ("known_as", pa.string()),  # that identity: `u:<user id>` or `a:<anonymous id>`
    ("origin", pa.string()),  # key of the source or import that brought it
]

EVENTS = pa.schema(
    [
        *_HEAD,
        ("event", pa.string()),  # the standard name
        ("told", pa.string()),  # the name as it came, where the shop calls it otherwise
        ("source", pa.string()),  # traffic source of the visit; null when the event says nothing of it
        ("medium", pa.string()),
        ("utm_campaign", pa.string()),
        ("keyword", pa.string()),
        ("referrer", pa.string()),  # host of the page the visit came from
        ("device", pa.string()),
        ("os", pa.string()),
        ("browser", pa.string()),
        ("language", pa.string()),  # BCP 47, lower case
        ("timezone", pa.string()),  # IANA zone of the person
        ("country", pa.string()),  # ISO 3166-1 alpha-2
        ("bot", pa.string()),  # why this is no person's doing; null for people
        ("device_id", pa.string()),
        ("push_token", pa.string()),  # null in files, where it is sealed
        ("path", pa.string()),
        ("campaign", pa.string()),  # of ours: set on exposures, clicks and closes
        ("variant", pa.string()),
        ("revenue", pa.int64()),  # minor units; refunds negative
        ("currency", pa.string()),
        ("order_id", pa.string()),
        ("product", pa.string()),
        ("category", pa.string()),
        ("brand", pa.string()),
        ("price", pa.int64()),  # minor units, of one piece
        ("quantity", pa.int64()),
        ("properties", pa.string()),  # all that came, as JSON, in the words of the shop
        ("left_out", pa.int64()),  # how many of them had no room; null: none
    ]
)

# What the files of events have beside: the personal properties and the push token, which are null there,
# sealed under a key of the row's identity. Whoever reads through `ports.Lake` has them where they were.
SEALED = pa.schema(
    [
        ("personal", pa.string()),  # base64; null: there are none
        ("address", pa.int64()),  # keyed hash of an e-mail address among them
    ]
)

ORDER_LINES = pa.schema(
    [
        *_HEAD,
        ("order_id", pa.string()),
        ("product", pa.string()),
        ("quantity", pa.int64()),
        ("revenue", pa.int64()),
        ("currency", pa.string()),
        ("event_id", pa.int64()),  # `id` of the event that tells it, with which it comes or not; null: alone
    ]
)

DECISIONS = pa.schema(
    [
        *_HEAD,
        ("campaign", pa.string()),
        ("round", pa.int64()),
        ("variant", pa.string()),
        ("propensity", pa.float64()),  # of the variant chosen
        ("options", pa.string()),  # JSON [{variant, propensity}]
        ("reason", pa.string()),
        ("path", pa.string()),
    ]
)

EXPOSURES = pa.schema(
    [
        *_HEAD,
        ("campaign", pa.string()),
        ("variant", pa.string()),
        ("round", pa.int64()),
        ("event_id", pa.int64()),  # as in order_lines
    ]
)

# What left the house for somebody, and what became of it.
DELIVERIES = pa.schema(
    [
        *_HEAD,
        ("channel", pa.string()),  # `webhook`
        ("receiver", pa.string()),  # who got it: the key of the web hook
        ("about", pa.string()),  # what it told: `segment.entered vip`
        ("status", pa.string()),  # `delivered` or `failed`
        ("reason", pa.string()),  # why it failed, in words
        ("attempts", pa.int64()),
        ("campaign", pa.string()),  # where it is one of ours that told it
        ("variant", pa.string()),
        ("round", pa.int64()),
    ]
)

# From now on the identity `alias` is `person_id` (itself: it stands alone again); the last row to come
# counts.
MERGES = pa.schema(
    [
        *_HEAD,
        ("alias", pa.int64()),
        ("claimed", pa.int64()),  # the identity that it was told to be one with
        ("claimed_as", pa.string()),  # that identity's name
        ("reason", pa.string()),
        ("told_at", TIME),  # when the house learnt of it; `time` is when it was so
    ]
)

QUARANTINE = pa.schema(
    [
        *_HEAD,
        ("index", pa.int64()),
        ("code", pa.string()),
        ("message", pa.string()),
        ("sample", pa.string()),
        ("named", pa.string()),  # hashes of the identities and addresses that the whole event names
    ]
)

TABLES: dict[str, pa.Schema] = {
    "events": EVENTS,
    "order_lines": ORDER_LINES,
    "decisions": DECISIONS,
    "exposures": EXPOSURES,
    "deliveries": DELIVERIES,
    "merges": MERGES,
    "quarantine": QUARANTINE,
}
OF_PEOPLE = tuple(table for table in TABLES if table != "quarantine")  # each row is about somebody
HAPPENED = ("events", "order_lines", "decisions", "exposures", "deliveries")  # … tells what they did or got


OURS = "volano"  # origin of rows that the house writes itself
IMPORT = "imp_"  # how the key of an import begins


def imported(origin: pa.ChunkedArray) -> pa.ChunkedArray:
    """True where a row came by an import and not from a source.

    >>> imported(pa.chunked_array([["imp_1", "web", None]])).to_pylist()
    [True, False, False]
    """
    return pc.fill_null(pc.starts_with(origin.cast(pa.string()), IMPORT), False)


def filled(table: str, columns: Mapping[str, Any]) -> pa.Table:
    """Rows of `table` from some of its columns; the others are null.

    >>> filled("merges", {"alias": pa.array([7], pa.int64())})["reason"].to_pylist()
    [None]
    """
    length = len(next(iter(columns.values())))
    schema = TABLES[table]
    return pa.table(
        [columns.get(field.name, pa.nulls(length, field.type)) for field in schema], schema=schema
    )


def empty(table: str) -> pa.Table:
    """No rows of `table`.

    >>> empty("merges").num_rows
    0
    """
    return TABLES[table].empty_table()
