"""Segment's HTTP tracking spec: the body of a request as events and refusals, purely."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from volano.domain.event import (
    ALIASED,
    GROUPED,
    IDENTIFIED,
    PAGE_VIEWED,
    SCREEN_VIEWED,
    Event,
    Kind,
    Refusal,
)
from volano.errors import BadBody, BadInput
from volano.observe.identity import illegal
from volano.web.formats.addresses import without_address
from volano.web.formats.fields import (
    FLAT,
    TEXT_LIMIT,
    beyond,
    check_depth,
    check_object,
    check_revenue,
    check_size,
    check_somebody,
    checked_time,
    corrected,
    event_name,
    identifier,
    instant,
    micros,
    object_of,
    shown,
    text_of,
)
from volano.web.formats.format import SWALLOWED, Decoded, Format, Request, sorted_out
from volano.web.formats.lenient import UNREADABLE, bare, check_count, items, members

BATCH_LIMIT = 2_500  # events
BODY_LIMIT = 4 * 1024 * 1024  # bytes
EVENT_LIMIT = 32 * 1024  # bytes
Text = Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_MEMBERS = (str, int, float)

_ODD = re.compile(
    rb"\\u(?:[dD]|00[67][90])"
)  # perhaps half a character, or the letters of an address written odd
KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_NAMES: dict[Kind, str] = {
    "identify": IDENTIFIED,
    "page": PAGE_VIEWED,
    "screen": SCREEN_VIEWED,
    "alias": ALIASED,
    "group": GROUPED,
}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a request holds before its events are looked at; `sent_at` is UTC µs by the client's clock.

    The events of a `historical` one happened when they say, whatever the client's clock shows.
    """

    sent_at: int | None
    items: list[Raw]
    historical: bool = False


class _Keyed(msgspec.Struct, rename="camel"):
    write_key: Raw = Raw()


class _Body(msgspec.Struct, rename="camel"):
    sent_at: Raw = Raw()


class _Batch(_Body, kw_only=True):
    batch: list[Raw]


class _Call(msgspec.Struct, rename="camel"):
    type: Any = None
    event: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    previous_id: Any = None
    group_id: Any = None
    message_id: Any = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    name: Any = None
    category: Any = None
    properties: Raw = Raw()
    traits: Raw = Raw()
    context: Raw = Raw()


class _Traits(msgspec.Struct):
    traits: Raw = Raw()


_body, _batch, _call = msgspec.json.Decoder(_Body), msgspec.json.Decoder(_Batch), msgspec.json.Decoder(_Call)
_keyed, _traits = msgspec.json.Decoder(_Keyed), msgspec.json.Decoder(_Traits)


def write_key(body: bytes) -> str:
    """The write key that a body tells, found before its events are looked at, or nothing.

    A body in which it cannot be looked for raises BadBody.
    """
    try:
        return text_of(_keyed.decode(body).write_key)
    except UNREADABLE:
        return text_of(members(body).get("writeKey"))


def opened(body: bytes, kind: Kind | None, *, historical: bool = False) -> Envelope:
    """The envelope of one call (`kind`) or of a batch (None).

    A body that is not JSON at all, not an object or without a list of at most 2,500 events raises
    BadBody. What only one event breaks (`NaN`, half a character, bottomless nesting) is left to `events`.
    """
    try:
        found = _batch.decode(body) if kind is None else _body.decode(body)
        sent, told = found.sent_at, found.batch if isinstance(found, _Batch) else [Raw(body)]
    except UNREADABLE:
        whole = members(body)
        sent = whole.get("sentAt", Raw())
        told = _listed(whole) if kind is None else [Raw(bare(body))]
    check_count(told, BATCH_LIMIT)
    return Envelope(sent_at=instant(text_of(sent)), items=told, historical=historical)


def _listed(whole: dict[str, Raw]) -> list[Raw]:
    batch = bytes(whole.get("batch", b""))
    if batch[:1] != b"[":
        raise BadBody('the body has no list "batch": send {"batch": […]}', "batch_not_a_list")
    return items(batch, BATCH_LIMIT)


def events(envelope: Envelope, kind: Kind | None, *, received_at: int, new_id: Callable[[], str]) -> Decoded:
    """The good events and the refusals of an envelope; never raises for a bad event.

    `new_id` names the events that came without a messageId.
    """
    think = partial(_event, envelope=envelope, kind=kind, received_at=received_at, new_id=new_id)
    return sorted_out(envelope.items, think)


