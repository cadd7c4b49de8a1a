"""The slow way into a body that the strict parser refused: one broken event must not lose its neighbours."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Raw

from volano.errors import BadBody
from volano.web.formats.fields import DEPTH_LIMIT
from volano.web.formats.nesting import pruned

LENIENT_LIMIT = 1024 * 1024  # characters of a body in which one broken event is looked for


def utf8(body: bytes) -> str:
    """The text of a body; BadBody when it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadBody(
            f"the body is not UTF-8 (byte {error.start}): send JSON in UTF-8", "not_utf8"
        ) from error


def check_count(items: list[Any], limit: int) -> None:
    """More than `limit` events raise BadBody."""
    if len(items) > limit:
        told = f"the batch has {len(items):,} events, more than {limit:,}: send smaller batches"
        raise BadBody(told, "too_many_events")


def loose(text: str, error: Exception) -> dict[str, Any]:
    """The object in a body that the strict parser refused with `error`."""
    found = anything(text, error)
    if not isinstance(found, dict):
        raise BadBody("the body is not a JSON object: send {…}", "not_an_object") from error
    return found


def anything(text: str, error: Exception) -> Any:
    """What is in a body that the strict parser refused with `error`; RecursionError when it is bottomless."""
    if len(text) > LENIENT_LIMIT:
        told = f"too large to look for the broken event (over {LENIENT_LIMIT:,} characters)"
        raise BadBody(
            f"the body cannot be read ({error}) and is {told}: send smaller batches", "malformed"
        ) from error
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except ValueError as reason:
        raise BadBody(f"the body is not JSON: {reason}", "malformed") from error


def shallow(text: str) -> str:
    """The text with what is nested too deep cut away, so that it can be read at all."""
    return pruned(text, DEPTH_LIMIT + 20)


def raw(value: Any) -> Raw:
    """The value as JSON text again; what no strict parser takes (NaN) stays as it is."""
    return Raw(json.dumps(value, separators=(",", ":")).encode())
