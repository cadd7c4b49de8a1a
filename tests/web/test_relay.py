"""Who asks is known behind a worker too, and nobody can pretend to be one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.web.door import Door
from volano.testing.profiles_memory import MemoryProfiles
from volano.web.relay import behind_workers, worker_app


def asked(*signs: bytes) -> Any:
    """The scope that the first process sees when a request comes with these signs."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    headers = [(b"host", b"shop.example"), *((b"x-volano-relay", sign) for sign in signs)]
    scope = {"type": "http", "client": ("127.0.0.1", 4711), "headers": headers}
    asyncio.run(behind_workers(app, "secret")(scope, None, None))  # type: ignore[arg-type]
    return seen[0]


def test_a_worker_says_who_asks() -> None:
    assert asked(b"secret 2001:db8::7 99")["client"] == ("2001:db8::7", 99)


@pytest.mark.parametrize("sign", [b"guess 10.9.8.7 99", b"secret", b"", b"secret 10.9.8.7 many"])
def test_nobody_else_is_believed(sign: bytes) -> None:
    assert asked(sign)["client"] == ("127.0.0.1", 4711)
    assert asked()["client"] == ("127.0.0.1", 4711)


def test_the_secret_goes_no_further() -> None:
    assert asked(b"secret 10.9.8.7 99")["headers"] == [(b"host", b"shop.example")]


class Worker(Door):
    """A house of a worker."""

    profiles = MemoryProfiles()


def handed_on(raw_path: bytes, *, query: bytes = b"", path: str = "/x", hosts: int = 1) -> tuple[bytes, int]:
    """The first line that the first process hears of a request to a worker, and what the client is told."""
    heard: list[bytes] = [b""]
    told: list[int] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.insert(0, await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async def send(message: Any) -> None:
        told.append(message.get("status", 0))

    async def asked() -> None:
        server = await asyncio.start_server(hear, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        app = worker_app(Worker(), f"http://{host}:{port}", "secret")  # type: ignore[arg-type]
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": raw_path, "query_string": query}
        await app(scope | {"headers": [(b"host", b"x")] * hosts, "client": ("1.2.3.4", 5)}, None, send)  # type: ignore[arg-type]
        server.close()

    asyncio.run(asked())
    return heard[0].partition(b"\r\n")[0], told[0]


@pytest.mark.parametrize(
    "path", [b"*", b"//elsewhere.example/x", b"/people/../settings", b"/%2e%2e/x", b"/a\\b|c", b"/%zz"]
)
def test_a_worker_hands_paths_on_as_they_came(path: bytes) -> None:
    assert handed_on(path) == (b"GET " + path + b" HTTP/1.1", 200)
    assert handed_on(path, query=b"a=%00&b=[") == (b"GET " + path + b"?a=%00&b=[ HTTP/1.1", 200)


def test_a_request_that_is_not_http_is_told_so_and_not_handed_on() -> None:
    assert handed_on(b"/x", hosts=2) == (b"", 400)
