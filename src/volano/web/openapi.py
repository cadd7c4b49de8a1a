"""The OpenAPI document of the HTTP interface, made from the tables by which requests are routed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from volano import __version__
from volano.web import configurations, openapi_api, openapi_events
from volano.web.api.calls import CALLS, Call
from volano.web.configurations import CONFIGURATIONS, Configuration
from volano.web.decisions import BODY_LIMIT, CONFIG, DECIDE
from volano.web.formats.format import SWALLOWED, Format
from volano.web.formats.known import FORMATS

PATH = "/openapi.json"

Part = dict[str, Any]

_EXAMPLES: dict[str, Part] = {
    "segment": {"batch": [{"type": "track", "event": "Product Viewed", "userId": "42", "properties": {}}]},
    "posthog": {"batch": [{"event": "$pageview", "distinct_id": "42", "properties": {}}]},
    "snowplow": {
        "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
        "data": [{"e": "pv"}],
    },
}
_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
}
_REFUSED = {
    "type": "object",
    "required": ["index", "code", "message"],
    "properties": {"index": {"type": "integer"}, "code": {"type": "string"}, "message": {"type": "string"}},
}
_TAKEN = {
    "type": "object",
    "required": ["success"],
    "properties": {
        "success": {"const": True},
        "quarantined": {"type": "array", "items": {"$ref": "#/components/schemas/Refused"}},
    },
}
_QUESTION = {
    "type": "object",
    "properties": {
        "writeKey": {"type": "string"},
        "anonymousId": {"type": ["string", "number", "null"]},
        "userId": {"type": ["string", "number", "null"]},
        "context": {"type": ["object", "null"]},
    },
}
_LIVE = {
    "type": "object",
    "required": ["campaigns"],
    "properties": {
        "campaigns": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["campaign", "salt", "coverage", "round", "format", "trigger", "arms"],
                "properties": {
                    "campaign": {"type": "string"},
                    "salt": {"type": "string"},
                    "coverage": {"type": "number"},
                    "round": {"type": "integer"},
                    "format": {"type": "string"},
                    "trigger": {"type": "object"},
                    "arms": {"type": "array", "items": {"type": "object", "required": ["key", "weight"]}},
                    "cap": {"type": "object", "required": ["times", "days"]},
                    "audience": {"type": "object"},
                    "ask": {"const": True},
                },
            },
        }
    },
}
_MEANINGS = {
    400: "The body cannot be read.",
    401: "The write key is missing, unknown, replaced or revoked.",
    403: "Pages of this origin may not send.",
    404: "There is no source with this write key.",
    405: "The path takes another method.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    429: "More is acknowledged than is worked off: come again after Retry-After.",
    503: "The disk or the queue is full: come again after Retry-After.",
}


@lru_cache(maxsize=1)
def document() -> bytes:
    """The document as JSON, the same for as long as the program runs."""
    return msgspec.json.encode(described())


def described() -> Part:
    """The document."""
    paths: dict[str, Part] = {}
    for form in FORMATS:
        paths |= _of_format(form)
    for one in CONFIGURATIONS:
        paths[one.path] = {one.method.lower(): _question(one)}
    paths[DECIDE] = {"post": _decide()}
    paths[CONFIG] = {"get": _live()}
    for call in CALLS:
        paths[call.path] = {call.method.lower(): _call(call)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Volano",
            "version": __version__,
            "description": "Events in, decisions out. Write keys are public and can only write; "
            "secret keys are for programs that ask about people.",
        },
        "paths": paths,
        "components": {
            "schemas": {
                "Error": _ERROR,
                "Refused": _REFUSED,
                "Taken": _TAKEN,
                "Question": _QUESTION,
                "Live": _LIVE,
                **openapi_events.schemas(),
                **openapi_api.schemas(),
            },
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The write key is the user name.",
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "PostHog's clients only."},
                **openapi_api.SECURITY,
                **{name: _in_query(name) for form in FORMATS for name in form.key_names},
            },
        },
    }


def _in_query(name: str) -> Part:
    return {"type": "apiKey", "in": "query", "name": name}


def _of_format(form: Format) -> dict[str, Part]:
    """Each path of a format, with and without its slash."""
    found: dict[str, Part] = {}
    for path, call in form.calls.items():
        found[path] = {"post": _take(form, call)}
        if path in form.pixel:
            found[path]["get"] = _pixel(form)
    return found


def _security(form: Format) -> list[Part]:
    names = ["basic", *(["bearer"] if form.bearer else []), *form.key_names]
    return [*({name: []} for name in names), {}]


def _take(form: Format, call: str) -> Part:
    about = (
        "taken and thrown away"
        if call == SWALLOWED
        else f"{call}; at most {form.body_limit:,} bytes and "
        f"{form.batch_limit:,} events of at most {form.event_limit:,} bytes"
    )
    content: Part = {"schema": openapi_events.body(form, call)}
    if call == next(iter(form.calls.values())):
        content["example"] = _EXAMPLES[form.name]
    return {
        "summary": f"{form.title}: {about}",
        "tags": [form.name],
        "security": [{}] if call == SWALLOWED else _security(form),
        "requestBody": {"required": True, "content": {"application/json": content, "text/plain": {}}},
        "responses": {
            "200": _answer("On the disk; bad events are named.", "Taken"),
            **_errors(400, 401, 403, 408, 413, 429, 503),
        },
    }


def _pixel(form: Format) -> Part:
    return {
        "summary": f"{form.title}: one event in the query, answered with a picture",
        "tags": [form.name],
        "security": _security(form),
        "responses": {
            "200": {"description": "On the disk.", "content": {"image/gif": {}}},
            **_errors(400, 401, 403, 413, 429, 503),
        },
    }


def _question(one: Configuration) -> Part:
    kind = one.kind.decode().partition(";")[0]
    keyed = configurations.KEY in one.path
    told: Part = {
        "summary": one.title,
        "tags": ["configuration"],
        "responses": {
            "200": {"description": "What the client waits for.", "content": {kind: {}}},
            **_errors(403, 404 if keyed else 401, *((400, 408, 413) if one.method == "POST" else ())),
        },
    }
    if keyed:
        told["parameters"] = [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}]
    else:
        told["security"] = [{"basic": []}, {"writeKey": []}, {}]
    if one.method == "POST":
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    return told


def _decide() -> Part:
    content = {"schema": {"$ref": "#/components/schemas/Question"}}
    return {
        "summary": f"Decisions for one person and one page; at most {BODY_LIMIT:,} bytes",
        "tags": ["decisions"],
        "requestBody": {"required": True, "content": {"application/json": content, "text/plain": {}}},
        "responses": {
            "200": {"description": "What to show.", "content": {"application/json": {}}},
            **_errors(400, 401, 403, 408, 413, 429, 503),
        },
    }


def _live() -> Part:
    return {
        "summary": "What is live, for a page that draws arms by itself; made to be kept by caches",
        "tags": ["decisions"],
        "parameters": [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": _answer("All that is live, until its ETag changes.", "Live"),
            "304": {"description": "It is still what If-None-Match names."},
            **_errors(403, 404),
        },
    }


def _call(call: Call) -> Part:
    told = openapi_api.operation(call)
    beside = (400, 408, 413) if call.asks is not None else (400,) if call.query else ()
    missing = (404,) if "{" in call.path else ()
    told["responses"] |= _errors(401, 403, 429, 503, *beside, *missing, meanings=openapi_api.MEANINGS)
    return told


def _answer(description: str, schema: str) -> Part:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _errors(*statuses: int, meanings: Mapping[int, str] = _MEANINGS) -> Part:
    found = {str(status): _answer(meanings[status], "Error") for status in (*statuses, 405)}
    for status in ("429", "503"):
        if status in found:
            found[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found
