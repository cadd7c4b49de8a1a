"""Segment's HTTP tracking spec: the body of a request as events and refusals, purely."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
from msgspec import Raw

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
from volano.web.formats.nesting import depth, pruned

BATCH_LIMIT = 2_500  # events
EVENT_LIMIT = 32 * 1024  # bytes
LENIENT_LIMIT = 256 * 1024  # characters of a body in which one broken event is looked for
DEPTH_LIMIT = 200  # levels of lists and objects in an event
TEXT_LIMIT = 512  # characters of an id or a name
SAMPLE = 200  # characters of a refused event that are kept

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = (int, float)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_YEAR_2000 = 946_684_800_000_000

_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_NAMES: dict[Kind, str] = {
    "identify": IDENTIFIED,
    "page": PAGE_VIEWED,
    "screen": SCREEN_VIEWED,
    "alias": ALIASED,
    "group": GROUPED,
}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a request holds before its events are looked at; `sent_at` is UTC µs by the client's clock."""

    sent_at: int | None
    items: list[Raw]


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


class _Money(msgspec.Struct):
    revenue: Any = None


_body, _batch, _call = msgspec.json.Decoder(_Body), msgspec.json.Decoder(_Batch), msgspec.json.Decoder(_Call)
_keyed, _string = msgspec.json.Decoder(_Keyed), msgspec.json.Decoder(str)
_traits, _money = msgspec.json.Decoder(_Traits), msgspec.json.Decoder(_Money)


def write_key(body: bytes) -> str:
    """The write key that a body tells, found before its events are looked at, or nothing.

    A body in which it cannot be looked for raises BadBody.
    """
    try:
        return _text(_keyed.decode(body).write_key)
    except (msgspec.DecodeError, RecursionError) as error:
        try:
            told = _loose(_decoded(body), error).get("writeKey")
        except RecursionError as reason:
            raise BadBody(
                "the body is nested too deep to look for its write key: give the key by Basic auth",
                "too_deep",
            ) from reason
    return told if isinstance(told, str) else ""


def opened(body: bytes, kind: Kind | None) -> Envelope:
    """The envelope of one call (`kind`) or of a batch (None).

    A body that is not JSON at all, not an object or without a list of at most 2,500 events raises
    BadBody. What only one event breaks (`NaN`, a lone surrogate, bottomless nesting) is left to `events`,
    unless the body is so large that looking for that event would be dear.
    """
    text = _decoded(body)
    try:
        found = _batch.decode(body) if kind is None else _body.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        body, found = _reopened(text, kind, error)
    items = found.batch if isinstance(found, _Batch) else [Raw(body)]
    _check_count(items)
    return Envelope(sent_at=_instant(_text(found.sent_at)), items=items)


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadBody(
            f"the body is not UTF-8 (byte {error.start}): send JSON in UTF-8", "not_utf8"
        ) from error


def _check_count(items: list[Any]) -> None:
    if len(items) > BATCH_LIMIT:
        told = f"the batch has {len(items):,} events, more than {BATCH_LIMIT:,}: send smaller batches"
        raise BadBody(told, "too_many_events")


def _reopened(text: str, kind: Kind | None, error: Exception) -> tuple[bytes, _Body]:
    """The slow way in, through a lenient parser, so that one broken event does not lose its neighbours."""
    try:
        return _reread(_loose(text, error), kind)
    except RecursionError:
        return _reread(_loose(pruned(text, DEPTH_LIMIT + 20), error), kind)


def _loose(text: str, error: Exception) -> dict[str, Any]:
    """The object in a body that the strict parser refused with `error`."""
    if len(text) > LENIENT_LIMIT:
        told = f"too large to look for the broken event (over {LENIENT_LIMIT:,} characters)"
        raise BadBody(
            f"the body cannot be read ({error}) and is {told}: send smaller batches", "malformed"
        ) from error
    try:
        loose = json.loads(text.removeprefix("\ufeff"))
    except ValueError as reason:
        raise BadBody(f"the body is not JSON: {reason}", "malformed") from error
    if not isinstance(loose, dict):
        raise BadBody("the body is not a JSON object: send {…}", "not_an_object") from error
    return loose


def _reread(loose: dict[str, Any], kind: Kind | None) -> tuple[bytes, _Body]:
    sent_at = _raw(loose.get("sentAt"))
    if kind is not None:
        return bytes(_raw(loose)), _Body(sent_at=sent_at)
    batch = loose.get("batch")
    if not isinstance(batch, list):
        raise BadBody('the body has no list "batch": send {"batch": […]}', "batch_not_a_list")
    _check_count(batch)
    return b"", _Batch(batch=[_raw(item) for item in batch], sent_at=sent_at)


def events(
    envelope: Envelope, kind: Kind | None, *, received_at: int, new_id: Callable[[], str]
) -> tuple[list[Event], list[Refusal]]:
    """The good events and the refusals of an envelope; never raises for a bad event.

    `new_id` names the events that came without a messageId.
    """
    kept: list[Event] = []
    refused: list[Refusal] = []
    for index, item in enumerate(envelope.items):
        raw = bytes(item)
        try:
            kept.append(_event(raw, kind, envelope.sent_at, received_at, new_id))
        except BadInput as error:
            sample = raw[: SAMPLE * 4].decode("utf-8", "replace")[:SAMPLE]
            refused.append(Refusal(index=index, code=error.code, message=error.message, sample=sample))
    return kept, refused


