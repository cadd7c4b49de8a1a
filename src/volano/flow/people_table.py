"""The derived table `people`: the facts of everybody as columns, for questions to the lake."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pyarrow as pa

from volano.domain.rfm import RfmBounds
from volano.domain.tables import TIME
from volano.domain.view import View
from volano.observe.traits import FIELDS, VIEW, people, tally
from volano.observe.traits.trait import Kind
from volano.ports import Lake

TABLE = "people"


def refresh(lake: Lake, *, now: int, zone: str = "UTC", bounds: RfmBounds | None = None) -> int:
    """Makes the table anew, as of `now` (UTC µs); returns how many people there are.

    It comes from the events, block by block on all cores, so it has no segments: those are in the store of
    profiles. `zone` is the shop's time zone.
    """
    return lake.map(VIEW, partial(_facts, now=now, zone=zone, bounds=bounds or RfmBounds()), TABLE)


def people_as_of(lake: Lake) -> int | None:
    """The moment (UTC µs) for which the table was made; None if there is none."""
    found = lake.read(View(tables=(TABLE,), columns=("as_of",)))["as_of"].slice(0, 1).cast(pa.int64())
    return found.to_pylist()[0] if len(found) else None


def _facts(block: pa.Table, now: int, zone: str, bounds: RfmBounds) -> pa.Table:
    """The people of a block in the plain types of the lake: lists and given traits as JSON."""
    profiles = tally(block, zone=zone)
    found = people(profiles, now=now, bounds=bounds)
    columns = {
        name: _plain(found[name], FIELDS[name].kind)
        for name in found.column_names
        if name in FIELDS and name != "segments"
    }
    said = [{key: value for key, (_, value) in one.given.items() if value is not None} for one in profiles]
    return pa.table(
        {
            "person_id": found["person_id"],
            "as_of": pa.array([now] * len(profiles), pa.int64()).cast(TIME),
            **columns,
            "traits": pa.array([_json(each) if each else None for each in said], pa.string()),
        }
    )


def _plain(column: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
    if kind == "time":
        return column.cast(TIME)
    if kind == "list":
        texts = [None if each is None else _json(each) for each in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
