"""Rows of events from what matters of them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from volano.domain.tables import TIME, filled

Row = dict[str, Any]
_KINDS = {"time": TIME, "revenue": pa.int64(), "price": pa.int64(), "quantity": pa.int64()}


def events(*rows: Row) -> pa.Table:
    """Rows of events from what matters of them; ids are their places unless told."""
    named = [{"person_id": 1, "time": 0, "id": at, "event": "A", **row} for at, row in enumerate(rows)]
    names = {"person_id", "time", "id", "event"} | {name for row in named for name in row}
    numbers = ("person_id", "id")
    return filled(
        "events",
        {
            name: pa.array(
                [row.get(name) for row in named],
                pa.int64() if name in numbers else _KINDS.get(name, pa.string()),
            )
            for name in names
        },
    )
