"""One ASGI callable: the hot paths raw, everything else pages."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from volano.errors import VolanoError
from volano.flow.arrivals import erasures
from volano.web import pages
from volano.web.api.calls import is_api
from volano.web.api.door import api_app
from volano.web.asgi import Asgi, Message, Receive, Scope, Send
from volano.web.assets import Assets
from volano.web.console import (
    campaigns,
    entry,
    hooks,
    ideas,
    keys,
    live,
    moves,
    names,
    people,
    plan,
    results,
    segments,
    settings,
    sources,
    today,
)
from volano.web.decisions import decisions_app, is_decision
from volano.web.intake import intake_app, is_intake
from volano.web.login import Door
from volano.web.pages import Desk, Memo
from volano.web.turning import Turning
from volano.wiring import House

_FORM_LIMIT = 1_000_000  # bytes
_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


def clock() -> int:
    """Now, in UTC µs."""
    return time.time_ns() // 1000


class App:
    """The whole edge. `setup_token` is what the first password needs; None once there is one."""

    def __init__(self, house: House, now: Callable[[], int], setup_token: str | None) -> None:
        self.door = Door(house.state, now, setup_token)
        self.turning = Turning(house, now)
        self._intake: Asgi = intake_app(house)
        self._decisions: Asgi = decisions_app(house)
        desk = _desk(house, self.door, self.turning, now)
        self._api: Asgi = api_app(desk)
        self._console = _console(desk)

    @property
    def setup_token(self) -> str | None:
        """The token that sets the first password."""
        return self.door.setup_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and is_intake(path):
            await self._intake(scope, receive, send)
        elif scope["type"] == "http" and is_decision(path):
            await self._decisions(scope, receive, send)
        elif scope["type"] == "http" and is_api(path):
            await self._api(scope, receive, _guarded(send))
        else:
            await self._console(scope, receive, _guarded(send))  # type: ignore[arg-type]


def create_app(house: House, *, setup_token: str | None = None, now: Callable[[], int] = clock) -> App:
    """The server of one house; its lifespan starts and stops the thread that turns the wheel."""
    return App(house, now, setup_token)


def _guarded(send: Send) -> Send:
    """Adds the security headers to every answer of the console, and of the API."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
        await send(message)

    return guarded


def _desk(house: House, door: Door, turning: Turning, now: Callable[[], int]) -> Desk:
    files = Assets()
    return Desk(
        house=house,
        door=door,
        turning=turning,
        assets=files,
        templates=pages.environment(files),
        memo=Memo(lambda: turning.version, partial(erasures, house.profiles)),
        clock=now,
    )


def _console(desk: Desk) -> Litestar:
    @asynccontextmanager
    async def turned(_: Litestar) -> AsyncIterator[None]:
        desk.turning.start()
        try:
            yield
        finally:
            desk.turning.stop()

    parts = (
        entry,
        today,
        plan,
        ideas,
        campaigns,
        results,
        people,
        moves,
        segments,
        live,
        sources,
        names,
        keys,
        hooks,
        settings,
    )
    return Litestar(
        route_handlers=[route.mounted() for part in parts for route in part.ROUTES],
        before_request=pages.gate,
        exception_handlers={VolanoError: _told, HTTPException: _missing, Exception: _broken},
        compression_config=CompressionConfig(backend="gzip", exclude=["^/static/"]),
        lifespan=[turned],
        request_max_body_size=_FORM_LIMIT,
        openapi_config=None,
        logging_config=None,
        state=State({"desk": desk}),
    )


def _oops(request: Request[Any, Any, Any], status: int, title: str, sentence: str) -> pages.Page:
    desk = pages.desk_of(request)
    return pages.page(request, desk, "oops.html", status=status, title=title, sentence=sentence)


def _told(request: Request[Any, Any, Any], error: VolanoError) -> pages.Page:
    status = pages.status_of(error)
    title = {403: "That is not allowed", 404: "It is not here"}.get(status, "That did not work")
    return _oops(request, status, title, error.message)


def _missing(request: Request[Any, Any, Any], error: HTTPException) -> pages.Page:
    if error.status_code == 404:
        return _oops(request, 404, "It is not here", f"there is no page {request.url.path[:200]}")
    return _oops(request, error.status_code, "That did not work", "the request is not one this page knows")


def _broken(request: Request[Any, Any, Any], error: Exception) -> pages.Page:
    traceback.print_exception(error, file=sys.stderr)
    return _oops(request, 500, "Something broke on our side", "it is in the server's log; try again, please")
