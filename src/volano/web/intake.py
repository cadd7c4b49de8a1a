"""The hot way in: Segment-shaped requests to the journal, answered once they are on the disk."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, unquote
from uuid import uuid4

import msgspec

from volano.domain.account import Source
from volano.domain.event import Intake, Kind, Refusal
from volano.errors import NotAllowed, NotFound, VolanoError
from volano.ports import Journal, State
from volano.settings import Settings
from volano.web.asgi import (
    OK,
    Asgi,
    Receive,
    Scope,
    Send,
    WrongMethod,
    answer,
    answer_error,
    answer_preflight,
    body_of,
    cors,
    guarded,
    header,
    inflated,
)
from volano.web.formats import segment

BODY_LIMIT = 4 * 1024 * 1024  # bytes, packed and unpacked
INLINE_LIMIT = 64 * 1024  # bytes; a larger body is read in a thread, so that nobody waits for it
REFRESH = 1_000_000  # µs after which the write keys are read again

PATHS: dict[str, Kind | None] = {  # None: a batch
    **dict.fromkeys(("/v1/batch", "/v1/b", "/beacon/v1/batch"), None),
    **dict.fromkeys(("/v1/track", "/v1/t"), "track"),
    **dict.fromkeys(("/v1/identify", "/v1/i"), "identify"),
    **dict.fromkeys(("/v1/page", "/v1/p"), "page"),
    **dict.fromkeys(("/v1/screen", "/v1/s"), "screen"),
    **dict.fromkeys(("/v1/group", "/v1/g"), "group"),
    **dict.fromkeys(("/v1/alias", "/v1/a"), "alias"),
}
_SETTINGS = ("/v1/projects/", "/settings")

R = TypeVar("R")


class Door(Protocol):
    """What the intake needs of the house."""

    @property
    def settings(self) -> Settings: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def state(self) -> State: ...


class WriteKeys:
    """The write keys in memory: read again after a second, and at once for a key not yet known."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._read_at = -REFRESH
        self._keys: dict[str, str] = {}

    def source(self, write_key: str, now: int) -> str:
        """The key of the source behind a write key; NotAllowed when there is none."""
        if now - self._read_at >= REFRESH or write_key not in self._keys:
            self._keys = {source.write_key: source.key for source in self._state.find(Source)}
            self._read_at = now
        found = self._keys.get(write_key)
        if found is None:
            told = f"the write key {write_key[:60]!r} is unknown" if write_key else "there is no write key"
            raise NotAllowed(
                f"{told}: give one as the user name of Basic auth, or as writeKey in the body or the query",
                "unknown_write_key" if write_key else "no_write_key",
            )
        return found


def is_intake(path: str) -> bool:
    """Whether `intake_app` answers this path."""
    bare = path.rstrip("/")
    return bare in PATHS or bare == "/sourceConfig" or _project(bare) is not None


def intake_app(house: Door, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> Asgi:
    """The ASGI callable for every path that `is_intake` names; `clock` gives UTC µs."""
    keys = WriteKeys(house.state)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = cors(scope, house.settings.origins)
        except VolanoError as error:
            return await answer_error(send, error)
        path = scope["path"].rstrip("/")
        if scope["method"] == "OPTIONS":
            return await answer_preflight(scope, send, headers)

        async def respond() -> None:
            if path in PATHS:
                body = await _take(house, keys, clock(), scope, receive)
            else:
                body = _configuration(house, keys, clock(), scope)
            await answer(send, 200, body, headers)

        return await guarded(respond, send, headers)

    return app


async def _take(house: Door, keys: WriteKeys, now: int, scope: Scope, receive: Receive) -> bytes:
    """The answer to events, once those that were kept and the refusals are on the disk."""
    _only(scope, "POST")
    kind = PATHS[scope["path"].rstrip("/")]
    body = await body_of(receive, BODY_LIMIT)
    write_key = _given_key(scope)
    source = keys.source(write_key, now) if write_key else ""
    gzipped = header(scope, b"content-encoding") == b"gzip"
    body = inflated(body, gzipped=gzipped, limit=BODY_LIMIT)
    large = len(body) > INLINE_LIMIT
    if not source:
        source = keys.source(await _worked(partial(segment.write_key, body), apart=large), now)
    frame, refused = await _worked(partial(_frame, body, kind, source, now), apart=large)
    if frame:
        await house.journal.append(frame)
    return _told(refused)


async def _worked(work: Callable[[], R], *, apart: bool) -> R:
    """What `work` returns; `apart`: worked out in a thread."""
    return await asyncio.to_thread(work) if apart else work()


def _frame(body: bytes, kind: Kind | None, source: str, now: int) -> tuple[bytes, list[Refusal]]:
    """What of a body goes to the journal (empty when it holds no event), and what was refused."""
    envelope = segment.opened(body, kind)
    kept, refused = segment.events(envelope, kind, received_at=now, new_id=lambda: str(uuid4()))
    if not (kept or refused):
        return b"", refused
    intake = Intake(source=source, received_at=now, events=kept, refusals=refused)
    return msgspec.msgpack.encode(intake), refused


def _told(refused: list[Refusal]) -> bytes:
    if not refused:
        return OK
    entries = [{"index": one.index, "code": one.code, "message": one.message} for one in refused]
    return msgspec.json.encode({"success": True, "quarantined": entries})


def _configuration(house: Door, keys: WriteKeys, now: int, scope: Scope) -> bytes:
    """What browser clients ask first: empty integrations would send their events to the vendor."""
    _only(scope, "GET", "HEAD")
    project = _project(scope["path"].rstrip("/"))
    if project is None:
        write_key = _given_key(scope)
        about = {"id": keys.source(write_key, now), "writeKey": write_key, "enabled": True}
        return msgspec.json.encode({"source": {**about, "config": {}, "destinations": []}})
    try:
        keys.source(project, now)
    except NotAllowed as error:
        raise NotFound(f"there is no source with the write key {project[:60]!r}", error.code) from error
    host = header(scope, b"host").decode("latin-1")
    protocol = "https" if house.settings.secure_cookies else scope.get("scheme", "http")
    ours = {"apiKey": project, "apiHost": f"{host}/v1", "protocol": protocol}
    return msgspec.json.encode({"integrations": {"Segment.io": ours}})


def _only(scope: Scope, *methods: str) -> None:
    if scope["method"] not in methods:
        told = f"{scope['path'][:100]} takes {methods[0]}, not {scope['method'][:20]}"
        raise WrongMethod(told, allow=", ".join([*methods, "OPTIONS"]))


def _project(path: str) -> str | None:
    """The write key in `/v1/projects/<key>/settings`."""
    head, tail = _SETTINGS
    if not (path.startswith(head) and path.endswith(tail)):
        return None
    key = path[len(head) : -len(tail)]
    return unquote(key) if key and "/" not in key else None


def _given_key(scope: Scope) -> str:
    """The write key of Basic auth (its user name) or of the query, or nothing."""
    kind, _, token = header(scope, b"authorization").partition(b" ")
    if kind.lower() == b"basic":
        try:
            name = b64decode(token.strip(), validate=True).decode().partition(":")[0]
        except (BadBase64, ValueError):
            name = ""
        if name:
            return name
    query = scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get("writeKey", [""])[0] if b"writeKey" in query else ""
