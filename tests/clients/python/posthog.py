"""PostHog's Python client tells of a visit."""

from __future__ import annotations

import json
import sys

from posthog import Posthog

if __name__ == "__main__":
    visit = json.loads(sys.argv[1])
    client = Posthog(visit["write_key"], host=visit["address"], gzip=True)
    anonymous, user = visit["anonymous_id"], visit["user_id"]
    seen = {"$current_url": visit["page"]["url"], "$pathname": visit["page"]["path"]}
    client.capture("$pageview", distinct_id=anonymous, properties=seen)
    client.capture("Product Viewed", distinct_id=anonymous, properties=visit["viewed"])
    client.alias(previous_id=anonymous, distinct_id=user)
    client.set(distinct_id=user, properties=visit["traits"])
    client.group_identify("club", visit["group_id"], {"name": "Mondklub"}, distinct_id=user)
    client.capture("Order Completed", distinct_id=user, properties=visit["order"])
    client.shutdown()
