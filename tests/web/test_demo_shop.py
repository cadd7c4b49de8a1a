"""The demo's shop: open, strict, and only in front of its own paths."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from volano.web.asgi import Receive, Scope, Send, answer
from volano.web.demo_shop import ROOT, with_shop


async def behind(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, 418)


def get(path: str) -> httpx.Response:
    app: Any = with_shop(behind, 'wk_"><script>')

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop"
        ) as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.mark.parametrize("page", ["", "/product?product=mug", "/basket?product=mug", "/checkout", "/thanks"])
def test_every_page_bears_the_tag_and_a_strict_policy(page: str) -> None:
    answered = get(ROOT + page)
    assert answered.status_code == 200
    assert 'src="/t.js"' in answered.text
    assert "default-src 'self'" in answered.headers["content-security-policy"]
    assert "<script>" not in answered.text.split("data-key=")[1].split(">")[0]


def test_what_is_not_there_says_so_and_other_paths_pass() -> None:
    assert get(f"{ROOT}/nothing").status_code == 404
    assert get(f"{ROOT}/product?product=../../etc").status_code == 404
    assert get("/").status_code == 418
    assert get("/demo-shops").status_code == 418
