"""The hot way in: requests of any known client to the journal, answered once they are on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec

from volano.domain.event import Intake, Refusal
from volano.errors import NotAllowed, NotFound, TooFast
from volano.ports import Journal, State
from volano.settings import Settings
from volano.web import configurations, openapi
from volano.web.asgi import (
    OK,
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
    credentials,
    guarded,
    header,
    inflated,
    is_gzip,
    only,
)
from volano.web.configurations import Asker, Configuration
from volano.web.formats import posthog
from volano.web.formats.addresses import Geo, of_a_device
from volano.web.formats.format import SWALLOWED, Format, Request
from volano.web.formats.known import BY_PATH
from volano.web.pace import Pace
from volano.web.repeats import Repeats
from volano.web.room import Room, Share
from volano.web.write_keys import WriteKeys

INLINE_LIMIT = 64 * 1024  # bytes; a larger body is read in a thread, so that nobody waits for it
PACKED_INLINE_LIMIT = 16 * 1024  # bytes; the same for a packed one
AGENT_LIMIT = 400  # characters of a User-Agent that are kept
_PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

R = TypeVar("R")


class Door(Protocol):
    """What the intake needs of the house; `geo` tells the country of an address, where it is there."""

    @property
    def settings(self) -> Settings: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def state(self) -> State: ...

    @property
    def geo(self) -> Geo | None: ...


def is_intake(path: str) -> bool:
    """Whether `intake_app` answers this path."""
    bare = path.rstrip("/")
    return bare in BY_PATH or bare == openapi.PATH or configurations.asked(bare) is not None


def intake_app(
    house: Door, clock: Callable[[], int] = lambda: time.time_ns() // 1000, room: Room | None = None
) -> Asgi:
    """The ASGI callable for every path that `is_intake` names; `clock` gives UTC µs.

    `room` is for the bodies of all its requests together.
    """
    pace = Pace(house.settings.key_rate, house.settings.key_burst)
    keys, room = WriteKeys(house.state, pace), room or Room()
    door = _Doorway(house, keys, Repeats(house.settings.repeats_known))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = []
        path = scope["path"].rstrip("/")
        form = BY_PATH.get(path)

        async def respond() -> None:
            now = clock()
            headers.extend(cors(scope, keys.origins(house.settings.origins, now)))
            if scope["method"] == "OPTIONS":
                return await answer_preflight(scope, send, headers)
            if form is None:
                return await _configure(house, keys, now, (scope, receive, send), headers, share)
            return await _Take(door, form, path, scope).respond(now, (receive, send), headers, share)

        with room.share() as share:
            await guarded(respond, send, headers)

    return app


class _Doorway(NamedTuple):
    """What all requests with events have in common."""

    house: Door
    keys: WriteKeys
    repeats: Repeats


class _Framed(NamedTuple):
    """What of a body goes to the journal (empty: nothing), with the marks of its events.

    Also how many events came, and what was refused.
    """

    frame: bytes
    marks: list[int]
    came: int
    refused: list[Refusal]


class _Take:
    """One request with events."""

    def __init__(self, door: _Doorway, form: Format, path: str, scope: Scope) -> None:
        self._house, self._keys, self._repeats = door
        self._form, self._scope = form, scope
        self._call = form.calls[path]
        self._pixel = scope["method"] in ("GET", "HEAD") and path in form.pixel
        self._methods = ("POST", "GET", "HEAD") if path in form.pixel else ("POST",)
        self._query = scope.get("query_string", b"").decode("latin-1")
        self._write_key = ""

    async def respond(self, now: int, wire: tuple[Receive, Send], headers: Headers, share: Share) -> None:
        """Answers once the events that were kept, and the refusals, are on the disk."""
        only(self._scope, *self._methods)
        receive, send = wire
        body = b"" if self._pixel else await body_of(receive, self._form.body_limit, share=share)
        asks_only = self._call == SWALLOWED or self._scope["method"] == "HEAD"
        refused = [] if asks_only else await self._taken(body, now, share)
        if self._pixel:
            return await answer(send, 200, _PIXEL, headers, b"image/gif")
        return await answer(send, 200, _told(refused), headers)

    async def _taken(self, body: bytes, now: int, share: Share) -> list[Refusal]:
        """What was refused; the rest is on the disk."""
        form = self._form
        self._write_key = given_key(self._scope, form)
        source = self._source(now) if self._write_key else ""
        apart = len(body) > (PACKED_INLINE_LIMIT if is_gzip(body) else INLINE_LIMIT)
        body = await _worked(partial(self._plain, body), apart=apart)
        share.hold(len(body))
        apart = len(body) > INLINE_LIMIT
        if not source:
            self._write_key = await _worked(partial(form.write_key, body), apart=apart)
            source = self._source(now)
        found = await _worked(partial(self._framed, body, source, now), apart=apart)
        self._keys.pace.spend(self._write_key, found.came, len(found.frame))
        if found.frame:
            await self._house.journal.append(found.frame)
            self._repeats.keep(found.marks)  # and not before: what is not on the disk may come again
        return found.refused

    def _plain(self, body: bytes) -> bytes:
        return self._form.unwrapped(inflated(body, self._form.body_limit), self._query)

    def _source(self, now: int) -> str:
        """The key of the source of the write key.

        NotAllowed when there is none, WrongOrigin when this page may not use it, TooFast when it must wait.
        """
        sender = self._keys.sender(self._write_key, now)
        check_origin(header(self._scope, b"origin"), sender.origins or self._house.settings.origins)
        self._keys.pace.admit(self._write_key, now)
        return sender.source

    def _framed(self, body: bytes, source: str, now: int) -> _Framed:
        agent = header(self._scope, b"user-agent")
        told, geo = agent[:AGENT_LIMIT].decode("latin-1"), self._house.geo
        request = Request(
            call=self._call,
            received_at=now,
            new_id=lambda: str(uuid4()),
            query=self._query,
            agent=told,
            geo=geo,
        )
        kept, refused = self._form.decoded(body, request)
        fresh, marks = self._repeats.fresh(source, kept)
        count = len(kept) + len(refused)
        away = self._keys.pace.told_away(self._write_key)
        if not (count or away):
            return _Framed(b"", [], count, refused)
        peer = self._scope.get("client")
        intake = Intake(
            source=source,
            received_at=now,
            events=fresh,
            refusals=[*refused, *([_too_fast(count, away)] if away else [])],
            user_agent=told,
            country=geo(peer[0]) if geo and peer and of_a_device(agent) else "",
            repeats=len(kept) - len(fresh),
        )
        return _Framed(msgspec.msgpack.encode(intake), marks, count, refused)


def _too_fast(index: int, away: int) -> Refusal:
    """What the quarantine tells of requests that were answered 429: what they held is not known."""
    told = f"{away:,} requests with this write key were answered 429: it brought more than it may"
    return Refusal(index=index, code=TooFast.code, message=told)


async def _worked(work: Callable[[], R], *, apart: bool) -> R:
    """What `work` returns; `apart`: worked out in a thread."""
    return await asyncio.to_thread(work) if apart else work()


def _told(refused: list[Refusal]) -> bytes:
    if not refused:
        return OK
    entries = [{"index": one.index, "code": one.code, "message": one.message} for one in refused]
    return msgspec.json.encode({"success": True, "quarantined": entries})


async def _configure(
    house: Door, keys: WriteKeys, now: int, wire: tuple[Scope, Receive, Send], headers: Headers, share: Share
) -> None:
    """What clients ask before they send, and the description of this interface."""
    scope, receive, send = wire
    path = scope["path"].rstrip("/")
    found = configurations.asked(path)
    if found is None:
        only(scope, "GET", "HEAD")
        return await answer(send, 200, openapi.document(), headers)
    question, key = found
    only(scope, *(("POST",) if question.method == "POST" else ("GET", "HEAD")))
    asker = _asker(
        house, keys, now, scope, key or await _asked_key(question, scope, receive, share), bool(key)
    )
    return await answer(send, 200, question.answer(asker), headers, question.kind)


async def _asked_key(question: Configuration, scope: Scope, receive: Receive, share: Share) -> str:
    """The write key of a question that does not hold it in its path."""
    told = given_key(scope, posthog.FORMAT if question.method == "POST" else None)
    if told or question.method != "POST":
        return told
    limit = configurations.BODY_LIMIT
    body = await body_of(receive, limit, share=share)
    query = scope.get("query_string", b"").decode("latin-1")
    return posthog.asked_key(posthog.unwrapped(inflated(body, limit), query))


def _asker(house: Door, keys: WriteKeys, now: int, scope: Scope, write_key: str, in_path: bool) -> Asker:
    try:
        source = keys.source(write_key, now)
    except NotAllowed as error:
        if in_path:
            raise NotFound(f"there is no source with the write key {write_key[:60]!r}", error.code) from error
        raise
    return Asker(
        write_key=write_key,
        source=source,
        host=header(scope, b"host").decode("latin-1"),
        protocol="https" if house.settings.secure_cookies else scope.get("scheme", "http"),
    )


def given_key(scope: Scope, form: Format | None = None) -> str:
    """The write key: user name of Basic auth, bearer token where the format has them, or in the query."""
    kind, told = credentials(scope)
    if kind == "basic" and told:
        return told
    if kind == "bearer" and form is not None and form.bearer:
        return told
    query = scope.get("query_string", b"")
    if not query:
        return ""
    asked = parse_qs(query.decode("latin-1"))
    return next((asked[name][0] for name in (form.key_names if form else ("writeKey",)) if name in asked), "")
