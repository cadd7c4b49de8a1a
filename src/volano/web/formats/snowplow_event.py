"""One Snowplow event as ours: its short fields, its self-describing event and its entities."""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from volano.domain.event import ORDER_COMPLETED, PAGE_VIEWED, SCREEN_VIEWED, Event, Kind
from volano.errors import BadInput
from volano.web.formats.addresses import located
from volano.web.formats.fields import (
    DEPTH_LIMIT,
    check_revenue,
    check_somebody,
    checked_time,
    corrected,
    event_name,
    identifier,
    shown,
)
from volano.web.formats.format import Request
from volano.web.formats.nesting import depth

EVENT_LIMIT = 256 * 1024  # bytes; unpacked entities and all, and of an order with its items
ORDER_ITEM = "Order Item"  # an item whose order came in another payload

Fields = dict[str, str]

_ACTIONS = {  # the `type` of Snowplow's own e-commerce event, in Segment's words
    "product_view": "Product Viewed",
    "list_view": "Product List Viewed",
    "list_click": "Product Clicked",
    "add_to_cart": "Product Added",
    "remove_from_cart": "Product Removed",
    "checkout_step": "Checkout Step Completed",
    "transaction": ORDER_COMPLETED,
    "refund": "Order Refunded",
    "promo_view": "Promotion Viewed",
    "promo_click": "Promotion Clicked",
}
_OF_ONE = {
    "Product Viewed",
    "Product Clicked",
    "Product Added",
    "Product Removed",
}  # of a product, not a list
_ORDER = {  # fields of an order, and of its items, in Segment's words
    "tr_id": "order_id", "tr_af": "affiliation", "tr_tt": "revenue", "tr_tx": "tax", "tr_sh": "shipping",
    "tr_cu": "currency", "tr_ci": "city", "tr_st": "state", "tr_co": "country",
}  # fmt: skip
_ITEM = {
    "ti_id": "order_id", "ti_sk": "product_id", "ti_nm": "name", "ti_ca": "category", "ti_pr": "price",
    "ti_qu": "quantity", "ti_cu": "currency",
}  # fmt: skip
_STRUCTURED = {"se_ca": "category", "se_la": "label", "se_pr": "property", "se_va": "value"}
_PING = {"pp_mix": "min_x", "pp_max": "max_x", "pp_miy": "min_y", "pp_may": "max_y"}
_NUMBERS = {"tr_tt", "tr_tx", "tr_sh", "ti_pr", "ti_qu", "se_va", *_PING}
# Of Snowplow's e-commerce entities, what Segment calls otherwise.
_RENAMED = {
    "product": {"id": "product_id", "list_price": "list_price"},
    "transaction": {"transaction_id": "order_id", "discount_amount": "discount"},
    "refund": {"transaction_id": "order_id", "refund_amount": "revenue"},
    "cart": {"total_value": "value"},
}


def joined_items(events: Iterable[Fields | None]) -> dict[str, list[Fields]]:
    """The items of each order that is in the same payload, by the id of the order.

    The first good event that tells the order takes them away, so that no other has them again.
    """
    told = [event for event in events if event]
    orders: dict[str, list[Fields]] = {event["tr_id"]: [] for event in told if event.get("tr_id")}
    for event in told:
        if event.get("e") == "ti" and event.get("ti_id") in orders:
            orders[event["ti_id"]].append(event)
    return orders


def event_of(told: Fields, request: Request, orders: dict[str, list[Fields]]) -> Event:
    """The event; BadInput when it is none."""
    entities = _entities(told)
    anonymous_id, user_id = _ids(told, entities)
    time = _time(told, request.received_at)
    kind, name, properties = _happened(told, entities, orders)
    body = msgspec.json.encode(properties)
    if len(body) > EVENT_LIMIT:
        raise BadInput(
            f"the event with its items is {len(body):,} bytes, more than {EVENT_LIMIT:,}: send less",
            "event_too_large",
        )
    if kind == "track":
        check_revenue(body)
    return Event(
        kind=kind,
        event=name,
        message_id=identifier(told.get("eid"), "eid") or request.new_id(),
        time=time,
        anonymous_id=anonymous_id,
        user_id=user_id,
        properties=body,
        context=msgspec.json.encode(_context(told, entities) | located(told.get("ip"), request.geo)),
    )


def _happened(
    told: Fields, entities: list[tuple[str, Any]], orders: dict[str, list[Fields]]
) -> tuple[Kind, str, dict[str, Any]]:
    """Kind, name and properties of what the field `e` announces."""
    match told.get("e"):
        case "pv":
            return "page", PAGE_VIEWED, {"title": told["page"]} if "page" in told else {}
        case "pp":
            return "track", "Page Ping", _renamed(told, _PING)
        case "se":
            return "track", event_name(told.get("se_ac"), "se_ac"), _renamed(told, _STRUCTURED)
        case "tr":
            items = [_renamed(item, _ITEM) for item in orders.pop(told.get("tr_id", ""), [])]
            products = [{name: item[name] for name in item if name != "order_id"} for item in items]
            return (
                "track",
                ORDER_COMPLETED,
                _renamed(told, _ORDER) | ({"products": products} if items else {}),
            )
        case "ti":
            return "track", ORDER_ITEM, _renamed(told, _ITEM)
        case "ue":
            return _described(told, entities)
        case other:
            raise BadInput(f"e is {shown(other)}: send one of pv, pp, se, tr, ti, ue", "unknown_type")


