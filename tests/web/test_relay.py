"""Who asks is known behind a worker too, and nobody can pretend to be one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from volano.web.relay import behind_workers


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
