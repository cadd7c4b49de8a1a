"""One PostHog event as ours: its `$` properties become Segment's context, the rest stays as it came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

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
)
from volano.errors import BadInput
from volano.web.formats.addresses import Geo, located
from volano.web.formats.fields import (
    check_event,
    check_revenue,
    check_somebody,
    checked_time,
    corrected,
    event_name,
    identifier,
    instant,
    shown,
    text_of,
)
from volano.web.formats.format import Request

EVENT_LIMIT = 1024 * 1024  # bytes

_SHARED_IDS = {"$posthog_cookieless", "$posthog_cookieless_server"}  # what everybody without cookies has
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_KINDS: dict[str, tuple[Kind, str]] = {
    "$pageview": ("page", PAGE_VIEWED),
    "$screen": ("screen", SCREEN_VIEWED),
    "$identify": ("identify", IDENTIFIED),
    "$set": ("identify", IDENTIFIED),
    "$groupidentify": ("group", GROUPED),
    "$create_alias": ("alias", ALIASED),
    "$merge_dangerously": ("alias", ALIASED),
}
# Where in the context a property goes; the first that is told wins.
_PLACES: tuple[tuple[str, str], ...] = (
    ("$current_url", "page.url"),
    ("$pathname", "page.path"),
    ("$referrer", "page.referrer"),
    ("$title", "page.title"),
    ("$raw_user_agent", "userAgent"),
    ("$user_agent", "userAgent"),
    ("$lib", "library.name"),
    ("$lib_version", "library.version"),
    ("utm_source", "campaign.source"),
    ("utm_medium", "campaign.medium"),
    ("utm_campaign", "campaign.name"),
    ("utm_term", "campaign.term"),
    ("utm_content", "campaign.content"),
    ("$device_type", "device.type"),
    ("$device_manufacturer", "device.manufacturer"),
    ("$device_model", "device.model"),
    ("$device_name", "device.name"),
    ("$os_name", "os.name"),
    ("$os", "os.name"),
    ("$os_version", "os.version"),
    ("$browser", "browser.name"),
    ("$browser_version", "browser.version"),
    ("$screen_width", "screen.width"),
    ("$screen_height", "screen.height"),
    ("$timezone", "timezone"),
    ("$locale", "locale"),
    ("$browser_language", "locale"),
    ("$app_name", "app.name"),
    ("$app_version", "app.version"),
    ("$app_build", "app.build"),
    ("$app_namespace", "app.namespace"),
    ("$network_carrier", "network.carrier"),
    ("$session_id", "sessionId"),
)
_MOVED = {name for name, _ in _PLACES} | {"$ip"}
_CLICKS = set(  # what PostHog adds to every event of a browser, mostly null; the page's address tells it too
    "gad_source mc_cid gclid gclsrc dclid gbraid wbraid fbclid msclkid twclid li_fat_id igshid ttclid "
    "rdt_cid epik qclid sccid oppref bfcid irclid _kx".split()
)
_TOLD_ELSEWHERE = {"token", "distinct_id", "alias", "api_key"}

Properties = dict[str, Raw]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a body says of all its events; `sent_at` as it came."""

    sent_at: Any
    historical: bool
    request: Request


class _Told(msgspec.Struct):
    event: Any = None
    distinct_id: Any = None
    uuid: Any = None
    timestamp: Any = None
    offset: Any = None
    properties: Properties | None = None
    set: Properties | None = msgspec.field(default=None, name="$set")
    set_once: Properties | None = msgspec.field(default=None, name="$set_once")


_told, _any = msgspec.json.Decoder(_Told), msgspec.json.Decoder()
_properties = msgspec.json.Decoder(Properties)


def event_of(raw: bytes, envelope: Envelope) -> Event:
    """The event; BadInput when it is none."""
    check_event(raw, EVENT_LIMIT)
    try:
        return _event(_told.decode(raw), envelope)
    except msgspec.ValidationError as error:
        raise BadInput(f"the event is not one of PostHog's: {error}", "not_an_object") from error


def _event(told: _Told, envelope: Envelope) -> Event:
    properties = told.properties or {}
    name = event_name(told.event)
    kind, called = _KINDS.get(name, ("track", name))
    anonymous_id, user_id = _ids(told, properties, kind, envelope.request.agent)
    check_somebody(user_id, anonymous_id)
    message_id = identifier(told.uuid, "uuid") or identifier(_value(properties, "$insert_id"), "$insert_id")
    return Event(
        kind=kind,
        event=called,
        message_id=message_id or envelope.request.new_id(),
        time=_time(told, properties, envelope),
        anonymous_id=anonymous_id,
        user_id=user_id,
        properties=_own(told, properties, kind),
        context=msgspec.json.encode(_context(properties, envelope.request.geo)),
    )


def _value(properties: Mapping[str, Raw], name: str) -> Any:
    found = properties.get(name)
    return None if found is None else _any.decode(found)


