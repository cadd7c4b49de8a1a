"""What is large or odd, from the door to the lake and the registry."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.flow.site import Site
from tests.web.door import KEY, Door
from volano.domain.registry import PROPERTIES, Seen

GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u"}


def brought_home(door: Door) -> Site:
    """All that the door took, in the lake."""
    site = Site()
    for intake in door.intakes():
        site.journal.append_now(msgspec.msgpack.encode(intake))
    site.drain()
    return site


def test_10000_names_of_properties_come_home_and_the_registry_stays_small() -> None:
    door = Door()
    shares = [{f"p{number}": number for number in range(low, low + 200)} for low in range(0, 10_000, 200)]
    batch = [GOOD | {"messageId": f"m{number}", "properties": told} for number, told in enumerate(shares)]
    assert door.post(json.dumps({"batch": batch}).encode()).json() == {"success": True}
    site = brought_home(door)
    assert site.rows("quarantine") == []
    found: dict[str, int] = {}
    for row in site.rows():
        found |= json.loads(row["properties"])
    assert found == {f"p{number}": number for number in range(10_000)}
    (seen,) = [seen for _, seen in site.profiles.scan(Seen) if seen.event == "Product Viewed"]
    assert (seen.count, len(seen.properties)) == (50, PROPERTIES)
    assert sum(one.count for one in seen.properties.values()) + seen.others == 10_000


def test_a_megabyte_of_text_costs_itself_and_no_other_property() -> None:
    door = Door()
    told = {"text": "x" * 1_000_000, "plan": "gold", "price": 3}
    event = {"event": "Product Viewed", "distinct_id": "u", "properties": told}
    body = json.dumps({"api_key": KEY, "batch": [event]}).encode()
    assert door.request("POST", "/batch", content=body).json() == {"success": True}
    (row,) = brought_home(door).rows()
    assert (json.loads(row["properties"]), row["left_out"]) == ({"plan": "gold", "price": 3}, 1)


def test_a_megabyte_is_too_much_for_an_event_of_segments_and_its_neighbours_come_home() -> None:
    door = Door()
    large = GOOD | {"properties": {"text": "x" * 1_000_000}}
    told = door.post(json.dumps({"batch": [GOOD, large, GOOD]}).encode()).json()
    assert [one["code"] for one in told["quarantined"]] == ["event_too_large"]
    site = brought_home(door)
    assert len(site.rows()) == 2
    (row,) = site.rows("quarantine")
    assert (row["code"], len(row["sample"])) == ("event_too_large", 200)
