"""The hot way out: decisions for one person and one page, and the tag that asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from volano.act.choose import Snapshot, snapshot
from volano.domain.campaign import Campaign
from volano.domain.rfm import RfmBounds
from volano.domain.saved_list import SavedList
from volano.errors import BadBody, BadInput
from volano.flow.asking import groups_of
from volano.flow.decide import Ask, decide_one
from volano.flow.shop import shop_of
from volano.ports import Journal, Profiles, State
from volano.settings import Settings
from volano.web.asgi import (
    Asgi,
    Headers,
    Receive,
    Scope,
    Send,
    answer,
    answer_preflight,
    body_of,
    check_origin,
    cors,
    guarded,
    header,
    inflated,
    only,
)
from volano.web.pace import Pace
from volano.web.tag_file import tag_file
from volano.web.write_keys import REFRESH, WriteKeys

DECIDE = "/v1/decide"
TAG = "/t.js"
BODY_LIMIT = 32 * 1024  # bytes
ID_LIMIT = 512  # characters


class Desk(Protocol):
    """What deciding needs of the house."""

    @property
    def settings(self) -> Settings: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def state(self) -> State: ...

    @property
    def profiles(self) -> Profiles: ...


class _Body(msgspec.Struct, rename="camel"):
    write_key: Any = ""
    anonymous_id: Any = None
    user_id: Any = None
    context: Any = None


_decoder = msgspec.json.Decoder(_Body)


class Live:
    """The live campaigns made ready, looked for again after a second and made anew when they changed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._read_at = -REFRESH
        self._read: tuple[list[Campaign], RfmBounds, list[SavedList]] = ([], RfmBounds(), [])
        self._ready = snapshot(())

    def ready(self, now: int) -> Snapshot:
        """What is live, at most a second old."""
        if not 0 <= now - self._read_at < REFRESH:  # the clock may have been set back
            state = self._state
            found = (state.find(Campaign), shop_of(state).rfm, state.find(SavedList))
            if found != self._read:
                groups = groups_of(state, (one.audience for one in found[0]))
                self._read, self._ready = found, snapshot(found[0], found[1], groups)
            self._read_at = now
        return self._ready


def is_decision(path: str) -> bool:
    """Whether `decisions_app` answers this path."""
    return path.rstrip("/") in (DECIDE, TAG)


def decisions_app(house: Desk, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> Asgi:
    """The ASGI callable for every path that `is_decision` names; `clock` gives UTC µs."""
    pace = Pace(house.settings.key_rate, house.settings.key_burst)
    keys, live = WriteKeys(house.state, pace), Live(house.state)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") == TAG:
            return await guarded(lambda: _serve_tag(scope, send), send)
        headers: Headers = []

        async def respond() -> None:
            headers.extend(cors(scope, keys.origins(house.settings.origins, clock())))
            if scope["method"] == "OPTIONS":
                return await answer_preflight(scope, send, headers)
            only(scope, "POST")
            body = await body_of(receive, BODY_LIMIT)
            now = clock()
            ask = asked(inflated(body, BODY_LIMIT), keys, now)
            check_origin(header(scope, b"origin"), keys.pages(ask.source) or house.settings.origins)
            found = await decide_one(live.ready(now), house.profiles, house.journal, ask)
            return await answer(send, 200, msgspec.json.encode(found), headers)

        return await guarded(respond, send, headers)

    return app


def asked(body: bytes, keys: WriteKeys, now: int) -> Ask:
    """The question in a body; BadInput or NotAllowed, in one sentence, when it is none."""
    try:
        found = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise BadBody("the body is not a JSON object: send {…}", "not_an_object") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {error}", "malformed") from error
    write_key = found.write_key if isinstance(found.write_key, str) else ""
    source = keys.source(write_key, now)
    keys.pace.admit(write_key, now)
    keys.pace.spend(write_key, 1)
    anonymous_id, user_id = _id(found.anonymous_id, "anonymousId"), _id(found.user_id, "userId")
    if not (anonymous_id or user_id):
        raise BadInput("the question has neither anonymousId nor userId: send one of them", "no_id")
    if found.context is not None and not isinstance(found.context, dict):
        raise BadInput("context is not an object: send {…}", "not_an_object")
    return Ask(
        source=source,
        anonymous_id=anonymous_id,
        user_id=user_id,
        context=found.context or {},
        now=now,
    )


def _id(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInput(f"{name} is {str(value)[:60]!r}: send a string, a number or null", "bad_id")
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    if len(text) > ID_LIMIT:
        raise BadInput(f"{name} is longer than {ID_LIMIT} characters: send a shorter one", "bad_id")
    return text if text.strip() else ""


async def _serve_tag(scope: Scope, send: Send) -> None:
    """The tag, packed for who takes gzip; good for five minutes, then asked after by its ETag."""
    only(scope, "GET", "HEAD")
    served = tag_file()
    packs = b"gzip" in header(scope, b"accept-encoding")
    same = served.etag in header(scope, b"if-none-match")
    body = served.packed if packs else served.plain
    head = [
        (b"etag", b"W/" + served.etag),
        (b"cache-control", b"public, max-age=300, stale-while-revalidate=86400"),
        (b"vary", b"accept-encoding"),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if not same:
        head += [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            *([(b"content-encoding", b"gzip")] if packs else []),
        ]
    await send({"type": "http.response.start", "status": 304 if same else 200, "headers": head})
    await send({"type": "http.response.body", "body": b"" if same or scope["method"] == "HEAD" else body})
