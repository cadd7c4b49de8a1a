"""Lakes in which a campaign has run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import pyarrow as pa

from tests.evaluate.campaigns import NOW
from volano.domain.durations import DAY
from volano.domain.event import ORDER_COMPLETED
from volano.domain.tables import TABLES, TIME
from volano.ports import Lake

START = NOW - 20 * DAY
NEWEST = NOW - DAY


def ran(
    lake: Lake, arms: Mapping[str, tuple[int, int]], *, at: int = START, first: int = 1, round_: int = 1
) -> None:
    """Expose (orders, people) per arm at `at`; who orders does so a day later. The newest event: `NEWEST`."""
    ids, person = count(first * 1_000), count(first)
    exposures, events = [], [event(next(ids), 0, NEWEST, "Page Viewed")]
    for arm, (orders, people) in arms.items():
        for number in range(people):
            who = next(person)
            seen = {"campaign": "c1", "variant": arm, "round": round_}
            exposures.append({"person_id": who, "time": at, "id": next(ids), **seen})
            if number < orders:
                events.append(event(next(ids), who, at + DAY, ORDER_COMPLETED, revenue=1_000))
    lake.append({"exposures": rows("exposures", exposures), "events": rows("events", events)})


def event(row: int, person: int, time: int, name: str, **more: Any) -> dict[str, Any]:
    """A row of the table of events."""
    return {"person_id": person, "time": time, "id": row, "event": name, **more}


def rows(table: str, found: list[dict[str, Any]]) -> pa.Table:
    """Rows of a table of the lake, complete."""
    schema = TABLES[table]
    columns = {}
    for field in schema:
        values = [row.get(field.name) for row in found]
        kind = pa.int64() if field.type == TIME else field.type
        columns[field.name] = pa.array(values, kind).cast(field.type)
    return pa.table(columns, schema=schema)
