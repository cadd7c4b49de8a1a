"""The parts of an event that every format has: ids, names, times, objects; BadInput names the bad one."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from volano.domain.durations import DAY
from volano.errors import BadInput
from volano.observe.identity import illegal, nobody
from volano.web.formats.nesting import depth

DEPTH_LIMIT = 200  # levels of lists and objects in an event
FLAT = 2 * DEPTH_LIMIT  # characters of a text that cannot be deeper
TEXT_LIMIT = 512  # characters of an id or a name

_LONG = 100  # digits; a number with fewer of them and an exponent of two is no larger than numbers can be
_ZERO, _E, _LOWER = np.uint8(ord("0")), ord("e"), np.uint8(0x20)
_RUN = b"\1" * _LONG
_EXPONENT = re.compile(rb"[eE]\+?\d{3}")
_HALF = re.compile(rb"\\u[dD]")  # perhaps half a character
_BEFORE_NUMBERS = b":,[ \t\r\n"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = (int, float)
_YEAR_2000 = 946_684_800_000_000


class _Money(msgspec.Struct):
    revenue: Any = None


_money, _string = msgspec.json.Decoder(_Money), msgspec.json.Decoder(str)


def check_event(raw: bytes, limit: int) -> None:
    """Too large, too deep or no object: BadInput; what cannot be read raises what the parser raises."""
    check_size(raw, limit)
    check_depth(raw)
    check_object(raw)


def check_size(raw: bytes, limit: int) -> None:
    """More than `limit` bytes: BadInput."""
    if len(raw) > limit:
        raise BadInput(f"the event is {len(raw):,} bytes, more than {limit:,}: send less", "event_too_large")


def check_object(raw: bytes) -> None:
    """No object: BadInput; what cannot be read raises what the parser raises."""
    if raw[:1] != b"{":
        raise BadInput("the event is not a JSON object: send {…}", "not_an_object")
    if doubtful(raw):
        msgspec.json.decode(raw)


def doubtful(raw: bytes) -> bool:
    """Whether what the strict parser skips may hold what it cannot read, such as half a character."""
    return _HALF.search(raw) is not None or beyond(raw)


def beyond(raw: bytes) -> bool:
    """Whether it may hold a number larger than any, or what is no UTF-8."""
    if _large(raw):
        return True
    try:
        return not (raw.isascii() or raw.decode())
    except UnicodeDecodeError:
        return True


def _large(raw: bytes) -> bool:
    """Whether a number in it has a hundred digits, or an exponent of three. Some texts look so, too."""
    marks = np.frombuffer(raw, np.uint8)
    digits = marks - _ZERO < 10  # below 0 is above 9
    if _RUN in digits.tobytes():
        return True
    e = marks[1:-3] | _LOWER == _E
    for at in (np.flatnonzero(e & digits[:-4] & digits[3:-1] & digits[4:]) + 1).tolist():
        if _EXPONENT.match(raw, at):
            before = raw[max(0, at - _LONG) : at].rstrip(b"-.0123456789")
            if before[-1:] in _BEFORE_NUMBERS:
                return True
    return False


def check_depth(raw: bytes) -> None:
    """Nested deeper than 200 levels: BadInput."""
    size = len(raw)
    # A list takes two characters a level, an object five: a short text that is deep is mostly lists.
    if size <= FLAT or raw.count(b"[") < (5 * DEPTH_LIMIT - size) // 3:
        return
    if raw.count(b"{") + raw.count(b"[") > DEPTH_LIMIT and depth(raw) > DEPTH_LIMIT:
        raise BadInput(f"the event is nested deeper than {DEPTH_LIMIT} levels: flatten it", "too_deep")


def identifier(value: Any, name: str) -> str:
    """An id as text; "" when it is missing, null or blank."""
    if value is None:
        return ""
    if type(value) is not str:  # the usual ways first: this is asked three times an event
        value = _numeral(value, name)
    if len(value) > TEXT_LIMIT:
        raise _too_long(value, name)
    return "" if not value or value.isspace() else value


def _numeral(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        raise BadInput(f"{name} is {shown(value)}: send a string, a number or null", "bad_id")
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def check_somebody(user_id: str, anonymous_id: str) -> None:
    """Both missing, or such as programs write when they have none: BadInput."""
    if illegal(user_id) and illegal(anonymous_id):
        raise nobody(user_id or anonymous_id)


def event_name(event: Any, field: str = "event") -> str:
    """The name of what happened."""
    if not isinstance(event, str) or not event or event.isspace():
        raise BadInput(f"{field} is {shown(event)}: send the name of what happened", "no_event_name")
    if len(event) > TEXT_LIMIT:
        raise _too_long(event, field)
    return event


def _too_long(text: str, name: str) -> BadInput:
    return BadInput(f"{name} has {len(text):,} characters, more than {TEXT_LIMIT}: shorten it", "too_long")


def instant(text: Any) -> int | None:
    """UTC µs of an ISO 8601 text (without a zone: UTC), or None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = _moment(text)
        return micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _moment(text: str) -> datetime:
    """As the usual way in reads it (finer than a microsecond: rounded), or in any other spelling."""
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return datetime.fromisoformat(text)


def micros(moment: datetime) -> int:
    """UTC µs of a moment with a time zone."""
    gap = moment - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def corrected(original: int, sent: int | None, received_at: int) -> int:
    """When it happened by our clock: received − (sent − original), as in Segment's spec; all in µs.

    What was told of when it was sent is ignored where that would be before 2000 or more than a day from now.
    """
    if sent is None:
        return original
    time = received_at - (sent - original)
    return time if _YEAR_2000 <= time <= received_at + DAY else original


def checked_time(time: int, told: Any, received_at: int, *, historical: bool = False) -> int:
    """The time if it is from 2000 (`historical`: 1970) to a day from now."""
    if time < (0 if historical else _YEAR_2000):
        raise BadInput(f"timestamp is {shown(told)}, before 2000: send when it happened", "too_old")
    if time > received_at + DAY:
        raise BadInput(f"timestamp is {shown(told)}, more than a day ahead: check the clock", "in_the_future")
    return time


def object_of(raw: Raw | bytes, name: str) -> bytes:
    """The JSON object as it came; an empty one when it is missing or null."""
    found = bytes(raw)
    if found[:1] == b"{":
        return found
    if found in (b"", b"null"):
        return b"{}"
    raise BadInput(f"{name} is not an object: send {{…}}", "not_an_object")


def check_revenue(properties: bytes) -> None:
    """A revenue that is no number raises BadInput; none is fine."""
    if b'"revenue"' not in properties:
        return
    revenue: Any = "too large"
    try:
        revenue = _money.decode(properties).revenue
        good = not isinstance(revenue, bool) and math.isfinite(float(0 if revenue is None else revenue))
    except (TypeError, ValueError, OverflowError):  # the parser's are ValueErrors
        good = False
    if not good:
        raise BadInput(f"revenue is {shown(revenue)}: send a number, such as 39.9", "bad_revenue")


def text_of(raw: Raw | bytes | None) -> str:
    """The text, or nothing when it is none; half a character in it is a question mark."""
    try:
        return _string.decode(raw) if raw else ""
    except (msgspec.DecodeError, UnicodeError):
        pass
    try:
        found = json.loads(bytes(raw or b""))
    except (ValueError, RecursionError):
        return ""
    return found.encode(errors="replace").decode() if isinstance(found, str) else ""


def shown(value: Any) -> str:
    """A value in a sentence, shortened."""
    return "missing" if value is None else repr(value)[:60]