def _ids(told: _Told, properties: Properties, kind: Kind, agent: str) -> tuple[str, str]:
    """The anonymous id and the user id.

    A distinct id is anonymous when it is the device's own or the client says that nobody is identified.
    """
    distinct = identifier(told.distinct_id or _value(properties, "distinct_id"), "distinct_id")
    if not distinct or distinct in _SHARED_IDS:
        raise BadInput("the event has no distinct_id of its own: send one", "no_id")
    device = identifier(_value(properties, "$device_id"), "$device_id")
    before = identifier(_value(properties, "$anon_distinct_id"), "$anon_distinct_id")
    if kind == "alias":
        return _joined(distinct, properties, agent)
    if kind == "group" and not device and (_UUID.fullmatch(distinct) or distinct.startswith("$")):
        return distinct, ""  # a server's client makes an id up when it tells of a group
    unknown = distinct == device or _value(properties, "$is_identified") is False
    if unknown and kind != "identify":
        return distinct, ""
    return (before or device) if (before or device) != distinct else "", distinct


def _joined(distinct: str, properties: Properties, agent: str) -> tuple[str, str]:
    """Both ids of an alias: the earlier one and the one that stays.

    The Python client names the earlier id `distinct_id`, all others name it `alias`.
    """
    alias = identifier(_value(properties, "alias"), "alias")
    if not alias:
        raise BadInput("an alias needs distinct_id and alias: send both", "no_id")
    python = text_of(properties.get("$lib")) == "posthog-python" or agent.startswith("posthog-python/")
    return (distinct, alias) if python else (alias, distinct)


def _own(told: _Told, properties: Properties, kind: Kind) -> bytes:
    """The properties (of an `identify` and a `group`: the traits) in the shop's words."""
    if kind == "identify":
        once = told.set_once or _object(properties, "$set_once")
        traits = once | (told.set or _object(properties, "$set"))
        return msgspec.json.encode({name: value for name, value in traits.items() if not _noise(name)})
    own = {name: value for name, value in properties.items() if not (_noise(name) or name in _TOLD_ELSEWHERE)}
    if kind == "group":
        named = {"group_id": properties.get("$group_key"), "group_type": properties.get("$group_type")}
        own = {name: value for name, value in named.items() if value} | _object(properties, "$group_set")
    elif kind == "screen" and "$screen_name" in properties:
        own = {"name": properties["$screen_name"]} | own
    found = msgspec.json.encode(own)
    if kind == "track":
        check_revenue(found)
    return found


def _noise(name: str) -> bool:
    return name[:1] == "$" or name in _MOVED or name in _CLICKS


def _object(properties: Properties, name: str) -> Properties:
    found = properties.get(name)
    return _properties.decode(found) if found and bytes(found)[:1] == b"{" else {}


def _context(properties: Properties, geo: Geo | None) -> dict[str, Any]:
    """Segment's context of an event, and under `posthog` what has no place in it."""
    context: dict[str, Any] = {}
    for name, place in _PLACES:
        value = properties.get(name)
        if value and bytes(value) not in (b"null", b'""', b'"$direct"'):
            part, _, member = place.partition(".")
            (context.setdefault(part, {}) if member else context).setdefault(member or part, value)
    page = context.get("page", {})
    if "title" in properties:
        page.setdefault("title", properties["title"])
    search = _search(text_of(page.get("url")))
    if search:
        page["search"] = search
    if bytes(properties.get("$is_server", b"")) == b"true":
        context["channel"] = "server"
        context.pop("os", None)  # that of the server, not of the person
    rest = {
        name: value
        for name, value in properties.items()
        if (name in _CLICKS or (name[:1] == "$" and not _carried(name))) and bytes(value) != b"null"
    }
    where = located(text_of(properties.get("$ip")), geo)
    return context | where | ({"posthog": rest} if rest else {})


def _carried(name: str) -> bool:
    """Whether the event tells this property elsewhere, or nobody asks for it."""
    return name in _MOVED or name in ("$set", "$set_once", "$group_set", "$insert_id") or name[:5] == "$sdk_"


def _search(url: str) -> str:
    try:
        query = urlsplit(url).query
    except ValueError:
        return ""
    return f"?{query}" if query else ""


def _time(told: _Told, properties: Properties, envelope: Envelope) -> int:
    received_at = envelope.request.received_at
    if isinstance(told.offset, int | float) and not told.timestamp and abs(told.offset) < 1e12:
        return checked_time(received_at - int(told.offset * 1000), told.offset, received_at)
    said = told.timestamp or _value(properties, "$time")
    if not said:
        return received_at
    original = _moment(said)
    if original is None:
        raise BadInput(
            f"timestamp is {shown(said)}: send ISO 8601, such as 2026-11-21T19:27:33Z", "bad_timestamp"
        )
    if envelope.historical:
        return checked_time(original, said, received_at, historical=True)
    return checked_time(corrected(original, _moment(envelope.sent_at), received_at), said, received_at)


def _moment(told: Any) -> int | None:
    """UTC µs of ISO 8601, or of a number: seconds, or milliseconds if it is large."""
    if isinstance(told, str) and told.isdecimal():
        told = float(told)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return instant(told)
    if not -1e15 < told < 1e15:
        return None
    return round(told * (1_000 if abs(told) > 1e11 else 1_000_000))
