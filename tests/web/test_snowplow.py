"""Snowplow's payloads as events and refusals."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web.door import KEY, NOW, Door
from volano.domain.event import Event, Refusal
from volano.errors import BadBody, BadInput
from volano.web.formats.format import Request
from volano.web.formats.snowplow import decoded, write_key

MS = NOW // 1000
TP2 = "/com.snowplowanalytics.snowplow/tp2"
GOOD: dict[str, Any] = {"e": "pv", "eid": "e1", "duid": "d1", "dtm": str(MS), "p": "web", "aid": KEY}


def payload(*events: Any) -> bytes:
    """A body of events."""
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    return json.dumps({"schema": schema, "data": events}).encode()


def taken(body: bytes) -> tuple[list[Event], list[Refusal]]:
    """What a body yields at noon."""
    return decoded(body, Request(call="payload", received_at=NOW, new_id=lambda: "given"))


def one(**fields: Any) -> Event:
    """The event of a payload of one."""
    kept, refused = taken(payload(GOOD | fields))
    assert not refused
    return kept[0]


def described(schema: str, data: Any) -> str:
    """A self-describing event."""
    inner = {"schema": f"iglu:{schema}/jsonschema/1-0-0", "data": data}
    outer = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    return json.dumps({"schema": outer, "data": inner})


def entities(*told: tuple[str, Any]) -> str:
    """Entities of an event."""
    data = [{"schema": f"iglu:com.x/{name}/jsonschema/1-0-0", "data": data} for name, data in told]
    return json.dumps(
        {"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0", "data": data}
    )


def coded(text: str) -> str:
    """Base64 as trackers send it, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_page_view_is_a_page_with_segments_context() -> None:
    found = one(
        url="https://shop.example/p/41?utm_source=mail",
        page="Shoes",
        refr="https://www.google.com/",
        ua="Mozilla/5.0",
        lang="en-GB",
        tz="Europe/London",
        res="412x915",
        tv="js-4.6.0",
        uid="u1",
        sid="s1",
    )
    assert (found.kind, found.event, found.message_id) == ("page", "Page Viewed", "e1")
    assert (found.anonymous_id, found.user_id, found.time) == ("d1", "u1", NOW // 1000 * 1000)
    assert json.loads(found.properties) == {"title": "Shoes"}
    assert json.loads(found.context) == {
        "page": {
            "url": "https://shop.example/p/41?utm_source=mail",
            "title": "Shoes",
            "referrer": "https://www.google.com/",
            "path": "/p/41",
            "search": "?utm_source=mail",
        },
        "library": {"name": "snowplow-js", "version": "4.6.0"},
        "screen": {"width": 412, "height": 915},
        "userAgent": "Mozilla/5.0",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "sessionId": "s1",
    }


def test_a_structured_event_is_named_by_its_action() -> None:
    found = one(e="se", se_ca="shop", se_ac="Coupon Applied", se_la="SPRING", se_va="4.50")
    assert (found.kind, found.event) == ("track", "Coupon Applied")
    assert json.loads(found.properties) == {"category": "shop", "label": "SPRING", "value": 4.5}


def test_an_order_takes_the_items_of_its_payload() -> None:
    order = GOOD | {"e": "tr", "tr_id": "o1", "tr_tt": "39.90", "tr_cu": "EUR", "tr_tx": "x"}
    item = GOOD | {"e": "ti", "eid": "e2", "ti_id": "o1", "ti_sk": "p1", "ti_pr": "19.95", "ti_qu": "2"}
    (first, second), refused = taken(payload(order, item, GOOD | {"e": "ti", "ti_id": 1, "uid": "u" * 600}))
    assert (first.event, second.event, [found.code for found in refused]) == (
        "Order Completed",
        "Order Item",
        ["too_long"],
    )
    assert json.loads(first.properties) == {
        "order_id": "o1",
        "revenue": 39.9,
        "currency": "EUR",
        "tax": "x",
        "products": [{"product_id": "p1", "price": 19.95, "quantity": 2}],
    }


def test_the_items_of_an_order_belong_to_the_first_good_event_that_tells_it() -> None:
    order = {"e": "tr", "duid": "d", "tr_id": "o1"}
    item = {"e": "ti", "duid": "d", "ti_id": "o1", "ti_sk": "p1"}
    kept, refused = taken(payload(order | {"dtm": "soon"}, order, order, item))
    assert [found.code for found in refused] == ["bad_timestamp"]
    assert ["products" in json.loads(event.properties) for event in kept] == [True, False, False]


def test_what_is_kept_of_orders_and_items_grows_no_faster_than_what_came() -> None:
    for count in (10, 100, 400):
        orders = [{"e": "tr", "duid": "d", "tr_id": "o1"}] * count
        items = [{"e": "ti", "duid": "d", "ti_id": "o1", "ti_sk": f"p{number}"} for number in range(count)]
        body = payload(*orders, *items)
        kept, refused = taken(body)
        assert (len(kept), refused) == (2 * count, [])
        assert sum(len(event.properties) + len(event.context) for event in kept) < 2 * len(body)


def test_an_order_that_is_too_large_with_its_items_is_quarantined_without_them() -> None:
    order = {"e": "tr", "duid": "d", "tr_id": "o1"}
    item = {"e": "ti", "duid": "d", "ti_id": "o1", "ti_nm": "x" * 1000}
    kept, refused = taken(payload(order, *[item] * 300))
    assert [(found.index, found.code) for found in refused] == [(0, "event_too_large")]
    assert len(kept) == 300


@pytest.mark.parametrize("packed", [True, False])
def test_a_self_describing_event_is_named_by_its_schema(packed: bool) -> None:
    text = described("com.shop/size_chosen", {"size": 41})
    found = one(e="ue", **({"ue_px": coded(text)} if packed else {"ue_pr": text}))
    assert (found.kind, found.event, json.loads(found.properties)) == ("track", "size_chosen", {"size": 41})


def test_a_screen_view_is_a_screen() -> None:
    found = one(e="ue", ue_pr=described("com.snowplowanalytics.mobile/screen_view", {"name": "Basket"}))
    assert (found.kind, found.event, json.loads(found.properties)) == (
        "screen",
        "Screen Viewed",
        {"name": "Basket"},
    )


def test_snowplows_shop_events_are_said_in_segments_words() -> None:
    told = described(
        "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action", {"type": "transaction"}
    )
    found = one(
        e="ue",
        ue_px=coded(told),
        cx=coded(
            entities(
                ("transaction", {"transaction_id": "o1", "revenue": 39.9, "currency": "EUR"}),
                ("product", {"id": "p1", "price": 10}),
                ("product", {"id": "p2", "price": 29.9}),
            )
        ),
    )
    assert found.event == "Order Completed"
    properties = json.loads(found.properties)
    assert (properties["order_id"], properties["revenue"]) == ("o1", 39.9)
    assert [product["product_id"] for product in properties["products"]] == ["p1", "p2"]


@pytest.mark.parametrize(
    ("action", "alone"), [("transaction", False), ("list_view", False), ("product_view", True)]
)
def test_one_product_is_a_list_of_one_where_segment_has_a_list(action: str, alone: bool) -> None:
    schema = "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action"
    lamp = {"id": "p1", "price": 10, "quantity": 2}
    found = one(e="ue", ue_pr=described(schema, {"type": action}), co=entities(("product", lamp)))
    properties = json.loads(found.properties)
    said = {"product_id": "p1", "price": 10, "quantity": 2}
    assert properties == {"type": action} | (said if alone else {"products": [said]})


def test_an_app_is_known_by_its_session_and_its_device_told() -> None:
    found = one(
        duid=None,
        co=entities(
            ("client_session", {"userId": "app-1"}),
            ("mobile_context", {"osType": "android", "deviceModel": "Pixel 9"}),
        ),
    )
    assert found.anonymous_id == "app-1"
    context = json.loads(found.context)
    assert (context["os"], context["device"]) == ({"name": "android"}, {"model": "Pixel 9"})
    assert [one["entity"] for one in context["snowplow"]] == ["client_session", "mobile_context"]


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({"dtm": str(MS - 600_000)}, MS - 600_000),
        ({"dtm": "1577836800000", "stm": "1577836805000"}, MS - 5_000),
        ({"dtm": "1577836800000", "stm": "1577836805000", "ttm": str(MS - 9)}, MS - 9),
        ({"dtm": None}, MS),
    ],
)
def test_the_time_is_corrected_unless_it_is_the_true_one(fields: dict[str, Any], time: int) -> None:
    assert one(**fields).time == time * 1000


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"e": "xx"}, "unknown_type"),
        ({"duid": None}, "no_id"),
        ({"e": "se"}, "no_event_name"),
        ({"e": "ue"}, "no_event_name"),
        ({"e": "ue", "ue_px": "%%%"}, "malformed"),
        ({"e": "ue", "ue_pr": "[" * 900 + "]" * 900}, "too_deep"),
        ({"co": "{"}, "malformed"),
        ({"dtm": "soon"}, "bad_timestamp"),
        ({"dtm": "1"}, "too_old"),
        ({"page": "x" * 262_144}, "event_too_large"),
        ({"e": "ue", "ue_pr": described("a/b", {"n": float("nan")})}, "malformed"),
    ],
)
def test_a_bad_event_is_quarantined_alone(fields: dict[str, Any], code: str) -> None:
    kept, refused = taken(payload(GOOD, GOOD | fields, GOOD))
    assert (len(kept), [(found.index, found.code) for found in refused]) == (2, [(1, code)])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"),
        (b"[]", "not_an_object"),
        (b'{"data": 1}', "batch_not_a_list"),
        (b"\xff", "not_utf8"),
    ],
)
def test_a_broken_envelope_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(BadBody) as caught:
        taken(body)
    assert caught.value.code == code


