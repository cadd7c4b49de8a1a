"""Rows of the world as other programs see them: Segment HTTP events, and a Parquet file to import."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from volano.domain.event import IDENTIFIED, ORDER_COMPLETED, ORDER_REFUNDED, PAGE_VIEWED

SHOP = "https://shop.example"
_PHONE = (
    "Mozilla/5.0 (Linux; Android {version}; {model}) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
)
_APPLE = "Mozilla/5.0 ({machine}; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
# What a client would tell of each device: type, memory in GB (as `navigator.deviceMemory`), user agent.
_DEVICES: Mapping[str, tuple[dict[str, Any], str]] = {
    "low-end android": ({"type": "Android", "memory": 2}, _PHONE.format(version="10", model="SM-A105F")),
    "android": ({"type": "Android", "memory": 8}, _PHONE.format(version="14", model="Pixel 8")),
    "iphone": ({"type": "iOS"}, _APPLE.format(machine="iPhone")),
    "tablet": ({"type": "tablet"}, _APPLE.format(machine="iPad")),
    "desktop": (
        {"type": "desktop", "memory": 8},
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    ),
    "other": ({"type": "tv"}, "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 Safari/537.36"),
}


def to_segment(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the world's table as an event of Segment's HTTP tracking spec.

    `timestamp` is the row's; the sender adds `sentAt` if it wants clocks corrected. Money of a refund is
    positive here, as Segment's `Order Refunded` has it.
    """
    kinds = {PAGE_VIEWED: "page", IDENTIFIED: "identify"}
    kind = kinds.get(row["event"], "track")
    event: dict[str, Any] = {
        "type": kind,
        "messageId": row["message_id"],
        "anonymousId": row["anonymous_id"],
        "timestamp": _iso(row["timestamp"]),
        "context": _context(row),
    }
    if row["person"]:
        event["userId"] = row["person"]
    if kind == "identify":
        event["traits"] = {}
    elif kind == "page":
        event["properties"] = dict(event["context"]["page"])
    else:
        event |= {"event": row["event"], "properties": _properties(row)}
    return event


def write(table: pa.Table, path: str) -> None:
    """The table as a Parquet file for the bulk import."""
    from pyarrow import parquet

    parquet.write_table(table, path, compression="zstd")


def _iso(moment: datetime | int) -> str:
    """UTC with milliseconds; a number is microseconds."""
    at = datetime.fromtimestamp(moment / 1e6, UTC) if isinstance(moment, int) else moment.astimezone(UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _context(row: Mapping[str, Any]) -> dict[str, Any]:
    device, agent = _DEVICES[row["device"]]
    context: dict[str, Any] = {
        "library": {"name": "volano-world", "version": "1"},
        "device": dict(device),
        "userAgent": agent,
    }
    if row["path"]:
        context["page"] = {"path": row["path"], "url": SHOP + row["path"]}
    if row["source"]:
        context["campaign"] = {"source": row["source"], "medium": row["medium"]}
    return context


def _properties(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the row says of product, order and experiment, by the names of Segment's e-commerce spec."""
    properties: dict[str, Any] = {}
    if row["product"]:
        product = {"product_id": row["product"], "category": row["category"], "price": row["price"]}
        if row["event"] in {ORDER_COMPLETED, ORDER_REFUNDED}:
            properties["products"] = [product]
        else:
            properties |= product
    if row["revenue"] is not None:
        money = abs(row["revenue"])
        properties |= {"order_id": row["order_id"], "total": money, "currency": row["currency"]}
        if row["event"] == ORDER_COMPLETED:
            properties["revenue"] = money
    for name in ("experiment_id", "variation_id", "round"):
        if row[name] is not None:
            properties[name] = row[name]
    return properties
