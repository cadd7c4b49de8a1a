"""What comes before a body is bounded in size and in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from uvicorn.server import ServerState

from volano.cli.heads import HEAD_LIMIT, Impatient
from volano.cli.listening import configured

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers 200 once the body has come, as most do."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Hasty(Impatient):
    """Waits for a moment only."""

    seconds = 0.05


def answered(*parts: bytes, protocol: type[Impatient] = Impatient) -> bytes:
    """All that comes back for these bytes, sent one after the other, until the server closes."""

    async def asked() -> bytes:
        config = configured(app)
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: protocol(config, ServerState(), {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()
            server.close()

    return asyncio.run(asked())


def test_the_server_is_set_up_with_it() -> None:
    config = configured(app)
    config.load()
    assert config.http_protocol_class is Impatient
    assert config.ws_protocol_class is None


@pytest.mark.parametrize(
    "parts",
    [
        (b"GET /" + b"a" * (HEAD_LIMIT + 9),),
        (ASK + b"x: " + b"a" * (HEAD_LIMIT + 9),),
        (ASK, *[b"x: " + b"a" * 900 + b"\r\n"] * (HEAD_LIMIT // 900 + 9)),
    ],
    ids=["line", "header", "headers"],
)
def test_a_head_without_end_is_told_431_and_hung_up_on(parts: tuple[bytes, ...]) -> None:
    told = answered(*parts)
    assert not told or (told.startswith(b"HTTP/1.1 431 ") and b'"code":"head_too_large"' in told)


def test_trailers_without_end_are_hung_up_on() -> None:
    post = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    assert answered(post, b"x: ", *[b"a" * HEAD_LIMIT] * 20) == b""


def test_large_bodies_and_many_requests_on_one_connection_are_answered() -> None:
    post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n" + b"a" * 300_000
    chunked = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 30_000
    many = (ASK + b"\r\n") * 5_000
    last = ASK + b"connection: close\r\n\r\n"
    told = answered(post, chunked + b"0\r\n\r\n", many, last)
    assert told.count(b"HTTP/1.1 200 ") == 5_003


@pytest.mark.parametrize("before", [b"", ASK + b"\r\n"], ids=["at first", "later"])
def test_a_head_that_does_not_come_is_told_408_and_hung_up_on(before: bytes) -> None:
    told = answered(before + ASK, protocol=Hasty)
    assert b"HTTP/1.1 408 " in told
    assert told.count(b"HTTP/1.1 200 ") == bool(before)


def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    assert answered(protocol=Hasty) == b""