def _event(
    raw: bytes, *, envelope: Envelope, kind: Kind | None, received_at: int, new_id: Callable[[], str]
) -> Event:
    check_size(raw, EVENT_LIMIT)
    check_object(raw)
    call = _call.decode(raw)
    return _made(call, kind or _kind(call.type), envelope, received_at, new_id)


def _made(
    call: _Call | _UsualCall, kind: Kind, envelope: Envelope, received_at: int, new_id: Callable[[], str]
) -> Event:
    user_id, anonymous_id = identifier(call.user_id, "userId"), identifier(call.anonymous_id, "anonymousId")
    if kind == "alias":
        anonymous_id = identifier(call.previous_id, "previousId") or anonymous_id
        if not (user_id and anonymous_id):
            raise BadInput("an alias needs userId and previousId: send both", "no_id")
    if not (user_id or anonymous_id):
        raise BadInput("the event has neither userId nor anonymousId: send one of them", "no_id")
    check_somebody(user_id, anonymous_id)
    context = object_of(call.context, "context")
    properties = _properties(call, kind, context)
    check_depth(context)
    check_depth(properties)  # what is not kept may be as deep as it likes
    return Event(
        kind=kind,
        event=_NAMES.get(kind) or event_name(call.event),
        message_id=identifier(call.message_id, "messageId") or new_id(),
        time=_time(call, envelope, received_at),
        anonymous_id=anonymous_id,
        user_id=user_id,
        properties=properties,
        context=context,
    )


def _kind(type_: Any) -> Kind:
    kind = KINDS.get(type_) if isinstance(type_, str) else None
    if kind is None:
        raise BadInput(f"type is {shown(type_)}: send one of {', '.join(KINDS)}", "unknown_type")
    return kind


def _properties(call: _Call | _UsualCall, kind: Kind, context: bytes) -> bytes:
    if kind == "track":
        found = object_of(call.properties, "properties")
        check_revenue(found)
        return found
    if kind in ("page", "screen"):
        return _with(object_of(call.properties, "properties"), name=call.name, category=call.category)
    traits = object_of(call.traits, "traits")
    if kind == "identify" and traits == b"{}":  # RudderStack's Python client puts them in the context
        traits = object_of(_traits.decode(context).traits, "context.traits")
    return _with(traits, group_id=call.group_id) if kind == "group" else traits


def _with(properties: bytes, **extra: Any) -> bytes:
    """The object with more members; its own members come later and win."""
    told = {name: value for name, value in extra.items() if isinstance(value, _MEMBERS)}
    if not told:
        return properties
    head = msgspec.json.encode(told)[:-1]
    rest = properties[1:].lstrip()
    return head + (b"" if rest == b"}" else b",") + rest


def _time(call: _Call | _UsualCall, envelope: Envelope, received_at: int) -> int:
    moments = [told for told in (call.original_timestamp, call.timestamp) if told]
    if not moments:
        return received_at
    told = next((told for told in moments if instant(told) is not None), moments[0])
    original = instant(told)
    if original is None:
        raise BadInput(
            f"timestamp is {shown(told)}: send ISO 8601, such as 2026-11-21T19:27:33Z", "bad_timestamp"
        )
    if envelope.historical:
        return checked_time(original, told, received_at, historical=True)
    sent = envelope.sent_at if call.sent_at is None else (instant(call.sent_at) or envelope.sent_at)
    return checked_time(corrected(original, sent, received_at), told, received_at)


def decoded(body: bytes, request: Request) -> Decoded:
    """The events of one call, of a `batch`, or of an `import`: a batch whose times are history."""
    odd = _ODD.search(body) is not None
    kind, historical = KINDS.get(request.call), request.call == "import"
    kept = None if kind or odd or beyond(body) else _usual(body, request, historical)
    refused: list[Refusal] = []
    if kept is None:
        envelope = opened(body, kind, historical=historical)
        kept, refused = events(envelope, kind, received_at=request.received_at, new_id=request.new_id)
    if odd or b'"ip"' in body:
        geo = request.geo
        kept = [replace(event, context=without_address(event.context, geo)) for event in kept]
    return kept, refused