def test_the_application_id_is_the_write_key() -> None:
    door = Door()
    assert door.request("POST", f"{TP2}/", content=payload(GOOD)).status_code == 200
    assert door.request("POST", TP2, content=payload(GOOD | {"aid": "no"})).status_code == 401
    other = payload(GOOD | {"aid": "shop", "eid": "e2"})
    assert door.request("POST", f"{TP2}/?writeKey={KEY}", content=other).status_code == 200
    assert [event.event for event in door.events()] == ["Page Viewed", "Page Viewed"]


def test_a_pixel_takes_one_event_in_its_query() -> None:
    door = Door()
    answer = door.request("GET", "/i", params=GOOD)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert door.events()[0].message_id == "e1"
    assert door.request("GET", "/i").status_code == 401
    assert door.request("HEAD", "/i", params=GOOD).status_code == 200
    assert len(door.events()) == 1


FIELDS = st.dictionaries(
    st.sampled_from(
        ["e", "eid", "uid", "duid", "dtm", "stm", "ttm", "ue_px", "ue_pr", "co", "cx", "se_ac", "url", "res"]
    ),
    st.text(max_size=12)
    | st.sampled_from(["pv", "se", "ue", "tr", "ti", "{}", "1e999", '{"data":[{"data":[]}]}']),
)


@settings(deadline=None)
@given(
    st.binary(max_size=100) | st.lists(FIELDS | st.integers(), max_size=3).map(lambda told: payload(*told))
)
def test_no_bytes_raise_anything_but_bad_input(body: bytes) -> None:
    try:
        write_key(body)
        kept, refused = taken(body)
    except BadInput:
        return
    assert all(isinstance(event, Event) for event in kept)
    assert all(found.code and found.message for found in refused)
