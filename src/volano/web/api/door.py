"""The door for other programs: a secret key, JSON, no cookies, no pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from anyio import CapacityLimiter, to_thread

from volano.errors import BadBody
from volano.web.api.answers import ANSWERS
from volano.web.api.calls import BODY_LIMIT, Call, called
from volano.web.asgi import (
    Asgi,
    Receive,
    Scope,
    Send,
    WrongMethod,
    WrongOrigin,
    answer,
    body_of,
    credentials,
    guarded,
    header,
)
from volano.web.pages import Desk
from volano.web.room import Room
from volano.web.secret_keys import SecretKeys

AT_ONCE = 4  # requests that are worked on; others wait, so that the console has threads of its own


def api_app(desk: Desk) -> Asgi:
    """The ASGI callable for every path that `calls.is_api` names."""
    keys, room = SecretKeys(desk.house.state, desk.house.pepper), Room()
    limiter = CapacityLimiter(AT_ONCE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def respond() -> None:
            _refuse_pages(scope)
            call, named = called(scope["path"])
            if scope["method"] != call.method:
                told = f"{scope['path'][:100]} takes {call.method}, not {scope['method'][:20]}"
                raise WrongMethod(told, allow=call.method)
            now = desk.clock()
            key = keys.admitted(_secret(scope), call.scope, _address(scope), now=now)
            values = named | call.numbers(scope.get("query_string", b"").decode("latin-1"))
            with room.share() as share:
                if call.asks is not None:
                    values["asked"] = _decoded(await body_of(receive, BODY_LIMIT, share=share), call)
                work = partial(_worked, desk, partial(keys.note, key, now=now), call, values)
                body = await to_thread.run_sync(work, limiter=limiter)
            await answer(send, 200, body)

        await guarded(respond, send)

    return app


def _worked(desk: Desk, note: Callable[[], None], call: Call, values: dict[str, Any]) -> bytes:
    note()
    return msgspec.json.encode(ANSWERS[call.name](desk, **values))


def _refuse_pages(scope: Scope) -> None:
    """WrongOrigin where a page asks: a secret key in a page is no secret."""
    if header(scope, b"origin"):
        raise WrongOrigin(
            "this is for servers: a secret key must never be in a page, so what has an Origin is refused",
            "browser",
        )


def _secret(scope: Scope) -> str:
    kind, told = credentials(scope)
    return told if kind in ("bearer", "basic") else ""


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _decoded(body: bytes, call: Call) -> Any:
    assert call.asks is not None
    try:
        return msgspec.json.decode(body, type=call.asks)
    except msgspec.ValidationError as error:
        raise BadBody(f"the body is not as it should be: {error}", "bad_body") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadBody(f"the body is not JSON: {error}", "malformed") from error
