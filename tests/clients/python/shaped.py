"""The calls of a client whose interface is Segment's."""

from __future__ import annotations

from typing import Any


def tell(client: Any, visit: dict[str, Any]) -> None:
    """The visit, call by call; returns once all of it was taken."""
    anonymous, user = visit["anonymous_id"], visit["user_id"]
    client.page(
        anonymous_id=anonymous, name="Sale", properties=visit["page"], context={"page": visit["page"]}
    )
    client.track(anonymous_id=anonymous, event="Product Viewed", properties=visit["viewed"])
    client.track(anonymous_id=visit["till_id"], event="Product Added", properties=visit["viewed"])
    client.identify(user, visit["traits"], anonymous_id=anonymous)
    client.alias(visit["till_id"], user)
    client.group(user, visit["group_id"], {"name": "Mondklub"})
    client.track(user, "Order Completed", visit["order"])
    client.flush()
    client.join()
