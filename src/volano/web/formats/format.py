"""What a wire format is: its paths, its limits, and how a body becomes events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from volano.domain.event import Event, Refusal
from volano.errors import BadInput
from volano.observe.mentions import named_in
from volano.web.formats.addresses import Geo
from volano.web.formats.lenient import UNREADABLE

SAMPLE = 200  # characters of a refused event that are kept
SWALLOWED = "nothing"  # the call of a path whose bodies are taken and thrown away

_ADDRESS = re.compile(r'("\$?ip"\s*:\s*")[^"]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a decoder is told beside the body.

    `call` is what the format's table says of the path; `received_at` is UTC µs; `agent` is the User-Agent
    header; `new_id` names the events that came without an id; `geo` tells the country of an address. No
    event keeps an address: its country is the `location.country` of the context.
    """

    call: str
    received_at: int
    new_id: Callable[[], str]
    query: str = ""
    agent: str = ""
    geo: Geo | None = None


Decoded = tuple[list[Event], list[Refusal]]


def as_it_came(body: bytes, query: str) -> bytes:
    """The body of a format that wraps it in nothing."""
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One wire format.

    `calls` maps each path (without a slash at its end) to what `decoded` knows it by. `unwrapped` gives the
    JSON text of a body already inflated, and stops at `body_limit` bytes. `write_key` finds the key in that
    text, or nothing. `decoded` never raises for a bad event: that one is refused, with its index. What is
    wrong with the whole body raises BadBody. `key_names` are the query parameters that may hold the key,
    `bearer` tells whether it may come as a bearer token; `pixel` are the paths that also take a GET, with
    the event in the query.
    """

    name: str
    title: str  # for people
    calls: Mapping[str, str]
    body_limit: int  # bytes, packed and unpacked
    event_limit: int  # bytes
    batch_limit: int  # events
    write_key: Callable[[bytes], str]
    decoded: Callable[[bytes, Request], Decoded]
    unwrapped: Callable[[bytes, str], bytes] = as_it_came
    key_names: tuple[str, ...] = ("writeKey",)
    bearer: bool = False
    pixel: frozenset[str] = frozenset()


def sorted_out(items: Iterable[bytes], think: Callable[[bytes], Event]) -> Decoded:
    """The events `think` makes of the items; those are refused that are bad, or that no parser can read."""
    kept: list[Event] = []
    refused: list[Refusal] = []
    for index, item in enumerate(items):
        raw = bytes(item)
        try:
            kept.append(_thought(raw, think))
        except BadInput as error:
            sample = _ADDRESS.sub(r"\1", raw[: SAMPLE * 8].decode("utf-8", "replace"))[:SAMPLE]
            why, named = (error.code, error.message), named_in(raw)
            refused.append(Refusal(index=index, code=why[0], message=why[1], sample=sample, named=named))
    return kept, refused


def _thought(raw: bytes, think: Callable[[bytes], Event]) -> Event:
    try:
        return think(raw)
    except RecursionError as error:
        raise BadInput("the event is nested too deep: flatten it", "too_deep") from error
    except UNREADABLE as error:
        raise BadInput(f"the event is not JSON: {error}", "malformed") from error
