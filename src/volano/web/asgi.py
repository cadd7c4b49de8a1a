"""Raw ASGI for the hot paths: read a body within a limit, answer JSON, speak CORS."""

from __future__ import annotations

import asyncio
import sys
import traceback
import zlib
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, cast

import msgspec
from isal import igzip_lib, isal_zlib

from volano.errors import (
    BadBody,
    Behind,
    BrokenHome,
    Busy,
    NotAllowed,
    NotFound,
    TooFast,
    TooLarge,
    VolanoError,
)
from volano.web.room import Room, Share

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

OK = b'{"success":true}'
_BrokenGzip = cast(type[Exception], igzip_lib.IsalError)  # its stubs call the class an instance
_DRAINED = 16  # times the limit that is read and thrown away, so that the client hears the answer
_AGAIN = {429: b"5", 503: b"1"}  # seconds after which a client may come again
_STATUS: tuple[tuple[type[VolanoError], int], ...] = (
    (TooLarge, 413),
    (NotFound, 404),
    (NotAllowed, 401),
    (Behind, 429),
    (TooFast, 429),
    (Busy, 503),
    (BrokenHome, 503),
)


class WrongMethod(VolanoError):
    """The path is there, but not for this method (405)."""

    code = "wrong_method"

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class WrongOrigin(NotAllowed):
    """A page of this origin may not send events (403)."""

    code = "wrong_origin"


class NoKey(NotAllowed):
    """No key that is good came with the request (401); `challenge` says what would do (RFC 6750 §3)."""

    def __init__(self, message: str, code: str, *, challenge: str = "Bearer") -> None:
        super().__init__(message, code)
        self.challenge = challenge


class NoScope(NoKey):
    """The key is good, but not for this (403)."""


class Stalled(VolanoError):
    """The client stopped in the middle of its body (408)."""

    code = "stalled"


class Gone(Exception):
    """The client hung up before its request was complete: nobody waits for an answer."""


