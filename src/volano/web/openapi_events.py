"""What each wire format sends, as JSON Schema: what is kept of it, not all that is forgiven."""

from __future__ import annotations

from typing import Any

from volano.domain.event import Kind
from volano.web.formats import posthog, segment, snowplow
from volano.web.formats.fields import TEXT_LIMIT
from volano.web.formats.format import SWALLOWED, Format

Schema = dict[str, Any]

_NAMED: Schema = {"type": "string", "minLength": 1, "maxLength": TEXT_LIMIT, "pattern": r"\S"}
_SOMEBODY: Schema = {"type": ["string", "integer"], "minLength": 1, "maxLength": TEXT_LIMIT, "pattern": r"\S"}
_OBJECT: Schema = {"type": ["object", "null"]}
_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
_ID: Schema = {"type": ["string", "integer", "null"], "maxLength": TEXT_LIMIT}
_MILLISECONDS: Schema = {"type": "string", "pattern": "^[0-9]{1,15}$"}
_NUMERAL: Schema = {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,2})?$"}
_TOLD: Schema = {
    "type": ["object", "null"],
    "properties": {
        "revenue": {"type": ["number", "null"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "order_id": {"type": "string"},
        "products": {"type": "array", "items": {"type": "object"}},
    },
}
_KEY: Schema = {"type": "string", "description": "The write key, unless it is in the header or the query."}


def schemas() -> dict[str, Schema]:
    """The events of each format, by the name under which the document refers to them."""
    calls = {f"Segment{kind.title()}": _segment(kind) for kind in segment.KINDS.values()}
    return {
        **calls,
        "SegmentEvent": {
            "oneOf": [
                {
                    "allOf": [_ref(name)],
                    "required": ["type"],
                    "properties": {"type": {"const": kind}},
                }
                for kind, name in zip(segment.KINDS, calls, strict=True)
            ]
        },
        "PosthogEvent": _POSTHOG,
        "SnowplowEvent": _SNOWPLOW,
    }


def body(form: Format, call: str) -> Schema:
    """The body of one path of a format."""
    if call == SWALLOWED:
        return {"type": "object"}
    if form is posthog.FORMAT:
        return _list(form, "batch", "PosthogEvent", api_key=_KEY, sent_at=_MOMENT)
    if form is snowplow.FORMAT:
        return _list(form, "data", "SnowplowEvent", schema={"type": "string"})
    if call in segment.KINDS:
        return {"allOf": [_ref(f"Segment{call.title()}")], "properties": {"writeKey": _KEY}}
    return _list(form, "batch", "SegmentEvent", writeKey=_KEY, sentAt=_MOMENT)


def _list(form: Format, name: str, event: str, **beside: Schema) -> Schema:
    listed = {"type": "array", "items": _ref(event), "maxItems": form.batch_limit}
    return {"type": "object", "required": [name], "properties": {name: listed, **beside}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _segment(kind: Kind) -> Schema:
    told: Schema = {
        "userId": _SOMEBODY if kind == "alias" else _ID,
        "anonymousId": _ID,
        "messageId": _ID,
        "timestamp": _MOMENT,
        "originalTimestamp": _MOMENT,
        "sentAt": _MOMENT,
        "context": _OBJECT,
        "integrations": _OBJECT,
    }
    found: Schema = {"type": "object", "properties": told}
    match kind:
        case "track":
            told |= {"event": _NAMED, "properties": _TOLD}
            found["required"] = ["event"]
        case "page" | "screen":
            told |= {"name": {"type": ["string", "null"]}, "properties": _OBJECT}
        case "alias":
            told |= {"previousId": _SOMEBODY}
            return found | {"required": ["userId", "previousId"]}
        case "group":
            told |= {"groupId": _ID, "traits": _OBJECT}
        case _:
            told |= {"traits": _OBJECT}
    ids = ("userId", "anonymousId")
    return found | {"anyOf": [{"required": [name], "properties": {name: _SOMEBODY}} for name in ids]}


_POSTHOG: Schema = {
    "type": "object",
    "required": ["event", "distinct_id"],
    "properties": {
        "event": {"anyOf": [{"enum": ["$pageview", "$screen", "$identify"]}, _NAMED]},
        "distinct_id": _SOMEBODY,
        "uuid": {"type": "string", "format": "uuid"},
        "timestamp": _MOMENT,
        "properties": _TOLD,
        "$set": {"type": "object"},
    },
}
_SNOWPLOW: Schema = {
    "type": "object",
    "required": ["e", "duid"],
    "properties": {
        "e": {"enum": ["pv", "pp", "tr", "ti", "se"]},
        "eid": {"type": "string", "format": "uuid"},
        "aid": _KEY,
        "duid": {"type": "string", "minLength": 1, "maxLength": TEXT_LIMIT, "pattern": r"\S"},
        "uid": {"type": "string", "maxLength": TEXT_LIMIT},
        "dtm": _MILLISECONDS,
        "stm": _MILLISECONDS,
        "se_ac": _NAMED,
        "tr_id": {"type": "string"},
        "tr_tt": _NUMERAL,
        "ti_id": {"type": "string"},
        "ti_pr": _NUMERAL,
        "url": {"type": "string"},
    },
    "additionalProperties": {"type": "string"},
    "if": {"properties": {"e": {"const": "se"}}},
    "then": {"required": ["se_ac"]},
}
