"""What each client's visit has to be in the lake; where one cannot tell what the others do, it says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.clients.visit import Visit

By = Literal["anonymous_id", "told_id", "user_id", "till_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One event: under which id it arrives, its columns, and what its properties keep."""

    event: str
    by: By
    columns: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)


Tells = Callable[[Visit], Expected]

ORIGIN = {"source": "newsletter", "medium": "email", "utm_campaign": "spring"}
MACHINE = {
    "device": "desktop",
    "os": "Linux",
    "browser": "Chrome",
    "language": "de-ch",
}  # of a browser's visit
ZONES = {"browser/rudder": None}  # RudderStack's browser client tells an offset, which is no zone
ZONE = "Europe/Zurich"


def viewed_page(visit: Visit) -> Expected:
    """The page, told by a server that knows what the visitor's browser asked for."""
    columns = {"path": "/sale", **ORIGIN}
    return Expected(event="Page Viewed", by="anonymous_id", columns=columns, kept={"title": "Räumung"})


def opened_page(visit: Visit) -> Expected:
    """The page, told by the browser that shows it."""
    columns = {"path": f"/{visit.client.partition('/')[2]}/sale", **ORIGIN}
    return Expected(event="Page Viewed", by="anonymous_id", columns=columns)


def viewed_product(visit: Visit) -> Expected:
    return Expected(
        event="Product Viewed",
        by="anonymous_id",
        columns={
            "product": visit.viewed["product_id"],
            "category": "Lamps",
            "brand": "Lumo",
            "price": 1990,
            "revenue": None,
        },
        kept={"colour": "grün", "name": visit.viewed["name"]},
    )


def added_product(visit: Visit) -> Expected:
    """Under the id of the till, which is the person's only by the alias."""
    return Expected(event="Product Added", by="till_id", columns={"product": visit.viewed["product_id"]})


def identified(visit: Visit) -> Expected:
    return Expected(event="Identified", by="user_id", kept=visit.traits)


def aliased(visit: Visit) -> Expected:
    return Expected(event="Aliased", by="user_id")


def grouped(visit: Visit) -> Expected:
    return Expected(event="Grouped", by="user_id", kept={"name": "Mondklub"})


def ordered(visit: Visit) -> Expected:
    return Expected(
        event="Order Completed",
        by="user_id",
        columns={
            "revenue": 3980,
            "currency": "EUR",
            "order_id": visit.order["order_id"],
            "product": visit.viewed["product_id"],
        },
        kept={"gift_note": "Für Zoë 🎁"},
    )


def alone(visit: Visit) -> Expected:
    """The page under PostHog: its servers' clients know no anonymous id, any id is one of a user."""
    return replace(viewed_page(visit), by="told_id", kept={})


def alone_with_a_product(visit: Visit) -> Expected:
    return replace(viewed_product(visit), by="told_id")


def wrapped(visit: Visit) -> Expected:
    """Snowplow's trackers know no `identify`: an event that has both ids says that they are one."""
    return Expected(event="gift_wrapped", by="user_id", kept={"gift_note": visit.order["gift_note"]})


def ordered_only(visit: Visit) -> Expected:
    """Snowplow's order has no room for a property of the shop's own."""
    return replace(ordered(visit), kept={})


def ordered_item(visit: Visit) -> Expected:
    """Snowplow's older order sends each line as an event too."""
    return Expected(event="Order Item", by="user_id", columns={"product": visit.viewed["product_id"]})


SHAPED = (viewed_page, viewed_product, added_product, identified, aliased, grouped, ordered)
BROWSED = (opened_page, viewed_product, identified, aliased, grouped, ordered)
POSTHOG = (alone, alone_with_a_product, aliased, identified, grouped, ordered)
SNOWPLOW = (viewed_page, viewed_product, wrapped, ordered_only)

CLIENTS: dict[str, tuple[Tells, ...]] = {
    "python/segment": SHAPED,
    "python/rudder": SHAPED,
    "python/customerio": SHAPED,
    "python/posthog": POSTHOG,
    "python/snowplow": (*SNOWPLOW, ordered_item),
    "node/segment": SHAPED,
    "node/rudder": SHAPED,
    "node/customerio": SHAPED,
    "node/posthog": POSTHOG,
    "node/snowplow": SNOWPLOW,
    "browser/segment": BROWSED,
    "browser/rudder": BROWSED,
    "browser/posthog": BROWSED,
}
BROWSERS = [client for client in CLIENTS if client.startswith("browser/")]
SERVERS = [client for client in CLIENTS if client not in BROWSERS]
ALIASING = [client for client, told in CLIENTS.items() if aliased in told]