class _UsualCall(msgspec.Struct, rename="camel", gc=False):
    type: Kind
    event: Text | None = None
    user_id: Text | None = None
    anonymous_id: Text | None = None
    previous_id: Text | None = None
    group_id: Any = None
    message_id: Text | None = None
    timestamp: Moment | None = None
    original_timestamp: Moment | None = None
    sent_at: Moment | None = None
    name: Any = None
    category: Any = None
    properties: Raw = Raw()
    traits: Raw = Raw()
    context: Raw = Raw()


class _UsualBatch(msgspec.Struct, rename="camel"):
    batch: Annotated[list[_UsualCall], msgspec.Meta(max_length=BATCH_LIMIT)]
    sent_at: Moment | None = None


_usual_batch = msgspec.json.Decoder(_UsualBatch)


def _usual(body: bytes, request: Request, historical: bool) -> list[Event] | None:
    """The events of a batch in which nothing is odd, in one go; None where it must be looked at one by one.

    It takes a third of the time, and a property test holds it to the same answer.
    """
    try:
        found = _usual_batch.decode(body)
        sent = None if historical or found.sent_at is None else micros(found.sent_at)
        kept = [_usual_event(call, sent, request, historical) for call in found.batch]
    except (*UNREADABLE, BadInput):
        return None
    return kept if len(body) <= EVENT_LIMIT or _all_fit(kept, body) else None


def _all_fit(kept: list[Event], body: bytes) -> bool:
    """Whether no event of a batch is over the limit; they are only measured where one might be."""
    known = [len(event.properties) + len(event.context) for event in kept]
    if max(known, default=0) + len(body) - sum(known) <= EVENT_LIMIT:
        return True
    return all(memoryview(item).nbytes <= EVENT_LIMIT for item in _batch.decode(body).batch)


def _usual_event(call: _UsualCall, sent: int | None, request: Request, historical: bool) -> Event:
    """The event; BadInput when it is odd. What is asked of every event stands here, without calls."""
    kind, told = call.type, call.message_id or request.new_id()
    user_id, anonymous_id = call.user_id or "", call.anonymous_id or ""
    context = bytes(call.context) or b"{}"
    if kind == "track":
        event, properties = call.event, bytes(call.properties) or b"{}"
        if b'"revenue"' in properties:
            check_revenue(properties)
    else:
        event, properties = _NAMES[kind], _properties(call, kind, context)
        if kind == "alias":
            anonymous_id = (call.previous_id or anonymous_id) if user_id else ""
            user_id = user_id if anonymous_id else ""
    if (
        not event
        or event.isspace()
        or user_id.isspace()
        or anonymous_id.isspace()
        or illegal(user_id or anonymous_id)
        or told.isspace()
        or context[:1] != b"{"
        or properties[:1] != b"{"
    ):
        raise BadInput("look at it one by one")
    if len(context) > FLAT:
        check_depth(context)
    if len(properties) > FLAT:
        check_depth(properties)
    moment, time = call.original_timestamp or call.timestamp, request.received_at
    if moment is not None:
        if call.sent_at is not None and not historical:
            sent = micros(call.sent_at)
        time = corrected(micros(moment), sent, time)
        checked_time(time, None, request.received_at, historical=historical)
    return Event(
        kind=kind,
        event=event,
        message_id=told,
        time=time,
        anonymous_id=anonymous_id,
        user_id=user_id,
        properties=properties,
        context=context,
    )


FORMAT = Format(
    name="segment",
    title="Segment, RudderStack, Customer.io CDP and our tag",
    calls={
        **dict.fromkeys(("/v1/batch", "/v1/b", "/beacon/v1/batch"), "batch"),
        "/v1/import": "import",
        **dict.fromkeys(("/v1/track", "/v1/t"), "track"),
        **dict.fromkeys(("/v1/identify", "/v1/i"), "identify"),
        **dict.fromkeys(("/v1/page", "/v1/p"), "page"),
        **dict.fromkeys(("/v1/screen", "/v1/s"), "screen"),
        **dict.fromkeys(("/v1/group", "/v1/g"), "group"),
        **dict.fromkeys(("/v1/alias", "/v1/a"), "alias"),
        "/v1/m": SWALLOWED,  # how Segment's browser client is doing, meant for its vendor
    },
    body_limit=BODY_LIMIT,
    event_limit=EVENT_LIMIT,
    batch_limit=BATCH_LIMIT,
    write_key=write_key,
    decoded=decoded,
)
