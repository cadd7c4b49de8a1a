"""PostHog's capture API: the body of a request as events and refusals, purely."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from binascii import Error as BadBase64
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec
from msgspec import Raw

from volano.errors import BadBody, TooLarge
from volano.web.formats.format import Decoded, Format, Request, sorted_out
from volano.web.formats.lenient import UNREADABLE, bare, items, members
from volano.web.formats.posthog_event import EVENT_LIMIT, Envelope, event_of

BODY_LIMIT = 16 * 1024 * 1024  # bytes
BATCH_LIMIT = 10_000  # events
ESCAPES_LIMIT = 1_000_000  # in a form; each costs a microsecond
_FORM = re.compile(rb"(?:(?!data=)[\w.~-]*+=[^&]*+&)*+data=")
_KEYS = ("api_key", "token", "$token")
_LISTS = ("batch", "data")

_any = msgspec.json.Decoder()
Opened = tuple[dict[str, Raw], list[Raw]]


def unwrapped(body: bytes, query: str) -> bytes:
    """The JSON in a body that may be a form (`data=…`) or base64, as older browser clients send it."""
    told = _FORM.match(body)
    form = told is not None
    if told:
        body = body[told.end() :].partition(b"&")[0].replace(b"+", b" ")
        if body.count(b"%") > ESCAPES_LIMIT:
            raise TooLarge(f"the form has more than {ESCAPES_LIMIT:,} escapes: send JSON, or smaller batches")
        body = unquote_to_bytes(body)
    elif not body and "data=" in query:
        body = parse_qs(query, encoding="latin-1").get("data", [""])[0].encode("latin-1")
    if body[:1] in (b"{", b"[", b"") or not (form or "base64" in query or _looks_base64(body)):
        return body
    try:
        plain = b64decode(body.replace(b" ", b"+") + b"=" * (-len(body) % 4), validate=True)
    except BadBase64 as error:
        raise BadBody(f"the body is neither JSON nor base64: {error}", "malformed") from error
    return _inflated(plain) if plain[:2] == b"\x1f\x8b" else plain


def _looks_base64(body: bytes) -> bool:
    """Whether it begins as base64 of an object, a list or gzip does."""
    return body[:2] in (b"ey", b"W3", b"H4")


def _inflated(packed: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        whole = stream.decompress(packed, BODY_LIMIT + 1)
    except zlib.error as error:
        raise BadBody(f"the gzip is broken: {error}", "broken_gzip") from error
    if len(whole) > BODY_LIMIT:
        raise TooLarge(f"the body is more than {BODY_LIMIT:,} bytes when unpacked: send smaller batches")
    if not stream.eof or stream.unused_data:
        raise BadBody("the gzip is broken: it does not end where the body does", "broken_gzip")
    return whole


def opened(body: bytes) -> Opened:
    """The members of a body beside its events, and its events: a batch, a bare list, or one event.

    A body that is neither object nor list raises BadBody; what only one event breaks is left to `decoded`.
    """
    if bare(body).lstrip()[:1] == b"[":
        return {}, items(body, BATCH_LIMIT)
    told = members(body)
    listed = next((told.pop(name) for name in _LISTS if bytes(told.get(name, b""))[:1] == b"["), None)
    if listed is not None:
        return told, items(bytes(listed), BATCH_LIMIT)
    if "event" not in told:
        raise BadBody('the body has neither "batch" nor "event": send one of them', "batch_not_a_list")
    return told, [Raw(bare(body))]


def write_key(body: bytes) -> str:
    """The project key that a body, or else the first event that has one, tells; or nothing."""
    told, events = opened(body)
    return _key(told) or next((key for event in events if (key := _key_in(bytes(event)))), "")


def _key_in(event: bytes) -> str:
    """The project key in an event, or nothing; a broken one may tell it, too."""
    try:
        told = members(event)
        return _key(told) or (_key(members(bytes(told["properties"]))) if "properties" in told else "")
    except BadBody:
        return ""


def asked_key(body: bytes) -> str:
    """The project key in a question about flags, or nothing."""
    try:
        return _key(members(body))
    except BadBody:
        return ""


def _key(told: dict[str, Raw]) -> str:
    return next((key for name in _KEYS if (key := _text(told.get(name)))), "")


def _text(found: Raw | None) -> str:
    value = _value(found)
    return value if isinstance(value, str) else ""


def _value(found: Raw | None) -> Any:
    try:
        return None if found is None else _any.decode(found)
    except UNREADABLE:
        return None


def decoded(body: bytes, request: Request) -> Decoded:
    """The events of a body, whichever of PostHog's endpoints it came to."""
    told, events = opened(body)
    asked = parse_qs(request.query)
    envelope = Envelope(
        sent_at=_value(told.get("sent_at")) or _value(told.get("created_at")) or asked.get("_", [None])[0],
        historical=_value(told.get("historical_migration")) is True,
        request=request,
    )
    return sorted_out(events, partial(event_of, envelope=envelope))


FORMAT = Format(
    name="posthog",
    title="PostHog",
    calls=dict.fromkeys(("/batch", "/e", "/i/v0/e", "/i/v1/analytics/events", "/capture"), "batch"),
    body_limit=BODY_LIMIT,
    event_limit=EVENT_LIMIT,
    batch_limit=BATCH_LIMIT,
    write_key=write_key,
    decoded=decoded,
    unwrapped=unwrapped,
    key_names=("api_key", "token", "writeKey"),
    bearer=True,
    pixel=frozenset(("/e", "/capture")),
)
