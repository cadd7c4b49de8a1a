"""The hot way out: decisions for one person and one page, the tag that asks for them, and what is live."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from volano.act.choose import Snapshot, snapshot
from volano.act.configuration import configuration
from volano.domain.campaign import Campaign
from volano.domain.rfm import RfmBounds
from volano.domain.saved_list import SavedList
from volano.errors import BadBody, BadInput, BrokenHome, Busy, NotAllowed, NotFound
from volano.flow.asking import groups_of
from volano.flow.decide import Ask, decide_one
from volano.flow.shop import shop_of
from volano.ports import CapCounter, Journal, Profiles, State
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
from volano.web.served import Served, serve, served
from volano.web.tag_file import tag_file
from volano.web.write_keys import REFRESH, WriteKeys

DECIDE = "/v1/decide"
TAG = "/t.js"
CONFIG = "/c/{key}.json"
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

    @property
    def caps(self) -> CapCounter: ...


class _Body(msgspec.Struct, rename="camel"):
    write_key: Any = ""
    anonymous_id: Any = None
    user_id: Any = None
    context: Any = None


_decoder = msgspec.json.Decoder(_Body)
_TAG_FOR, _CONFIG_FOR = 300, 60  # seconds for which a cache may give them without asking
_CONFIG_HEAD, _CONFIG_TAIL = CONFIG.split("{key}")
_EVERYBODY = (b"access-control-allow-origin", b"*")


class Live:
    """The live campaigns made ready, looked for again after a second and made anew when they changed.

    While the state is away they stay as they were.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._read_at = -REFRESH
        self._read: tuple[list[Campaign], RfmBounds, list[SavedList]] = ([], RfmBounds(), [])
        self._ready = snapshot(())
        self._config: tuple[Snapshot, Served] | None = None

    def ready(self, now: int) -> Snapshot:
        """What is live, at most a second old."""
        if not 0 <= now - self._read_at < REFRESH:  # the clock may have been set back
            try:
                self._look()
            except (Busy, BrokenHome):
                if self._read_at < 0:
                    raise
            self._read_at = now
        return self._ready

    def config(self, now: int) -> Served:
        """What is live as pages are told it, made once for all that ask until something changes."""
        ready = self.ready(now)
        if self._config is None or self._config[0] is not ready:
            self._config = ready, served(configuration(ready), b"application/json")
        return self._config[1]

    def _look(self) -> None:
        state = self._state
        found = (state.find(Campaign), shop_of(state).rfm, state.find(SavedList))
        if found != self._read:
            groups = groups_of(state, (one.audience for one in found[0]))
            self._read, self._ready = found, snapshot(found[0], found[1], groups)


def is_decision(path: str) -> bool:
    """Whether `decisions_app` answers this path."""
    bare = path.rstrip("/")
    return bare in (DECIDE, TAG) or (bare.startswith(_CONFIG_HEAD) and bare.endswith(_CONFIG_TAIL))


def decisions_app(house: Desk, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> Asgi:
    """The ASGI callable for every path that `is_decision` names; `clock` gives UTC µs."""
    pace = Pace(house.settings.key_rate, house.settings.key_burst)
    keys, live = WriteKeys(house.state, pace), Live(house.state)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = []

        async def respond() -> None:
            path = scope["path"].rstrip("/")
            if path == TAG:
                return await serve(scope, send, tag_file(), [_EVERYBODY], _TAG_FOR)
            headers.extend(cors(scope, keys.origins(house.settings.origins, clock())))
            if scope["method"] == "OPTIONS":
                return await answer_preflight(scope, send, headers)
            if path != DECIDE:
                return await serve_config(path[len(_CONFIG_HEAD) : -len(_CONFIG_TAIL)], clock())
            only(scope, "POST")
            body = await body_of(receive, BODY_LIMIT)
            now = clock()
            ask = asked(inflated(body, BODY_LIMIT), keys, now)
            check_origin(header(scope, b"origin"), keys.pages(ask.source) or house.settings.origins)
            found = await decide_one(live.ready(now), house.profiles, house.caps, house.journal, ask)
            return await answer(send, 200, msgspec.json.encode(found), headers)

        async def serve_config(key: str, now: int) -> None:
            readers = _readers(scope, key, keys, house.settings.origins, now)
            check_origin(header(scope, b"origin"), readers)
            head = [_EVERYBODY] if "*" in readers.split() else headers or [(b"vary", b"Origin")]
            return await serve(scope, send, live.config(now), head, _CONFIG_FOR)

        return await guarded(respond, send, headers)

    return app


def _readers(scope: Scope, key: str, keys: WriteKeys, origins: str, now: int) -> str:
    """Whose pages may read what is live; NotFound where there is no such key, or it is good no more."""
    only(scope, "GET", "HEAD")
    try:
        return keys.sender(key, now).origins or origins
    except NotAllowed as error:
        told = f"there is no write key {key[:60]!r}, or it is good no more: take that of a source"
        raise NotFound(told, error.code) from error


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
