"""What the tests of every lake share: rows, and ways to look at a lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from volano.adapters.lake_duckdb import DuckLake
from volano.domain.tables import TIME
from volano.domain.view import View
from volano.testing.lake_memory import MemoryLake

AnyLake = DuckLake | MemoryLake
TEXT = pa.dictionary(pa.int32(), pa.string())


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows with `time` as a number and only the columns that are named."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
    if "time" in columns:
        columns["time"] = columns["time"].cast(pa.int64()).cast(TIME)
    return pa.table(columns)


def event(name: int, person: int, time: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "person_id": person,
        "time": time,
        "id": name,
        "event": "Page Viewed",
        "origin": "shop",
        **more,
    }


def merge(name: int, alias: int, person: int) -> dict[str, Any]:
    return {
        "person_id": person,
        "time": 0,
        "id": name,
        "identity": alias,
        "alias": alias,
        "origin": "shop",
    }


def seen(lake: AnyLake, *columns: str, **view: Any) -> list[tuple[Any, ...]]:
    """The rows of a view as tuples."""
    rows = lake.read(View(columns=columns, **view)).to_pylist()
    return [tuple(row[name] for name in columns) for row in rows]


@dataclass(frozen=True)
class People:
    """Which people were in which block: a tally that fails when a person is in two."""

    rows: dict[int, list[int]] = field(default_factory=dict)

    def __add__(self, other: People) -> People:
        assert not self.rows.keys() & other.rows.keys(), "a person is in two blocks"
        return People({**self.rows, **other.rows})


def people(block: pa.Table) -> People:
    """The ids of the rows of each person, in the order of the block."""
    found: dict[int, list[int]] = {}
    for row in block.to_pylist():
        found.setdefault(row["person_id"], []).append(row["id"])
    assert block.column("person_id").to_pylist() == sorted(block.column("person_id").to_pylist())
    return People(found)


def counts(added: dict[str, pa.Table]) -> dict[str, int]:
    return {name: len(rows) for name, rows in added.items()}


def delivery(name: int, person: int, time: int = 0) -> dict[str, Any]:
    told = {"channel": "webhook", "receiver": "crm", "status": "delivered", "attempts": 1}
    return {"person_id": person, "time": time, "id": name, "origin": "volano", **told}


def exposure(name: int, person: int, time: int = 0, campaign: str = "c") -> dict[str, Any]:
    return {
        "person_id": person,
        "time": time,
        "id": name,
        "campaign": campaign,
        "variant": "control",
        "round": 1,
    }


def rows_each(block: pa.Table) -> pa.Table:
    """Person, number of rows and the first event."""
    grouped = block.group_by("person_id").aggregate([("event", "count")])
    first = pa.array(["first"] * len(grouped)).dictionary_encode()
    return pa.table({"person_id": grouped["person_id"], "rows": grouped["event_count"], "word": first})
