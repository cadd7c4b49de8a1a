"""Snowplow's Python tracker tells of a visit; its application id is the write key."""

from __future__ import annotations

import json
import sys
from typing import Any

from snowplow_tracker import PageView, SelfDescribing, SelfDescribingJson, Snowplow, Subject

SHOP = "iglu:com.snowplowanalytics.snowplow.ecommerce"


def entity(name: str, data: dict[str, Any]) -> SelfDescribingJson:
    """Something of Snowplow's own e-commerce vocabulary."""
    return SelfDescribingJson(f"{SHOP}/{name}/jsonschema/1-0-0", data)


if __name__ == "__main__":
    visit = json.loads(sys.argv[1])
    subject = (
        Subject().set_domain_user_id(visit["anonymous_id"]).set_lang("de-CH").set_timezone("Europe/Zurich")
    )
    tracker = Snowplow.create_tracker(
        namespace="shop", endpoint=visit["address"], app_id=visit["write_key"], subject=subject
    )
    lamp, order = visit["viewed"], visit["order"]
    tracker.track(PageView(page_url=visit["page"]["url"], page_title=visit["page"]["title"]))
    tracker.track(
        SelfDescribing(
            event_json=entity("snowplow_ecommerce_action", {"type": "product_view"}),
            context=[entity("product", {**lamp, "id": lamp["product_id"]})],
        )
    )
    subject.set_user_id(visit["user_id"])
    tracker.track(
        SelfDescribing(
            event_json=SelfDescribingJson(
                "iglu:example.shop/gift_wrapped/jsonschema/1-0-0", {"gift_note": order["gift_note"]}
            )
        )
    )
    tracker.track_ecommerce_transaction(
        order_id=order["order_id"],
        total_value=order["revenue"],
        currency=order["currency"],
        items=[
            {
                "sku": line["product_id"],
                "name": line["name"],
                "price": line["price"],
                "quantity": line["quantity"],
            }
            for line in order["products"]
        ],
    )
    tracker.flush()
