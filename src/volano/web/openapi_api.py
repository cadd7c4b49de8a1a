"""What other programs may ask, for the OpenAPI document: from its table and the types of its answers."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from volano.web.api.calls import CALLS, Call, Number

Part = dict[str, Any]

SECURITY: Part = {
    "secret": {"type": "http", "scheme": "bearer", "description": "A secret key (sk_…)."},
    "secretUser": {"type": "http", "scheme": "basic", "description": "A secret key is the user name."},
}
_TYPES = [one for call in CALLS for one in (call.asks, call.answers) if one is not None]
_SCHEMAS, _COMPONENTS = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
_BY_TYPE = dict(zip(_TYPES, _SCHEMAS, strict=True))
MEANINGS = {
    400: "A parameter or the body cannot be read.",
    401: "The secret key is missing, unknown, expired or revoked.",
    403: "The key lacks the scope, or a page of a browser asks.",
    404: "There is no such person or segment.",
    405: "The path takes another method.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    429: "Too many requests with this key, or too many wrong keys: come again after Retry-After.",
    503: "Something is being counted or written: come again after Retry-After.",
}


def schemas() -> Part:
    """The types of bodies and answers, by the name under which the document refers to them."""
    told: Part = msgspec.json.decode(msgspec.json.encode(_COMPONENTS))  # lists where there were tuples
    return {name: one | {"description": cleandoc(one["description"])} for name, one in told.items()}


def operation(call: Call) -> Part:
    """One call, without its errors."""
    told: Part = {
        "operationId": call.name,
        "summary": call.about,
        "description": f"Needs the scope `{call.scope}`.",
        "tags": ["api"],
        "security": [{name: []} for name in SECURITY],
        "parameters": [*_in_path(call), *map(_in_query, call.query)],
        "responses": {"200": {"description": "Done.", "content": _json(call.answers)}},
    }
    if call.asks is not None:
        told["requestBody"] = {"required": True, "content": _json(call.asks)}
    return told


def _json(kind: Any) -> Part:
    return {"application/json": {"schema": _BY_TYPE[kind]}}


def _in_path(call: Call) -> list[Part]:
    names = (call.matched(call.path) or {}).keys()
    return [{"name": one, "in": "path", "required": True, "schema": {"type": "string"}} for one in names]


def _in_query(one: Any) -> Part:
    schema: Part = {"type": "string"}
    if isinstance(one, Number):
        schema = {"type": "integer", "minimum": 1, "maximum": one.most, "default": one.otherwise}
    return {"name": one.name, "in": "query", "description": one.about, "schema": schema}
