"""The parts of a body, even if the strict parser refuses it: a broken event must not lose its neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from volano.errors import BadBody
from volano.web.formats.fields import text_of
from volano.web.formats.nesting import parts

MEMBERS_LIMIT = 100_000  # of an object that the strict parser refused

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)  # what the strict parser raises

_BOM = b"\xef\xbb\xbf"
_MEMBER = re.compile(rb'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:', re.DOTALL)
_skipped = msgspec.json.Decoder(Raw)
_members, _list = msgspec.json.Decoder(dict[str, Raw]), msgspec.json.Decoder(list[Raw])


def check_count(items: Sequence[object], limit: int) -> None:
    """More than `limit` events raise BadBody."""
    if len(items) > limit:
        raise BadBody(f"the batch has more than {limit:,} events: send smaller batches", "too_many_events")


def bare(body: bytes) -> bytes:
    """The body without a byte order mark."""
    return body.removeprefix(_BOM)


def members(body: bytes) -> dict[str, Raw]:
    """The members of the object that a body is, as they came; BadBody when it is none."""
    try:
        return _members.decode(body)
    except UNREADABLE as error:
        found = parts(bare(body), MEMBERS_LIMIT) if bare(body).lstrip()[:1] == b"{" else None
        if found is None:
            raise no_object(body, error) from error
        named = [_MEMBER.match(part) for part in found]
        if len(found) > MEMBERS_LIMIT or None in named:
            raise BadBody(f"the body is not JSON: {error}", "malformed") from error
    told = zip(named, found, strict=True)
    return {text_of(name[1]): Raw(part[name.end() :].strip()) for name, part in told if name}


def items(listed: bytes, limit: int) -> list[Raw]:
    """The entries of a list of events, as they came; BadBody when it is none, or has more than `limit`."""
    try:
        found = _list.decode(listed)
    except UNREADABLE as error:
        told = parts(bare(listed), limit)
        if told is None:
            raise no_object(listed, error) from error
        found = [Raw(part.strip()) for part in told]
    check_count(found, limit)
    return found


def no_object(body: bytes, error: Exception) -> BadBody:
    """Why a body that the strict parser refused with `error` is none at all."""
    try:
        body.decode()
        if parts(bare(body), 1) is None:
            _skipped.decode(body)
    except UnicodeDecodeError as reason:
        told = f"the body is not UTF-8 (byte {reason.start}): send JSON in UTF-8"
        return BadBody(told, "not_utf8")
    except UNREADABLE:
        return BadBody(f"the body is not JSON: {error}", "malformed")
    return BadBody("the body is not a JSON object: send {…}", "not_an_object")