def header(scope: Scope, name: bytes) -> bytes:
    """The first value of a header (lower-case `name`), or nothing."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def credentials(scope: Scope) -> tuple[str, str]:
    """How a client says who it is: `basic` with the user name, or another kind with its token; else ""s."""
    kind, _, token = header(scope, b"authorization").partition(b" ")
    if kind.lower() != b"basic":
        return kind.lower().decode("latin-1"), token.strip().decode("latin-1")
    try:
        return "basic", b64decode(token.strip(), validate=True).decode().partition(":")[0]
    except (BadBase64, ValueError):
        return "basic", ""


def only(scope: Scope, *methods: str) -> None:
    """WrongMethod, unless the request comes with one of these."""
    if scope["method"] not in methods:
        told = f"{scope['path'][:100]} takes {methods[0]}, not {scope['method'][:20]}"
        raise WrongMethod(told, allow=", ".join([*methods, "OPTIONS"]))


async def body_of(receive: Receive, limit: int, *, share: Share | None = None) -> bytes:
    """The body as it came; more than `limit` bytes raise TooLarge, a client that hangs up raises Gone.

    One that is not whole within the seconds of its `share` raises Stalled, one for which that has no room
    Busy; what came of it is let go. Without `share` it may always have its `limit`.
    """
    share = share or Room(limit).alone()
    try:
        async with asyncio.timeout(share.seconds):
            return await _whole(receive, limit, share)
    except TimeoutError as error:
        raise Stalled(f"the body did not come within {share.seconds:g} seconds: send it again") from error


async def _whole(receive: Receive, limit: int, share: Share) -> bytes:
    chunks: list[bytes] = []
    full: Busy | None = None
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        full = full or _refused(share, size if size <= limit else 0)
        if size <= limit and full is None:
            chunks.append(chunk)
        else:
            chunks.clear()
        if not message.get("more_body") or size > limit * _DRAINED:
            break
    if size > limit:
        raise TooLarge(f"the body is more than {limit:,} bytes: send smaller batches")
    if full is not None:
        raise full
    return b"".join(chunks)


def _refused(share: Share, size: int) -> Busy | None:
    """Why there is no room for so many bytes; nothing is held then."""
    try:
        share.hold(size)
    except Busy as error:
        share.hold(0)
        return error
    return None


def is_gzip(body: bytes) -> bool:
    """Whether a body begins as gzip does. No header is asked: some proxies unpack and leave it."""
    return body[:2] == b"\x1f\x8b"


def inflated(body: bytes, limit: int) -> bytes:
    """The body unpacked if it is gzip; a bomb stops at `limit` (TooLarge)."""
    if not is_gzip(body):
        return body
    stream = isal_zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        whole = stream.decompress(body, limit + 1)
    except _BrokenGzip as error:
        raise BadBody(f"the gzip is broken: {error}", "broken_gzip") from error
    if len(whole) > limit:
        raise TooLarge(f"the body is more than {limit:,} bytes when unpacked: send smaller batches")
    if not stream.eof:
        raise BadBody("the gzip is broken: it ends too early", "broken_gzip")
    if stream.unused_data:  # a second stream would be lost
        raise BadBody("the gzip is broken: something comes after its end", "broken_gzip")
    return bytes(whole)


def status_of(error: VolanoError) -> int:
    """The HTTP status for an error of the house: 400 for what came in badly."""
    for kind, status in ((WrongMethod, 405), (WrongOrigin, 403), (NoScope, 403), (Stalled, 408), *_STATUS):
        if isinstance(error, kind):
            return status
    return 400


async def answer(
    send: Send,
    status: int,
    body: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    kind: bytes = b"application/json",
) -> None:
    """One whole answer; `kind` is its content type."""
    head = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def answer_error(send: Send, error: VolanoError, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """`{"code", "message"}` with the status of the error; 429 and 503 say when to come again."""
    status = status_of(error)
    body = msgspec.json.encode({"code": error.code, "message": error.message})
    more = [(b"retry-after", _AGAIN[status])] if status in _AGAIN else []
    if isinstance(error, TooFast):
        more = [(b"retry-after", str(error.seconds).encode())]
    if isinstance(error, NoKey):
        more = [(b"www-authenticate", error.challenge.encode())]
    if isinstance(error, Stalled):
        more = [(b"connection", b"close")]
    if isinstance(error, WrongMethod):
        more = [(b"allow", error.allow.encode())]
    await answer(send, status, body, [*headers, *more])


async def guarded(
    app: Callable[[], Awaitable[None]], send: Send, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Runs `app` and answers its errors in words; an unforeseen one is told to the log, not to the client."""
    try:
        await app()
    except VolanoError as error:
        await answer_error(send, error, headers)
    except Gone:
        return
    except Exception:  # noqa: BLE001 - the edge: nothing that breaks inside may show a traceback outside
        traceback.print_exc(file=sys.stderr)
        body = b'{"code":"error","message":"something broke on our side: look at the server\'s log"}'
        await answer(send, 500, body, headers)


def cors(scope: Scope, origins: str) -> Headers:
    """The CORS headers for this request; none without an Origin; WrongOrigin when it is not allowed.

    `origins` is space-separated, with `*` for every page. Credentials are allowed, so Origin is echoed.
    """
    origin = header(scope, b"origin")
    if not origin:
        return []
    check_origin(origin, origins)
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    ]


def check_origin(origin: bytes, origins: str) -> None:
    """WrongOrigin when a page of `origin` may not send; no origin at all is no page."""
    told = origin.decode("latin-1")
    allowed = origins.split()
    if origin and "*" not in allowed and told not in allowed:
        raise WrongOrigin(
            f"pages of {told[:100]} may not send events: add it to VOLANO_ORIGINS, or to the source "
            "with `volano sources change KEY --origins`"
        )


async def answer_preflight(scope: Scope, send: Send, headers: Headers) -> None:
    """What a browser asks before it sends: the requested headers are echoed, good for a day."""
    wanted = header(scope, b"access-control-request-headers") or b"*"
    await answer(
        send,
        200,
        b"{}",
        [
            *headers,
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", wanted),
            (b"access-control-max-age", b"86400"),
        ],
    )
