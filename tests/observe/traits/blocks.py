"""Random rows of events, and blocks made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from volano.domain.tables import DECISIONS, EVENTS, TIME
from volano.observe.traits import COLUMNS

DAY = 86_400_000_000  # µs
START = 20_000 * DAY
NOW = 20_100 * DAY

Row = dict[str, Any]


def row(event: str | None = "Product Viewed", *, person: int = 1, at: float = 0.0, **columns: Any) -> Row:
    """One row `at` days after START; properties may be given as an object."""
    if isinstance(columns.get("properties"), dict):
        columns["properties"] = json.dumps(columns["properties"])
    return {
        "person_id": person,
        "time": START + round(at * DAY),
        "table": "events",
        "event": event,
        **columns,
    }


def decision(campaign: str, by: str, *, person: int = 1, at: float = 0.0, turn: int = 1) -> Row:
    """One row of decisions."""
    told = {"table": "decisions", "campaign": campaign, "round": turn, "known_as": f"a:{by}"}
    return row(None, person=person, at=at, **told)


def block(rows: Sequence[Row]) -> pa.Table:
    """The rows as they come, as a block of the view of traits."""
    schema = {field.name: field.type for field in [*DECISIONS, *EVENTS]}
    columns = {
        name: pa.array([one.get(name) for one in rows], schema[name])
        for name in COLUMNS
        if name not in ("person_id", "time")
    }
    return pa.table(
        {
            "person_id": pa.array([one["person_id"] for one in rows], pa.int64()),
            "time": pa.array([one["time"] for one in rows], pa.int64()).cast(TIME),
            **columns,
            "table": pa.array([one["table"] for one in rows], pa.string()),
        }
    )


MOMENTS = st.one_of(
    st.integers(0, 3).map(lambda step: START + step * 1_800_000_000),
    st.integers(0, 60 * 86_400).map(lambda second: START + second * 1_000_000 + 7),
    st.integers(0, 40).map(lambda day: START + day * DAY),
)
WORDS = st.one_of(
    st.dictionaries(
        st.sampled_from(["email", "plan", "consent"]),
        st.one_of(st.sampled_from(["a", "b", 1, 2.5, True, None, ["x"]]), st.just({"email": True})),
        max_size=3,
    ).map(json.dumps),
    st.sampled_from(["{", "[]", None, '{"reason": "Unregistered"}', '{"reason": "ExpiredToken"}']),
)
EVENT_NAMES = (
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Order Completed",
    "Order Refunded",
    "Order Updated",
    "Order Cancelled",
    "Identified",
    "Application Opened",
    "Application Uninstalled",
    "Push Notification Received",
    "Push Notification Tapped",
    "Push Notification Bounced",
    "Segment Entered",
    "Email Opened",
    "Page Viewed",
)
EVENT_ROWS = st.fixed_dictionaries(
    {
        "person_id": st.integers(1, 3),
        "time": MOMENTS,
        "table": st.just("events"),
        "event": st.sampled_from(EVENT_NAMES),
    },
    optional={
        "bot": st.sampled_from([None, None, "crawler"]),
        "source": st.sampled_from([None, "mail", "shop", ""]),
        "medium": st.sampled_from([None, "email"]),
        "utm_campaign": st.sampled_from([None, "may"]),
        "device": st.sampled_from([None, "tablet", "desktop"]),
        "os": st.sampled_from([None, "iOS", "Android"]),
        "browser": st.sampled_from([None, "Firefox"]),
        "timezone": st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo", "Nowhere/Land"]),
        "country": st.sampled_from([None, "de", "fr"]),
        "device_id": st.sampled_from([None, "d1", "d2"]),
        "push_token": st.sampled_from([None, "t1", "t2"]),
        "revenue": st.sampled_from([None, 100, -40]),
        "currency": st.sampled_from([None, "USD", "EUR", "JPY"]),
        "order_id": st.sampled_from([None, "o1", "o2", "o3"]),
        "product": st.sampled_from([None, "p1", "p2"]),
        "category": st.sampled_from([None, "shoes", "hats", "bags"]),
        "brand": st.sampled_from([None, "acme"]),
        "price": st.sampled_from([None, 0, 999, 2000]),
        "quantity": st.sampled_from([None, 1, 3]),
        "properties": WORDS,
    },
)
DECISION_ROWS = st.builds(
    lambda person, time, campaign, by: decision(campaign, by, person=person) | {"time": time},
    st.integers(1, 3),
    MOMENTS,
    st.sampled_from(["c", "d"]),
    st.sampled_from(["x", "y"]),
)
ROWS = st.lists(st.one_of(EVENT_ROWS, EVENT_ROWS, EVENT_ROWS, DECISION_ROWS), max_size=40)