def _event(
    raw: bytes, kind: Kind | None, sent_at: int | None, received_at: int, new_id: Callable[[], str]
) -> Event:
    call = _read(raw)
    kind = kind or _kind(call.type)
    user_id, anonymous_id = _id(call.user_id, "userId"), _id(call.anonymous_id, "anonymousId")
    if kind == "alias":
        anonymous_id = _id(call.previous_id, "previousId") or anonymous_id
        if not (user_id and anonymous_id):
            raise BadInput("an alias needs userId and previousId: send both", "no_id")
    if not (user_id or anonymous_id):
        raise BadInput("the event has neither userId nor anonymousId: send one of them", "no_id")
    return Event(
        kind=kind,
        event=_NAMES.get(kind) or _name(call.event),
        message_id=_id(call.message_id, "messageId") or new_id(),
        time=_time(call, sent_at, received_at),
        anonymous_id=anonymous_id,
        user_id=user_id,
        properties=_properties(call, kind),
        context=_object(call.context, "context"),
    )


def _read(raw: bytes) -> _Call:
    if len(raw) > EVENT_LIMIT:
        raise BadInput(
            f"the event is {len(raw):,} bytes, more than {EVENT_LIMIT:,}: send less", "event_too_large"
        )
    if raw.count(b"{") + raw.count(b"[") > DEPTH_LIMIT and depth(raw) > DEPTH_LIMIT:
        raise BadInput(f"the event is nested deeper than {DEPTH_LIMIT} levels: flatten it", "too_deep")
    if raw[:1] != b"{":
        raise BadInput("the event is not a JSON object: send {…}", "not_an_object")
    try:
        if b"\\ud" in raw or b"\\uD" in raw:
            msgspec.json.decode(raw)  # a skipped value is not checked for lone surrogates
        return _call.decode(raw)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadInput(f"the event is not JSON: {error}", "malformed") from error


def _kind(type_: Any) -> Kind:
    kind = _KINDS.get(type_) if isinstance(type_, str) else None
    if kind is None:
        raise BadInput(f"type is {_shown(type_)}: send one of {', '.join(_KINDS)}", "unknown_type")
    return kind


def _name(event: Any) -> str:
    if not isinstance(event, str) or not event or event.isspace():
        raise BadInput(f"event is {_shown(event)}: send the name of what happened", "no_event_name")
    if len(event) > TEXT_LIMIT:
        raise _too_long(event, "event")
    return event


def _id(value: Any, name: str) -> str:
    if value is None:
        return ""
    if type(value) is not str:  # the usual ways first: this is asked three times an event
        value = _numeral(value, name)
    if len(value) > TEXT_LIMIT:
        raise _too_long(value, name)
    return "" if not value or value.isspace() else value


def _numeral(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        raise BadInput(f"{name} is {_shown(value)}: send a string, a number or null", "bad_id")
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _too_long(text: str, name: str) -> BadInput:
    return BadInput(f"{name} has {len(text):,} characters, more than {TEXT_LIMIT}: shorten it", "too_long")


def _properties(call: _Call, kind: Kind) -> bytes:
    if kind == "track":
        found = _object(call.properties, "properties")
        if b'"revenue"' in found:
            _check_revenue(found)
        return found
    if kind in ("page", "screen"):
        return _with(_object(call.properties, "properties"), name=call.name, category=call.category)
    traits = _object(call.traits, "traits")
    if kind == "identify" and traits == b"{}":  # RudderStack's Python client puts them in the context
        traits = _object(_traits.decode(_object(call.context, "context")).traits, "context.traits")
    return _with(traits, group_id=call.group_id) if kind == "group" else traits


def _object(raw: Raw, name: str) -> bytes:
    found = bytes(raw)
    if found[:1] == b"{":
        return found
    if found in (b"", b"null"):
        return b"{}"
    raise BadInput(f"{name} is not an object: send {{…}}", "not_an_object")


def _check_revenue(properties: bytes) -> None:
    revenue = _money.decode(properties).revenue
    try:
        good = not isinstance(revenue, bool) and math.isfinite(float(0 if revenue is None else revenue))
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise BadInput(f"revenue is {_shown(revenue)}: send a number, such as 39.9", "bad_revenue")


def _with(properties: bytes, **extra: Any) -> bytes:
    """The object with more members; its own members come later and win."""
    told = {name: value for name, value in extra.items() if isinstance(value, (str, *_NUMBERS))}
    if not told:
        return properties
    head = msgspec.json.encode(told)[:-1]
    rest = properties[1:].lstrip()
    return head + (b"" if rest == b"}" else b",") + rest


def _time(call: _Call, sent_at: int | None, received_at: int) -> int:
    """When it happened by our clock: received − (sent − original), as in Segment's spec."""
    told = call.original_timestamp or call.timestamp
    if not told:
        return received_at
    original = _instant(told)
    if original is None:
        raise BadInput(
            f"timestamp is {_shown(told)}: send ISO 8601, such as 2026-11-21T19:27:33Z", "bad_timestamp"
        )
    sent = sent_at if call.sent_at is None else (_instant(call.sent_at) or sent_at)
    time = original if sent is None else received_at - (sent - original)
    if time < _YEAR_2000:
        raise BadInput(f"timestamp is {_shown(told)}, before 2000: send when it happened", "too_old")
    if time > received_at + _DAY:
        raise BadInput(
            f"timestamp is {_shown(told)}, more than a day ahead: check the clock", "in_the_future"
        )
    return time


def _instant(text: Any) -> int | None:
    """UTC µs of an ISO 8601 text (without a zone: UTC), or None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def _text(raw: Raw) -> str:
    """The text, or nothing when it is none."""
    try:
        return _string.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return ""


def _raw(value: Any) -> Raw:
    return Raw(json.dumps(value, separators=(",", ":")).encode())


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:60]
