"""PostHog's capture API: the body of a request as events and refusals, purely."""

from __future__ import annotations

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
from volano.web.formats.lenient import anything, check_count, raw, shallow, utf8
from volano.web.formats.posthog_event import EVENT_LIMIT, Envelope, event_of

BODY_LIMIT = 16 * 1024 * 1024  # bytes
BATCH_LIMIT = 10_000  # events
ESCAPES_LIMIT = 1_000_000  # in a form; each costs a microsecond
_KEYS = ("api_key", "token", "$token")
_LISTS = ("batch", "data")

_members, _list = msgspec.json.Decoder(dict[str, Raw]), msgspec.json.Decoder(list[Raw])
_any = msgspec.json.Decoder()
Opened = tuple[dict[str, Raw], list[Raw]]


def unwrapped(body: bytes, query: str) -> bytes:
    """The JSON in a body that may be a form (`data=…`) or base64, as older browser clients send it."""
    form = body[:5] == b"data="
    if form:
        body = body[5:].partition(b"&")[0].replace(b"+", b" ")
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
    text = utf8(body)
    try:
        items = _list.decode(body) if body.lstrip()[:1] == b"[" else None
        return _parted(_members.decode(body) if items is None else {}, body, items)
    except (msgspec.DecodeError, RecursionError) as error:
        return _reopened(text, error)


def _parted(members: dict[str, Raw], body: bytes, items: list[Raw] | None) -> Opened:
    if items is None:
        found = next(
            (members.pop(name) for name in _LISTS if bytes(members.get(name, b""))[:1] == b"["), None
        )
        items = [Raw(body)] if found is None else _list.decode(found)
        if found is None and "event" not in members:
            raise BadBody('the body has neither "batch" nor "event": send one of them', "batch_not_a_list")
    check_count(items, BATCH_LIMIT)
    return members, items


def _reopened(text: str, error: Exception) -> Opened:
    try:
        found = anything(text, error)
    except RecursionError:
        found = anything(shallow(text), error)
    if not isinstance(found, dict | list):
        raise BadBody("the body is neither an object nor a list: send {…}", "not_an_object") from error
    try:
        whole = bytes(raw(found))
        items = [raw(item) for item in found] if isinstance(found, list) else _listed(found)
        members = {} if isinstance(found, list) else {str(name): raw(value) for name, value in found.items()}
    except RecursionError as reason:
        raise BadBody("the body is nested too deep: flatten it", "too_deep") from reason
    return _parted(members, whole, items)


def _listed(found: dict[str, Any]) -> list[Raw] | None:
    batch = next((found[name] for name in _LISTS if isinstance(found.get(name), list)), None)
    return None if batch is None else [raw(item) for item in batch]


def write_key(body: bytes) -> str:
    """The project key that a body, or else its first event, tells; or nothing."""
    members, items = opened(body)
    told = _key(members)
    if told or not items:
        return told
    try:
        first = _members.decode(items[0])
        return _key(first) or _key(_members.decode(first.get("properties", b"{}")))
    except (msgspec.DecodeError, RecursionError):
        return ""


def asked_key(body: bytes) -> str:
    """The project key in a question about flags, or nothing."""
    try:
        return _key(_members.decode(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""


def _key(members: dict[str, Raw]) -> str:
    return next((key for name in _KEYS if (key := _text(members.get(name)))), "")


def _text(found: Raw | None) -> str:
    value = _value(found)
    return value if isinstance(value, str) else ""


def _value(found: Raw | None) -> Any:
    try:
        return None if found is None else _any.decode(found)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def decoded(body: bytes, request: Request) -> Decoded:
    """The events of a body, whichever of PostHog's endpoints it came to."""
    members, items = opened(body)
    asked = parse_qs(request.query)
    envelope = Envelope(
        sent_at=_value(members.get("sent_at"))
        or _value(members.get("created_at"))
        or asked.get("_", [None])[0],
        historical=_value(members.get("historical_migration")) is True,
        request=request,
    )
    return sorted_out(items, partial(event_of, envelope=envelope))


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
