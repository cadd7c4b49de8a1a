"""Rows of the world as Segment events and as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.world.worlds import halves, spec
from volano.observe.traffic import traffic
from volano.world import World, to_segment, write


@pytest.fixture(scope="module")
def events() -> Any:
    return World(spec(people=1500)).simulate(0, 14, halves("free-delivery-bar", "Product Added"))


def test_every_row_tells_the_same_traffic_after_the_wire(events: Any) -> None:
    told = set()
    for row in events.to_pylist():
        found = traffic(json.loads(json.dumps(to_segment(row)))["context"])
        assert (found.source, found.medium) == (row["source"], row["medium"])
        assert (found.device, found.path) == (row["device"], row["path"])
        told.add(found.device)
    assert told == {"low-end android", "android", "iphone", "tablet", "desktop", "other"}


def test_each_kind_of_row_becomes_the_call_of_the_spec(events: Any) -> None:
    first = {row["event"]: row for row in reversed(events.to_pylist())}
    page, signed = to_segment(first["Page Viewed"]), to_segment(first["Identified"])
    assert page["type"] == "page"
    assert page["properties"]["url"] == "https://shop.example" + page["properties"]["path"]
    assert "userId" not in page
    assert signed["type"] == "identify"
    assert signed["userId"] == first["Identified"]["person"]
    assert signed["anonymousId"] == first["Identified"]["anonymous_id"]
    assert (
        to_segment(first["Product Viewed"])["properties"]["product_id"] == first["Product Viewed"]["product"]
    )
    exposure = to_segment(first["Experiment Viewed"])
    assert exposure["type"] == "track"
    assert exposure["properties"].keys() == {"experiment_id", "variation_id", "round"}


def test_orders_and_refunds_carry_positive_money(events: Any) -> None:
    first = {row["event"]: row for row in events.to_pylist()}
    order, refund = first["Order Completed"], first["Order Refunded"]
    sent = to_segment(order)["properties"]
    assert sent["revenue"] == sent["total"] == order["revenue"] > 0
    assert sent["order_id"] == order["order_id"]
    assert sent["currency"] == "USD"
    assert to_segment(refund)["properties"]["total"] == -refund["revenue"] > 0


def test_times_are_utc_with_milliseconds(events: Any) -> None:
    row = events.slice(0, 1).to_pylist()[0]
    stamp = to_segment(row)["timestamp"]
    micros = round(row["timestamp"].timestamp() * 1e6)
    assert stamp.startswith("2024-01-01T")
    assert stamp.endswith("Z")
    assert to_segment({**row, "timestamp": micros})["timestamp"] == stamp


def test_the_file_to_import_holds_the_table(events: Any, tmp_path: Path) -> None:
    write(events, str(tmp_path / "events.parquet"))
    assert parquet.read_table(tmp_path / "events.parquet").equals(events)
