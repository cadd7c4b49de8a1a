"""Calls of web hooks, by Standard Webhooks: what they say, how they are signed, when they are tried again."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from volano.domain.answer import Answer
from volano.domain.durations import DAY, HOUR, MINUTE, SECOND
from volano.domain.hook import ENTERED, LEFT, Call, Said, Secret, Standing
from volano.maths.draw import uniform
from volano.maths.hashing import hash63

PREFIX = "whsec_"
TOLERANCE = 5 * MINUTE  # a call whose time is further away than that is not to be believed
PATIENCE = 3 * DAY  # of failing, after which what has waited as long is dead
BEHIND = 1_000  # calls that wait, from which on the owner is told
REMEMBERED = 5  # of the last attempts
TRIES = 10  # of a call that is refused for what it says, before the next one has its turn
_REFUSED = frozenset({400, 413, 422})  # … as these say
_GONE = 410
_BASE, _LONGEST = SECOND, HOUR  # of the pauses between attempts
_LATE = 10 * MINUTE  # of failing, from which on the owner is told
_WORDS: Mapping[int, str] = {
    401: "it does not know the secret, or wants another key",
    403: "it does not know the secret, or wants another key",
    404: "the address may have moved",
    _GONE: "it wants no more calls",
    429: "it wants fewer calls at a time",
}

Fate = Literal["delivered", "again", "dead", "off"]


def signature(secret: str, call_id: str, seconds: int, body: bytes) -> str:
    """HMAC-SHA256 of id, time and body with the bytes of the secret, as `v1,<base64>`."""
    key = b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((call_id.encode(), str(seconds).encode(), body))
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def headers(call_id: str, body: bytes, secrets: Iterable[Secret], *, now: int) -> dict[str, str]:
    """The three headers of a call at `now` (UTC µs), signed with every secret that is still good."""
    seconds = now // SECOND
    good = [one.secret for one in secrets if not one.good_until or one.good_until > now]
    return {
        "webhook-id": call_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(one, call_id, seconds, body) for one in reversed(good)),
    }


def verified(told: Mapping[str, str], body: bytes, secret: str, *, now: int) -> bool:
    """Whether a call with these headers (small letters) is from whoever has the secret, and of now."""
    try:
        seconds = int(told["webhook-timestamp"])
        ours = signature(secret, told["webhook-id"], seconds, body)
        theirs = told["webhook-signature"].split()
    except (KeyError, ValueError):
        return False
    young = abs(now - seconds * SECOND) <= TOLERANCE
    return young and any(hmac.compare_digest(ours.encode(), one.encode()) for one in theirs)


def body_of(call: Call, person_id: int, names: Sequence[str]) -> bytes:
    """What a call says of whom it is about now, known by these identities (`u:…`, `a:…`).

    The number of a person is a text, as it is larger than many programs can count.
    """
    users, browsers = (sorted(name[2:] for name in names if name.startswith(kind)) for kind in ("u:", "a:"))
    data = {
        "segment": call.segment,
        "person_id": str(person_id),
        "user_id": users[0] if users else None,
        "anonymous_id": browsers[0] if browsers else None,
    }
    return telling(ENTERED if call.entered else LEFT, data, at=call.at)


def telling(what: str, data: Mapping[str, Any], *, at: int) -> bytes:
    """The body of a call that tells of something at a moment (UTC µs).

    >>> telling("hook.test", {}, at=0)
    b'{"type":"hook.test","timestamp":"1970-01-01T00:00:00.000000Z","data":{}}'
    """
    moment = datetime.fromtimestamp(at // SECOND, UTC).replace(microsecond=at % SECOND)
    return msgspec.json.encode({"type": what, "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}", "data": data})


def answered(answer: Answer, *, now: int) -> Said:
    """What an answer means."""
    why = _WORDS.get(answer.status, "")
    if 300 <= answer.status < 400:
        why = "give the address that it leads to; calls do not follow"
    words = f"it answered {answer.status}{f': {why}' if why else ''}"
    return Said(at=now, status=answer.status, words=words, wait=asked_wait(answer.retry_after, now=now))


def silent(why: str, *, now: int) -> Said:
    """That nobody answered, and why."""
    return Said(at=now, status=0, words=why)


def asked_wait(text: str, *, now: int) -> int:
    """For how long (µs, a day at most) a `Retry-After` asks to wait: seconds, or a date; 0 for neither.

    >>> [asked_wait(text, now=0) for text in ("120", "Thu, 01 Jan 1970 00:01:00 GMT", "soon")]
    [120000000, 60000000, 0]
    """
    text = text.strip()
    if text.isdecimal() and text.isascii():
        return min(int(text[:9]) * SECOND, DAY)
    try:
        until = int(parsedate_to_datetime(text).timestamp()) * SECOND
    except (ValueError, OverflowError, TypeError):
        return 0
    return min(max(until - now, 0), DAY)


def back_off(call_id: str, failures: int) -> int:
    """The pause (µs) after so many failures in a row: anywhere up to twice as long each time, an hour at most
    (full jitter). Chance is the call's, so that not all hooks come again at once.
    """
    longest = min(_BASE << min(failures - 1, 20), _LONGEST)
    return int(uniform([hash63(call_id)], failures)[0] * longest)


def may_call(standing: Standing, *, now: int) -> bool:
    """Whether a hook may be called; no pause is longer than a day, whatever the clock said before.

    >>> [may_call(Standing(next_at=at), now=0) for at in (0, 1, 2 * DAY)]
    [True, False, True]
    """
    return not now < standing.next_at <= now + DAY


def heard(standing: Standing, call: Call, said: Said) -> tuple[Standing, Fate]:
    """How it goes with the hook after an attempt at a call, and what becomes of the call.

    Those behind it wait for it, so that they are told in order. 410 is the end of the hook. Of a call that is
    refused for what it says it is the end after TRIES, of others see `overdue`.
    """
    last = (said, *standing.last)[:REMEMBERED]
    if said.ok:
        return Standing(delivered=standing.delivered + 1, last=last), "delivered"
    failures = standing.failures + 1
    failing = replace(
        standing,
        next_at=said.at + max(back_off(call.id, failures), said.wait),
        failures=failures,
        failing_since=standing.failing_since or said.at,
        last=last,
    )
    if said.status == _GONE:
        return failing, "off"
    if said.status in _REFUSED and call.attempts + 1 >= TRIES:
        return replace(failing, next_at=said.at + said.wait, failures=0, failing_since=0), "dead"
    return failing, "dead" if overdue(failing, call, now=said.at) else "again"


def overdue(standing: Standing, call: Call, *, now: int) -> bool:
    """Whether the hook has failed, and the call waited, for longer than anybody's patience."""
    return bool(standing.failing_since) and now - max(standing.failing_since, call.since) >= PATIENCE


def trouble(standing: Standing, waiting: int, *, now: int) -> str:
    """What the owner should know of a hook, "" for nothing: it fails, or does not keep up with the calls."""
    if standing.failing_since and now - standing.failing_since >= _LATE:
        return f"{standing.last[0].words}; {waiting:,} {'call waits' if waiting == 1 else 'calls wait'}"
    return f"it does not keep up: {waiting:,} calls wait" if waiting > BEHIND else ""
