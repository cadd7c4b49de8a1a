"""Snowplow's tracker protocol: a payload (or the query of a pixel) as events and refusals, purely."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from volano.errors import BadBody, BadInput
from volano.web.formats.fields import check_event
from volano.web.formats.format import Decoded, Format, Request, sorted_out
from volano.web.formats.lenient import UNREADABLE, items, members
from volano.web.formats.snowplow_event import EVENT_LIMIT, event_of, joined_items

BODY_LIMIT = 4 * 1024 * 1024  # bytes
BATCH_LIMIT = 2_500  # events
PIXEL = "/i"

Fields = dict[str, str]


_fields = msgspec.json.Decoder(dict[str, Any])


def unwrapped(body: bytes, query: str) -> bytes:
    """A payload; the query of a pixel becomes one of one event."""
    if body:
        return body
    return msgspec.json.encode({"data": [dict(parse_qsl(query))]})


def opened(body: bytes) -> list[Raw]:
    """The events of a payload; BadBody when it is none."""
    data = bytes(members(body).get("data", b""))
    if data[:1] != b"[":
        raise BadBody('the payload has no list "data": send {"data": […]}', "batch_not_a_list")
    return items(data, BATCH_LIMIT)


def write_key(body: bytes) -> str:
    """The write key of a payload: the `aid` (application id) of the first event that has one, or nothing."""
    told = (_told(bytes(item)) for item in opened(body))
    return next((fields["aid"] for fields in told if fields and fields.get("aid")), "")


def decoded(body: bytes, request: Request) -> Decoded:
    """The events of a payload; the items of an order join the order they belong to."""
    events = opened(body)
    orders = joined_items(_told(bytes(event)) for event in events)
    return sorted_out(events, partial(_event, request=request, orders=orders))


def _event(raw: bytes, *, request: Request, orders: dict[str, list[Fields]]) -> Any:
    check_event(raw, EVENT_LIMIT)
    told = _told(raw)
    if told is None:
        raise BadInput("the event is not an object of texts: send what a tracker sends", "not_an_object")
    return event_of(told, request, orders)


def _told(raw: bytes) -> Fields | None:
    """The fields of an event, or nothing when it is none."""
    if len(raw) > EVENT_LIMIT:
        return None
    try:
        found = _fields.decode(raw)
    except UNREADABLE:
        return None
    return {
        name: str(value) for name, value in found.items() if value and isinstance(value, str | int | float)
    }


FORMAT = Format(
    name="snowplow",
    title="Snowplow",
    calls=dict.fromkeys(("/com.snowplowanalytics.snowplow/tp2", PIXEL), "payload"),
    body_limit=BODY_LIMIT,
    event_limit=EVENT_LIMIT,
    batch_limit=BATCH_LIMIT,
    write_key=write_key,
    decoded=decoded,
    unwrapped=unwrapped,
    key_names=("writeKey", "aid"),
    pixel=frozenset((PIXEL,)),
)
