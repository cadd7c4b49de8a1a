"""Visits: told row by row in plain Python, and the same on a block."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from volano.domain.visit import GAP
from volano.observe.sessions import DIMENSIONS, with_visits

MINUTE = 60_000_000
COLUMNS = ("person_id", "time", "source", "medium", "device", "path", "utm_campaign")
Row = tuple[int, int, str | None, str | None, str | None, str | None, str | None]
Triple = tuple[str | None, str | None, str | None]


def block_of(rows: Sequence[Row], encoded: bool = True) -> pa.Table:
    columns: dict[str, Any] = {}
    for i, name in enumerate(COLUMNS):
        values = [row[i] for row in rows]
        kind = {"person_id": pa.int64(), "time": pa.timestamp("us", tz="UTC")}.get(name, pa.string())
        array = pa.array(values, kind)
        columns[name] = array.dictionary_encode() if encoded and kind == pa.string() else array
    return pa.table(columns)


def is_campaign(triple: Triple) -> bool:
    """A campaign has a name, or a medium that no plain link has."""
    _, medium, name = triple
    return bool(name) or medium in ("cpc", "email")


def told(rows: Sequence[Row]) -> list[dict[str, str]]:
    """The definition, one row after the other."""
    said = []
    for _, theirs in groupby(rows, key=lambda row: row[0]):
        visits: list[list[Row]] = []
        came_by: Triple | None = None
        for row in theirs:
            now = (row[2], row[3], row[6])
            if not visits or row[1] - visits[-1][-1][1] > GAP:
                visits.append([])
                came_by = None
            elif came_by and now != came_by and is_campaign(now):
                visits.append([])
                came_by = now
            if came_by is None and any(now):
                came_by = now
            visits[-1].append(row)
        last_device = None
        for number, visit in enumerate(visits):
            traffic = next(((r[2], r[3]) for r in visit if r[2] or r[3]), (None, None))
            device = next((r[4] for r in visit if r[4]), last_device)
            landing = next((r[5] for r in visit if r[5]), None)
            last_device = next((r[4] for r in reversed(visit) if r[4]), last_device)
            words = {
                "source": f"{traffic[0] or '(direct)'} / {traffic[1] or '(none)'}",
                "device": device or "(unknown)",
                "landing": landing or "(none)",
                "visitor": "returning" if number else "new",
            }
            said += [words] * len(visit)
    return said


rows_ = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 12).map(lambda k: k * 15 * MINUTE),
        st.sampled_from([None, None, "google", "mail"]),
        st.sampled_from([None, None, "cpc", "organic"]),
        st.sampled_from([None, None, "iphone", "desktop"]),
        st.sampled_from([None, "/", "/a"]),
        st.sampled_from([None, None, None, "spring", "summer"]),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(rows_, st.booleans())
def test_a_block_says_what_the_definition_says(rows: list[Row], encoded: bool) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    block = with_visits(block_of(rows, encoded))
    assert block.select(DIMENSIONS).to_pylist() == told(rows)


def test_exactly_half_an_hour_is_still_the_same_visit() -> None:
    rows: list[Row] = [(1, 0, None, None, None, "/a", None), (1, GAP, None, None, None, "/b", None)]
    assert with_visits(block_of(rows))["landing"].to_pylist() == ["/a", "/a"]
    rows.append((1, 2 * GAP + 1, None, None, None, "/c", None))
    assert with_visits(block_of(rows))["visitor"].to_pylist() == ["new", "new", "returning"]


def test_another_campaign_begins_a_visit_and_a_plain_link_does_not() -> None:
    rows: list[Row] = [
        (1, 0, "google", "organic", None, "/a", None),
        (1, MINUTE, "blog.example", "referral", None, "/b", None),
        (1, 2 * MINUTE, "mail", "email", None, "/c", "spring"),
        (1, 3 * MINUTE, "mail", "email", None, "/d", "spring"),
        (1, 4 * MINUTE, None, None, None, "/e", None),
        (1, 5 * MINUTE, "mail", "email", None, "/f", "summer"),
    ]
    block = with_visits(block_of(rows))
    assert block["visit"].to_pylist() == [0, 0, 1, 1, 1, 2]
    assert block["source"].to_pylist() == ["google / organic"] * 2 + ["mail / email"] * 4


def test_a_campaign_names_a_visit_that_nothing_was_told_of() -> None:
    rows: list[Row] = [(1, 0, None, None, None, "/", None), (1, MINUTE, "mail", "email", None, "/", "spring")]
    assert with_visits(block_of(rows))["source"].to_pylist() == ["mail / email"] * 2


def test_a_block_without_traffic_columns_is_direct_from_unknown_devices() -> None:
    block = with_visits(
        block_of([(1, 0, "google", "cpc", "iphone", "/", None)]).select(["person_id", "time"])
    )
    assert block.select(DIMENSIONS).to_pylist() == [
        {"source": "(direct) / (none)", "device": "(unknown)", "landing": "(none)", "visitor": "new"}
    ]


def test_an_empty_block_stays_empty() -> None:
    assert with_visits(block_of([])).num_rows == 0