def _described(told: Fields, entities: list[tuple[str, Any]]) -> tuple[Kind, str, dict[str, Any]]:
    """A self-describing event: its name is that of its schema."""
    found = _packed(told, "ue_pr", "ue_px")
    inner = found.get("data") if isinstance(found, dict) else None
    schema, data = (inner.get("schema"), inner.get("data")) if isinstance(inner, dict) else (None, None)
    name = _schema_name(schema)
    properties: dict[str, Any] = data if isinstance(data, dict) else {}
    if name == "screen_view":
        return "screen", SCREEN_VIEWED, properties
    if name == "snowplow_ecommerce_action":
        action = properties.get("type")
        called = _ACTIONS.get(action) if isinstance(action, str) else None
        return "track", called or name, _of_shop(entities, called) | properties
    return "track", event_name(name, "the name in the schema"), properties


def _schema_name(schema: Any) -> str:
    """The name in `iglu:vendor/name/format/version`."""
    parts = schema.removeprefix("iglu:").split("/") if isinstance(schema, str) else []
    return parts[1] if len(parts) == 4 else ""


def _of_shop(entities: list[tuple[str, Any]], action: str | None) -> dict[str, Any]:
    """What the e-commerce entities of an event tell, as Segment would: product or products, order, cart."""
    found: dict[str, Any] = {}
    products = []
    for name, data in entities:
        if name in _RENAMED and isinstance(data, dict):
            words: dict[str, str] = _RENAMED[name]
            renamed = {words.get(str(key), str(key)): value for key, value in data.items()}
            if name == "product":
                products.append(renamed)
            else:
                found |= renamed
    alone = len(products) == 1 and action in _OF_ONE
    return found | (products[0] if alone else {"products": products} if products else {})


def _renamed(told: Fields, names: dict[str, str]) -> dict[str, Any]:
    return {
        name: _number(told[field]) if field in _NUMBERS else told[field]
        for field, name in names.items()
        if field in told
    }


def _number(text: str) -> float | int | str:
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _packed(told: Fields, plain: str, base64: str) -> Any:
    """The JSON in a field, or in its base64 twin; None when neither is there."""
    text: bytes | str | None = told.get(plain)
    try:
        if text is None and base64 in told:
            coded = told[base64].rstrip("=").replace("-", "+").replace("_", "/")
            text = b64decode(coded + "=" * (-len(coded) % 4), validate=True)
        raw = b"" if text is None else text.encode() if isinstance(text, str) else text
        if depth(raw) > DEPTH_LIMIT:
            raise BadInput(f"{base64} is nested deeper than {DEPTH_LIMIT} levels: flatten it", "too_deep")
        return msgspec.json.decode(raw) if raw else None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{base64} is not JSON: {error}", "malformed") from error


def _entities(told: Fields) -> list[tuple[str, Any]]:
    """Name and data of each entity (custom context) of the event."""
    found = _packed(told, "co", "cx")
    items = found.get("data") if isinstance(found, dict) else None
    listed = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    return [(_schema_name(one.get("schema")), one.get("data")) for one in listed]


def _ids(told: Fields, entities: list[tuple[str, Any]]) -> tuple[str, str]:
    """The anonymous id (of the domain's or the collector's cookie, or of the app) and the user id."""
    sessions = (
        data.get("userId") for name, data in entities if name == "client_session" and isinstance(data, dict)
    )
    anonymous = told.get("duid") or told.get("nuid") or told.get("tnuid") or next(sessions, None)
    anonymous_id, user_id = identifier(anonymous, "duid"), identifier(told.get("uid"), "uid")
    if not (user_id or anonymous_id):
        raise BadInput("the event has neither uid nor duid: set a user id, or a domain user id", "no_id")
    check_somebody(user_id, anonymous_id)
    return anonymous_id, user_id


def _context(told: Fields, entities: list[tuple[str, Any]]) -> dict[str, Any]:
    library, _, version = told.get("tv", "").partition("-")
    wide, _, high = told.get("res", "").partition("x")
    mobile = next(
        (data for name, data in entities if name == "mobile_context" and isinstance(data, dict)), {}
    )
    context = {
        "page": _page(told),
        "library": _told_only({"name": f"snowplow-{library}" if library else None, "version": version}),
        "screen": _told_only({"width": _number(wide), "height": _number(high)}),
        "os": _told_only({"name": mobile.get("osType"), "version": mobile.get("osVersion")}),
        "device": _told_only(
            {"manufacturer": mobile.get("deviceManufacturer"), "model": mobile.get("deviceModel")}
        ),
        "userAgent": told.get("ua"),
        "locale": told.get("lang"),
        "timezone": told.get("tz"),
        "sessionId": told.get("sid"),
        "channel": "server" if told.get("p") == "srv" else None,
        "snowplow": [{"entity": name, "data": data} for name, data in entities],
    }
    return _told_only(context)


def _page(told: Fields) -> dict[str, Any]:
    page = {"url": told.get("url"), "title": told.get("page"), "referrer": told.get("refr")}
    try:
        address = urlsplit(told.get("url", ""))
    except ValueError:
        return _told_only(page)
    return _told_only(page | {"path": address.path, "search": f"?{address.query}" if address.query else ""})


def _told_only(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


def _time(told: Fields, received_at: int) -> int:
    """The true time (`ttm`) if the shop tells it, else the device's, corrected by when it was sent."""
    field = "ttm" if "ttm" in told else "dtm"
    if field not in told:
        return received_at
    original = _moment(told[field])
    if original is None:
        raise BadInput(f"{field} is {shown(told[field])}: send milliseconds since 1970", "bad_timestamp")
    sent = _moment(told.get("stm", "")) if field == "dtm" else None
    return checked_time(corrected(original, sent, received_at), told[field], received_at)


def _moment(text: str) -> int | None:
    """UTC µs of milliseconds since 1970 in a text."""
    return int(text) * 1_000 if text.isascii() and text.isdigit() and len(text) < 16 else None
